//! `fn run`: a job, on the host or in this process, with the same record.

use std::path::Path;

use anyhow::Result;
use host_core::{RunId, function::FunctionRef};
use host_wire::{
    artifact::Artifact,
    run::{Code, Run, Source, Submit},
};
use indexmap::IndexMap;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{deploy, runs};
use crate::{
    args::{Begin, DeployArgs, RunArgs, SourceArgs},
    client::Client,
    serve::Local,
    ui::{Exit, Printer, Stop},
};

/// Submits the job and follows it.
pub(super) async fn run(args: &RunArgs, project: &str, client: &Client, printer: &Printer) -> Result<()> {
    if !args.begin.local {
        return submit(args, &args.function, client, printer).await;
    }
    let local = Local::start(args.begin.data.as_deref(), project).await?;
    let done = run_local(args, &local, printer).await;
    local.stop().await;
    done
}

async fn run_local(args: &RunArgs, local: &Local, printer: &Printer) -> Result<()> {
    let source = Path::new(&args.function);
    if !source.exists() {
        return submit(args, &args.function, local.client(), printer).await;
    }
    let name = crate::project::Project::open(source)?.manifest.name;
    let talk = Printer::new(false, true);
    let source = SourceArgs { source: source.to_owned() };
    deploy::quietly(
        &DeployArgs { source, name: None, no_build: args.no_build, no_activate: false },
        local.client(),
        &talk,
    )
    .await?;
    submit(args, name.as_str(), local.client(), printer).await
}

async fn submit(args: &RunArgs, function: &str, client: &Client, printer: &Printer) -> Result<()> {
    let function: FunctionRef = function.parse().map_err(|error| {
        Stop::new(Exit::Usage, format!("{error}")).hint("a folder or a .wasm file needs --local, or fn deploy first")
    })?;
    let mut inputs = IndexMap::new();
    for given in &args.inputs {
        let (name, source) = pair(given, "--input")?;
        inputs.insert(name, input(&source, client).await?);
    }
    let submit = Submit { function: Some(function), inputs, ..submission(&args.begin, code(None))? };
    submitted(&submit, args.begin.no_wait, client, printer).await
}

/// What every run is begun with. The identity is ours, so that a repeated request begins nothing twice.
pub(super) fn submission(begin: &Begin, code: Code) -> Result<Submit, Stop> {
    Ok(Submit {
        id: Some(RunId::next()),
        params: params(&begin.params)?,
        labels: begin.labels.iter().map(|it| pair(it, "--label")).collect::<Result<_, _>>()?,
        seed: begin.seed,
        code,
        ..Submit::default()
    })
}

/// Sends a run and follows it unless told not to.
pub(super) async fn submitted(submit: &Submit, no_wait: bool, client: &Client, printer: &Printer) -> Result<()> {
    let run: Run = client.post(&client.in_project("/runs"), submit).await?;
    if no_wait {
        printer.answer(&run, || run.id.to_string());
        printer.next(&format!("fn runs show {}", run.id));
        return Ok(());
    }
    printer.say(&format!("run {}", run.id));
    runs::follow(&run.id.to_string(), client, printer).await
}

/// `name=value` pairs; the value is JSON, or else text.
fn params(given: &[String]) -> Result<Map<String, Value>, Stop> {
    let parse = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    given.iter().map(|it| pair(it, "--param").map(|(name, value)| (name, parse(value)))).collect()
}

/// `name=value`, at the first `=`.
fn pair(given: &str, flag: &str) -> Result<(String, String), Stop> {
    let split = given.split_once('=').filter(|(name, _)| !name.is_empty());
    split
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| Stop::new(Exit::Usage, format!("`{given}` is not NAME=VALUE")).at(flag.to_owned()))
}

/// How addresses begin that the host fetches.
const FETCHED: [&str; 5] = ["http://", "https://", "s3://", "gs://", "az://"];

/// A digest, a URL, a model, or a file that is uploaded.
async fn input(source: &str, client: &Client) -> Result<Source, Stop> {
    if source.starts_with("sha256:") {
        return Ok(Source::Artifact(source.to_owned()));
    }
    if FETCHED.iter().any(|it| source.starts_with(it)) {
        return Ok(Source::Url(source.to_owned()));
    }
    if let Some(model) = source.strip_prefix("model:") {
        return Ok(Source::Model(model.to_owned()));
    }
    let file = tokio::fs::File::open(source)
        .await
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read {source}: {error}")))?;
    let name = Path::new(source).file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let request = client.request(Method::POST, &client.in_project("/artifacts")).query(&[("name", name)]).body(file);
    let artifact: Artifact = client.read(client.send(request).await?).await?;
    Ok(Source::Artifact(artifact.digest.to_string()))
}

/// The commit of the work tree around the file that is submitted.
pub(super) fn code(file: Option<&Path>) -> Code {
    let folder = file.and_then(Path::parent).filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let git = |args: &[&str]| {
        let output = std::process::Command::new("git")
            .args(args)
            .current_dir(folder)
            .stderr(std::process::Stdio::null())
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"]);
    let dirty = commit.is_some() && git(&["status", "--porcelain"]).is_some_and(|it| !it.is_empty());
    Code { commit, dirty, file: file.map(|it| it.display().to_string()) }
}
