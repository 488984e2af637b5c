//! `fn config show`: what is in force, and who said so.

use anyhow::Result;

use crate::{
    args::UpArgs,
    config,
    ui::{Printer, Table},
};

/// Lists every key with its value and source.
pub(super) fn show(args: &UpArgs, printer: &Printer) -> Result<()> {
    let settings = config::settings(args)?;
    printer.answer(&settings, || {
        let mut table = Table::new(&["key", "value", "from"]);
        for setting in &settings {
            table.row([setting.key.clone(), setting.value.to_string(), setting.source.clone()]);
        }
        table.text()
    });
    Ok(())
}
