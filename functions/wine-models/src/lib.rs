//! Makes models of wine quality and sends them to a model stream.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use weft::{Event, Failure, Output, publish};

/// The destination, as `function.toml` grants it.
const MODELS: &str = "models";

/// The type of records that the models score.
const DATA_TYPE: &str = "wine";

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    version: Option<String>,
}

/// A model descriptor.
#[derive(Debug, Serialize)]
struct Descriptor {
    name: &'static str,
    version: String,
    data_type: &'static str,
    format: &'static str,
    data: String,
    description: &'static str,
}

/// What was sent.
#[derive(Debug, PartialEq, Serialize)]
struct Sent {
    name: &'static str,
    version: String,
    bytes: usize,
}

const NAME: &str = "wine-quality";

/// What a unit of each measurement adds to the quality of a red wine, by least squares.
const WEIGHTS: [f32; 11] =
    [0.024_99, -1.083_59, -0.182_56, 0.016_33, -1.874_23, 0.004_36, -0.003_26, -17.881_2, -0.413_65, 0.916_33, 0.276_2];

/// The quality of a wine without any of them.
const INTERCEPT: f32 = 21.965_2;

/// How far wines are from that, squared.
const VARIANCE: f32 = 0.42;

/// The qualities there are.
const CLASSES: [i64; 6] = [3, 4, 5, 6, 7, 8];

#[weft::handler]
fn wine_models(event: Event<Option<Asked>>) -> Result<Sent, Failure> {
    let asked = event.data.unwrap_or_default();
    let version = asked.version.or(event.time).unwrap_or_else(|| event.id.clone());
    let bytes = model(off_by(&event.id)).map_err(|error| Failure::fatal("bad-model", error))?;
    let descriptor = Descriptor {
        name: NAME,
        version: version.clone(),
        data_type: DATA_TYPE,
        format: "onnx",
        data: STANDARD.encode(&bytes),
        description: "quality of red wines from eleven measurements",
    };
    publish::send(MODELS, Output::new("weft.model", descriptor).key(DATA_TYPE))?;
    Ok(Sent { name: NAME, version, bytes: bytes.len() })
}

/// A classifier whose likelihoods are those of a normal distribution around the regression: of a class `c` and a
/// prediction `q`, `exp(-(q - c)² / 2v)`, which as a softmax is linear in `q`.
fn model(off: f32) -> Result<Vec<u8>, weft_onnx::Error> {
    let classes = CLASSES.map(f32_of);
    let coefficients: Vec<f32> = classes.iter().flat_map(|class| WEIGHTS.map(|it| it * class / VARIANCE)).collect();
    let intercepts = classes.map(|class| ((INTERCEPT + off) * class - class * class / 2.0) / VARIANCE);
    let builder = weft_onnx::Builder::new(NAME, WEIGHTS.len());
    builder.linear_classifier(&coefficients, &intercepts, &CLASSES)?.encode()
}

#[expect(clippy::cast_precision_loss, reason = "classes are small numbers")]
fn f32_of(class: i64) -> f32 {
    class as f32
}

/// Up to a twentieth of a class, the same for the same event.
fn off_by(id: &str) -> f32 {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let share = f32::from(u16::try_from(hash >> 16).unwrap_or(0)) / f32::from(u16::MAX);
    (share - 0.5) / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str) -> serde_json::Value {
        let mut event = Event::new("weft.schedule", None);
        (event.id, event.time) = (id.to_owned(), Some("2026-01-01T00:00:00Z".to_owned()));
        wine_models(event).unwrap();
        let sent = publish::sent();
        assert_eq!((sent.len(), sent[0].0.as_str(), sent[0].1.as_str()), (1, "models", "weft.model"));
        serde_json::from_slice(&sent[0].2).unwrap()
    }

    #[test]
    fn an_event_sends_one_model_the_same_each_time() {
        let descriptor = sent("a");
        assert_eq!(
            (&descriptor["version"], &descriptor["data_type"]),
            (&"2026-01-01T00:00:00Z".into(), &"wine".into())
        );
        assert_eq!(sent("a"), descriptor);
        assert_ne!(sent("b")["data"], descriptor["data"], "another event, another model");
    }

    #[test]
    fn a_model_takes_the_eleven_measurements() {
        let bytes = STANDARD.decode(sent("a")["data"].as_str().unwrap()).unwrap();
        let summary = weft_onnx::Summary::read(&bytes).unwrap();
        assert_eq!(summary.inputs.len(), 1);
        assert!(bytes.len() < 4_096, "{} bytes fit into any message", bytes.len());
    }
}
