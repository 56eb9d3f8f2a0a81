//! What a record costs at first sync, in bytes and in time, by what travels.
//!
//! `cargo run --release -p sync-core --example first_sync` prints the table that
//! `docs/decisions/0006-what-travels-at-first-sync.md` decides by. Ten thousand accounts with some
//! twelve fields each go through the real frames into a real replica in a temporary file. On Linux
//! the times are the processor's, so that other work on the machine does not count; waiting for the
//! disk does not count either.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod forms;
mod records;
mod table;

use std::time::Instant;

/// Microseconds of processor time that this thread has used; of wall time where nobody counts them.
fn clock(zero: Instant) -> f64 {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = used.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    used.map_or_else(|| zero.elapsed().as_secs_f64() * 1e6, |nanoseconds| nanoseconds / 1e3)
}

fn main() {
    let zero = Instant::now();
    let files = tempfile::tempdir().unwrap();
    let mut opened = 0;
    let host = table::Host {
        clock: Box::new(move || clock(zero)),
        database: Box::new(move || {
            opened += 1;
            rusqlite::Connection::open(files.path().join(format!("{opened}.db"))).unwrap()
        }),
    };
    table::run(host, 10_000, 1, &mut |line| println!("{line}"));
}
