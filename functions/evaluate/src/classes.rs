//! How good a classifier is.

use serde::Serialize;
use smartcore::metrics;
use weft_tables::Transform;

use crate::{
    groups::Fairness,
    roc::{Roc, roc},
};

/// How good a classifier is.
#[derive(Debug, Serialize)]
pub(crate) struct Classification {
    pub(crate) task: &'static str,
    pub(crate) rows: usize,
    pub(crate) classes: Vec<String>,
    pub(crate) accuracy: f64,
    /// What always answering with the most frequent class scores.
    pub(crate) majority_accuracy: f64,
    pub(crate) majority_class: String,
    pub(crate) balanced_accuracy: f64,
    pub(crate) f1_macro: f64,
    pub(crate) f1_weighted: f64,
    /// The mean over the classes that occur, each against all others.
    pub(crate) auc: Option<f64>,
    pub(crate) log_loss: Option<f64>,
    pub(crate) per_class: Vec<PerClass>,
    /// Rows are what is true, columns what the model said.
    pub(crate) confusion: Vec<Vec<usize>>,
    pub(crate) roc: Vec<Roc>,
    /// How alike groups are treated, a column each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<Fairness>,
}

/// How good a classifier is at one class.
#[derive(Debug, Serialize)]
pub(crate) struct PerClass {
    pub(crate) class: String,
    /// How many rows are of the class.
    pub(crate) rows: usize,
    /// How many the model took for it.
    pub(crate) found: usize,
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    pub(crate) f1: f64,
    pub(crate) auc: Option<f64>,
}

impl Classification {
    /// Compares what was found with the truth.
    pub(crate) fn of(
        transform: &Transform,
        truth: &[usize],
        found: &[usize],
        probabilities: Option<&[Vec<f64>]>,
    ) -> Self {
        let classes = &transform.classes;
        let confusion = confusion(truth, found, classes.len());
        let roc: Vec<Roc> = probabilities.map(|all| curves(classes, truth, all)).unwrap_or_default();
        let auc_of = |class: &String| roc.iter().find(|it| it.class == *class).map(|it| it.auc);
        let per_class: Vec<PerClass> =
            classes.iter().enumerate().map(|(at, class)| per_class(&confusion, at, class, auc_of(class))).collect();
        let present: Vec<&PerClass> = per_class.iter().filter(|it| it.rows > 0).collect();
        let most = per_class.iter().rev().max_by_key(|it| it.rows);
        Self {
            task: "classification",
            rows: truth.len(),
            classes: classes.clone(),
            accuracy: metrics::accuracy(&as_labels(truth), &as_labels(found)),
            majority_accuracy: most.map_or(0.0, |it| it.rows as f64) / truth.len() as f64,
            majority_class: most.map(|it| it.class.clone()).unwrap_or_default(),
            balanced_accuracy: mean(present.iter().map(|it| it.recall)),
            f1_macro: mean(per_class.iter().filter(|it| it.rows + it.found > 0).map(|it| it.f1)),
            f1_weighted: present.iter().map(|it| it.f1 * it.rows as f64).sum::<f64>() / truth.len() as f64,
            auc: (!roc.is_empty()).then(|| mean(roc.iter().map(|it| it.auc))),
            log_loss: probabilities.map(|all| log_loss(truth, all)),
            per_class,
            confusion,
            roc,
            groups: Vec::new(),
        }
    }

    /// The numbers for the record of the run.
    pub(crate) fn metrics(&self) -> Vec<(&'static str, f64)> {
        let always = [
            ("accuracy", self.accuracy),
            ("majority_accuracy", self.majority_accuracy),
            ("balanced_accuracy", self.balanced_accuracy),
            ("f1_macro", self.f1_macro),
            ("f1_weighted", self.f1_weighted),
            ("rows", self.rows as f64),
        ];
        let sometimes = [("auc", self.auc), ("log_loss", self.log_loss)];
        let fairness = [
            ("demographic_parity_difference", worst(&self.groups, |it| it.demographic_parity_difference, f64::max)),
            ("demographic_parity_ratio", worst(&self.groups, |it| it.demographic_parity_ratio, f64::min)),
            ("equalized_odds_difference", worst(&self.groups, |it| it.equalized_odds_difference, f64::max)),
            ("equalized_odds_ratio", worst(&self.groups, |it| it.equalized_odds_ratio, f64::min)),
        ];
        let sometimes = sometimes.into_iter().chain(fairness);
        always.into_iter().chain(sometimes.filter_map(|(name, it)| Some((name, it?)))).collect()
    }
}

/// Of the columns, the one in which groups differ most.
fn worst(groups: &[Fairness], of: impl Fn(&Fairness) -> Option<f64>, worse: fn(f64, f64) -> f64) -> Option<f64> {
    groups.iter().filter_map(of).reduce(worse)
}

fn confusion(truth: &[usize], found: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (truth, found) in truth.iter().zip(found) {
        counts[*truth][*found] += 1;
    }
    counts
}

fn per_class(confusion: &[Vec<usize>], at: usize, class: &str, auc: Option<f64>) -> PerClass {
    let right = confusion[at][at] as f64;
    let rows: usize = confusion[at].iter().sum();
    let found: usize = confusion.iter().map(|row| row[at]).sum();
    let share = |of: usize| if of == 0 { 0.0 } else { right / of as f64 };
    let (precision, recall) = (share(found), share(rows));
    let f1 = if right == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    PerClass { class: class.to_owned(), rows, found, precision, recall, f1, auc }
}

/// A curve per class that occurs, against all others.
fn curves(classes: &[String], truth: &[usize], probabilities: &[Vec<f64>]) -> Vec<Roc> {
    let curve = |(at, class): (usize, &String)| {
        let is: Vec<bool> = truth.iter().map(|it| *it == at).collect();
        let likely: Vec<f64> = probabilities.iter().map(|it| it.get(at).copied().unwrap_or(0.0)).collect();
        roc(class, &is, &likely)
    };
    classes.iter().enumerate().filter_map(curve).collect()
}

/// The mean surprise at the class that is right, as scikit-learn clips it.
fn log_loss(truth: &[usize], probabilities: &[Vec<f64>]) -> f64 {
    let surprise = |(truth, likely): (&usize, &Vec<f64>)| {
        let total: f64 = likely.iter().sum();
        let right = likely.get(*truth).copied().unwrap_or(0.0) / total;
        -right.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    mean(truth.iter().zip(probabilities).map(surprise))
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0_u32), |(sum, count), it| (sum + it, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

fn as_labels(places: &[usize]) -> Vec<u32> {
    places.iter().map(|&it| u32::try_from(it).unwrap_or(u32::MAX)).collect()
}
