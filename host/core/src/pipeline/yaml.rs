//! YAML into a JSON value, with the place of every part and all that a JSON value cannot hold refused.

use std::{borrow::Cow, collections::HashMap, mem};

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use super::problem::{MAX_PROBLEMS, Place, Places, Problem, shortened};

/// The largest text that is read.
pub const MAX_BYTES: usize = 1 << 20;
/// The most values a text may hold, aliases written out.
pub const MAX_NODES: usize = 20_000;
/// How deep lists and mappings may nest.
pub const MAX_DEPTH: usize = 16;
/// The longest key.
const MAX_KEY: usize = 128;

/// What a text says.
pub(super) struct Document {
    /// The value.
    pub(super) value: Value,
    /// Where each part stands.
    pub(super) places: Places,
    /// What could not be read; `value` is then only a part.
    pub(super) problems: Vec<Problem>,
    /// Whether the text ended before its time.
    pub(super) is_broken: bool,
}

/// Reads one YAML document.
pub(super) fn read(text: &str) -> Document {
    let mut builder = Builder::default();
    if text.len() > MAX_BYTES {
        builder.refuse((1, 1), "", format!("the text is longer than {MAX_BYTES} bytes"), None);
        builder.is_broken = true;
        return builder.finish();
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => builder.event(event, place(&span.start)),
            Err(error) => {
                builder.refuse(place(error.marker()), "", format!("this is not YAML: {}", error.info()), None);
                builder.is_broken = true;
            }
        }
        if builder.is_broken {
            break;
        }
    }
    builder.finish()
}

fn place(marker: &Marker) -> Place {
    (marker.line(), marker.col() + 1)
}

/// A list or mapping that is still open.
struct Frame {
    path: String,
    anchor: usize,
    is_key: bool,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Mapping { entries: Map<String, Value>, key: Option<Key> },
}

struct Key {
    text: String,
    is_repeated: bool,
}

