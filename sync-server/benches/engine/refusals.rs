//! 5,000 edits of which 500 are refused in scattered places, against 5,000 of which none is.

use std::time::Instant;

use client_sdk::Client;
use sync_core::ids::RecordId;

use crate::figures::Figures;
use crate::harness::{ServerProcess, World, set};

const EDITS: usize = 5000;
const REFUSED: usize = 500;

pub(crate) async fn run(
    world: &World,
    server: &ServerProcess,
    rep: &mut Client,
    figures: &mut Figures,
) {
    figures.note("5,000 edits of deals, and 5,000 of which 500 are refused");
    let list = rep.replica.query("SELECT id FROM opportunities ORDER BY id").unwrap();
    let deals: Vec<RecordId> =
        list.rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect();
    let token = world.token(world.rep);
    let mut times = Vec::new();
    for bad in [0, REFUSED] {
        for n in 0..EDITS {
            let deal = deals[n % deals.len()];
            let cases = (n + bad).to_string();
            // A lost deal without a reason is what the database does not take.
            let refused = bad > 0 && n % (EDITS / bad) == 3;
            let pair = if refused { ("stage", "closed-lost") } else { ("cases_per_week", &*cases) };
            set(rep, deal, "opportunity", &[pair]);
        }
        let started = Instant::now();
        let summary = rep.sync(&server.sync_url(), &token, |_| {}).await.unwrap();
        times.push(started.elapsed().as_secs_f64() * 1e3);
        let status = rep.replica.status().unwrap();
        assert_eq!((status.unsent, summary.refused), (0, bad as u64));
    }
    figures.against("upload.500_refused", times[1], "ms", times[0]);
}
