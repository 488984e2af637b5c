//! Reading the attributes of a node, with messages that name the attribute.

use tract_onnx::{
    model::ParsingContext,
    pb::{NodeProto, TensorProto},
    pb_helpers::AttrTVecType,
    tract_hir::internal::*,
};

/// A list that may be absent, then empty.
pub(super) fn list<'a, T: AttrTVecType<'a>>(node: &'a NodeProto, name: &str) -> TractResult<Vec<T>> {
    Ok(node.get_attr_opt_vec(name)?.unwrap_or_default())
}

/// A list that must have `length` elements.
pub(super) fn list_of<'a, T: AttrTVecType<'a>>(node: &'a NodeProto, name: &str, length: usize) -> TractResult<Vec<T>> {
    let list: Vec<T> = list(node, name)?;
    node.expect_attr(name, list.len() == length, || format!("{length} elements, got {}", list.len()))?;
    Ok(list)
}

/// Text, with what it is when absent.
pub(super) fn text<'a>(node: &'a NodeProto, name: &str, absent: &'a str) -> TractResult<&'a str> {
    Ok(node.get_attr_opt(name)?.unwrap_or(absent))
}

/// A tensor that may be absent.
pub(super) fn tensor(context: &ParsingContext, node: &NodeProto, name: &str) -> TractResult<Option<Tensor>> {
    node.get_attr_opt::<&TensorProto>(name)?.map(|proto| context.load_tensor(proto)).transpose()
}

/// Floats given as a list or as a tensor of doubles, never both: as doubles, and whether they were given so.
pub(super) fn reals(context: &ParsingContext, node: &NodeProto, name: &str) -> TractResult<(Vec<f64>, bool)> {
    let floats: Vec<f32> = list(node, name)?;
    let as_tensor = format!("{name}_as_tensor");
    let Some(tensor) = tensor(context, node, &as_tensor)? else {
        return Ok((floats.into_iter().map(f64::from).collect(), false));
    };
    node.expect_attr(&as_tensor, floats.is_empty(), || format!("nothing beside `{name}`"))?;
    let double = tensor.datum_type() == DatumType::F64;
    let doubles = tensor.cast_to::<f64>()?;
    Ok((doubles.try_as_plain_ram()?.as_slice::<f64>()?.to_vec(), double))
}
