//! Honest devices beside 2,000 hostile sockets of every sort.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use client_sdk::core::replica::LinkState;
use client_sdk::{Client, Server};
use sync_server::doors::raise_open_files;
use tokio::runtime::{Builder, Runtime};

use crate::bootstrap;
use crate::figures::{Figures, median, peak_memory};
use crate::harness::{ServerProcess, World, create, sync_at};
use crate::hostile::{self, Sort};

const SOCKETS: u16 = 2000;
/// How long a hostile socket waits before it comes again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long a device waits before its next edit.
const NEXT_AFTER: Duration = Duration::from_millis(100);
const SECONDS: u64 = 60;

/// How often sockets of each sort came.
type Came = Arc<Mutex<HashMap<Sort, u64>>>;

/// One device stays connected and pushes an edit at a time; another connects, pushes one edit and
/// closes, again and again: it has to get in each time.
pub(crate) async fn run() -> Figures {
    let mut figures = Figures::default();
    let seconds = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok());
    let length = Duration::from_secs(seconds.unwrap_or(SECONDS));
    raise_open_files();
    let world = World::new().await;
    figures.note("seeding the S profile of 16,200 records");
    let seeding = ServerProcess::start(&world.config).await;
    bootstrap::seed(&world, &seeding).await;
    drop(seeding);
    let server = ServerProcess::start(&world.config).await;
    let (url, token) = (server.sync_url(), world.token(world.other_rep));
    let mut stays = world.device("stays.db", world.other_rep);
    stays.use_server(Server::new(&url, token.clone()));
    stays.connect();
    sent_and_live(&stays).await;
    let mut visitor = world.device("visits.db", world.other_rep);
    figures.value("soak.memory.before", peak_memory(server.child.id()), "bytes");

    figures.note("2,000 hostile sockets and two devices");
    let came = Came::default();
    let tokens = [world.token(world.rep), world.token(world.manager)];
    let crowd = crowd(server.address(), tokens, &came);
    let (mut pushes, mut visits, mut again) = (Vec::new(), Vec::new(), 0_u32);
    let started = Instant::now();
    while started.elapsed() < length {
        let before = Instant::now();
        create(&mut stays, "organization", &[("name", "Kitchen")]);
        sent_and_live(&stays).await;
        pushes.push(before.elapsed());
        tokio::time::sleep(NEXT_AFTER).await;
        let before = Instant::now();
        create(&mut visitor, "organization", &[("name", "Bakery")]);
        // It may be sent away itself, and then comes again, as every link does.
        while sync_at(&visitor, &url, &token).await.is_err() {
            again += 1;
        }
        visits.push(before.elapsed());
        tokio::time::sleep(NEXT_AFTER).await;
    }
    // Not waited for: a runtime may not be dropped within another.
    crowd.shutdown_background();
    for sort in Sort::ALL {
        let came = came.lock().unwrap().get(&sort).copied().unwrap_or_default();
        figures.note(&format!("{came} sockets: {sort:?}"));
    }
    figures.value("soak.pushes", pushes.len() as f64, "");
    figures.value("soak.push.longest", longest(&pushes), "ms");
    figures.value("soak.push.median", median(pushes) * 1e3, "ms");
    figures.value("soak.visits.again", f64::from(again), "");
    figures.value("soak.visit.longest", longest(&visits), "ms");
    figures.value("soak.visit.median", median(visits) * 1e3, "ms");
    figures.value("soak.memory.peak", peak_memory(server.child.id()), "bytes");
    stays.disconnect().await;
    drop(server);
    world.end().await;
    figures
}

fn longest(times: &[Duration]) -> f64 {
    times.iter().max().unwrap().as_secs_f64() * 1e3
}

/// Waits until a device is connected and the server has what was edited on it.
async fn sent_and_live(device: &Client) {
    let mut status = device.status_stream();
    loop {
        let status = status.next().await.unwrap();
        if status.link == LinkState::Live && status.unsent == 0 {
            return;
        }
    }
}

/// Lets the crowd in. In life it has machines of its own: here its threads take what processor time the
/// server and the devices leave.
fn crowd(to: SocketAddr, tokens: [String; 2], came: &Came) -> Runtime {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(|| {
            let _ = rustix::process::nice(19);
        })
        .build()
        .unwrap();
    for n in 0..SOCKETS {
        let sort = Sort::ALL[usize::from(n) % Sort::ALL.len()];
        let (came, token) = (came.clone(), tokens[usize::from(n) % 2].clone());
        runtime.spawn(async move {
            loop {
                *came.lock().unwrap().entry(sort).or_default() += 1;
                hostile::once(sort, to, n, &token).await;
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        });
    }
    runtime
}
