//! Grants: the rights a manifest asks for. Nothing else exists for a function.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Name, model::ModelRef};

mod http;
mod origin;
mod publish;
mod secret;
mod tcp;

pub use http::{HostRule, HttpGrant, InvalidHttpGrant};
pub use origin::{Host, InvalidOrigin, Origin, Scheme};
pub use publish::{AmqpAddress, KafkaTopic, PublishGrant, PublishTarget};
pub use secret::{Destination, InvalidDestination, PLACEHOLDER_END, PLACEHOLDER_START, SecretGrant};
pub use tcp::{InvalidTcpGrant, TcpGrant};

/// What a function may reach beyond its own events. Everything is denied unless listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Models it may ask for a prediction, as `name`, `name@alias` or `name@version`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<ModelRef>,
    /// Requests it may send.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Servers it may open connections to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tcp: Vec<TcpGrant>,
    /// Secrets it may read or send, by their names in the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret: Vec<SecretGrant>,
    /// Buckets of keyed state, by their names in the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keyvalue: Vec<Name>,
    /// Where it may send events, beyond what its triggers do with its outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<PublishGrant>,
    /// Plain values it reads by the same interface.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub config: IndexMap<String, String>,
}

/// A right by its word in `[grants]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Ask a model.
    Model,
    /// Reach the network over HTTP.
    Http,
    /// Open connections to servers.
    Tcp,
    /// Keep keyed state.
    Keyvalue,
    /// Send events.
    Publish,
    /// Read configuration and secrets.
    Config,
}

/// What an import of a component needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: every function has it, or the host denies its use one call at a time.
    Nothing,
    /// A right, and the manifest line that grants it; `None` where this host cannot grant it yet.
    Right(Right, Option<&'static str>),
    /// The host does not know the interface.
    Unknown,
}

/// What the interface `import` (such as `wasi:nn/graph@0.2.0-rc-2024-10-28`) needs.
///
/// The whole of WASI 0.2 is linked always, because toolchains import sockets and files even when
/// they are never used; their use is denied by policy.
#[must_use]
pub fn need_of(import: &str) -> Need {
    let interface = import.split('@').next().unwrap_or(import);
    let package = interface.split('/').next().unwrap_or(interface);
    match (package, interface) {
        (_, "weft:function/model") | ("wasi:nn", _) => Need::Right(Right::Model, Some("model = [\"<name>\"]")),
        ("wasi:keyvalue", _) => Need::Right(Right::Keyvalue, Some("keyvalue = [\"default\"]")),
        (_, "weft:function/publish") => {
            Need::Right(Right::Publish, Some("publish = [{ name = \"<name>\", function = \"<function>\" }]"))
        }
        ("wasi:config", _) => {
            Need::Right(Right::Config, Some("secret = [\"<name>\"]` or `config = { <key> = \"<value>\" }"))
        }
        ("weft:function", _)
        | (
            "wasi:cli" | "wasi:clocks" | "wasi:filesystem" | "wasi:io" | "wasi:random" | "wasi:sockets" | "wasi:http",
            _,
        ) => Need::Nothing,
        _ => Need::Unknown,
    }
}

impl Grants {
    /// Whether `right` was granted.
    #[must_use]
    pub fn allows(&self, right: Right) -> bool {
        match right {
            Right::Model => !self.model.is_empty(),
            Right::Config => !self.secret.is_empty() || !self.config.is_empty(),
            Right::Http => !self.http.is_empty(),
            Right::Tcp => !self.tcp.is_empty(),
            Right::Keyvalue => !self.keyvalue.is_empty(),
            Right::Publish => !self.publish.is_empty(),
        }
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// When something is named twice or there is too much of it.
    pub fn check(&self) -> Result<(), String> {
        http::check(&self.http)?;
        tcp::check(&self.tcp)?;
        publish::check(&self.publish)?;
        secret::check(&self.secret, &self.config)
    }

    /// Whether what a function does may depend on more than what it is given, so that it cannot be repeated.
    #[must_use]
    pub fn reaches_outside(&self) -> bool {
        self.outside().next().is_some()
    }

    /// The rights by which it may.
    pub fn outside(&self) -> impl Iterator<Item = Right> {
        [Right::Http, Right::Tcp, Right::Keyvalue, Right::Publish].into_iter().filter(|right| self.allows(*right))
    }

    /// The grant of the secret `name`.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&SecretGrant> {
        self.secret.iter().find(|it| it.name.as_str() == name)
    }

    /// The reference granted for the model `name`, as the guest names it: the whole reference or the bare name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&ModelRef> {
        self.model.iter().find(|it| it.model.as_str() == name || it.to_string() == name)
    }
}

impl Right {
    /// The word in `[grants]`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Keyvalue => "keyvalue",
            Self::Publish => "publish",
            Self::Config => "config",
        }
    }
}
