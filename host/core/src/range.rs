//! Which part of some bytes a request asks for: one range, as RFC 9110 has it.

use http::{HeaderMap, header};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// All of it.
    Whole,
    /// So many bytes from here on, at least one.
    Part {
        /// The first.
        from: u64,
        /// How many.
        length: u64,
    },
    /// Nothing that there is.
    Nothing,
}

/// Reads `range`, where the bytes are those that `if-range` wants. What is not understood asks for all of it.
#[must_use]
pub fn asked(headers: &HeaderMap, size: u64, tag: &str) -> Asked {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|it| it != tag) {
        return Asked::Whole;
    }
    let range = text(header::RANGE).and_then(|it| it.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|it| it.trim().split_once('-')) else { return Asked::Whole };
    let is_number = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
    if !is_number(first) || !is_number(last) {
        return Asked::Whole;
    }
    // A number with more digits than these reaches beyond every end.
    let number = |text: &str| (!text.is_empty()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    match (number(first), number(last)) {
        (None, None) => Asked::Whole,
        (None, Some(0)) => Asked::Nothing,
        (None, Some(count)) => part(size.saturating_sub(count), u64::MAX, size),
        (Some(first), Some(last)) if last < first => Asked::Whole,
        (Some(first), last) => part(first, last.unwrap_or(u64::MAX), size),
    }
}

fn part(from: u64, last: u64, size: u64) -> Asked {
    if from >= size {
        return Asked::Nothing;
    }
    Asked::Part { from, length: last.min(size - 1) - from + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_everything_else_asks_for_all() {
        let part = |from, length| Asked::Part { from, length };
        for (range, expected) in [
            ("bytes=0-3", part(0, 4)),
            ("bytes=2-", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-30", part(0, 10)),
            ("bytes=9-99", part(9, 1)),
            ("bytes=0-99999999999999999999999", part(0, 10)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
        ] {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
            assert_eq!(asked(&headers, 10, "\"x\""), expected, "{range}");
        }
        let headers = |tag: &str| {
            HeaderMap::from_iter([
                (header::RANGE, "bytes=0-0".parse().unwrap()),
                (header::IF_RANGE, tag.parse().unwrap()),
            ])
        };
        assert_eq!(asked(&headers("\"x\""), 10, "\"x\""), part(0, 1));
        assert_eq!(asked(&headers("\"y\""), 10, "\"x\""), Asked::Whole);
        assert_eq!(asked(&headers("\"x\""), 0, "\"x\""), Asked::Nothing);
    }
}
