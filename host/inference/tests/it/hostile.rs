//! Files that mean harm, or came to some: each gives an error, none takes the host down.

use std::sync::LazyLock;

use host_core::model::LoadError;
use host_inference::Session;
use proptest::prelude::*;
use prost::Message;
use tract_onnx::{
    pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, attribute_proto::AttributeType,
        tensor_shape_proto::dimension::Value as Dim, type_proto::Value as Type,
    },
    prelude::Framework,
};

use super::fixtures::{Case, operators, trained, trained_named};

/// Reads a model as tract does, so that a test can change it.
fn parsed(bytes: &[u8]) -> ModelProto {
    tract_onnx::onnx().proto_model_for_read(&mut &*bytes).unwrap()
}

/// What loading says after a change to a model that loads.
fn refusal(model: &str, change: impl FnOnce(&mut GraphProto)) -> LoadError {
    let mut file = parsed(&trained_named(model).model);
    change(file.graph.as_mut().unwrap());
    Session::load(&file.encode_to_vec()).unwrap_err()
}

/// The integers of an attribute of the graph's tree ensemble.
fn integers<'a>(graph: &'a mut GraphProto, name: &str) -> &'a mut Vec<i64> {
    let node = graph.node.iter_mut().find(|it| it.op_type.starts_with("TreeEnsemble")).unwrap();
    &mut node.attribute.iter_mut().find(|it| it.name == name).unwrap().ints
}

