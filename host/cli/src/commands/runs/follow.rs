//! Follows a run until it is over: a line per step, then a summary.

use std::time::Duration;

use anyhow::Result;
use host_wire::{
    run::{RunDetail, RunState},
    step::{Step, StepState},
};

use super::show;
use crate::{
    client::Client,
    ui::{Exit, Printer, RunProgress, StepLine, Stop, duration_us},
};

/// How often the host is asked.
const PERIOD: Duration = Duration::from_millis(150);

/// Waits for the end and shows the result; a run that did not end well fails the command.
pub(in crate::commands) async fn follow(id: &str, client: &Client, printer: &Printer) -> Result<()> {
    let detail = watch(id, client, printer).await?;
    printer.answer(&detail, || show::text(&detail));
    ended(&detail)
}

/// Waits for the end and shows only the steps on the way.
pub(super) async fn quietly(id: &str, client: &Client, printer: &Printer) -> Result<()> {
    ended(&watch(id, client, printer).await?)
}

async fn watch(id: &str, client: &Client, printer: &Printer) -> Result<RunDetail, Stop> {
    let mut progress = RunProgress::new(!printer.is_json() && !printer.is_quiet());
    loop {
        let detail: RunDetail = client.get(&client.in_project(&format!("/runs/{id}")), &[]).await?;
        progress.update(detail.steps.iter().map(line));
        if detail.run.state != RunState::Running {
            return Ok(detail);
        }
        tokio::time::sleep(PERIOD).await;
    }
}

fn ended(detail: &RunDetail) -> Result<()> {
    let id = detail.run.id;
    let why = detail.run.failure.as_ref().map(|it| format!(": {}", it.message)).unwrap_or_default();
    let stop = match detail.run.state {
        RunState::Done => return Ok(()),
        RunState::Cancelled => Stop::new(Exit::Failed, format!("run {id} was cancelled")),
        _ => Stop::new(Exit::Failed, format!("run {id} failed{why}")),
    };
    let failed = detail.steps.iter().find(|it| it.state == StepState::Failed);
    let stop = if let Some(step) = failed { stop.at(format!("step {}", show::label(step))) } else { stop };
    Err(stop.hint(format!("fn runs logs {id}; then fn runs retry {id}")).into())
}

fn line(step: &Step) -> StepLine {
    StepLine { label: show::label(step), state: format!("{:?}", step.state).to_lowercase(), detail: detail(step) }
}

fn detail(step: &Step) -> String {
    match step.state {
        StepState::Running => {
            step.progress.as_ref().map(|it| format!("{:.0}% {}", it.fraction * 100.0, it.message)).unwrap_or_default()
        }
        StepState::Done => {
            let took = if step.cached_from.is_some() {
                "cached".to_owned()
            } else {
                show::took_us(step).map(duration_us).unwrap_or_default()
            };
            format!("{took:<10} {}", show::results(step, 4))
        }
        StepState::Failed => step.failure.as_ref().map(|it| it.message.clone()).unwrap_or_default(),
        _ => format!("{:?}", step.state).to_lowercase(),
    }
}
