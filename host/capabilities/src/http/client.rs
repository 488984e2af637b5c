//! The client behind every outgoing request: pooled connections per function, bounds on number, size and time.
//!
//! It follows no redirects: whoever sent the request sees them and asks anew. It knows no proxies.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use host_core::{grant::TcpGrant, size::Millis};
use http::{Method, Request, Response, Uri};
use http_body::Body;
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{self, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{
    BoxError,
    address::Addresses,
    body::{Count, Download, Turn, Upload},
    config::{Config, Limits},
    connect::{Connector, Network},
    error::{ClientError, SendError},
    head,
    policy::{Passage, Policy, Refusal},
    resolve::{Resolve, SystemResolver},
    tls::Tls,
    wait::{self, Flow, Patience},
};
use crate::tcp;

/// The most header fields of a response.
const FIELDS: usize = 128;

/// The least that HTTP/1 connections read at once.
const SMALLEST_BUFFER: usize = 8 << 10;

/// The way out of one host. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    config: Arc<Config>,
    network: Arc<Network>,
    in_flight: Arc<Semaphore>,
    counts: Arc<Counts>,
}

/// The way out of one function: its policy, its bounds, its connections.
pub struct Reach {
    client: Client,
    policy: Policy,
    limits: Limits,
    pools: Pools,
    in_flight: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

/// What whoever sends a request may ask for. It can only be less than the bounds allow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How long connecting may take.
    pub connect: Option<Duration>,
    /// How long the response may take to begin.
    pub first_byte: Option<Duration>,
    /// How long the response may pause.
    pub between_bytes: Option<Duration>,
    /// When the call is over that sends it, and with it whatever is left of the request and its response.
    pub over: Option<std::time::Instant>,
}

/// What all functions of a host sent since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that a policy refused.
    pub refused: u64,
    /// Requests that got no response.
    pub failed: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of response bodies.
    pub received: u64,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    sent: Count,
    received: Count,
}

type Pool = legacy::Client<Connector, Upload>;

/// One pool per kind of passage: a connection to a private address is only for requests that may go there.
#[derive(Default)]
struct Pools {
    public: OnceLock<Pool>,
    private: OnceLock<Pool>,
    named: OnceLock<Pool>,
}

impl Client {
    /// A client that asks the machine's resolver.
    ///
    /// # Errors
    /// When the operator's root certificates cannot be used.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// A client that asks `resolver`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_resolver(config: Config, resolver: Arc<dyn Resolve>) -> Result<Self, ClientError> {
        let tls = Tls::new(config.roots.as_deref())?;
        let places = semaphore(config.connections);
        Ok(Self {
            network: Arc::new(Network { resolver, tls, places }),
            in_flight: semaphore(config.in_flight),
            counts: Arc::default(),
            config: Arc::new(config),
        })
    }

    /// A way out under `policy`, with the bounds of the configuration. Its connections close with it.
    #[must_use]
    pub fn reach(&self, policy: Policy) -> Reach {
        self.reach_within(policy, self.config.limits())
    }

    /// A way out with bounds of its own.
    #[must_use]
    pub fn reach_within(&self, policy: Policy, limits: Limits) -> Reach {
        let in_flight = semaphore(self.config.per_function);
        let connections = semaphore(self.config.connections_per_function);
        Reach { client: self.clone(), policy, limits, pools: Pools::default(), in_flight, connections }
    }

    /// A way to the servers that `grants` name, for connections without HTTP. They count among the connections of the
    /// host; those of one function have a bound of their own beside that of its requests.
    #[must_use]
    pub fn servers(&self, grants: &[TcpGrant]) -> tcp::Reach {
        let places = [semaphore(self.config.connections_per_function), self.network.places.clone()];
        tcp::Reach::new(grants, self.network.resolver.clone(), places, self.config.connect.duration())
    }

    /// What was sent so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let counts = &self.counts;
        Totals {
            requests: counts.requests.load(Relaxed),
            refused: counts.refused.load(Relaxed),
            failed: counts.failed.load(Relaxed),
            sent: counts.sent.load(Relaxed),
            received: counts.received.load(Relaxed),
        }
    }

    fn pool(&self, addresses: Addresses, places: Arc<Semaphore>, patience: Millis) -> Pool {
        let head = usize::try_from(self.config.head.0).unwrap_or(usize::MAX);
        let network = self.network.clone();
        let connector = Connector { network, places, addresses, patience: patience.duration() };
        legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.config.idle.duration())
            .pool_max_idle_per_host(self.config.idle_connections)
            .http1_max_buf_size(head.max(SMALLEST_BUFFER))
            .http1_max_headers(FIELDS)
            .http2_max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
            .build(connector)
    }
}