fn corrupt(error: LoadError) -> String {
    match error {
        LoadError::Corrupt(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_model_is_called_so() {
    for bytes in [&b""[..], b"PK\x03\x04", b"hello", &[0; 64], &[0xff; 4096]] {
        let message = corrupt(Session::load(bytes).unwrap_err());
        assert!(message.starts_with("it is not ONNX: "), "{message}");
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_was_cut() {
    let model = trained_named("forest-strings").model;
    for end in (0..model.len()).step_by(97) {
        assert!(Session::load(&model[..end]).is_err(), "{end}");
    }
}

#[test]
fn an_unknown_operator_is_named_with_its_domain() {
    let renamed = |name: &str, domain: &str| {
        refusal("tree-multi", |graph| {
            let node = graph.node.last_mut().unwrap();
            (node.op_type, node.domain) = (name.to_owned(), domain.to_owned());
        })
    };
    assert_eq!(renamed("ZipMap", "ai.onnx.ml"), LoadError::Operator("ai.onnx.ml.ZipMap".to_owned()));
    assert_eq!(renamed("Frobnicate", ""), LoadError::Operator("Frobnicate".to_owned()));
}

#[test]
fn an_unknown_operator_is_found_in_a_branch_too() {
    let error = refusal("tree-multi", |graph| {
        let hidden = NodeProto { op_type: "Hidden".to_owned(), ..NodeProto::default() };
        let body = GraphProto { node: vec![hidden], ..GraphProto::default() };
        let branch = AttributeProto {
            name: "then_branch".to_owned(),
            r#type: AttributeType::Graph.into(),
            g: Some(body),
            ..AttributeProto::default()
        };
        graph.node.push(NodeProto { op_type: "If".to_owned(), attribute: vec![branch], ..NodeProto::default() });
    });
    assert_eq!(error, LoadError::Operator("Hidden".to_owned()));
}

#[test]
fn trees_that_lead_nowhere_or_back_are_refused() {
    let refusal = |attribute: &str, change: fn(&mut Vec<i64>)| {
        corrupt(refusal("forest-strings", |graph| change(integers(graph, attribute))))
    };
    let ends = |message: &str, end: &str| assert!(message.ends_with(end), "{message}");
    ends(&refusal("nodes_truenodeids", |ids| ids[2] = 0), "has a tree that leads back to its node 0");
    ends(
        &refusal("nodes_falsenodeids", |ids| ids[0] = i64::MAX),
        "leads to node 9223372036854775807 of tree 0, which does not exist",
    );
    ends(&refusal("nodes_falsenodeids", |ids| ids[0] = -1), "leads to node -1 of tree 0, which does not exist");
    ends(&refusal("nodes_featureids", |ids| ids[0] = i64::MIN), "tests feature -9223372036854775808");
    ends(&refusal("class_ids", |ids| ids[0] = 1 << 40), "has a weight for target 1099511627776 of 3");
    let message = refusal("nodes_truenodeids", |ids| ids.truncate(3));
    assert!(message.contains("attribute 'nodes_truenodeids': expected"), "{message}");
}

#[test]
fn a_test_of_a_column_that_is_not_there_is_refused() {
    let error = refusal("forest-strings", |graph| integers(graph, "nodes_featureids")[0] = 4_000_000_000);
    assert!(corrupt(error).contains("takes 4000000001 columns at least, the model gives it 4"));
}

#[test]
fn a_number_of_targets_that_no_memory_holds_is_refused() {
    let error = refusal("tree-regressor", |graph| {
        let attributes = graph.node[0].attribute.iter_mut();
        attributes.filter(|it| it.name == "n_targets").for_each(|it| it.i = 1 << 50);
    });
    assert!(corrupt(error).contains("expected 1 to 65536 targets, got 1125899906842624"));
}

#[test]
fn an_output_that_nothing_computes_is_refused() {
    let error = refusal("tree-regressor", |graph| graph.output[0].name = "nobody".to_owned());
    assert!(matches!(error, LoadError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_dimension_with_an_endless_expression_is_free() {
    let mut file = parsed(&trained_named("tree-regressor").model);
    let graph = file.graph.as_mut().unwrap();
    *dim(&mut graph.input[0], 0) = Some(Dim::DimParam("(".repeat(100_000)));
    let session = Session::load(&file.encode_to_vec()).unwrap();
    assert_eq!(session.signature().inputs[0].shape, [-1, 10]);
}

#[test]
fn an_input_without_a_shape_is_refused_by_name() {
    let error = refusal("tree-regressor", |graph| {
        let Some(Type::TensorType(tensor)) = graph.input[0].r#type.as_mut().and_then(|it| it.value.as_mut()) else {
            unreachable!()
        };
        tensor.shape = None;
    });
    assert_eq!(corrupt(error), "input `X` does not say how many dimensions it has");
}

#[test]
fn a_constant_that_claims_more_than_it_holds_is_refused() {
    let error = refusal("tree-regressor", |graph| {
        let huge = TensorProto {
            name: "huge".to_owned(),
            dims: vec![1 << 40, 1 << 20],
            data_type: 1,
            raw_data: vec![0; 4],
            ..TensorProto::default()
        };
        graph.initializer.push(huge);
    });
    assert!(matches!(error, LoadError::Corrupt(_)), "{error:?}");
}

#[test]
fn an_input_that_no_memory_holds_is_refused() {
    let error = refusal("tree-regressor", |graph| *dim(&mut graph.input[0], 1) = Some(Dim::DimValue(1 << 40)));
    assert_eq!(corrupt(error), "`X` has more than 268435456 elements");
}

#[test]
fn a_loop_whose_counts_do_not_add_up_is_refused() {
    let error = refusal("knn", |graph| {
        let scan = graph.node.iter_mut().find(|it| it.op_type == "Scan").unwrap();
        scan.attribute.iter_mut().find(|it| it.name == "num_scan_inputs").unwrap().i = 43;
    });
    assert!(corrupt(error).contains(" scans 43 of "));
}

#[test]
fn a_chain_of_ten_thousand_nodes_neither_overflows_nor_panics() {
    let mut file = parsed(&trained_named("tree-regressor").model);
    let graph = file.graph.as_mut().unwrap();
    let last = graph.output[0].name.clone();
    for step in 0..10_000 {
        let input = if step == 0 { last.clone() } else { format!("step{step}") };
        let output = format!("step{}", step + 1);
        graph.node.push(NodeProto {
            op_type: "Abs".to_owned(),
            input: vec![input],
            output: vec![output],
            ..NodeProto::default()
        });
    }
    graph.output[0].name = "step10000".to_owned();
    drop(Session::load(&file.encode_to_vec()));
}

fn dim(value: &mut ValueInfoProto, axis: usize) -> &mut Option<Dim> {
    match value.r#type.as_mut().and_then(|it| it.value.as_mut()) {
        Some(Type::TensorType(tensor)) => &mut tensor.shape.as_mut().unwrap().dim[axis].value,
        None => unreachable!(),
    }
}

/// The small fixtures, read once.
static CASES: LazyLock<Vec<Case>> =
    LazyLock::new(|| trained().into_iter().chain(operators()).filter(|it| it.model.len() < 20_000).collect());

proptest! {
    #[test]
    fn no_bytes_panic_the_loader(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        drop(Session::load(&bytes));
    }

    #[test]
    fn no_change_to_a_model_panics_the_loader_or_the_session(
        case in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let case = &CASES[case.index(CASES.len())];
        let mut bytes = case.model.to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(session) = Session::load(&bytes) {
            drop(session.run(&case.inputs));
        }
    }
}
