//! What the HTTP rows are loaded on: the baseline, and one host with a function per row.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Setting;
use crate::{
    functions::{self, Function},
    host::Host,
    load::Request,
    measure::score,
    model,
    report::Missing,
    server::Server,
    subject::Subject,
};

/// The event that a handler answers as it came, and as long as what the others answer.
const ECHO: &[(&str, &str)] = &[
    ("ce-specversion", "1.0"),
    ("ce-id", "1"),
    ("ce-source", "/bench"),
    ("ce-type", "echo"),
    ("content-type", "text/plain"),
];

const HELLO: &str = "Hello, World!";

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// What one row asks, and of which process.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) subject: Subject,
    pub(super) pid: u32,
    pub(super) url: String,
    pub(super) request: Request,
}

/// The servers that the rows need; dropped, they stop.
pub(super) struct Servers {
    baseline: Server,
    host: Option<Host>,
    subjects: Vec<Subject>,
}

/// Starts the baseline, and a host with what these subjects need. What cannot be deployed is missing.
pub(super) fn start(setting: Setting<'_>, subjects: &[Subject], missing: &mut Vec<Missing>) -> Result<Servers> {
    let baseline = baseline(setting).context("could not start the baseline")?;
    let (mut of_baseline, of_host): (Vec<_>, Vec<_>) = subjects.iter().copied().partition(|it| it.is_baseline());
    if !of_baseline.contains(&Subject::Axum) {
        of_baseline.insert(0, Subject::Axum);
    }
    let mut servers = Servers { baseline, host: None, subjects: of_baseline };
    if of_host.is_empty() {
        return Ok(servers);
    }
    match host(setting) {
        Ok(host) => {
            for subject in of_host {
                match deploy(setting, &host, subject) {
                    Ok(()) => servers.subjects.push(subject),
                    Err(error) => missing.push(Missing::failed(subject, &error)),
                }
            }
            servers.host = Some(host);
        }
        Err(error) => missing.extend(of_host.into_iter().map(|it| Missing::failed(it, &error))),
    }
    Ok(servers)
}

impl Servers {
    /// How many records the server of `subject` has dropped so far.
    pub(super) fn dropped_records(&self, subject: Subject) -> Result<u64> {
        let Some(host) = self.host.as_ref().filter(|_| !subject.is_baseline()) else { return Ok(0) };
        let health = host.get("/readyz")?.text;
        let health: Value = serde_json::from_str(&health).context("could not read the host's health")?;
        health.get("dropped_records").and_then(Value::as_u64).context("the host's health does not say what it dropped")
    }

    /// One target per subject.
    pub(super) fn targets(&self) -> Vec<Target> {
        let target = |subject: &Subject| {
            let host = self.host.as_ref().map(Host::server);
            let server = if subject.is_baseline() { Some(&self.baseline) } else { host }?;
            let (pid, url) = (server.pid(), server.url().to_owned());
            Some(Target { subject: *subject, pid, url, request: request(*subject) })
        };
        self.subjects.iter().filter_map(target).collect()
    }
}

fn baseline(setting: Setting<'_>) -> Result<Server> {
    let mut command: Command = setting.places.ourselves();
    command.arg("serve-axum").stdin(Stdio::piped());
    Server::start("the baseline", &mut command, &setting.folder.join("axum.log"))
}

fn host(setting: Setting<'_>) -> Result<Host> {
    let mut host = Host::start(setting.places, &setting.folder.join("http"), None)?;
    host.wait_until_ready()?;
    Ok(host)
}

fn deploy(setting: Setting<'_>, host: &Host, subject: Subject) -> Result<()> {
    if subject.is_score() {
        score::register(setting, host).context("could not register the model")?;
    }
    Function::needed_for(subject).iter().try_for_each(|it| host.deploy(setting.places, it))
}

fn request(subject: Subject) -> Request {
    let hello = |function: &Function| Request::get(function.path("/hello"));
    match subject {
        Subject::AxumEcho => Request::post("/echo", ECHO, HELLO),
        Subject::HandlerPosted => Request::post(functions::HANDLER.path(""), ECHO, HELLO),
        Subject::HandlerWarm => hello(&functions::HANDLER),
        Subject::HandlerFresh => hello(&functions::HANDLER_FRESH),
        Subject::HandlerRecordAll => hello(&functions::HANDLER_RECORD_ALL),
        Subject::HttpWarm => hello(&functions::HTTP),
        Subject::HttpFresh => hello(&functions::HTTP_FRESH),
        Subject::ScoreInfer => {
            Request::post(format!("/v2/models/{}/infer", model::NAME), JSON, model::infer().to_string())
        }
        Subject::ScorePredict => Request::post(functions::PREDICT.path(""), JSON, model::wine().to_string()),
        _ => Request::get("/"),
    }
}
