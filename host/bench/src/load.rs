//! The load: many connections with one request at a time each, in a process of its own so that its CPU is not counted.

mod connection;
mod request;
mod response;
mod tally;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio::{task::JoinSet, time};

use self::{connection::Connection, tally::Tally};
pub(crate) use self::{request::Request, tally::Outcome};
use crate::{args::LoadArgs, child, places::Places, talk};

/// How long after its end a load may still wait for answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// `host-bench load`: loads and prints the outcome as JSON.
pub(crate) fn run(args: &LoadArgs) -> Result<ExitCode> {
    ensure!(args.url.scheme_str() == Some("http"), "could not load {}: only http is spoken", args.url);
    let authority = args.url.authority().context("could not load an address without a host")?;
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let address = address.to_socket_addrs().ok().and_then(|mut it| it.next());
    let address = address.with_context(|| format!("could not find {authority}"))?;
    let bytes = Request::of(args)?.encode(authority.as_str());
    // One thread, as other load generators have it: the rest of the machine is the server's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let duration = Duration::from_secs_f64(args.seconds);
    let outcome = runtime.block_on(load(address, bytes, args.connections, duration));
    talk::answer(serde_json::to_string(&outcome)?);
    Ok(ExitCode::SUCCESS)
}

/// Loads `url` from a process of its own.
pub(crate) fn measure(
    places: &Places,
    url: &str,
    request: &Request,
    connections: u16,
    seconds: f64,
) -> Result<Outcome> {
    let mut command = places.ourselves();
    command.args(["load", &format!("{url}{}", request.path)]);
    command.args(["--connections", &connections.to_string(), "--seconds", &seconds.to_string()]);
    command.args(request.args());
    let limit = Duration::from_secs_f64(seconds) + 2 * PATIENCE;
    let text = child::output("the load", &mut command, limit)?;
    serde_json::from_str(&text).context("could not read the outcome of the load")
}

async fn load(address: SocketAddr, request: Bytes, connections: u16, duration: Duration) -> Outcome {
    let start = Instant::now();
    let until = start + duration;
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(drive(address, request.clone(), until));
    }
    // It ends with the runtime.
    tokio::spawn(stay_awake());
    let mut all = Tally::default();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(tally) => all.add(tally),
            Err(error) => all.fail(error),
        }
    }
    all.outcome(start.elapsed())
}

/// Keeps the load from sleeping between two answers. The server would pay for waking it, and the more often the longer
/// an answer takes; clients on other machines are woken by their own.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// One connection, asking until the time is over.
async fn drive(address: SocketAddr, request: Bytes, until: Instant) -> Tally {
    let mut tally = Tally::default();
    let asked = ask_until(address, &request, until, &mut tally);
    match time::timeout_at((until + PATIENCE).into(), asked).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tally.fail(error),
        Err(_) => tally.fail(format_args!("no answer within {} s", PATIENCE.as_secs())),
    }
    tally
}

async fn ask_until(address: SocketAddr, request: &[u8], until: Instant, tally: &mut Tally) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    while Instant::now() < until {
        let start = Instant::now();
        let reopen = match connection.ask(request).await {
            Ok(answer) => {
                tally.answered(start.elapsed(), &answer, connection.body(&answer));
                connection.forget(&answer);
                answer.closes
            }
            Err(error) => {
                tally.fail(format_args!("{error:#}"));
                true
            }
        };
        if reopen {
            connection = Connection::open(address).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
