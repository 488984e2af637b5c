//! What goes when a policy lets it go, and what never does.

use std::collections::BTreeSet;

use bytes::Bytes;
use host_core::{
    Digest, RunId,
    artifact::{Artifact, Kind},
    clock::{Clock as _, SystemClock},
    model::Signature,
    package::{Publisher, Repository, Say},
    page::PageRequest,
    ports::{Artifacts as _, Deployments as _, Journal as _, Models as _, NewManifest, NewVersion, Repositories as _},
    run::{NewRun, Settlement, StepInput, StepOutput, StepResult},
    size::Millis,
};
use host_store::{
    ArtifactStore, Store,
    gc::{Policy, Report},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    home::{Home, LONG, Worker, name, new_run, project, revision},
    s3::Bucket,
};

crate::facts! {
    nothing_goes_without_being_told_and_asked_for,
    what_the_registry_holds_stays_and_what_no_manifest_came_to_name_goes,
    runs_are_kept_by_age_by_place_and_by_what_they_made,
    bytes_of_what_runs_are_left_alone,
    bytes_that_were_taken_away_are_not_named_before_they_are_stored_anew,
    bytes_that_are_stored_again_meanwhile_are_not_lost,
    revisions_are_kept_by_place_and_by_use,
    uploads_are_kept_by_age_and_by_use,
    what_is_kept_is_whole_and_everything_else_goes,
}

/// A database, its bytes, and policies that know no grace.
struct Place {
    home: Home,
    store: Store,
    artifacts: ArtifactStore,
}

const POLICY: Policy =
    Policy { keep_runs: None, keep_last: None, keep_uploads: None, keep_revisions: None, grace: Millis(0) };

impl Place {
    async fn new(home: Home) -> Self {
        let artifacts = ArtifactStore::open(&home.folder().join("artifacts"), &SystemClock).await.unwrap();
        Self::with(home, artifacts).await
    }

    async fn with(home: Home, artifacts: ArtifactStore) -> Self {
        // Bytes bear the time of the machine, so the clock of SQLite is about right, too.
        home.clock.advance(SystemClock.now().duration_since(home.clock.now()));
        let store = home.store().await;
        store.adopt(&artifacts).await.unwrap();
        Self { home, store, artifacts }
    }

    /// Everything up to here is old enough to go.
    fn later(&self) {
        let clock = &self.home.clock;
        let to = (SystemClock.now() + SignedDuration::from_hours(1)).duration_since(clock.now());
        clock.advance(to.max(SignedDuration::from_millis(10)));
    }

    async fn put(&self, text: &str) -> Digest {
        self.artifacts.put(Bytes::from(text.to_owned())).await.unwrap().digest
    }

    async fn has(&self, digest: &Digest) -> bool {
        self.artifacts.size(digest).await.unwrap().is_some()
    }

    async fn gc(&self, policy: &Policy, apply: bool) -> Report {
        self.later();
        self.store.gc(policy, apply, "ann").await.unwrap()
    }

    /// A run of one step that is done, with these bytes in and out.
    async fn done(&self, spec: NewRun, input: Option<Digest>, outputs: &[Digest]) -> RunId {
        let run = Box::pin(self.store.submit(spec)).await.unwrap().spec.id;
        let worker = Worker::new(&self.store);
        let claim = worker.claim_all().await.into_iter().find(|it| it.key.run == run).unwrap();
        let result = result(input, outputs);
        let how = Settlement::Done(Box::new(result));
        Box::pin(self.store.settle(worker.host, &claim.key, claim.attempt, how)).await.unwrap();
        self.home.tick();
        run
    }

    async fn model(&self, digest: Digest, run: Option<RunId>) -> u64 {
        let version = NewVersion {
            project: project(),
            model: name("wine"),
            digest,
            format: "onnx".into(),
            signature: Signature::default(),
            metrics: serde_json::Map::new(),
            description: None,
            run,
            step: run.map(|_| "a".into()),
            origin: None,
            created_by: "ann".into(),
        };
        self.store.register(version).await.unwrap().id.number
    }

