//! Identities that the host gives: time-ordered, so that newer sorts after older.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id: expected a UUID")]
pub struct InvalidId(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one, later than every earlier one of this process.
            #[must_use]
            pub fn next() -> Self {
                Self(Uuid::now_v7())
            }

            /// One that exists already.
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Its text, written into `room`: quicker than [`ToString`] where one is told with every call.
            pub fn text<'r>(&self, room: &'r mut [u8; 36]) -> &'r str {
                self.0.hyphenated().encode_lower(room)
            }

            /// The UUID behind it.
            #[must_use]
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| InvalidId(text.to_owned()))
            }
        }
    };
}

id! {
    /// One call of a function.
    CallId
}
id! {
    /// One execution of a pipeline or of a single job.
    RunId
}
id! {
    /// One immutable version of a function.
    RevisionId
}
id! {
    /// One host process, for leases.
    HostId
}
