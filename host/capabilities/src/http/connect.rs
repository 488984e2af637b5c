//! From an origin to an open connection: a name is looked up once, every address checked, and a checked one connected.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use host_core::grant::{Host, Origin, Scheme};
use http::Uri;
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use tower_service::Service;

use super::{
    address::Addresses,
    error::SendError,
    policy::{Passage, Refusal},
    resolve::Resolve,
    tls::Tls,
    wire::Wire,
};

/// The most addresses of one name that are tried.
const TRIED: usize = 8;

/// Makes connections for one kind of passage.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) network: Arc<Network>,
    /// The function's part of the host's connections.
    pub(super) places: Arc<Semaphore>,
    pub(super) addresses: Addresses,
    pub(super) patience: Duration,
}

/// What all connectors of a host share.
pub(super) struct Network {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: Tls,
    pub(super) places: Arc<Semaphore>,
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Wire, SendError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let origin = Origin::of(&uri).map_err(|error| refused(error.into()))?;
            let passage = Passage { origin, addresses: connector.addresses };
            let patience = connector.patience;
            let connecting = timeout(patience, connector.connect(&passage, patience));
            connecting.await.unwrap_or(Err(SendError::ConnectTimeout(patience.as_millis())))
        })
    }
}

fn refused(refusal: Refusal) -> SendError {
    SendError::Refused(Box::new(refusal))
}

impl Connector {
    async fn connect(&self, passage: &Passage, patience: Duration) -> Result<Wire, SendError> {
        let deadline = Instant::now() + patience;
        let place = [place(&self.places).await?, place(&self.network.places).await?];
        let addresses = self.network.addresses(passage).await?;
        let tcp = first(passage, &addresses, deadline).await?;
        match passage.origin.scheme {
            Scheme::Http => Ok(Wire::new(tcp, false, place)),
            Scheme::Https => {
                let name = server_name(&passage.origin.host)?;
                let connector = self.network.tls.connector().await.map_err(SendError::Tls)?;
                let tls = connector.connect(name, tcp).await.map_err(|error| tls_failed(&error))?;
                let speaks_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                Ok(Wire::new(tls, speaks_h2, place))
            }
        }
    }
}

impl Network {
    /// Every address of the host, all of them allowed: a name with one forbidden address is not trusted with others.
    async fn addresses(&self, passage: &Passage) -> Result<Vec<IpAddr>, SendError> {
        let found = match &passage.origin.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let nowhere = |why: String| SendError::NoAddress { name: name.clone(), why };
                let found = self.resolver.resolve(name).await.map_err(|error| nowhere(error.to_string()))?;
                if found.is_empty() {
                    return Err(nowhere("nothing was found".into()));
                }
                found
            }
        };
        for address in &found {
            passage.check_address(*address).map_err(refused)?;
        }
        Ok(found)
    }
}

async fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, SendError> {
    places.clone().acquire_owned().await.map_err(|_| SendError::Busy)
}

/// A connection to the first address that answers; each may take its share of the time that is left.
async fn first(passage: &Passage, addresses: &[IpAddr], deadline: Instant) -> Result<TcpStream, SendError> {
    let tried = addresses.len().min(TRIED);
    let mut last = SendError::ConnectTimeout(0);
    for (number, address) in (0_u32..).zip(&addresses[..tried]) {
        let left = u32::try_from(tried).unwrap_or(1).saturating_sub(number).max(1);
        let until = Instant::now() + deadline.saturating_duration_since(Instant::now()) / left;
        let unreachable = |why: String| SendError::Unreachable(passage.origin.to_string(), why);
        let to = SocketAddr::new(*address, passage.origin.port);
        last = match timeout_at(until, TcpStream::connect(to)).await {
            Ok(Ok(tcp)) => {
                // Requests go out at once; where the system refuses that, they go out all the same.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => unreachable(error.to_string()),
            Err(_) => unreachable("it did not answer".into()),
        };
    }
    Err(last)
}

fn server_name(host: &Host) -> Result<ServerName<'static>, SendError> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| SendError::Tls(error.to_string())),
    }
}

fn tls_failed(error: &io::Error) -> SendError {
    let cause = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(why)) => SendError::Certificate(why.to_string()),
        _ => SendError::Tls(error.to_string()),
    }
}
