//! Backups, moves between databases, exports and older schemas: what arrives is what left.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes as Raw;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use futures_util::stream;
use host_core::{
    Digest,
    clock::{Clock as _, SystemClock},
    function::FunctionRef,
    page::PageRequest,
    ports::{Artifacts as _, Deployments as _, Journal as _, Models as _, NewVersion, RunFilter},
};
use host_store::{
    ArtifactStore, Backup, BackupParts, Bytes, Database, Move, Store, Summary, TransferError, migrate, restore,
};
use serde_json::json;

use crate::home::{DIAMOND, Home, Worker, name, new_run, project, revision};

crate::facts! {
    a_backup_restores_to_the_same_installation,
    a_backup_is_restored_into_an_empty_installation_only,
    a_hostile_archive_is_refused_and_nothing_is_kept,
    a_move_brings_every_row_and_leaves_the_source_alone,
    what_the_first_release_left_is_opened_backed_up_and_moved,
    a_project_becomes_an_equal_one_elsewhere,
    a_project_becomes_an_equal_one_under_another_name,
}

const RELEASE: &str = "0.0.0-test";

/// An installation with something of everything, its host stopped.
struct Full {
    home: Home,
    artifacts: ArtifactStore,
}

async fn artifacts_of(home: &Home) -> ArtifactStore {
    ArtifactStore::open(&home.folder().join("artifacts"), &SystemClock).await.unwrap()
}

impl Full {
    async fn new(home: Home) -> Self {
        let (store, artifacts) = (home.store().await, artifacts_of(&home).await);
        store.adopt(&artifacts).await.unwrap();
        fill(&home, &store, &artifacts).await;
        store.close().await;
        Self { home, artifacts }
    }

    async fn backup(&self, file: &Path) -> Summary {
        let database = Database::source(&self.home.config, Arc::new(SystemClock)).await.unwrap();
        let parts = BackupParts {
            database: &database,
            artifacts: Some(self.artifacts.clone()),
            key: None,
            release: RELEASE,
            now: self.home.clock.now(),
        };
        let summary = Backup::prepare(parts).await.unwrap().write(std::fs::File::create(file).unwrap()).await.unwrap();
        database.close().await;
        summary
    }
}

async fn fill(home: &Home, store: &Store, artifacts: &ArtifactStore) {
    let stored = artifacts.put(Raw::from_static(b"component")).await.unwrap();
    let mut new = revision("name = \"hello\"\n[[triggers]]\nkind = \"http\"\npath = \"/hello/{id}\"", "x");
    (new.component, new.component_size) = (stored.digest, stored.size);
    let added = store.add(new).await.unwrap();
    store.activate(&added, "ann", "deploy").await.unwrap();
    home.tick();
    let model = artifacts.put(Raw::from(vec![7; 9 << 20])).await.unwrap();
    let version = NewVersion {
        project: project(),
        model: name("wine"),
        digest: model.digest,
        format: "onnx".into(),
        signature: host_core::model::Signature::default(),
        metrics: json!({"accuracy": 0.1 + 0.2, "text": "é\u{1F600}\n"}).as_object().unwrap().clone(),
        description: None,
        run: None,
        step: None,
        origin: None,
        created_by: "ann".into(),
    };
    store.register(version).await.unwrap();
    store.promote(&project(), &name("wine"), &name("production"), 1, "ann").await.unwrap();
    store.submit(new_run(DIAMOND)).await.unwrap();
    Worker::new(store).finish().await;
    home.tick();
    // One that is not over.
    store.submit(new_run("  a: { function: f }\n")).await.unwrap();
}

/// What people can ask of an installation.
async fn told(store: &Store, of: &host_core::Name) -> serde_json::Value {
    let all = PageRequest { limit: Some(100), after: None };
    let runs = store.runs(of, &RunFilter::default(), &all).await.unwrap();
    let mut steps = Vec::new();
    for run in &runs.items {
        steps.push(store.steps(run.spec.id).await.unwrap());
    }
    let hello = store.revision(of, &FunctionRef::from(name("hello"))).await.unwrap();
    let history = store.history(of, &name("wine")).await.unwrap();
    let versions = store.versions(of, &name("wine")).await.unwrap();
    let artifacts = store.artifacts(of, &host_store::ArtifactFilter::default(), &all).await.unwrap();
    let audit = store.audit(of, None, &all).await.unwrap();
    json!({
        "runs": format!("{:?}", runs.items),
        "steps": format!("{steps:?}"),
        "hello": format!("{hello:?}"),
        "history": format!("{history:?}"),
        "versions": format!("{versions:?}"),
        "artifacts": format!("{:?}", artifacts.items),
        "audit": format!("{:?}", audit.items),
    })
}

