//! Where the store keeps things, and its bounds.

use std::{fmt, path::PathBuf};

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize, Serializer};

use crate::gc::Policy;

/// Where the store keeps things, and its bounds. Every queue and wait is here by name.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…`; SQLite in the data folder, when absent.
    #[serde(serialize_with = "masked", skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The data folder, for SQLite's file.
    pub data: PathBuf,
    /// How many connections to Postgres, or how many readers of SQLite beside its one writer.
    pub connections: u32,
    /// How long a connection or an answer is waited for.
    pub patience: Millis,
    /// How large SQLite's file may become; as large as its disk, when absent.
    pub max_size: Option<ByteSize>,
    /// How many call records may wait to be written, and as many log lines. What comes beyond is dropped and counted.
    pub record_queue: usize,
    /// How much memory call records may take that wait to be written, and as much log lines. What comes beyond is dropped
    /// and counted.
    pub record_memory: ByteSize,
    /// How many log lines a follower may lag behind before it misses some.
    pub follow_queue: usize,
    /// How long call records and log lines are kept; for ever, when absent.
    pub keep_records: Option<Millis>,
    /// How long events that were given up are kept; for ever, when absent.
    pub keep_letters: Option<Millis>,
    /// How many events that were given up are kept of one project; beyond, the oldest go.
    pub most_letters: u64,
    /// How many bytes of events that were given up are kept of one project; beyond, the oldest go.
    pub letters_size: ByteSize,
    /// How long events of the platform are kept, whether or not somebody took them; for ever, when absent.
    pub keep_events: Option<Millis>,
    /// How long runs are kept that did no more than hand an event to a function; for ever, when absent. One with the
    /// label `keep` stays.
    pub keep_woken: Option<Millis>,
    /// How long totals of calls are kept by the second; older ones are added up by the minute.
    pub totals_by_second: Millis,
    /// How long totals of calls are kept by the minute; older ones are added up by the hour, and stay.
    pub totals_by_minute: Millis,
    /// Where the bytes of artifacts lie: `s3://bucket/prefix`, `gs://…`, `az://…` or `file:///folder`; the folder
    /// `artifacts` of the data folder, when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<String>,
    /// How much of an object store's bytes is kept as copies on this machine's disk.
    pub cache: ByteSize,
    /// What `gc` keeps.
    pub gc: Policy,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            data: PathBuf::from(".weft"),
            connections: 8,
            patience: Millis(5_000),
            max_size: None,
            record_queue: 16_384,
            record_memory: ByteSize(32 << 20),
            follow_queue: 1_024,
            keep_records: Some(Millis(30 * 86_400_000)),
            keep_letters: Some(Millis(30 * 86_400_000)),
            most_letters: 100_000,
            letters_size: ByteSize(1 << 30),
            keep_events: Some(Millis(30 * 86_400_000)),
            keep_woken: Some(Millis(7 * 86_400_000)),
            totals_by_second: Millis(86_400_000),
            totals_by_minute: Millis(30 * 86_400_000),
            artifacts: None,
            cache: ByteSize(10 << 30),
            gc: Policy::default(),
        }
    }
}

impl Config {
    /// SQLite in a data folder, everything else as usual.
    #[must_use]
    pub fn sqlite(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// Postgres, everything else as usual.
    #[must_use]
    pub fn postgres(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::default() }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.url.as_deref().map(mask))
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// Hides the password of a URL.
pub(crate) fn mask(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "…".into() };
    let (authority, path) =
        rest.split_once('/').map_or((rest, String::new()), |(authority, path)| (authority, format!("/{path}")));
    // Parameters may hold a password, too.
    let path = path.split('?').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}:…@{host}{path}", user.split(':').next().unwrap_or_default()),
        None => format!("{scheme}://{authority}{path}"),
    }
}

fn masked<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_deref().map(mask).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(mask("postgres://weft:secret@db:5432/weft?password=x"), "postgres://weft:…@db:5432/weft");
        assert_eq!(mask("postgres://db/weft"), "postgres://db/weft");
        let config = Config::postgres("postgres://weft:secret@db/weft");
        assert!(!format!("{config:?}").contains("secret"));
        assert!(!serde_json::to_string(&config).unwrap().contains("secret"));
    }
}
