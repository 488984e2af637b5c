//! Stand-ins for the host where there is none: for tests of handlers, natively.

pub(crate) mod keyvalue;
pub(crate) mod publish;

/// A call that never began and never ends.
pub(crate) mod context {
    use crate::bindings::weft::function::context::Place;

    pub(crate) fn call_id() -> String {
        "local".to_owned()
    }

    pub(crate) fn revision() -> String {
        "local".to_owned()
    }

    pub(crate) fn attempt() -> u32 {
        1
    }

    pub(crate) fn remaining_ms() -> u64 {
        u64::MAX
    }

    pub(crate) fn cancelled() -> bool {
        false
    }

    pub(crate) fn traceparent() -> Option<String> {
        None
    }

    pub(crate) fn trigger() -> (String, String) {
        ("local".to_owned(), String::new())
    }

    pub(crate) fn origin(_index: u32) -> Option<Place> {
        None
    }
}

/// Log lines, on standard error.
pub(crate) mod log {
    use std::io::Write as _;

    pub(crate) use crate::bindings::weft::function::log::Level;

    pub(crate) fn log(level: Level, message: &str, fields: &[(String, String)]) {
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let level = match level {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        // A line that nobody can read is no reason to fail.
        let _ = writeln!(std::io::stderr(), "{level}: {message}{fields}");
    }
}

/// No model is granted.
pub(crate) mod model {
    pub(crate) use crate::bindings::weft::function::model::Error;
    use crate::bindings::weft::function::model::{Prediction, Tensor, Version};

    pub(crate) fn current(name: &str) -> Result<Version, Error> {
        Err(Error::NotGranted(name.to_owned()))
    }

    pub(crate) fn infer(name: &str, _inputs: &[Tensor]) -> Result<Prediction, Error> {
        Err(Error::NotGranted(name.to_owned()))
    }
}

/// Nothing is granted.
pub(crate) mod config {
    pub(crate) use crate::bindings::wasi::config::store::Error;

    pub(crate) fn get(_name: &str) -> Result<Option<String>, Error> {
        Ok(None)
    }

    pub(crate) fn get_all() -> Result<Vec<(String, String)>, Error> {
        Ok(Vec::new())
    }
}
