//! Notebooks: the marked cells are deployed as one function, the rest stays at home.

use serde_json::{Value, json};

use super::{host, python};
use crate::support::{command, root};

fn cell(tags: &[&str], source: &str) -> Value {
    json!({ "cell_type": "code", "metadata": { "tags": tags }, "source": source, "outputs": [], "execution_count": 1 })
}

fn notebook(name: &str, cells: &Value) -> std::path::PathBuf {
    let folder = root().join("target/one-file/sources");
    std::fs::create_dir_all(&folder).unwrap();
    let text = json!({ "nbformat": 4, "nbformat_minor": 5, "cells": cells,
        "metadata": { "kernelspec": { "name": "python3", "language": "python", "display_name": "Python" } } });
    let file = folder.join(name);
    std::fs::write(&file, text.to_string()).unwrap();
    file
}

#[test]
fn the_marked_cells_of_a_notebook_become_a_function() {
    let cells = json!([
        { "cell_type": "markdown", "metadata": {}, "source": ["# How it was found\n", "By trying."] },
        cell(&["function"], "from weft_function import Request, http\nWEIGHTS = {\"a\": 2}"),
        cell(&[], "%matplotlib inline\nimport pandas as pd\npd.read_csv('x.csv').plot()"),
        cell(&[], "#| function\n@http\ndef serve(request: Request):\n    return {\"sum\": sum(WEIGHTS.get(it, 0) for it in request.text())}"),
    ]);
    let file = notebook("weights.ipynb", &cells);
    let Some(mut deploy) = python::with_tool(&["deploy", file.to_str().unwrap()]) else { return };
    let host = host();
    let cache = root().join("target/one-file");
    let output = deploy.env("XDG_CACHE_HOME", cache).env("WEFT_HOST", host.url("")).output().unwrap();
    assert!(output.status.success(), "{}", python::said(&output));
    assert_eq!(host.post("/fn/weights", "text/plain", b"aab"), (200, "{\"sum\":4}".to_owned()));
}

#[test]
fn a_mistake_in_a_cell_is_shown_in_that_cell() {
    let cells =
        json!([cell(&[], "1"), cell(&["function"], "from weft_function import http\n\nnowhere\n@http\ndef f(r): ...")]);
    let file = notebook("mistaken.ipynb", &cells);
    let Some(mut build) = python::with_tool(&["build", file.to_str().unwrap()]) else { return };
    let output = build.env("XDG_CACHE_HOME", root().join("target/one-file")).output().unwrap();
    let said = python::said(&output);
    assert!(said.contains("mistaken.ipynb, cell 2, line 3") && said.contains("nowhere"), "{said}");
}

#[test]
fn a_notebook_without_marked_cells_says_how_to_mark_them() {
    let file = notebook("unmarked.ipynb", &json!([cell(&["slow"], "1")]));
    let output = command(&["build", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(python::said(&output).contains("give cells the tag `function`"), "{}", python::said(&output));
}
