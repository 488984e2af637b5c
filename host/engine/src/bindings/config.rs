//! `wasi:config/store`: the plain values and the secrets that the manifest grants, as they were when the call began.

use host_capabilities::config;
use host_core::ports::SecretError;
use wasmtime::component::{HasSelf, Linker};

use crate::guest::Guest;

mod generated {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        inline: "
            package weft:config-host;

            world reader {
                import wasi:config/store@0.2.0-rc.1;
            }
        ",
    });
}

use generated::wasi::config::store::{self, Error};

/// Offers the standard interface.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    store::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl store::Host for Guest {
    fn get(&mut self, key: String) -> Result<Option<String>, Error> {
        let current = &self.current;
        let value = config::get(&current.revision.manifest.grants, current.held.as_deref(), &key);
        value.map_err(|error| self.unavailable(&error))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>, Error> {
        let current = &self.current;
        let all = config::get_all(&current.revision.manifest.grants, current.held.as_deref());
        all.map_err(|error| self.unavailable(&error))
    }
}

impl Guest {
    /// Says it on the function's log, too: few guests show their errors, and what to do is for whoever runs it.
    fn unavailable(&self, error: &SecretError) -> Error {
        self.current.lines().note(&error.to_string());
        Error::Upstream(error.to_string())
    }
}
