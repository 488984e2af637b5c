//! Implementations that others wrote, asked by scripts in `reference/`: JSON to standard input, JSON from standard output.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// What `reference/<script>.py` answers to `question`; `None` where Python's libraries are not there.
///
/// A script reads its question with `json.load(sys.stdin)` and prints its answer with `json.dumps`.
#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
pub(crate) fn reference(script: &str, question: &Value) -> Option<Value> {
    let Some(programs) = std::env::var_os("WEFT_TEST_SCIENCE") else {
        eprintln!("not compared with scikit-learn: `cargo xtask test` does, or set WEFT_TEST_SCIENCE");
        return None;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/library/reference");
    let mut python = Command::new(Path::new(&programs).join("python"))
        .arg(folder.join(script).with_extension("py"))
        // One thread each: tests run side by side.
        .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("PYTHONDONTWRITEBYTECODE", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script reads all of its question before it answers.
    python.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
