//! The table of results: every candidate with what it came to, the best first.

use serde::{Serialize, Serializer};
use serde_json::Value;
use weft::Failure;
use weft_learn::{Measures, Metric};
use weft_tables::{Examples, Task};

use crate::candidates::Candidate;

/// What a candidate came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    #[serde(skip)]
    pub(crate) candidate: usize,
    pub(crate) name: String,
    pub(crate) params: Value,
    /// The mean over the folds.
    pub(crate) means: Option<Measures>,
    /// How far folds are apart, by the metric that is asked for.
    #[serde(skip)]
    folds: Vec<Measures>,
    /// Why it has nothing to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

/// All candidates, the best first.
#[derive(Debug, Serialize)]
pub(crate) struct Leaderboard {
    #[serde(serialize_with = "by_name")]
    pub(crate) metric: Metric,
    pub(crate) entries: Vec<Entry>,
}

fn by_name<S: Serializer>(metric: &Metric, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(metric.name())
}

impl Entry {
    /// Learns from all parts but one, and is measured by that one, in turn.
    pub(crate) fn measured(
        at: usize,
        candidate: &Candidate,
        rows: &Examples,
        folds: &[Vec<usize>],
        task: Task,
    ) -> Self {
        let algorithm = &candidate.algorithm;
        let mut entry = Self {
            candidate: at,
            name: candidate.name.clone(),
            params: algorithm.params(),
            means: None,
            folds: Vec::new(),
            failure: None,
        };
        for held in folds {
            let kept: Vec<usize> = (0..rows.rows()).filter(|row| held.binary_search(row).is_err()).collect();
            match algorithm.fit(&rows.pick(&kept)) {
                Ok(model) => entry.folds.push(Measures::of(model.as_ref(), &rows.pick(held))),
                Err(error) => {
                    entry.failure = Some(error.to_string());
                    return entry;
                }
            }
        }
        entry.means = mean(&entry.folds, task);
        entry
    }

    /// What it is ranked by.
    pub(crate) fn score(&self, metric: Metric) -> Option<f64> {
        self.means.and_then(|it| it.get(metric)).filter(|it| it.is_finite())
    }

    /// How far its folds are apart.
    pub(crate) fn spread(&self, metric: Metric) -> Option<f64> {
        let mean = self.score(metric)?;
        let all: Vec<f64> = self.folds.iter().filter_map(|it| it.get(metric)).collect();
        Some((all.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt())
    }

    /// All of its measures by name.
    pub(crate) fn measures(&self) -> Vec<(&'static str, f64)> {
        self.means.map(|it| it.all().to_vec()).unwrap_or_default()
    }
}

fn mean(folds: &[Measures], task: Task) -> Option<Measures> {
    let of =
        |metric: Metric| folds.iter().map(|it| it.get(metric)).sum::<Option<f64>>().map(|it| it / folds.len() as f64);
    Some(match task {
        Task::Classification => {
            Measures::Classes { accuracy: of(Metric::Accuracy)?, f1: of(Metric::F1)?, log_loss: of(Metric::LogLoss)? }
        }
        Task::Regression => Measures::Values { r2: of(Metric::R2)?, rmse: of(Metric::Rmse)?, mae: of(Metric::Mae)? },
    })
}

impl Leaderboard {
    /// Ranks the entries; those without a score come last, and among equals the one that was tried first wins.
    pub(crate) fn new(mut entries: Vec<Entry>, metric: Metric) -> Self {
        let worth = |it: &Entry| it.score(metric).map_or(f64::NEG_INFINITY, |it| if metric.rises() { it } else { -it });
        entries.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        Self { metric, entries }
    }

    /// The best; none where no candidate has a score.
    pub(crate) fn best(&self) -> Option<&Entry> {
        self.entries.first().filter(|it| it.score(self.metric).is_some())
    }

    /// Why there is no best one.
    pub(crate) fn why_none(&self) -> Failure {
        let why: Vec<String> = self
            .entries
            .iter()
            .map(|it| format!("{}: {}", it.name, it.failure.as_deref().unwrap_or("its measure is no number")))
            .collect();
        Failure::invalid("cannot-train", format!("no candidate has a score: {}", why.join("; ")))
    }
}