#[derive(Default)]
struct Builder {
    root: Option<Value>,
    open: Vec<Frame>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
    documents: usize,
    places: Places,
    problems: Vec<Problem>,
    is_broken: bool,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Place) {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => self.document(at),
            Event::SequenceStart(anchor, _) => self.start(anchor, at, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.start(anchor, at, Content::Mapping { entries: Map::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_ref(), at),
            Event::Alias(anchor) => self.alias(anchor, at),
        }
    }

    fn document(&mut self, at: Place) {
        self.documents += 1;
        if self.documents > 1 {
            self.refuse(at, "", "a second document begins here", Some("write one pipeline per file".into()));
            self.is_broken = true;
        }
    }

    fn start(&mut self, anchor: usize, at: Place, content: Content) {
        if !self.count(1, at) {
            return;
        }
        let is_key = self.awaits_key();
        let path = self.next_path();
        if self.open.len() >= MAX_DEPTH {
            self.refuse(at, &path, format!("nested deeper than {MAX_DEPTH} levels"), None);
            self.is_broken = true;
        }
        if is_key {
            self.refuse(at, &path, "a key must be a text", None);
        }
        self.note(&path, at, true);
        self.open.push(Frame { path, anchor, is_key, content });
    }

    fn end(&mut self, at: Place) {
        let Some(frame) = self.open.pop() else { return };
        let value = match frame.content {
            Content::List(items) => Value::Array(items),
            Content::Mapping { entries, .. } => Value::Object(entries),
        };
        if frame.is_key {
            // Already refused; its value still has to go somewhere.
            self.key("?".into(), at);
        } else {
            self.remember(frame.anchor, &value);
            self.insert(value);
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, anchor: usize, tag: Option<&Cow<'_, Tag>>, at: Place) {
        if self.awaits_key() {
            self.key(text.into_owned(), at);
            return;
        }
        if !self.count(1, at) {
            return;
        }
        let path = self.next_path();
        self.note(&path, at, false);
        let value = resolve(&text, style, tag).unwrap_or_else(|message| {
            self.refuse(at, &path, message, None);
            Value::Null
        });
        self.remember(anchor, &value);
        self.insert(value);
    }

    fn alias(&mut self, anchor: usize, at: Place) {
        let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
            let path = self.next_path();
            self.refuse(at, &path, "this alias stands inside what it repeats", None);
            self.is_broken = true;
            return;
        };
        if self.awaits_key() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.key(text, at);
        } else if self.count(size, at) {
            let path = self.next_path();
            self.note(&path, at, false);
            self.insert(value);
        }
    }

    fn key(&mut self, text: String, at: Place) {
        if text.len() > MAX_KEY {
            // Every path below would repeat it.
            self.refuse(at, "", format!("a key is longer than {MAX_KEY} bytes"), None);
            self.is_broken = true;
            return;
        }
        let Some(Frame { path, content: Content::Mapping { entries, key }, .. }) = self.open.last_mut() else { return };
        let full = join(path, &text);
        let is_repeated = entries.contains_key(&text);
        *key = Some(Key { text: text.clone(), is_repeated });
        if is_repeated {
            let (line, _) = self.places.key(&full);
            self.refuse(at, &full, format!("`{text}` is here twice; the first is on line {line}"), None);
        }
        self.places.note_key(&full, at);
    }

    fn insert(&mut self, value: Value) {
        match self.open.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(value),
            Some(Content::List(items)) => items.push(value),
            Some(Content::Mapping { entries, key }) => {
                if let Some(Key { text, is_repeated: false }) = key.take() {
                    entries.insert(text, value);
                }
            }
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Frame { content: Content::Mapping { key: None, .. }, .. }))
    }

    /// The path of the value that comes next.
    fn next_path(&self) -> String {
        match self.open.last() {
            None => String::new(),
            Some(Frame { path, content: Content::List(items), .. }) => format!("{path}[{}]", items.len()),
            Some(Frame { path, content: Content::Mapping { key, .. }, .. }) => {
                join(path, key.as_ref().map_or("?", |key| &key.text))
            }
        }
    }

    /// A list or mapping is best shown by its key, a scalar by itself.
    fn note(&mut self, path: &str, at: Place, by_key: bool) {
        let at = if by_key && !path.ends_with(']') && !path.is_empty() { self.places.key(path) } else { at };
        self.places.note_value(path, at);
    }

    fn remember(&mut self, anchor: usize, value: &Value) {
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), size(value)));
        }
    }

    fn count(&mut self, nodes: usize, at: Place) -> bool {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            self.refuse(at, "", format!("more than {MAX_NODES} values"), None);
            self.is_broken = true;
        }
        !self.is_broken
    }

    fn refuse(&mut self, (line, column): Place, path: &str, message: impl Into<String>, suggestion: Option<String>) {
        if self.problems.len() < MAX_PROBLEMS {
            let message = shortened(message.into());
            self.problems.push(Problem { line, column, path: path.to_owned(), message, suggestion });
        }
    }

    fn finish(mut self) -> Document {
        Document {
            value: mem::take(&mut self.root).unwrap_or(Value::Null),
            places: self.places,
            problems: self.problems,
            is_broken: self.is_broken,
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// How many values a value is; a long text counts as many, since an alias copies it.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 64,
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A scalar as the YAML core schema reads it.
fn resolve(text: &str, style: ScalarStyle, tag: Option<&Cow<'_, Tag>>) -> Result<Value, String> {
    if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
        return Err(format!("the tag {tag} means nothing here"));
    }
    match Scalar::parse_from_cow_and_metadata(Cow::Borrowed(text), style, tag) {
        None => Err(format!("`{text}` is not what its tag says")),
        Some(Scalar::Null) => Ok(Value::Null),
        Some(Scalar::Boolean(value)) => Ok(Value::Bool(value)),
        Some(Scalar::Integer(value)) => Ok(Value::from(value)),
        Some(Scalar::String(value)) => Ok(Value::String(value.into_owned())),
        Some(Scalar::FloatingPoint(value)) => float(text, value.into_inner()),
    }
}

/// A float that was written as one: an integer too large for 64 bits would lose digits without a word.
fn float(text: &str, value: f64) -> Result<Value, String> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u64>().map(Value::from).map_err(|_| format!("`{text}` does not fit 64 bits"));
    }
    Number::from_f64(value).map(Value::Number).ok_or_else(|| format!("`{text}` is not a finite number"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_their_types() {
        let read = read("a: 1\nb: 1.5\nc: yes\nd: true\ne: ~\nf: '1'\ng: [x, 18446744073709551615]\non: 3");
        assert_eq!(read.problems, []);
        let expected =
            json!({"a": 1, "b": 1.5, "c": "yes", "d": true, "e": null, "f": "1", "g": ["x", u64::MAX], "on": 3});
        assert_eq!(read.value, expected);
    }

    #[test]
    fn every_part_has_its_place() {
        let places = read("a: 1\nsteps:\n  load:\n    needs: [x, y]\n").places;
        assert_eq!(places.value("a"), (1, 4));
        assert_eq!(places.value("steps.load"), (3, 3));
        assert_eq!(places.value("steps.load.needs[1]"), (4, 16));
        assert_eq!(places.key("a"), (1, 1));
    }

    #[test]
    fn a_repeated_key_is_named_with_its_first_line_and_the_first_value_stays() {
        let read = read("a: 1\nb:\n  c: 2\n  c: 3\na: 4\n");
        let said: Vec<_> = read.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "4:3: b.c: `c` is here twice; the first is on line 3",
                "5:1: a: `a` is here twice; the first is on line 1"
            ]
        );
        assert_eq!(read.value, json!({"a": 1, "b": {"c": 2}}));
    }

    #[test]
    fn an_alias_repeats_its_anchor() {
        assert_eq!(read("a: &x {n: 1}\nb: *x\n").value, json!({"a": {"n": 1}, "b": {"n": 1}}));
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let inner = level - 1;
            text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{inner}"); 9].join(", "));
        }
        let read = read(&text);
        assert!(read.is_broken);
        assert!(read.problems[0].message.contains("more than"), "{:?}", read.problems);
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        for (text, message) in [
            ("a: .nan", "not a finite number"),
            ("a: 99999999999999999999", "does not fit 64 bits"),
            ("a: !secret x", "means nothing here"),
            ("? [a]\n: b", "a key must be a text"),
            ("a: 1\n---\nb: 2", "a second document"),
            ("a: [1", "this is not YAML"),
            ("a: &x [*x]", "inside what it repeats"),
        ] {
            let read = read(text);
            assert!(read.problems.iter().any(|it| it.message.contains(message)), "{text}: {:?}", read.problems);
        }
        assert!(read(&"[".repeat(60)).is_broken);
        assert!(read(&format!("{}: 1", "k".repeat(200))).is_broken);
        assert!(read(&format!("a: &a {}\nb: [{}]", "x".repeat(500_000), vec!["*a"; 20].join(", "))).is_broken);
        assert!(read(&" ".repeat(MAX_BYTES + 1)).is_broken);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a-c0-9:,{}\\[\\]&*!|>'\"#%@?$ \n\t]{0,80}") {
            read(&text);
        }
    }
}
