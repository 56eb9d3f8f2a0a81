//! The engine against the floor: what the same work costs when it is done by hand on the same
//! database, in the same run.
//!
//! `make bench` runs it and writes `target/bench/results.json`. Every figure is a median; floor and
//! engine take turns, so that a noisy machine is as noisy for both.

// The tests' world, of which this uses a part.
#[allow(dead_code, unreachable_pub)]
#[path = "../../tests/it/harness.rs"]
mod harness;

mod bootstrap;
mod edit;
mod figures;
mod upload;

use figures::Figures;
use harness::{ServerProcess, World};

fn main() {
    let mut args = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // A replica that begins runs in a process of its own, so that its memory can be told apart.
    if args.next().as_deref() == Some(bootstrap::CHILD) {
        let rest: Vec<String> = args.collect();
        runtime.block_on(bootstrap::child(&rest));
        return;
    }
    let figures = runtime.block_on(run());
    figures.print();
    figures.write();
}

async fn run() -> Figures {
    let mut figures = Figures::default();
    let world = World::new().await;
    let server = ServerProcess::start(&world.config).await;
    edit::run(&mut figures);
    figures.note("seeding the S profile of 16,200 records");
    let mut rep = bootstrap::seed(&world, &server).await;
    bootstrap::run(&world, &server, &mut figures).await;
    upload::run(&world, &server, &mut rep, &mut figures).await;
    bootstrap::idle(&world, &server, &mut rep, &mut figures).await;
    figures.value("server.memory.peak", figures::peak_memory(server.id()), "bytes");
    drop(server);
    world.end().await;
    figures
}
