//! The engine against the floor: what the same work costs when it is done by hand on the same
//! database, in the same run.
//!
//! `make bench` runs it and writes `target/bench/results.json`. Every figure is a median; floor and
//! engine take turns, so that a noisy machine is as noisy for both. A word after `--` picks one part:
//! `cargo bench -p sync-server --bench engine -- upload`. The part `soak`, honest devices beside
//! 2,000 hostile sockets, has no floor and is run by its name alone.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

// The tests' world, of which this uses a part.
#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/it/harness.rs"]
mod harness;

// The tests' hostile sockets.
#[allow(unreachable_pub)]
#[path = "../../tests/it/hostile.rs"]
mod hostile;

mod bootstrap;
mod edit;
mod figures;
mod guard;
mod refusals;
mod soak;
mod upload;

use figures::Figures;
use harness::{ServerProcess, World};

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // A replica that begins runs in a process of its own, so that its memory can be told apart.
    let first = args.next();
    if first.as_deref() == Some(bootstrap::CHILD) {
        let rest: Vec<String> = args.collect();
        runtime.block_on(bootstrap::child(&rest));
        return;
    }
    if first.as_deref() == Some("soak") {
        runtime.block_on(soak::run()).print();
        return;
    }
    let figures = runtime.block_on(run(|part| first.as_ref().is_none_or(|only| only == part)));
    figures.print();
    if first.is_none() {
        figures.write();
    }
}

async fn run(wanted: impl Fn(&str) -> bool) -> Figures {
    let mut figures = Figures::default();
    let world = World::new().await;
    let server = ServerProcess::start(&world.config).await;
    if wanted("edit") {
        edit::run(&mut figures);
    }
    if wanted("guard") {
        guard::run(&mut figures);
    }
    figures.note("seeding the S profile of 16,200 records");
    let mut rep = bootstrap::seed(&world, &server).await;
    if wanted("bootstrap") {
        bootstrap::run(&world, &server, &mut figures).await;
    }
    if wanted("upload") {
        upload::run(&world, &server, &mut rep, &mut figures).await;
    }
    if wanted("refusals") {
        refusals::run(&world, &server, &mut rep, &mut figures).await;
    }
    if wanted("idle") {
        bootstrap::idle(&world, &server, &mut rep, &mut figures).await;
    }
    figures.value("server.memory.peak", figures::peak_memory(server.child.id()), "bytes");
    drop(server);
    world.end().await;
    figures
}
