//! A model that is an input of the job, and what it takes.

use weft::{
    Failure, OrFail,
    model::{self, Tensor},
};
use weft_onnx::{Port, Summary};
use weft_tables::{Table, Transform};

use crate::Answer;

/// A model about to score a table.
#[derive(Debug, Clone)]
pub struct Scored {
    /// What it says of features, label and classes; or what was guessed from the table.
    pub transform: Transform,
    input: String,
}

/// The host's inference for the model behind an input of the job, such as `in/model`.
pub fn host(name: &str) -> impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure> + use<'_> {
    move |batch| Ok(model::infer(name, std::slice::from_ref(batch))?.outputs)
}

impl Scored {
    /// Reads what the model says of itself. Where it says nothing of features and classes, every column of numbers is a
    /// feature, and `label` (or the last column) is what it predicts.
    ///
    /// # Errors
    /// As `bad-model`, `bad-label` or `bad-table`.
    pub fn read(bytes: &[u8], table: &Table, label: &str) -> Result<Self, Failure> {
        let summary = Summary::read(bytes).or_invalid("bad-model")?;
        let transform = match Transform::from_notes(&summary.notes) {
            Some(transform) => transform,
            None => Transform::guess(table, label).or_invalid("bad-label")?,
        };
        let input = input_of(&summary, transform.features.len())?.to_owned();
        Ok(Self { transform, input })
    }

    /// What the model answers to raw rows, `batch` of them at once; `progress` hears how many are scored.
    ///
    /// # Errors
    /// When it does not answer, or something that the transform does not know.
    pub fn answer(
        &self,
        features: &[f32],
        batch: usize,
        infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
        progress: impl Fn(usize),
    ) -> Result<Answer, Failure> {
        let width = self.transform.features.len().max(1);
        let mut all = Answer::none(self.transform.task);
        for rows in features.chunks(batch.max(1).saturating_mul(width)) {
            let shape = [(rows.len() / width) as u64, width as u64];
            let outputs = infer(&Tensor::f32(&self.input, shape, rows))?;
            all.append(Answer::read(&outputs, &self.transform, rows.len() / width)?)?;
            progress(all.rows());
        }
        Ok(all)
    }
}

/// The one input, which must take as many features as there are.
fn input_of(summary: &Summary, features: usize) -> Result<&str, Failure> {
    let [Port { name, shape, .. }] = summary.inputs.as_slice() else {
        let found = summary.inputs.len();
        return Err(Failure::invalid("bad-model", format!("the model has {found} inputs, where one tensor is needed")));
    };
    match shape.as_slice() {
        [_, Some(wanted)] if *wanted != features as u64 => {
            let message = format!("the model takes {wanted} features, the data has {features} columns of numbers");
            Err(Failure::invalid("bad-table", message))
        }
        _ => Ok(name),
    }
}
