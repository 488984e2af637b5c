//! One loaded model version: its signature, and how to ask it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use host_core::{
    model::{LoadError, ScoreError, Signature, TensorSpec},
    size::ByteSize,
    tensor::Tensor,
};
use tract_onnx::{
    Onnx,
    pb::ModelProto,
    prelude::{
        Framework, InferenceModelExt, IntoRunnable, OutletId, SymbolValues, TDim, TValue, TVec, TypedFact, TypedModel,
        TypedRunnableModel,
    },
    tract_hir::internal::{Factoid, ShapeFactoid, TractResult, bail},
};

use self::{footprint::Footprint, inputs::Input};
use crate::{Config, codec, file, guard::guarded, operators};

mod footprint;
mod inputs;

/// The name free first dimensions share: the batch.
const BATCH: &str = "batch";

/// How many rows the second sample has, which shows what one more row costs.
const SAMPLE_ROWS: usize = 17;

/// A one-row sample slower than this is not run again only to learn more of its cost.
const SLOW_SAMPLE: Duration = Duration::from_millis(5);

/// The most elements a tensor may have for one row; a file can claim any number, and would be believed.
const MOST_ELEMENTS: i64 = 1 << 28;

/// A loaded model version. It is shared, never changed, and asked from many threads at once.
pub struct Session {
    plan: Arc<TypedRunnableModel>,
    signature: Signature,
    inputs: Vec<Input>,
    cost: Cost,
    footprint: Footprint,
    /// The most bytes of tensors one prediction may hold at once.
    most: ByteSize,
    /// Batches that are known to fit, one bit for each size below 64, where the batch is all that is free.
    fitting: AtomicU64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("signature", &self.signature).field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// How long a prediction takes, measured when the model was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// With one row.
    pub one: Duration,
    /// For each further row.
    pub more: Duration,
}

impl Cost {
    /// How long a prediction with so many rows should take.
    #[must_use]
    pub fn of(&self, rows: u64) -> Duration {
        let more = u32::try_from(rows.saturating_sub(1)).unwrap_or(u32::MAX);
        self.one.saturating_add(self.more.saturating_mul(more))
    }
}

/// What becomes of a first dimension that the file leaves free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Batch {
    /// It stays free.
    Free,
    /// It becomes 1, for models that cannot be prepared otherwise.
    One,
}

