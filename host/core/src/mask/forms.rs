//! What a secret value looks like once a program has encoded it.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::ports::SHORTEST;

/// The fewest bytes of one line of a value, and of an encoding, that are hidden by themselves.
const SHORTEST_PART: usize = 6;

/// Values longer than this are hidden as they are, line by line and in base64, not in every other encoding.
const EVERY_FORM: usize = 8 << 10;

/// What `encodeURIComponent` leaves as it is, as most libraries do.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// RFC 3986: only the unreserved characters stay.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What has to be encoded inside a path or a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'%');

/// Adds every form of `value`.
pub(super) fn add(value: &str, forms: &mut BTreeSet<String>) {
    let mut keep = |form: String, shortest: usize| {
        if form.len() >= shortest {
            forms.insert(form);
        }
    };
    keep(value.to_owned(), SHORTEST);
    // A value of several lines is printed line by line.
    for line in value.lines().map(str::trim).filter(|line| line.len() < value.len()) {
        keep(line.to_owned(), SHORTEST_PART);
    }
    for form in base64(value.as_bytes()) {
        keep(form, SHORTEST_PART);
    }
    if value.len() > EVERY_FORM {
        return;
    }
    for set in [NON_ALPHANUMERIC, COMPONENT, UNRESERVED, QUERY] {
        let encoded = utf8_percent_encode(value, set).to_string();
        keep(lower_percents(&encoded), SHORTEST);
        keep(encoded.replace("%20", "+"), SHORTEST);
        keep(encoded, SHORTEST);
    }
    keep(hex::encode(value), SHORTEST_PART);
    keep(hex::encode_upper(value), SHORTEST_PART);
    keep(inside_quotes(&serde_json::Value::from(value).to_string()), SHORTEST);
    // What Rust's `{:?}` makes of it; other languages' ways of quoting are among these two.
    keep(inside_quotes(&format!("{value:?}")), SHORTEST);
}

/// In base64, wherever it begins within the groups of three bytes that are encoded together.
fn base64(value: &[u8]) -> impl Iterator<Item = String> {
    let alphabets = [general_purpose::STANDARD_NO_PAD, general_purpose::URL_SAFE_NO_PAD];
    let all = alphabets.into_iter().flat_map(|alphabet| (0..3).map(move |before| (alphabet.clone(), before)));
    all.map(|(alphabet, before)| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value);
        let whole_bits = bytes.len() * 8;
        let encoded = alphabet.encode(&bytes);
        // A character that shares bits with what comes before or after says nothing of the value alone.
        let start = (before * 8).div_ceil(6);
        encoded[start..whole_bits / 6].to_owned()
    })
}

/// `%2F` as `%2f`, as some libraries write it.
fn lower_percents(encoded: &str) -> String {
    let mut digits_left = 0_u8;
    let lower = |c: char| {
        let is_digit = digits_left > 0;
        digits_left = if c == '%' { 2 } else { digits_left.saturating_sub(1) };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    encoded.chars().map(lower).collect()
}

fn inside_quotes(quoted: &str) -> String {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}
