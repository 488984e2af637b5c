//! `train-kmeans` against scikit-learn, and its ONNX against the clusters it was made from.

use serde_json::json;

use super::{Library, column, dice, reference::reference};

/// Heaps that overlap a little, of features of unlike scale.
fn heaps(count: usize) -> String {
    let mut dice = dice(11);
    let mut text = "name,a,b,c\n".to_owned();
    for row in 0..count {
        let (a, b) = [(0.0, 0.0), (4.0, 1.0), (1.0, 5.0), (5.0, 6.0)][row % 4];
        let mut off = || (dice() + dice() + dice() - 1.5) * 2.0;
        text.push_str(&format!("n{row},{},{},{}\n", a + off(), 100.0 * (b + off()), off()));
    }
    text
}

#[test]
fn clusters_are_as_tight_as_those_of_scikit_learn() {
    let library = Library::with(&["train-kmeans", "batch-predict"]);
    let data = heaps(400);
    for clusters in [2, 4, 7] {
        let ours = library.run("train-kmeans", &[("data", &data)], json!({ "clusters": clusters, "seed": 3 }));
        let question = json!({ "data": data, "clusters": clusters });
        let Some(theirs) = reference("train_kmeans", &question) else { return };
        let (found, wanted) = (ours.metric("inertia"), theirs["inertia"].as_f64().unwrap());
        assert!(found <= 1.01 * wanted && found >= 0.95 * wanted, "{clusters}: {found} against {wanted}");
    }
}

#[test]
fn the_exported_model_tells_the_cluster_that_training_told() {
    let library = Library::with(&["train-kmeans", "batch-predict"]);
    let data = heaps(400);
    let ours = library.run("train-kmeans", &[("data", &data)], json!({ "clusters": 4, "seed": 3 }));
    let digest = ours.digest("model").to_owned();
    let told = library.run("batch-predict", &[("model", &digest), ("data", &data)], json!({})).text("predictions");
    assert_eq!(column(&told, "prediction"), column(&ours.text("assigned"), "cluster"));
    assert_eq!(column(&told, "name").len(), 400);
}
