//! Calls that are computed as one: each with its own answer.

use std::sync::Arc;

use host_core::{
    Name,
    call::{InferCall, Prediction},
    model::{ModelRef, ScoreError},
    ports::Score,
    size::{ByteSize, Millis},
    tensor::Tensor,
};
use host_inference::{Config, LoadedModels};

use super::{fixtures::trained_named, memory, registry::Registry};

const HOUR: Millis = Millis(3_600_000);

fn models(model: impl Into<bytes::Bytes>, config: Config) -> Arc<LoadedModels> {
    let registry = Arc::new(Registry::default());
    registry.add(model.into());
    registry.promote(1);
    LoadedModels::new(config, registry.clone(), registry)
}

/// One row of a tensor; they come round again.
fn row(tensor: &Tensor, number: usize) -> Tensor {
    let rows = usize::try_from(tensor.shape[0]).unwrap();
    let number = number % rows;
    let width = tensor.data.len() / rows;
    let shape = std::iter::once(1).chain(tensor.shape[1..].iter().copied()).collect();
    Tensor { shape, data: tensor.data.slice(number * width..(number + 1) * width), ..tensor.clone() }
}

async fn ask(models: &LoadedModels, inputs: Vec<Tensor>) -> Result<Prediction, ScoreError> {
    let wine: ModelRef = "wine".parse().unwrap();
    models.infer(&Name::default_project(), &wine, InferCall { inputs, outputs: Vec::new() }, None).await
}

#[tokio::test]
async fn ten_calls_within_the_wait_are_one_and_each_has_its_own_answer() {
    let case = trained_named("forest-wine-100");
    // Nobody is answered before ten are there.
    let config = Config { batch_rows: 10, batch_wait: HOUR, ..Config::default() };
    let (joined, alone) = (models(case.model.clone(), config), models(case.model.clone(), Config::default()));
    let rows: Vec<Tensor> = (0..10).map(|it| row(&case.inputs[0], it)).collect();
    let answers = futures_util::future::join_all(rows.iter().map(|it| ask(&joined, vec![it.clone()]))).await;
    for (answer, row) in answers.into_iter().zip(rows) {
        assert_eq!(answer.unwrap(), ask(&alone, vec![row]).await.unwrap());
    }
    let counts = joined.stats(&Name::default_project(), &"wine".parse().unwrap()).unwrap().in_force.unwrap().counts;
    assert_eq!((counts.usage, counts.errors), (10, 0));
}

#[tokio::test]
async fn a_call_that_does_not_fit_harms_no_other() {
    let case = trained_named("forest-wine-100");
    let config = Config { batch_rows: 10, batch_wait: HOUR, ..Config::default() };
    let models = models(case.model.clone(), config);
    let good = |number| ask(&models, vec![row(&case.inputs[0], number)]);
    // Its data is not what its shape says.
    let wrong = Tensor { shape: vec![1, 11], data: vec![0; 20].into(), ..case.inputs[0].clone() };
    let others = futures_util::future::join_all((0..10).map(good));
    let (wrong, others) = tokio::join!(ask(&models, vec![wrong.clone()]), others);
    assert!(others.into_iter().all(|it| it.is_ok()));
    assert!(matches!(wrong, Err(ScoreError::Invalid(_))), "{wrong:?}");
}

#[tokio::test]
async fn what_cannot_be_computed_as_one_is_computed_one_by_one() {
    let config = Config { batch_rows: 400, batch_wait: HOUR, working_bytes: ByteSize(1 << 20), ..Config::default() };
    // What the model holds grows with the square of its rows: 100 fit, 400 do not.
    let models = models(memory::products(), config);
    let answers = futures_util::future::join_all((0..4).map(|_| ask(&models, memory::rows(100)))).await;
    assert!(answers.iter().all(|it| it.as_ref().is_ok_and(|it| it.outputs[0].shape[0] == 100)), "{answers:?}");
}

#[tokio::test]
async fn one_alone_is_answered_when_the_wait_is_over() {
    let case = trained_named("forest-wine-100");
    let models = models(case.model.clone(), Config { batch_rows: 10, batch_wait: Millis(1), ..Config::default() });
    ask(&models, vec![row(&case.inputs[0], 0)]).await.unwrap();
    let many = ask(&models, case.inputs.clone()).await.unwrap();
    assert_eq!(many.outputs[0].data, case.outputs[0].data, "a call of many rows goes by itself");
}

#[tokio::test]
async fn a_deadline_holds_while_others_are_waited_for() {
    let case = trained_named("forest-wine-100");
    let models = models(case.model.clone(), Config { batch_rows: 10, batch_wait: HOUR, ..Config::default() });
    let (project, wine) = (Name::default_project(), "wine".parse().unwrap());
    let call = InferCall { inputs: vec![row(&case.inputs[0], 0)], outputs: Vec::new() };
    let soon = std::time::Instant::now() + std::time::Duration::from_millis(50);
    assert_eq!(models.infer(&project, &wine, call, Some(soon)).await, Err(ScoreError::Deadline));
}
