//! What a step of a pipeline costs when it does nothing: journal, claim, instance, settlement.

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::Value;

use super::Setting;
use crate::{
    functions,
    host::Host,
    interrupt,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};

/// How many steps the pipeline before the first round has: code and database become warm.
const WARM_UP: u32 = 5;

/// How steps hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Each waits for the one before.
    Chain,
    /// None waits.
    Wide,
}

/// When a run began and ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    started_at: Timestamp,
    finished_at: Timestamp,
}

/// Milliseconds per step, one after the other and side by side, on SQLite or on the Postgres at `database`.
pub(crate) fn measure(setting: Setting<'_>, subject: Subject, database: Option<&str>) -> Result<Vec<Figure>> {
    let mut host = Host::start(setting.places, &setting.folder.join(subject.name()), database)?;
    host.wait_until_ready()?;
    host.deploy(setting.places, &functions::JOB)?;
    time(&host, Shape::Chain, WARM_UP)?;
    let steps = setting.args.steps;
    let (mut chained, mut side_by_side) = (Vec::new(), Vec::new());
    for _ in 0..setting.args.rounds {
        interrupt::check()?;
        chained.push(time(&host, Shape::Chain, steps)?);
        side_by_side.push(time(&host, Shape::Wide, steps)?);
    }
    let figure = |how: &str, taken: Vec<f64>, limit| -> Result<Figure> {
        let value = median(taken).context("nothing was measured")?;
        let what = format!("{}, {how}: per step", subject.label());
        let note = format!("a run of {steps} steps, from its first start to its end");
        Ok(Figure { name: subject, what, value, unit: "ms", limit, note })
    };
    let limit = Limit::AtMost(if subject == Subject::PipelinePostgres { 3.0 } else { 1.0 });
    Ok(vec![figure("one after the other", chained, Some(limit))?, figure("side by side", side_by_side, None)?])
}

/// Milliseconds per step of one run.
fn time(host: &Host, shape: Shape, steps: u32) -> Result<f64> {
    let run = host.submit("steps", &pipeline(shape, steps))?;
    Ok(Times::of(&run)?.milliseconds() / f64::from(steps))
}

fn pipeline(shape: Shape, steps: u32) -> String {
    let mut yaml = "pipeline: bench-steps\nsteps:\n".to_owned();
    for step in 0..steps {
        let job = functions::JOB.name;
        let needs = if shape == Shape::Chain && step > 0 { format!(", needs: [s{}]", step - 1) } else { String::new() };
        yaml.push_str(&format!("  s{step}: {{ function: {job}, params: {{ do: nothing }}, cache: false{needs} }}\n"));
    }
    yaml
}

impl Times {
    /// Those of a run that is done, from its record.
    pub(crate) fn of(record: &Value) -> Result<Self> {
        let run = record.get("run").filter(|it| it.is_object()).unwrap_or(record);
        let state = run.get("state").and_then(Value::as_str);
        let Some(state) = state else { bail!("the answer is no record of a run: {}", excerpt(record)) };
        ensure!(state == "done", "the run is {state}: {}", excerpt(run.get("failure").unwrap_or(record)));
        let at = |key: &str| {
            let text = run.get(key).and_then(Value::as_str);
            text.and_then(|it| it.parse().ok()).with_context(|| format!("the run's record does not say `{key}`"))
        };
        Ok(Self { started_at: at("started_at")?, finished_at: at("finished_at")? })
    }

    fn milliseconds(self) -> f64 {
        self.finished_at.duration_since(self.started_at).as_secs_f64() * 1e3
    }
}

fn excerpt(value: &Value) -> String {
    value.to_string().chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use host_core::pipeline::Pipeline;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chain_waits_and_a_wide_pipeline_does_not() {
        let needs = |shape| {
            let pipeline: Pipeline = pipeline(shape, 3).parse().unwrap();
            pipeline.steps.values().map(|step| step.needs.clone()).collect::<Vec<_>>()
        };
        assert_eq!(needs(Shape::Chain), [vec![], vec!["s0".to_owned()], vec!["s1".to_owned()]]);
        assert_eq!(needs(Shape::Wide), [const { Vec::<String>::new() }; 3]);
    }

    #[test]
    fn a_run_takes_from_its_start_to_its_end() {
        let run = json!({ "state": "done", "created_at": "2026-01-01T00:00:00Z",
            "started_at": "2026-01-01T00:00:01.000100Z", "finished_at": "2026-01-01T00:00:01.2501Z" });
        let close = |times: Times| (times.milliseconds() - 250.0).abs() < 1e-6;
        assert!(close(Times::of(&run).unwrap()));
        assert!(close(Times::of(&json!({ "run": run, "steps": [] })).unwrap()));
    }

    #[test]
    fn a_run_that_failed_says_why() {
        let run = json!({ "state": "failed", "failure": { "code": "trap" } });
        assert_eq!(Times::of(&run).unwrap_err().to_string(), "the run is failed: {\"code\":\"trap\"}");
        assert!(Times::of(&Value::Null).is_err());
    }
}
