//! `weft:function/log`: lines with a level and fields.

use host_core::record;

use super::wit::log::{Host, Level};
use crate::guest::Guest;

impl Host for Guest {
    fn log(&mut self, level: Level, message: String, fields: Vec<(String, String)>) {
        self.current.lines().log(level.into(), &message, fields);
    }
}

impl From<Level> for record::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}
