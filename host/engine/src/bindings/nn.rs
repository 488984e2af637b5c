//! `wasi:nn`, for components written to the standard: `load-by-name` finds what `weft:function/model` finds.
//!
//! Its tensors know fewer types; an output of another type is left out, and the call's log says so.

use host_capabilities::log::clean;
use host_core::{
    model::ScoreError,
    record::Level,
    tensor::{Dtype, Tensor},
};
use wasmtime::component::{HasSelf, Linker, Resource};

use super::ask::Refused;
use crate::guest::Guest;

mod resources;
#[cfg(test)]
mod tests;

use resources::{Array, Denied, Named};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit/wasi-nn.wit",
        world: "ml",
        imports: {
            "wasi:nn/inference.[method]graph-execution-context.compute": async | trappable,
            default: trappable,
        },
        require_store_data_send: true,
        with: {
            "wasi:nn/tensor.tensor": super::resources::Array,
            "wasi:nn/graph.graph": super::resources::Named,
            "wasi:nn/inference.graph-execution-context": super::resources::Named,
            "wasi:nn/errors.error": super::resources::Denied,
        },
    });
}

use generated::wasi::nn::{
    errors::{self, ErrorCode},
    graph::{self, ExecutionTarget, GraphEncoding},
    inference,
    tensor::{self, TensorType},
};

/// Offers the standard interfaces.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    tensor::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    graph::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    inference::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
    errors::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

/// The most bytes of a name that an error repeats: the guest may keep many errors.
const NAME_BYTES: usize = 200;

/// What a guest gets: an answer or the reason why not; or a trap.
type Answer<T> = wasmtime::Result<Result<T, Resource<Denied>>>;

/// A tensor under the name of a model's input or output.
type NamedTensor = (String, Resource<Array>);

impl graph::Host for Guest {
    fn load(&mut self, _: Vec<Vec<u8>>, _: GraphEncoding, _: ExecutionTarget) -> Answer<Resource<Named>> {
        let why = "models are loaded by the name the manifest grants; see load-by-name".to_owned();
        self.answer(Err(Denied { code: ErrorCode::UnsupportedOperation, data: why }))
    }

    fn load_by_name(&mut self, name: String) -> Answer<Resource<Named>> {
        let found = self.current_model(&name).map(|_| Named(name)).map_err(Into::into);
        self.answer(found)
    }
}

impl graph::HostGraph for Guest {
    fn init_execution_context(&mut self, graph: Resource<Named>) -> Answer<Resource<Named>> {
        let graph = self.table.get(&graph)?.clone();
        self.answer(Ok(graph))
    }

    fn drop(&mut self, graph: Resource<Named>) -> wasmtime::Result<()> {
        self.table.delete(graph)?;
        Ok(())
    }
}

impl inference::Host for Guest {}

impl inference::HostGraphExecutionContext for Guest {
    async fn compute(&mut self, model: Resource<Named>, inputs: Vec<NamedTensor>) -> Answer<Vec<NamedTensor>> {
        let Named(name) = self.table.get(&model)?.clone();
        let mut tensors = Vec::with_capacity(inputs.len());
        for (name, array) in inputs {
            tensors.push(self.release(array)?.into_tensor(name));
        }
        let computed = match tensors.into_iter().collect::<Result<Vec<_>, _>>() {
            Ok(tensors) => self.ask_model(&name, tensors).await.map_err(Denied::from),
            Err(denied) => Err(denied),
        };
        match computed {
            Ok((_, outputs)) => Ok(Ok(self.hand_over(outputs)?)),
            Err(denied) => Ok(Err(self.table.push(denied)?)),
        }
    }

    fn drop(&mut self, model: Resource<Named>) -> wasmtime::Result<()> {
        self.table.delete(model)?;
        Ok(())
    }
}

impl tensor::Host for Guest {}

impl tensor::HostTensor for Guest {
    fn new(&mut self, dimensions: Vec<u32>, kind: TensorType, data: Vec<u8>) -> wasmtime::Result<Resource<Array>> {
        self.hold(Array { dimensions, kind, data })
    }

    fn dimensions(&mut self, array: Resource<Array>) -> wasmtime::Result<Vec<u32>> {
        Ok(self.table.get(&array)?.dimensions.clone())
    }

    fn ty(&mut self, array: Resource<Array>) -> wasmtime::Result<TensorType> {
        Ok(self.table.get(&array)?.kind)
    }

    fn data(&mut self, array: Resource<Array>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table.get(&array)?.data.clone())
    }

    fn drop(&mut self, array: Resource<Array>) -> wasmtime::Result<()> {
        self.release(array).map(drop)
    }
}

impl errors::Host for Guest {}

impl errors::HostError for Guest {
    fn code(&mut self, error: Resource<Denied>) -> wasmtime::Result<ErrorCode> {
        Ok(self.table.get(&error)?.code)
    }

    fn data(&mut self, error: Resource<Denied>) -> wasmtime::Result<String> {
        Ok(self.table.get(&error)?.data.clone())
    }

    fn drop(&mut self, error: Resource<Denied>) -> wasmtime::Result<()> {
        self.table.delete(error)?;
        Ok(())
    }
}

impl Guest {
    fn answer(&mut self, result: Result<Named, Denied>) -> Answer<Resource<Named>> {
        Ok(match result {
            Ok(named) => Ok(self.table.push(named)?),
            Err(denied) => Err(self.table.push(denied)?),
        })
    }

    /// The outputs as the guest can take them.
    fn hand_over(&mut self, outputs: Vec<Tensor>) -> wasmtime::Result<Vec<NamedTensor>> {
        let mut handed = Vec::with_capacity(outputs.len());
        for output in outputs {
            let (name, dtype) = (output.name.clone(), output.dtype);
            match Array::from_tensor(output) {
                Some(array) => handed.push((name, self.hold(array)?)),
                None => self.left_out(&name, dtype),
            }
        }
        Ok(handed)
    }

    /// Keeps a tensor for the guest: all of them together take no more memory than the guest may have itself.
    fn hold(&mut self, array: Array) -> wasmtime::Result<Resource<Array>> {
        let (held, most) = (self.tensor_bytes.saturating_add(array.bytes()), self.limiter.most());
        if held > most {
            wasmtime::bail!("it holds more than {most} bytes of tensors, which is what limits.memory allows");
        }
        let held_array = self.table.push(array)?;
        self.tensor_bytes = held;
        Ok(held_array)
    }

    /// Takes a tensor from the guest.
    fn release(&mut self, array: Resource<Array>) -> wasmtime::Result<Array> {
        let array = self.table.delete(array)?;
        self.tensor_bytes = self.tensor_bytes.saturating_sub(array.bytes());
        Ok(array)
    }

    fn left_out(&self, name: &str, dtype: Dtype) {
        let message = format!("output `{name}` is {dtype}, which wasi:nn has no tensors for; weft:function/model has");
        self.current.lines().log(Level::Warn, &message, Vec::new());
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotGranted(name) => {
                let name = clean(&name, NAME_BYTES);
                let data = format!("function.toml grants no model `{name}`: add model = [\"{name}\"] under [grants]");
                Self { code: ErrorCode::Security, data }
            }
            Refused::Score(error) => Self {
                code: match &error {
                    ScoreError::NotFound(_) => ErrorCode::NotFound,
                    ScoreError::Invalid(_) => ErrorCode::InvalidArgument,
                    ScoreError::Deadline => ErrorCode::Timeout,
                    ScoreError::Busy | ScoreError::Failed(_) => ErrorCode::RuntimeError,
                },
                data: error.to_string(),
            },
        }
    }
}
