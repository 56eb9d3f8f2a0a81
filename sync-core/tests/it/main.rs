//! Stories about records, replicas and the guard, without sockets.
#![allow(clippy::unwrap_used)]

mod documents;
