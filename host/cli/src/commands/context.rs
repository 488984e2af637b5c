//! `fn context`: list, use, delete.

use anyhow::Result;
use serde_json::json;

use crate::{
    args::ContextCommand,
    contexts::Contexts,
    ui::{Printer, Table},
};

/// Does what was asked of contexts. No host is asked.
pub(super) fn run(command: &ContextCommand, printer: &Printer) -> Result<()> {
    let contexts = Contexts::load()?;
    match command {
        ContextCommand::List => list(&contexts, printer),
        ContextCommand::Use(args) => use_another(contexts, &args.name, printer)?,
        ContextCommand::Delete(args) => delete(contexts, &args.name, printer)?,
    }
    Ok(())
}

fn list(contexts: &Contexts, printer: &Printer) {
    let is_current = |name: &str| contexts.current.as_deref() == Some(name);
    let all: Vec<_> = contexts
        .contexts
        .iter()
        .map(|(name, it)| json!({ "name": name, "host": it.host, "project": it.project, "current": is_current(name) }))
        .collect();
    printer.answer(&all, || {
        let mut table = Table::new(&["context", "host", "project", ""]);
        for (name, it) in &contexts.contexts {
            let project = it.project.clone().unwrap_or_else(|| "-".to_owned());
            let mark = if is_current(name) { "in use" } else { "" };
            table.row([name.clone(), it.host.clone(), project, mark.to_owned()]);
        }
        table.text()
    });
    if all.is_empty() {
        printer.say("no contexts yet: commands talk to http://127.0.0.1:7070");
        printer.next("fn login https://weft.example.com");
    }
}

fn use_another(mut contexts: Contexts, name: &str, printer: &Printer) -> Result<()> {
    let host = contexts.get(name)?.host.clone();
    contexts.current = Some(name.to_owned());
    contexts.save()?;
    printer.answer(&json!({ "context": name, "host": host }), || name.to_owned());
    printer.done(&format!("commands talk to {host} from now on"));
    Ok(())
}

fn delete(mut contexts: Contexts, name: &str, printer: &Printer) -> Result<()> {
    contexts.get(name)?;
    contexts.contexts.remove(name);
    if contexts.current.as_deref() == Some(name) {
        contexts.current = None;
    }
    contexts.save()?;
    printer.answer(&json!({ "context": name }), || name.to_owned());
    printer.done(&format!("context `{name}` is forgotten; its token is of use until it is revoked"));
    Ok(())
}
