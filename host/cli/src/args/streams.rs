//! The options of `fn models streams`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum StreamsCommand {
    /// Read a topic or a queue whose messages are models; each is put in force as it comes.
    Add(Box<StreamsAddArgs>),
    /// List model streams.
    List,
    /// Show a model stream.
    Show(StreamArgs),
    /// Read a stream no more. The models it brought stay.
    Remove(StreamArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StreamsAddArgs {
    /// The stream's name.
    pub(crate) name: String,
    /// Brokers of a Kafka cluster.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', requires = "topic", group = "where")]
    pub(crate) kafka: Vec<String>,
    /// The topics; one that begins with ^ is a pattern.
    #[arg(long, value_name = "TOPIC", value_delimiter = ',', requires = "kafka")]
    pub(crate) topic: Vec<String>,
    /// The consumer group; one of the stream's own, when absent.
    #[arg(long, requires = "kafka")]
    pub(crate) group: Option<String>,
    /// The address of an AMQP server, without user and password.
    #[arg(long, value_name = "URL", requires = "queue", group = "where")]
    pub(crate) amqp: Option<String>,
    /// The queue.
    #[arg(long, requires = "amqp")]
    pub(crate) queue: Option<String>,
    /// The user at the AMQP server.
    #[arg(long, requires = "amqp")]
    pub(crate) username: Option<String>,
    /// The secret of the project that holds the user's password.
    #[arg(long, value_name = "SECRET", requires = "username")]
    pub(crate) password: Option<String>,
    /// What to read as a file: the keys of a kafka or amqp trigger in TOML, for TLS and all the rest.
    #[arg(long, value_name = "FILE", group = "where")]
    pub(crate) from: Option<PathBuf>,
    /// The alias that each model is put in force under.
    #[arg(long, default_value = "production")]
    pub(crate) alias: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StreamArgs {
    /// The stream's name.
    pub(crate) name: String,
}
