//! Forged changes and sessions: none is accepted, none reveals anything, and after each the victim
//! goes on editing the very record that was attacked.
//!
//! The cases are a table: who attacks, what is forged (as a description, from which the bytes are
//! made), and the code of the refusal. A failing case is reported by its name, with all others.

mod cases;
mod facts;
mod scene;
mod sessions;
mod table;

use std::collections::BTreeSet;

use client_sdk::core::ids::RecordId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::AssertSqlSafe;
use sync_core::protocol::{Hello, VerdictOutcome};
use uuid::Uuid;

use crate::harness::{set, sync_at};
use crate::wire::{self, Line};
use scene::Scene;
use table::{Before, Case};

/// The register that the victim writes; no forgery writes it.
fn victims_field(kind: &str) -> &'static str {
    match kind {
        "organization" => "website",
        "contact" => "department",
        "opportunity" => "decision_timeline",
        "interaction" => "subject",
        _ => "title",
    }
}

/// What an attack must leave as it was: the record's row, and what is stored of every record but
/// the attackers' own.
#[derive(PartialEq, Debug)]
struct State {
    row: serde_json::Value,
    changes: i64,
    documents: i64,
    positions: i64,
}

impl Scene {
    async fn state(&self, kind: &str, record: RecordId) -> State {
        let own: Vec<Uuid> = self.own_accounts().map(|own| own.0).collect();
        let (changes, documents, positions) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM sync.changes WHERE record_id <> ALL($1)),
                    (SELECT count(*) FROM sync.documents),
                    (SELECT coalesce(sum(position), 0)::bigint FROM sync.documents WHERE id <> ALL($1))",
        )
        .bind(own)
        .fetch_one(&self.world.owner)
        .await
        .unwrap();
        State { row: self.row(kind, record).await, changes, documents, positions }
    }

    async fn row(&self, kind: &str, record: RecordId) -> serde_json::Value {
        let table = crate::harness::kind(kind).table;
        let sql = format!("SELECT to_jsonb(t) FROM public.{table} t WHERE id = $1");
        sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(record.0)
            .fetch_one(&self.world.owner)
            .await
            .unwrap()
    }

    /// The victim edits the record and syncs; what is wrong about that, if anything is.
    async fn victim_goes_on(
        &mut self,
        kind: &str,
        record: RecordId,
        word: &str,
    ) -> Result<(), String> {
        let field = victims_field(kind);
        set(&mut self.rosa, record, kind, &[(field, word)]);
        let token = self.world.token(self.world.rep);
        let synced = sync_at(&self.rosa, &self.world.server.sync_url(), &token).await;
        let quarantine = self.rosa.quarantine().unwrap();
        for one in &quarantine {
            // So that one lock-out is not told as many.
            self.rosa.discard(one.hash).unwrap();
        }
        synced.map_err(|error| format!("the victim's sync failed: {error}"))?;
        if let Some(one) = quarantine.first() {
            return Err(format!("the victim's edit was refused: {}", one.refusal));
        }
        let unsent = self.rosa.status().unwrap().unsent;
        if unsent > 0 {
            return Err(format!("{unsent} edits of the victim did not go"));
        }
        let row = self.row(kind, record).await;
        let victim = self.world.rep.to_string();
        if row[field] != word || row["updated_by"] != victim.as_str() {
            return Err(format!("{field} is {} by {}", row[field], row["updated_by"]));
        }
        Ok(())
    }

    async fn before(&mut self, case: &Case, record: RecordId, round: usize) {
        match case.before {
            Before::Nothing => {}
            Before::Unsent(count) => {
                self.reopen();
                for n in 0..count {
                    let word = format!("unsent {round} {n}");
                    let field = victims_field(case.kind);
                    set(&mut self.rosa, record, case.kind, &[(field, word.as_str())]);
                }
            }
            Before::Refused => {
                self.reopen();
                set(&mut self.rosa, record, case.kind, &[("stage", "closed-lost")]);
                assert_eq!(self.world.sync(&mut self.rosa).await.refused, 1);
            }
        }
    }

    /// Runs one case; what went wrong, if anything did.
    async fn run(&mut self, case: &Case, round: usize) -> Vec<String> {
        let record = self.records[case.kind][0];
        self.before(case, record, round).await;
        let facts = self.facts(case.attacker, case.kind).await;
        let groups = (case.forge)(&facts);
        drop(facts);
        let before = self.state(case.kind, record).await;
        let mut wrong = Vec::new();
        match self.line(case.attacker).await.push(groups).await {
            Ok(verdicts) => {
                let codes: Vec<&str> = verdicts.iter().map(|one| code(&one.outcome)).collect();
                if codes != case.expect {
                    wrong.push(format!("{codes:?} instead of {:?}", case.expect));
                }
            }
            Err(goodbye) => {
                self.hang_up(case.attacker);
                wrong.push(format!("a goodbye: {}", goodbye.sentence));
            }
        }
        let after = self.state(case.kind, record).await;
        if after != before {
            wrong.push(format!("the server holds something else: {before:?}, then {after:?}"));
        }
        if case.before == Before::Refused {
            for one in self.rosa.quarantine().unwrap() {
                self.rosa.discard(one.hash).unwrap();
            }
        }
        let word = format!("honest {round}");
        wrong.extend(self.victim_goes_on(case.kind, record, &word).await.err());
        wrong
    }
}

fn code(outcome: &VerdictOutcome) -> &str {
    match outcome {
        VerdictOutcome::Accepted(_) => "accepted",
        VerdictOutcome::Refused(refusal) => &refusal.code,
    }
}

