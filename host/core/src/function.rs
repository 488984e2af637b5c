//! Functions as they are deployed: what a component can be, and its immutable revisions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Name, RevisionId, manifest::Manifest};

/// Which ways lead into a component, read from its exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entries {
    /// It exports `wasi:http/incoming-handler`.
    pub http: bool,
    /// It exports `weft:function/handler`.
    pub handler: bool,
    /// It exports `wasi:cli/run`.
    pub job: bool,
}

/// One of the ways into a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// `wasi:http/incoming-handler`.
    Http,
    /// `weft:function/handler`.
    Handler,
    /// `wasi:cli/run`.
    Job,
}

impl Entry {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Handler => "handler",
            Self::Job => "job",
        }
    }
}

impl Entries {
    /// Whether there is any.
    #[must_use]
    pub fn any(self) -> bool {
        self.http || self.handler || self.job
    }

    /// Those there are, for people and for records.
    pub fn iter(self) -> impl Iterator<Item = Entry> {
        [(self.http, Entry::Http), (self.handler, Entry::Handler), (self.job, Entry::Job)]
            .into_iter()
            .filter_map(|(there, entry)| there.then_some(entry))
    }
}

/// One immutable version of a function: the bytes of its component and its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Its identity.
    pub id: RevisionId,
    /// The project it belongs to.
    pub project: Name,
    /// The function it is a version of.
    pub function: Name,
    /// Counted from 1 within the function.
    pub number: u64,
    /// The component's bytes.
    pub component: Digest,
    /// How many they are.
    pub component_size: u64,
    /// The manifest it was deployed with.
    pub manifest: Manifest,
    /// The ways in.
    pub entries: Entries,
    /// Who deployed it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// How a function is asked for: `name`, or `name@3` for its third revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FunctionRef {
    /// The function.
    pub name: Name,
    /// Its revision by number; the active one, when absent.
    pub revision: Option<u64>,
}

/// A text that is not a function reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a function: write a name, or name@revision such as describe@3")]
pub struct InvalidFunctionRef(pub String);

impl std::str::FromStr for FunctionRef {
    type Err = InvalidFunctionRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidFunctionRef(text.to_owned());
        let (name, revision) = match text.split_once('@') {
            None => (text, None),
            Some((name, number)) => (name, Some(number.parse().map_err(|_| wrong())?)),
        };
        Ok(Self { name: name.parse().map_err(|_| wrong())?, revision })
    }
}

impl std::fmt::Display for FunctionRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.revision {
            None => write!(f, "{}", self.name),
            Some(number) => write!(f, "{}@{number}", self.name),
        }
    }
}

impl TryFrom<String> for FunctionRef {
    type Error = InvalidFunctionRef;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<FunctionRef> for String {
    fn from(reference: FunctionRef) -> Self {
        reference.to_string()
    }
}

impl From<Name> for FunctionRef {
    fn from(name: Name) -> Self {
        Self { name, revision: None }
    }
}
