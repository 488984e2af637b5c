//! `cargo xtask chaos`: the long form of the test that breaks everything around two hosts, brokers included.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{
    command::{self, cargo},
    guests, interrupt, kafka, moto,
    prepare::{self, Install},
    servers::Servers,
    talk,
};

/// The variable that says for how many minutes.
const MINUTES: &str = "WEFT_TEST_CHAOS_MINUTES";
/// The variable that names the seed.
const SEED: &str = "WEFT_TEST_CHAOS_SEED";
/// The variable that names the faults.
const FAULTS: &str = "WEFT_TEST_CHAOS_FAULTS";
/// The variable that says where brokers are restarted when asked to.
const BROKERS: &str = "WEFT_TEST_CHAOS_BROKERS";

/// The test, as cargo finds it.
const TEST: &str = "chaos::streams_survive_for_as_long_as_asked";

/// How long whoever asks for a restart may take to say of what.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// How long, and which faults.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For how long things break
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
    /// Deals the faults; the same seed deals the same ones
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these faults, such as `kill,cut-kafka,restart-kafka`
    #[arg(long, value_delimiter = ',', value_name = "FAULT")]
    faults: Vec<String>,
}

/// Starts the servers, then runs the test, which asks us to restart brokers now and then.
pub(crate) fn run(args: &Args) -> Result<()> {
    let mut needs = vec![prepare::C_COMPILER, prepare::PKG_CONFIG];
    needs.extend(prepare::SERVERS);
    prepare::system(&needs, Install::Allowed)?;
    moto::install(Install::Allowed)?;
    kafka::install(Install::Allowed)?;
    guests::build()?;
    let mut servers = Servers::start()?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("could not listen for requests to restart")?;
    listener.set_nonblocking(true)?;
    let mut test = cargo(["test", "--package", "host-cli", "--test", "it", "--", "--exact", TEST, "--nocapture"]);
    test.envs(servers.variables()).env(MINUTES, args.minutes.to_string()).env(SEED, args.seed.to_string());
    test.env(FAULTS, args.faults.join(",")).env(BROKERS, listener.local_addr()?.to_string());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| restart_when_asked(&listener, &mut servers, &is_over));
        let result = command::run(&mut test);
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

/// Restarts the broker that whoever connects names, and answers when it is back.
fn restart_when_asked(listener: &TcpListener, servers: &mut Servers, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((asker, _)) => {
                if let Err(error) = answer(&asker, servers) {
                    // The test sees no answer and fails; here is why.
                    talk::say(format_args!("could not restart a broker: {error:#}"));
                }
            }
            Err(_) => thread::sleep(interrupt::GLANCE),
        }
    }
}

fn answer(mut asker: &TcpStream, servers: &mut Servers) -> Result<()> {
    asker.set_nonblocking(false)?;
    asker.set_read_timeout(Some(QUESTION_LIMIT))?;
    let mut broker = String::new();
    BufReader::new(asker).read_line(&mut broker)?;
    match broker.trim() {
        "kafka" => servers.kafka.restart()?,
        "rabbitmq" => servers.rabbitmq.restart()?,
        other => return Err(io::Error::other(format!("no broker is called `{other}`")).into()),
    }
    writeln!(asker, "done")?;
    Ok(())
}
