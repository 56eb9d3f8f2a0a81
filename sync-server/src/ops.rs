//! What operators do from the command line.

pub mod assign;
pub mod explain;
pub mod grace;
pub mod migrate;
pub mod people;
pub mod report;
pub mod reproject;
