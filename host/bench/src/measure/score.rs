//! A tabular score: the same model natively, by the inference protocol, and by a function.

use std::{fs, process::Stdio};

use anyhow::{Context as _, Result};

use super::{Setting, pipeline};
use crate::{
    functions,
    host::Host,
    model,
    report::{Figure, HttpRow, Limit},
    server::Server,
};

/// How much a score may cost beyond the model itself, microseconds.
const LIMIT_US: Limit = Limit::AtMost(20.0);

/// Registers the model and serves it: a job hands it on, for only what a run made can be registered.
pub(crate) fn register(setting: Setting<'_>, host: &Host) -> Result<()> {
    let file = setting.folder.join("model.onnx");
    fs::write(&file, model::onnx()?).context("could not write the model to the temporary folder")?;
    let mut command = setting.places.ourselves();
    command.args(["serve-axum", "--file"]).arg(&file).stdin(Stdio::piped());
    let files = Server::start("the server of the model", &mut command, &setting.folder.join("files.log"))?;
    host.deploy(setting.places, &functions::JOB)?;
    let run = host.submit("register", &registration(files.url()))?;
    pipeline::Times::of(&run).map(drop)
}

fn registration(url: &str) -> String {
    let (job, model) = (functions::JOB.name, model::NAME);
    format!(
        "pipeline: bench-register\n\
         steps:\n  \
           take:\n    \
             function: {job}\n    \
             params: {{ do: copy }}\n    \
             inputs: {{ model: {{ url: \"{url}/\" }} }}\n    \
             outputs: [model]\n  \
           register:\n    \
             register-model: {{ model: {model}, from: take.model, alias: production }}\n  \
           serve:\n    \
             needs: [register]\n    \
             deploy: {{ endpoint: {model}, model: {model}@production }}\n"
    )
}

/// What a score costs beyond bare HTTP and the model itself, for each row that scores.
pub(crate) fn added(rows: &[HttpRow]) -> Result<Vec<Figure>> {
    let scores: Vec<&HttpRow> = rows.iter().filter(|row| row.name.is_score()).collect();
    if scores.is_empty() {
        return Ok(Vec::new());
    }
    let native_us = model::time_natively()?.as_secs_f64() * 1e6;
    let added = |row: &&HttpRow| Figure {
        name: row.name,
        what: format!("{}: CPU beyond bare axum and the model", row.what),
        value: row.cpu_us_beyond_axum - native_us,
        unit: "µs",
        limit: Some(LIMIT_US),
        note: format!("{:.1} µs per request, of which the model natively takes {native_us:.1} µs", row.cpu_us),
    };
    Ok(scores.iter().map(added).collect())
}

#[cfg(test)]
mod tests {
    use host_core::pipeline::Pipeline;

    use super::*;

    #[test]
    fn the_registration_is_a_pipeline() {
        let pipeline: Pipeline = registration("http://127.0.0.1:1").parse().unwrap();
        assert_eq!(pipeline.steps.keys().collect::<Vec<_>>(), ["take", "register", "serve"]);
    }
}
