//! Accounts that go from hand to hand while those concerned work on them, with connections that
//! break between any two frames: whatever was edited is in the records or in quarantine with its
//! reason and its words, and every device ends with what its user sees.
//!
//! `SEED=…` replays a run.

use std::collections::BTreeMap;

use client_sdk::Client;
use client_sdk::core::ids::RecordId;
use client_sdk::core::replica::{Effect, GroupEdit};
use client_sdk::core::schema;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use crate::harness::{World, edit};
use crate::wire::Line;

const SEEDS: u64 = 4;
const STEPS: u32 = 120;
const KINDS: [&str; 5] = ["organization", "contact", "opportunity", "interaction", "task"];

struct Hands {
    world: World,
    random: StdRng,
    people: Vec<Uuid>,
    devices: BTreeMap<Uuid, Client>,
    accounts: Vec<RecordId>,
    /// A word for every edit that a device accepted.
    words: Vec<String>,
}

impl Hands {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let people = vec![world.rep, world.other_rep, world.manager];
        let devices = people.iter().map(|who| (*who, world.device(&format!("{who}.db"), *who)));
        let devices = devices.collect();
        let random = StdRng::seed_from_u64(seed);
        Self { world, random, people, devices, accounts: Vec::new(), words: Vec::new() }
    }

    fn held(&self, who: Uuid) -> Vec<(RecordId, schema::Kind)> {
        let of = |kind: &&str| {
            let kind = crate::harness::kind(kind);
            let rows = self.devices[&who].list(&kind, &Default::default()).unwrap().rows;
            let id = |row: &Vec<serde_json::Value>| row[0].as_str().unwrap().parse().unwrap();
            rows.iter().map(|row| (id(row), kind.clone())).collect::<Vec<_>>()
        };
        KINDS.iter().flat_map(of).collect()
    }

    fn word(&mut self) -> String {
        let word = format!("w{:05}", self.words.len());
        self.words.push(word.clone());
        word
    }

    fn commit(&mut self, who: Uuid, group: &[GroupEdit]) {
        let device = self.devices.get_mut(&who).unwrap();
        device.commit(group).unwrap();
    }

    /// A new record of somebody's, under an account that they hold if they hold any.
    fn begin(&mut self, who: Uuid) {
        let held = self.held(who);
        let accounts: Vec<_> = held.iter().filter(|(_, k)| k.name == "organization").collect();
        let parent = accounts.choose(&mut self.random).map(|(id, _)| id.to_string());
        let word = self.word();
        let (kind, pairs) = match (self.random.random_range(0..6), parent.as_deref()) {
            (1 | 2, Some(of)) => ("contact", vec![("organization_id", of), ("last_name", "Lee")]),
            (3, Some(of)) => ("opportunity", vec![("organization_id", of), ("name", "Menu")]),
            (4, Some(of)) => {
                ("interaction", vec![("organization_id", of), ("interaction_type", "VISIT")])
            }
            (5, Some(of)) => ("task", vec![("organization_id", of), ("title", "Call")]),
            _ => ("organization", vec![("name", "Kitchen")]),
        };
        let said = edit(kind, &[pairs, vec![("tags", word.as_str())]].concat());
        let device = self.devices.get_mut(&who).unwrap();
        let id = device.mint_id();
        let kind = crate::harness::kind(kind);
        if kind.name == "organization" {
            self.accounts.push(id);
        }
        self.commit(who, &[GroupEdit::Create { id, kind, edit: said }]);
    }

    /// An edit of one or two records: a word, and perhaps a move, or what a rule refuses.
    fn change(&mut self, who: Uuid) {
        let held = self.held(who);
        let count = self.random.random_range(1..=2);
        let chosen: Vec<_> = held.sample(&mut self.random, count).cloned().collect();
        let accounts: Vec<_> = held.iter().filter(|(_, k)| k.name == "organization").collect();
        let mut group = Vec::new();
        for (id, kind) in chosen {
            let word = self.word();
            let place = accounts.choose(&mut self.random).map(|(id, _)| id.to_string());
            let mut pairs = vec![("tags", word.as_str())];
            match (kind.name, &place) {
                ("contact", Some(place)) if self.random.random_bool(0.5) => {
                    pairs.push(("organization_id", place));
                }
                ("opportunity", _) if self.random.random_bool(0.4) => {
                    pairs.push(("stage", "closed-lost"));
                }
                _ => {}
            }
            group.push(GroupEdit::Edit { id, edit: edit(kind.name, &pairs) });
        }
        if !group.is_empty() {
            self.commit(who, &group);
        }
    }

    async fn assign(&mut self) {
        let mut known: Vec<Uuid> = self.world.ids_of(self.world.admin, "organizations").await;
        known.sort_unstable();
        let Some(id) = known.choose(&mut self.random).copied() else { return };
        let to = *self.people.choose(&mut self.random).unwrap();
        self.world.assign(RecordId(id), to).await;
    }

    /// A session that breaks after so many frames, perhaps with the process.
    async fn broken_session(&mut self, who: Uuid) {
        let frames = self.random.random_range(1..12);
        let dies = self.random.random_bool(0.3);
        let token = self.world.token(who);
        let device = self.devices.get_mut(&who).unwrap();
        let mut line = Line::silent(&self.world.server.sync_url()).await;
        line.say_bytes(device.with_replica(|replica, _| replica.connect(&token, "test")).unwrap())
            .await;
        for _ in 0..frames {
            let message = line.next().await.expect("the server has no reason to hang up");
            let effects = device
                .with_replica(|replica, env| replica.handle_frame(&message.to_bytes(), env))
                .unwrap();
            for effect in effects {
                if let Effect::Send(frame) = effect {
                    line.say_bytes(frame).await;
                }
            }
            while let Some(push) = device.with_replica(|replica, _| replica.poll_push()).unwrap() {
                line.say_bytes(push).await;
            }
            if device.with_replica(|replica, _| replica.caught_up()) {
                break;
            }
        }
        device.with_replica(|replica, _| replica.disconnected(None));
        if dies {
            self.devices.remove(&who);
            let again = self.world.device(&format!("{who}.db"), who);
            self.devices.insert(who, again);
        }
    }

    async fn sync(&mut self, who: Uuid) {
        let device = self.devices.get_mut(&who).unwrap();
        self.world.sync(device).await;
    }

    /// Every word is in a record, or in the quarantine of some device with a reason.
    async fn assert_nothing_lost(&self) {
        let mut said = String::new();
        for kind in KINDS {
            let kind = crate::harness::kind(kind);
            said += &format!("{:?}", self.world.rows_of(self.world.admin, kind.table).await);
        }
        for device in self.devices.values() {
            assert_eq!(device.status().unwrap().unsent, 0);
            for one in device.quarantine().unwrap() {
                assert!(!one.refusal.sentence.is_empty(), "{one:?}");
                said += &one.edit.to_string();
            }
        }
        let lost: Vec<_> = self.words.iter().filter(|word| !said.contains(*word)).collect();
        assert!(lost.is_empty(), "of {} edits these are nowhere: {lost:?}", self.words.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_edit_is_lost_however_often_accounts_change_hands() {
    let seeds = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=SEEDS).collect(),
    };
    for seed in seeds {
        println!("SEED={seed}");
        let mut hands = Hands::new(seed).await;
        if seed % 3 == 0 {
            hands.world.end_grace().await;
        }
        for _ in 0..STEPS {
            let who = *hands.people.choose(&mut hands.random).unwrap();
            match hands.random.random_range(0..100) {
                0..20 => hands.begin(who),
                20..60 => hands.change(who),
                60..75 => hands.assign().await,
                75..92 => hands.broken_session(who).await,
                _ => hands.sync(who).await,
            }
        }
        // Once for what each has to say, and once for what the others said.
        for _ in 0..2 {
            for who in hands.people.clone() {
                hands.sync(who).await;
            }
        }
        // Not before: what a broken session pushed may be committed at any time after.
        for device in hands.devices.values() {
            hands.world.assert_agrees(device).await;
        }
        hands.assert_nothing_lost().await;
        hands.world.assert_projected().await;
        hands.world.end().await;
    }
}
