//! One row: what several models say, and what they say together.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weft::{Failure, OrFail};

use crate::combine::{self, Method, Tie};

/// More answers than this are no ensemble.
const MOST: usize = 1000;

/// What several models say of one row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// Texts, numbers or booleans; null has no vote.
    predictions: Vec<Value>,
    #[serde(default)]
    weights: Vec<f64>,
    #[serde(default)]
    method: Method,
    #[serde(default)]
    tie: Tie,
}

/// What they say together.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Answer {
    prediction: Value,
    agreement: f64,
    tie: bool,
    method: Method,
}

impl Question {
    /// Combines what they say.
    pub(crate) fn answer(self) -> Result<Answer, Failure> {
        if self.predictions.is_empty() || self.predictions.len() > MOST {
            return Err(Failure::invalid("bad-predictions", format!("give from 1 to {MOST} predictions")));
        }
        let votes: Vec<Option<String>> = self.predictions.iter().map(text).collect::<Result<_, _>>()?;
        let weights = combine::weights(&self.weights, votes.len()).or_invalid("bad-weights")?;
        let method = self.method.of(std::slice::from_ref(&votes));
        let combined = combine::combine(&votes, &weights, method, self.tie).or_invalid("bad-predictions")?;
        let said = combined.answer.map_or(Value::Null, |answer| self.as_said(&answer));
        Ok(Answer { prediction: said, agreement: combined.agreement, tie: combined.was_tied, method })
    }

    /// The answer in the form in which it came in; a mean, which nobody said, as a number.
    fn as_said(&self, answer: &str) -> Value {
        let same = self.predictions.iter().find(|it| text(it).ok().flatten().as_deref() == Some(answer));
        same.cloned().unwrap_or_else(|| serde_json::from_str(answer).unwrap_or_else(|_| answer.into()))
    }
}

fn text(prediction: &Value) -> Result<Option<String>, Failure> {
    match prediction {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(prediction.to_string())),
        _ => Err(Failure::invalid("bad-predictions", "a prediction is a text, a number, true, false or null")),
    }
}
