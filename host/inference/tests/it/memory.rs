//! Models whose tensors outgrow their rows: a prediction that would take the host's memory is refused before it starts.

use host_core::{
    call::InferCall,
    model::{LoadError, ScoreError},
    ports::Score,
    size::ByteSize,
    tensor::{Dtype, Tensor},
};
use host_inference::{Config, LoadedModels, Session};
use prost::Message;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto, TypeProto, ValueInfoProto,
    attribute_proto::AttributeType,
    tensor_shape_proto::{Dimension, dimension::Value as Dim},
    type_proto::{Tensor as TensorType, Value as Type},
};

use super::registry::Registry;

fn value(name: &str, columns: i64) -> ValueInfoProto {
    let dims = [Dim::DimParam("N".to_owned()), Dim::DimValue(columns)];
    let dim = dims.map(|it| Dimension { value: Some(it), ..Dimension::default() }).to_vec();
    let tensor = TensorType { elem_type: 1, shape: Some(TensorShapeProto { dim }) };
    let r#type = Some(TypeProto { value: Some(Type::TensorType(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.to_owned(), r#type, ..ValueInfoProto::default() }
}

fn node(op: &str, inputs: &[&str], output: &str, attribute: Option<(&str, &[i64])>) -> NodeProto {
    let attribute = attribute.map(|(name, ints)| AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints.into(),
        ints: ints.to_vec(),
        ..AttributeProto::default()
    });
    NodeProto {
        op_type: op.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|it| (*it).to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute: attribute.into_iter().collect(),
        ..NodeProto::default()
    }
}

/// The largest product of each row with any row: as many products as there are rows, squared.
pub(super) fn products() -> Vec<u8> {
    let graph = GraphProto {
        name: "products".to_owned(),
        input: vec![value("x", 4)],
        output: vec![value("y", 1)],
        node: vec![
            node("Transpose", &["x"], "turned", Some(("perm", &[1, 0]))),
            node("MatMul", &["x", "turned"], "products", None),
            node("ReduceMax", &["products"], "y", Some(("axes", &[1]))),
        ],
        ..GraphProto::default()
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: 13 };
    let file = ModelProto { ir_version: 7, opset_import: vec![opset], graph: Some(graph), ..ModelProto::default() };
    file.encode_to_vec()
}

pub(super) fn rows(rows: u64) -> Vec<Tensor> {
    let data = 1f32.to_le_bytes().repeat(rows as usize * 4).into();
    vec![Tensor { name: "x".to_owned(), dtype: Dtype::Fp32, shape: vec![rows, 4], data }]
}

/// How many bytes a refusal says were needed.
fn needed(error: ScoreError, rows: u64, most: u64) -> u64 {
    let ScoreError::Invalid(message) = error else { panic!("{error:?}") };
    let (start, end) =
        (format!("a prediction of {rows} rows would hold "), format!("this host allows {most} (`working_bytes`"));
    assert!(message.contains(&end), "{message}");
    message.strip_prefix(&start).unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn rows_whose_square_fits_are_computed_and_more_are_refused_with_rows_bytes_and_bound() {
    let most = 4 << 20;
    let session = Session::load_within(&products(), ByteSize(most)).unwrap();
    assert_eq!(session.signature().inputs[0].shape, [-1, 4]);
    for few in [1, 2, 40, 500, 2] {
        let answer = session.run(&rows(few)).unwrap();
        assert_eq!((answer[0].shape.as_slice(), &answer[0].data[..4]), (&[few, 1][..], &4f32.to_le_bytes()[..]));
    }
    let needed = needed(session.run(&rows(2_000)).unwrap_err(), 2_000, most);
    assert!((2_000 * 2_000 * 4..3 * 2_000 * 2_000 * 4).contains(&needed), "{needed}");
}

#[test]
fn ten_million_rows_of_four_numbers_ask_for_more_than_any_memory_and_get_an_answer() {
    let session = Session::load(&products()).unwrap();
    let needed = needed(session.run(&rows(10_000_000)).unwrap_err(), 10_000_000, 512 << 20);
    assert!(needed > 10_000_000 * 10_000_000 * 4, "{needed}");
}

#[test]
fn a_model_that_takes_too_much_for_one_row_is_not_loaded() {
    let error = Session::load_within(&products(), ByteSize(16)).unwrap_err();
    assert!(matches!(&error, LoadError::Sample(message) if message.contains("this host allows 16 ")), "{error:?}");
}

#[tokio::test]
async fn the_bound_is_the_hosts_configuration() {
    let registry = std::sync::Arc::new(Registry::default());
    registry.add(products().into());
    registry.promote(1);
    let config = Config { working_bytes: ByteSize(1 << 20), ..Config::default() };
    let models = LoadedModels::new(config, registry.clone(), registry.clone());
    let (project, model) = (host_core::Name::default_project(), "wine".parse().unwrap());
    let ask = |many| {
        let call = InferCall { inputs: rows(many), outputs: Vec::new() };
        models.infer(&project, &model, call, None)
    };
    ask(100).await.unwrap();
    needed(ask(1_000).await.unwrap_err(), 1_000, 1 << 20);
}
