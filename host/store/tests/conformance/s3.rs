//! A bucket for one test, on the server of `WEFT_TEST_S3`, and a proxy that makes it fail.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use host_core::{
    clock::SystemClock,
    size::{ByteSize, Millis},
};
use host_store::{
    ArtifactStore, Config, OpenError,
    objects::{self, Hidden, S3},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use uuid::Uuid;

/// What only the tests and the server know.
pub(crate) const SECRET: &str = "canary-secret-access-key";

/// A bucket, and folders for caches.
pub(crate) struct Bucket {
    /// `127.0.0.1:PORT`.
    pub(crate) server: String,
    pub(crate) name: String,
    folder: TempDir,
}

impl Bucket {
    /// A fresh bucket, if there is a server.
    #[expect(clippy::print_stdout, reason = "whoever runs the tests learns what was left out")]
    pub(crate) async fn fresh() -> Option<Self> {
        let Ok(url) = std::env::var("WEFT_TEST_S3") else {
            println!("not tried on S3: `cargo xtask test` does, or set WEFT_TEST_S3");
            return None;
        };
        let server = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let name = format!("weft-{}", Uuid::now_v7().simple());
        let bucket = Self { server, name, folder: tempfile::tempdir().unwrap() };
        let made = bucket.ask("PUT", "").await;
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        Some(bucket)
    }

    /// Asks the server behind the store's back; `path` begins after the bucket.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> String {
        let head = format!("{method} /{}{path} HTTP/1.1\r\nhost: {}\r\n", self.name, self.server);
        String::from_utf8_lossy(&exchange(&self.server, &head, b"").await).into_owned()
    }

    /// Puts an object there.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) {
        let head = format!(
            "PUT /{}/{key} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
            self.name,
            self.server,
            bytes.len()
        );
        let answer = exchange(&self.server, &head, bytes).await;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// How many uploads were begun and neither finished nor aborted.
    pub(crate) async fn unfinished(&self) -> usize {
        self.ask("GET", "?uploads").await.matches("<UploadId>").count()
    }

    pub(crate) fn objects(&self, server: &str) -> objects::Config {
        let s3 = S3 {
            endpoint: Some(format!("http://{server}")),
            region: Some("us-east-1".into()),
            access_key_id: Some("tester".into()),
            secret_access_key: Some(Hidden::new(SECRET)),
            ..S3::default()
        };
        objects::Config { s3, retries: 4, idle: Millis(2_000), ..objects::Config::default() }
    }

    /// The store at `prefix`, asked through `server`, with a cache of its own of `cache` bytes.
    pub(crate) async fn store(&self, server: &str, prefix: &str, cache: u64) -> Result<ArtifactStore, OpenError> {
        let artifacts = Some(format!("s3://{}/{prefix}", self.name));
        let config = Config { artifacts, cache: ByteSize(cache), ..Config::default() };
        // Every host of the same folder has a cache of its own.
        ArtifactStore::configured(&config, &self.objects(server), self.folder.path(), &SystemClock).await
    }

    /// The store straight from the server, with nothing in its cache.
    pub(crate) async fn cold(&self) -> ArtifactStore {
        let fresh = tempfile::tempdir().unwrap().keep();
        let artifacts = Some(format!("s3://{}/weft", self.name));
        let config = Config { artifacts, ..Config::default() };
        ArtifactStore::configured(&config, &self.objects(&self.server), &fresh, &SystemClock).await.unwrap()
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server says 500.
    Broken,
    /// The server says 403.
    Forbidden,
    /// It never gets there: the connection is closed.
    Lost,
    /// It is done, and nobody hears of it.
    Unanswered,
    /// The answer breaks off in the middle of its body.
    HalfAnswered,
    /// The answer stops in the middle of its body, and the connection stays open.
    Stalled,
    /// One byte of the answer's body is another.
    Changed,
}

/// A server between the store and the bucket; requests whose first line fits are met by faults, in order.
pub(crate) struct Proxy {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Requests whose head contains `what` meet `faults`, one each; all others pass.
    pub(crate) async fn open(server: &str, what: &'static str, faults: impl IntoIterator<Item = Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let faults = Arc::new(Mutex::new(faults.into_iter().collect::<VecDeque<_>>()));
        let (server, seen) = (server.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let heads = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults, heads) = (server.clone(), faults.clone(), heads.clone());
                tokio::spawn(async move {
                    // A client that goes away is what some tests are about.
                    let _ = pass(client, &server, what, &faults, &heads).await;
                });
            }
        });
        Self { address, seen, task }
    }

    /// The heads of all requests so far, in small letters.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn pass(
    mut client: TcpStream,
    server: &str,
    what: &str,
    faults: &Mutex<VecDeque<Fault>>,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let end = loop {
        if let Some(end) = request.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let small = head.to_lowercase();
    let length = small.lines().find_map(|it| it.strip_prefix("content-length: ")).map_or(0, |it| it.parse().unwrap());
    while request.len() < end + 4 + length {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    seen.lock().unwrap().push(small);
    let fault = if head.contains(what) { faults.lock().unwrap().pop_front() } else { None };
    let status = |line: &str| format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    match fault {
        Some(Fault::Lost) => return Ok(()),
        Some(Fault::Broken) => return client.write_all(status("500 Internal Server Error").as_bytes()).await,
        Some(Fault::Forbidden) => return client.write_all(status("403 Forbidden").as_bytes()).await,
        _ => {}
    }
    let answer = exchange(server, &format!("{head}\r\n"), &request[end + 4..]).await;
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n").map_or(answer.len(), |it| it + 4);
    let half = body + (answer.len() - body) / 2;
    match fault {
        Some(Fault::Unanswered) => Ok(()),
        Some(Fault::HalfAnswered) => client.write_all(&answer[..half]).await,
        Some(Fault::Stalled) => {
            client.write_all(&answer[..half]).await?;
            // Until the client gives up.
            client.read_buf(&mut request).await.map(drop)
        }
        Some(Fault::Changed) => {
            let mut answer = answer;
            answer[half] ^= 1;
            client.write_all(&answer).await
        }
        _ => client.write_all(&answer).await,
    }
}

/// One request over a connection of its own, and everything that comes back. `head` ends with a line end.
async fn exchange(server: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(server).await.unwrap();
    let head: String =
        head.lines().filter(|it| !it.to_lowercase().starts_with("connection:")).flat_map(|it| [it, "\r\n"]).collect();
    connection.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    // A server that says no may close before it has read all.
    let _ = connection.write_all(body).await;
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    answer
}
