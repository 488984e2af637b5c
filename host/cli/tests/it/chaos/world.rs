//! What the faults happen to: hosts on one database, their functions, and the ways to the servers.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{
    kafka,
    plan::{Fault, Kind},
    proxy::Proxy,
    rabbit,
};
use crate::{
    models::Fixture,
    postgres::Database,
    support::{Host, Options, until},
};

/// The variable that says where somebody restarts servers when asked to.
pub(crate) const BROKERS: &str = "WEFT_TEST_CHAOS_BROKERS";

/// The variable that names the faults to happen, where not all are to.
const FAULTS: &str = "WEFT_TEST_CHAOS_FAULTS";

/// What the guest that stamps imports beside.
const GRANTS: &str = "[grants]\nmodel = [\"none\"]\n";

/// What the guest that scores reads.
const SCORER: &str = "[grants]\nmodel = [\"wine\"]\nconfig = { input = \"X\" }\n";

/// The models that take one another's place.
const MODELS: [&str; 3] = ["standard-logistic", "minmax-logistic", "mlp"];

/// How many bytes of records a trigger of a host reads ahead.
const IN_FLIGHT: usize = 16 << 10;

/// How many messages RabbitMQ sends a host ahead.
pub(crate) const PREFETCH: usize = 50;

/// The servers that the hosts work with.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    pub(crate) kafka: String,
    pub(crate) rabbit: String,
    /// Where Kafka listens and where it says it is, for those who come that way.
    detour: Option<(String, String)>,
}

/// The names of what a run reads and writes, unlike those of any other.
#[derive(Debug, Clone)]
pub(crate) struct Names(String);

/// Hosts that share a database, and what stands between them and the servers.
pub(crate) struct World {
    names: Names,
    kafka: String,
    hosts: Vec<Host>,
    revisions: HashSet<String>,
    round: u32,
    /// How many models were sent.
    models: u64,
    brokers: String,
    // After the hosts, which are to stop before what they talk to goes.
    kafka_door: Option<Proxy>,
    rabbit_door: Proxy,
    postgres_door: Proxy,
    _database: Database,
}

impl Servers {
    /// Those that the variables name; where one is missing, whoever runs the tests learns what was left out.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    pub(crate) fn find() -> Option<Self> {
        let found = |name| std::env::var(name).ok();
        let (Some(kafka), Some(rabbit)) = (found("WEFT_TEST_KAFKA"), found("WEFT_TEST_AMQP")) else {
            eprintln!("not tried on brokers: `cargo xtask test` does, or set WEFT_TEST_KAFKA and WEFT_TEST_AMQP");
            return None;
        };
        let detour = found("WEFT_TEST_KAFKA_DETOUR");
        let detour = detour.and_then(|it| it.split_once(',').map(|(to, says)| (to.to_owned(), says.to_owned())));
        Some(Self { kafka, rabbit, detour })
    }

    /// What can happen to those who work with these; of that, only what `FAULTS` names, where it names any.
    pub(crate) fn faults(&self) -> Vec<Kind> {
        let (owned, asked) = (std::env::var(BROKERS).is_ok(), std::env::var(FAULTS));
        let is_possible = |kind: Kind| match kind {
            Kind::CutKafka => self.detour.is_some(),
            Kind::RestartKafka | Kind::RestartRabbit => owned,
            _ => true,
        };
        let is_asked =
            |name: &str| asked.as_ref().map_or(true, |it| it.is_empty() || it.split(',').any(|it| it == name));
        Kind::ALL
            .into_iter()
            .filter(|(name, kind)| is_asked(name) && is_possible(*kind))
            .map(|(_, kind)| kind)
            .collect()
    }
}

impl Names {
    pub(crate) fn fresh() -> Self {
        let folder = tempfile::Builder::new().prefix("").rand_bytes(8).tempdir().unwrap();
        Self(format!("chaos-{}", folder.path().file_name().unwrap().to_str().unwrap()))
    }

    /// What steady senders write: a topic and a queue.
    pub(crate) fn input(&self) -> String {
        format!("{}-in", self.0)
    }

    /// What models arrive on.
    pub(crate) fn models(&self) -> String {
        format!("{}-models", self.0)
    }

    /// What a function's outputs go to.
    pub(crate) fn output(&self, function: &str) -> String {
        format!("{}-{function}-out", self.0)
    }
}

