//! `fn build`: from source to a component beside the manifest.

use anyhow::Result;

use crate::{
    args::SourceArgs,
    build,
    project::Project,
    ui::{Printer, bytes},
};

/// Builds, stamps and writes `<name>.wasm`.
pub(super) fn run(args: &SourceArgs, printer: &Printer) -> Result<()> {
    let project = Project::open(&args.source)?;
    let component = build::component(&project, true, printer)?;
    let file = build::write(&project, &component)?;
    let digest = host_core::Digest::of(&component);
    printer.answer(&serde_json::json!({ "file": file, "digest": digest, "bytes": component.len() }), || {
        file.display().to_string()
    });
    printer.done(&format!("built `{}`: {}, {}", project.manifest.name, bytes(component.len() as u64), digest.short()));
    printer.next(&format!("fn deploy {}", args.source.display()));
    Ok(())
}
