//! The manifest as a comment on top of a file that is a whole function.
//!
//! ```python
//! # /// function
//! # name = "score"
//! # [grants]
//! # model = ["wine"]
//! # ///
//! ```

use std::path::Path;

use host_core::manifest::{Language, Manifest};

use super::named_after;
use crate::ui::{Exit, Stop};

/// What a file says of itself.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) manifest: Manifest,
    /// `[dependencies]`, which is Cargo's: the text of the table, without its heading.
    pub(super) dependencies: String,
}

/// Reads the block; without one, or without a name in it, the function is called as its file.
///
/// The text of the manifest keeps the lines it has in the file, so that mistakes in it are found there.
pub(super) fn read(text: &str, comment: &str, file: &Path, language: Language) -> Result<Block, Stop> {
    let wrong = |what: String, place: String| Stop::new(Exit::Usage, what).at(place);
    let here = |line: usize| format!("{}:{line}", file.display());
    let found = find(text, comment).map_err(|(line, what)| wrong(what.to_owned(), here(line)))?;
    let (mut lines, dependencies) = without_dependencies(found.lines);
    if !has_name(&lines) {
        let name = named_after(file).map_err(|why| {
            wrong(why, file.display().to_string())
                .hint(format!("{comment} /// function\n{comment} name = \"…\"\n{comment} ///"))
        })?;
        // The line of the opening mark is free.
        lines[found.opening] = format!("name = \"{name}\"");
    }
    let mut manifest = Manifest::parse(&lines.join("\n")).map_err(|error| {
        let line = error.line.unwrap_or(found.opening + 1);
        let column = error.column.map(|it| format!(":{}", it + comment.len() + 1)).unwrap_or_default();
        wrong(error.message.trim().to_owned(), format!("{}{column}", here(line)))
    })?;
    if manifest.component.is_some() || manifest.language.is_some_and(|it| it != language) {
        let what = "the file is the function: its manifest cannot name another component or language";
        return Err(wrong(what.to_owned(), here(found.opening + 1)));
    }
    manifest.language = Some(language);
    Ok(Block { manifest, dependencies })
}

/// The lines of the manifest in their places, everything else empty, and where it begins, counted from 0.
struct Found {
    lines: Vec<String>,
    opening: usize,
}

fn find(text: &str, comment: &str) -> Result<Found, (usize, &'static str)> {
    let (opening_mark, closing_mark) = (format!("{comment} /// function"), format!("{comment} ///"));
    let mut found = Found { lines: vec![String::new()], opening: 0 };
    let mut is_inside = false;
    let mut is_over = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end();
        match (is_inside, line) {
            (false, line) if line == opening_mark && is_over => return Err((at + 1, "this is a second manifest")),
            (false, line) if line == opening_mark => {
                found.lines = vec![String::new(); at + 1];
                (found.opening, is_inside) = (at, true);
            }
            (false, _) => {}
            (true, line) if line == closing_mark => (is_inside, is_over) = (false, true),
            (true, line) => {
                let inner =
                    line.strip_prefix(comment).ok_or((at + 1, "the manifest has no end: its last line is `///`"))?;
                found.lines.push(inner.strip_prefix(' ').unwrap_or(inner).to_owned());
            }
        }
    }
    if is_inside { Err((found.opening + 1, "the manifest has no end: its last line is `///`")) } else { Ok(found) }
}

/// Takes `[dependencies]` out, which is not the manifest's, and leaves its lines empty.
fn without_dependencies(mut lines: Vec<String>) -> (Vec<String>, String) {
    let mut taken = String::new();
    let mut is_inside = false;
    for line in &mut lines {
        let heading = line.trim();
        if heading.starts_with('[') && !line.starts_with(' ') {
            is_inside = heading == "[dependencies]";
            if is_inside {
                line.clear();
            }
        }
        if is_inside {
            taken.push_str(line);
            taken.push('\n');
            line.clear();
        }
    }
    (lines, taken.trim().to_owned())
}

/// Whether the manifest names the function itself, as far as it can be read.
fn has_name(lines: &[String]) -> bool {
    let top = lines.iter().take_while(|it| !it.trim_start().starts_with('['));
    top.into_iter().any(|it| it.split('=').next().is_some_and(|key| key.trim() == "name" && it.contains('=')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(text: &str) -> Result<Block, Stop> {
        read(text, "#", Path::new("my_score.py"), Language::Python)
    }

    #[test]
    fn everything_may_be_left_out() {
        let block = python("print(1)\n").unwrap();
        let expected = Manifest { language: Some(Language::Python), ..Manifest::bare("my-score".parse().unwrap()) };
        assert_eq!(block.manifest, expected);
        assert_eq!(python("# /// function\n# ///\n").unwrap().manifest, expected);
        assert_eq!(python("").unwrap().manifest, expected);
    }

    #[test]
    fn a_block_is_the_manifest() {
        let text = "#!/usr/bin/env python3\n# Scores.\n\n# /// function\n# name = \"score\"\n#\n# [grants]\n# model = [\"wine\"]\n# ///\nx = 1\n";
        let manifest = python(text).unwrap().manifest;
        assert_eq!((manifest.name.as_str(), manifest.grants.model.len()), ("score", 1));
        let rust = "// /// function\n// description = \"x\"\n// [dependencies]\n// rand = \"0.9\"\n// [limits]\n// timeout = \"1s\"\n// ///\n";
        let block = read(rust, "//", Path::new("f.rs"), Language::Rust).unwrap();
        assert_eq!(block.dependencies, "rand = \"0.9\"");
        assert_eq!(block.manifest.limits.timeout.unwrap().0, 1000);
    }

    #[test]
    fn a_mistake_is_named_with_its_line_in_the_file() {
        let place = |text: &str| python(text).unwrap_err().parts().0.unwrap().to_owned();
        assert_eq!(place("import x\n# /// function\n# [limits]\n# timeout = \"soon\"\n# ///\n"), "my_score.py:4:13");
        assert_eq!(place("# /// function\n# name = \"a\"\nimport x\n"), "my_score.py:3");
        assert_eq!(place("\n# /// function\n# name = \"a\"\n"), "my_score.py:2");
        assert_eq!(place("# /// function\n# ///\n# /// function\n# ///\n"), "my_score.py:3");
        assert_eq!(place("# /// function\n# language = \"rust\"\n# ///\n"), "my_score.py:1");
    }

    #[test]
    fn a_file_whose_name_is_no_name_is_asked_for_one() {
        let stop = read("", "#", Path::new("1.py"), Language::Python).unwrap_err();
        assert!(stop.parts().1.unwrap().contains("/// function"), "{stop:?}");
    }
}
