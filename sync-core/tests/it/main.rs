//! Stories about records, replicas and the guard, without sockets.
#![allow(clippy::unwrap_used)]

mod anew;
mod chunk;
mod clocks;
mod conformance;
mod contested;
mod convergence;
mod documents;
mod evolve;
mod fetching;
mod forms;
mod from_object;
mod golden;
mod guard;
mod history;
mod hostile;
mod hub;
mod javascript;
mod kit;
mod lean;
mod lines;
mod live;
mod notes;
mod offers;
mod own_property;
mod own_scenario;
mod panics;
mod question;
mod replicas;
mod rules;
mod siege;
mod simulation;
mod steps;
mod tables;
mod work;
mod worlds;
