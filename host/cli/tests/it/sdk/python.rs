//! Functions in Python: built by `fn build` with componentize-py, from templates, and refused with the reason.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use super::left_out;
use crate::support::{command, root};

/// `fn` where componentize-py is on the path; nothing where it is not installed.
pub(super) fn with_tool(args: &[&str]) -> Option<Command> {
    let Some(programs) = std::env::var_os("WEFT_TEST_COMPONENTIZE") else {
        return left_out("componentize-py", "installs it, or set WEFT_TEST_COMPONENTIZE to its folder");
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(PathBuf::from(programs)).chain(std::env::split_paths(&path));
    let mut command = command(args);
    command.env("PATH", std::env::join_paths(all).unwrap()).env_remove("VIRTUAL_ENV");
    if let Some(guests) = std::env::var_os("WEFT_TEST_GUESTS").map(PathBuf::from) {
        command.env("WEFT_ENGINE__CACHE", guests.join("compiled"));
    }
    command.env("WEFT_ENGINE__COMPILE_TIMEOUT", "10m");
    Some(command)
}

pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The suite's guest, as `fn build` makes it of a copy.
pub(super) fn suite() -> Option<PathBuf> {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path();
    for file in ["main.py", "function.toml"] {
        std::fs::copy(root().join("sdk/python/suite").join(file), folder.join(file)).unwrap();
    }
    let output = with_tool(&["build", folder.to_str().unwrap()])?.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    Some(folder.join("python.wasm"))
}

/// A folder with a function that begins with this program.
fn function(program: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("function.toml"), "name = \"subject\"\nlanguage = \"python\"\n").unwrap();
    std::fs::write(folder.path().join("main.py"), program).unwrap();
    folder
}

/// What `fn build` says of a function that it cannot build.
fn refused(folder: &Path) -> Option<String> {
    let output = with_tool(&["build", folder.to_str().unwrap()])?.output().unwrap();
    assert!(!output.status.success(), "{}", said(&output));
    Some(said(&output))
}

#[test]
fn a_template_builds_and_does_what_its_cases_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greeter");
    let path = path.to_str().unwrap();
    let made = command(&["new", "greeter", "--template", "python-handler", "--path", path]).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let Some(mut test) = with_tool(&["test", path]) else { return };
    let output = test.output().unwrap();
    assert!(output.status.success() && said(&output).contains("ok      greet"), "{}", said(&output));
    // What was built is still what would be built.
    let again = with_tool(&["build", path]).unwrap().output().unwrap();
    assert!(again.status.success() && !said(&again).contains("building"), "{}", said(&again));
}

#[test]
fn every_template_in_python_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    for template in ["python-handler", "python-http", "python-job"] {
        let path = folder.path().join(template);
        let made =
            command(&["new", template, "--template", template, "--path", path.to_str().unwrap()]).output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
        let tests = Command::new("python3")
            .args(["-m", "unittest", "--quiet"])
            .env("PYTHONPATH", root().join("sdk/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(&path)
            .output();
        if let Ok(output) = tests {
            assert!(output.status.success(), "{template}: {}", said(&output));
        }
    }
}

#[test]
fn the_sdk_passes_its_own_tests_natively() {
    let tests = Command::new("python3")
        .args(["-m", "unittest", "discover", "--quiet", "--start-directory", "tests"])
        .env("PYTHONPATH", ".")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(root().join("sdk/python"))
        .output();
    match tests {
        Ok(output) => assert!(output.status.success(), "{}", said(&output)),
        Err(_) => drop(left_out::<()>("the SDK's own tests", "installs python3")),
    }
}

#[test]
fn a_mistake_in_the_program_is_shown_where_it_is() {
    let folder =
        function("from weft_function import handler\n\nimport nowhere\n\n@handler\ndef f(event):\n    return 1\n");
    let Some(said) = refused(folder.path()) else { return };
    assert!(said.contains("No module named 'nowhere'") && said.contains("main.py:3"), "{said}");
    assert!(!said.contains("Stack backtrace") && !said.contains("/0/"), "{said}");

    let async_one = function("from weft_function import job\n\n\n@job\nasync def f():\n    return {}\n");
    let said = refused(async_one.path()).unwrap();
    assert!(said.contains("must not be async") && said.contains("main.py:"), "{said}");
}

#[test]
fn what_cannot_be_built_is_refused_before_it_is_tried() {
    let nothing = function("def f(event):\n    return 1\n");
    let packages = function("from weft_function import job\n@job\ndef f(): ...\n");
    std::fs::create_dir_all(packages.path().join("deps/numpy")).unwrap();
    std::fs::write(packages.path().join("deps/numpy/core.cpython-314-x86_64-linux-gnu.so"), "x").unwrap();
    for (folder, expected) in [(nothing, "@handler"), (packages, "machine code")] {
        let output = command(&["build", folder.path().to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[test]
fn without_componentize_py_the_command_that_brings_it_is_shown() {
    let folder = function("from weft_function import job\n@job\ndef f(): ...\n");
    let output = command(&["build", folder.path().to_str().unwrap()])
        .env("PATH", "/nonexistent")
        .env_remove("VIRTUAL_ENV")
        .output()
        .unwrap();
    assert!(said(&output).contains("pip install 'componentize-py==0.25.*'"), "{}", said(&output));
}
