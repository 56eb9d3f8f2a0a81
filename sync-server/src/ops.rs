//! What operators do from the command line.

pub mod assign;
pub mod edits;
pub mod explain;
pub mod grace;
pub mod merging;
pub mod migrate;
pub mod people;
pub mod report;
pub mod reproject;
pub mod seed;
pub mod static_host;
