//! `fn delete`: out of service; the records stay.

use anyhow::Result;

use crate::{args::NameArgs, client::Client, ui::Printer};

/// Takes the function out of service.
pub(super) async fn run(args: &NameArgs, client: &Client, printer: &Printer) -> Result<()> {
    client.delete(&client.in_project(&format!("/functions/{}", args.name))).await?;
    printer.answer(&serde_json::json!({ "deleted": args.name }), || args.name.clone());
    printer.done(&format!("`{}` answers no more; its revisions and records stay", args.name));
    Ok(())
}
