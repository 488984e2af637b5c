//! Searches for clusters with smartcore, from several beginnings, and keeps the tightest.

use serde::Deserialize;
use serde_json::{Value, json};
use smartcore::{
    cluster::kmeans::{KMeans, KMeansParameters},
    error::Failed,
    linalg::basic::matrix::DenseMatrix,
};
use weft_tables::Transform;

/// How to search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) clusters: usize,
    pub(crate) runs: usize,
    pub(crate) max_iterations: usize,
    pub(crate) seed: u64,
}

/// Why no clusters are found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the clusters cannot be found: {0}")]
    Fit(#[from] Failed),
    #[error("the clusters cannot be taken out of the library: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("{clusters} clusters of {distinct} rows that differ: ask for at least 2, and at most as many as there are")]
    TooFew { clusters: usize, distinct: usize },
    #[error("row {row} holds a number that is too large")]
    NotFinite { row: usize },
    #[error("every beginning lost a cluster on the way; ask for fewer clusters")]
    Nowhere,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clusters {
    /// The middle of each cluster, in the order of the first row that is in it.
    pub(crate) centers: Vec<Vec<f64>>,
    /// The cluster of each row.
    pub(crate) found: Vec<usize>,
    /// The sum of the squared distances to the middles.
    pub(crate) inertia: f64,
}

/// The library's answer; its middles have no other door.
#[derive(Deserialize)]
struct Raw {
    centroids: Vec<Vec<Option<f64>>>,
}

/// Searches from several beginnings; `progress` hears how many there were.
pub(crate) fn fit(rows: &[Vec<f32>], settings: &Settings, progress: impl Fn(usize)) -> Result<Clusters, Error> {
    if let Some(row) = rows.iter().position(|row| row.iter().any(|it| !it.is_finite())) {
        return Err(Error::NotFinite { row: row + 1 });
    }
    let distinct = distinct(rows);
    if settings.clusters < 2 || distinct < settings.clusters {
        return Err(Error::TooFew { clusters: settings.clusters, distinct });
    }
    let wide: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect();
    let matrix = DenseMatrix::from_2d_vec(&wide)?;
    let mut best: Option<Clusters> = None;
    for at in 0..settings.runs {
        let parameters = KMeansParameters {
            k: settings.clusters,
            max_iter: settings.max_iterations,
            seed: Some(weft_learn::seed(settings.seed, at)),
        };
        let fitted: KMeans<f64, i32, DenseMatrix<f64>, Vec<i32>> = KMeans::fit(&matrix, parameters)?;
        let raw: Raw = serde_json::from_value(serde_json::to_value(&fitted)?)?;
        // A cluster that lost all its rows has no middle.
        let centers: Option<Vec<Vec<f64>>> = raw.centroids.into_iter().map(|it| it.into_iter().collect()).collect();
        if let Some(found) = centers.map(|centers| Clusters::around(centers, &wide))
            && best.as_ref().is_none_or(|best| found.inertia < best.inertia)
        {
            best = Some(found);
        }
        progress(at + 1);
    }
    best.ok_or(Error::Nowhere)
}

impl Clusters {
    /// Each row goes to the nearest middle; clusters are numbered by their first row.
    fn around(centers: Vec<Vec<f64>>, rows: &[Vec<f64>]) -> Self {
        let nearest: Vec<(usize, f64)> = rows.iter().map(|row| nearest(&centers, row)).collect();
        let mut order: Vec<usize> = Vec::new();
        for (center, _) in nearest.iter().copied().chain((0..centers.len()).map(|it| (it, 0.0))) {
            if !order.contains(&center) {
                order.push(center);
            }
        }
        let place = |center: usize| order.iter().position(|it| *it == center).unwrap_or(0);
        Self {
            found: nearest.iter().map(|(center, _)| place(*center)).collect(),
            inertia: nearest.iter().map(|(_, distance)| distance).sum(),
            centers: order.iter().map(|&center| centers[center].clone()).collect(),
        }
    }

    /// How many rows each cluster has.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.centers.len()];
        self.found.iter().for_each(|&cluster| sizes[cluster] += 1);
        sizes
    }

    /// Each cluster with its size and its middle, feature by feature, as the table has them.
    pub(crate) fn in_words(&self, transform: &Transform) -> Vec<Value> {
        let raw = |center: &[f64]| -> serde_json::Map<String, Value> {
            let raw = |(feature, x): (&weft_tables::Feature, &f64)| {
                (feature.name.clone(), json!(x / feature.scale + feature.offset))
            };
            transform.features.iter().zip(center).map(raw).collect()
        };
        let sizes = self.sizes();
        let words =
            |(at, center): (usize, &Vec<f64>)| json!({ "cluster": at, "rows": sizes[at], "center": raw(center) });
        self.centers.iter().enumerate().map(words).collect()
    }
}

fn nearest(centers: &[Vec<f64>], row: &[f64]) -> (usize, f64) {
    let distance = |center: &Vec<f64>| center.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let mut best = (0, f64::INFINITY);
    for (at, center) in centers.iter().enumerate() {
        let distance = distance(center);
        if distance < best.1 {
            best = (at, distance);
        }
    }
    best
}

fn distinct(rows: &[Vec<f32>]) -> usize {
    let bits: std::collections::BTreeSet<Vec<u32>> =
        rows.iter().map(|row| row.iter().map(|it| it.to_bits()).collect()).collect();
    bits.len()
}
