//! `fn namespaces`: list, show, claim, add, remove, verify.

use anyhow::Result;
use host_core::Name;
use host_wire::{
    Page,
    package::{AddOwner, Namespace, OwnerRole, VerifyNamespace},
};

use crate::{
    args::{self, NamespacesCommand},
    client::Client,
    ui::{Exit, Printer, Stop, Table},
};

/// Does what was asked of namespaces.
pub(super) async fn run(command: &NamespacesCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        NamespacesCommand::List(args) => list(args, client, printer).await,
        NamespacesCommand::Show(args) => {
            let namespace: Namespace = client.get(&path(&args.namespace)?, &[]).await?;
            printer.answer(&namespace, || owners(&namespace));
            Ok(())
        }
        NamespacesCommand::Claim(args) => {
            let namespace: Namespace = client.put(&path(&args.namespace)?, &serde_json::json!({})).await?;
            printer.answer(&namespace, || namespace.name.to_string());
            printer.done(&format!("the namespace `{}` is yours", namespace.name));
            printer.next(&format!("fn publish --namespace {}", namespace.name));
            Ok(())
        }
        NamespacesCommand::Add(args) => {
            let body = AddOwner { role: role(args.role) };
            let path = format!("{}/owners/{}", path(&args.namespace)?, owner(&args.owner)?);
            let namespace: Namespace = client.put(&path, &body).await?;
            printer.answer(&namespace, || owners(&namespace));
            printer.done(&format!("`{}` may publish in `{}`", args.owner, namespace.name));
            Ok(())
        }
        NamespacesCommand::Remove(args) => {
            let path = format!("{}/owners/{}", path(&args.namespace)?, owner(&args.owner)?);
            client.delete(&path).await?;
            printer.done(&format!("`{}` may publish in `{}` no more", args.owner, args.namespace));
            Ok(())
        }
        NamespacesCommand::Verify(args) => {
            let body = VerifyNamespace { verified: !args.undo };
            let namespace: Namespace = client.put(&format!("{}/verified", path(&args.namespace)?), &body).await?;
            printer.answer(&namespace, || known(&namespace).to_owned());
            printer.done(&format!("the publisher of `{}` is {}", namespace.name, known(&namespace)));
            Ok(())
        }
    }
}

async fn list(args: &args::NamespacesListArgs, client: &Client, printer: &Printer) -> Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.after.iter().map(|it| ("after", it.clone())));
    let page: Page<Namespace> = client.get("/api/v1/namespaces", &query).await?;
    printer.answer(&page, || table(&page.items));
    match &page.next {
        Some(next) => printer.next(&format!("fn namespaces list --after {next}, for more")),
        None if page.items.is_empty() => printer.next("fn namespaces claim NAME, or fn publish"),
        None => {}
    }
    Ok(())
}

fn table(namespaces: &[Namespace]) -> String {
    let mut table = Table::new(&["namespace", "packages", "publisher", "owners"]);
    for it in namespaces {
        let owners: Vec<&str> = it.owners.iter().map(|it| it.name.as_str()).collect();
        table.row([it.name.to_string(), it.packages.to_string(), known(it).to_owned(), owners.join(", ")]);
    }
    table.text()
}

fn owners(namespace: &Namespace) -> String {
    let mut table = Table::new(&["who", "may", "said by", "since"]);
    for it in &namespace.owners {
        let may = match it.role {
            OwnerRole::Publisher => "publish",
            OwnerRole::Owner => "publish and own",
        };
        table.row([it.name.clone(), may.to_owned(), it.added_by.clone(), format!("{:.0}", it.added_at)]);
    }
    table.text()
}

fn known(namespace: &Namespace) -> &'static str {
    if namespace.verified { "verified" } else { "not verified" }
}

fn role(role: args::OwnerRole) -> OwnerRole {
    match role {
        args::OwnerRole::Publisher => OwnerRole::Publisher,
        args::OwnerRole::Owner => OwnerRole::Owner,
    }
}

fn path(namespace: &str) -> Result<String, Stop> {
    let namespace: Name =
        namespace.parse().map_err(|error: host_core::name::InvalidName| Stop::new(Exit::Usage, error.to_string()))?;
    Ok(format!("/api/v1/namespaces/{namespace}"))
}

/// A name, or two with an `@` between them, has nothing in it that means something in a path.
fn owner(text: &str) -> Result<&str, Stop> {
    let fits = text.split('@').all(|it| it.parse::<Name>().is_ok()) && text.split('@').count() <= 2;
    if fits {
        return Ok(text);
    }
    Err(Stop::new(Exit::Usage, "that is not the name of a token")
        .hint("write NAME, or NAME@PROJECT where it is for one project"))
}
