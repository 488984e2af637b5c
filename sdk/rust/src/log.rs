//! Log lines, kept with the call they belong to.
//!
//! The macros take fields to search by in braces, then a message as `format!` does:
//! `weft::warn!({ customer = id }, "no address for {name}")`.

use std::fmt::Display;

use crate::host;

/// A field to search by.
pub type Field<'a> = (&'a str, &'a dyn Display);

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// What should not have happened, and was coped with.
    Warn,
    /// A person should look.
    Error,
}

/// Records a message that reads alone, and fields to search by.
pub fn log(level: Level, message: &str, fields: &[Field<'_>]) {
    let level = match level {
        Level::Trace => host::log::Level::Trace,
        Level::Debug => host::log::Level::Debug,
        Level::Info => host::log::Level::Info,
        Level::Warn => host::log::Level::Warn,
        Level::Error => host::log::Level::Error,
    };
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect();
    host::log::log(level, message, &fields);
}

/// [`log`] at [`Level::Debug`].
pub fn debug(message: &str, fields: &[Field<'_>]) {
    log(Level::Debug, message, fields);
}

/// [`log`] at [`Level::Info`].
pub fn info(message: &str, fields: &[Field<'_>]) {
    log(Level::Info, message, fields);
}

/// [`log`] at [`Level::Warn`].
pub fn warn(message: &str, fields: &[Field<'_>]) {
    log(Level::Warn, message, fields);
}

/// [`log`] at [`Level::Error`].
pub fn error(message: &str, fields: &[Field<'_>]) {
    log(Level::Error, message, fields);
}

/// Logs at a level: `log!(Level::Info, { field = value }, "message {}", x)`, the fields as you like.
#[macro_export]
macro_rules! log {
    ($level:expr, { $($name:ident = $value:expr),* $(,)? }, $($message:tt)+) => {
        $crate::log::log($level, &::std::format!($($message)+), &[$((::std::stringify!($name), &$value)),*])
    };
    ($level:expr, $($message:tt)+) => {
        $crate::log::log($level, &::std::format!($($message)+), &[])
    };
}

/// Logs at [`Level::Trace`](crate::log::Level::Trace): `trace!({ field = value }, "message {}", x)`.
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Trace, $($line)+) };
}

/// Logs at [`Level::Debug`](crate::log::Level::Debug): `debug!({ field = value }, "message {}", x)`.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Debug, $($line)+) };
}

/// Logs at [`Level::Info`](crate::log::Level::Info): `info!({ field = value }, "message {}", x)`.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Info, $($line)+) };
}

/// Logs at [`Level::Warn`](crate::log::Level::Warn): `warn!({ field = value }, "message {}", x)`.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Warn, $($line)+) };
}

/// Logs at [`Level::Error`](crate::log::Level::Error): `error!({ field = value }, "message {}", x)`.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log!($crate::log::Level::Error, $($line)+) };
}
