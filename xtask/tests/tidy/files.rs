//! Each file says what it is for, stays short, and holds nothing that belongs elsewhere.

use std::path::Path;

use crate::workspace::{code, files, is_test, none, root, rust_files, text};

/// The most lines of code, without tests, that are one idea.
const MOST_LINES: usize = 500;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

/// Files of rooms that may read the environment, each with its reason. The command line reads it for everybody.
const MAY_READ_ENVIRONMENT: &[(&str, &str)] = &[
    (
        "host/engine/src/platform.rs",
        "warns where RUST_BACKTRACE makes every error of the runtime capture a backtrace: the runtime reads it, not we",
    ),
    ("host/fuzz/src/main.rs", "libFuzzer owns the arguments of its driver, so the target is named in the environment"),
];

#[test]
fn every_rust_file_opens_with_its_purpose() {
    let silent = |file: &&Path| !text(file).starts_with("//! ");
    let findings = rust_files().filter(silent).map(|it| it.display().to_string()).collect();
    none(findings, "open these files with one sentence, `//! …`, on what they are for");
}

#[test]
fn rust_files_stay_short() {
    let mut findings = Vec::new();
    for file in rust_files().filter(|it| !is_test(it) && !is_listed(LONGER, it)) {
        let lines = code(&text(file)).lines().count();
        if lines > MOST_LINES {
            findings.push(format!("{}: {lines} lines", file.display()));
        }
    }
    none(findings, "split these files by meaning, or list them in LONGER with a reason");
}

#[test]
fn a_module_lies_beside_its_folder() {
    let findings = rust_files().filter(|it| it.ends_with("mod.rs")).map(|it| it.display().to_string()).collect();
    none(findings, "write `run.rs` beside `run/` instead of `run/mod.rs`");
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let marks = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore"), concat!("FIX", "ME")];
    none(lines_with(|file| file.extension().is_some_and(|it| it == "rs"), &marks), "finish these or take them out");
}

#[test]
fn files_do_not_know_whose_machine_they_are_on() {
    let mut marks = vec![concat!("/ho", "me/").to_owned(), concat!("/Us", "ers/").to_owned()];
    // A short root such as `/app` would also match harmless paths.
    marks.extend([root()].iter().filter(|it| it.components().count() > 2).map(|it| format!("{}/", it.display())));
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    none(lines_with(is_written_by_hand, &marks), "use a path seen from the root");
}

#[test]
fn rooms_are_told_their_configuration() {
    let is_room = |it: &Path| it.starts_with("host") && !it.starts_with("host/cli") && !it.starts_with("host/bench");
    let mut findings = Vec::new();
    for file in rust_files().filter(|it| is_room(it) && !is_test(it) && !is_listed(MAY_READ_ENVIRONMENT, it)) {
        if code(&text(file)).contains("env::var") {
            findings.push(file.display().to_string());
        }
    }
    none(findings, "configuration is passed in: add a key to the room's Config instead of reading the environment");
}

#[test]
fn exceptions_are_still_needed_and_say_why() {
    for (file, reason) in LONGER.iter().chain(MAY_READ_ENVIRONMENT) {
        assert!(root().join(file).is_file(), "{file} is gone; take its exception out");
        assert!(reason.len() > 20, "{file} needs a reason for its exception");
    }
    for (file, _) in LONGER {
        let lines = code(&text(Path::new(file))).lines().count();
        assert!(lines > MOST_LINES, "{file} is short enough now; take its exception out");
    }
}

fn is_listed(list: &[(&str, &str)], file: &Path) -> bool {
    list.iter().any(|(it, _)| Path::new(it) == file)
}

fn is_written_by_hand(file: &Path) -> bool {
    const KINDS: &[&str] = &["rs", "toml", "md", "yaml", "yml", "json", "wit", "sh", "ts", "tsx", "js", "py", "sql"];
    file.extension().and_then(|it| it.to_str()).is_some_and(|it| KINDS.contains(&it))
}

/// `file:line: text` for each line of the chosen files that holds one of the marks.
fn lines_with(choose: impl Fn(&Path) -> bool, marks: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files().iter().filter(|it| choose(it)) {
        for (number, line) in text(file).lines().enumerate() {
            if marks.iter().any(|it| line.contains(it)) {
                findings.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    findings
}