impl Session {
    /// Loads an ONNX file, prepares it for any batch size, and runs a sample of zeros.
    ///
    /// Hostile bytes give an error: they neither panic nor are they trusted.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_within(bytes, Config::default().working_bytes)
    }

    /// The same, for predictions that hold at most so many bytes of tensors at once.
    pub fn load_within(bytes: &[u8], most: ByteSize) -> Result<Self, LoadError> {
        let onnx = operators::framework();
        let file = file::read(&onnx, bytes)?;
        let first = match Self::prepare(&onnx, &file, Batch::Free, most) {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        Self::prepare(&onnx, &file, Batch::One, most).map_err(|_| first)
    }

    fn prepare(onnx: &Onnx, file: &ModelProto, batch: Batch, most: ByteSize) -> Result<Self, LoadError> {
        let graph = file.graph.as_ref().ok_or_else(|| LoadError::Corrupt("it has no graph".to_owned()))?;
        let (input_names, output_names) = (file::input_names(graph), file::output_names(graph));
        let model = guarded(|| optimised(onnx, file, batch)).map_err(LoadError::Corrupt)?;
        let described = guarded(|| describe(&model, &input_names, &output_names));
        let (signature, inputs) = described.map_err(LoadError::Corrupt)?;
        let plan = guarded(|| model.into_runnable()).map_err(LoadError::Corrupt)?;
        let footprint = Footprint::of(plan.model(), plan.order_without_consts());
        let (cost, fitting) = (Cost::default(), AtomicU64::new(0));
        let mut session = Self { plan, signature, inputs, cost, footprint, most, fitting };
        session.cost = session.sample().map_err(LoadError::Sample)?;
        Ok(session)
    }

    /// What the model takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// How long predictions take.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// How many rows these inputs hold, as far as cost goes.
    #[must_use]
    pub fn rows(&self, inputs: &[Tensor]) -> u64 {
        let elements: u64 = inputs.iter().map(|it| it.len().unwrap_or(0) as u64).sum();
        let sample: u64 = self.inputs.iter().map(Input::elements_of_one_row).sum();
        elements.div_ceil(sample.max(1))
    }

    /// All outputs for these inputs.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, ScoreError> {
        self.run_for(inputs, &[])
    }

    /// The outputs called `wanted`, in that order; all, when none is.
    pub fn run_for(&self, inputs: &[Tensor], wanted: &[String]) -> Result<Vec<Tensor>, ScoreError> {
        let places = self.places(wanted)?;
        let (values, symbols) = inputs::check(&self.inputs, inputs).map_err(ScoreError::Invalid)?;
        self.expect_fit(&symbols).map_err(ScoreError::Invalid)?;
        let run = || {
            let outputs = self.plan.run(values)?;
            let names = &self.signature.outputs;
            places.into_iter().map(|place| codec::encode(&names[place].name, &outputs[place], &symbols)).collect()
        };
        guarded(run).map_err(ScoreError::Failed)
    }

    /// Refuses a prediction whose tensors take more memory than it may have: what a model makes of its rows can grow
    /// with their square, or worse.
    fn expect_fit(&self, symbols: &SymbolValues) -> Result<(), String> {
        let rows = inputs::rows(&self.inputs, symbols);
        let bit = rows.and_then(|rows| 1u64.checked_shl(u32::try_from(rows).ok()?)).unwrap_or(0);
        if self.fitting.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let (needed, most) = (self.footprint.bytes(symbols), self.most);
        if needed > most.0 {
            let of = rows.map_or_else(|| "these inputs".to_owned(), |rows| format!("{rows} rows"));
            return Err(format!(
                "a prediction of {of} would hold {needed} bytes of tensors at once, and this host allows {} \
                 (`working_bytes` under [inference]); send fewer rows",
                most.0
            ));
        }
        self.fitting.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }

    /// Where the wanted outputs stand among the model's.
    fn places(&self, wanted: &[String]) -> Result<Vec<usize>, ScoreError> {
        let outputs = &self.signature.outputs;
        if wanted.is_empty() {
            return Ok((0..outputs.len()).collect());
        }
        let place = |name: &String| {
            outputs.iter().position(|it| it.name == *name).ok_or_else(|| {
                let given: Vec<String> = outputs.iter().map(|it| format!("`{}`", it.name)).collect();
                ScoreError::Invalid(format!("output `{name}` is not one of the model's: it gives {}", given.join(", ")))
            })
        };
        wanted.iter().map(place).collect()
    }

    /// Runs rows of zeros, and times them.
    fn sample(&self) -> Result<Cost, String> {
        let first = self.time(1)?;
        if first > SLOW_SAMPLE {
            return Ok(Cost { one: first, more: first });
        }
        let one = first.min(self.time(1)?).min(self.time(1)?);
        // Where the dimensions of a model hang together, only one row may do.
        let many = self.time(SAMPLE_ROWS).and_then(|first| Ok(first.min(self.time(SAMPLE_ROWS)?)));
        let more = many.map_or(one, |many| many.saturating_sub(one) / (SAMPLE_ROWS as u32 - 1));
        Ok(Cost { one, more })
    }

    fn time(&self, rows: usize) -> Result<Duration, String> {
        guarded(|| {
            let zeros = self.inputs.iter().map(|it| it.zeros(rows)).collect::<TractResult<TVec<TValue>>>()?;
            let symbols = inputs::symbols(&self.inputs, zeros.iter().map(|it| it.shape()));
            if let Err(error) = self.expect_fit(&symbols) {
                bail!("{error}");
            }
            let start = Instant::now();
            let outputs = self.plan.run(zeros)?;
            for (spec, output) in self.signature.outputs.iter().zip(&outputs) {
                codec::encode(&spec.name, output, &symbols)?;
            }
            Ok(start.elapsed())
        })
    }
}

