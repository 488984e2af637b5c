//! What a model answered, as classes or values.

use weft::{
    Failure,
    model::{Dtype, Tensor},
};
use weft_tables::{Task, Transform};

/// What a model answered to rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// A class each, and how likely it thought every class.
    Classes { found: Vec<usize>, probabilities: Option<Vec<Vec<f64>>> },
    /// A value each.
    Values(Vec<f64>),
}

impl Answer {
    /// The answer to no rows.
    pub(crate) fn none(task: Task) -> Self {
        match task {
            Task::Classification => Self::Classes { found: Vec::new(), probabilities: Some(Vec::new()) },
            Task::Regression => Self::Values(Vec::new()),
        }
    }

    /// Reads the outputs for `rows` rows, whatever their names: exporters differ in them.
    pub(crate) fn read(outputs: &[Tensor], transform: &Transform, rows: usize) -> Result<Self, Failure> {
        let is_real = |it: &&Tensor| matches!(it.dtype, Dtype::Fp32 | Dtype::Fp64);
        let real = outputs.iter().find(is_real);
        let answer = match transform.task {
            Task::Regression => Self::Values(real.ok_or_else(|| unexpected("no output of real numbers"))?.to_f64s()?),
            Task::Classification => {
                let width = transform.classes.len();
                let fits = |it: &&Tensor| it.shape == [rows as u64, width as u64];
                let probabilities = real.filter(fits).map(Tensor::to_f64s).transpose()?;
                let probabilities =
                    probabilities.map(|it| it.chunks_exact(width.max(1)).map(<[f64]>::to_vec).collect());
                let label = outputs.iter().find(|it| !is_real(it)).ok_or_else(|| unexpected("no output of labels"))?;
                Self::Classes { found: places(label, transform)?, probabilities }
            }
        };
        if answer.rows() == rows { Ok(answer) } else { Err(unexpected("another number of rows than it was given")) }
    }

    /// Adds the answer to further rows.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), Failure> {
        match (self, other) {
            (Self::Classes { found, probabilities }, Self::Classes { found: more, probabilities: likely }) => {
                found.extend(more);
                *probabilities = probabilities.take().zip(likely).map(|(all, more)| [all, more].concat());
            }
            (Self::Values(all), Self::Values(more)) => all.extend(more),
            _ => return Err(unexpected("answers of two kinds")),
        }
        Ok(())
    }

    fn rows(&self) -> usize {
        match self {
            Self::Classes { found, .. } => found.len(),
            Self::Values(values) => values.len(),
        }
    }
}

/// The place of each label among the classes.
fn places(label: &Tensor, transform: &Transform) -> Result<Vec<usize>, Failure> {
    let unknown = |label: &dyn std::fmt::Display| {
        let classes = transform.classes.join(", ");
        Failure::invalid(
            "other-classes",
            format!("the model answered `{label}`; the classes of the data are {classes}"),
        )
    };
    if label.dtype == Dtype::Bytes {
        let place = |text: &String| transform.classes.iter().position(|it| it == text).ok_or_else(|| unknown(text));
        return label.to_strings()?.iter().map(place).collect();
    }
    let labels = transform.class_labels();
    let place = |number: &i64| labels.iter().position(|it| it == number).ok_or_else(|| unknown(number));
    label.to_i64s()?.iter().map(place).collect()
}

fn unexpected(what: &str) -> Failure {
    Failure::invalid("unexpected-answer", format!("the model gave {what}"))
}
