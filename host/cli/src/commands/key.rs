//! `fn key`: keys of publishers, in files that only their owner can read.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use host_core::trust::PublicKey;
use marketplace::sign::{KeyError, SecretKey, public_from_pem, public_to_pem};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    args::{KeyCommand, KeyNewArgs},
    personal,
    ui::{Exit, Printer, Stop, Table},
};

/// The largest file with a key.
const LARGEST: u64 = 64 << 10;

/// Does what was asked of keys.
pub(super) fn run(command: &KeyCommand, printer: &Printer) -> Result<()> {
    match command {
        KeyCommand::New(args) => new(args, printer),
        KeyCommand::List => list(printer),
        KeyCommand::Show(args) => show(&args.name, printer),
        KeyCommand::Revoke(args) => revoke(&args.name, printer),
    }
}

fn new(args: &KeyNewArgs, printer: &Printer) -> Result<()> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => kept(&args.name)?,
    };
    if file.exists() || file.with_extension("pub").exists() {
        return Err(Stop::new(Exit::Refused, "there is a key of that name already")
            .at(file.display().to_string())
            .hint("fn key new ANOTHER-NAME")
            .into());
    }
    let key = SecretKey::generate().map_err(unusable)?;
    let failed = |error: std::io::Error| {
        Stop::new(Exit::Failed, format!("could not write the key: {error}")).at(file.display().to_string())
    };
    personal::write(&file, key.to_pem().map_err(unusable)?.as_bytes()).map_err(failed)?;
    let public = public_to_pem(&key.public()).map_err(unusable)?;
    fs::write(file.with_extension("pub"), public).map_err(failed)?;
    let id = key.public().id();
    printer.answer(&json!({ "id": id, "key": key.public(), "file": file }), || id.to_string());
    printer.done(&format!("key {} is in {}; keep a copy of it somewhere safe", id.short(), file.display()));
    printer.next(&format!("fn trust add NAMESPACE --key {}", file.with_extension("pub").display()));
    Ok(())
}

fn list(printer: &Printer) -> Result<()> {
    let mut table = Table::new(&["key", "id", "public key", "state"]);
    let mut all = Vec::new();
    for (name, file) in names()? {
        let Ok(public) = read_public(&file.with_extension("pub")) else { continue };
        let state = if file.exists() { "usable" } else { "revoked" };
        table.row([name.clone(), public.id().short(), public.to_string(), state.to_owned()]);
        all.push(json!({ "name": name, "id": public.id(), "key": public, "state": state }));
    }
    printer.answer(&all, || table.text());
    if all.is_empty() {
        printer.next("fn key new");
    }
    Ok(())
}

fn show(name: &str, printer: &Printer) -> Result<()> {
    let public = read_public(&kept(name)?.with_extension("pub")).map_err(|stop| stop.hint("fn key list"))?;
    printer.answer(&json!({ "name": name, "id": public.id(), "key": public }), || public.to_string());
    printer.say(&format!("  its id is {}", public.id()));
    Ok(())
}

/// The public half stays, so that there is something to name where it was trusted.
fn revoke(name: &str, printer: &Printer) -> Result<()> {
    let file = kept(name)?;
    let public = read_public(&file.with_extension("pub")).map_err(|stop| stop.hint("fn key list"))?;
    match fs::remove_file(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Stop::new(Exit::Failed, format!("could not destroy the key: {error}")).into()),
    }
    printer.answer(&json!({ "name": name, "id": public.id() }), || public.id().to_string());
    printer.done(&format!("nobody signs with key `{name}` any more; what it signed stays signed"));
    printer.next(&format!("fn trust revoke {}, in every project that trusted it", public.id()));
    Ok(())
}

/// The key of that name, or in that file.
pub(super) fn secret(key: &str) -> Result<SecretKey, Stop> {
    let file = if Path::new(key).is_file() { PathBuf::from(key) } else { kept(key)? };
    let place = file.display().to_string();
    let text = Zeroizing::new(read(&file).map_err(|stop| stop.hint("fn key new"))?);
    let mode = file.metadata().map(|it| it.permissions().mode()).unwrap_or_default();
    if mode & 0o077 != 0 {
        return Err(Stop::new(Exit::Refused, "others on this machine can read that key")
            .at(place.clone())
            .hint(format!("chmod 600 {place}")));
    }
    SecretKey::from_pem(&text).map_err(|error| unusable(error).at(place))
}

/// The key of that name, if there is one.
pub(super) fn secret_if_any(name: &str) -> Result<Option<SecretKey>, Stop> {
    if kept(name)?.exists() { secret(name).map(Some) } else { Ok(None) }
}

/// A public key: a file, one of one's own by name, or the key itself.
pub(super) fn public(text: &str) -> Result<PublicKey, Stop> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    if Path::new(text).is_file() {
        return read_public(Path::new(text));
    }
    let own = kept(text).map(|it| it.with_extension("pub")).ok().filter(|it| it.is_file());
    match own {
        Some(file) => read_public(&file),
        None => Err(Stop::new(Exit::Usage, "that is neither a public key nor a file with one")
            .hint("--key publisher.pub, or what `fn key show` prints")),
    }
}

fn read_public(file: &Path) -> Result<PublicKey, Stop> {
    public_from_pem(&read(file)?).map_err(|error| unusable(error).at(file.display().to_string()))
}

fn read(file: &Path) -> Result<String, Stop> {
    let failed = |error: std::io::Error| {
        Stop::new(Exit::Usage, format!("could not read the key: {error}")).at(file.display().to_string())
    };
    if file.metadata().map_err(failed)?.len() > LARGEST {
        return Err(Stop::new(Exit::Usage, "that file is larger than keys are").at(file.display().to_string()));
    }
    fs::read_to_string(file).map_err(failed)
}

fn unusable(error: KeyError) -> Stop {
    let exit = if matches!(error, KeyError::NotAKey(_)) { Exit::Usage } else { Exit::Failed };
    Stop::new(exit, error.to_string())
}

fn folder() -> Result<PathBuf, Stop> {
    Ok(personal::folder()?.join("keys"))
}

fn kept(name: &str) -> Result<PathBuf, Stop> {
    let name: host_core::Name = name.parse().map_err(|_| {
        Stop::new(Exit::Usage, format!("`{name}` is neither the name of a key nor a file")).hint("fn key list")
    })?;
    Ok(folder()?.join(format!("{name}.pem")))
}

/// The names of the keys there are, with the files of their secret halves.
fn names() -> Result<Vec<(String, PathBuf)>, Stop> {
    let entries = fs::read_dir(folder()?).into_iter().flatten().flatten();
    let files = entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == "pub"));
    let named = files.filter_map(|it| Some((it.file_stem()?.to_str()?.to_owned(), it.with_extension("pem"))));
    let mut names: Vec<(String, PathBuf)> = named.collect();
    names.sort();
    Ok(names)
}