/// Another place of the same kind of database.
async fn elsewhere(home: &Home) -> Home {
    if home.is_postgres() { Home::postgres().await.unwrap() } else { Home::sqlite() }
}

async fn a_backup_restores_to_the_same_installation(home: Home) {
    let full = Full::new(home).await;
    let file = full.home.folder().join("backup.tar.gz");
    let summary = full.backup(&file).await;
    assert_eq!(summary.artifacts, Some(2));
    let other = elsewhere(&full.home).await;
    let artifacts = artifacts_of(&other).await;
    let clock = Arc::new(other.clock.clone());
    let restored = restore(file.clone(), other.config.clone(), artifacts.clone(), clock).await.unwrap();
    assert_eq!((restored.summary, restored.key), (summary, None));
    let (before, after) = (full.home.store().await, other.store().await);
    after.adopt(&artifacts).await.unwrap();
    assert_eq!(told(&before, &project()).await, told(&after, &project()).await);
    let version = after.versions(&project(), &name("wine")).await.unwrap().remove(0);
    assert_eq!(artifacts.get(&version.id.digest, 10 << 20).await.unwrap().len(), 9 << 20);
    // A host goes on where the other stopped, at the same time of day.
    (0..5).for_each(|_| _ = other.tick());
    assert_eq!(Worker::new(&after).finish().await, ["a"]);
    before.close().await;
    after.close().await;
    other.drop_database().await;
}

async fn a_backup_is_restored_into_an_empty_installation_only(home: Home) {
    let full = Full::new(home).await;
    let file = full.home.folder().join("backup.tar.gz");
    full.backup(&file).await;
    let again = restore(file, full.home.config.clone(), full.artifacts.clone(), Arc::new(SystemClock)).await;
    assert!(matches!(&again, Err(TransferError::NotEmpty { .. })), "{again:?}");
    let store = full.home.store().await;
    assert!(store.runs(&project(), &RunFilter::default(), &PageRequest::default()).await.unwrap().items.len() == 2);
}

/// Reads an archive apart.
fn entries(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(GzDecoder::new(std::fs::File::open(file).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (name, mut bytes) = (entry.path().unwrap().display().to_string(), Vec::new());
        std::io::copy(&mut entry, &mut bytes).unwrap();
        (name, bytes)
    });
    entries.collect()
}

/// Puts one together, whatever is in it.
fn archive(file: &Path, entries: &[(String, Vec<u8>)]) {
    let mut tar = tar::Builder::new(GzEncoder::new(std::fs::File::create(file).unwrap(), Compression::fast()));
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // Past what the library lets through.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(if name.ends_with("link") { tar::EntryType::Symlink } else { tar::EntryType::Regular });
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().flush().unwrap();
}

