//! Runs every target over its corpus, over the repository's own manifests and pipelines, and over cuts and flips of both.

use std::{
    fs,
    path::{Path, PathBuf},
};

use host_fuzz::{TARGETS, Target};

/// Bytes with what they are called.
struct Sample {
    path: PathBuf,
    bytes: Vec<u8>,
}

#[test]
fn no_reader_panics_on_its_corpus() {
    for target in TARGETS {
        let samples = corpus(target);
        assert!(samples.len() >= 10, "{} has a corpus of {}", target.name, samples.len());
        for sample in samples {
            run(target, &sample.path, &sample.bytes);
        }
    }
}

#[test]
fn no_reader_panics_on_what_another_reads() {
    for target in TARGETS {
        for sample in TARGETS.into_iter().flat_map(corpus) {
            run(target, &sample.path, &sample.bytes);
        }
    }
}

#[test]
fn no_reader_panics_on_damaged_input() {
    for target in TARGETS {
        for Sample { path, bytes } in corpus(target).into_iter().filter(|it| it.bytes.len() <= 4_096) {
            let step = bytes.len() / 64 + 1;
            for at in (0..bytes.len()).step_by(step) {
                run(target, &path, &bytes[..at]);
                for bit in [0x01, 0x20, 0x80] {
                    let mut damaged = bytes.clone();
                    damaged[at] ^= bit;
                    run(target, &path, &damaged);
                }
            }
        }
    }
}

/// Runs the target; a panic names the sample.
fn run(target: Target, path: &Path, bytes: &[u8]) {
    let told = std::panic::catch_unwind(|| (target.run)(bytes));
    assert!(told.is_ok(), "{} breaks on {}: {:?}", target.name, path.display(), String::from_utf8_lossy(bytes));
}

fn corpus(target: Target) -> Vec<Sample> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let mut paths = files(&here.join("corpus").join(target.name));
    match target.name {
        "manifest" => paths.extend(files(&root.join("functions")).into_iter().map(|it| it.join("function.toml"))),
        "pipeline" => paths.extend(files(&root.join("deploy/examples"))),
        _ => {}
    }
    let read = |path: PathBuf| fs::read(&path).ok().map(|bytes| Sample { path, bytes });
    paths.into_iter().filter_map(read).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder exists");
    let mut paths: Vec<_> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
    paths.sort();
    paths
}
