//! The Kafka source against a mock cluster and, where there is one, a broker.

mod broker;
mod house;
mod mock;
mod secure;
mod start;
