//! `fn pipeline`: check, submit, graph; and those that are kept: deploy, list, show, delete.

mod kept;

use std::path::Path;

use anyhow::Result;
use host_core::{
    Name,
    pipeline::{Pipeline, Problem},
};
use host_wire::{
    pipeline::{Check, Checked},
    problem::Mistake,
    run::Submit,
};

use super::run as job;
use crate::{
    args::{GraphArgs, GraphFormat, PipelineCommand, PipelineFileArgs, SubmitArgs},
    client::Client,
    serve::Local,
    ui::{Exit, Printer, Stop},
};

/// Does what was asked of a pipeline.
pub(super) async fn run(command: PipelineCommand, project: &str, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        PipelineCommand::Check(args) => check(&args, client, printer).await,
        PipelineCommand::Submit(args) => submit(&args, project, client, printer).await,
        PipelineCommand::Graph(args) => graph(&args, printer),
        PipelineCommand::Deploy(args) => kept::deploy(&args.file, client, printer).await,
        PipelineCommand::List => kept::list(client, printer).await,
        PipelineCommand::Show(args) => kept::show(&args.name, client, printer).await,
        PipelineCommand::Delete(args) => kept::delete(&args.name, client, printer).await,
    }
}

async fn check(args: &PipelineFileArgs, client: &Client, printer: &Printer) -> Result<()> {
    let yaml = read(&args.file)?;
    let mistakes = if args.offline {
        Pipeline::parse(&yaml).err().unwrap_or_default().into_iter().map(Mistake::from).collect()
    } else {
        let checked: Checked = client.post(&client.in_project("/pipelines/check"), &Check { pipeline: yaml }).await?;
        checked.mistakes
    };
    if printer.is_json() {
        printer.json_line(&Checked { mistakes: mistakes.clone() });
    }
    if mistakes.is_empty() {
        printer.done(&format!("{} is right", args.file.display()));
        return Ok(());
    }
    Err(wrong(&args.file, mistakes).into())
}

fn wrong(file: &Path, mistakes: Vec<Mistake>) -> Stop {
    let count = if mistakes.len() == 1 {
        "there is a mistake".to_owned()
    } else {
        format!("there are {} mistakes", mistakes.len())
    };
    Stop::new(Exit::Usage, format!("{count} in {}", file.display())).mistakes(mistakes)
}

async fn submit(args: &SubmitArgs, project: &str, client: &Client, printer: &Printer) -> Result<()> {
    let submit = match name(&args.file) {
        Some(name) => Submit { standing: Some(name), ..job::submission(&args.begin, job::code(None))? },
        None => {
            let code = job::code(Some(&args.file));
            Submit { pipeline: Some(read(&args.file)?), ..job::submission(&args.begin, code)? }
        }
    };
    if !args.begin.local {
        return job::submitted(&submit, args.begin.no_wait, client, printer).await;
    }
    let local = Local::start(args.begin.data.as_deref(), project).await?;
    let done = job::submitted(&submit, false, local.client(), printer).await;
    local.stop().await;
    done
}

/// Draws the pipeline; no host is needed.
pub(super) fn graph(args: &GraphArgs, printer: &Printer) -> Result<()> {
    let parsed = Pipeline::parse(&read(&args.file)?);
    let pipeline = parsed
        .map_err(|problems: Vec<Problem>| wrong(&args.file, problems.into_iter().map(Mistake::from).collect()))?;
    let levels = pipeline.levels();
    printer.answer(&serde_json::json!({ "name": pipeline.name, "levels": levels }), || match args.format {
        GraphFormat::Text => drawing(&pipeline),
        GraphFormat::Mermaid => pipeline.to_mermaid(),
        GraphFormat::Dot => pipeline.to_dot(),
    });
    Ok(())
}

/// Steps by level: what stands on one line can run side by side.
fn drawing(pipeline: &Pipeline) -> String {
    let waits = pipeline.dependencies();
    let mut lines = Vec::new();
    for (number, level) in pipeline.levels().iter().enumerate() {
        for (index, name) in level.iter().enumerate() {
            let level = if index == 0 { format!("{}", number + 1) } else { String::new() };
            let from: Vec<&str> = waits.get(name).into_iter().flatten().copied().collect();
            let from = if from.is_empty() { String::new() } else { format!("← {}", from.join(", ")) };
            let what = pipeline.steps.get(*name).map(host_core::pipeline::Step::label).unwrap_or_default();
            lines.push(format!("{level:>3}  {name:<16} {what:<28} {from}").trim_end().to_owned());
        }
    }
    lines.join("\n")
}

/// The name of a pipeline that is kept, where there is no such file.
fn name(file: &Path) -> Option<Name> {
    file.to_str().filter(|_| !file.exists())?.parse().ok()
}

fn read(file: &Path) -> Result<String, Stop> {
    std::fs::read_to_string(file)
        .map_err(|error| Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display())))
}
