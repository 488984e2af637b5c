//! The host's configuration: each room's own, nested; file < environment < flag.

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use host_wire::config::Setting;
use serde::{Deserialize, Serialize};

use crate::{
    args::UpArgs,
    ui::{Exit, Stop},
};

/// Everything a host can be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
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
    /// The control plane.
    pub(crate) api: host_api::Config,
    /// Requests that wake functions.
    pub(crate) http: host_triggers::http::Config,
    /// Inputs by URL.
    pub(crate) fetch: host_capabilities::fetch::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
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
            api: host_api::Config::default(),
            http: host_triggers::http::Config::default(),
            fetch: host_capabilities::fetch::Config::default(),
        }
    }
}

impl Config {
    /// Folders that nobody named lie in the data folder.
    fn settle(&mut self) {
        let unnamed = Self::default();
        if self.store.data == unnamed.store.data {
            self.store.data.clone_from(&self.data);
        }
        if self.engine.cache == unnamed.engine.cache {
            self.engine.cache = self.data.join("compiled");
        }
    }
}

/// Reads the configuration: defaults, then the file, then `WEFT_*`, then flags.
pub(crate) fn load(args: &UpArgs) -> Result<Config, Stop> {
    let figment = figment(args)?;
    let mut config: Config = figment.extract().map_err(|error| explain(&error))?;
    config.settle();
    if !config.listen.ip().is_loopback() {
        return Err(Stop::new(
            Exit::Refused,
            format!("this host has no tokens yet, so it does not listen on {}", config.listen),
        )
        .hint("use a loopback address, such as --listen 127.0.0.1:7070"));
    }
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
        .ignore(&["host", "project", "log", "sdk"])
        .filter(|key| !key.starts_with("test") && !key.starts_with("gen"))
        .split("__");
    Ok(figment
        .merge(env)
        .merge(flag("listen", args.listen.as_ref()))
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
