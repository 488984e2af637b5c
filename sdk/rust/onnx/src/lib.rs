//! Writes ONNX models from a function, and reads what a model says of itself.

mod builder;
mod proto;
mod summary;
mod tree;

pub use builder::{Builder, Error, INPUT, LABEL, PROBABILITIES, VARIABLE};
pub use summary::{Element, Port, Summary, Unreadable};
pub use tree::{Node, Tree};