impl World {
    /// Two hosts with the functions deployed and their triggers running, and everything they read and write made.
    pub(crate) fn start(servers: &Servers, names: &Names) -> Option<Self> {
        let database = Database::fresh()?;
        let outputs = ["steady", "once", "count", "score"].map(|it| names.output(it));
        kafka::create_topic(&servers.kafka, &names.models(), 1);
        kafka::create_topics(
            &servers.kafka,
            &[&[names.input().as_str()], outputs.each_ref().map(String::as_str).as_slice()].concat(),
        );
        rabbit::create_queue(&servers.rabbit, &names.output("mail"));
        let kafka_door = servers.detour.as_ref().map(|(to, says)| Proxy::between(says, to).unwrap());
        let rabbit_door = Proxy::between("127.0.0.1:0", authority(&servers.rabbit)).unwrap();
        let url = database.url();
        let postgres_door = Proxy::between("127.0.0.1:0", authority(&url)).unwrap();
        let options = options(&url.replace(authority(&url), &postgres_door.address()));
        let first = Host::start_with(options);
        let second = first.twin();
        let mut world = Self {
            names: names.clone(),
            kafka: kafka_door.as_ref().map_or_else(|| servers.kafka.clone(), Proxy::address),
            hosts: vec![first, second],
            revisions: HashSet::new(),
            round: 0,
            models: 0,
            brokers: servers.kafka.clone(),
            kafka_door,
            rabbit_door,
            postgres_door,
            _database: database,
        };
        let topic = names.models();
        world.hosts[0].json(&["models", "streams", "add", "wine-models", "--kafka", &world.kafka, "--topic", &topic]);
        world.swap();
        world.wait_until_in_force();
        world.deploy(0);
        world.wait_until_running();
        Some(world)
    }

    /// Lets it happen, and waits until it is over.
    pub(crate) fn suffer(&mut self, fault: &Fault) {
        let Fault { host, lasts, .. } = *fault;
        match fault.kind {
            Kind::Kill => {
                self.hosts[host].kill();
                thread::sleep(lasts);
                self.hosts[host].restart();
            }
            Kind::Freeze => {
                self.hosts[host].signal("STOP");
                thread::sleep(lasts);
                self.hosts[host].signal("CONT");
            }
            Kind::Join => {
                let mut one_more = self.hosts[host].twin();
                thread::sleep(lasts);
                one_more.terminate();
            }
            Kind::CutKafka => self.kafka_door.iter().for_each(|it| it.cut(lasts)),
            Kind::CutRabbit => self.rabbit_door.cut(lasts),
            Kind::CutPostgres => self.postgres_door.cut(lasts),
            Kind::Deploy => self.deploy(host),
            Kind::Swap => self.swap(),
            Kind::Pause => {
                self.triggers(host, "pause");
                thread::sleep(lasts);
                self.triggers(host, "resume");
            }
            Kind::RestartKafka => ask("kafka"),
            Kind::RestartRabbit => ask("rabbitmq"),
        }
    }

    /// The revisions that were deployed.
    pub(crate) fn revisions(&self) -> &HashSet<String> {
        &self.revisions
    }

    /// How many events of a key were counted, each once.
    pub(crate) fn counted(&self, key: &str) -> u64 {
        let question = format!("{{\"key\":\"{key}\"}}");
        let headers = [("ce-specversion", "1.0"), ("ce-id", key), ("ce-type", "get"), ("ce-source", "urn:chaos")];
        let (status, body) = self.hosts[0].send_with("POST", "/fn/count", None, &headers, question.as_bytes());
        assert_eq!(status, 200, "{body}");
        let record: Value = serde_json::from_str(&body).unwrap();
        record["count"].as_u64().unwrap_or(0)
    }

    /// The events that were given up: there is no reason for any.
    pub(crate) fn dead_letters(&self) -> Vec<Value> {
        let page = self.hosts[0].get_json("/api/v1/projects/default/dead-letters");
        page["items"].as_array().unwrap().clone()
    }

    /// What the triggers say of themselves, a line for each.
    pub(crate) fn told(&self) -> Vec<String> {
        let tell = |it: &Value| format!("{}/{}: {} {}", it["function"], it["name"], it["state"], it["cause"]);
        self.hosts.iter().flat_map(|host| statuses(host).iter().map(tell).collect::<Vec<_>>()).collect()
    }

