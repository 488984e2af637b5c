//! Which faults happen when: dealt like cards from a seed, so that a run can be repeated and no kind of fault is forgotten.

use std::{fmt, time::Duration};

use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A host dies as in a power cut, and comes back.
    Kill,
    /// A host stands still and goes on as if nothing had happened.
    Freeze,
    /// One more host joins, and leaves in good order.
    Join,
    /// All connections to Kafka break.
    CutKafka,
    /// All connections to RabbitMQ break.
    CutRabbit,
    /// All connections to Postgres break.
    CutPostgres,
    /// New revisions of all functions are deployed.
    Deploy,
    /// Another model arrives as a message and takes the place of the one in force.
    Swap,
    /// The triggers are paused and resumed.
    Pause,
    /// Kafka dies as in a power cut, and comes back.
    RestartKafka,
    /// RabbitMQ dies as in a power cut, and comes back.
    RestartRabbit,
}

impl Kind {
    /// All of them, with their names.
    pub(crate) const ALL: [(&str, Self); 11] = [
        ("kill", Self::Kill),
        ("freeze", Self::Freeze),
        ("join", Self::Join),
        ("cut-kafka", Self::CutKafka),
        ("cut-rabbitmq", Self::CutRabbit),
        ("cut-postgres", Self::CutPostgres),
        ("deploy", Self::Deploy),
        ("swap", Self::Swap),
        ("pause", Self::Pause),
        ("restart-kafka", Self::RestartKafka),
        ("restart-rabbitmq", Self::RestartRabbit),
    ];
}

/// One fault: to which host it happens, where it happens to one, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) host: usize,
    pub(crate) lasts: Duration,
}

/// What happens when, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    pub(crate) steps: Vec<(Duration, Fault)>,
}

impl Plan {
    /// Faults of these kinds, one about every so often: each kind once before any comes again.
    pub(crate) fn of(seed: u64, kinds: &[Kind], hosts: usize, every: Duration, length: Duration) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut deck = Vec::new();
        let mut steps = Vec::new();
        let mut from = Duration::ZERO;
        while from + every * 2 <= length {
            if deck.is_empty() {
                deck = kinds.to_vec();
                deck.shuffle(&mut random);
            }
            let Some(kind) = deck.pop() else { break };
            let at = from + every.mul_f64(random.random_range(0.7..1.3));
            steps.push((at, Fault::of(kind, hosts, &mut random)));
            from += every;
        }
        Self { seed, length, steps }
    }

    /// How many of its faults are of one of these kinds.
    pub(crate) fn count(&self, kinds: &[Kind]) -> usize {
        self.steps.iter().filter(|(_, fault)| kinds.contains(&fault.kind)).count()
    }
}

impl Fault {
    fn of(kind: Kind, hosts: usize, random: &mut ChaCha8Rng) -> Self {
        // Short enough that nobody notices, and long enough that a group takes the host for dead.
        let millis = match kind {
            Kind::Freeze => random.random_range(500..8_000),
            Kind::Kill | Kind::Join => random.random_range(0..4_000),
            _ => random.random_range(0..1_500),
        };
        Self { kind, host: random.random_range(0..hosts), lasts: Duration::from_millis(millis) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, seconds) = (self.host + 1, self.lasts.as_secs_f64());
        match self.kind {
            Kind::Kill => write!(f, "kill -9 host {host}, back after {seconds:.1} s"),
            Kind::Freeze => write!(f, "freeze host {host} for {seconds:.1} s"),
            Kind::Join => write!(f, "one more host joins, and leaves after {seconds:.1} s"),
            Kind::CutKafka => write!(f, "cut Kafka off for {seconds:.1} s"),
            Kind::CutRabbit => write!(f, "cut RabbitMQ off for {seconds:.1} s"),
            Kind::CutPostgres => write!(f, "cut Postgres off for {seconds:.1} s"),
            Kind::Deploy => write!(f, "deploy new revisions by host {host}"),
            Kind::Swap => write!(f, "another model arrives"),
            Kind::Pause => write!(f, "pause the triggers by host {host} for {seconds:.1} s"),
            Kind::RestartKafka => write!(f, "kill -9 Kafka and start it again"),
            Kind::RestartRabbit => write!(f, "kill -9 RabbitMQ and start it again"),
        }
    }
}

#[test]
fn every_kind_of_fault_happens_before_any_happens_again() {
    let kinds = [Kind::Kill, Kind::Freeze, Kind::Deploy, Kind::Pause];
    let plan = Plan::of(7, &kinds, 2, Duration::from_secs(3), Duration::from_secs(30));
    assert_eq!(plan.steps.len(), 9);
    for round in plan.steps.chunks_exact(kinds.len()) {
        let mut dealt: Vec<Kind> = round.iter().map(|(_, fault)| fault.kind).collect();
        dealt.sort_unstable();
        assert_eq!(dealt, kinds);
    }
    assert!(plan.steps.is_sorted_by_key(|(at, _)| *at), "{plan:?}");
    assert!(plan.steps.iter().all(|(at, fault)| *at < plan.length && fault.host < 2));
}

#[test]
fn a_seed_makes_the_same_plan_again() {
    let plan = |seed| Plan::of(seed, &[Kind::Kill, Kind::Join], 2, Duration::from_secs(2), Duration::from_secs(60));
    assert_eq!(plan(1), plan(1));
    assert_ne!(plan(1), plan(2));
}
