//! A notebook: the cells that are marked become one function in Python, the others stay at home.

use std::path::Path;

use host_core::manifest::Language;
use serde::Deserialize;

use super::{Original, Project, block, cache};
use crate::ui::{Exit, Stop};

/// The most bytes that a notebook may have, its pictures included.
const MOST: u64 = 256 << 20;

/// The tag of cells that belong to the function.
const TAG: &str = "function";

/// The first line of such a cell, where it has no tag.
const MARK: &str = "#| function";

#[derive(Deserialize)]
struct Notebook {
    nbformat: u32,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    kernelspec: Option<Kernel>,
    #[serde(default)]
    language_info: Option<LanguageInfo>,
}

#[derive(Deserialize)]
struct Kernel {
    #[serde(default)]
    language: Option<String>,
}

#[derive(Deserialize)]
struct LanguageInfo {
    name: String,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(default)]
    metadata: CellMetadata,
    source: Source,
}

#[derive(Default, Deserialize)]
struct CellMetadata {
    #[serde(default)]
    tags: Vec<String>,
}

/// A text, or its lines with their ends.
#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Whole(String),
    Lines(Vec<String>),
}

impl Cell {
    fn text(&self) -> String {
        match &self.source {
            Source::Whole(text) => text.clone(),
            Source::Lines(lines) => lines.concat(),
        }
    }

    /// Whether it is part of the function: by its tag, or by what it begins with.
    fn is_marked(&self, text: &str) -> bool {
        let first = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default().trim_end();
        let is_marked = self.metadata.tags.iter().any(|it| it == TAG) || first == MARK || first == "# /// function";
        self.cell_type == "code" && is_marked
    }
}

/// Makes a folder of the marked cells, below the cache, that builds as any function in Python.
pub(super) fn open(file: &Path) -> Result<Project, Stop> {
    let notebook = read(file)?;
    let (program, cells) = program(&notebook, file)?;
    let original = Original { file: file.to_owned(), cells };
    let found = block::read(&program, "#", file, Language::Python).map_err(|stop| in_its_cell(stop, &original))?;
    if !found.dependencies.is_empty() {
        return Err(Stop::new(Exit::Usage, "a function of a notebook has no packages beside the SDK")
            .at(file.display().to_string())
            .hint("fn new NAME --template python-handler makes a folder, which can have them"));
    }
    let folder = cache::folder(file)?;
    cache::write(&folder.join("main.py"), &program)?;
    Ok(Project { folder, manifest: found.manifest, bare: None, original: Some(original) })
}

fn read(file: &Path) -> Result<Notebook, Stop> {
    let wrong = |what: String| Stop::new(Exit::Usage, what).at(file.display().to_string());
    let size = std::fs::metadata(file).map_err(|error| wrong(format!("could not read it: {error}")))?.len();
    if size > MOST {
        return Err(wrong(format!("it has {size} bytes; a notebook has {MOST} at most"))
            .hint("jupyter nbconvert --clear-output takes the pictures out"));
    }
    let bytes = std::fs::read(file).map_err(|error| wrong(format!("could not read it: {error}")))?;
    let notebook: Notebook = serde_json::from_slice(&bytes).map_err(|error| {
        Stop::new(Exit::Usage, format!("this is no notebook: {error}")).at(format!(
            "{}:{}:{}",
            file.display(),
            error.line(),
            error.column()
        ))
    })?;
    if notebook.nbformat != 4 {
        return Err(wrong(format!("it is a notebook of format {}, and only format 4 is known", notebook.nbformat))
            .hint(format!("jupyter nbconvert --to notebook --nbformat 4 {}", file.display())));
    }
    match language(&notebook.metadata) {
        Some(other) if other != "python" => Err(wrong(format!("it is a notebook in {other}; one in Python is needed"))),
        _ => Ok(notebook),
    }
}

fn language(metadata: &Metadata) -> Option<String> {
    let said = metadata.language_info.as_ref().map(|it| it.name.clone());
    said.or_else(|| metadata.kernelspec.as_ref()?.language.clone()).map(|it| it.to_lowercase())
}

