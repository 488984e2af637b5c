//! Which entries a module offers: the decorators of the SDK at its outermost level.

use std::collections::BTreeMap;

/// The SDK's package.
const SDK: &str = "weft_function";

/// An entry of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::build) enum Entry {
    Handler,
    Http,
    Job,
}

impl Entry {
    fn of(word: &str) -> Option<Self> {
        match word {
            "handler" => Some(Self::Handler),
            "http" => Some(Self::Http),
            "job" => Some(Self::Job),
            _ => None,
        }
    }
}

/// The entries that are offered, each once, in a fixed order.
///
/// Nothing is run and no Python is needed for it; what this cannot see, such as a decorator in a loop, is not offered.
pub(in crate::build) fn entries(text: &str) -> Vec<Entry> {
    let plain = without_texts(text);
    let lines = logical_lines(&plain);
    let names = names(&lines);
    let mut found: Vec<Entry> = lines.iter().filter_map(|line| decorated(line, &names)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What a line that begins with `@` offers.
fn decorated(line: &str, names: &BTreeMap<String, String>) -> Option<Entry> {
    let path = line.strip_prefix('@')?.trim();
    let path = path.split(['(', ' ']).next().unwrap_or(path);
    let (first, rest) = path.split_once('.').map_or((path, ""), |(first, rest)| (first, rest));
    match (names.get(first)?.as_str(), rest) {
        (SDK, rest) => Entry::of(rest),
        (name, "") => Entry::of(name),
        _ => None,
    }
}

/// What the module calls the SDK, and what it took from it: local name → name there, or the SDK itself.
fn names(lines: &[String]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for line in lines {
        if let Some(list) = line.strip_prefix("import ") {
            let modules = list.split(',').map(aliased).filter(|(module, _)| *module == SDK);
            names.extend(modules.map(|(module, name)| (name.to_owned(), module.to_owned())));
        }
        let taken = line.strip_prefix("from ").and_then(|it| it.trim().strip_prefix(SDK)).map(str::trim);
        if let Some(list) = taken.and_then(|it| it.strip_prefix("import")) {
            let list = list.trim().trim_start_matches('(').trim_end_matches(')');
            let all = if list == "*" { "handler, http, job" } else { list };
            names.extend(all.split(',').map(aliased).map(|(there, here)| (here.to_owned(), there.to_owned())));
        }
    }
    names
}

/// `a as b`: what it is there, and here.
fn aliased(item: &str) -> (&str, &str) {
    match item.trim().split_once(" as ") {
        Some((there, here)) => (there.trim(), here.trim()),
        None => (item.trim(), item.trim()),
    }
}

/// The lines of the outermost level; what is in parentheses is one line.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let goes_on = depth > 0;
        for letter in line.chars() {
            match letter {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        match lines.last_mut() {
            Some(last) if goes_on => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    lines
}

/// The same text with nothing in its strings, so that what they quote is not taken for code. Lines stay lines.
fn without_texts(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some(at) = rest.find(['"', '\'', '#']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('#') {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        let quote = if rest.starts_with("\"\"\"") || rest.starts_with("'''") { &rest[..3] } else { &rest[..1] };
        let end = end_of(&rest[quote.len()..], quote) + quote.len();
        let lines = rest[..end].matches('\n').count();
        plain.push_str("''");
        plain.extend(std::iter::repeat_n('\n', lines));
        rest = &rest[end..];
    }
    plain.push_str(rest);
    plain
}

/// Where the string ends that began with `quote`: behind the closing one, or with the line.
fn end_of(text: &str, quote: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(letter) = rest.chars().next() else { break };
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        if letter == '\n' && quote.len() == 1 {
            return at;
        }
        let escaped = if letter == '\\' { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
        at += letter.len_utf8() + escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorators_of_the_sdk_are_found_however_they_are_called() {
        assert_eq!(entries("from weft_function import Event, handler\n\n@handler\ndef f(e): ..."), [Entry::Handler]);
        assert_eq!(entries("import weft_function as w\n@w.http\ndef f(r): ..."), [Entry::Http]);
        assert_eq!(
            entries("from weft_function import (\n  job as work,  # a\n  Run,\n)\n@work\ndef f(): ..."),
            [Entry::Job]
        );
        assert_eq!(
            entries("from weft_function import *\n@job\ndef f(): ...\n@http\ndef g(r): ..."),
            [Entry::Http, Entry::Job]
        );
    }

    #[test]
    fn what_only_looks_like_one_is_not() {
        assert!(entries("def handler(f): return f\n@handler\ndef f(e): ...").is_empty());
        assert!(entries("from weft_function import handler\n'''\n@handler\n'''").is_empty());
        assert!(entries("from weft_function import handler\nif False:\n    @handler\n    def f(e): ...").is_empty());
        assert!(entries("from weft_function import handler\nx = (\n@handler\n)").is_empty());
        assert!(entries("from other import handler\n@handler\ndef f(e): ...").is_empty());
    }

    #[test]
    fn strings_and_comments_do_not_confuse_it() {
        let text = "from weft_function import handler  # it's \"fine\nnot_ended = 'oops\nx = '\\'('\ny = \"\"\"\n(\"\"\"\n@handler\ndef f(e): ...";
        assert_eq!(entries(text), [Entry::Handler]);
        assert_eq!(entries("é = 'é\\é'\nfrom weft_function import http\n@http\ndef f(r): ..."), [Entry::Http]);
    }
}
