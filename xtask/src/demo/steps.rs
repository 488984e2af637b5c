//! What the demo shows, in order. Each step is a few calls of `fn` or a few requests, as a user would make them.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::host::Host;
use crate::talk;

/// One thing to show.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it does, completing "could not …".
    pub(crate) title: &'static str,
    /// How it is done.
    pub(crate) work: fn(&Host) -> Result<()>,
}

/// The demo, from start to end.
pub(crate) const STEPS: &[Step] = &[
    Step { title: "deploy a function", work: deploy },
    Step { title: "call it from the command line", work: invoke },
    Step { title: "call it over HTTP", work: call },
    Step { title: "refuse what is not an order", work: refuse },
    Step { title: "show what is deployed and what was logged", work: look },
    Step { title: "deploy the library of machine-learning functions", work: deploy_library },
    Step { title: "train, evaluate, register and serve a model", work: pipeline },
    Step { title: "show the model in the registry", work: model },
    Step { title: "score ten wines over HTTP", work: score },
    Step { title: "do the whole run again and compare the bytes", work: reproduce },
];

/// Where a visitor goes on, once all steps are done.
pub(crate) const ADDRESSES: &[(&str, &str)] = &[
    ("/fn/enrich/", "the function; POST an order to it"),
    ("/predict", "POST a wine to it"),
    ("/v2/models/wine", "the model, by the Open Inference Protocol"),
    ("/api/v1/projects/default/runs", "every run"),
    ("/api/v1/openapi.json", "the control plane, described"),
    ("/readyz", "whether the host takes calls"),
];

/// What the pipeline is.
const PIPELINE: &str = "deploy/examples/wine-quality.yaml";

/// The functions that the pipeline is made of, and the one that scores.
const LIBRARY: &[&str] =
    &["load-dataset", "describe", "prepare", "train-linear", "train-forest", "evaluate", "predict"];

/// xtask has compiled it already, beside all the others, so that every core was busy.
fn deploy(host: &Host) -> Result<()> {
    host.run(&["deploy", "functions/enrich", "--no-build"])
}

fn invoke(host: &Host) -> Result<()> {
    host.run(&["invoke", "enrich", "--data", &order("o-1", 2).to_string()])
}

fn call(host: &Host) -> Result<()> {
    for number in 2..=4 {
        let (status, answer) = host.post("/enrich", &order(&format!("o-{number}"), number))?;
        talk::answer(format_args!("{status} {answer}"));
        ensure!(status == 200, "the function answered {status} instead of 200");
    }
    Ok(())
}

fn refuse(host: &Host) -> Result<()> {
    let (status, answer) = host.post("/enrich", &json!({ "order": "o-5", "customer": "c-7" }))?;
    talk::answer(format_args!("{status} {answer}"));
    ensure!(status == 422, "the function answered {status} instead of 422");
    Ok(())
}

fn look(host: &Host) -> Result<()> {
    host.run(&["list"])?;
    host.run(&["show", "enrich"])?;
    host.run(&["logs", "enrich"])
}

fn order(id: &str, quantity: u64) -> Value {
    json!({ "order": id, "customer": "c-7", "country": "SE", "lines": [{ "quantity": quantity, "cents": 250 }] })
}

fn deploy_library(host: &Host) -> Result<()> {
    LIBRARY.iter().try_for_each(|name| host.run(&["deploy", &format!("functions/{name}"), "--no-build"]))
}

fn pipeline(host: &Host) -> Result<()> {
    host.run(&["pipeline", "graph", PIPELINE])?;
    host.run(&["pipeline", "submit", PIPELINE])
}

fn model(host: &Host) -> Result<()> {
    host.run(&["models", "list"])?;
    host.run(&["models", "show", "wine"])
}

/// Ten wines through the function, each answer stamped with the version that computed it.
fn score(host: &Host) -> Result<()> {
    let mut took = Vec::new();
    for number in 0..10 {
        let started = Instant::now();
        let (status, answer) = host.post("/predict", &wine(number))?;
        took.push(started.elapsed());
        ensure!(status == 200, "the function answered {status}: {answer}");
        let answer: Value = serde_json::from_str(&answer)?;
        ensure!(answer["version"].is_number(), "the answer names no version: {answer}");
        talk::answer(format_args!("{answer}"));
    }
    took.sort_unstable();
    let at = |quantile: usize| took[(took.len() - 1) * quantile / 100];
    talk::answer(format_args!("latency: p50 {:.1?}, p90 {:.1?}, slowest {:.1?}", at(50), at(90), at(100)));
    Ok(())
}

/// Two wines to begin with and eight between them, from a sour to a strong one.
fn wine(number: u32) -> Value {
    let share = f64::from(number) / 9.0;
    let between = |low: f64, high: f64| ((low + (high - low) * share) * 1e4).round() / 1e4;
    json!({
        "fixed_acidity": between(7.4, 7.9),
        "volatile_acidity": between(0.7, 0.35),
        "citric_acid": between(0.0, 0.46),
        "residual_sugar": between(1.9, 3.6),
        "chlorides": between(0.076, 0.078),
        "free_sulfur_dioxide": between(11.0, 15.0),
        "total_sulfur_dioxide": between(34.0, 37.0),
        "density": between(0.9978, 0.9973),
        "pH": between(3.51, 3.35),
        "sulphates": between(0.56, 0.86),
        "alcohol": between(9.4, 12.8),
    })
}

fn reproduce(host: &Host) -> Result<()> {
    let runs = host.get("/api/v1/projects/default/runs?name=wine-quality&limit=1")?;
    let id = runs["items"][0]["id"].as_str().context("the run is not on record")?;
    host.run(&["runs", "reproduce", id])
}
