//! The bounds of the Kafka sources.

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// What every Kafka source and publisher of this host keeps to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What `{host}` in a trigger's `member` stands for; an identity that changes with every start, when absent.
    pub host_name: Option<String>,
    /// How long the brokers are given to answer when a source is opened.
    pub connect: Millis,
    /// After which silence a group takes a host for dead.
    pub session_timeout: Millis,
    /// How often a host tells its groups that it lives.
    pub heartbeat: Millis,
    /// How long a source that gives a partition away waits for what is in flight there.
    pub drain: Millis,
    /// How often settled offsets are committed: what a crash may repeat.
    pub commit_every: Millis,
    /// How often it is looked whether topics came or went.
    pub metadata_refresh: Millis,
    /// How often the lag is measured.
    pub statistics: Millis,
    /// How many bytes of a partition are fetched ahead.
    pub prefetch: ByteSize,
    /// With `order = "key"`, how many calls at once are made with records of one partition, retries apart.
    pub key_calls: u32,
    /// How long an output waits for others to share its way.
    pub linger: Millis,
    /// How outputs are compressed: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression: Compression,
    /// The largest output, its key and headers included.
    pub max_message: ByteSize,
    /// How many bytes of outputs one producer holds that are not confirmed.
    pub outgoing: ByteSize,
    /// How long an output may take to be confirmed.
    pub delivery_timeout: Millis,
    /// How long a transaction may take; for as long the outputs of a host that crashed may hide those of others.
    pub transaction_timeout: Millis,
    /// How often a transaction that failed is tried again before the source is opened anew.
    pub transaction_attempts: u32,
    /// How many producers are kept open for functions that publish.
    pub publishers: u32,
}

/// How outputs are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By gzip.
    Gzip,
    /// By Snappy.
    Snappy,
    /// By LZ4.
    Lz4,
    /// By Zstandard.
    Zstd,
}

impl Compression {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host_name: None,
            connect: Millis(10_000),
            session_timeout: Millis(45_000),
            heartbeat: Millis(3_000),
            drain: Millis(10_000),
            commit_every: Millis(100),
            metadata_refresh: Millis(30_000),
            statistics: Millis(5_000),
            prefetch: ByteSize(16 << 20),
            key_calls: 8,
            linger: Millis(1),
            compression: Compression::None,
            max_message: ByteSize(1_000_000),
            outgoing: ByteSize(64 << 20),
            delivery_timeout: Millis(30_000),
            transaction_timeout: Millis(10_000),
            transaction_attempts: 5,
            publishers: 16,
        }
    }
}
