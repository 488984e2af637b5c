//! Programs for WASI preview 1 become components, by way of wasmtime's adapter.

use host_core::ports::PrepareError;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// The component around `module`: a program when it has a `_start`, else whatever world is embedded in it.
pub(super) fn wrap(module: &[u8]) -> Result<Vec<u8>, PrepareError> {
    let is_program = starts(module).map_err(|error| PrepareError::NotAComponent(error.to_string()))?;
    let adapter =
        if is_program { WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER } else { WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER };
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| {
        PrepareError::NotAComponent(format!("it is a core module that the preview 1 adapter does not fit: {error:#}"))
    })
}

/// Whether a module is a program.
fn starts(module: &[u8]) -> wasmparser::Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == "_start" {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
