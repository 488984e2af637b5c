//! Sizes and durations as people write them: `64MiB`, `30s`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// A number of bytes, written `512`, `64KiB`, `128MiB` or `4GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "String")]
pub struct ByteSize(pub u64);

/// A span of time in milliseconds, written `250ms`, `30s`, `5m`, `2h` or `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "String")]
pub struct Millis(pub u64);

/// A text that is not a size or a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSize {
    /// Not a number of bytes.
    #[error("`{0}` is not a size: write a number and B, KiB, MiB or GiB, such as 64MiB")]
    Bytes(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: write a number and ms, s, m, h or d, such as 30s")]
    Duration(String),
}

/// A number or a text, as manifests hold them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Number(u64),
    Text(String),
}

impl Text {
    fn into_string(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

const BYTE_UNITS: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1), ("", 1)];
const TIME_UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn write(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let named = units
        .iter()
        .filter(|(unit, factor)| !unit.is_empty() && value.is_multiple_of(*factor) && (value != 0 || *factor == 1));
    let (unit, factor) = named.max_by_key(|(_, factor)| *factor).copied().unwrap_or(("", 1));
    write!(f, "{}{unit}", value / factor)
}

impl FromStr for ByteSize {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, BYTE_UNITS).map(Self).ok_or_else(|| InvalidSize::Bytes(text.to_owned()))
    }
}

impl FromStr for Millis {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, TIME_UNITS).map(Self).ok_or_else(|| InvalidSize::Duration(text.to_owned()))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, BYTE_UNITS)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0, TIME_UNITS)
    }
}

impl Millis {
    /// As the standard library's duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl TryFrom<Text> for ByteSize {
    type Error = InvalidSize;

    fn try_from(text: Text) -> Result<Self, Self::Error> {
        text.into_string().parse()
    }
}

impl TryFrom<Text> for Millis {
    type Error = InvalidSize;

    fn try_from(text: Text) -> Result<Self, Self::Error> {
        text.into_string().parse()
    }
}

impl From<ByteSize> for String {
    fn from(size: ByteSize) -> Self {
        size.to_string()
    }
}

impl From<Millis> for String {
    fn from(millis: Millis) -> Self {
        millis.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_survive_being_written() {
        for text in ["0B", "1B", "64KiB", "128MiB", "4GiB", "1500B"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for text in ["0ms", "250ms", "30s", "5m", "2h", "1d"] {
            assert_eq!(text.parse::<Millis>().unwrap().to_string(), text);
        }
        assert!("30".parse::<Millis>().is_err(), "a duration needs its unit");
        assert!("99999999999GiB".parse::<ByteSize>().is_err());
    }
}
