//! What operators do from the command line, and managers through the door of `http/manage.rs`.

pub mod assign;
pub mod deeds;
pub mod edits;
pub mod explain;
pub mod grace;
pub mod lookup;
pub mod merging;
pub mod migrate;
pub mod people;
pub mod report;
pub mod reproject;
pub mod seed;
pub mod slip;
pub mod static_host;
pub mod work;