async fn a_hostile_archive_is_refused_and_nothing_is_kept(home: Home) {
    let full = Full::new(home).await;
    let (good, bad) = (full.home.folder().join("good.tar.gz"), full.home.folder().join("bad.tar.gz"));
    full.backup(&good).await;
    let whole = entries(&good);
    let at = |prefix: &str| whole.iter().position(|(name, _)| name.starts_with(prefix)).unwrap();
    let (artifact, table) = (at("artifacts/"), at("tables/run.jsonl"));
    let manifest = |change: fn(&mut serde_json::Value)| {
        let mut changed = whole.clone();
        let mut said = serde_json::from_slice(&changed[0].1).unwrap();
        change(&mut said);
        changed[0].1 = serde_json::to_vec(&said).unwrap();
        changed
    };
    let with = |at: usize, name: Option<&str>, bytes: Option<Vec<u8>>| {
        let mut changed = whole.clone();
        changed[at].0 = name.map_or(changed[at].0.clone(), str::to_owned);
        changed[at].1 = bytes.unwrap_or(changed[at].1.clone());
        changed
    };
    let mut longer = whole.clone();
    longer.push(("tables/more.jsonl".to_owned(), b"{}\n".to_vec()));
    let mut rows = whole[table].1.clone();
    rows[10] ^= 1;
    let cases = [
        ("nothing", vec![]),
        ("no manifest", whole[1..].to_vec()),
        ("cut off between entries", whole[..whole.len() - 1].to_vec()),
        ("more than it says", longer),
        ("a path", with(artifact, Some("artifacts/../../../etc/passwd"), None)),
        ("an absolute path", with(table, Some("/etc/passwd"), None)),
        ("a link", with(table, Some("tables/link"), None)),
        ("other bytes of an artifact", with(artifact, None, Some(vec![1; whole[artifact].1.len()]))),
        ("fewer bytes of an artifact", with(artifact, None, Some(vec![1; 3]))),
        ("a bomb", with(table, None, Some(vec![b' '; 64 << 20]))),
        ("another row", with(table, None, Some(rows))),
        ("a newer format", manifest(|it| it["format"] = 9.into())),
        ("a newer schema", manifest(|it| it["schema"] = 9_999.into())),
        ("a project", manifest(|it| it["weft"] = "project".into())),
        ("fewer tables", manifest(|it| _ = it["tables"].as_array_mut().unwrap().pop())),
        ("fewer artifacts", manifest(|it| it["artifacts"]["count"] = 1.into())),
    ];
    let other = elsewhere(&full.home).await;
    let artifacts = artifacts_of(&other).await;
    let try_it = |file: PathBuf| restore(file, other.config.clone(), artifacts.clone(), Arc::new(SystemClock));
    for (what, entries) in cases {
        archive(&bad, &entries);
        let refused = try_it(bad.clone()).await;
        assert!(
            matches!(&refused, Err(TransferError::Archive(_) | TransferError::Newer { .. })),
            "{what}: {refused:?}"
        );
    }
    let bytes = std::fs::read(&good).unwrap();
    for length in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&bad, &bytes[..length]).unwrap();
        let refused = try_it(bad.clone()).await;
        assert!(matches!(&refused, Err(TransferError::Archive(_))), "{length} bytes: {refused:?}");
    }
    // Nothing of all that is in the way of the good one.
    try_it(good).await.unwrap();
    other.drop_database().await;
}

/// Both kinds of database, as long as there is a Postgres.
async fn across(home: &Home) -> Option<Home> {
    if home.is_postgres() { Some(Home::sqlite()) } else { Home::postgres().await }
}

async fn a_move_brings_every_row_and_leaves_the_source_alone(home: Home) {
    let Some(other) = across(&home).await else { return };
    let full = Full::new(home).await;
    let file = full.home.config.data.join("weft.db");
    let before = std::fs::read(&file).ok().map(|it| Digest::of(&it));
    let there = artifacts_of(&other).await;
    let moved = Move {
        from: full.home.config.clone(),
        to: other.config.clone(),
        artifacts: Some((full.artifacts.clone(), there.clone())),
    };
    let summary = migrate(moved, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(std::fs::read(&file).ok().map(|it| Digest::of(&it)), before, "the old folder is as it was");
    let rows: BTreeMap<_, _> = summary.tables.iter().cloned().collect();
    assert_eq!((rows["run"], rows["step"], rows["revision"], summary.artifacts), (2, 5, 1, Some(2)));
    let again = Move { from: full.home.config.clone(), to: other.config.clone(), artifacts: None };
    let again = migrate(again, Arc::new(SystemClock)).await;
    assert!(matches!(&again, Err(TransferError::NotEmpty { .. })), "{again:?}");
    let (old, new) = (full.home.store().await, other.store().await);
    new.adopt(&there).await.unwrap();
    assert_eq!(told(&old, &project()).await, told(&new, &project()).await);
    old.close().await;
    new.close().await;
    // And back again, to a third.
    let third = elsewhere(&full.home).await;
    let back = Move { from: other.config.clone(), to: third.config.clone(), artifacts: None };
    let returned = migrate(back, Arc::new(SystemClock)).await.unwrap();
    assert_eq!(
        returned.tables.iter().find(|(name, _)| name == "metric"),
        summary.tables.iter().find(|(name, _)| name == "metric")
    );
    other.drop_database().await;
    third.drop_database().await;
}

/// A database as the first release left it.
async fn first_release(home: &Home) {
    let (schema, checksum) = if home.is_postgres() {
        (
            include_str!("../../migrations/postgres/0001_first.sql"),
            "51e666230518f32e08751274c9b592dde5b43da389110b70d560e2f7a855113d08e03de4d8b5e99ded4381399bcbc4f8",
        )
    } else {
        (
            include_str!("../../migrations/sqlite/0001_first.sql"),
            "d8ea8441d0a59d11de3d0b8558cb8bc2a41dde84e2c1c7e873ebad69446b187814e5b51dcb5661419478a501cce53384",
        )
    };
    let (applied, hex) =
        if home.is_postgres() { ("BYTEA", format!("'\\x{checksum}'")) } else { ("BLOB", format!("x'{checksum}'")) };
    let note = format!(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
         checksum {applied} NOT NULL, execution_time BIGINT NOT NULL); \
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (1, 'first', TRUE, {hex}, 1);"
    );
    if !home.is_postgres() {
        std::fs::create_dir_all(&home.config.data).unwrap();
        std::fs::File::create(home.config.data.join("weft.db")).unwrap();
    }
    for sql in [schema.to_owned(), note, include_str!("../fixtures/first.sql").to_owned()] {
        home.run_sql(sql.leak()).await;
    }
}

