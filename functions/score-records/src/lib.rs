//! Scores records with the model of their data type, and says which version did it and for how long.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use serde_json::Value;
use weft::{
    Event, Failure, Output, config,
    model::{self, Dtype, Prediction, Tensor},
};

use crate::record::Record;

mod record;

/// What a record passes with while there is no model for it.
const NO_MODEL: &str = "No model server defined";

/// A record, and what came of it.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scored {
    input_record: Value,
    model_result: Option<ModelResult>,
    model_result_metadata: Metadata,
}

/// What the model said.
#[derive(Debug, PartialEq, Serialize)]
struct ModelResult {
    /// The class where it is a number, or the value of a regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// The class.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// How likely the class is.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    /// How likely each class is, in the model's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Vec<f64>>,
}

/// Which model it was, and how it went.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    model_name: String,
    model_version: Option<u64>,
    model_source_location: String,
    /// Milliseconds since 1970.
    start_time: u64,
    /// Milliseconds.
    duration: f64,
    /// Empty where all went well.
    errors: String,
}

#[weft::handler]
fn score_records(event: Event<Vec<u8>>) -> Result<Output<Scored>, Failure> {
    let record =
        Record::read(&event.data, event.content_type.as_deref()).map_err(|why| Failure::invalid("bad-record", why))?;
    let (start_time, began) = (now(), Instant::now());
    let input = Tensor::f32(input(), [1, record.features.len() as u64], &record.features);
    let answered = model::infer(&record.model, &[input]);
    let duration = began.elapsed().as_secs_f64() * 1_000.0;
    let timed = Metadata { start_time, duration, ..Metadata::default() };
    let scored = scored(record, answered, timed)?;
    let output = Output::new("weft.score", scored);
    Ok(match event.key {
        Some(key) => output.key(key),
        None => output,
    })
}

/// The record with its score, or with what stands in the way. Only a busy model makes it wait.
fn scored(record: Record, answered: Result<Prediction, model::Error>, timed: Metadata) -> Result<Scored, Failure> {
    let (model_result, model_result_metadata) = match answered {
        Ok(prediction) => {
            let version = &prediction.version;
            let metadata = Metadata {
                model_name: version.model.clone(),
                model_version: Some(version.number),
                model_source_location: version.digest.clone(),
                ..timed
            };
            match result(&prediction) {
                Ok(result) => (Some(result), metadata),
                Err(error) => (None, Metadata { errors: error.to_string(), ..metadata }),
            }
        }
        Err(model::Error::Busy) => return Err(model::Error::Busy.into()),
        Err(error) => (None, failed(&record.model, &error, timed)),
    };
    Ok(Scored { input_record: record.shown, model_result, model_result_metadata })
}

fn failed(model: &str, error: &model::Error, timed: Metadata) -> Metadata {
    let errors = match error {
        model::Error::NotFound(_) | model::Error::NotGranted(_) => NO_MODEL.to_owned(),
        other => other.to_string(),
    };
    let current = model::current(model).ok();
    Metadata {
        model_name: model.to_owned(),
        model_version: current.as_ref().map(|it| it.number),
        model_source_location: current.map(|it| it.digest).unwrap_or_default(),
        errors,
        ..timed
    }
}

/// A classifier answers `label` and `probabilities`, a regression `variable`.
fn result(prediction: &Prediction) -> Result<ModelResult, model::Error> {
    let empty = |name: &str| model::Error::Failed(format!("output `{name}` is empty"));
    let Ok(label) = prediction.output("label") else {
        let value = prediction.output("variable")?.to_f64s()?.first().copied();
        let score = Some(value.ok_or_else(|| empty("variable"))?);
        return Ok(ModelResult { score, label: None, confidence: None, probabilities: None });
    };
    let (score, label) = if label.dtype == Dtype::Bytes {
        (None, label.to_strings()?.first().cloned().ok_or_else(|| empty("label"))?)
    } else {
        let class = label.to_f64s()?.first().copied().ok_or_else(|| empty("label"))?;
        (Some(class), class.to_string())
    };
    let probabilities = prediction.output("probabilities").ok().map(Tensor::to_f64s).transpose()?;
    let confidence = probabilities.as_ref().and_then(|it| it.iter().copied().reduce(f64::max));
    Ok(ModelResult { score, label: Some(label), confidence, probabilities })
}

