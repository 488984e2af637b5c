//! Scores one wine record with the model that serves, and says which version answered.

use serde::{Deserialize, Serialize};
use weft::{
    Event, Failure,
    model::{self, Prediction, Tensor},
};

/// The model, as `function.toml` grants it.
const MODEL: &str = "wine";

/// What was measured of a wine, in the model's order. Names are the dataset's, with `_` or with spaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wine {
    #[serde(alias = "fixed acidity")]
    fixed_acidity: f32,
    #[serde(alias = "volatile acidity")]
    volatile_acidity: f32,
    #[serde(alias = "citric acid")]
    citric_acid: f32,
    #[serde(alias = "residual sugar")]
    residual_sugar: f32,
    chlorides: f32,
    #[serde(alias = "free sulfur dioxide")]
    free_sulfur_dioxide: f32,
    #[serde(alias = "total sulfur dioxide")]
    total_sulfur_dioxide: f32,
    density: f32,
    #[serde(alias = "pH")]
    ph: f32,
    sulphates: f32,
    alcohol: f32,
}

/// The score, and what made it.
#[derive(Debug, PartialEq, Serialize)]
struct Score {
    /// The class, or the value where the model is a regression.
    prediction: f64,
    /// How likely each class is, in the model's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Vec<f64>>,
    model: String,
    version: u64,
    digest: String,
}

#[weft::handler]
fn predict(event: Event<Wine>) -> Result<Score, Failure> {
    let features = event.data.features();
    let input = Tensor::f32("input", [1, features.len() as u64], &features);
    Ok(score(model::infer(MODEL, &[input])?)?)
}

impl Wine {
    fn features(&self) -> [f32; 11] {
        [
            self.fixed_acidity,
            self.volatile_acidity,
            self.citric_acid,
            self.residual_sugar,
            self.chlorides,
            self.free_sulfur_dioxide,
            self.total_sulfur_dioxide,
            self.density,
            self.ph,
            self.sulphates,
            self.alcohol,
        ]
    }
}

/// A classifier answers `label` and `probabilities`, a regression `variable`.
fn score(prediction: Prediction) -> Result<Score, model::Error> {
    let answer = prediction.output("label").or_else(|_| prediction.output("variable"))?;
    let first = answer.to_f64s()?.first().copied();
    let value = first.ok_or_else(|| model::Error::Failed(format!("output `{}` is empty", answer.name)))?;
    let probabilities = prediction.output("probabilities").ok().map(Tensor::to_f64s).transpose()?;
    let model::Version { model, number, digest } = prediction.version;
    Ok(Score { prediction: value, probabilities, model, version: number, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outputs: Vec<Tensor>) -> Prediction {
        let version = model::Version { model: "wine".to_owned(), number: 3, digest: "sha256:00".to_owned() };
        Prediction { version, outputs }
    }

    #[test]
    fn a_classifier_answers_a_class_and_how_likely_each_is() {
        let outputs = vec![Tensor::i64("label", [1], &[6]), Tensor::f32("probabilities", [1, 2], &[0.25, 0.75])];
        let score = score(answer(outputs)).unwrap();
        assert_eq!((score.prediction, score.probabilities), (6.0, Some(vec![0.25, 0.75])));
        assert_eq!((score.model.as_str(), score.version), ("wine", 3));
    }

    #[test]
    fn a_regression_answers_a_value() {
        let score = score(answer(vec![Tensor::f32("variable", [1, 1], &[5.5])])).unwrap();
        assert_eq!((score.prediction, score.probabilities), (5.5, None));
    }

    #[test]
    fn a_model_that_answers_nothing_known_failed() {
        assert!(score(answer(vec![])).is_err());
        assert!(score(answer(vec![Tensor::i64("label", [0], &[])])).is_err());
    }

    #[test]
    fn a_wine_may_be_named_as_the_dataset_names_it() {
        let wine = serde_json::json!({
            "fixed acidity": 7.4, "volatile acidity": 0.7, "citric acid": 0.0, "residual sugar": 1.9, "chlorides": 0.076,
            "free sulfur dioxide": 11.0, "total sulfur dioxide": 34.0, "density": 0.9978, "pH": 3.51, "sulphates": 0.56,
            "alcohol": 9.4,
        });
        let wine: Wine = serde_json::from_value(wine).unwrap();
        assert_eq!(wine.features(), [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4]);
    }
}
