//! The contract of `sdk/wit` as this host keeps it, one file per interface; and `wasi:keyvalue` and `wasi:nn` beside it.

mod ask;
mod config;
mod context;
mod convert;
mod keyvalue;
mod log;
mod model;
mod nn;
mod publish;
mod run;
mod sockets;

use wasmtime::component::{HasSelf, Linker};

use crate::guest::Guest;

pub(crate) use sockets::Sockets;

mod generated {
    wasmtime::component::bindgen!({
        path: "../../sdk/wit",
        inline: "
            package weft:host;

            world contract {
                import weft:function/context@0.1.0;
                import weft:function/log@0.1.0;
                import weft:function/run@0.1.0;
                import weft:function/model@0.1.0;
                import weft:function/publish@0.1.0;
                export weft:function/handler@0.1.0;
            }
        ",
        imports: { "weft:function/model.infer": async, "weft:function/publish.send": async },
        exports: { default: async },
    });
}

pub(crate) use generated::{Contract as Handler, ContractIndices as HandlerIndices, weft::function as wit};

/// Offers every interface of the contract.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wit::types::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    wit::context::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    wit::log::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    wit::run::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    wit::model::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    wit::publish::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    config::link(linker)?;
    keyvalue::link(linker)?;
    sockets::link(linker)?;
    nn::link(linker)
}

impl wit::types::Host for Guest {}
