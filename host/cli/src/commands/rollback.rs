//! `fn rollback`: back to a revision that answered before.

use anyhow::Result;
use host_wire::revision::{Released, Rollback};

use super::deploy::address;
use crate::{args::RollbackArgs, client::Client, ui::Printer};

/// Rolls back; calls in flight finish on the revision they began with.
pub(super) async fn run(args: &RollbackArgs, client: &Client, printer: &Printer) -> Result<()> {
    let path = client.in_project(&format!("/functions/{}/rollback", args.name));
    let released: Released = client.post(&path, &Rollback { to: args.to }).await?;
    printer.answer(&released, || address(client, &released));
    printer.done(&format!("revision {} of `{}` is active again", released.revision.number, args.name));
    if let Some(previous) = released.previous {
        printer.next(&format!("fn rollback {} --to {previous}, to undo this", args.name));
    }
    Ok(())
}
