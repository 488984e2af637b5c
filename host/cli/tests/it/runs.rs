//! Pipelines and their runs as tests see them: submit, wait, and look at what each step did.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Host, until};

/// The manifest of the job that does what its param `do` says.
pub(crate) const JOB: &str = r#"
[params]
do = { type = "string" }
n = { type = "integer", optional = true }
text = { type = "string", optional = true }
output = { type = "string", optional = true }

[inputs.data]
optional = true
[inputs.other]
optional = true
[inputs.scorer]
kind = "model"
optional = true

[outputs.out]
optional = true
[outputs.data]
optional = true
[outputs.other]
optional = true
"#;

/// A run as it was shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran(pub(crate) Value);

impl Host {
    /// Deploys the job that does what its param `do` says.
    pub(crate) fn deploy_job(&self, name: &str) -> Value {
        self.deploy(name, "conformance-job.wasm", JOB)
    }

    /// Runs a pipeline to its end, whatever that is.
    pub(crate) fn submit(&self, yaml: &str) -> Ran {
        self.submit_with(yaml, &[])
    }

    /// Runs a pipeline to its end, with flags.
    pub(crate) fn submit_with(&self, yaml: &str, flags: &[&str]) -> Ran {
        let file = self.file("pipeline.yaml", yaml);
        ran(&self.run(&[&["pipeline", "submit", &file, "--json"], flags].concat()))
    }

    /// Submits a pipeline and does not wait for it; its id.
    pub(crate) fn launch(&self, yaml: &str) -> String {
        let file = self.file("pipeline.yaml", yaml);
        self.json(&["pipeline", "submit", &file, "--no-wait"])["id"].as_str().unwrap().to_owned()
    }

    /// A run as it stands.
    pub(crate) fn shown(&self, id: &str) -> Ran {
        Ran(self.get_json(&format!("/api/v1/projects/default/runs/{id}?metrics=true")))
    }

    /// Waits until a run is over.
    pub(crate) fn ended(&self, id: &str) -> Ran {
        until("the end of the run", || Some(self.shown(id)).filter(|it| it.state() != "running"))
    }

    /// Runs `fn runs retry` to the end of the run.
    pub(crate) fn retried(&self, id: &str) -> Ran {
        ran(&self.run(&["runs", "retry", id, "--json"]))
    }

    /// The bytes of an artifact.
    pub(crate) fn bytes(&self, digest: &str) -> Vec<u8> {
        let output = self.run(&["artifacts", "get", digest]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

/// The run that a command followed to its end.
pub(crate) fn ran(output: &Output) -> Ran {
    let answer = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    Ran(serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}{said}")))
}

impl Ran {
    pub(crate) fn id(&self) -> &str {
        self.0["run"]["id"].as_str().unwrap()
    }

    pub(crate) fn state(&self) -> &str {
        self.0["run"]["state"].as_str().unwrap()
    }

    /// The run itself, done well.
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.state(), "done", "{}", self.0["run"]["failure"]);
        self
    }

    /// Everything on record of the run's steps and trials.
    pub(crate) fn steps(&self) -> &[Value] {
        self.0["steps"].as_array().unwrap()
    }

    /// A step by its label: `name`, or `name#3` for a trial.
    pub(crate) fn step(&self, wanted: &str) -> &Value {
        let found = self.steps().iter().find(|it| label(it) == wanted);
        found.unwrap_or_else(|| panic!("no step `{wanted}` in {:?}", self.states()))
    }

    /// What the step's job reported.
    pub(crate) fn report(&self, step: &str) -> &Value {
        &self.step(step)["results"]["report"]
    }

    /// The digest of an output.
    pub(crate) fn output(&self, step: &str, name: &str) -> &str {
        let outputs = self.step(step)["outputs"].as_array().unwrap();
        let found = outputs.iter().find(|it| it["name"] == name);
        found.unwrap_or_else(|| panic!("no output `{name}` in {outputs:?}"))["digest"].as_str().unwrap()
    }

    /// Labels and states, in the order of the pipeline.
    pub(crate) fn states(&self) -> Vec<(String, &str)> {
        self.steps().iter().map(|it| (label(it), it["state"].as_str().unwrap())).collect()
    }

    /// Labels and attempts, in the order of the pipeline.
    pub(crate) fn attempts(&self) -> Vec<(String, u64)> {
        self.steps().iter().map(|it| (label(it), it["attempt"].as_u64().unwrap())).collect()
    }

    /// Labels of the steps in a state.
    pub(crate) fn those(&self, state: &str) -> Vec<String> {
        self.states().into_iter().filter(|it| it.1 == state).map(|it| it.0).collect()
    }

    /// Labels, params, results and outputs: what a run comes to, whoever executes it.
    pub(crate) fn work(&self) -> Value {
        let what = |it: &Value| {
            let outputs =
                it["outputs"].as_array().unwrap().iter().map(|it| json!([it["name"], it["digest"], it["size"]]));
            json!([label(it), it["state"], it["params"], it["results"], outputs.collect::<Vec<_>>()])
        };
        self.steps().iter().map(what).collect()
    }
}

/// `name`, or `name#3` for a trial.
pub(crate) fn label(step: &Value) -> String {
    let name = step["step"].as_str().unwrap();
    step["trial"].as_u64().map_or_else(|| name.to_owned(), |trial| format!("{name}#{trial}"))
}
