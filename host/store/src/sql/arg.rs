//! The values that go into a statement: text, whole numbers and floats are all the store keeps.

use std::net::IpAddr;

use host_core::{CallId, Digest, Name, RevisionId, RunId, id::HostId, identity::TokenId};
use jiff::Timestamp;

use crate::text::without_nul;

/// One value of a statement. Text is cleaned of NUL on the way in, so that no row is refused for it.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Float(Option<f64>),
}

/// Values in the order of their placeholders.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::Arg::from($value)),*] };
}
pub(crate) use args;

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(without_nul(text)))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Self::Text(text.map(without_nul))
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<Option<&str>> for Arg {
    fn from(text: Option<&str>) -> Self {
        text.map(str::to_owned).into()
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Arg {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        i64::from(number).into()
    }
}

/// Counts beyond what a column holds become its largest value.
impl From<u64> for Arg {
    fn from(number: u64) -> Self {
        i64::try_from(number).unwrap_or(i64::MAX).into()
    }
}

impl From<bool> for Arg {
    fn from(claim: bool) -> Self {
        i64::from(claim).into()
    }
}

impl From<Option<f64>> for Arg {
    fn from(number: Option<f64>) -> Self {
        Self::Float(number)
    }
}

impl From<Timestamp> for Arg {
    fn from(at: Timestamp) -> Self {
        at.as_microsecond().into()
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(at: Option<Timestamp>) -> Self {
        at.map(|it| it.as_microsecond()).into()
    }
}

macro_rules! by_text {
    ($($kind:ty),*) => {
        $(
            impl From<$kind> for Arg {
                fn from(value: $kind) -> Self {
                    value.to_string().into()
                }
            }

            impl From<&$kind> for Arg {
                fn from(value: &$kind) -> Self {
                    value.to_string().into()
                }
            }

            impl From<Option<$kind>> for Arg {
                fn from(value: Option<$kind>) -> Self {
                    value.map(|it| it.to_string()).into()
                }
            }
        )*
    };
}

by_text!(CallId, Digest, HostId, IpAddr, Name, RevisionId, RunId, TokenId);