    async fn upload(&self, label: &str, digest: Digest, at: Timestamp) -> Result<(), host_store::StoreError> {
        let artifact = Artifact {
            digest,
            size: 1,
            project: project(),
            name: label.into(),
            kind: Kind::File,
            media_type: None,
            metadata: json!({}),
            run: None,
            step: None,
            created_at: at,
        };
        self.store.add_artifact(&artifact).await
    }
}

fn result(input: Option<Digest>, outputs: &[Digest]) -> StepResult {
    let output = |(at, digest): (usize, &Digest)| StepOutput {
        name: format!("out-{at}"),
        digest: *digest,
        size: 1,
        kind: Kind::File,
        media_type: None,
        metadata: json!({}),
    };
    let from = |digest| StepInput { name: "x".into(), digest, kind: Kind::File, media_type: None, from: "u".into() };
    StepResult {
        inputs: input.into_iter().map(from).collect(),
        outputs: outputs.iter().enumerate().map(output).collect(),
        ..StepResult::default()
    }
}

/// A run of the pipeline `wine` with one step.
fn wine() -> NewRun {
    new_run("  a: { function: f }\n")
}

fn labelled(label: &str) -> NewRun {
    NewRun { labels: [(label.to_owned(), "yes".to_owned())].into(), ..wine() }
}

async fn what_the_registry_holds_stays_and_what_no_manifest_came_to_name_goes(home: Home) {
    let place = Place::new(home).await;
    let (layer, manifest, stray) = (place.put("layer").await, place.put("manifest").await, place.put("stray").await);
    let who = Publisher { name: "ann".into(), say: Say::All };
    let repository: Repository = "acme/x".parse().unwrap();
    for digest in [&layer, &stray] {
        place.store.add_blob(&repository, digest, 5, &who).await.unwrap();
    }
    let new = NewManifest {
        repository: repository.clone(),
        digest: manifest,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        artifact_type: None,
        subject: None,
        size: 8,
        annotations: serde_json::Map::new(),
        blobs: vec![layer],
        manifests: Vec::new(),
        tag: Some("v1".into()),
        package: None,
    };
    place.store.add_manifest(&new, &who).await.unwrap();
    let first = place.gc(&POLICY, true).await;
    assert_eq!((first.artifacts.count, place.store.blob(&repository, &stray).await.unwrap()), (0, None));
    assert_eq!(place.gc(&POLICY, true).await.artifacts.count, 1, "the bytes go after the row");
    assert!(place.has(&layer).await && place.has(&manifest).await && !place.has(&stray).await);
    assert!(place.store.add_blob(&repository, &stray, 5, &who).await.is_err(), "it has to be sent anew");
}

async fn nothing_goes_without_being_told_and_asked_for(home: Home) {
    let place = Place::new(home).await;
    let (orphan, made) = (place.put("orphan").await, place.put("made").await);
    let run = place.done(wine(), None, &[made]).await;
    let nothing = place.gc(&Policy { grace: Millis(24 * 3_600_000), ..POLICY }, true).await;
    assert_eq!((nothing.artifacts.count, nothing.young.count, nothing.kept.count), (0, 1, 1), "it may still be named");
    let policy = Policy { keep_last: Some(0), ..POLICY };
    let told = place.gc(&policy, false).await;
    let why = |report: &Report, digest: Digest| {
        report.artifacts.first.iter().find(|it| it.id == digest.to_string()).map(|it| it.why)
    };
    assert_eq!((told.applied, told.runs.count, told.artifacts.count, told.artifacts.bytes), (false, 1, 2, 10));
    assert_eq!(told.runs.first[0].id, run.to_string());
    assert_eq!(why(&told, orphan), Some("nothing names it"));
    assert_eq!(why(&told, made), Some("only what goes needed it"));
    assert!(place.has(&orphan).await && place.has(&made).await);
    place.store.run(run).await.unwrap();
    let went = place.gc(&policy, true).await;
    assert_eq!(went, Report { applied: true, ..told });
    assert!(!place.has(&orphan).await && !place.has(&made).await);
    assert!(place.store.run(run).await.is_err());
    let audit = place.store.audit_everywhere(Some("artifacts"), &PageRequest::default()).await.unwrap();
    assert_eq!((audit.items[0].action.as_str(), &audit.items[0].details["bytes"]), ("gc.applied", &json!(10)));
    assert_eq!(audit.items[0].who, "ann");
    assert_eq!(place.gc(&policy, true).await.artifacts.count, 0);
}

