//! Who is there: a victim, those who attack, the records attacked, and what an attacker may know.
//!
//! Attackers are given everything: the documents as the server holds them, the victim's file, and
//! the bytes of what the victim has not sent yet.

use std::cell::RefCell;
use std::collections::HashMap;

use automerge::Automerge;
use client_sdk::Client;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sync_core::document;
use sync_core::ids::{Actor, RecordId, UserId};
use sync_server::clock;
use sync_server::ops::{assign, people};
use uuid::Uuid;

use super::facts::Facts;
use crate::harness::{World, create};
use crate::wire::{self, Line};

/// The kinds of record, each attacked in its turn.
pub(super) const KINDS: [&str; 5] =
    ["organization", "contact", "opportunity", "interaction", "task"];

/// Who attacks. The victim is always Rosa.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Attacker {
    /// Omar, who works on the same account.
    Colleague,
    /// Nora, who has nothing to do with it.
    Outsider,
    /// Ruth, who may read it.
    Reader,
    /// Rosa's own other device.
    OwnDevice,
}

impl Attacker {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Colleague => "a colleague on the account",
            Self::Outsider => "a colleague without access",
            Self::Reader => "a reader",
            Self::OwnDevice => "the victim's other device",
        }
    }
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) rosa: Client,
    pub(super) nora: Uuid,
    pub(super) ruth: Uuid,
    /// Rosa's alone.
    pub(super) foreign: RecordId,
    /// Two records of each kind, on accounts that Rosa shares with Omar.
    pub(super) records: HashMap<&'static str, [RecordId; 2]>,
    /// An account of the attacker's own.
    own: HashMap<Attacker, RecordId>,
    lines: HashMap<Attacker, Line>,
    dice: StdRng,
}