/// What the models call the tensor that they take; a revision says it once and for all.
fn input() -> &'static str {
    static INPUT: OnceLock<String> = OnceLock::new();
    INPUT.get_or_init(|| config::get("input").ok().flatten().unwrap_or_else(|| "input".to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the clock of a function is the host's")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wine() -> Record {
        let record = json!({ "dataType": "wine", "features": [1.0, 2.0] });
        Record::read(record.to_string().as_bytes(), None).unwrap()
    }

    fn answer(outputs: Vec<Tensor>) -> Result<Prediction, model::Error> {
        let version = model::Version { model: "wine".to_owned(), number: 3, digest: "sha256:00".to_owned() };
        Ok(Prediction { version, outputs })
    }

    fn timed() -> Metadata {
        Metadata { start_time: 7, duration: 0.5, ..Metadata::default() }
    }

    #[test]
    fn a_score_bears_the_version_that_made_it() {
        let outputs = vec![Tensor::i64("label", [1], &[6]), Tensor::f32("probabilities", [1, 2], &[0.25, 0.75])];
        let scored = serde_json::to_value(scored(wine(), answer(outputs), timed()).unwrap()).unwrap();
        let expected = json!({
            "inputRecord": { "dataType": "wine", "features": [1.0, 2.0] },
            "modelResult": { "score": 6.0, "label": "6", "confidence": 0.75, "probabilities": [0.25, 0.75] },
            "modelResultMetadata": { "modelName": "wine", "modelVersion": 3, "modelSourceLocation": "sha256:00",
                "startTime": 7, "duration": 0.5, "errors": "" },
        });
        assert_eq!(scored, expected);
    }

    #[test]
    fn classes_may_be_texts_and_a_regression_has_none() {
        let said = |outputs| scored(wine(), answer(outputs), timed()).unwrap().model_result.unwrap();
        let class = said(vec![Tensor::strings("label", [1], &["good"])]);
        assert_eq!((class.score, class.label.as_deref(), class.confidence), (None, Some("good"), None));
        let value = said(vec![Tensor::f32("variable", [1, 1], &[5.5])]);
        assert_eq!((value.score, value.label), (Some(5.5), None));
    }

    #[test]
    fn a_record_passes_with_what_stands_in_the_way() {
        let errors = |answered| {
            let scored = scored(wine(), answered, timed()).unwrap();
            assert_eq!(scored.model_result, None);
            scored.model_result_metadata.errors
        };
        assert_eq!(errors(Err(model::Error::NotFound("wine".into()))), "No model server defined");
        assert_eq!(errors(Err(model::Error::NotGranted("wine".into()))), "No model server defined");
        assert_eq!(errors(Err(model::Error::Invalid("input `x` is missing".into()))), "input `x` is missing");
        assert!(errors(answer(vec![])).contains("no output `variable`"));
        assert_eq!(scored(wine(), Err(model::Error::Busy), timed()).unwrap_err().code, "model-busy");
    }

    #[test]
    fn the_key_of_a_record_is_that_of_its_score() {
        let data = json!({ "features": [1] }).to_string().into_bytes();
        let mut event = Event::new("wine.record", data);
        event.key = Some(b"k".to_vec());
        let output = score_records(event).unwrap();
        assert_eq!((output.kind.as_str(), output.key.as_deref()), ("weft.score", Some(&b"k"[..])));
        assert_eq!(output.data.model_result_metadata.errors, NO_MODEL);
    }
}
