//! What a model answered, as classes or values.

use weft::{
    Failure,
    model::{Dtype, Tensor},
};
use weft_tables::{Task, Transform};

/// What a model answered to rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A class each, and how likely it thought every class.
    Classes {
        /// By its place among the transform's classes.
        found: Vec<usize>,
        /// Row by row; none where the model does not tell.
        probabilities: Option<Vec<Vec<f64>>>,
    },
    /// A value each.
    Values(Vec<f64>),
}

impl Answer {
    /// The answer to no rows.
    #[must_use]
    pub fn none(task: Task) -> Self {
        match task {
            Task::Classification => Self::Classes { found: Vec::new(), probabilities: Some(Vec::new()) },
            Task::Regression => Self::Values(Vec::new()),
        }
    }

    /// Reads the outputs for `rows` rows, whatever their names: exporters differ in them.
    ///
    /// # Errors
    /// When they are not what the task asks for.
    pub fn read(outputs: &[Tensor], transform: &Transform, rows: usize) -> Result<Self, Failure> {
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
    ///
    /// # Errors
    /// When it is of another kind.
    pub fn append(&mut self, other: Self) -> Result<(), Failure> {
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

    /// How many rows it is for.
    #[must_use]
    pub fn rows(&self) -> usize {
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

#[cfg(test)]
mod tests {
    use weft_tables::Table;

    use super::*;

    fn transform() -> Transform {
        let table = Table::from_csv(b"x,y\n1,bad\n2,good\n").unwrap();
        Transform::identity(&table, "y", Task::Classification).unwrap()
    }

    #[test]
    fn classes_are_read_by_name_or_by_number_whatever_the_order_of_outputs() {
        let likely = Tensor::f32("p", [2, 2], &[0.9, 0.1, 0.2, 0.8]);
        let by_name = [likely.clone(), Tensor::strings("l", [2], &["bad", "good"])];
        let by_number = [Tensor::i64("l", [2], &[0, 1]), likely];
        let read = Answer::read(&by_name, &transform(), 2).unwrap();
        assert_eq!(read, Answer::read(&by_number, &transform(), 2).unwrap());
        assert_eq!(read.rows(), 2);
    }

    #[test]
    fn answers_add_up_and_forget_shares_that_some_of_them_lack() {
        let one = |outputs: &[Tensor]| Answer::read(outputs, &transform(), 1).unwrap();
        let mut all = Answer::none(Task::Classification);
        all.append(one(&[Tensor::i64("l", [1], &[1]), Tensor::f32("p", [1, 2], &[0.25, 0.75])])).unwrap();
        assert_eq!(all, Answer::Classes { found: vec![1], probabilities: Some(vec![vec![0.25, 0.75]]) });
        all.append(one(&[Tensor::i64("l", [1], &[0])])).unwrap();
        assert_eq!(all, Answer::Classes { found: vec![1, 0], probabilities: None });
        assert!(all.append(Answer::Values(vec![1.0])).is_err());
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        let code = |outputs: &[Tensor], rows| Answer::read(outputs, &transform(), rows).unwrap_err().code;
        assert_eq!(code(&[Tensor::strings("l", [1], &["ugly"])], 1), "other-classes");
        assert_eq!(code(&[Tensor::i64("l", [1], &[0])], 2), "unexpected-answer");
        assert_eq!(code(&[], 1), "unexpected-answer");
    }
}
