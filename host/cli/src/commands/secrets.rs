//! `fn secrets`: set, list, rotate, delete, rekey.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::Path,
};

use anyhow::Result;
use host_core::{Name, clock::Clock as _, ports::LONGEST};
use host_wire::{
    Page,
    secret::{Rekeyed, Secret, SetSecret},
};

use crate::{
    args::{SecretsCommand, SecretsSetArgs},
    client::Client,
    ui::{Exit, Printer, Stop, Table, ago},
};

/// Does what was asked of secrets.
pub(super) async fn run(command: SecretsCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        SecretsCommand::Set(args) => set(&args, client, printer).await,
        SecretsCommand::List => list(client, printer).await,
        SecretsCommand::Rotate(args) => rotate(&args, client, printer).await,
        SecretsCommand::Delete(args) => delete(&args.name, client, printer).await,
        SecretsCommand::Rekey => rekey(client, printer).await,
    }
}

async fn set(args: &SecretsSetArgs, client: &Client, printer: &Printer) -> Result<()> {
    let name = name(&args.name)?;
    let body = SetSecret { value: value(args)? };
    let secret: Secret = client.put(&client.in_project(&format!("/secrets/{name}")), &body).await?;
    printer.answer(&secret, || secret.version.to_string());
    printer.done(&format!("secret `{name}` is set (version {})", secret.version));
    if secret.version == 1 {
        printer.next(&format!("secret = [\"{name}\"] under [grants] in function.toml, then fn deploy"));
    }
    Ok(())
}

async fn rotate(args: &SecretsSetArgs, client: &Client, printer: &Printer) -> Result<()> {
    let name = name(&args.name)?;
    let body = SetSecret { value: value(args)? };
    let secret: Secret = client.post(&client.in_project(&format!("/secrets/{name}/rotate")), &body).await?;
    printer.answer(&secret, || secret.version.to_string());
    printer.done(&format!("secret `{name}` has another value (version {}); the next call sees it", secret.version));
    Ok(())
}

async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let page: Page<Secret> = client.get(&client.in_project("/secrets"), &[]).await?;
    printer.answer(&page, || table(&page.items));
    if page.items.is_empty() {
        printer.next("fn secrets set NAME");
    }
    Ok(())
}

fn table(secrets: &[Secret]) -> String {
    let now = host_core::clock::SystemClock.now();
    let mut table = Table::new(&["secret", "version", "set", "by"]);
    for it in secrets {
        table.row([it.name.to_string(), it.version.to_string(), ago(it.updated_at, now), it.updated_by.clone()]);
    }
    table.text()
}

async fn delete(text: &str, client: &Client, printer: &Printer) -> Result<()> {
    let name = name(text)?;
    client.delete(&client.in_project(&format!("/secrets/{name}"))).await?;
    printer.answer(&serde_json::json!({ "deleted": name }), String::new);
    printer.done(&format!("secret `{name}` is gone"));
    Ok(())
}

async fn rekey(client: &Client, printer: &Printer) -> Result<()> {
    let rekeyed: Rekeyed = client.post("/api/v1/secrets/rekey", &serde_json::json!({})).await?;
    printer.answer(&rekeyed, || rekeyed.secrets.to_string());
    printer.done(&format!("{} secrets are sealed with a new key", rekeyed.secrets));
    printer.say("  the earlier key opens backups made before: a key file is kept as secret.key.<id>");
    printer.say("  other hosts of the same database need the new key");
    Ok(())
}

fn name(text: &str) -> Result<Name, Stop> {
    // It may be the value by mistake, so it is not repeated.
    text.parse().map_err(|_| {
        Stop::new(
            Exit::Usage,
            "that is not the name of a secret: use 1 to 63 of a-z, 0-9 and -, beginning with a letter",
        )
        .hint("fn secrets set db-password < FILE")
    })
}

/// The value: from a file as it is; else from standard input or a prompt, without the line break that ends it.
fn value(args: &SecretsSetArgs) -> Result<String, Stop> {
    if let Some(file) = &args.from_file {
        return from_file(file);
    }
    let mut text = if io::stdin().is_terminal() { prompt(&args.name)? } else { from_stdin()? };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn from_file(file: &Path) -> Result<String, Stop> {
    let failed = |error: io::Error| {
        Stop::new(Exit::Usage, format!("could not read the value: {error}")).at(file.display().to_string())
    };
    let size = file.metadata().map_err(failed)?.len();
    if size > LONGEST as u64 {
        return Err(too_long());
    }
    text(std::fs::read(file).map_err(failed)?)
}

fn from_stdin() -> Result<String, Stop> {
    let mut bytes = Vec::new();
    // One byte and a line break more than fits, so that what is too long is noticed.
    let read = io::stdin().take(LONGEST as u64 + 3).read_to_end(&mut bytes);
    read.map_err(|error| Stop::new(Exit::Usage, format!("could not read the value from standard input: {error}")))?;
    if bytes.len() > LONGEST + 2 {
        return Err(too_long());
    }
    text(bytes)
}

fn prompt(name: &str) -> Result<String, Stop> {
    rpassword::prompt_password(format!("value of `{name}` (not shown): "))
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read the value: {error}")).hint("pipe it in"))
}

fn text(bytes: Vec<u8>) -> Result<String, Stop> {
    String::from_utf8(bytes).map_err(|_| {
        Stop::new(Exit::Usage, "the value is not UTF-8 text, which is what functions read")
            .hint("encode it, such as with base64, and let the function decode it")
    })
}

fn too_long() -> Stop {
    Stop::new(Exit::Usage, format!("the value is longer than {LONGEST} bytes"))
}
