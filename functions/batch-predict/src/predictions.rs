//! What a model said, as columns.

use weft_scoring::Answer;
use weft_tables::{Column, Transform};

/// The column `name` of classes or values; and of classes, where asked for, `probability_<class>` each.
pub(crate) fn columns(answer: Answer, transform: &Transform, name: &str, with_probabilities: bool) -> Vec<Column> {
    match answer {
        Answer::Values(values) => vec![Column::numbers(name, values)],
        Answer::Classes { found, probabilities } => {
            let class = |at: &usize| transform.classes.get(*at).cloned();
            let mut columns = vec![Column::text(name, found.iter().map(class).collect())];
            let likely = probabilities.filter(|_| with_probabilities).unwrap_or_default();
            if !likely.is_empty() {
                columns.extend(transform.classes.iter().enumerate().map(|(at, class)| {
                    let of_class = likely.iter().map(|row| row.get(at).copied().unwrap_or(f64::NAN)).collect();
                    Column::numbers(format!("probability_{class}"), of_class)
                }));
            }
            columns
        }
    }
}
