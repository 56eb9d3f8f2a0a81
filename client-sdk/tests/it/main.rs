//! The command line by itself, and the client without a server.
#![allow(clippy::unwrap_used)]

mod command_line;
mod examples;
mod generate;
mod ids;
mod import;
mod kit;
mod output;
mod private;
mod typed;
mod typed_values;
