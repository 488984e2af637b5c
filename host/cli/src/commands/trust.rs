//! `fn trust`: whose packages a project takes.

use anyhow::Result;
use host_core::Name;
use host_wire::trust::{RevokedKey, SetTrust, Signatures, Trust, TrustKey};
use reqwest::Method;

use super::key;
use crate::{
    args::{SignaturesArg, TrustAddArgs, TrustCommand},
    client::Client,
    ui::{Exit, Printer, Stop, Table},
};

/// Does what was asked of trust.
pub(super) async fn run(command: &TrustCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        TrustCommand::Show => show(client, printer).await,
        TrustCommand::Set(args) => set(args.signatures, client, printer).await,
        TrustCommand::Add(args) => add(args, client, printer).await,
        TrustCommand::Revoke(args) => revoke(&args.key, client, printer).await,
    }
}

async fn show(client: &Client, printer: &Printer) -> Result<()> {
    let trust: Trust = client.get(&client.in_project("/trust"), &[]).await?;
    printer.answer(&trust, || text(&trust));
    if trust.keys.is_empty() {
        printer.next("fn trust add NAMESPACE --key FILE");
    }
    Ok(())
}

fn text(trust: &Trust) -> String {
    let mut table = Table::new(&["namespace", "key", "warm", "trusted by", "state"]);
    for it in &trust.keys {
        let state = it.revoked_at.map_or_else(|| "trusted".to_owned(), |at| format!("revoked {at}"));
        let warm = if it.warm { "yes" } else { "no" };
        table.row([it.namespace.to_string(), it.id.to_string(), warm.to_owned(), it.added_by.clone(), state]);
    }
    format!("packages that nobody trusted signed: {}\n\n{}", said(trust.signatures), table.text())
}

fn said(signatures: Signatures) -> &'static str {
    match signatures {
        Signatures::Off => "taken (off)",
        Signatures::Warn => "taken with a warning (warn)",
        Signatures::Require => "refused (require)",
    }
}

async fn set(signatures: SignaturesArg, client: &Client, printer: &Printer) -> Result<()> {
    let signatures = match signatures {
        SignaturesArg::Off => Signatures::Off,
        SignaturesArg::Warn => Signatures::Warn,
        SignaturesArg::Require => Signatures::Require,
    };
    let trust: Trust = client.put(&client.in_project("/trust"), &SetTrust { signatures }).await?;
    printer.answer(&trust, String::new);
    printer.done(&format!("packages that nobody trusted signed are {} from now on", said(signatures)));
    Ok(())
}

async fn add(args: &TrustAddArgs, client: &Client, printer: &Printer) -> Result<()> {
    let namespace: Name = args
        .namespace
        .parse()
        .map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))?;
    let body = TrustKey { namespace, key: key::public(&args.key)?, warm: args.warm };
    let trust: Trust = client.post(&client.in_project("/trust/keys"), &body).await?;
    printer.answer(&trust, || body.key.id().to_string());
    printer.done(&format!("key {} may sign packages of `{}`", body.key.id().short(), body.namespace));
    if trust.signatures != Signatures::Require {
        printer.next("fn trust set require, so that nothing else is taken");
    }
    Ok(())
}

async fn revoke(id: &str, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/trust/keys/{id}"));
    let revoked: RevokedKey = client.read(client.send(client.request(Method::DELETE, &path)).await?).await?;
    printer.answer(&revoked, || revoked.id.to_string());
    printer.done(&format!("what key {} signed is refused from now on", revoked.id.short()));
    for name in &revoked.in_service {
        printer.warn(&format!("`{name}` is in service, and this key signed it: fn delete {name}, or pull it anew"));
    }
    Ok(())
}