    /// What the hosts warned of, the newest last.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.hosts[0].data().join("host.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().filter(|it| it.contains("WARN") || it.contains("ERROR")).collect();
        lines[lines.len().saturating_sub(40)..].iter().map(|it| (*it).to_owned()).collect()
    }

    /// A new revision of every function.
    fn deploy(&mut self, host: usize) {
        self.round += 1;
        for (name, guest, manifest) in self.functions() {
            let deployed = self.hosts[host].deploy(name, guest, &manifest);
            self.revisions.insert(deployed["revision"]["id"].as_str().unwrap().to_owned());
        }
    }

    /// Sends another model; each is another version, whatever the one before it was.
    fn swap(&mut self) {
        let model = MODELS[usize::try_from(self.models).unwrap() % MODELS.len()];
        self.models += 1;
        let mut bytes = Fixture::read(model).bytes;
        // A remark at the end of the file, in the format's own way, so that no two have the same bytes.
        let remark = format!("chaos {}", self.models);
        bytes.extend([0x32, u8::try_from(remark.len()).unwrap()]);
        bytes.extend(remark.bytes());
        kafka::send_model(&self.brokers, &self.names.models(), self.models, &bytes);
    }

    /// How many models were sent.
    pub(crate) fn models(&self) -> u64 {
        self.models
    }

    fn wait_until_in_force(&self) {
        until("the first model is in force", || {
            let (status, body) = self.hosts[0].get("/api/v1/projects/default/models/wine");
            (status == 200 && body.contains("\"production\"")).then_some(())
        });
    }

    fn functions(&self) -> [(&'static str, &'static str, String); 5] {
        let (handler, state) = ("conformance_handler.wasm", "conformance_state.wasm");
        let version = format!("version = \"0.0.{}\"\n", self.round);
        let input = self.names.input();
        let kafka = |function: &str, more: &str| {
            format!(
                "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"{}\"]\ntopics = [\"{input}\"]\ngroup = \"{}\"\n\
                 output = \"{}\"\nin_flight = {IN_FLIGHT}\n{more}[triggers.batch]\nevents = 50\n",
                self.kafka,
                self.names.output(function),
                self.names.output(function),
            )
        };
        let rabbit = format!(
            "[[triggers]]\nkind = \"amqp\"\nurl = \"amqp://{}/%2f\"\nqueue = \"{input}\"\noutput = \"{}\"\n\
             prefetch = {PREFETCH}\n",
            self.rabbit_door.address(),
            self.names.output("mail"),
        );
        [
            ("steady", handler, version.clone() + GRANTS + &kafka("steady", "")),
            ("once", handler, version.clone() + GRANTS + &kafka("once", "delivery = \"exactly-once\"\n")),
            ("count", state, version.clone() + "[grants]\nkeyvalue = [\"default\"]\n" + &kafka("count", "")),
            (
                "score",
                "score_records.wasm",
                version.clone() + SCORER + &kafka("score", "delivery = \"exactly-once\"\n"),
            ),
            ("mail", handler, version + GRANTS + &rabbit),
        ]
    }

    fn wait_until_running(&self) {
        until("the triggers run", || {
            let are_running = |host: &Host| {
                let all = statuses(host);
                all.len() == 6 && all.iter().all(|it| it["state"] == "running")
            };
            self.hosts.iter().all(are_running).then_some(())
        });
    }

    /// Pauses or resumes all triggers.
    fn triggers(&self, host: usize, verb: &str) {
        for trigger in ["steady/kafka", "once/kafka", "count/kafka", "score/kafka", "mail/amqp", "models/wine-models"] {
            let path = format!("/api/v1/projects/default/triggers/{trigger}/{verb}");
            until("the trigger obeys", || {
                let (status, _) = self.hosts[host].send("POST", &path, None, b"");
                (status == 200).then_some(())
            });
        }
    }
}

fn statuses(host: &Host) -> Vec<Value> {
    let page = host.get_json("/api/v1/projects/default/triggers");
    page["items"].as_array().unwrap().clone()
}

/// Hosts that notice soon when another is gone.
fn options(database: &str) -> Options {
    Options::default()
        .env("DATABASE_URL", database)
        .env("WEFT_TRIGGERS__KAFKA__SESSION_TIMEOUT", "4s")
        .env("WEFT_TRIGGERS__KAFKA__HEARTBEAT", "500ms")
        .env("WEFT_TRIGGERS__KAFKA__DRAIN", "3s")
        .env("WEFT_INFERENCE__REFRESH", "50ms")
}

/// Host and port of a URL.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, place)| place)
}

/// Asks whoever owns the servers to restart one, and waits until that is done.
fn ask(server: &str) {
    let mut connection = TcpStream::connect(std::env::var(BROKERS).unwrap()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    writeln!(connection, "{server}").unwrap();
    let mut answer = String::new();
    BufReader::new(connection).read_line(&mut answer).unwrap();
    assert_eq!(answer, "done\n", "{server} was not restarted");
}

#[test]
fn the_place_of_a_server_is_found_in_its_address() {
    assert_eq!(authority("amqp://guest:guest@127.0.0.1:5672/%2f"), "127.0.0.1:5672");
    assert_eq!(authority("postgres://weft@127.0.0.1:5432/weft"), "127.0.0.1:5432");
}
