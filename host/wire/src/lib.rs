//! The control-plane HTTP API as types, one file per noun. What is sent is made from core's words here.

pub mod alias;
pub mod artifact;
pub mod audit;
pub mod call;
pub mod component;
pub mod config;
pub mod dead_letter;
pub mod endpoint;
pub mod failure;
pub mod function;
pub mod gc;
pub mod health;
pub mod imported;
pub mod invoke;
pub mod log;
pub mod metric;
pub mod model;
pub mod model_stream;
pub mod oip;
pub mod package;
pub mod page;
pub mod pipeline;
pub mod problem;
pub mod revision;
pub mod run;
pub mod secret;
pub mod stats;
pub mod step;
pub mod token;
pub mod transfer;
pub mod trigger;
pub mod trust;
pub mod version;

pub use page::Page;
pub use problem::Problem;
