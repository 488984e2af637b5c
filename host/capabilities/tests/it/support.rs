//! Servers on ports of their own, resolvers that answer as they are told, and ways out under a manifest's entries.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use host_capabilities::http::{Client, Config, Download, Options, Policy, Reach, Resolve, SendError};
use host_core::manifest::Manifest;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Answers names with lists of addresses, one list per question; the last list again and again.
#[derive(Default)]
pub(crate) struct Names {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn of(answers: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let addresses = |list: &&[&str]| list.iter().map(|it| it.parse().unwrap()).collect();
        let answers = answers.iter().map(|(name, lists)| ((*name).to_owned(), lists.iter().map(addresses).collect()));
        Arc::new(Self { answers: Mutex::new(answers.collect()), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let lists = answers.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        if lists.len() > 1 { Ok(lists.pop_front().unwrap()) } else { Ok(lists[0].clone()) }
    }
}

/// A server that counts its connections and answers each with `serve`.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = accepted.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Relaxed);
                tokio::spawn(serve(connection));
            }
        });
        Self { address, accepted }
    }

    /// A server that answers every request of every connection with the same bytes.
    pub(crate) async fn saying(answer: impl Into<String>) -> Self {
        let answer: Arc<str> = answer.into().into();
        Self::start(move |mut connection| {
            let answer = answer.clone();
            async move {
                while head(&mut connection).await.is_some() {
                    if connection.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Relaxed)
    }
}

/// The head of the next request of a connection.
pub(crate) async fn head(connection: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = connection.read_u8().await.ok()?;
        head.push(byte);
    }
    String::from_utf8(head).ok()
}

/// A small answer that keeps its connection.
pub(crate) const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

pub(crate) fn client(names: Arc<dyn Resolve>, config: Config) -> Client {
    Client::with_resolver(config, names).unwrap()
}

/// What these entries of `[grants] http` allow.
pub(crate) fn policy(entries: &str) -> Policy {
    let manifest = Manifest::parse(&format!("name = \"x\"\n[grants]\nhttp = [{entries}]\n")).unwrap();
    Policy::of(&manifest.grants.http)
}

pub(crate) fn reach(names: Arc<dyn Resolve>, entries: &str) -> Reach {
    client(names, Config::default()).reach(policy(entries))
}

/// Sends `METHOD URL`, which the policy has to allow.
pub(crate) async fn send(reach: &Reach, request: &str, body: &str) -> Result<Response<Download>, SendError> {
    let (method, url) = request.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(url).body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let passage = reach.check(request.method(), request.uri()).map_err(|it| SendError::Refused(Box::new(it)))?;
    reach.send(&passage, request, Options::default()).await
}

/// Sends a request and reads its answer as text.
pub(crate) async fn text(reach: &Reach, request: &str) -> Result<String, SendError> {
    let body = send(reach, request, "").await?.into_body().collect().await?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}
