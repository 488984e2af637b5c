//! Rows of a project as they become rows of another: another name, and other identities where those are taken.

use std::collections::{HashMap, HashSet};

use host_core::{Digest, Name};
use serde_json::{Map, Value};

use super::super::TransferError;

const UUID: usize = 36;
const PREFIX: &str = "sha256:";
const HEX: usize = 64;

/// What is said otherwise in the new place.
#[derive(Debug, Default)]
pub(super) struct Rewrite {
    /// The project.
    pub(super) project: Option<(Name, Name)>,
    /// Identities by those they take the place of.
    pub(super) ids: HashMap<String, String>,
}

impl Rewrite {
    /// The row as it is to be.
    pub(super) fn row(&self, line: &str) -> Result<String, TransferError> {
        let line = if self.ids.is_empty() { line.to_owned() } else { self.with_ids(line) };
        let Some((from, to)) = &self.project else { return Ok(line) };
        let wrong = |error: serde_json::Error| TransferError::archive(format!("a row is no JSON: {error}"));
        let mut row: Map<String, Value> = serde_json::from_str(&line).map_err(wrong)?;
        if let Some(project) = row.get_mut("project") {
            rename(project, from, to);
        }
        // What a run was asked for is kept whole, and names the project once more.
        if let Some(Value::String(text)) = row.get_mut("spec") {
            let mut spec: Value = serde_json::from_str(text).map_err(wrong)?;
            rename(&mut spec["project"], from, to);
            *text = spec.to_string();
        }
        serde_json::to_string(&row).map_err(wrong)
    }

    /// Every identity that is taken, by its new one.
    fn with_ids(&self, line: &str) -> String {
        let mut text = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((at, id)) = first_uuid(rest) {
            text.push_str(&rest[..at]);
            text.push_str(self.ids.get(id).map_or(id, String::as_str));
            rest = &rest[at + UUID..];
        }
        text.push_str(rest);
        text
    }
}

fn rename(value: &mut Value, from: &Name, to: &Name) {
    if value.as_str() == Some(from.as_str()) {
        *value = to.as_str().into();
    }
}

/// The first text that looks like a UUID, and where it begins.
fn first_uuid(text: &str) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let fits = |at: usize| {
        bytes[at..at + UUID].iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let mut at = 0;
    while at + UUID <= bytes.len() {
        if bytes[at].is_ascii_hexdigit() && fits(at) {
            return Some((at, &text[at..at + UUID]));
        }
        at += 1;
    }
    None
}

/// Every digest in a text.
pub(super) fn digests(line: &str) -> HashSet<Digest> {
    let parts = line.match_indices(PREFIX);
    parts.filter_map(|(at, _)| line.get(at..at + PREFIX.len() + HEX)?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "01890000-0000-7000-8000-00000000c0de";
    const NEW: &str = "01890000-0000-7000-8000-00000000beef";

    #[test]
    fn an_identity_is_replaced_wherever_it_stands() {
        let ids = HashMap::from([(OLD.to_owned(), NEW.to_owned())]);
        let rewrite = Rewrite { project: None, ids };
        let line = format!(r#"{{"id":"{OLD}","spec":"{{\"id\":\"{OLD}\",\"é\":\"{OLD}0\"}}","x":"0{NEW}"}}"#);
        assert_eq!(rewrite.row(&line).unwrap(), line.replace(OLD, NEW));
    }

    #[test]
    fn a_project_is_renamed_in_its_column_and_in_what_a_run_was_asked_for() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let rewrite = Rewrite { project: Some((name("a"), name("b"))), ids: HashMap::new() };
        let line = r#"{"name":"a","project":"a","spec":"{\"seed\":18446744073709551615,\"project\":\"a\",\"x\":1.0}"}"#;
        let moved =
            r#"{"name":"a","project":"b","spec":"{\"seed\":18446744073709551615,\"project\":\"b\",\"x\":1.0}"}"#;
        assert_eq!(rewrite.row(line).unwrap(), moved);
    }

    #[test]
    fn digests_are_found_in_the_middle_of_anything() {
        let digest = Digest::of(b"x");
        assert_eq!(digests(&format!("[\"{digest}\",\"sha256:12\"]")), HashSet::from([digest]));
    }
}
