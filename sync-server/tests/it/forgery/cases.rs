//! The table of forgeries that are pushed.

mod access;
mod actors;
mod chunks;
mod claims;
mod contents;
mod documents;
mod groups;
mod places;
mod replays;

use super::table::Table;

/// Every case.
pub(super) fn full() -> Table {
    let mut table = Table::default();
    actors::add(&mut table);
    replays::add(&mut table);
    documents::add(&mut table);
    places::add(&mut table);
    claims::add(&mut table);
    access::add(&mut table);
    contents::add(&mut table);
    chunks::add(&mut table);
    groups::add(&mut table);
    table
}