/// The marked cells one after the other, and for each line where it stands in the notebook. Cells count from 1, all of them.
fn program(notebook: &Notebook, file: &Path) -> Result<(String, Vec<(usize, usize)>), Stop> {
    let (mut program, mut places) = (String::new(), Vec::new());
    for (at, cell) in notebook.cells.iter().enumerate() {
        let text = cell.text();
        if !cell.is_marked(&text) {
            continue;
        }
        for (line, text) in text.lines().enumerate() {
            if is_command(text) {
                return Err(Stop::new(
                    Exit::Usage,
                    format!("`{}` is a command of the notebook, not Python", text.trim()),
                )
                .at(format!("{}, cell {}, line {}", file.display(), at + 1, line + 1))
                .hint("move it to a cell that does not belong to the function"));
            }
            program.push_str(text);
            program.push('\n');
            places.push((at + 1, line + 1));
        }
    }
    if places.is_empty() {
        return Err(Stop::new(Exit::Usage, "no cell of the notebook belongs to a function")
            .at(file.display().to_string())
            .hint(format!("give cells the tag `{TAG}`, or begin them with the line `{MARK}`")));
    }
    Ok((program, places))
}

/// `%magic`, `%%magic`, `!command`, `?help`: what only a notebook understands.
fn is_command(line: &str) -> bool {
    line.starts_with(['%', '!', '?']) || line.trim_start().starts_with("get_ipython()")
}

/// Says a place in the program as one in the notebook.
fn in_its_cell(stop: Stop, original: &Original) -> Stop {
    let line = stop.parts().0.and_then(|place| {
        let rest = place.strip_prefix(&format!("{}:", original.file.display()))?;
        rest.split(':').next()?.parse().ok()
    });
    match line {
        Some(line) => stop.at(original.place(line)),
        None => stop,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn notebook(cells: &Value) -> Value {
        json!({ "nbformat": 4, "nbformat_minor": 5, "metadata": { "kernelspec": { "language": "python", "name": "python3" } }, "cells": cells })
    }

    fn cell(tags: &[&str], source: &str) -> Value {
        json!({ "cell_type": "code", "metadata": { "tags": tags }, "source": source, "outputs": [], "execution_count": null })
    }

    /// What a notebook comes to: the program, or the place and the message of what is wrong.
    fn read_as(notebook: &Value) -> Result<String, (String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.ipynb");
        std::fs::write(&file, notebook.to_string()).unwrap();
        let explained = |stop: Stop| {
            let place = stop.parts().0.unwrap_or_default().replace(&format!("{}/", folder.path().display()), "");
            (place, stop.to_string())
        };
        let read = read(&file).map_err(explained)?;
        program(&read, &file).map(|(program, _)| program).map_err(explained)
    }

    #[test]
    fn only_marked_cells_become_the_function() {
        let cells = json!([
            { "cell_type": "markdown", "metadata": { "tags": ["function"] }, "source": "# A title" },
            cell(&["function"], "import json"),
            cell(&[], "%matplotlib inline\nplot()"),
            { "cell_type": "code", "metadata": {}, "source": ["#| function\n", "x = 1\n"], "outputs": [] },
            cell(&["slow"], "y = 2"),
        ]);
        assert_eq!(read_as(&notebook(&cells)).unwrap(), "import json\n#| function\nx = 1\n");
    }

    #[test]
    fn a_cell_with_a_manifest_is_part_of_it_and_its_mistakes_are_found_there() {
        let cells = json!([cell(&[], "1"), cell(&[], "# /// function\n# nam = \"x\"\n# ///")]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.ipynb");
        std::fs::write(&file, notebook(&cells).to_string()).unwrap();
        let stop = open(&file).unwrap_err();
        assert!(stop.parts().0.unwrap().ends_with("a.ipynb, cell 2, line 2"), "{stop:?}");
    }

    #[test]
    fn what_is_no_such_notebook_is_explained() {
        let magic = notebook(&json!([cell(&[], ""), cell(&["function"], "x = 1\n!pip install wine")]));
        let (place, what) = read_as(&magic).unwrap_err();
        assert_eq!((place.as_str(), what.contains("pip install wine")), ("a.ipynb, cell 2, line 2", true));
        assert!(read_as(&notebook(&json!([cell(&[], "x = 1")]))).unwrap_err().1.contains("no cell"));
        assert!(read_as(&json!({ "nbformat": 3, "worksheets": [] })).unwrap_err().1.contains("format 3"));
        assert!(read_as(&json!({ "cells": [] })).unwrap_err().1.contains("no notebook"));
        let julia = json!({ "nbformat": 4, "metadata": { "language_info": { "name": "julia" } }, "cells": [] });
        assert!(read_as(&julia).unwrap_err().1.contains("julia"));
    }
}
