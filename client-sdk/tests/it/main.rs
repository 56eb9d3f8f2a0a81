//! The command line by itself, and the client without a server.
#![allow(clippy::unwrap_used)]

mod command_line;
mod doubles;
mod examples;
mod generate;
mod history;
mod ids;
mod import;
mod import_cases;
mod imports_at_once;
mod incomplete;
mod kit;
mod luck;
mod output;
mod private;
mod reports;
mod rescue;
mod typed;
mod typed_values;