async fn what_the_first_release_left_is_opened_backed_up_and_moved(home: Home) {
    first_release(&home).await;
    // As it is, without a change.
    let artifacts = artifacts_of(&home).await;
    let database = Database::source(&home.config, Arc::new(SystemClock)).await.unwrap();
    let parts =
        BackupParts { database: &database, artifacts: None, key: None, release: RELEASE, now: home.clock.now() };
    let file = home.folder().join("first.tar.gz");
    let summary = Backup::prepare(parts).await.unwrap().write(std::fs::File::create(&file).unwrap()).await.unwrap();
    database.close().await;
    assert!(
        summary.tables.contains(&("step".to_owned(), 5)) && !summary.tables.iter().any(|(name, _)| name == "token")
    );
    // An older backup comes into a new database, which is then brought up to date.
    let other = elsewhere(&home).await;
    restore(file, other.config.clone(), artifacts, Arc::new(SystemClock)).await.unwrap();
    let (upgraded, restored) = (home.store().await, other.store().await);
    let all = PageRequest { limit: Some(100), after: None };
    for store in [&upgraded, &restored] {
        let run = store.runs(&project(), &RunFilter::default(), &all).await.unwrap().items.remove(0);
        assert_eq!((run.spec.name(), run.state.as_str()), ("first", "done"));
        assert_eq!(store.metrics(run.spec.id).await.unwrap().len(), 8);
        let hello = store.revision(&project(), &FunctionRef::from(name("handler"))).await.unwrap();
        assert_eq!(hello.number, 1);
        assert_eq!(store.endpoints(&project()).await.unwrap().len(), 1);
        assert_eq!(store.audit(&project(), None, &all).await.unwrap().items.len(), 6);
    }
    upgraded.close().await;
    restored.close().await;
    other.drop_database().await;
}

/// A running host's project in a file.
async fn exported(store: &Store, with_runs: bool) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let export = store.export(project(), with_runs, RELEASE).await.unwrap();
    export.write(file.reopen().unwrap()).await.unwrap();
    std::fs::read(file.path()).unwrap()
}

async fn imported(store: &Store, file: &[u8], as_name: Option<&str>) -> Result<Summary, TransferError> {
    let pieces: Vec<_> = file.chunks(1_000).map(|it| Ok(Raw::copy_from_slice(it))).collect();
    store.import(Box::pin(stream::iter(pieces)), 1 << 30, as_name.map(name), "bob").await
}

/// Without what stays behind: audit events, and runs that are not over.
fn portable(mut told: serde_json::Value) -> serde_json::Value {
    told.as_object_mut().unwrap().remove("audit");
    told
}

