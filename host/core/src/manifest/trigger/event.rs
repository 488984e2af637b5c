//! The event trigger: which of the things that happen on the platform wake a function.

use serde::{Deserialize, Serialize};

use super::StreamRetry;
use crate::Name;

/// Which events of the platform wake a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventTrigger {
    /// Its name among the function's triggers; `event`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The types, such as `run.finished`; `*` stands for any number of characters.
    pub types: Vec<String>,
    /// The subjects, in the same way; any, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// How often an event is tried.
    #[serde(default)]
    pub retry: StreamRetry,
}

impl EventTrigger {
    /// What the types cannot say.
    ///
    /// # Errors
    /// When no type is named.
    pub fn check(&self) -> Result<(), String> {
        if self.types.is_empty() || self.types.iter().chain(&self.subjects).any(|it| it.is_empty() || it.len() > 200) {
            return Err("an event trigger needs `types = [\"run.finished\"]`".into());
        }
        self.retry.check()
    }

    /// Whether an event of this type and subject wakes the function.
    #[must_use]
    pub fn wants(&self, r#type: &str, subject: &str) -> bool {
        self.types.iter().any(|it| fits(it, r#type))
            && (self.subjects.is_empty() || self.subjects.iter().any(|it| fits(it, subject)))
    }
}

/// Whether a text fits a pattern in which `*` stands for any number of characters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(
            fits("run.*", "run.finished")
                && fits("*", "")
                && fits("a*b*c", "a1b2c")
                && fits("run.finished", "run.finished")
        );
        assert!(!fits("run.*", "model.promoted") && !fits("run", "run.finished") && !fits("a*bc*c", "abc"));
    }
}
