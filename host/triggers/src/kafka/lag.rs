//! What librdkafka's statistics say of how far behind a source is.

use std::collections::HashMap;

use serde::Deserialize;

/// The statistics, as far as they are wanted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    topics: HashMap<String, Topic>,
}

#[derive(Debug, Deserialize)]
struct Broker {
    state: String,
}

#[derive(Debug, Deserialize)]
struct Topic {
    partitions: HashMap<String, Partition>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Partition {
    /// The offset after the last record that may be read.
    ls_offset: i64,
    hi_offset: i64,
    committed_offset: i64,
    next_offset: i64,
}

impl Statistics {
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Whether any broker answers.
    pub(super) fn is_connected(&self) -> bool {
        self.brokers.values().any(|it| it.state == "UP")
    }

    /// How many records of a partition wait, when those before `settled` are done; negative for nobody knows.
    pub(super) fn lag(&self, topic: &str, partition: i32, settled: i64) -> Option<u64> {
        let it = self.topics.get(topic)?.partitions.get(&partition.to_string())?;
        let end = if it.ls_offset >= 0 { it.ls_offset } else { it.hi_offset };
        let places = [settled, it.committed_offset, it.next_offset];
        let place = places.into_iter().find(|place| *place >= 0)?;
        u64::try_from(end.saturating_sub(place).max(0)).ok().filter(|_| end >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_what_lies_beyond_the_settled_or_the_committed() {
        let json = br#"{"ts":1,"brokers":{"a:1/1":{"state":"UP","x":1}},"topics":{"t":{"age":1,"partitions":{
            "0":{"ls_offset":10,"hi_offset":12,"committed_offset":4,"next_offset":9},
            "1":{"ls_offset":-1001,"hi_offset":-1001,"committed_offset":-1001,"next_offset":0},
            "-1":{"ls_offset":-1001,"hi_offset":-1001,"committed_offset":-1001,"next_offset":0}}}}}"#;
        let statistics = Statistics::parse(json).unwrap();
        assert!(statistics.is_connected());
        assert_eq!(statistics.lag("t", 0, 7), Some(3));
        assert_eq!(statistics.lag("t", 0, -1), Some(6));
        assert_eq!(statistics.lag("t", 0, 11), Some(0));
        assert_eq!((statistics.lag("t", 1, -1), statistics.lag("other", 0, 1)), (None, None));
        assert!(Statistics::parse(b"{").is_none());
        assert!(!Statistics::default().is_connected());
    }
}
