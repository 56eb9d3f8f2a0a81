//! Stories about records, replicas and the guard, without sockets.
#![allow(clippy::unwrap_used)]

mod anew;
mod chunk;
mod convergence;
mod documents;
mod evolve;
mod golden;
mod guard;
mod hostile;
mod hub;
mod javascript;
mod kit;
mod lean;
mod live;
mod question;
mod replicas;
mod rules;
mod siege;
mod steps;
mod tables;
mod work;
