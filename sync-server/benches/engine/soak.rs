//! An honest device beside 2,000 hostile sockets of every sort.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sync_server::doors::raise_open_files;

use crate::bootstrap;
use crate::figures::{Figures, median, peak_memory};
use crate::harness::{ServerProcess, World, create, sync_at};
use crate::hostile::{self, Sort};

const SOCKETS: u16 = 2000;
/// How long a hostile socket waits before it comes again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const SECONDS: u64 = 60;

/// The device connects, pushes one edit and closes, again and again: it has to get in each time.
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
    figures.value("soak.memory.before", peak_memory(server.child.id()), "bytes");
    figures.note("2,000 hostile sockets and a device");
    let came = Arc::new(Mutex::new(HashMap::<Sort, u64>::new()));
    let tokens = [world.token(world.rep), world.token(world.manager)];
    let hostile: Vec<_> = (0..SOCKETS)
        .map(|n| {
            let sort = Sort::ALL[usize::from(n) % Sort::ALL.len()];
            let (to, token) = (server.address(), tokens[usize::from(n) % 2].clone());
            let came = came.clone();
            tokio::spawn(async move {
                loop {
                    *came.lock().unwrap().entry(sort).or_default() += 1;
                    hostile::once(sort, to, n, &token).await;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            })
        })
        .collect();
    let mut device = world.device("honest.db", world.other_rep);
    let token = world.token(world.other_rep);
    let (started, mut times) = (Instant::now(), Vec::new());
    let mut again = 0_u32;
    while started.elapsed() < length {
        create(&mut device, "organization", &[("name", "Kitchen")]);
        let before = Instant::now();
        // It may be sent away itself, and then comes again, as every link does.
        while sync_at(&device, &server.sync_url(), &token).await.is_err() {
            again += 1;
        }
        times.push(before.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    hostile.iter().for_each(tokio::task::JoinHandle::abort);
    for sort in Sort::ALL {
        let came = came.lock().unwrap().get(&sort).copied().unwrap_or_default();
        figures.note(&format!("{came} sockets: {sort:?}"));
    }
    figures.value("soak.pushes", times.len() as f64, "");
    figures.value("soak.pushes.again", f64::from(again), "");
    let longest = times.iter().max().unwrap().as_secs_f64();
    figures.value("soak.push.longest", longest * 1e3, "ms");
    figures.value("soak.push.median", median(times) * 1e3, "ms");
    figures.value("soak.memory.peak", peak_memory(server.child.id()), "bytes");
    drop(server);
    world.end().await;
    figures
}
