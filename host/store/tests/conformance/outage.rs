//! A Postgres that goes away for a while, seen through a proxy that can be shut.

use std::sync::Arc;

use host_core::{
    call::Usage,
    clock::Clock as _,
    ports::{Deployments as _, Directory as _, Journal as _, Recorder as _},
    record::{Tally, Verdict},
    size::Millis,
};
use host_store::{Config, Store, TotalsFilter};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::home::{DIAMOND, Home, name, new_run, project, revision};

/// Passes everything on to a server until it is shut.
struct Proxy(JoinHandle<()>);

impl Proxy {
    async fn open(port: u16, server: String) -> (u16, Self) {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(&server).await.unwrap();
                connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        });
        (port, Self(task))
    }

    async fn shut(self) {
        self.0.abort();
        assert!(self.0.await.is_err_and(|it| it.is_cancelled()));
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_missed_and_then_used_again() {
    let Some(home) = Home::postgres().await else {
        println!("not tried on Postgres: `cargo xtask test` does, or set WEFT_TEST_POSTGRES");
        return;
    };
    let url = home.config.url.clone().unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, database) = rest.split_once('/').unwrap();
    let (user, server) = authority.rsplit_once('@').unwrap_or(("postgres", authority));
    let (port, proxy) = Proxy::open(0, server.to_owned()).await;
    let through = format!("{scheme}://{user}@127.0.0.1:{port}/{database}");
    let config = Config { patience: Millis(1_000), ..Config::postgres(through) };
    let store = Store::open(&config, Arc::new(home.clock.clone())).await.unwrap();
    let hello = store.add(revision("name = \"hello\"", "v1")).await.unwrap();
    store.activate(&hello, "ann", "deploy").await.unwrap();
    let run = store.submit(new_run(DIAMOND)).await.unwrap();

    proxy.shut().await;
    let error = store.ping().await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    assert!(error.to_string().contains("try again in a moment"), "{error}");
    assert!(store.submit(new_run(DIAMOND)).await.is_err());
    assert!(store.directory().functions().get(&project(), &name("hello")).is_some(), "what is known goes on answering");
    let tally = Tally {
        revision: hello.id,
        verdict: Verdict::Ok,
        events: 1,
        started_at: home.clock.now(),
        usage: Usage::default(),
    };
    store.recorder().tally(tally);
    store.recorder().flush().await;

    let (_, proxy) = Proxy::open(port, server.to_owned()).await;
    store.ping().await.unwrap();
    assert_eq!(store.run(run.spec.id).await.unwrap(), run);
    store.recorder().flush().await;
    let filter = TotalsFilter { function: None, since: home.clock.now(), until: None, every_s: 1 };
    assert_eq!(store.totals(&project(), &filter).await.unwrap()[0].calls, 1, "totals waited for it");
    store.close().await;
    proxy.shut().await;
    home.drop_database().await;
}
