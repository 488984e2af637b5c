//! A model file before tract sees it: read, looked over, and its free dimensions named.

use std::collections::HashSet;

use host_core::model::LoadError;
use tract_onnx::{
    Onnx,
    pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto, tensor_shape_proto, type_proto},
    prelude::Framework,
};

use crate::guard::guarded;

/// Reads the file; refuses what is no model, and operators nobody here knows, by name.
pub(crate) fn read(onnx: &Onnx, bytes: &[u8]) -> Result<ModelProto, LoadError> {
    let mut model = guarded(|| onnx.proto_model_for_read(&mut &*bytes))
        .map_err(|error| LoadError::Corrupt(format!("it is not ONNX: {error}")))?;
    let graph = model.graph.as_mut().ok_or_else(|| LoadError::Corrupt("it is not ONNX: it has no graph".to_owned()))?;
    if let Some(node) = unknown(onnx, graph) {
        return Err(LoadError::Operator(full_name(node)));
    }
    if graph.output.is_empty() {
        return Err(LoadError::Corrupt("it has no output".to_owned()));
    }
    check_loops(graph).map_err(LoadError::Corrupt)?;
    clear_expressions(graph);
    Ok(model)
}

/// The names of the graph's inputs that are not filled by the file itself, in order.
pub(crate) fn input_names(graph: &GraphProto) -> Vec<String> {
    let filled: HashSet<&str> = graph.initializer.iter().map(|it| it.name.as_str()).collect();
    graph.input.iter().map(|it| it.name.clone()).filter(|name| !filled.contains(name.as_str())).collect()
}

/// The names of the graph's outputs, in order.
pub(crate) fn output_names(graph: &GraphProto) -> Vec<String> {
    graph.output.iter().map(|it| it.name.clone()).collect()
}

/// The first node whose operator nobody knows, in the graph or below it.
fn unknown<'a>(onnx: &Onnx, graph: &'a GraphProto) -> Option<&'a NodeProto> {
    graph.node.iter().find_map(|node| {
        let known = onnx.op_register.0.contains_key(&node.op_type);
        if known { subgraphs(node).find_map(|graph| unknown(onnx, graph)) } else { Some(node) }
    })
}

/// The operator with its domain, unless that is ONNX's own.
fn full_name(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// Refuses loops whose counts do not add up, which tract takes on trust and then allocates for.
fn check_loops(graph: &GraphProto) -> Result<(), String> {
    for node in &graph.node {
        subgraphs(node).try_for_each(check_loops)?;
        let body = node.attribute.iter().find(|it| it.name == "body").and_then(|it| it.g.as_ref());
        let scanned = node.attribute.iter().find(|it| it.name == "num_scan_inputs");
        let (true, Some(body), Some(scanned)) = (node.op_type == "Scan", body, scanned) else { continue };
        let state = usize::try_from(scanned.i).ok().and_then(|scanned| body.input.len().checked_sub(scanned));
        if state.is_none_or(|state| state > body.output.len()) {
            return Err(format!("node `{}` scans {} of {} inputs", node.name, scanned.i, body.input.len()));
        }
    }
    Ok(())
}

/// Makes dimensions free that are expressions: they need not hold, and parsing one can take as long as its author likes.
fn clear_expressions(graph: &mut GraphProto) {
    let values = graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info);
    values.for_each(clear_expressions_of);
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        attribute.g.iter_mut().chain(&mut attribute.graphs).for_each(clear_expressions);
    }
}

fn clear_expressions_of(value: &mut ValueInfoProto) {
    let Some(type_proto::Value::TensorType(tensor)) = value.r#type.as_mut().and_then(|it| it.value.as_mut()) else {
        return;
    };
    for dim in tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim) {
        if let Some(tensor_shape_proto::dimension::Value::DimParam(name)) = &dim.value
            && !is_plain(name)
        {
            dim.value = None;
        }
    }
}

/// Whether a dimension's name is a name and nothing else.
fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
