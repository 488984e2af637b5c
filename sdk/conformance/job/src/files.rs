//! What a job does to files, and what it tries to.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    time::UNIX_EPOCH,
};

use serde_json::{Value, json};
use weft::Failure;

use crate::is_there;

pub(crate) fn behave(action: &str, n: u64, text: &str) -> Result<Value, Failure> {
    match action {
        "list" => Ok(list(text)?),
        "stat" => Ok(stat(text)?),
        "read" => Ok(tried(fs::read(text).map(|bytes| bytes.len()))),
        "write-at" => Ok(tried(fs::write(text, "x").map(|()| 1))),
        "delete" => Ok(tried(fs::remove_file(text).map(|()| 1))),
        "undeclared" => undeclared(text),
        "folder" => folder(text),
        "many" => many(n),
        "flood" => flood(n),
        "link" => Ok(link(text)),
        "escape" => Ok(escape()),
        other => Err(Failure::invalid("unknown-behaviour", format!("no behaviour is called `{other}`"))),
    }
}

/// The names in a folder, in the order they come.
fn list(folder: &str) -> io::Result<Value> {
    let names: io::Result<Vec<_>> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect();
    Ok(json!(names?.iter().map(|name| name.to_string_lossy()).collect::<Vec<_>>()))
}

/// What the file system says of a path: what differs between hosts must not show.
fn stat(path: &str) -> io::Result<Value> {
    let metadata = fs::metadata(path)?;
    let seconds = |time: io::Result<std::time::SystemTime>| {
        time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|since| since.as_nanos().to_string())
    };
    Ok(json!({
        "bytes": metadata.len(),
        "is_file": metadata.is_file(),
        "modified_ns": seconds(metadata.modified()),
        "accessed_ns": seconds(metadata.accessed()),
        "created_ns": seconds(metadata.created()),
    }))
}

/// A file under `/out` that no manifest declares.
fn undeclared(name: &str) -> Result<Value, Failure> {
    let name = if name.is_empty() { "undeclared" } else { name };
    fs::write(Path::new("/out").join(name), "x")?;
    Ok(json!(name))
}

/// A folder where the output should be.
fn folder(name: &str) -> Result<Value, Failure> {
    let folder = Path::new("/out").join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("file"), "x")?;
    Ok(json!(name))
}

/// That many files under `/out`.
fn many(files: u64) -> Result<Value, Failure> {
    for file in 0..files {
        fs::write(format!("/out/{file}"), "x")?;
    }
    Ok(json!(files))
}

/// That many MiB into the output `out`.
fn flood(mib: u64) -> Result<Value, Failure> {
    let mut file = fs::File::create("/out/out")?;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..mib {
        file.write_all(&piece)?;
    }
    Ok(json!(mib))
}

/// Links, both kinds, from `/out/out` to where `text` says.
fn link(target: &str) -> Value {
    let symbolic = link_to(target, "/out/out");
    let hard = fs::hard_link(target, "/out/hard").map(|()| 1);
    json!({ "symbolic": tried(symbolic), "hard": tried(hard), "is_there": is_there("/out/out") })
}

#[cfg(target_os = "wasi")]
fn link_to(target: &str, link: &str) -> io::Result<usize> {
    use wasip2::filesystem::preopens;

    let (name, folder) = (link.trim_start_matches("/out/"), "/out");
    let preopen = preopens::get_directories().into_iter().find(|(_, path)| path == folder);
    let (directory, _) = preopen.ok_or_else(|| io::Error::other("nothing is preopened at /out"))?;
    directory.symlink_at(target, name).map(|()| 1).map_err(|error| io::Error::other(error.name()))
}

#[cfg(not(target_os = "wasi"))]
fn link_to(target: &str, link: &str) -> io::Result<usize> {
    std::os::unix::fs::symlink(target, link).map(|()| 1)
}

/// Paths that would leave the folders a job is given.
fn escape() -> Value {
    let reads = [
        "/etc/passwd",
        "/in/../../etc/passwd",
        "../etc/passwd",
        "/out/../in/../etc/passwd",
        "/",
        "/in/..",
        "/proc/self/environ",
    ];
    let writes = ["/in/escaped", "/out/../escaped", "/out/../in/escaped", "/escaped", "/tmp/escaped", "escaped"];
    let read = |path: &&str| json!({ "path": path, "tried": tried(fs::metadata(path).map(|it| it.len() as usize)) });
    let written = |path: &&str| json!({ "path": path, "tried": tried(fs::write(path, "x").map(|()| 1)) });
    json!({ "reads": reads.iter().map(read).collect::<Vec<_>>(), "writes": writes.iter().map(written).collect::<Vec<_>>() })
}

fn tried(result: io::Result<usize>) -> Value {
    match result {
        Ok(count) => json!({ "ok": count }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}
