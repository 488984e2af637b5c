//! A database for one test, and what tests put into it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use host_core::{
    Digest, Name, RunId,
    artifact::Kind,
    clock::{Clock, ManualClock},
    function::Entries,
    id::HostId,
    manifest::Manifest,
    pipeline::Pipeline,
    ports::{Claim, Journal, NewRevision, Settled},
    run::{NewRun, Pins, Platform, RunKind, Settlement, Source, StepOutput, StepResult},
};
use host_store::{Config, Store};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// A lease that nobody outlives in a test, and one that has ended before anybody looks.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);
pub(crate) const ENDED: Duration = Duration::ZERO;

/// Where a test's data live.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) config: Config,
    pub(crate) clock: ManualClock,
    admin: Option<String>,
    folder: Arc<TempDir>,
}

impl Home {
    pub(crate) fn sqlite() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let config = Config { patience: host_core::size::Millis(20_000), ..Config::sqlite(folder.path().join("data")) };
        Self { config, clock: ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()), admin: None, folder }
    }

    /// A fresh database on the server of `WEFT_TEST_POSTGRES`, if there is one.
    pub(crate) async fn postgres() -> Option<Self> {
        let admin = std::env::var("WEFT_TEST_POSTGRES").ok()?;
        let name = format!("weft_{}", RunId::next().as_uuid().simple());
        let mut connection = PgConnection::connect(&admin).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let (server, _) = admin.rsplit_once('/').unwrap();
        let home = Self::sqlite();
        let config = Config { url: Some(format!("{server}/{name}")), connections: 4, ..home.config.clone() };
        Some(Self { config, admin: Some(admin), ..home })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.admin.is_some()
    }

    pub(crate) async fn drop_database(&self) {
        let (Some(admin), Some(url)) = (&self.admin, &self.config.url) else { return };
        let (_, name) = url.rsplit_once('/').unwrap();
        let mut connection = PgConnection::connect(admin).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
    }

    /// Asks the database behind the store's back.
    pub(crate) async fn run_sql(&self, sql: &'static str) {
        match &self.config.url {
            Some(url) => drop(PgConnection::connect(url).await.unwrap().execute(sql).await.unwrap()),
            None => {
                let file = format!("sqlite://{}", self.config.data.join("weft.db").display());
                SqliteConnection::connect(&file).await.unwrap().execute(sql).await.unwrap();
            }
        }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.config, Arc::new(self.clock.clone())).await.unwrap()
    }

    /// Two hosts of one database. SQLite has one process, so there they share a store.
    pub(crate) async fn two_hosts(&self) -> [(Store, HostId); 2] {
        let first = self.store().await;
        let second = if self.is_postgres() { self.store().await } else { first.clone() };
        [(first, HostId::next()), (second, HostId::next())]
    }

    /// Moves the clock of SQLite on; Postgres has its own.
    pub(crate) fn tick(&self) -> Timestamp {
        self.clock.advance(jiff::SignedDuration::from_millis(10));
        self.clock.now()
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn project() -> Name {
    Name::default_project()
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A revision of `manifest` with a component of its own.
pub(crate) fn revision(manifest: &str, component: &str) -> NewRevision {
    NewRevision {
        project: project(),
        component: Digest::of(component.as_bytes()),
        component_size: 8,
        manifest: Manifest::parse(manifest).unwrap(),
        entries: Entries { http: true, ..Entries::default() },
        created_by: "ann".into(),
    }
}

pub(crate) fn new_run(steps: &str) -> NewRun {
    let text = format!("pipeline: wine\nparams: {{ b: 1, a: 2 }}\nsteps:\n{steps}");
    NewRun {
        id: RunId::next(),
        project: project(),
        kind: RunKind::Pipeline,
        pipeline: Pipeline::parse(&text).unwrap_or_else(|all| panic!("{text}\n{all:?}")),
        params: map(json!({"b": 1, "a": 2})),
        seed: u64::MAX,
        as_of: "2026-01-01T00:00:00Z".parse().unwrap(),
        pins: Pins::default(),
        owner: "ann".into(),
        labels: BTreeMap::new(),
        source: Source::default(),
        platform: Platform::default(),
        reproduces: None,
        depth: 0,
    }
}

pub(crate) const DIAMOND: &str = "  a: { function: f }\n  b: { function: f, inputs: { x: a.data } }\n  \
                                  c: { function: f, needs: [a] }\n  d: { function: f, needs: [b, c] }\n";

pub(crate) fn result(results: Value) -> StepResult {
    let output = |name: &str| StepOutput {
        name: name.into(),
        digest: Digest::of(format!("{name}{results}").as_bytes()),
        size: 3,
        kind: Kind::Dataset,
        media_type: Some("text/csv".into()),
        metadata: json!({"rows": 3}),
    };
    StepResult {
        outputs: vec![output("data"), output("model")],
        results: map(results.clone()),
        ..StepResult::default()
    }
}

/// One host that executes steps as told.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) host: HostId,
}

impl Worker {
    pub(crate) fn new(store: &Store) -> Self {
        Self { store: store.clone(), host: HostId::next() }
    }

    pub(crate) async fn claim_all(&self) -> Vec<Claim> {
        self.store.claim(self.host, 100, LONG).await.unwrap()
    }

    /// Claims everything that is ready; says what.
    pub(crate) async fn claim_labels(&self) -> Vec<String> {
        self.claim_all().await.iter().map(|it| it.key.label()).collect()
    }

    pub(crate) async fn done(&self, claim: &Claim, results: Value) -> Settled {
        let how = Settlement::Done(Box::new(result(results)));
        self.store.settle(self.host, &claim.key, claim.attempt, how).await.unwrap()
    }

    pub(crate) async fn failed(&self, claim: &Claim) -> Settled {
        let failure = host_core::event::Failure::fatal("trap", "it trapped");
        let how = Settlement::Failed { failure, retry_after_ms: None, result: Box::default() };
        self.store.settle(self.host, &claim.key, claim.attempt, how).await.unwrap()
    }

    /// Does everything there is to do; says what, in order.
    pub(crate) async fn finish(&self) -> Vec<String> {
        let mut did = Vec::new();
        loop {
            let claims = self.claim_all().await;
            if claims.is_empty() {
                return did;
            }
            for claim in claims {
                did.push(claim.key.label());
                self.done(&claim, json!({"acc": 0.5})).await;
            }
        }
    }
}

/// The states of a run's steps, as `a done`.
pub(crate) async fn states(store: &Store, run: RunId) -> Vec<String> {
    let steps = store.steps(run).await.unwrap();
    steps.iter().map(|it| format!("{} {}", it.key.label(), it.state)).collect()
}