/// Hundreds of forgeries against one world. Whatever is tried, the victim's next edit of the record
/// arrives, and in the end tables, documents, changes and the names of their authors agree.
#[tokio::test(flavor = "multi_thread")]
async fn no_forged_change_is_accepted_and_none_keeps_its_victim_from_working() {
    let seed: u64 =
        std::env::var("SEED").map_or_else(|_| rand::rng().random(), |s| s.parse().unwrap());
    println!("seed {seed}");
    let mut scene = Scene::new(StdRng::seed_from_u64(seed)).await;
    let table = cases::full();
    let mut names = BTreeSet::new();
    for case in &table.cases {
        assert!(names.insert(&case.name), "two cases are called {}", case.name);
    }
    let mut failures = Vec::new();
    for (round, case) in table.cases.iter().enumerate() {
        for wrong in Box::pin(scene.run(case, round)).await {
            failures.push(format!("{}: {wrong}", case.name));
        }
    }
    let (tried, found) = sessions::run_all(&mut scene).await;
    failures.extend(found);
    let count = table.cases.len() + tried;
    println!("{count} forgeries: {} changes, {tried} sessions", table.cases.len());
    failures.extend(scene.nothing_leaked().await);
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 200, "only {count} cases");
    scene.world.assert_projected().await;
    assert_authors(&scene).await;
    scene.world.end().await;
}

/// Somebody says hello with the id of a device that the server has not heard of yet. The device is
/// not kept out when it comes itself, and neither shows the other anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_id_somebody_took_first_syncs_all_the_same() {
    let scene = Scene::new(StdRng::seed_from_u64(1)).await;
    let world = &scene.world;
    let mut fresh = world.device("fresh.db", world.rep);
    let hello = wire::hello(world.token(scene.nora));
    let stolen = Hello { replica: fresh.id(), ..hello };
    let (_line, welcome) = Line::greeted(&world.server.sync_url(), stolen).await;
    assert_eq!(welcome.unwrap().user.0, scene.nora);
    let record = scene.records["organization"][0];
    for word in ["first", "second"] {
        world.sync(&mut fresh).await;
        set(&mut fresh, record, "organization", &[("website", word)]);
        world.sync(&mut fresh).await;
        assert_eq!(scene.row("organization", record).await["website"], word);
    }
    world.assert_agrees(&fresh).await;
    scene.world.end().await;
}

/// A colleague, who may edit the record, does so under the name that the victim's writer has and the
/// server has not heard of. That is an edit of the colleague's; the victim's are made again.
#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_who_takes_the_victims_writer_takes_no_edit_with_it() {
    let mut scene = Scene::new(StdRng::seed_from_u64(2)).await;
    for kind in scene::KINDS {
        let record = scene.records[kind][0];
        scene.reopen();
        set(&mut scene.rosa, record, kind, &[("tags", "unsent")]);
        let facts = scene.facts(scene::Attacker::Colleague, kind).await;
        let groups = facts.altered(|change| change.actor_id = facts.unseen.0[..].into());
        drop(facts);
        let verdicts = scene.line(scene::Attacker::Colleague).await.push(groups).await.unwrap();
        assert_eq!(code(&verdicts[0].outcome), "accepted");
        set(&mut scene.rosa, record, kind, &[("tags", "later")]);
        // Both edit within a second, so that chance decides whose name the row bears.
        assert_eq!(scene.world.sync(&mut scene.rosa).await.refused, 0, "{kind}");
        assert_eq!(scene.rosa.status().unwrap().unsent, 0, "{kind}");
        let row = scene.row(kind, record).await;
        let tags: Vec<&str> =
            row["tags"].as_array().unwrap().iter().filter_map(|tag| tag.as_str()).collect();
        assert_eq!(tags.len(), 3, "{kind}: {tags:?}");
        assert!(tags.contains(&"unsent") && tags.contains(&"later"), "{kind}: {tags:?}");
    }
    scene.world.assert_agrees(&scene.rosa).await;
    scene.world.assert_projected().await;
    assert_authors(&scene).await;
    scene.world.end().await;
}

/// Every stored change was pushed by a user whose its writer is, says so itself, and no row names
/// as its last editor anybody else than an author of its record.
async fn assert_authors(scene: &Scene) {
    let owner = &scene.world.owner;
    let strange: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sync.changes c JOIN sync.actors a USING (actor) WHERE a.user_id <> c.author",
    )
    .fetch_one(owner)
    .await
    .unwrap();
    assert_eq!(strange, 0, "changes whose writer belongs to somebody else than their author");
    let all: Vec<(Vec<u8>, Uuid, i64)> =
        sqlx::query_as("SELECT bytes, author, seq FROM sync.changes")
            .fetch_all(owner)
            .await
            .unwrap();
    for (bytes, author, seq) in &all {
        let parsed = sync_core::guard::parse(bytes).unwrap();
        let named = parsed.author().map(|author| author.0);
        assert_eq!(named, (*seq == 1).then_some(*author), "who a change says that it is by");
    }
    for kind in sync_core::crm::schema().document_kinds() {
        let sql = format!(
            "SELECT count(*) FROM public.{} t WHERE NOT EXISTS (SELECT 1 FROM sync.changes c
             WHERE c.record_id = t.id AND c.author = t.updated_by)",
            kind.table
        );
        let strange: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(owner).await.unwrap();
        assert_eq!(strange, 0, "{} last edited by nobody who did", kind.table);
    }
}
