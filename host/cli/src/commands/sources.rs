//! `fn sources`: where packages are looked for.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result};
use host_core::Name;
use serde_json::json;

use crate::{
    args::{SourcesAddArgs, SourcesCommand},
    client::Client,
    sources::{HOST, Kept, Login, Sources, check_scheme},
    ui::{Exit, Printer, Stop, Table},
};

/// Does what was asked of sources.
pub(super) fn run(command: SourcesCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        SourcesCommand::Add(args) => add(args, printer),
        SourcesCommand::List => list(client, printer),
        SourcesCommand::Remove(args) => remove(&args.name, printer),
    }
}

fn add(args: SourcesAddArgs, printer: &Printer) -> Result<()> {
    let name: Name =
        args.name.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))?;
    if name.as_str() == HOST {
        return Err(Stop::new(Exit::Usage, "`host` is the host you talk to; choose another name").into());
    }
    if let Some(namespace) = &args.namespace {
        namespace.parse::<Name>().map_err(|error| Stop::new(Exit::Usage, error.to_string()))?;
    }
    let is_web = args.address.contains("://");
    check_scheme(args.address.strip_prefix("mirror+").unwrap_or(&args.address), args.insecure)?;
    if args.address.contains('@') && is_web {
        return Err(Stop::new(Exit::Usage, "an address does not hold who asks")
            .hint("fn sources add NAME ADDRESS --user NAME, or --token")
            .into());
    }
    let login = match (&args.user, args.token) {
        (Some(user), _) => Login::Basic(user.clone(), secret("password")?),
        (None, true) => Login::Token(secret("token")?),
        (None, false) => Login::Nobody,
    };
    let address = if is_web { args.address } else { absolute(&args.address)? };
    let ca = args.ca.map(std::path::absolute).transpose().context("could not find the certificate")?;
    let kept = Kept { address, namespace: args.namespace, login, insecure: args.insecure, ca };
    let mut sources = Sources::load()?;
    printer.answer(&json!({ "name": name, "address": kept.address }), || name.to_string());
    printer.done(&format!("packages are looked for at {}, too", kept.address));
    sources.sources.insert(name.to_string(), kept);
    sources.save()?;
    printer.next(&format!("fn search --from {name}"));
    Ok(())
}

fn absolute(folder: &str) -> Result<String> {
    let path = std::path::absolute(folder).context("could not find the folder")?;
    path.into_os_string().into_string().map_err(|_| Stop::new(Exit::Usage, "the folder's name is no text").into())
}

/// A password or a token: never an argument, which others on this machine could read.
fn secret(what: &str) -> Result<String, Stop> {
    let failed = |error: std::io::Error| Stop::new(Exit::Usage, format!("could not read the {what}: {error}"));
    let text = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{what} (not shown): ")).map_err(failed)?
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        line
    };
    let text = text.trim().to_owned();
    if text.is_empty() { Err(Stop::new(Exit::Usage, format!("there is no {what}"))) } else { Ok(text) }
}

fn list(client: &Client, printer: &Printer) -> Result<()> {
    let sources = Sources::load()?;
    let mut table = Table::new(&["source", "address", "publishes in", "as"]);
    table.row([HOST.to_owned(), client.base().to_owned(), String::new(), "the context in use".to_owned()]);
    let mut all = vec![json!({ "name": HOST, "address": client.base() })];
    for (name, kept) in &sources.sources {
        let namespace = kept.namespace.clone().unwrap_or_default();
        table.row([name.clone(), kept.address.clone(), namespace, format!("{:?}", kept.login)]);
        all.push(json!({ "name": name, "address": kept.address, "namespace": kept.namespace }));
    }
    printer.answer(&all, || table.text());
    Ok(())
}

fn remove(name: &str, printer: &Printer) -> Result<()> {
    let mut sources = Sources::load()?;
    if sources.sources.remove(name).is_none() {
        return Err(Stop::new(Exit::NotFound, format!("there is no source `{name}`")).hint("fn sources list").into());
    }
    sources.save()?;
    printer.answer(&json!({ "removed": name }), String::new);
    printer.done(&format!("`{name}` is forgotten"));
    Ok(())
}