async fn runs_are_kept_by_age_by_place_and_by_what_they_made(home: Home) {
    let place = Place::new(home).await;
    let bytes = place.put("model").await;
    let maker = place.done(wine(), None, &[bytes]).await;
    place.model(bytes, Some(maker)).await;
    let plain = place.done(wine(), None, &[]).await;
    let precious = place.done(labelled("keep"), None, &[]).await;
    let newest = place.done(wine(), None, &[]).await;
    // It waits for its turn, and counts as one of the last.
    let running = place.store.submit(wine()).await.unwrap().spec.id;
    let of = |report: &Report| report.runs.first.iter().map(|it| it.id.parse().unwrap()).collect::<BTreeSet<RunId>>();
    assert_eq!(of(&place.gc(&POLICY, false).await), BTreeSet::new(), "nobody said that runs may go");
    assert_eq!(of(&place.gc(&Policy { keep_last: Some(0), ..POLICY }, false).await), [plain, newest].into());
    assert_eq!(of(&place.gc(&Policy { keep_last: Some(2), ..POLICY }, false).await), [plain].into());
    assert_eq!(of(&place.gc(&Policy { keep_last: Some(9), ..POLICY }, false).await), BTreeSet::new());
    let day = Some(Millis(24 * 3_600_000));
    assert_eq!(of(&place.gc(&Policy { keep_runs: day, keep_last: Some(0), ..POLICY }, false).await), BTreeSet::new());
    let went = place.gc(&Policy { keep_last: Some(0), ..POLICY }, true).await;
    assert_eq!(of(&went), [plain, newest].into());
    for run in [maker, precious, running] {
        place.store.run(run).await.unwrap();
    }
    assert!(place.has(&bytes).await);
    place.store.retire(&project(), &name("wine"), 1, "ann").await.unwrap();
    assert_eq!(of(&place.gc(&Policy { keep_last: Some(0), ..POLICY }, true).await), [maker].into());
    assert!(!place.has(&bytes).await);
}

async fn bytes_of_what_runs_are_left_alone(home: Home) {
    let place = Place::new(home).await;
    let run = place.store.submit(wine()).await.unwrap().spec.id;
    let worker = Worker::new(&place.store);
    let claim = worker.claim_all().await.remove(0);
    // On its way into the step's row, which is written when the step is over.
    let pinned = place.put("what a URL gave").await;
    let policy = Policy { keep_last: Some(0), ..POLICY };
    let report = place.gc(&policy, true).await;
    assert_eq!((report.artifacts.count, report.young.count, report.runs.count), (0, 1, 0));
    let how = Settlement::Done(Box::new(result(Some(pinned), &[])));
    place.store.settle(worker.host, &claim.key, claim.attempt, how).await.unwrap();
    assert_eq!(place.gc(&POLICY, true).await.kept.count, 1, "the step names what went in");
    assert!(place.has(&pinned).await);
    assert_eq!(place.gc(&policy, true).await.runs.first[0].id, run.to_string());
    assert!(!place.has(&pinned).await);
}

async fn bytes_that_were_taken_away_are_not_named_before_they_are_stored_anew(home: Home) {
    let place = Place::new(home).await;
    let digest = place.put("wanted again").await;
    let at = place.home.clock.now();
    assert_eq!(place.gc(&POLICY, true).await.artifacts.count, 1);
    let refused = place.upload("late", digest, at).await.unwrap_err();
    assert!(refused.is_passing() && refused.to_string().contains("store it again"), "{refused}");
    let named = new_run(&format!("  a: {{ function: f, inputs: {{ x: '{digest}' }} }}\n"));
    assert!(place.store.submit(named.clone()).await.is_err());
    assert!(place.store.add(revision("name = \"hello\"", "wanted again")).await.is_err());
    assert_eq!(place.put("wanted again").await, digest);
    place.store.submit(named).await.unwrap();
    assert_eq!(place.gc(&POLICY, true).await.artifacts.count, 0, "a run names it where nobody can look it up");
    place.upload("late", digest, at).await.unwrap();
    place.store.add(revision("name = \"hello\"", "wanted again")).await.unwrap();
    assert!(place.has(&digest).await);
}

