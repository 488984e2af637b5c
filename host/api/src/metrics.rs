//! `GET /metrics`: what this host counts, for Prometheus.

use std::{sync::atomic::AtomicU64, time::Duration};

use axum::{extract::State, response::IntoResponse};
use host_core::ports::{Recorder as _, TriggerState, TriggerStatus};
use http::header;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, problem::Problem};

/// As Prometheus asks for it.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

mod counts;

pub(crate) use counts::Counts;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Calls of a function that ended in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCalls {
    project: String,
    function: String,
    verdict: &'static str,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTrigger {
    project: String,
    function: String,
    trigger: String,
    kind: String,
}

/// A trigger and a state that it may be in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    project: String,
    function: String,
    trigger: String,
    kind: String,
    state: &'static str,
}

/// Tells what this host has counted since it started, in the text format of OpenMetrics.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
async fn metrics(State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    let mut registry = Registry::with_prefix("weft");
    host(&mut registry, &state);
    calls(&mut registry, &state).await?;
    triggers(&mut registry, &state.sources.all());
    let mut body = String::new();
    text::encode(&mut body, &registry).map_err(|error| Problem::storage(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], body))
}

fn host(registry: &mut Registry, state: &AppState) {
    let dropped: Counter = Counter::default();
    dropped.inc_by(state.store.recorder().dropped());
    registry.register("dropped_records", "Call records and log lines that were dropped", dropped);
}

async fn calls(registry: &mut Registry, state: &AppState) -> Result<(), Problem> {
    let (calls, events) = (Family::<OfCalls, Counter>::default(), Family::<OfCalls, Counter>::default());
    let time = Family::<OfCalls, Counter<f64, AtomicU64>>::default();
    let mut counts = state.counts().lock().await;
    counts.add(&state.store).await?;
    for ((project, function, verdict), count) in counts.all() {
        let labels =
            OfCalls { project: project.to_string(), function: function.to_string(), verdict: verdict.as_str() };
        calls.get_or_create(&labels).inc_by(count.calls);
        events.get_or_create(&labels).inc_by(count.events);
        time.get_or_create(&labels).inc_by(Duration::from_micros(count.duration_us).as_secs_f64());
    }
    drop(counts);
    registry.register("calls", "Calls of functions, by how they ended", calls);
    registry.register("call_events", "Events that calls were given", events);
    registry.register_with_unit("call_duration", "Time that calls took, added up", Unit::Seconds, time);
    Ok(())
}

/// What a counter of triggers counts.
type Count = fn(&TriggerStatus) -> u64;
/// What a gauge of triggers shows, where it is known.
type Level = fn(&TriggerStatus) -> Option<i64>;

fn triggers(registry: &mut Registry, all: &[TriggerStatus]) {
    let counts: [(&str, &str, Count); 3] = [
        ("trigger_events", "Events that a trigger settled", |it| it.events),
        ("trigger_failures", "Attempts that failed", |it| it.failures),
        ("trigger_dead_letters", "Events that were given up", |it| it.dead_letters),
    ];
    for (name, help, count) in counts {
        let family = Family::<OfTrigger, Counter>::default();
        for it in all {
            family.get_or_create(&labels(it)).inc_by(count(it));
        }
        registry.register(name, help, family);
    }
    let gauges: [(&str, &str, Level); 2] = [
        ("trigger_lag", "Events that wait at the broker, where that is known", |it| it.lag.map(signed)),
        ("trigger_last_event_timestamp_seconds", "When the last event was settled", |it| {
            it.last_event_at.map(|at| at.as_second())
        }),
    ];
    for (name, help, value) in gauges {
        let family = Family::<OfTrigger, Gauge>::default();
        for (it, value) in all.iter().filter_map(|it| Some((it, value(it)?))) {
            family.get_or_create(&labels(it)).set(value);
        }
        registry.register(name, help, family);
    }
    registry.register("trigger_state", "1 for the state that a trigger is in, 0 for the others", states(all));
}

fn states(all: &[TriggerStatus]) -> Family<OfState, Gauge> {
    use TriggerState as S;
    let family = Family::<OfState, Gauge>::default();
    for it in all {
        let OfTrigger { project, function, trigger, kind } = labels(it);
        for state in [S::Starting, S::Running, S::Paused, S::BackingOff, S::Failing] {
            let (project, function) = (project.clone(), function.clone());
            let (trigger, kind) = (trigger.clone(), kind.clone());
            let labels = OfState { project, function, trigger, kind, state: state.as_str() };
            family.get_or_create(&labels).set(i64::from(it.state == state));
        }
    }
    family
}

fn labels(status: &TriggerStatus) -> OfTrigger {
    OfTrigger {
        project: status.id.project.to_string(),
        function: status.id.function.to_string(),
        trigger: status.id.name.clone(),
        kind: status.kind.clone(),
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use host_core::{Name, ports::TriggerId};

    use super::*;

    #[test]
    fn each_trigger_has_its_counts_and_one_state() {
        let (project, function) = (Name::default_project(), "score".parse().unwrap());
        let status = TriggerStatus {
            id: TriggerId { project, function, name: "kafka".into() },
            kind: "kafka".into(),
            reads: "orders \"1\"".into(),
            state: TriggerState::BackingOff,
            cause: None,
            lag: Some(7),
            events: 12,
            per_second: 0.5,
            failures: 3,
            dead_letters: 1,
            last_event_at: None,
            next_at: None,
        };
        let mut registry = Registry::with_prefix("weft");
        triggers(&mut registry, &[status]);
        let mut body = String::new();
        text::encode(&mut body, &registry).unwrap();
        let of = "project=\"default\",function=\"score\",trigger=\"kafka\",kind=\"kafka\"";
        for line in [
            format!("weft_trigger_events_total{{{of}}} 12\n"),
            format!("weft_trigger_dead_letters_total{{{of}}} 1\n"),
            format!("weft_trigger_lag{{{of}}} 7\n"),
            format!("weft_trigger_state{{{of},state=\"backing-off\"}} 1\n"),
            format!("weft_trigger_state{{{of},state=\"running\"}} 0\n"),
        ] {
            assert!(body.contains(&line), "{line}{body}");
        }
        assert!(!body.contains("weft_trigger_last_event_timestamp_seconds{"), "{body}");
    }
}
