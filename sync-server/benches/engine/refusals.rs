//! 5,000 edits of which 500 are refused in scattered places, against 5,000 of which none is.

use std::time::Instant;

use client_sdk::Client;
use sync_core::ids::RecordId;

use crate::figures::{Figures, median};
use crate::harness::{ServerProcess, World, set, sync_at};

const EDITS: usize = 5000;
const REFUSED: usize = 500;
const ROUNDS: usize = 3;

pub(crate) async fn run(
    world: &World,
    server: &ServerProcess,
    rep: &mut Client,
    figures: &mut Figures,
) {
    figures.note("5,000 edits, and 5,000 of which 500 are refused");
    let deals = ids(rep, "SELECT id FROM opportunities ORDER BY id");
    let visits = ids(rep, "SELECT id FROM interactions ORDER BY id");
    // Each edit of another record: nothing hangs on what is refused.
    let apart = |n: usize| match is_refused(n) {
        true => (deals[n / 10], "opportunity"),
        false => (visits[n], "interaction"),
    };
    // Five edits of each deal: what was edited after a refused edit is written anew and sent again.
    let piled = |n: usize| (deals[n % deals.len()], "opportunity");
    compare(world, server, rep, figures, "upload.500_refused", &apart).await;
    compare(world, server, rep, figures, "upload.500_refused.piled", &piled).await;
}

/// One in ten: of five edits of a deal one at most, now an early one, now a late one.
fn is_refused(n: usize) -> bool {
    (n + n / 1000) % (EDITS / REFUSED) == 3
}

fn ids(rep: &Client, sql: &str) -> Vec<RecordId> {
    let list = rep.query(sql).unwrap();
    list.rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect()
}

async fn compare(
    world: &World,
    server: &ServerProcess,
    rep: &mut Client,
    figures: &mut Figures,
    name: &'static str,
    target: &dyn Fn(usize) -> (RecordId, &'static str),
) {
    let token = world.token(world.rep);
    let (mut clean, mut refused) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS * 2 {
        let bad = round % 2 == 1;
        for n in 0..EDITS {
            let (record, kind) = target(n);
            let number = (round + n % 7).to_string();
            // A lost deal without a reason is what the database does not take.
            let pair = match kind {
                "opportunity" if bad && is_refused(n) => ("stage", "closed-lost"),
                "opportunity" => ("cases_per_week", number.as_str()),
                _ => ("duration_minutes", number.as_str()),
            };
            set(rep, record, kind, &[pair]);
        }
        let started = Instant::now();
        let summary = sync_at(rep, &server.sync_url(), &token).await.unwrap();
        let times = if bad { &mut refused } else { &mut clean };
        times.push(started.elapsed());
        let status = rep.status().unwrap();
        assert_eq!((status.unsent, summary.refused), (0, if bad { REFUSED as u64 } else { 0 }));
    }
    figures.against(name, median(refused) * 1e3, "ms", median(clean) * 1e3);
}
