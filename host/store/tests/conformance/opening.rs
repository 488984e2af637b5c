//! Opening, closing, and databases that cannot be used.

use std::sync::Arc;

use host_core::{
    clock::SystemClock,
    ports::Journal as _,
    size::{ByteSize, Millis},
};
use host_store::{ArtifactStore, Config, OpenError, Store};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::home::{DIAMOND, Home, Worker, new_run};

crate::facts! {
    a_database_can_be_opened_again_and_still_knows,
    a_newer_schema_is_refused,
    another_artifact_store_is_refused,
    people_can_ask_the_views,
}

async fn a_database_can_be_opened_again_and_still_knows(home: Home) {
    let store = home.store().await;
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    store.close().await;
    let store = home.store().await;
    assert_eq!(store.run(run.spec.id).await.unwrap(), run);
    store.ping().await.unwrap();
    store.close().await;
    assert!(store.ping().await.is_err());
}

async fn a_newer_schema_is_refused(home: Home) {
    home.store().await.close().await;
    let later = if home.is_postgres() {
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, '\\x00', 1)"
    } else {
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 1)"
    };
    home.run_sql(later).await;
    let error = Store::open(&home.config, Arc::new(SystemClock)).await.err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error}");
    assert!(error.to_string().contains("newer release"), "{error}");
}

async fn another_artifact_store_is_refused(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let ours = ArtifactStore::open(&home.folder().join("ours"), &SystemClock).await.unwrap();
    let others = ArtifactStore::open(&home.folder().join("others"), &SystemClock).await.unwrap();
    first.adopt(&ours).await.unwrap();
    second.adopt(&ours).await.unwrap();
    let again = ArtifactStore::open(&home.folder().join("ours"), &SystemClock).await.unwrap();
    second.adopt(&again).await.unwrap();
    assert!(matches!(second.adopt(&others).await, Err(OpenError::OtherArtifacts { .. })));
}

async fn people_can_ask_the_views(home: Home) {
    let store = home.store().await;
    store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    home.tick();
    Worker::new(&store).finish().await;
    store.close().await;
    let sql = "SELECT r.state, CAST(r.params ->> 'b' AS TEXT) AS b, CAST(r.finished_at AS TEXT) AS at, a.name, \
               CAST(a.metadata ->> 'rows' AS TEXT) AS rows, CAST(r.duration_ms AS TEXT) AS ms \
               FROM runs r JOIN artifacts a ON a.run = r.id ORDER BY a.name";
    let row: (String, String, String, String, String, String) = match &home.config.url {
        Some(url) => sqlx::query_as(sql).fetch_one(&mut PgConnection::connect(url).await.unwrap()).await.unwrap(),
        None => {
            let file = format!("sqlite://{}", home.config.data.join("weft.db").display());
            sqlx::query_as(sql).fetch_one(&mut SqliteConnection::connect(&file).await.unwrap()).await.unwrap()
        }
    };
    assert_eq!((row.0.as_str(), row.1.as_str(), row.3.as_str(), row.4.as_str()), ("done", "1", "data", "3"));
    assert!(row.2.starts_with("20"), "{}", row.2);
    assert!(row.5.parse::<f64>().unwrap() > 0.0);
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_process() {
    let home = Home::sqlite();
    let store = home.store().await;
    let error = Store::open(&home.config, Arc::new(SystemClock)).await.err().unwrap();
    assert!(
        matches!(&error, OpenError::InUse { process: Some(it), .. } if *it == std::process::id().to_string()),
        "{error}"
    );
    assert!(error.to_string().contains(&home.config.data.display().to_string()));
    store.close().await;
    home.store().await;
}

#[tokio::test]
async fn a_dropped_store_gives_the_folder_free() {
    let home = Home::sqlite();
    drop(home.store().await);
    // Its tasks hold on to the connections until they have noticed; the lock goes with the handle.
    home.store().await;
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_room_brings_it_back() {
    let home = Home::sqlite();
    let small = Config { max_size: Some(ByteSize(800 << 10)), ..home.config.clone() };
    let store = Store::open(&small, Arc::new(home.clock.clone())).await.unwrap();
    let mut error = None;
    let mut written = Vec::new();
    for _ in 0..10_000 {
        match store.submit(new_run(DIAMOND)).await {
            Ok(run) => written.push(run),
            Err(full) => {
                error = Some(full.to_string());
                break;
            }
        }
    }
    assert!(error.as_ref().is_some_and(|it| it.contains("database is full")), "{error:?}");
    // Reading still works, and so does the writer: it fails again rather than for another reason.
    assert_eq!(store.run(written[0].spec.id).await.unwrap(), written[0]);
    let again = store.submit(new_run(DIAMOND)).await.err().unwrap().to_string();
    assert!(again.contains("database is full"), "{again}");
    store.close().await;
    let store = home.store().await;
    assert_eq!(store.run(written[0].spec.id).await.unwrap(), written[0]);
    store.submit(new_run(DIAMOND)).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let config = Config { patience: Millis(300), ..Config::postgres("postgres://weft:secret@127.0.0.1:1/weft") };
    let error = Store::open(&config, Arc::new(SystemClock)).await.err().unwrap().to_string();
    assert!(error.contains("postgres://weft:…@127.0.0.1:1/weft"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let config = Config::postgres("mysql://db/weft");
    assert!(matches!(Store::open(&config, Arc::new(SystemClock)).await, Err(OpenError::Url(_))));
}

#[tokio::test]
async fn a_store_in_memory_is_a_store() {
    let store = Store::memory(Arc::new(SystemClock)).await.unwrap();
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    assert_eq!(Worker::new(&store).finish().await, ["a", "b", "c", "d"]);
    assert!(store.run(run.spec.id).await.unwrap().state.is_over());
}
