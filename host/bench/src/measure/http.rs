//! Rows loaded over HTTP, in interleaved rounds: A B C, A B C, …, so that what disturbs the machine disturbs all alike.
//!
//! What counts is the CPU time that the server spends on a request, as a ratio to bare axum in the same round. Requests
//! per second and latencies depend on what else the machine does, the load itself to begin with.

mod targets;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use self::targets::{Servers, Target};
use super::Setting;
use crate::{
    cpu, interrupt, load,
    report::{HttpRow, Missing, Sample},
    statistics::{least, median},
    subject::Subject,
    talk,
};

/// How long each row is loaded before the first round, at most: code and pools become warm.
const WARM_UP: f64 = 1.0;

/// A row while it is measured.
struct Row {
    target: Target,
    samples: Vec<Sample>,
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) rows: Vec<HttpRow>,
    pub(crate) missing: Vec<Missing>,
}

/// Measures these subjects beside the baseline.
pub(crate) fn measure(setting: Setting<'_>, subjects: &[Subject]) -> Result<Measured> {
    let mut missing = Vec::new();
    let servers = targets::start(setting, subjects, &mut missing)?;
    let mut rows: Vec<Row> = servers.targets().into_iter().map(|target| Row { target, samples: Vec::new() }).collect();
    retain(&mut rows, &mut missing, |row| {
        sample(setting, &servers, &row.target, setting.args.seconds.min(WARM_UP)).map(drop)
    });
    for round in 1..=setting.args.rounds {
        talk::say(format_args!("round {round} of {}", setting.args.rounds));
        retain(&mut rows, &mut missing, |row| {
            let taken = sample(setting, &servers, &row.target, setting.args.seconds)?;
            talk::say(format_args!("  {:<32} {:>8.1} µs of CPU per request", row.target.subject.label(), taken.cpu_us));
            row.samples.push(taken);
            Ok(())
        });
        interrupt::check()?;
    }
    let Some(baseline) = rows.iter().find(|it| it.target.subject == Subject::Axum) else {
        bail!("the baseline could not be measured, so nothing can be compared to it");
    };
    let finished: Option<Vec<HttpRow>> = rows.iter().map(|row| finish(row, &baseline.samples)).collect();
    Ok(Measured { rows: finished.context("a row has no samples")?, missing })
}

/// Does something with each row, and drops those with which it fails.
fn retain(rows: &mut Vec<Row>, missing: &mut Vec<Missing>, mut work: impl FnMut(&mut Row) -> Result<()>) {
    rows.retain_mut(|row| match work(row) {
        Ok(()) => true,
        Err(error) => {
            missing.push(Missing::failed(row.target.subject, &error));
            false
        }
    });
}

/// Loads a row once.
fn sample(setting: Setting<'_>, servers: &Servers, target: &Target, seconds: f64) -> Result<Sample> {
    interrupt::check()?;
    // Records that are dropped cost nothing, so that is told, too.
    let dropped = servers.dropped_records(target.subject)?;
    let before = cpu::wait_until_idle(target.pid)?;
    let outcome = load::measure(setting.places, &target.url, &target.request, setting.args.connections, seconds)?;
    let cpu = cpu::wait_until_idle(target.pid)?.since(&before);
    if outcome.failures > 0 || outcome.requests == 0 {
        let first = outcome.first_failure.as_deref().unwrap_or("nothing was answered");
        bail!("{} of {} requests failed: {first}", outcome.failures, outcome.failures + outcome.requests);
    }
    let requests = outcome.requests as f64;
    Ok(Sample {
        cpu_us: micros(cpu) / requests,
        requests_per_s: requests / outcome.seconds,
        p50_us: outcome.p50_us,
        p99_us: outcome.p99_us,
        dropped: servers.dropped_records(target.subject)?.saturating_sub(dropped),
    })
}

fn finish(row: &Row, baseline: &[Sample]) -> Option<HttpRow> {
    let of = |number: fn(&Sample) -> f64| row.samples.iter().map(number);
    let pairs = || row.samples.iter().zip(baseline);
    Some(HttpRow {
        name: row.target.subject,
        what: row.target.subject.label(),
        ratio: median(pairs().map(|(own, axum)| own.cpu_us / axum.cpu_us))?,
        limit: row.target.subject.ratio_limit(),
        cpu_us: median(of(|it| it.cpu_us))?,
        cpu_us_least: least(of(|it| it.cpu_us))?,
        cpu_us_beyond_axum: median(pairs().map(|(own, axum)| own.cpu_us - axum.cpu_us))?,
        requests_per_s: median(of(|it| it.requests_per_s))?,
        p50_us: median(of(|it| it.p50_us))?,
        p99_us: median(of(|it| it.p99_us))?,
        dropped: row.samples.iter().map(|it| it.dropped).sum(),
        samples: row.samples.clone(),
    })
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
