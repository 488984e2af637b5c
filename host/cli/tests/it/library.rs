//! What functions of the library answer in the real engine, held against implementations that others wrote.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::{
    runs::{Ran, ran},
    support::{Host, guest_file, root},
};

mod aggregate;
mod auto_train;
mod batch_predict;
mod describe;
mod drift;
mod encode;
mod ensemble_vote;
mod evaluate;
mod examples;
mod explain;
mod feature_select;
mod http_fetch;
mod impute;
mod join;
mod model_test;
mod notify;
mod outlier;
pub(crate) mod reference;
mod sql_extract;
mod tables;
mod train_boosted;
mod train_kmeans;

/// A host with functions of the library.
pub(crate) struct Library {
    pub(crate) host: Host,
}

/// What a function answered.
pub(crate) struct Answer<'a> {
    pub(crate) ran: Ran,
    host: &'a Host,
}

impl Library {
    /// A host of the test's own with these functions, as their manifests say.
    pub(crate) fn with(functions: &[&str]) -> Self {
        Self::on(Host::start(), functions)
    }

    /// The same on a host that is there.
    pub(crate) fn on(host: Host, functions: &[&str]) -> Self {
        for function in functions {
            host.deploy_library(function);
        }
        Self { host }
    }

    /// A model of iris in the registry, `iris@production`, which `load-dataset` and `train-linear` made; the run's rows.
    pub(crate) fn with_flowers(&self) -> String {
        let pipeline = "
pipeline: flowers
steps:
  load: { function: load-dataset, params: { name: iris } }
  train: { function: train-linear, inputs: { train: load.data } }
  register: { register-model: { model: iris, from: train.model, alias: production } }
  serve: { deploy: { endpoint: iris, model: iris@production }, needs: [register] }
";
        self.host.submit(pipeline).done().output("load", "data").to_owned()
    }

    /// Deploys a function of the library under a manifest in which `change` changed something, such as whom it may ask.
    pub(crate) fn deploy_changed(host: &Host, name: &str, change: impl FnOnce(String) -> String) {
        let manifest = std::fs::read_to_string(root().join("functions").join(name).join("function.toml")).unwrap();
        let component = guest_file(&format!("{name}.wasm"));
        let built = format!("component = \"{}\"", component.display());
        let folder = host.data().join("changed").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("function.toml"), change(manifest).replace("language = \"rust\"", &built)).unwrap();
        host.json(&["deploy", folder.to_str().unwrap()]);
    }

    /// Runs a job to its end, whatever that is. An input is its bytes as text, or the `sha256:` of an artifact.
    pub(crate) fn try_run(&self, function: &str, inputs: &[(&str, &str)], params: Value) -> Answer<'_> {
        let mut args = vec!["run".to_owned(), function.to_owned(), "--json".to_owned()];
        for (name, input) in inputs {
            let source = match input.starts_with("sha256:") {
                true => (*input).to_owned(),
                false => self.host.file(&format!("{function}-{name}"), input),
            };
            args.extend(["-i".to_owned(), format!("{name}={source}")]);
        }
        for (name, value) in object(params) {
            args.extend(["-p".to_owned(), format!("{name}={value}")]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Answer { ran: ran(&self.host.run(&args)), host: &self.host }
    }

    /// Runs a job, which must go well.
    pub(crate) fn run(&self, function: &str, inputs: &[(&str, &str)], params: Value) -> Answer<'_> {
        let Answer { ran, host } = self.try_run(function, inputs, params);
        Answer { ran: ran.done(), host }
    }

    /// The code of the failure of a job, which must fail.
    pub(crate) fn refused(&self, function: &str, inputs: &[(&str, &str)], params: Value) -> String {
        let answer = self.try_run(function, inputs, params);
        let code = answer.ran.steps()[0]["failure"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{function} should have failed")).to_owned()
    }
}

impl Answer<'_> {
    /// The digest of an output, to be the input of another function.
    pub(crate) fn digest(&self, output: &str) -> &str {
        let outputs = self.ran.steps()[0]["outputs"].as_array().unwrap();
        let found = outputs.iter().find(|it| it["name"] == output);
        found.unwrap_or_else(|| panic!("no output `{output}` in {outputs:?}"))["digest"].as_str().unwrap()
    }

    /// The bytes of an output.
    pub(crate) fn bytes(&self, output: &str) -> Vec<u8> {
        self.host.bytes(self.digest(output))
    }

    /// An output that is text, such as CSV.
    pub(crate) fn text(&self, output: &str) -> String {
        String::from_utf8(self.bytes(output)).unwrap()
    }

    /// An output that is JSON.
    pub(crate) fn json(&self, output: &str) -> Value {
        serde_json::from_slice(&self.bytes(output)).unwrap()
    }

    /// A metric or a result.
    pub(crate) fn result(&self, name: &str) -> &Value {
        &self.ran.steps()[0]["results"][name]
    }

    /// A metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        self.result(name).as_f64().unwrap_or_else(|| panic!("no metric `{name}` in {}", self.ran.steps()[0]["results"]))
    }
}

fn object(params: Value) -> Map<String, Value> {
    match params {
        Value::Object(params) => params,
        Value::Null => Map::new(),
        other => panic!("params are an object, not {other}"),
    }
}

/// Numbers from 0 up to 1, the same on every machine.
pub(crate) fn dice(seed: u64) -> impl FnMut() -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    move || random.random()
}

/// Rows of five features as CSV, `x0` to `x4`, with an id before and what `label` makes of them behind.
pub(crate) fn rows(count: usize, seed: u64, label: impl Fn(&[f64], f64) -> String) -> String {
    let mut dice = dice(seed);
    let mut text = "id,x0,x1,x2,x3,x4,y\n".to_owned();
    for row in 0..count {
        let x: Vec<f64> = (0..5).map(|_| (dice() * 1e6).round() / 1e6).collect();
        let cells: Vec<String> = x.iter().map(f64::to_string).collect();
        text.push_str(&format!("r{row},{},{}\n", cells.join(","), label(&x, dice() - 0.5)));
    }
    text
}

/// The benchmark of Friedman (1991): a value that no straight line tells.
pub(crate) fn friedman(x: &[f64], noise: f64) -> String {
    let value =
        10.0 * (std::f64::consts::PI * x[0] * x[1]).sin() + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4];
    (value + noise).to_string()
}

/// The numbers in a list.
pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|it| it.as_f64().unwrap_or(f64::NAN)).collect()
}

/// A column of numbers of a CSV text.
pub(crate) fn number_column(csv: &str, name: &str) -> Vec<f64> {
    column(csv, name).iter().map(|it| it.parse().unwrap_or(f64::NAN)).collect()
}

/// A column of a CSV text, gaps as empty texts.
pub(crate) fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let at = header.iter().position(|it| *it == name).unwrap_or_else(|| panic!("no column `{name}` in {header:?}"));
    lines.map(|line| line.split(',').nth(at).unwrap_or_default().to_owned()).collect()
}

/// Both hold the same numbers, within a share of their size (and, near 0, that much in all).
#[track_caller]
pub(crate) fn near(what: &str, ours: &[f64], theirs: &[f64], within: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}: {ours:?} against {theirs:?}");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let both_missing = ours.is_nan() && theirs.is_nan();
        let off = (ours - theirs).abs();
        assert!(both_missing || off <= within * theirs.abs().max(1.0), "{what}[{at}]: {ours} against {theirs}");
    }
}
