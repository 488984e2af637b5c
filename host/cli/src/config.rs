//! The host's configuration: each room's own, nested; file < environment < flag.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use host_core::identity::{Access, Demand, Way};
use host_store::objects::Hidden;
use host_wire::config::Setting;
use serde::{Deserialize, Serialize};

use crate::{
    args::UpArgs,
    serve::Files,
    ui::{Exit, Stop},
};

/// Everything a host can be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Who has to show a token.
    pub(crate) auth: Auth,
    /// Whether a proxy before this host ends TLS and says for whom it asks.
    pub(crate) behind_proxy: bool,
    /// The certificate to serve TLS with.
    pub(crate) tls: Tls,
    /// The folder for the database, artifacts and compiled code.
    pub(crate) data: PathBuf,
    /// How long calls in flight may take to finish after SIGTERM, seconds.
    pub(crate) drain_s: u64,
    /// How long a client may take to send the head of a request, seconds.
    pub(crate) head_s: u64,
    /// How many connections may be open at once; others wait in the system's queue until one closes.
    pub(crate) max_connections: usize,
    /// Worker threads; as many as there are cores, when 0.
    pub(crate) threads: usize,
    /// wasmtime: slots, compile queue, cache.
    pub(crate) engine: host_engine::Config,
    /// Admission and records.
    pub(crate) dispatch: host_dispatch::Config,
    /// Loaded models.
    pub(crate) inference: host_inference::Config,
    /// Steps at once, leases.
    pub(crate) pipelines: host_pipelines::Config,
    /// SQL: SQLite in the data folder, or Postgres.
    pub(crate) store: host_store::Config,
    /// The key that seals secrets, and how many there may be.
    pub(crate) secrets: host_store::SecretsConfig,
    /// Keyed state of functions.
    pub(crate) keyvalue: host_capabilities::keyvalue::Config,
    /// The control plane.
    pub(crate) api: host_api::Config,
    /// Requests that wake functions.
    pub(crate) http: host_triggers::http::Config,
    /// Streams, the clock and what happens on the platform.
    pub(crate) triggers: host_triggers::Config,
    /// The registry of packages.
    pub(crate) marketplace: marketplace::registry::Config,
    /// Inputs by URL.
    pub(crate) fetch: host_capabilities::fetch::Config,
    /// Object stores, for artifacts and for inputs by URL.
    pub(crate) objects: host_store::objects::Config,
}

/// Who has to show a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    /// Everybody, where others than this machine can reach the host.
    Auto,
    /// Everybody.
    Tokens,
}

/// Where the certificate and its key lie, as PEM: both or neither.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// The certificate, and those between it and one that clients know.
    pub(crate) cert: Option<PathBuf>,
    /// Its private key.
    pub(crate) key: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            auth: Auth::Auto,
            behind_proxy: false,
            tls: Tls::default(),
            data: PathBuf::from(".weft"),
            drain_s: 30,
            head_s: 10,
            max_connections: 4_096,
            threads: 0,
            engine: host_engine::Config::default(),
            dispatch: host_dispatch::Config::default(),
            inference: host_inference::Config::default(),
            pipelines: host_pipelines::Config::default(),
            store: host_store::Config::default(),
            secrets: host_store::SecretsConfig::default(),
            keyvalue: host_capabilities::keyvalue::Config::default(),
            api: host_api::Config::default(),
            http: host_triggers::http::Config::default(),
            triggers: host_triggers::Config::default(),
            marketplace: marketplace::registry::Config::default(),
            fetch: host_capabilities::fetch::Config::default(),
            objects: host_store::objects::Config::default(),
        }
    }
}

impl Config {
    /// Whether others than this machine can reach the host.
    fn is_exposed(&self) -> bool {
        self.behind_proxy || !self.listen.ip().is_loopback()
    }

    /// How the host is reached, and what it demands of those who reach it.
    pub(crate) fn access(&self) -> Access {
        let demand = if self.auth == Auth::Tokens || self.is_exposed() { Demand::Tokens } else { Demand::Nothing };
        Access { demand, way: if self.behind_proxy { Way::Proxy } else { Way::Direct } }
    }

    /// The files to serve TLS with, if it is served. Off loopback, tokens must not travel in the clear.
    pub(crate) fn tls(&self) -> Result<Option<Files>, Stop> {
        match (&self.tls.cert, &self.tls.key) {
            (Some(cert), Some(key)) => Ok(Some(Files { cert: cert.clone(), key: key.clone() })),
            (None, None) if self.behind_proxy || self.listen.ip().is_loopback() => Ok(None),
            (None, None) => Err(Stop::new(
                Exit::Refused,
                format!("without TLS this host does not listen on {}: tokens would travel in the clear", self.listen),
            )
            .hint("--tls-cert FILE --tls-key FILE; or --behind-proxy, where a proxy ends TLS; or a loopback address")),
            _ => Err(Stop::new(Exit::Usage, "configuration is wrong: TLS needs a certificate and its key")
                .hint("set both, tls.cert and tls.key")),
        }
    }

