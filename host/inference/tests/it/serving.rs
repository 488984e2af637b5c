//! Serving: versions shared, aliases followed, corrupt versions kept out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use host_core::{
    Digest, Name,
    call::InferCall,
    model::{LoadError, ModelRef, ScoreError},
    ports::Score,
    size::{ByteSize, Millis},
};
use host_inference::{Config, LoadedModels};

use super::{
    fixtures::{Case, trained_named},
    registry::Registry,
};

fn project() -> Name {
    Name::default_project()
}

fn model(text: &str) -> ModelRef {
    text.parse().unwrap()
}

fn call(case: &Case) -> InferCall {
    InferCall { inputs: case.inputs.clone(), outputs: Vec::new() }
}

/// Two models that take the same inputs, as versions 1 and 2; `production` points to the first.
fn two_versions() -> (Case, Arc<Registry>, Arc<LoadedModels>) {
    let case = trained_named("forest-wine-100");
    let registry = Arc::new(Registry::default());
    registry.add(case.model.clone());
    registry.add(trained_named("extra-trees").model);
    registry.promote(1);
    let models = LoadedModels::new(Config::default(), registry.clone(), registry.clone());
    (case, registry, models)
}

#[tokio::test]
async fn a_prediction_names_the_version_that_made_it() {
    let (case, _, models) = two_versions();
    let answer = models.infer(&project(), &model("wine"), call(&case), None).await.unwrap();
    assert_eq!((answer.version.number, answer.version.digest), (1, Digest::of(&case.model)));
    assert_eq!(answer.outputs[0].data, case.outputs[0].data);
    let pinned = models.infer(&project(), &model("wine@2"), call(&case), None).await.unwrap();
    assert_eq!(pinned.version.number, 2);
    assert_eq!(models.infer_version(&pinned.version, call(&case), None).await.unwrap(), pinned);
}

#[tokio::test]
async fn a_version_is_read_once_however_many_ask() {
    let (case, registry, models) = two_versions();
    let (project, wine) = (project(), model("wine"));
    for answer in futures_util::future::join_all((0..8).map(|_| models.infer(&project, &wine, call(&case), None))).await
    {
        answer.unwrap();
    }
    assert_eq!(registry.reads.load(Ordering::SeqCst), 1);
    assert_eq!(models.status().loaded, 1);
}

#[tokio::test]
async fn unknown_models_are_not_found() {
    let (case, _, models) = two_versions();
    for unknown in ["beer", "wine@9"] {
        let answer = models.infer(&project(), &model(unknown), call(&case), None).await;
        assert_eq!(answer, Err(ScoreError::NotFound(unknown.to_owned())));
    }
}

#[tokio::test]
async fn an_alias_that_moved_is_followed() {
    let (case, registry, models) = two_versions();
    let number = async || models.infer(&project(), &model("wine"), call(&case), None).await.unwrap().version.number;
    assert_eq!(number().await, 1);
    registry.promote(2);
    models.refresh().await.unwrap();
    assert_eq!(number().await, 2);
}

#[tokio::test]
async fn while_the_registry_is_away_models_keep_their_versions() {
    let (case, registry, models) = two_versions();
    models.infer(&project(), &model("wine"), call(&case), None).await.unwrap();
    registry.promote(2);
    registry.is_away.store(true, Ordering::SeqCst);
    assert_eq!(models.refresh().await, Err(ScoreError::Failed("away".to_owned())));
    assert_eq!(models.infer(&project(), &model("wine"), call(&case), None).await.unwrap().version.number, 1);
    registry.is_away.store(false, Ordering::SeqCst);
    models.refresh().await.unwrap();
    assert_eq!(models.infer(&project(), &model("wine"), call(&case), None).await.unwrap().version.number, 2);
}

