//! What a call is sent: literal JSON, or rows of a dataset that a step made.

use bytes::Bytes;
use host_core::{
    call::{Call as GuestCall, InferCall, Prediction},
    event::{Event, Failure},
    function::Entries,
    model::{At, ModelRef},
    pipeline::{Call, CallPayload, CallTarget, OutputRef, render},
    tensor::{Dtype, Tensor},
};
use serde_json::{Map, Value, json};

use crate::{
    failure::{of_artifact, of_deployment, of_model, of_unresolved},
    services::Services,
    view::View,
};

/// The largest dataset that is sampled, bytes.
const SAMPLE: u64 = 64 << 20;
/// How many of its rows are used.
const ROWS: usize = 1_000;

/// What every call needs, read once.
pub(super) struct Payloads {
    rows: Vec<Value>,
    form: Form,
}

/// The shape a row takes on its way.
enum Form {
    /// A POST to a wasi:http function.
    Http,
    /// An event to a handler.
    Event,
    /// A tensor for a model with this input and so many features.
    Tensor { input: String, features: usize },
}

impl Payloads {
    pub(super) async fn read(view: &View<'_>, action: &Call, services: &Services) -> Result<Self, Failure> {
        let rows = match &action.payload {
            None => vec![Value::Null],
            Some(CallPayload::Input(value)) => {
                vec![render(value, &view.scope()).map_err(|error| of_unresolved("input", &error))?]
            }
            Some(CallPayload::Sample(output)) => sample(view, output, services).await?,
        };
        if rows.is_empty() {
            return Err(Failure::invalid("empty-sample", "the sample has no rows"));
        }
        Ok(Self { rows, form: form(view, &action.target, services).await? })
    }

    /// The call with the row of that index, from the first again when they are used up.
    pub(super) fn call(&self, index: usize) -> Result<GuestCall, Failure> {
        let row = &self.rows[index % self.rows.len()];
        match &self.form {
            Form::Http => post(row),
            Form::Event => Ok(GuestCall::Events(vec![event(index, row)])),
            Form::Tensor { input, features } => {
                Ok(GuestCall::Infer(InferCall { inputs: vec![tensor(input, *features, row)?], outputs: Vec::new() }))
            }
        }
    }
}

async fn form(view: &View<'_>, target: &CallTarget, services: &Services) -> Result<Form, Failure> {
    let project = &view.claim.run.project;
    match target {
        CallTarget::Function(function) => {
            let revision =
                services.deployments.revision(project, function).await.map_err(|error| of_deployment(&error))?;
            let Entries { http, handler, .. } = revision.entries;
            match (http, handler) {
                (true, _) => Ok(Form::Http),
                (_, true) => Ok(Form::Event),
                _ => Err(Failure::invalid("not-callable", format!("function `{function}` is a job; run it as a step"))),
            }
        }
        CallTarget::Endpoint(name) => {
            let endpoints = services.models.endpoints(project).await.map_err(|error| of_model(&error))?;
            let served = endpoints.into_iter().find(|it| it.name == *name).map(|it| it.model);
            let reference = served.unwrap_or_else(|| ModelRef { model: name.clone(), at: At::Default });
            let version = services.models.resolve(project, &reference).await.map_err(|error| of_model(&error))?;
            let input = version
                .signature
                .inputs
                .first()
                .ok_or_else(|| Failure::invalid("bad-model", "the model has no input"))?;
            let features = input.shape.last().copied().and_then(|it| usize::try_from(it).ok());
            let features = features
                .ok_or_else(|| Failure::invalid("bad-model", "the model does not say how many features it takes"))?;
            Ok(Form::Tensor { input: input.name.clone(), features })
        }
    }
}

/// Rows of a CSV, without the label column that its metadata names.
async fn sample(view: &View<'_>, reference: &OutputRef, services: &Services) -> Result<Vec<Value>, Failure> {
    let missing = || Failure::invalid("missing-output", format!("`{reference}` was not made"));
    let output = view.output(reference).ok_or_else(missing)?;
    let label = output.metadata.get("label").and_then(Value::as_str);
    let bytes = services
        .artifacts
        .get(&output.digest, SAMPLE)
        .await
        .map_err(|error| of_artifact(&reference.to_string(), &error))?;
    let mut reader = csv::Reader::from_reader(bytes.as_ref());
    let bad = |error: csv::Error| Failure::invalid("bad-sample", format!("`{reference}` is not a CSV: {error}"));
    let header = reader.headers().map_err(bad)?.clone();
    let mut rows = Vec::new();
    for record in reader.records().take(ROWS) {
        let record = record.map_err(bad)?;
        let cells = header.iter().zip(record.iter()).filter(|(name, _)| Some(*name) != label);
        rows.push(Value::Object(cells.map(|(name, text)| (name.to_owned(), cell(text))).collect::<Map<_, _>>()));
    }
    Ok(rows)
}

fn cell(text: &str) -> Value {
    text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number))
}

fn post(row: &Value) -> Result<GuestCall, Failure> {
    let body = host_core::body::full(row.to_string());
    let request = http::Request::post("http://localhost/").header("content-type", "application/json").body(body);
    request.map(GuestCall::Http).map_err(|error| Failure::fatal("bad-request", error.to_string()))
}

fn event(index: usize, row: &Value) -> Event {
    Event {
        id: index.to_string(),
        source: "weft:call".to_owned(),
        r#type: "weft.call".to_owned(),
        subject: None,
        time: None,
        content_type: Some("application/json".to_owned()),
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: Bytes::from(row.to_string()),
    }
}

/// One row as `[1, features]`; text and surplus columns are the caller's mistake, named.
fn tensor(input: &str, features: usize, row: &Value) -> Result<Tensor, Failure> {
    let cells: Vec<&Value> = match row {
        Value::Object(map) => map.values().collect(),
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    };
    let numbers: Option<Vec<f64>> = cells.iter().map(|it| it.as_f64()).collect();
    let numbers = numbers.ok_or_else(|| Failure::invalid("bad-sample", "a column of the sample is not a number"))?;
    if numbers.len() != features {
        return Err(Failure::invalid(
            "bad-sample",
            format!("the model takes {features} features, and the sample has {}", numbers.len()),
        ));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the model computes in single precision")]
    let data: Vec<u8> = numbers.iter().flat_map(|it| (*it as f32).to_le_bytes()).collect();
    Ok(Tensor { name: input.to_owned(), dtype: Dtype::Fp32, shape: vec![1, features as u64], data: data.into() })
}

/// A prediction for people: each output as numbers, and the version.
pub(super) fn prediction_json(prediction: &Prediction) -> Value {
    let outputs: Map<String, Value> = prediction.outputs.iter().map(|it| (it.name.clone(), numbers(it))).collect();
    json!({ "outputs": outputs, "model": prediction.version.model, "version": prediction.version.number })
}

fn numbers(tensor: &Tensor) -> Value {
    let chunks = |width: usize| tensor.data.chunks_exact(width);
    match tensor.dtype {
        Dtype::Int64 => {
            chunks(8).filter_map(|it| it.try_into().ok()).map(i64::from_le_bytes).map(Value::from).collect()
        }
        Dtype::Fp32 => chunks(4).filter_map(|it| it.try_into().ok()).map(f32::from_le_bytes).map(Value::from).collect(),
        Dtype::Fp64 => chunks(8).filter_map(|it| it.try_into().ok()).map(f64::from_le_bytes).map(Value::from).collect(),
        other => json!(format!("{other} {:?}", tensor.shape)),
    }
}
