//! What a component is and what it wants, read from its bytes without compiling or running it.

use bytes::Bytes;
use host_core::{
    function::Entries,
    ports::{Inspection, PrepareError},
};
use wasmparser::{ComponentExternalKind, Parser, Payload};

mod concurrent;
mod wrap;

/// The ways in, by the interface a component exports for each. A newer patch release of 0.2 is as good.
const HTTP: (&str, &str) = ("wasi:http/incoming-handler", "0.2.");
const HANDLER: (&str, &str) = ("weft:function/handler", "0.1.");
const JOB: (&str, &str) = ("wasi:cli/run", "0.2.");

/// The first bytes of every module and component.
const MAGIC: &[u8] = b"\0asm";

/// A component's bytes, and what they say.
pub(crate) struct Inspected {
    /// The component; made from the module when the bytes were a preview 1 program.
    pub(crate) component: Bytes,
    pub(crate) inspection: Inspection,
    /// Whether it uses the asynchronous component model, and so an engine with support for it.
    pub(crate) is_concurrent: bool,
}

/// Reads what `bytes` are. A core module for WASI preview 1 becomes a component first.
pub(crate) fn inspect(bytes: Bytes) -> Result<Inspected, PrepareError> {
    if !bytes.starts_with(MAGIC) {
        return Err(PrepareError::NotAComponent(
            "it does not begin with \\0asm, as every WebAssembly file does".into(),
        ));
    }
    let component = if Parser::is_core_wasm(&bytes) { wrap::wrap(&bytes)?.into() } else { bytes };
    let mut inspection = Inspection::default();
    let is_concurrent =
        read(&component, &mut inspection).map_err(|error| PrepareError::NotAComponent(error.to_string()))?;
    let exports = |(name, version): (&str, &str)| inspection.exports.iter().any(|it| is(it, name, version));
    inspection.entries = Entries { http: exports(HTTP), handler: exports(HANDLER), job: exports(JOB) };
    Ok(Inspected { component, inspection, is_concurrent })
}

/// Whether `export` is a version of the interface `name`.
fn is(export: &str, name: &str, version: &str) -> bool {
    export.split_once('@').is_some_and(|(export, it)| export == name && it.starts_with(version))
}

/// Collects the names of the outermost component's imports and exports; whether anything in it is asynchronous.
fn read(component: &[u8], inspection: &mut Inspection) -> wasmparser::Result<bool> {
    if !Parser::is_component(component) {
        // Asked for its own words on what these bytes are instead.
        Parser::new(0).parse_all(component).try_for_each(|payload| payload.map(drop))?;
    }
    let (mut depth, mut is_concurrent) = (0_u32, false);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::ComponentCanonicalSection(functions) => is_concurrent |= concurrent::in_functions(functions)?,
            Payload::ComponentTypeSection(types) => is_concurrent |= concurrent::in_types(types)?,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    inspection.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        inspection.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(is_concurrent)
}

/// Whether there is a way in.
pub(crate) fn check_entries(inspection: &Inspection) -> Result<(), PrepareError> {
    if inspection.entries.any() {
        return Ok(());
    }
    let exports = if inspection.exports.is_empty() { "nothing".to_owned() } else { inspection.exports.join(", ") };
    Err(PrepareError::NoEntry(exports))
}
