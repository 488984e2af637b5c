//! Where events come from, one file or folder per source.

pub mod http;
