//! `fn list`: the functions in service.

use anyhow::Result;
use host_wire::{Page, function::Function};

use crate::{
    client::Client,
    ui::{Printer, Table},
};

/// Lists every function of the project.
pub(super) async fn run(client: &Client, printer: &Printer) -> Result<()> {
    let mut functions: Vec<Function> = Vec::new();
    let mut after = None;
    loop {
        let query: Vec<_> = after.iter().map(|it: &String| ("after", it.clone())).collect();
        let page: Page<Function> = client.get(&client.in_project("/functions"), &query).await?;
        functions.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    printer.answer(&functions, || table(&functions));
    if functions.is_empty() {
        printer.say("no functions yet");
        printer.next("fn new hello && fn deploy hello");
    }
    Ok(())
}

fn table(functions: &[Function]) -> String {
    let mut table = Table::new(&["function", "revision", "entries", "path", "description"]);
    for it in functions {
        let entries: Vec<String> = it.entries.iter().map(|entry| format!("{entry:?}").to_lowercase()).collect();
        let path = it.path.clone().unwrap_or_else(|| "-".to_owned());
        let description = it.description.clone().unwrap_or_default();
        table.row([it.name.to_string(), it.revision.to_string(), entries.join(" "), path, description]);
    }
    table.text()
}