async fn a_project_becomes_an_equal_one_elsewhere(home: Home) {
    let full = Full::new(home).await;
    let other = elsewhere(&full.home).await;
    let (here, there) = (full.home.store().await, other.store().await);
    let bytes = artifacts_of(&other).await;
    here.adopt(&artifacts_of(&full.home).await).await.unwrap();
    there.adopt(&bytes).await.unwrap();
    Worker::new(&here).finish().await;
    let file = exported(&here, true).await;
    let summary = imported(&there, &file, None).await.unwrap();
    assert_eq!((summary.project, summary.artifacts), (Some(project()), Some(2)));
    assert_eq!(portable(told(&here, &project()).await), portable(told(&there, &project()).await));
    let again = imported(&there, &file, None).await;
    assert!(matches!(&again, Err(TransferError::Exists(_))), "{again:?}");
    let cut = imported(&there, &file[..file.len() - 20], Some("cut")).await;
    assert!(matches!(&cut, Err(TransferError::Archive(_))), "{cut:?}");
    here.close().await;
    there.close().await;
    other.drop_database().await;
}

async fn a_project_becomes_an_equal_one_under_another_name(home: Home) {
    let full = Full::new(home).await;
    let store = full.home.store().await;
    store.adopt(&artifacts_of(&full.home).await).await.unwrap();
    let file = exported(&store, true).await;
    let taken = imported(&store, &file, Some("copy")).await;
    assert!(matches!(&taken, Err(TransferError::RouteTaken(_))), "{taken:?}");
    store.delete(&project(), &name("hello"), "ann").await.unwrap();
    imported(&store, &file, Some("copy")).await.unwrap();
    let all = PageRequest { limit: Some(100), after: None };
    let copy = name("copy");
    let runs = store.runs(&copy, &RunFilter::default(), &all).await.unwrap().items;
    assert_eq!(runs.len(), 1, "one that is not over stays behind");
    let before = store.runs(&project(), &RunFilter::default(), &all).await.unwrap().items;
    let original = before.iter().find(|it| it.spec.pipeline == runs[0].spec.pipeline).unwrap();
    assert!(runs[0].spec.id != original.spec.id && runs[0].spec.project == copy);
    let (new, old) = (store.steps(runs[0].spec.id).await.unwrap(), store.steps(original.spec.id).await.unwrap());
    let outputs =
        |steps: &[host_core::run::StepRecord]| format!("{:?}", steps.iter().map(|it| &it.outputs).collect::<Vec<_>>());
    assert_eq!(outputs(&new), outputs(&old));
    let light = exported(&store, false).await;
    let summary = imported(&store, &light, Some("light")).await.unwrap();
    assert!(!summary.tables.iter().any(|(name, _)| name == "run"));
    assert_eq!(store.versions(&name("light"), &name("wine")).await.unwrap().len(), 1);
    store.close().await;
}

#[tokio::test]
async fn every_table_of_both_schemas_is_in_a_backup() {
    let mut columns = Vec::new();
    for home in [Some(Home::sqlite()), Home::postgres().await].into_iter().flatten() {
        let store = home.store().await;
        let file = tempfile::NamedTempFile::new().unwrap();
        let backup = store.backup(Bytes::Stay, RELEASE).await.unwrap();
        let summary = backup.write(file.reopen().unwrap()).await.unwrap();
        let there: Vec<String> = tables_by_hand(&home).await;
        let mut covered: Vec<String> = summary.tables.into_iter().map(|(name, _)| name).collect();
        covered.sort();
        assert_eq!(covered, there);
        columns.push(covered);
        store.close().await;
        home.drop_database().await;
    }
    assert!(columns.windows(2).all(|it| it[0] == it[1]), "both databases have the same tables");
}

/// The tables as the database's own catalogue has them.
async fn tables_by_hand(home: &Home) -> Vec<String> {
    use sqlx::{Connection as _, Row as _};
    let names: Vec<String> = match &home.config.url {
        Some(url) => {
            let sql = "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public'";
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query(sql).fetch_all(&mut connection).await.unwrap().iter().map(|it| it.get(0)).collect()
        }
        None => {
            let file = format!("sqlite://{}", home.config.data.join("weft.db").display());
            let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'";
            sqlx::query(sql).fetch_all(&mut connection).await.unwrap().iter().map(|it| it.get(0)).collect()
        }
    };
    let mut names: Vec<String> =
        names.into_iter().filter(|it| it != "_sqlx_migrations" && !it.starts_with("sqlite_")).collect();
    names.sort();
    names
}
