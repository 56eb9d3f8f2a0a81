//! Stories about records, replicas and the guard, without sockets.
#![allow(clippy::unwrap_used)]

mod convergence;
mod documents;
mod guard;
mod kit;
mod replicas;