    /// The same for one command in this process, which nobody else can reach.
    pub(crate) fn unreachable(self) -> Self {
        let Self { listen, auth, behind_proxy, tls, .. } = Self::default();
        Self { listen, auth, behind_proxy, tls, ..self }
    }

    /// Folders that nobody named lie in the data folder.
    fn settle(&mut self) {
        let is_exposed = self.is_exposed();
        let unnamed = Self::default();
        if self.store.data == unnamed.store.data {
            self.store.data.clone_from(&self.data);
        }
        if self.engine.cache == unnamed.engine.cache {
            self.engine.cache = self.data.join("compiled");
        }
        // Whoever reaches a loopback host may reach this machine anyway; others shall not use it to look around.
        self.fetch.private.get_or_insert(!is_exposed);
        self.objects.environment = of_object_stores();
    }
}

/// The variables by which object stores are told where they are and who we are.
fn of_object_stores() -> BTreeMap<String, Hidden> {
    let text =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let ours = text.filter(|(name, _)| host_store::objects::Config::reads(name));
    ours.map(|(name, value)| (name, Hidden::new(value))).collect()
}

/// Reads the configuration: defaults, then the file, then `WEFT_*`, then flags.
pub(crate) fn load(args: &UpArgs) -> Result<Config, Stop> {
    let figment = figment(args)?;
    let mut config: Config = figment.extract().map_err(|error| explain(&error))?;
    config.settle();
    Ok(config)
}

/// What is in force, flattened, with the source of each value.
pub(crate) fn settings(args: &UpArgs) -> Result<Vec<Setting>, Stop> {
    let figment = figment(args)?;
    let mut config: Config = figment.extract().map_err(|error| explain(&error))?;
    config.settle();
    let tree = serde_json::to_value(&config).map_err(|error| Stop::new(Exit::Failed, error.to_string()))?;
    let mut settings = Vec::new();
    flatten(String::new(), tree, &mut |key, value| {
        let source = figment.find_metadata(&key).map_or("default".to_owned(), source_of);
        settings.push(Setting { value, key, source });
    });
    Ok(settings)
}

fn figment(args: &UpArgs) -> Result<Figment, Stop> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = &args.config {
        if !file.is_file() {
            return Err(Stop::new(Exit::Usage, format!("configuration file {} does not exist", file.display())));
        }
        figment = figment.merge(Toml::file_exact(file));
    } else {
        figment = figment.merge(Toml::file("weft.toml"));
    }
    let env = Env::prefixed("WEFT_")
        .ignore(&["host", "project", "token", "ca", "log", "sdk", "build_cache", "jco", "secret_key", "redis_password"])
        .filter(|key| !key.starts_with("test") && !key.starts_with("gen"))
        .split("__");
    Ok(figment
        .merge(env)
        .merge(flag("listen", args.listen.as_ref()))
        .merge(flag("tls.cert", args.tls_cert.as_ref()))
        .merge(flag("tls.key", args.tls_key.as_ref()))
        .merge(flag("behind_proxy", args.behind_proxy.then_some(true)))
        .merge(flag("data", args.data.as_ref()))
        .merge(flag("store.url", args.database_url.as_ref())))
}

fn flag<T: Serialize>(key: &str, value: Option<T>) -> Figment {
    value.map_or_else(Figment::new, |value| Figment::from(Serialized::global(key, value)))
}

fn explain(error: &figment::Error) -> Stop {
    let key = error.path.join(".").to_lowercase();
    let what = match &error.kind {
        Kind::UnknownField(_, known) => format!("`{key}` is no key; it could be {}", known.join(", ")),
        kind if key.is_empty() => kind.to_string(),
        kind => format!("`{key}`: {kind}"),
    };
    let stop =
        Stop::new(Exit::Usage, format!("configuration is wrong: {what}")).hint("`fn config show` lists every key");
    match error.metadata.as_ref().map(source_of) {
        Some(place) if place.starts_with("`WEFT_`") => {
            stop.at(format!("environment, WEFT_{}", error.path.join("__").to_uppercase()))
        }
        Some(place) => stop.at(place),
        None => stop,
    }
}

fn source_of(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(figment::Source::File(file)) => file.display().to_string(),
        Some(figment::Source::Code(_)) if metadata.name.contains("Config") => "default".to_owned(),
        Some(figment::Source::Code(_)) => "flag".to_owned(),
        _ => metadata.name.to_string(),
    }
}

fn flatten(prefix: String, tree: serde_json::Value, each: &mut impl FnMut(String, serde_json::Value)) {
    match tree {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                flatten(key, value, each);
            }
        }
        value => each(prefix, value),
    }
}
