//! One field of one record: durable, and visible to a query.

use std::time::Instant;

use client_sdk::Client;
use rusqlite::{Connection, params};
use sync_core::ids::UserId;

use crate::figures::{Figures, median};
use crate::harness::{create, edit};

const RECORDS: usize = 1000;
const ROUNDS: usize = 400;

pub(crate) fn run(figures: &mut Figures) {
    figures.note("one-field edits");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("engine.db");
    let mut device = Client::open(&file, Some(UserId(uuid::Uuid::from_u128(1)))).unwrap();
    let ids: Vec<_> = (0..RECORDS)
        .map(|n| {
            let name = format!("Account {n}");
            create(
                &mut device,
                "organization",
                &[("name", name.as_str()), ("website", "https://albany.example")],
            )
        })
        .collect();
    drop(device);
    let by_hand = dir.path().join("floor.db");
    std::fs::copy(&file, &by_hand).unwrap();
    let device = Client::open(&file, None).unwrap();
    let floor = ByHand::open(&by_hand);
    let (mut engine_times, mut floor_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let id = ids[round * 7 % ids.len()];
        let cuisine = format!("Cuisine {round}");
        let started = Instant::now();
        device.edit(id, edit("organization", &[("cuisine", &cuisine)])).unwrap();
        let seen =
            device.query(&format!("SELECT cuisine FROM organizations WHERE id = '{id}'")).unwrap();
        engine_times.push(started.elapsed());
        assert_eq!(seen.rows[0][0], cuisine);
        let started = Instant::now();
        floor.edit(&id.to_string(), id.as_bytes(), &cuisine, round);
        floor_times.push(started.elapsed());
    }
    figures.against("edit", median(engine_times) * 1e6, "µs", median(floor_times) * 1e6);
}

/// The same tables and the same durability, written by hand.
struct ByHand(Connection);

impl ByHand {
    fn open(file: &std::path::Path) -> Self {
        let db = Connection::open(file).unwrap();
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON").unwrap();
        Self(db)
    }

    fn edit(&self, id: &str, record: &[u8], cuisine: &str, round: usize) {
        let db = &self.0;
        let mut hash = [0_u8; 32];
        hash[..8].copy_from_slice(&round.to_be_bytes());
        db.prepare_cached("BEGIN IMMEDIATE").unwrap().execute([]).unwrap();
        db.prepare_cached(
            "INSERT INTO changes (record, kind, hash, bytes, state, grp, actor, made_at, step)
             VALUES (?1, 'organization', ?2, ?3, 1, ?1, ?1, 0, 0)",
        )
        .unwrap()
        .execute(params![record, hash, [7_u8; 127]])
        .unwrap();
        db.prepare_cached("UPDATE organizations SET cuisine = ?2 WHERE id = ?1")
            .unwrap()
            .execute(params![id, cuisine])
            .unwrap();
        db.prepare_cached(
            "INSERT OR REPLACE INTO search (rowid, body)
             SELECT n, ?2 FROM documents WHERE id = ?1",
        )
        .unwrap()
        .execute(params![record, format!("Account Albany {cuisine}")])
        .unwrap();
        db.prepare_cached("COMMIT").unwrap().execute([]).unwrap();
        let seen: String = db
            .prepare_cached("SELECT cuisine FROM organizations WHERE id = ?1")
            .unwrap()
            .query_row([id], |row| row.get(0))
            .unwrap();
        assert_eq!(seen, cuisine);
    }
}
