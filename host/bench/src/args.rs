//! The command line of `host-bench`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::subject::{Selected, Subject};

/// Measures Weft beside bare axum and tells the ratio.
#[derive(Debug, Parser)]
#[command(name = "host-bench", version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) bench: BenchArgs,
}

/// The processes that the benchmarks start beside a host.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Be the baseline: bare axum that answers 13 bytes.
    ServeAxum(ServeArgs),
    /// Load one address and say how it went, as JSON.
    Load(LoadArgs),
    /// Be the baseline of Kafka: a loop that moves records from one topic to another.
    BridgeKafka(BridgeArgs),
    /// Be the baseline of AMQP: a loop that moves messages from one queue to another.
    BridgeAmqp(BridgeAmqpArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BenchArgs {
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// How often each row is measured, the others in between.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// How long one row is loaded in one round.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// How many connections load a row, each with one request at a time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Measure only these: names, or what they begin with, such as `handler` for all `handler-…`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) only: Vec<Selected>,
    /// How many no-op steps a pipeline has.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) steps: u32,
    /// How many runs the journal holds for runs-page.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// An empty Postgres database for pipeline-postgres and runs-page; what is measured stays in it.
    #[arg(long, value_name = "URL", env = "WEFT_TEST_POSTGRES", hide_env_values = true)]
    pub(crate) postgres: Option<String>,
    /// The Kafka broker for kafka-100 and kafka-1k; the topics that are made are taken away again.
    #[arg(long, value_name = "HOST:PORT", env = "WEFT_TEST_KAFKA")]
    pub(crate) kafka: Option<String>,
    /// The AMQP server for amqp-100 and amqp-1k, entered as guest.
    #[arg(long, value_name = "URL", env = "WEFT_TEST_AMQP", hide_env_values = true)]
    pub(crate) amqp: Option<String>,
    /// Write the results to this Markdown file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// The date that stands on the results; today, when absent.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<jiff::civil::Date>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// Answer the bytes of this file instead.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoadArgs {
    /// The address, such as `http://127.0.0.1:7070/hello`.
    pub(crate) url: http::Uri,
    /// How many connections, each with one request at a time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// How long.
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// The method.
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// A header field, as `name: value`.
    #[arg(long = "header", value_name = "FIELD")]
    pub(crate) headers: Vec<String>,
    /// The body.
    #[arg(long, default_value = "")]
    pub(crate) body: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BridgeAmqpArgs {
    /// The server.
    #[arg(long)]
    pub(crate) url: String,
    /// The queue that is read.
    #[arg(long)]
    pub(crate) from: String,
    /// The queue that is written.
    #[arg(long)]
    pub(crate) to: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BridgeArgs {
    /// The brokers, `host:port`.
    #[arg(long)]
    pub(crate) brokers: String,
    /// The topic that is read, from its beginning.
    #[arg(long)]
    pub(crate) from: String,
    /// The topic that is written.
    #[arg(long)]
    pub(crate) to: String,
    /// The consumer group.
    #[arg(long)]
    pub(crate) group: String,
}

impl BenchArgs {
    /// What is measured, in the order of the report.
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let wanted = |it: &Subject| self.only.is_empty() || self.only.iter().any(|some| some.0.contains(it));
        Subject::ALL.iter().copied().filter(wanted).collect()
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.05..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds from 0.05 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(only: &str) -> Vec<&'static str> {
        let args = Args::try_parse_from(["host-bench", "--only", only]).unwrap();
        args.bench.subjects().into_iter().map(Subject::name).collect()
    }

    #[test]
    fn a_beginning_stands_for_all_that_begin_so() {
        assert_eq!(subjects("cold-start,score"), ["score-infer", "score-predict", "cold-start"]);
        assert_eq!(subjects("axum"), ["axum", "axum-echo"]);
        assert!(Args::try_parse_from(["host-bench", "--only", "hand"]).is_err());
    }

    #[test]
    fn without_a_choice_all_is_measured() {
        let args = Args::try_parse_from(["host-bench"]).unwrap();
        assert_eq!(args.bench.subjects(), Subject::ALL);
    }
}
