//! What is wrong with a pipeline, each mistake with its place and what to do about it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// The most mistakes that are listed; whoever has more will come back anyway.
pub const MAX_PROBLEMS: usize = 200;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line, counted from 1; 0 where there is no text.
    pub line: usize,
    /// The column, counted from 1; 0 where there is no text.
    pub column: usize,
    /// Where in the structure, such as `steps.train.inputs.data`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.line, self.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.suggestion.iter().try_for_each(|suggestion| write!(f, "; {suggestion}"))
    }
}

/// A line and a column, both counted from 1.
pub type Place = (usize, usize);

/// Where in a text each part of a structure stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    keys: BTreeMap<String, Place>,
    values: BTreeMap<String, Place>,
}

impl Places {
    /// Where the value at `path` stands, or the nearest thing around it.
    #[must_use]
    pub fn value(&self, path: &str) -> Place {
        around(path).find_map(|path| self.values.get(path)).copied().unwrap_or_default()
    }

    /// Where the key of `path` stands, or the nearest thing around it.
    #[must_use]
    pub fn key(&self, path: &str) -> Place {
        self.keys.get(path).copied().unwrap_or_else(|| self.value(path))
    }

    /// Notes a key; the first of two equal ones stays.
    pub(super) fn note_key(&mut self, path: &str, place: Place) {
        self.keys.entry(path.to_owned()).or_insert(place);
    }

    /// Notes a value; the first at a path stays.
    pub(super) fn note_value(&mut self, path: &str, place: Place) {
        self.values.entry(path.to_owned()).or_insert(place);
    }
}

/// `path` itself, then everything it is inside of.
fn around(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |inner| {
        let end = inner.rfind(['.', '['])?;
        inner.get(..end)
    })
    .chain(std::iter::once(""))
}

/// A list of mistakes that grows.
pub(super) struct Problems<'p> {
    places: &'p Places,
    list: Vec<Problem>,
}

impl<'p> Problems<'p> {
    /// No mistake so far.
    pub(super) fn new(places: &'p Places) -> Self {
        Self { places, list: Vec::new() }
    }

    /// A mistake in the value at `path`.
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>, suggestion: Option<String>) {
        self.push(self.places.value(path), path, message.into(), suggestion);
    }

    /// A mistake in the key at `path`.
    pub(super) fn add_key(&mut self, path: &str, message: impl Into<String>, suggestion: Option<String>) {
        self.push(self.places.key(path), path, message.into(), suggestion);
    }

    fn push(&mut self, (line, column): Place, path: &str, message: String, suggestion: Option<String>) {
        if !self.is_full() {
            self.list.push(Problem { line, column, path: path.to_owned(), message: shortened(message), suggestion });
        }
    }

    /// Whether no more will be listed, so that there is no use in looking for more.
    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MAX_PROBLEMS
    }

    /// The list, in the order of the text.
    pub(super) fn into_list(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|it| (it.line, it.column));
        self.list
    }
}

/// Messages quote what was written, which may be long.
pub(super) fn shortened(message: String) -> String {
    const MOST: usize = 500;
    match message.char_indices().nth(MOST) {
        None => message,
        Some((end, _)) => message.get(..end).unwrap_or_default().to_owned() + "…",
    }
}

/// The known word that `word` was probably meant to be.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    const LONGEST: usize = 100;
    if word.len() > LONGEST {
        return None;
    }
    let allowed = 1 + word.chars().count() / 4;
    known
        .into_iter()
        .map(|it| (strsim::damerau_levenshtein(&word.to_lowercase(), &it.to_lowercase()), it))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// `did you mean …?`, or what there is to choose from.
pub(super) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    const MOST_LISTED: usize = 12;
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(meant) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let more = if known.len() > MOST_LISTED { ", …" } else { "" };
    let some: Vec<_> = known.into_iter().take(MOST_LISTED).collect();
    (!some.is_empty()).then(|| format!("use one of: {}{more}", some.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_not_noted_is_the_one_around_it() {
        let mut places = Places::default();
        places.note_value("", (1, 1));
        places.note_value("steps.train", (4, 3));
        assert_eq!(places.value("steps.train.needs[2].x"), (4, 3));
        assert_eq!(places.value("params"), (1, 1));
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_nonsense_is_not() {
        assert_eq!(did_you_mean("inptus", ["inputs", "needs"]).unwrap(), "did you mean `inputs`?");
        assert_eq!(did_you_mean("xyz", ["inputs", "needs"]).unwrap(), "use one of: inputs, needs");
        assert_eq!(did_you_mean("xyz", []), None);
    }
}