async fn bytes_that_are_stored_again_meanwhile_are_not_lost(home: Home) {
    let place = Place::new(home).await;
    for round in 0..20 {
        let text = format!("round {round}");
        let digest = place.put(&text).await;
        place.later();
        let store_and_name = async {
            loop {
                place.put(&text).await;
                // Refused where it was taken away between the two; then it is stored anew, as everybody is told to.
                if place.upload(&text, digest, place.home.clock.now()).await.is_ok() {
                    return;
                }
            }
        };
        let (report, ()) = tokio::join!(place.store.gc(&POLICY, true, "ann"), store_and_name);
        report.unwrap();
        assert!(place.has(&digest).await, "round {round}");
    }
    assert_eq!(place.gc(&POLICY, true).await.kept.count, 20);
}

async fn revisions_are_kept_by_place_and_by_use(home: Home) {
    let place = Place::new(home).await;
    let mut all = Vec::new();
    for number in 0..5 {
        let text = format!("component {number}");
        let component = place.put(&text).await;
        let added = place.store.add(revision("name = \"hello\"", &text)).await.unwrap();
        assert_eq!(added.component, component);
        all.push(added);
        place.home.tick();
    }
    place.store.activate(&all[1], "ann", "deploy").await.unwrap();
    let mut run = wine();
    let pinned = host_core::run::PinnedFunction { revision: all[2].id, number: 3, component: all[2].component };
    run.pins.functions.insert("hello@3".into(), pinned);
    place.store.submit(run).await.unwrap();
    let policy = Policy { keep_revisions: Some(0), ..POLICY };
    let report = place.gc(&policy, true).await;
    let gone: Vec<_> = report.revisions.first.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(gone, ["revision 4 of `hello` in default", "revision 1 of `hello` in default"]);
    for (number, revision) in all.iter().enumerate() {
        let is_kept = [1, 2, 4].contains(&number);
        assert_eq!(place.store.revision_by_id(revision.id).await.is_ok(), is_kept, "{number}");
        assert_eq!(place.has(&revision.component).await, is_kept, "{number}");
    }
    assert_eq!(place.store.add(revision("name = \"hello\"", "component 4")).await.unwrap().number, 5);
}

async fn uploads_are_kept_by_age_and_by_use(home: Home) {
    let place = Place::new(home).await;
    let (old, used) = (place.put("old").await, place.put("used").await);
    let at = SystemClock.now();
    let long_ago = at - SignedDuration::from_hours(48);
    place.upload("old", old, long_ago).await.unwrap();
    place.upload("used", used, long_ago).await.unwrap();
    place.upload("young", place.put("young").await, at).await.unwrap();
    place.done(wine(), Some(used), &[]).await;
    assert_eq!(place.gc(&POLICY, true).await.kept.count, 3, "nobody said that uploads may go");
    let report = place.gc(&Policy { keep_uploads: Some(Millis(24 * 3_600_000)), ..POLICY }, true).await;
    assert_eq!(report.uploads.first.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), ["upload `old` in default"]);
    assert!(!place.has(&old).await && place.has(&used).await);
    place.store.artifact(&project(), &used).await.unwrap();
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One random installation: runs that share bytes, some running, some kept for one reason or another.
async fn what_is_kept_is_whole_and_everything_else_goes(home: Home) {
    let rounds = if home.is_postgres() { 2 } else { 6 };
    let place = Place::new(home).await;
    for seed in 1..=rounds {
        grown_and_collected(&place, &mut Dice(0x9E37_79B9_7F4A_7C15 ^ seed)).await;
    }
}

