//! The order of things: what is measured when, and what is told afterwards.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, Result};

use crate::{
    args::BenchArgs,
    interrupt,
    measure::{Setting, amqp, cold_start, http, kafka, languages, pipeline, pull, runs_page, score, swap, wake},
    places::Places,
    report::{Figure, Missing, Report},
    subject::Subject,
    talk,
};

/// Measures what was asked for and reports it; fails in the end where something could not be measured.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let places = Places::here()?;
    let folder = tempfile::Builder::new().prefix("weft-bench-").tempdir().context("could not make a folder")?;
    let setting = Setting { args, places: &places, folder: folder.path() };
    let mut report = Report::begin(args);
    talk::say(&report.machine);
    if cfg!(debug_assertions) {
        talk::say("warning: this is a debug build, so its numbers mean nothing; use `cargo xtask bench`");
    }
    let (over_http, others): (Vec<_>, Vec<_>) = args.subjects().into_iter().partition(|it| it.is_http());
    if !over_http.is_empty() {
        measure_http(setting, &over_http, &mut report)?;
    }
    for subject in others {
        interrupt::check()?;
        talk::say(subject.label());
        match measure(setting, subject) {
            Ok(figures) => report.figures.extend(figures),
            Err(missing) => report.missing.push(missing),
        }
    }
    // Whoever stops us gets no half report.
    interrupt::check()?;
    publish(args, &report)
}

fn measure_http(setting: Setting<'_>, subjects: &[Subject], report: &mut Report) -> Result<()> {
    let measured = http::measure(setting, subjects)?;
    report.missing.extend(measured.missing);
    match score::added(&measured.rows) {
        Ok(figures) => report.figures.extend(figures),
        Err(error) => report.missing.push(Missing::failed(Subject::ScoreInfer, &error)),
    }
    report.http = measured.rows;
    Ok(())
}

fn measure(setting: Setting<'_>, subject: Subject) -> Result<Vec<Figure>, Missing> {
    let measured = match (subject, &setting.args.postgres) {
        (Subject::PipelineSqlite, _) => pipeline::measure(setting, subject, None),
        (Subject::PipelinePostgres, Some(url)) => pipeline::measure(setting, subject, Some(url)),
        (Subject::PipelinePostgres, None) => {
            return Err(Missing::on_purpose(subject, "pass --postgres URL; `cargo xtask postgres` starts one"));
        }
        (Subject::Amqp100 | Subject::Amqp1k, _) => match &setting.args.amqp {
            Some(url) => amqp::measure(setting, subject, url),
            None => {
                return Err(Missing::on_purpose(subject, "pass --amqp URL; `cargo xtask rabbitmq` starts one"));
            }
        },
        (Subject::Kafka100 | Subject::Kafka1k, _) => match &setting.args.kafka {
            Some(brokers) => kafka::measure(setting, subject, brokers),
            None => {
                return Err(Missing::on_purpose(subject, "pass --kafka HOST:PORT; `cargo xtask kafka` starts one"));
            }
        },
        (Subject::Swap, _) => match &setting.args.kafka {
            Some(brokers) => swap::measure(setting, brokers),
            None => {
                return Err(Missing::on_purpose(subject, "pass --kafka HOST:PORT; `cargo xtask kafka` starts one"));
            }
        },
        (Subject::Wake, _) => wake::measure(setting),
        (Subject::ColdStart, _) => cold_start::measure(setting),
        (Subject::Pull, _) => pull::measure(setting),
        (Subject::Languages, _) => languages::measure(setting),
        (Subject::RunsPage, _) => runs_page::measure(setting, setting.args.runs),
        // The others are loaded over HTTP, in rounds.
        _ => Ok(Vec::new()),
    };
    measured.map_err(|error| Missing::failed(subject, &error))
}

fn publish(args: &BenchArgs, report: &Report) -> Result<ExitCode> {
    if args.json {
        talk::answer(serde_json::to_string(report)?);
    } else {
        talk::answer(report.text());
    }
    if let Some(file) = &args.write {
        fs::write(file, report.markdown()).with_context(|| format!("could not write {}", file.display()))?;
        talk::say(format_args!("wrote {}", file.display()));
    }
    Ok(if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
