//! Text as both databases can keep it: Postgres refuses NUL, people refuse escape sequences.

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::StoreError;

/// Text without NUL, which Postgres refuses.
pub(crate) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

/// A log line without control characters (tabs and line ends stay) and of at most `most` bytes.
pub(crate) fn clean(text: &str, most: usize) -> Cow<'_, str> {
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    let cut = floor(text, most);
    if cut.len() == text.len() && !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut clean: String = cut.chars().map(|c| if is_bad(c) { '\u{FFFD}' } else { c }).collect();
    if cut.len() < text.len() {
        clean.push('…');
    }
    Cow::Owned(clean)
}

fn floor(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// JSON as text, so that it is read back as it was written: the order of keys and the type of numbers included.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    let damaged = |error: serde_json::Error| StoreError::Damaged { column: "value".into(), reason: error.to_string() };
    let text = serde_json::to_string(value).map_err(damaged)?;
    if !text.contains("\\u0000") {
        return Ok(text);
    }
    let mut value: Value = serde_json::from_str(&text).map_err(damaged)?;
    clean_value(&mut value);
    serde_json::to_string(&value).map_err(damaged)
}

/// JSON, or nothing for nothing.
pub(crate) fn json_opt(value: Option<&impl Serialize>) -> Result<Option<String>, StoreError> {
    value.map(json).transpose()
}

/// Reads what [`json`] wrote.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Damaged { column: column.to_owned(), reason: error.to_string() })
}

fn clean_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_nul(std::mem::take(text)),
        Value::Array(items) => items.iter_mut().for_each(clean_value),
        Value::Object(entries) => {
            let old = std::mem::take(entries);
            for (key, mut item) in old {
                clean_value(&mut item);
                entries.insert(without_nul(key), item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_becomes_the_replacement_character_wherever_it_hides() {
        assert_eq!(without_nul("a\0b".into()), "a\u{FFFD}b");
        assert_eq!(json(&json!({"a\0": ["\0", "\\u0000"]})).unwrap(), "{\"a\u{FFFD}\":[\"\u{FFFD}\",\"\\\\u0000\"]}");
    }

    #[test]
    fn a_log_line_keeps_tabs_and_line_ends_only() {
        assert_eq!(clean("a\tb\nc", 100), "a\tb\nc");
        assert_eq!(clean("\u{1b}[31mred\r\0", 100), "\u{FFFD}[31mred\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(clean("ééé", 3), "é…");
    }

    #[test]
    fn numbers_and_the_order_of_keys_survive() {
        let text = r#"{"b":1e+16,"a":1.0}"#;
        let value: Value = from_json(text, "x").unwrap();
        assert_eq!(json(&value).unwrap(), text);
    }
}
