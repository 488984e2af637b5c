//! Packages: how one is laid out and signed, the registry that holds them, its catalogue, and the client of registries.

pub mod asks;
pub mod catalogue;
pub mod client;
pub mod layout;
pub mod registry;
pub mod sign;