impl Reach {
    /// Whether a request of `method` may go to `uri`.
    ///
    /// # Errors
    /// When the policy does not allow it; the refusal is counted.
    pub fn check(&self, method: &Method, uri: &Uri) -> Result<Passage, Refusal> {
        self.policy.check(method, uri).inspect_err(|_| {
            self.client.counts.refused.fetch_add(1, Relaxed);
        })
    }

    /// Sends a request that was checked. Bodies stream both ways; what is left of them is gone when the call is over.
    ///
    /// # Errors
    /// When its name leads to a forbidden address, nobody answers there in time, or a bound is met.
    pub async fn send<B>(
        &self,
        passage: &Passage,
        request: Request<B>,
        options: Options,
    ) -> Result<Response<Download>, SendError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let counts = &self.client.counts;
        counts.requests.fetch_add(1, Relaxed);
        let sent = self.exchange(passage, request.map(|it| it.map_err(Into::into).boxed_unsync()), options).await;
        sent.inspect_err(|error| {
            let counter = if matches!(error, SendError::Refused(_)) { &counts.refused } else { &counts.failed };
            counter.fetch_add(1, Relaxed);
        })
    }

    async fn exchange(
        &self,
        passage: &Passage,
        request: Request<http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>>,
        options: Options,
    ) -> Result<Response<Download>, SendError> {
        let (limits, config, counts) = (&self.limits, &self.client.config, &self.client.counts);
        let patience = Patience {
            connect: shorter(limits.connect, options.connect),
            first_byte: shorter(limits.first_byte, options.first_byte),
        };
        let pause = shorter(limits.between_bytes, options.between_bytes);
        let over = options.over.map(Instant::from_std);
        let request = head::address(request, &passage.origin, config.head.0)?;
        let turn = timeout(patience.connect, self.turn()).await.map_err(|_| SendError::Busy)??;
        let flow = Arc::new(Flow::new());
        let upload = |body| Upload::new(body, limits.request_body.0, over, flow.clone(), counts.sent.clone());
        let mut request = request.map(upload);
        let connection = capture_connection(&mut request);
        let response = self.pool(passage.addresses).request(request);
        let response = wait::head(response, connection, &flow, patience, config.head.0).await?;
        let (head, body) = response.into_parts();
        let body = Download::new(body, turn, limits.response_body.0, pause, over, counts.received.clone())?;
        Ok(Response::from_parts(head, body))
    }

    async fn turn(&self) -> Result<Turn, SendError> {
        let of_function = self.in_flight.clone().acquire_owned().await.map_err(|_| SendError::Busy)?;
        let of_host = self.client.in_flight.clone().acquire_owned().await.map_err(|_| SendError::Busy)?;
        Ok([of_function, of_host])
    }

    fn pool(&self, addresses: Addresses) -> &Pool {
        let pool = match addresses {
            Addresses::Public => &self.pools.public,
            Addresses::Private => &self.pools.private,
            Addresses::Named => &self.pools.named,
        };
        pool.get_or_init(|| self.client.pool(addresses, self.connections.clone(), self.limits.connect))
    }
}

fn semaphore(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)))
}

/// The bound, or less where less is asked for.
fn shorter(bound: Millis, asked: Option<Duration>) -> Duration {
    asked.map_or(bound.duration(), |asked| asked.min(bound.duration()))
}
