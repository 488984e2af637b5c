//! Hosts that somebody is logged in to: a file in their configuration folder that only they can read.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    args::Args,
    personal,
    ui::{Exit, Stop},
};

/// The host of whoever has named none.
const AT_HOME: &str = "http://127.0.0.1:7070";

/// The project of whoever has named none.
const PROJECT: &str = "default";

/// One host, and how to talk to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// Its address, such as `https://weft.example.com`.
    pub(crate) host: String,
    /// The token to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The project to work in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// The certificate of whoever signed the host's, where the machine does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("host", &self.host).field("project", &self.project).finish_non_exhaustive()
    }
}

/// Every context, and the one in use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contexts {
    /// The one in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// All by name.
    pub(crate) contexts: BTreeMap<String, Context>,
}

impl Contexts {
    /// Reads the file; none is as good as an empty one.
    pub(crate) fn load() -> Result<Self, Stop> {
        personal::load("contexts").map_err(|stop| match stop.exit() {
            Exit::Usage => stop.hint("correct the file, or delete it and log in again with `fn login URL`"),
            _ => stop,
        })
    }

    /// Writes the file anew.
    pub(crate) fn save(&self) -> Result<(), Stop> {
        personal::save("contexts", self)
    }

    /// The context of that name.
    pub(crate) fn get(&self, name: &str) -> Result<&Context, Stop> {
        self.contexts.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.contexts.keys().map(String::as_str).collect();
            let known = if known.is_empty() {
                "there is none yet".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            Stop::new(Exit::Usage, format!("there is no context `{name}`; {known}"))
                .hint("fn login URL --name NAME, or name a host by its address, such as --host http://127.0.0.1:7070")
        })
    }
}

/// Which host a command talks to, and as whom.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Its address.
    pub(crate) host: String,
    /// The token to show.
    pub(crate) token: Option<String>,
    /// The project to work in.
    pub(crate) project: String,
    /// A certificate to trust beside those the machine knows.
    pub(crate) ca: Option<PathBuf>,
}

impl Connection {
    /// What the flags and the environment say, else the context in use, else the host of this machine.
    pub(crate) fn of(args: &Args) -> Result<Self, Stop> {
        let contexts = Contexts::load()?;
        let context = chosen(&contexts, args.host.as_deref())?;
        // Empty is how an environment says nothing.
        let token = std::env::var("WEFT_TOKEN").ok().filter(|it| !it.is_empty());
        let ca = std::env::var_os("WEFT_CA").filter(|it| !it.is_empty()).map(PathBuf::from);
        Ok(Self {
            project: args.project.clone().or(context.project).unwrap_or_else(|| PROJECT.to_owned()),
            token: token.or(context.token),
            ca: ca.or(context.ca),
            host: context.host,
        })
    }
}

/// The context that `host` names: by its name, or by its address, whether or not somebody is logged in there.
fn chosen(contexts: &Contexts, host: Option<&str>) -> Result<Context, Stop> {
    let at = |host: &str| Context { host: host.to_owned(), token: None, project: None, ca: None };
    match host {
        Some(address) if address.contains("://") => {
            let same = |it: &&Context| it.host.trim_end_matches('/') == address.trim_end_matches('/');
            Ok(contexts.contexts.values().find(same).cloned().unwrap_or_else(|| at(address)))
        }
        Some(name) => contexts.get(name).cloned(),
        None => match &contexts.current {
            Some(name) => contexts.get(name).cloned(),
            None => Ok(at(AT_HOME)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts() -> Contexts {
        let context =
            |host: &str, token: &str| Context { host: host.into(), token: Some(token.into()), project: None, ca: None };
        let all = [("home", context("http://127.0.0.1:7070", "one")), ("prod", context("https://weft.example", "two"))];
        Contexts { current: Some("prod".into()), contexts: all.map(|(name, it)| (name.to_owned(), it)).into() }
    }

    #[test]
    fn a_host_is_named_by_its_context_by_its_address_or_not_at_all() {
        let token = |host: Option<&str>| chosen(&contexts(), host).unwrap().token;
        assert_eq!(token(None).as_deref(), Some("two"));
        assert_eq!(token(Some("home")).as_deref(), Some("one"));
        assert_eq!(token(Some("https://weft.example/")).as_deref(), Some("two"));
        assert_eq!(token(Some("http://weft.example")), None, "a token goes nowhere else");
        assert_eq!(chosen(&Contexts::default(), None).unwrap().host, AT_HOME);
        let unknown = chosen(&contexts(), Some("test")).unwrap_err().to_string();
        assert_eq!(unknown, "there is no context `test`; there are home, prod");
    }

    #[test]
    fn a_context_is_read_as_it_was_written_and_never_printed() {
        let text = toml::to_string_pretty(&contexts()).unwrap();
        assert_eq!(toml::from_str::<Contexts>(&text).unwrap(), contexts());
        assert!(!format!("{:?}", contexts()).contains("two"));
    }
}