#[tokio::test]
async fn a_corrupt_version_leaves_the_one_before_serving() {
    let (case, registry, models) = two_versions();
    models.infer(&project(), &model("wine"), call(&case), None).await.unwrap();
    let corrupt = registry.add(Bytes::from_static(b"not a model"));
    registry.promote(corrupt.number);
    models.refresh().await.unwrap();
    assert_eq!(models.infer(&project(), &model("wine"), call(&case), None).await.unwrap().version.number, 1);
    let pinned = models.infer_version(&corrupt, call(&case), None).await;
    assert!(matches!(&pinned, Err(ScoreError::Failed(message)) if message.contains("cannot be read")), "{pinned:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_under_load_loses_no_request() {
    let (case, registry, models) = two_versions();
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (models, stop, call) = (models.clone(), stop.clone(), call(&case));
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let answer = models.infer(&project(), &model("wine"), call.clone(), None).await;
                    numbers.push(answer.map(|it| it.version.number));
                    tokio::task::yield_now().await;
                }
                numbers
            })
        })
        .collect();
    for number in [2, 1, 2, 1, 2] {
        registry.promote(number);
        models.refresh().await.unwrap();
        let now = models.infer(&project(), &model("wine"), call(&case), None).await.unwrap();
        assert_eq!(now.version.number, number);
    }
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        let numbers = caller.await.unwrap();
        assert!(numbers.iter().all(|it| matches!(it, Ok(1 | 2))), "{numbers:?}");
    }
}

#[tokio::test]
async fn a_follower_sees_what_moved_and_ends_when_told() {
    let (case, registry, _) = two_versions();
    let config = Config { refresh: Millis(1), ..Config::default() };
    let models = LoadedModels::new(config, registry.clone(), registry.clone());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let follower = tokio::spawn(models.clone().follow(async { drop(ended.await) }));
    models.infer(&project(), &model("wine"), call(&case), None).await.unwrap();
    registry.promote(2);
    while models.infer(&project(), &model("wine"), call(&case), None).await.unwrap().version.number == 1 {
        tokio::task::yield_now().await;
    }
    drop(end);
    follower.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_current_version_is_known_before_the_first_prediction() {
    let (_, registry, models) = two_versions();
    assert_eq!(models.current(&project(), &model("wine")).unwrap().id.number, 1);
    registry.promote(2);
    models.refresh().await.unwrap();
    assert_eq!(models.current(&project(), &model("wine")).unwrap().id.number, 2);
    assert_eq!(models.current(&project(), &model("beer")), Err(ScoreError::NotFound("beer".to_owned())));
}

#[tokio::test]
async fn versions_beyond_the_bound_make_room_and_come_back() {
    let (case, registry, _) = two_versions();
    let config = Config { loaded: 1, ..Config::default() };
    let models = LoadedModels::new(config, registry.clone(), registry.clone());
    for number in [1, 2, 1, 2] {
        let answer = models.infer(&project(), &model(&format!("wine@{number}")), call(&case), None).await.unwrap();
        assert_eq!((answer.version.number, models.status().loaded), (number, 1));
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_answered_as_such() {
    let (case, _, models) = two_versions();
    let past = std::time::Instant::now() - Duration::from_secs(1);
    assert_eq!(models.infer(&project(), &model("wine"), call(&case), Some(past)).await, Err(ScoreError::Deadline));
}

#[tokio::test]
async fn bytes_are_verified_before_they_become_a_version() {
    let (case, _, models) = two_versions();
    let signature = models.verify("onnx", case.model.clone()).await.unwrap();
    assert_eq!(signature.inputs[0].name, "X");
    assert_eq!(models.verify("pmml", case.model.clone()).await, Err(LoadError::Format("pmml".to_owned())));
    assert_eq!(models.status().loaded, 0);
    let registry = Arc::new(Registry::default());
    let small =
        LoadedModels::new(Config { model_bytes: ByteSize(1024), ..Config::default() }, registry.clone(), registry);
    let refused = small.verify("onnx", case.model).await.unwrap_err().to_string();
    assert_eq!(refused, "model cannot be read: it has 105605 bytes; this host loads at most 1KiB");
}

#[tokio::test]
async fn a_file_answers_if_it_is_what_its_digest_says() {
    let (case, registry, models) = two_versions();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.onnx");
    std::fs::write(&file, &case.model).unwrap();
    let other = registry.add(Bytes::from_static(b"other")).digest;
    let lie = models.infer_file(other, &file, call(&case), None).await.unwrap_err().to_string();
    assert!(lie.starts_with("model failed: model file has digest sha256:"), "{lie}");
    let outputs = models.infer_file(Digest::of(&case.model), &file, call(&case), None).await.unwrap();
    assert_eq!(outputs[0].data, case.outputs[0].data);
    std::fs::remove_file(&file).unwrap();
    models.infer_file(Digest::of(&case.model), &file, call(&case), None).await.unwrap();
}
