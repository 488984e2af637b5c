//! How an operator of ours joins tract: one description of its outputs serves inference and the typed graph alike.

use std::{borrow::Cow, fmt, sync::Arc};

use tract_onnx::tract_hir::{
    internal::*,
    tract_core::internal::{Op, TypedOp},
};

/// The type and shape of an input or output.
pub(super) type Kind = (DatumType, TVec<TDim>);

/// What an operator computes.
pub(super) trait Kernel: Send + Sync + 'static {
    /// Its ONNX name.
    fn name(&self) -> &'static str;

    /// How many inputs it takes.
    fn inputs(&self) -> usize {
        1
    }

    /// How many outputs it gives.
    fn outputs(&self) -> usize {
        1
    }

    /// The outputs for these inputs; refuses inputs that it could not compute with.
    fn describe(&self, inputs: &[Kind]) -> TractResult<TVec<Kind>>;

    /// Computes.
    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<TValue>>;

    /// A form of the kernel that fits these input types better.
    fn for_types(&self, _inputs: &[DatumType]) -> Option<Arc<dyn Kernel>> {
        None
    }
}

/// A kernel as tract sees it.
#[derive(Clone)]
struct Operator(Arc<dyn Kernel>);

/// Its name alone: tract puts operators into error messages, and a forest is long.
impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Hands a kernel to tract's model reader.
pub(super) fn operator(kernel: impl Kernel) -> (Box<dyn InferenceOp>, Vec<String>) {
    (expand(Operator(Arc::new(kernel))), Vec::new())
}

impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Operator {}

impl Expansion for Operator {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.0.outputs())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        ensure!(
            inputs.len() == self.0.inputs(),
            "takes {} inputs, the model gives it {}",
            self.0.inputs(),
            inputs.len()
        );
        ensure!(
            outputs.len() <= self.0.outputs(),
            "has {} outputs, the model wants {}",
            self.0.outputs(),
            outputs.len()
        );
        let types: Vec<_> = inputs.iter().map(|it| (&it.datum_type).bex()).collect();
        solver.given_all(types, move |solver, types: Vec<DatumType>| {
            let shapes: Vec<_> = inputs.iter().map(|it| (&it.shape).bex()).collect();
            solver.given_all(shapes, move |solver, shapes: Vec<TVec<TDim>>| {
                let kinds: Vec<Kind> = types.iter().copied().zip(shapes).collect();
                for (output, (datum_type, shape)) in outputs.iter().zip(self.0.describe(&kinds)?) {
                    solver.equals(&output.datum_type, datum_type)?;
                    solver.equals(&output.shape, shape)?;
                }
                Ok(())
            })
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let types = inputs.iter().map(|it| Ok(model.outlet_fact(*it)?.datum_type)).collect::<TractResult<Vec<_>>>()?;
        let kernel = self.0.for_types(&types).unwrap_or_else(|| self.0.clone());
        model.wire_node(prefix, Self(kernel), inputs)
    }
}

impl Op for Operator {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Operator {
    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.0.eval(&inputs)
    }

    op_out_of_plan!();
}

impl TypedOp for Operator {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let kinds: Vec<Kind> = inputs.iter().map(|it| (it.datum_type, it.shape.to_tvec())).collect();
        Ok(self.0.describe(&kinds)?.into_iter().map(|(datum_type, shape)| datum_type.fact(shape)).collect())
    }
}

/// The rows and columns a shape stands for: a vector is one row, as onnxruntime has it.
pub(super) fn rows_and_columns(shape: &[TDim]) -> TractResult<(TDim, TDim)> {
    match shape {
        [columns] => Ok((1.to_dim(), columns.clone())),
        [rows, columns] => Ok((rows.clone(), columns.clone())),
        _ => bail!("takes a matrix, the model gives it {} dimensions", shape.len()),
    }
}

/// Refuses a number of columns that is known and differs from `expected`.
pub(super) fn expect_columns(columns: &TDim, expected: usize) -> TractResult<()> {
    match columns.to_usize() {
        Ok(columns) => {
            ensure!(columns == expected, "takes {expected} columns, the model gives it {columns}");
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// Refuses an element type that is not a number.
pub(super) fn expect_number(datum_type: DatumType) -> TractResult<()> {
    ensure!(
        datum_type.is_number() || datum_type == DatumType::TDim,
        "takes numbers, the model gives it {datum_type:?}"
    );
    Ok(())
}

/// A matrix of one element type.
pub(super) struct Matrix<'a, T: Datum> {
    elements: Cow<'a, Tensor>,
    pub(super) rows: usize,
    pub(super) columns: usize,
    kind: PhantomData<T>,
}

impl<'a, T: Datum> Matrix<'a, T> {
    /// The input as a matrix of `T`, cast if need be.
    pub(super) fn new(input: &'a Tensor) -> TractResult<Self> {
        let (rows, columns) = match *input.shape() {
            [columns] => (1, columns),
            [rows, columns] => (rows, columns),
            _ => bail!("takes a matrix, got {} dimensions", input.rank()),
        };
        Ok(Self { elements: input.cast_to::<T>()?, rows, columns, kind: PhantomData })
    }

    /// All elements, row by row.
    pub(super) fn elements(&self) -> TractResult<&[T]> {
        self.elements.try_as_plain_ram()?.as_slice()
    }
}

/// A tensor of this shape; refuses elements that do not fill it.
pub(super) fn tensor<T: Datum>(shape: &[usize], elements: Vec<T>) -> TractResult<TValue> {
    let array = tract_ndarray::ArrayD::from_shape_vec(shape, elements)?;
    Ok(Tensor::from(array).into_tvalue())
}