async fn grown_and_collected(place: &Place, dice: &mut Dice) {
    let seed = dice.0;
    let mut pool = Vec::new();
    for number in 0..14 {
        pool.push(place.put(&format!("{seed} {number}")).await);
    }
    let (mut runs, mut needed, mut models) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..10 {
        let outputs: Vec<Digest> = (0..dice.roll(3)).map(|_| pool[dice.roll(14) as usize]).collect();
        let input = (dice.roll(2) == 0).then(|| pool[dice.roll(14) as usize]);
        let spec = if dice.roll(6) == 0 { labelled("keep") } else { wine() };
        let is_kept = !spec.labels.is_empty();
        let id = place.done(spec, input, &outputs).await;
        let mut is_maker = false;
        if dice.roll(5) == 0 {
            let digest = pool[dice.roll(14) as usize];
            let number = place.model(digest, Some(id)).await;
            if dice.roll(3) == 0 {
                place.store.retire(&project(), &name("wine"), number, "ann").await.unwrap();
            } else {
                models.insert(digest);
                is_maker = true;
            }
        }
        let bytes: BTreeSet<Digest> = outputs.into_iter().chain(input).collect();
        runs.push((id, is_kept || is_maker, bytes));
    }
    let keep = dice.roll(4) as usize;
    let oldest_kept = runs.len() - keep;
    for (at, (_, is_kept, bytes)) in runs.iter().enumerate() {
        if *is_kept || at >= oldest_kept {
            needed.extend(bytes);
        }
    }
    needed.extend(models);
    let report = place.gc(&Policy { keep_last: Some(keep as u32), ..POLICY }, true).await;
    assert_eq!(report.young.count, 0);
    for (at, (id, is_kept, _)) in runs.iter().enumerate() {
        let is_there = place.store.run(*id).await.is_ok();
        assert_eq!(is_there, *is_kept || at >= oldest_kept, "run {at} of seed {seed}, the last {keep} kept");
    }
    for digest in &pool {
        assert_eq!(place.has(digest).await, needed.contains(digest), "{digest} of seed {seed}");
    }
}

#[tokio::test]
async fn bytes_on_s3_are_collected_too() {
    let Some(bucket) = Bucket::fresh().await else { return };
    let place = Place::with(Home::sqlite(), bucket.cold().await).await;
    let (orphan, kept) = (place.put("orphan").await, place.put("kept").await);
    place.done(wine(), None, &[kept]).await;
    let report = place.gc(&POLICY, true).await;
    assert_eq!((report.artifacts.count, report.kept.count), (1, 1));
    assert!(!place.has(&orphan).await && place.has(&kept).await);
    assert!(place.artifacts.hold(&orphan).await.is_err(), "the copy went, too");
    assert_eq!(place.put("orphan").await, orphan);
    assert!(place.has(&orphan).await);
    assert_eq!(place.artifacts.get(&kept, 100).await.unwrap(), "kept");
    let runs = place.store.claim(host_core::id::HostId::next(), 1, LONG).await.unwrap();
    assert!(runs.is_empty());
}

/// Tables that name bytes which must stay; `src/gc` reads each of them.
const NAMING: [&str; 9] = [
    "artifact",
    "model_version",
    "pinned_url",
    "registry_blob",
    "registry_manifest",
    "revision",
    "run",
    "step",
    "standing_pipeline",
];
/// Tables that name none, or only to tell what was.
const SILENT: &[&str] = &[
    "activation",
    "alias_move",
    "audit_event",
    "call",
    "call_total",
    "dead_letter",
    "endpoint",
    "firing",
    "function",
    "generation",
    "idempotency",
    "installation",
    "keyvalue",
    "log_line",
    "metric",
    "model",
    "model_alias",
    "model_stream",
    "namespace",
    "namespace_owner",
    // What these name, the registry's blobs and manifests do.
    "package",
    "package_version",
    "registry_part",
    "registry_tag",
    "platform_event",
    "project",
    "provenance",
    "route",
    "run_label",
    "schedule",
    "secret",
    "secret_key",
    "stored_bytes",
    "token",
    "trigger_state",
    "trust",
    "trusted_key",
    "_sqlx_migrations",
];

#[tokio::test]
async fn of_every_table_it_is_known_whether_it_names_bytes() {
    let home = Home::sqlite();
    home.store().await.close().await;
    let file = format!("sqlite://{}", home.config.data.join("weft.db").display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&file).await.unwrap();
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut connection).await.unwrap();
    let unknown: Vec<String> =
        tables.into_iter().map(|it| it.0).filter(|it| !NAMING.contains(&&**it) && !SILENT.contains(&&**it)).collect();
    assert!(unknown.is_empty(), "does anything in {unknown:?} name bytes that must stay? then src/gc has to read it");
}
