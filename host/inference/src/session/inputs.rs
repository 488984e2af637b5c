//! The inputs of a model: which tensors fit them, and what to say of those that do not.

use host_core::tensor::{Dtype, Tensor};
use tract_onnx::{
    prelude::{Symbol, SymbolValues, TDim, TValue, TVec, TypedFact},
    tract_hir::internal::TractResult,
};

use crate::codec;

/// One input of a loaded model.
#[derive(Debug)]
pub(super) struct Input {
    name: String,
    dtype: Dtype,
    extents: Vec<Extent>,
}

/// The extent of a dimension.
#[derive(Debug, PartialEq, Eq)]
enum Extent {
    /// This, and nothing else.
    Exactly(u64),
    /// Any, but the same wherever the symbol stands.
    Free(Symbol),
    /// Something that tract works out.
    Derived,
}

impl Input {
    pub(super) fn new(name: &str, fact: &TypedFact) -> Self {
        let dtype = codec::dtype(fact.datum_type).unwrap_or(Dtype::Fp32);
        Self { name: name.to_owned(), dtype, extents: fact.shape.iter().map(extent).collect() }
    }

    pub(super) fn elements_of_one_row(&self) -> u64 {
        let extents = self.extents.iter().map(|it| if let Extent::Exactly(extent) = it { *extent } else { 1 });
        extents.fold(1, u64::saturating_mul)
    }

    /// Zeros, with `rows` in every dimension that shares the batch's symbol and 1 in others that are free.
    pub(super) fn zeros(&self, rows: usize) -> TractResult<TValue> {
        let extent = |it: (usize, &Extent)| match it {
            (_, Extent::Exactly(extent)) => usize::try_from(*extent).unwrap_or(usize::MAX),
            (0, Extent::Free(_)) => rows,
            _ => 1,
        };
        codec::zeros(self.dtype, &self.extents.iter().enumerate().map(extent).collect::<Vec<_>>())
    }

    fn fits(&self, shape: &[u64]) -> bool {
        let fits = |(extent, dim): (&Extent, &u64)| match extent {
            Extent::Exactly(extent) => extent == dim,
            Extent::Free(_) | Extent::Derived => *dim > 0,
        };
        shape.len() == self.extents.len() && self.extents.iter().zip(shape).all(fits)
    }
}

/// `X` FP32 [-1, 13].
impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {} {}", self.name, self.dtype, self.shape())
    }
}

impl Input {
    fn shape(&self) -> String {
        let extents: Vec<String> = self
            .extents
            .iter()
            .map(|it| if let Extent::Exactly(extent) = it { extent.to_string() } else { "-1".to_owned() })
            .collect();
        format!("[{}]", extents.join(", "))
    }
}

fn extent(dim: &TDim) -> Extent {
    match (dim, dim.to_i64()) {
        (_, Ok(extent)) => Extent::Exactly(extent.max(0).unsigned_abs()),
        (TDim::Sym(symbol), _) => Extent::Free(symbol.clone()),
        _ => Extent::Derived,
    }
}

/// The tensors in the model's order, and what its symbols stand for; or what does not fit and what was expected.
pub(super) fn check(inputs: &[Input], given: &[Tensor]) -> Result<(TVec<TValue>, SymbolValues), String> {
    if let Some(stranger) = given.iter().find(|tensor| !inputs.iter().any(|input| input.name == tensor.name)) {
        return Err(format!("input `{}` is not one of the model's: it takes {}", stranger.name, list(inputs)));
    }
    let tensors = inputs.iter().map(|input| find(input, inputs, given)).collect::<Result<Vec<_>, _>>()?;
    agree(inputs, &tensors)?;
    let decoded = tensors.iter().map(|it| codec::decode(it).map_err(|error| format!("input `{}` {error}", it.name)));
    let values = decoded.collect::<Result<TVec<TValue>, _>>()?;
    let symbols = symbols(inputs, values.iter().map(|it| it.shape()));
    Ok((values, symbols))
}

/// What the symbols stand for where the inputs have these shapes.
pub(super) fn symbols<'a>(inputs: &[Input], shapes: impl Iterator<Item = &'a [usize]>) -> SymbolValues {
    let mut symbols = SymbolValues::default();
    for (extent, dim) in inputs.iter().zip(shapes).flat_map(|(input, shape)| input.extents.iter().zip(shape)) {
        if let Extent::Free(symbol) = extent {
            symbols.set(symbol, i64::try_from(*dim).unwrap_or(i64::MAX));
        }
    }
    symbols
}

/// The size of the batch, where it is all that the inputs leave free.
pub(super) fn rows(inputs: &[Input], values: &SymbolValues) -> Option<i64> {
    let mut free = inputs.iter().flat_map(|it| &it.extents).filter(|it| !matches!(it, Extent::Exactly(_)));
    let Extent::Free(batch) = free.next()? else { return None };
    free.all(|it| matches!(it, Extent::Free(symbol) if symbol == batch)).then(|| values.get(batch)).flatten()
}

/// The one tensor given for an input.
fn find<'a>(input: &Input, inputs: &[Input], given: &'a [Tensor]) -> Result<&'a Tensor, String> {
    let mut named = given.iter().filter(|tensor| tensor.name == input.name);
    let missing = || format!("input `{}` is missing: the model takes {}", input.name, list(inputs));
    let tensor = named.next().ok_or_else(missing)?;
    match named.next() {
        Some(_) => Err(format!("input `{}` is given twice", input.name)),
        None => check_one(input, tensor).map(|()| tensor),
    }
}

/// Refuses dimensions that differ where the model has one symbol for them.
fn agree(inputs: &[Input], tensors: &[&Tensor]) -> Result<(), String> {
    let mut bound: Vec<(&Symbol, u64, &str)> = Vec::new();
    for (input, tensor) in inputs.iter().zip(tensors) {
        for (extent, dim) in input.extents.iter().zip(&tensor.shape) {
            let Extent::Free(symbol) = extent else { continue };
            match bound.iter().find(|(known, ..)| *known == symbol) {
                Some((_, other, name)) if other != dim => {
                    return Err(format!(
                        "input `{}` has {dim} where input `{name}` has {other}; the model takes the same of both",
                        input.name
                    ));
                }
                Some(_) => {}
                None => bound.push((symbol, *dim, &input.name)),
            }
        }
    }
    Ok(())
}

fn check_one(input: &Input, tensor: &Tensor) -> Result<(), String> {
    if tensor.dtype != input.dtype {
        return Err(format!("input `{}` is {}, but the model takes {}", input.name, tensor.dtype, input.dtype));
    }
    if !input.fits(&tensor.shape) {
        return Err(format!(
            "input `{}` has shape {:?}, but the model takes {}, where -1 is any number from 1",
            input.name,
            tensor.shape,
            input.shape()
        ));
    }
    Ok(())
}

fn list(inputs: &[Input]) -> String {
    inputs.iter().map(Input::to_string).collect::<Vec<_>>().join(", ")
}
