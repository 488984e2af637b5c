//! Log lines as they may be kept: without control characters, without NUL, of bounded length.

use serde_json::{Map, Value};

/// The most fields one line keeps.
const FIELDS: usize = 32;

/// The most bytes of a field's name, and of its value.
const FIELD_BYTES: usize = 1024;

/// The most bytes of all fields of a line together; those beyond are left out.
const FIELDS_BYTES: usize = 8 << 10;

/// `text` without what a terminal or a database would stumble over, cut to `most` bytes.
///
/// Tabs and line breaks stay; escape sequences lose their escape character and so their power.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    let cut = floor_char_boundary(text, most);
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let mut clean: String = text[..cut].chars().filter(kept).collect();
    if cut < text.len() {
        clean.push('…');
    }
    clean
}

/// Fields as they are kept: cleaned, bounded in number and size; the last of a repeated name counts.
#[must_use]
pub fn fields(given: Vec<(String, String)>) -> Map<String, Value> {
    let cleaned = |text: String| clean(&text, FIELD_BYTES);
    let bounded = given.into_iter().take(FIELDS).map(|(name, value)| (cleaned(name), cleaned(value)));
    let mut left = FIELDS_BYTES;
    let fits = |(name, value): &(String, String)| {
        let size = name.len() + value.len();
        left = left.saturating_sub(size);
        left > 0
    };
    bounded.take_while(fits).map(|(name, value)| (name, Value::String(value))).collect()
}

/// The largest index up to `most` at which `text` can be cut.
fn floor_char_boundary(text: &str, most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    (0..=most).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_steer_a_terminal_or_break_a_database() {
        assert_eq!(clean("a\0b\x1b[31mred\x07\r\tc\nd", 100), "ab[31mred\tc\nd");
        assert_eq!(clean("naïve", 3), "na…", "a character is never cut in half");
    }

    #[test]
    fn fields_are_bounded() {
        let many = |size: usize| (0..100).map(|n| (n.to_string(), "x".repeat(size))).collect();
        assert_eq!(fields(many(10)).len(), FIELDS);
        let kept = fields(many(10_000));
        assert!(kept.values().all(|value| value.as_str().is_some_and(|it| it.len() <= FIELD_BYTES + 4)));
        assert_eq!(kept.len(), 7, "all fields of a line together are bounded as well");
    }
}
