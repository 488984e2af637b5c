//! How much memory a prediction takes: the tensors alive at once, told from their shapes before anything is computed.

use tract_onnx::{
    prelude::{DatumType, Symbol, SymbolValues, TDim, TypedFact, TypedModel},
    tract_core::ops::{logic::IfThenElse, scan::OptScan},
};

/// What each step of a plan makes and lets go.
#[derive(Debug)]
pub(super) struct Footprint(Vec<Step>);

/// One node of a plan, in the order they are computed.
#[derive(Debug)]
struct Step {
    made: Vec<Shape>,
    /// The steps whose tensors nobody needs after this one.
    freed: Vec<usize>,
    /// What runs inside it, one at a time: the body of a loop, the branches of a condition.
    inner: Vec<Footprint>,
}

/// How large a tensor is.
#[derive(Debug)]
struct Shape {
    dims: Vec<TDim>,
    width: u64,
    /// Of what is packed for a kernel rather than laid out by its dimensions.
    packed: Vec<TDim>,
}

impl Footprint {
    /// That of a model whose nodes are computed in this order.
    pub(super) fn of(model: &TypedModel, order: &[usize]) -> Self {
        let mut last_use = vec![usize::MAX; model.nodes().len()];
        let mut place = vec![usize::MAX; model.nodes().len()];
        for (step, node) in order.iter().enumerate() {
            place[*node] = step;
            model.nodes()[*node].inputs.iter().for_each(|input| last_use[input.node] = step);
        }
        model.outputs.iter().for_each(|output| last_use[output.node] = usize::MAX);
        let mut steps: Vec<Step> = order.iter().map(|node| Step::of(model, *node)).collect();
        for (node, last) in last_use.into_iter().enumerate() {
            // What a constant holds was there before, and stays.
            if let Some(step) = steps.get_mut(last).filter(|_| place[node] != usize::MAX) {
                step.freed.push(place[node]);
            }
        }
        Self(steps)
    }

    /// The most bytes that are alive at once when the model's symbols stand for `symbols`.
    ///
    /// A dimension that only the values of the inputs tell counts as 1.
    pub(super) fn bytes(&self, symbols: &SymbolValues) -> u64 {
        let mut made = Vec::with_capacity(self.0.len());
        let (mut alive, mut most) = (0u64, 0u64);
        for step in &self.0 {
            let own = step.made.iter().fold(0u64, |all, it| all.saturating_add(it.bytes(symbols)));
            let inner = step.inner.iter().map(|it| it.bytes(symbols)).max().unwrap_or(0);
            made.push(own);
            alive = alive.saturating_add(own);
            most = most.max(alive.saturating_add(inner));
            alive = step.freed.iter().fold(alive, |alive, it| alive.saturating_sub(made[*it]));
        }
        most
    }
}

impl Step {
    fn of(model: &TypedModel, node: usize) -> Self {
        let node = &model.nodes()[node];
        let made = node.outputs.iter().map(|it| Shape::of(&it.fact)).collect();
        Self { made, freed: Vec::new(), inner: inner(node.op.as_op()) }
    }
}

/// The models that an operator runs itself.
fn inner(op: &dyn tract_onnx::tract_core::ops::Op) -> Vec<Footprint> {
    if let Some(scan) = op.downcast_ref::<OptScan>() {
        return vec![Footprint::of(scan.plan.model(), scan.plan.order_without_consts())];
    }
    let Some(condition) = op.downcast_ref::<IfThenElse>() else { return Vec::new() };
    let ordered = [&condition.then_body, &condition.else_body].map(|body| Some((body, body.eval_order().ok()?)));
    ordered.into_iter().flatten().map(|(body, order)| Footprint::of(body, &order)).collect()
}

impl Shape {
    fn of(fact: &TypedFact) -> Self {
        let packed = fact.exotic_fact().iter().flat_map(|it| it.buffer_sizes()).collect();
        // A text costs what it holds beside its place; how much, only the input tells, which is bounded itself.
        let width = if fact.datum_type == DatumType::TDim { 16 } else { fact.datum_type.size_of() as u64 };
        Self { dims: fact.shape.iter().cloned().collect(), width, packed }
    }

    fn bytes(&self, symbols: &SymbolValues) -> u64 {
        let plain = self.dims.iter().fold(self.width, |all, dim| all.saturating_mul(extent(dim, symbols)));
        self.packed.iter().fold(plain, |all, dim| all.saturating_add(extent(dim, symbols)))
    }
}

/// What a dimension comes to; beyond 64 bits, the largest there is. tract's own arithmetic would wrap around.
fn extent(dim: &TDim, symbols: &SymbolValues) -> u64 {
    let extent = evaluated(dim, &|symbol| symbols.get(symbol).unwrap_or(1).into());
    u64::try_from(extent.max(0)).unwrap_or(u64::MAX)
}

fn evaluated(dim: &TDim, value: &impl Fn(&Symbol) -> i128) -> i128 {
    let all = |terms: &[TDim], first: i128, join: fn(i128, i128) -> i128| {
        terms.iter().fold(first, |all, term| join(all, evaluated(term, value)))
    };
    match dim {
        TDim::Val(known) => (*known).into(),
        TDim::Sym(symbol) => value(symbol),
        TDim::Add(terms) => all(terms, 0, i128::saturating_add),
        TDim::Mul(terms) => all(terms, 1, i128::saturating_mul),
        TDim::MulInt(factor, term) => evaluated(term, value).saturating_mul((*factor).into()),
        TDim::Div(term, divisor) => evaluated(term, value) / i128::from((*divisor).max(1)),
        TDim::Broadcast(terms) => all(terms, 1, i128::max),
        TDim::Min(terms) => all(terms, i128::MAX, i128::min),
        TDim::Max(terms) => all(terms, i128::MIN, i128::max),
        TDim::Ge(left, right) => (evaluated(left, value) >= evaluated(right, value)).into(),
        TDim::Eq(left, right) => (evaluated(left, value) == evaluated(right, value)).into(),
    }
}
