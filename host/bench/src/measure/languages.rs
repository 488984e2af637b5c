//! What a language costs: the same handler in each, cold from disk and warm, in an engine of this process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail};
use host_capabilities::keyvalue::MemoryState;
use host_core::{
    Name, RevisionId,
    call::{Call, CallContext, Reply, TriggerRef},
    clock::{Clock as _, SystemClock},
    event::Event,
    function::Revision,
    manifest::Manifest,
    ports::{Artifacts as _, Invoke as _, NoPublish, NoSecrets, Recorder},
    record::{CallRecord, LogLine, Tally},
    size::ByteSize,
};
use host_engine::{Config, Engine, Parts};
use host_store::ArtifactStore;
use tokio::runtime::Runtime;

use super::Setting;
use crate::{
    interrupt,
    places::Places,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};

/// How long the first call may take when its code has to be read from disk, milliseconds.
const COLD_LIMIT_MS: Limit = Limit::AtMost(30.0);

/// The first part of the time is not counted: caches become warm.
const WARM_UP: Duration = Duration::from_millis(300);

/// What every guest of the conformance suite is granted, more or less.
const MANIFEST: &str = "name = \"bench-language\"\nrecord = \"1%\"\n[limits]\ntimeout = \"60s\"\nmemory = \"256MiB\"\n\
    [grants]\nmodel = [\"none\"]\nkeyvalue = [\"default\"]\nconfig = { greeting = \"x\" }\npublish = [{ name = \"next\", function = \"next\" }]\n";

/// What the handler is sent: it reads this and writes it again.
const PAYLOAD: &str = r#"{"name":"Ada","count":3,"tags":["first","second"]}"#;

/// Nothing is recorded, so that only the engine is measured.
struct Silence;

impl Recorder for Silence {
    fn tally(&self, _: Tally) {}

    fn call(&self, _: CallRecord) {}

    fn log(&self, _: LogLine) {}

    fn dropped(&self) -> u64 {
        0
    }
}

/// The numbers of one language.
struct Measured {
    language: &'static str,
    cold_ms: f64,
    calls_per_s: f64,
}

/// Measures each language whose guest was built.
pub(crate) fn measure(setting: Setting<'_>) -> Result<Vec<Figure>> {
    let runtime = Runtime::new().context("could not start the runtime")?;
    let guests = guests(setting.places);
    let mut all = Vec::new();
    for (language, file) in guests.iter().filter(|(_, file)| file.is_file()) {
        interrupt::check()?;
        let cache = setting.folder.join("languages");
        let one = runtime.block_on(one(setting, language, file, &cache));
        all.push(one.with_context(|| format!("the handler in {language}"))?);
    }
    if all.is_empty() {
        bail!("no guest of the conformance suite was built: cargo xtask guests");
    }
    let rust = all.iter().find(|it| it.language == "Rust").map(|it| it.calls_per_s);
    Ok(all.iter().flat_map(|it| figures(it, rust)).collect())
}

fn guests(places: &Places) -> [(&'static str, PathBuf); 4] {
    [
        ("Rust", places.built("wasm32-wasip2/guest/conformance_suite.wasm")),
        ("JavaScript", places.built("guests/javascript.wasm")),
        ("JavaScript, small", places.built("guests/javascript-small.wasm")),
        ("Python", places.built("guests/python.wasm")),
    ]
}

fn figures(it: &Measured, rust: Option<f64>) -> [Figure; 2] {
    let beside =
        rust.map_or(String::new(), |rust| format!("{:.2} of Rust's; one caller, in process", it.calls_per_s / rust));
    let name = Subject::Languages;
    [
        Figure {
            name,
            what: format!("{}: first call, cold from disk", it.language),
            value: it.cold_ms,
            unit: "ms",
            limit: Some(COLD_LIMIT_MS),
            note: "compiled code read, checked and loaded, instance, call".to_owned(),
        },
        Figure {
            name,
            what: format!("{}: handler calls per second, warm", it.language),
            value: it.calls_per_s,
            unit: "/s",
            limit: None,
            note: beside,
        },
    ]
}

async fn one(setting: Setting<'_>, language: &'static str, file: &Path, cache: &Path) -> Result<Measured> {
    let artifacts = Arc::new(ArtifactStore::memory().await.map_err(|error| anyhow!("{error}"))?);
    let blob = artifacts.put_file(file).await.map_err(|error| anyhow!("{error}"))?;
    let engine = engine(cache, &artifacts)?;
    let held = artifacts.hold(&blob.digest).await.map_err(|error| anyhow!("{error}"))?;
    let entries = engine.inspect(&held).await.map_err(|error| anyhow!("{error}"))?.entries;
    let revision = Arc::new(Revision {
        id: RevisionId::next(),
        project: Name::default_project(),
        function: "bench-language".parse()?,
        number: 1,
        component: blob.digest,
        component_size: blob.size,
        manifest: Manifest::parse(MANIFEST)?,
        entries,
        created_by: "bench".into(),
        created_at: SystemClock.now(),
    });
    engine.prepare(&revision).await.map_err(|error| anyhow!("{error}"))?;
    let mut cold = Vec::new();
    for _ in 0..setting.args.rounds {
        // An engine that has just started knows no function yet.
        let fresh = self::engine(cache, &artifacts)?;
        let began = Instant::now();
        call(&fresh, &revision).await?;
        cold.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let cold_ms = median(cold).context("not a single round")?;
    let calls_per_s = warm(&engine, &revision, setting.args.seconds).await?;
    Ok(Measured { language, cold_ms, calls_per_s })
}

fn engine(cache: &Path, artifacts: &Arc<ArtifactStore>) -> Result<Arc<Engine>> {
    let parts = Parts {
        recorder: Arc::new(Silence),
        clock: Arc::new(SystemClock),
        artifacts: artifacts.clone(),
        score: None,
        secrets: Arc::new(NoSecrets),
        state: Arc::new(MemoryState::new(ByteSize(1 << 20))),
        publish: Arc::new(NoPublish),
    };
    Ok(Engine::new(Config { slots: 64, ..Config::at(cache) }, parts)?)
}

/// Calls again and again, one call after another.
async fn warm(engine: &Arc<Engine>, revision: &Arc<Revision>, seconds: f64) -> Result<f64> {
    let warm_up = Instant::now();
    while warm_up.elapsed() < WARM_UP {
        call(engine, revision).await?;
    }
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed().as_secs_f64() < seconds {
        call(engine, revision).await?;
        calls += 1;
    }
    interrupt::check()?;
    Ok(f64::from(calls) / began.elapsed().as_secs_f64())
}

async fn call(engine: &Arc<Engine>, revision: &Arc<Revision>) -> Result<()> {
    let event = Event {
        id: "1".into(),
        source: "/bench".into(),
        r#type: "typed".into(),
        subject: None,
        time: None,
        content_type: Some("application/json".into()),
        key: None,
        inlet: String::new(),
        extensions: Vec::new(),
        data: PAYLOAD.into(),
    };
    let context = CallContext::new(TriggerRef::new("bench", "bench"));
    match engine.call(revision.clone(), context, Call::Events(vec![event])).await.reply {
        Ok(Reply::Events(outcomes)) if outcomes.iter().all(Result::is_ok) => Ok(()),
        Ok(Reply::Events(outcomes)) => bail!("it failed: {outcomes:?}"),
        Ok(_) => bail!("it gave another kind of answer"),
        Err(failure) => bail!("{}: {}", failure.code, failure.message),
    }
}
