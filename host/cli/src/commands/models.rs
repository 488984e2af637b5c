//! `fn models`: list, show, promote, rollback, serve, stats, streams.

mod stats;
mod streams;

use anyhow::Result;
use host_core::model::{At, ModelRef};
use host_wire::{
    Page,
    alias::{Moved, Promote, VersionName},
    endpoint::{Endpoint, Serve},
    model::{Model, ModelDetail},
    version::Version,
};

use crate::{
    args::{ModelAliasArgs, ModelArgs, ModelsCommand, PromoteArgs, ServeArgs},
    client::Client,
    ui::{Exit, Printer, Stop, Table},
};

/// Does what was asked of models.
pub(super) async fn run(command: ModelsCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        ModelsCommand::List => list(client, printer).await,
        ModelsCommand::Show(args) => show(&args, client, printer).await,
        ModelsCommand::Promote(args) => promote(&args, client, printer).await,
        ModelsCommand::Rollback(args) => rollback(&args, client, printer).await,
        ModelsCommand::Serve(args) => serve(&args, client, printer).await,
        ModelsCommand::Stats(args) => stats::run(&args, client, printer).await,
        ModelsCommand::Streams(command) => streams::run(command, client, printer).await,
    }
}

async fn list(client: &Client, printer: &Printer) -> Result<()> {
    let models: Page<Model> = client.get(&client.in_project("/models"), &[]).await?;
    printer.answer(&models.items, || {
        let mut table = Table::new(&["model", "newest", "aliases"]);
        for it in &models.items {
            let aliases: Vec<String> =
                it.aliases.iter().map(|alias| format!("{}→{}", alias.alias, alias.number)).collect();
            table.row([
                it.name.to_string(),
                it.newest.map_or_else(|| "-".to_owned(), |it| it.to_string()),
                aliases.join(" "),
            ]);
        }
        table.text()
    });
    if models.items.is_empty() {
        printer.say("no models yet");
        printer.next("fn pipeline submit FILE, with a register-model step");
    }
    Ok(())
}

async fn show(args: &ModelArgs, client: &Client, printer: &Printer) -> Result<()> {
    let detail: ModelDetail = client.get(&client.in_project(&format!("/models/{}", args.model)), &[]).await?;
    printer.answer(&detail, || text(&detail));
    Ok(())
}

fn text(detail: &ModelDetail) -> String {
    let mut versions = Table::new(&["version", "aliases", "digest", "metrics", "by", "registered"]);
    for it in &detail.versions {
        let aliases: Vec<String> = detail
            .aliases
            .iter()
            .filter(|alias| alias.number == it.number)
            .map(|alias| alias.alias.to_string())
            .collect();
        versions.row([
            it.number.to_string(),
            aliases.join(" "),
            it.digest.short(),
            metrics(it),
            it.created_by.clone(),
            format!("{:.0}", it.created_at),
        ]);
    }
    let mut parts = vec![detail.name.to_string(), versions.text()];
    if let Some(newest) = detail.versions.first() {
        let specs = |specs: &[host_wire::version::TensorSpec]| {
            specs.iter().map(|it| format!("{} {} {:?}", it.name, it.datatype, it.shape)).collect::<Vec<_>>().join(", ")
        };
        parts.push(format!("takes {}\ngives {}", specs(&newest.signature.inputs), specs(&newest.signature.outputs)));
    }
    parts.join("\n\n")
}

fn metrics(version: &Version) -> String {
    let short = version.metrics.iter().filter_map(|(name, value)| value.as_f64().map(|it| format!("{name}={it:.4}")));
    short.take(4).collect::<Vec<_>>().join(" ")
}

async fn promote(args: &PromoteArgs, client: &Client, printer: &Printer) -> Result<()> {
    let reference: ModelRef = args.version.parse().map_err(|error| Stop::new(Exit::Usage, format!("{error}")))?;
    let version = match &reference.at {
        At::Number(number) => VersionName::Number(*number),
        At::Alias(alias) => VersionName::Text(alias.to_string()),
        At::Default => {
            return Err(Stop::new(Exit::Usage, format!("`{}` names no version", args.version))
                .hint(format!("fn models promote {}@1", args.version))
                .into());
        }
    };
    let path = client.in_project(&format!("/models/{}/aliases/{}", reference.model, args.alias));
    let moved: Moved = client.put(&path, &Promote { version }).await?;
    told(&moved, printer);
    Ok(())
}

async fn rollback(args: &ModelAliasArgs, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/models/{}/aliases/{}/rollback", args.model, args.alias));
    let moved: Moved = client.post(&path, &serde_json::json!({})).await?;
    told(&moved, printer);
    Ok(())
}

fn told(moved: &Moved, printer: &Printer) {
    printer.answer(moved, || format!("{}@{} → {}", moved.model, moved.alias, moved.number));
    let before = moved.previous.map(|it| format!(", before {it}")).unwrap_or_default();
    printer.done(&format!("{}@{} is version {}{before}", moved.model, moved.alias, moved.number));
    printer.next(&format!("fn models rollback {} --alias {}, to undo this", moved.model, moved.alias));
}

async fn serve(args: &ServeArgs, client: &Client, printer: &Printer) -> Result<()> {
    let model: ModelRef = args.model.parse().map_err(|error| Stop::new(Exit::Usage, format!("{error}")))?;
    let name = args.name.clone().unwrap_or_else(|| model.model.to_string());
    let path = client.in_project(&format!("/endpoints/{name}"));
    let endpoint: Endpoint = client.put(&path, &Serve { model }).await?;
    printer.answer(&endpoint, || format!("{}{}", client.base(), endpoint.path));
    printer.done(&format!("`{}` serves {}", endpoint.name, endpoint.model));
    printer.next(&format!("curl {}{}", client.base(), endpoint.path.trim_end_matches("/infer")));
    Ok(())
}
