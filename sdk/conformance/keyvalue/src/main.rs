//! A program written to the first draft of `wasi:keyvalue`: it keeps state, and reports what came of it. It knows
//! nothing of Weft.

use std::{env, fs, io, process::ExitCode};

/// The standard, as Rust.
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "imports" });
}

use bindings::wasi::keyvalue::{
    atomics, batch,
    store::{self, Bucket, Error},
};

/// More keys than a page holds.
const MANY: u64 = 2_500;

fn main() -> ExitCode {
    match fs::write("/out/report", report()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed standard error does not want to know.
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// One line per operation, up to the first that fails.
fn report() -> String {
    let mut lines = Vec::new();
    if let Err(error) = keep(&mut lines) {
        lines.push(format!("{error:?}"));
    }
    lines.join("\n") + "\n"
}

fn keep(lines: &mut Vec<String>) -> Result<(), Error> {
    let bucket = store::open(&param("bucket"))?;
    lines.push(format!("calls {}", atomics::increment(&bucket, "calls", 1)?));
    bucket.set("name", b"wine")?;
    lines.push(format!("name {:?}", bucket.get("name")?.map(text)));
    lines.push(format!("exists {} {}", bucket.exists("name")?, bucket.exists("nobody")?));
    bucket.delete("name")?;
    lines.push(format!("deleted {:?}", bucket.get("name")?));
    for first in (0..MANY).step_by(500) {
        let keys: Vec<_> = (first..first + 500).map(|it| (format!("many/{it:04}"), vec![0, 255])).collect();
        batch::set_many(&bucket, &keys)?;
    }
    let asked = ["many/0007".to_owned(), "nobody".to_owned()];
    lines.push(format!("many {:?}", batch::get_many(&bucket, &asked)?));
    let (pages, keys) = keys(&bucket)?;
    lines.push(format!("keys {} {}", keys.len(), pages > 1));
    batch::delete_many(&bucket, &keys.into_iter().filter(|it| it.starts_with("many/")).take(900).collect::<Vec<_>>())?;
    lines.push(format!("left {}", self::keys(&bucket)?.1.len()));
    lines.push(format!("backwards {:?}", bucket.list_keys(Some(99)).map(|it| it.keys.len())));
    lines.push(format!("too far {:?}", atomics::increment(&bucket, "calls", u64::MAX)));
    Ok(())
}

/// How many pages there are, and all keys.
fn keys(bucket: &Bucket) -> Result<(usize, Vec<String>), Error> {
    let (mut pages, mut keys, mut cursor) = (0, Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor)?;
        pages += 1;
        keys.extend(page.keys);
        match page.cursor {
            Some(next) => cursor = Some(next),
            None => return Ok((pages, keys)),
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of `--name=value`.
fn param(name: &str) -> String {
    let prefix = format!("--{name}=");
    env::args().find_map(|arg| arg.strip_prefix(&prefix).map(str::to_owned)).unwrap_or_default()
}