impl Scene {
    pub(super) async fn new(dice: StdRng) -> Self {
        let world = World::new().await;
        let north = people::add_territory(&world.owner, "North", None).await.unwrap();
        let person = async |name: &str, role: &str, territory| {
            world.person(name, role, None, territory).await
        };
        let nora = person("nora", "sales_rep", None).await;
        let ruth = person("ruth", "read_only", Some(north)).await;
        let mut rosa = world.device("rosa.db", world.rep);
        let foreign = create(&mut rosa, "organization", &[("name", "Rosa's alone")]);
        let mut records = HashMap::new();
        let accounts = ["One", "Two"].map(|name| account_with_all(&mut rosa, name));
        for (index, kind) in KINDS.into_iter().enumerate() {
            records.insert(kind, [accounts[0][index], accounts[1][index]]);
        }
        world.sync(&mut rosa).await;
        let list = accounts.map(|account| assign::Assignment {
            organization: account[0].0,
            to: world.rep,
            second: Some(world.other_rep),
            territory: Some(north),
        });
        let app = &world.server.app;
        let outcome =
            assign::assign(&app.pool, &app.committer, world.manager, &list).await.unwrap();
        assert_eq!((outcome.changed, outcome.refused), (2, Vec::new()));
        // A row names whoever edited last, in whole seconds: the victim's edits begin in the next.
        let assigned = clock::now().seconds();
        while clock::now().seconds() == assigned {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let mut own = HashMap::new();
        for (who, user) in [(Attacker::Colleague, world.other_rep), (Attacker::Outsider, nora)] {
            let mut device = world.device(&format!("{who:?}.db"), user);
            own.insert(who, create(&mut device, "organization", &[("name", "The attacker's")]));
            world.sync(&mut device).await;
        }
        world.sync(&mut rosa).await;
        let lines = HashMap::new();
        Self { world, rosa, nora, ruth, foreign, records, own, lines, dice }
    }

    pub(super) fn user(&self, who: Attacker) -> Uuid {
        match who {
            Attacker::Colleague => self.world.other_rep,
            Attacker::Outsider => self.nora,
            Attacker::Reader => self.ruth,
            Attacker::OwnDevice => self.world.rep,
        }
    }

    /// The attacker's socket, opened when it is first needed or after a goodbye.
    pub(super) async fn line(&mut self, who: Attacker) -> &mut Line {
        if !self.lines.contains_key(&who) {
            let hello = wire::hello(self.world.token(self.user(who)));
            let (line, welcome) = Line::greeted(&self.world.server.sync_url(), hello).await;
            welcome.unwrap();
            self.lines.insert(who, line);
        }
        self.lines.get_mut(&who).unwrap()
    }

    /// Forgets the attacker's socket.
    pub(super) fn hang_up(&mut self, who: Attacker) {
        self.lines.remove(&who);
    }

    /// The attackers' own accounts, on which they may do what they like.
    pub(super) fn own_accounts(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.own.values().copied()
    }

    pub(super) fn all_lines(&self) -> impl Iterator<Item = (Attacker, &Line)> {
        self.lines.iter().map(|(who, line)| (*who, line))
    }

    /// Opens the victim's file anew, so that its writer is one that no server has heard of.
    pub(super) fn reopen(&mut self) {
        self.rosa = self.world.device("rosa.db", self.world.rep);
    }

    async fn document(&self, record: RecordId) -> Automerge {
        let snapshot: Vec<u8> =
            sqlx::query_scalar("SELECT snapshot FROM sync.documents WHERE id = $1")
                .bind(record.0)
                .fetch_one(&self.world.owner)
                .await
                .unwrap();
        document::load(&snapshot, &[]).unwrap()
    }

    /// What the attacker knows of a record of this kind.
    pub(super) async fn facts(&mut self, who: Attacker, kind: &'static str) -> Facts {
        let next = KINDS[(KINDS.iter().position(|name| *name == kind).unwrap() + 1) % KINDS.len()];
        let ([record, other], [elsewhere, _]) = (self.records[kind], self.records[next]);
        let changes: Vec<(Vec<u8>, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT bytes, actor, seq FROM sync.changes WHERE record_id = $1 AND author = $2 ORDER BY position",
        )
        .bind(record.0)
        .bind(self.world.rep)
        .fetch_all(&self.world.owner)
        .await
        .unwrap();
        let server: Vec<u8> =
            sqlx::query_scalar("SELECT actor FROM sync.changes WHERE author = $1 LIMIT 1")
                .bind(self.world.manager)
                .fetch_one(&self.world.owner)
                .await
                .unwrap();
        let own = match self.own.get(&who) {
            Some(own) => Some((*own, self.document(*own).await)),
            None => None,
        };
        let (last, first) = (changes.last().unwrap(), changes.first().unwrap());
        Facts {
            kind: crate::harness::kind(kind),
            record,
            doc: self.document(record).await,
            other,
            elsewhere: (crate::harness::kind(next), elsewhere),
            other_doc: self.document(other).await,
            own,
            shared: self.records["organization"][0],
            foreign: self.foreign,
            attacker: UserId(self.user(who)),
            victim: UserId(self.world.rep),
            bound: Actor::from_slice(&last.1).unwrap(),
            bound_seq: u64::try_from(last.2).unwrap(),
            unseen: self.rosa.with_replica(|replica, _| replica.actor()),
            server: Actor::from_slice(&server).unwrap(),
            accepted: last.0.clone(),
            creating: first.0.clone(),
            waiting: waiting(&self.world, record),
            now: clock::now(),
            dice: RefCell::new(StdRng::seed_from_u64(self.dice.random())),
        }
    }
}

/// An account with one record of every kind that hangs from it, in the order of [`KINDS`].
fn account_with_all(rosa: &mut Client, name: &str) -> [RecordId; 5] {
    let account = create(rosa, "organization", &[("name", name)]);
    let parent = account.to_string();
    let parent = ("organization_id", parent.as_str());
    [
        account,
        create(rosa, "contact", &[parent, ("last_name", "Lee"), ("notes", "Mornings.")]),
        create(rosa, "opportunity", &[parent, ("name", "Menu")]),
        create(rosa, "interaction", &[parent, ("interaction_type", "VISIT")]),
        create(rosa, "task", &[parent, ("title", "Call")]),
    ]
}

/// What stands in the victim's file without an acceptance: unsent and refused changes of a record.
fn waiting(world: &World, record: RecordId) -> Vec<Vec<u8>> {
    let db = rusqlite::Connection::open(world.files.path().join("rosa.db")).unwrap();
    let sql = "SELECT bytes FROM changes WHERE state > 0 AND record = ?1 ORDER BY seq";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([record.as_bytes()], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