/// The graph with its free dimensions named, its shapes known, and its operators fused.
fn optimised(onnx: &Onnx, file: &ModelProto, batch: Batch) -> TractResult<TypedModel> {
    let mut model = onnx.model_for_proto_model(file)?;
    let symbols = model.symbols.clone();
    for outlet in model.inputs.clone() {
        let mut fact = model.outlet_fact(outlet)?.clone();
        if fact.shape.is_open() {
            bail!("input `{}` does not say how many dimensions it has", model.node(outlet.node).name);
        }
        let dims: Vec<Option<TDim>> = fact.shape.dims().map(Factoid::concretize).collect();
        for (axis, dim) in dims.into_iter().enumerate() {
            let fixed = dim.as_ref().is_some_and(|dim| dim.to_i64().is_ok());
            match (axis, dim) {
                (0, _) if batch == Batch::One && !fixed => fact.shape = replaced(&fact.shape, axis, 1.into()),
                (_, Some(_)) => {}
                (0, None) => fact.shape = replaced(&fact.shape, axis, symbols.sym(BATCH).into()),
                (_, None) => fact.shape = replaced(&fact.shape, axis, symbols.new_with_prefix("free").into()),
            }
        }
        let fixed = fact.shape.dims().filter_map(Factoid::concretize).filter_map(|dim| dim.to_i64().ok());
        expect_bounded(&model.node(outlet.node).name, fixed)?;
        model.set_outlet_fact(outlet, fact)?;
    }
    let model = model.into_optimized()?;
    let one = symbols.all_symbols().into_iter().fold(SymbolValues::default(), |values, symbol| values.with(&symbol, 1));
    for node in model.nodes() {
        for output in &node.outputs {
            expect_bounded(&node.name, output.fact.shape.iter().filter_map(|dim| dim.eval(&one).to_i64().ok()))?;
        }
    }
    Ok(model)
}

/// Refuses a tensor that would take too much memory for a single row.
fn expect_bounded(name: &str, mut dims: impl Iterator<Item = i64>) -> TractResult<()> {
    let elements = dims.try_fold(1i64, i64::checked_mul);
    if elements.is_none_or(|elements| elements > MOST_ELEMENTS) {
        bail!("`{name}` has more than {MOST_ELEMENTS} elements");
    }
    Ok(())
}

fn replaced(shape: &ShapeFactoid, axis: usize, dim: TDim) -> ShapeFactoid {
    let mut shape = shape.clone();
    shape.set_dim(axis, dim);
    shape
}

/// The signature, and what it takes to check a request against it.
fn describe(model: &TypedModel, inputs: &[String], outputs: &[String]) -> TractResult<(Signature, Vec<Input>)> {
    let facts = |outlets: &[OutletId]| outlets.iter().map(|it| model.outlet_fact(*it)).collect::<TractResult<Vec<_>>>();
    let (input_facts, output_facts) = (facts(&model.inputs)?, facts(&model.outputs)?);
    let signature = Signature { inputs: specs(inputs, &input_facts)?, outputs: specs(outputs, &output_facts)? };
    let inputs = inputs.iter().zip(input_facts).map(|(name, fact)| Input::new(name, fact)).collect();
    Ok((signature, inputs))
}

/// The specification of each tensor; free dimensions are -1.
fn specs(names: &[String], facts: &[&TypedFact]) -> TractResult<Vec<TensorSpec>> {
    if names.len() != facts.len() {
        bail!("it names {} tensors and has {}", names.len(), facts.len());
    }
    let spec = |(name, fact): (&String, &&TypedFact)| {
        let Some(datatype) = codec::dtype(fact.datum_type) else {
            bail!("`{name}` is {:?}, which the protocol has no name for", fact.datum_type)
        };
        let shape = fact.shape.iter().map(|dim| dim.to_i64().unwrap_or(-1)).collect();
        Ok(TensorSpec { name: name.clone(), datatype, shape })
    };
    names.iter().zip(facts).map(spec).collect()
}
