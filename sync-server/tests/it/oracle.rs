//! The policies against a second opinion: a model of who may see and write what, in plain Rust and
//! from the rules of the trade rather than from the SQL, followed for thousands of random steps. Who
//! sees an account is the model's that simulations go by as well (`sync_core::testing::crm`).
//!
//! `SEED=… STEPS=…` replays a run.

mod oddities;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use client_sdk::Client;
use client_sdk::core::ids::{RecordId, UserId};
use client_sdk::core::replica::{Deleted, ListOptions};
use client_sdk::core::role::Role;
use client_sdk::core::testing::crm::{Company, Holding, Person};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};
use sync_server::ops::assign::{self, Assignment};
use sync_server::ops::people::{self, UserChange};
use uuid::Uuid;

use crate::harness::{World, create, set, sync_at};

const STEPS: u32 = 2000;
/// What the dice begin with unless another is named: a test says the same whenever it is run.
const SEED: u64 = 2_520_612_035_747_336_984;
const ROLES: [&str; 4] = ["admin", "manager", "sales_rep", "read_only"];

/// Who may see and write what, in plain Rust.
#[derive(Default)]
struct Model {
    company: Company,
    accounts: BTreeMap<RecordId, Holding>,
    /// Assignments so far.
    assignments: u64,
    /// Who saw an account that was then assigned anew, and with which assignment that was last.
    lost: HashMap<(Uuid, RecordId), u64>,
    /// How many assignments each person's device has heard of.
    heard: HashMap<Uuid, u64>,
    /// Each record of finances with its account.
    finances: BTreeMap<RecordId, RecordId>,
    /// Records that hang from people.
    alone: BTreeMap<RecordId, Alone>,
}

impl Model {
    fn role(&self, who: Uuid) -> &Role {
        self.company.role(UserId(who))
    }

    fn sees(&self, who: Uuid, account: &Holding) -> bool {
        self.company.sees(UserId(who), account)
    }

    fn writes(&self, who: Uuid, account: &Holding) -> bool {
        self.company.writes(UserId(who), account)
    }

    fn assigns(&self, who: Uuid, before: &Holding, after: &Holding) -> bool {
        self.company.assigns(UserId(who), before, after)
    }

    fn people(&self) -> impl Iterator<Item = Uuid> {
        self.company.people.keys().map(|user| user.0)
    }

    fn person(&mut self, who: Uuid) -> &mut Person {
        self.company.people.get_mut(&UserId(who)).unwrap()
    }

    fn assigned(&mut self, id: RecordId, after: Holding) {
        let before = self.accounts[&id];
        if before != after {
            self.assignments += 1;
            let saw = self.people().filter(|who| self.sees(*who, &before));
            for who in saw.collect::<Vec<_>>() {
                self.lost.insert((who, id), self.assignments);
            }
        }
        self.accounts.insert(id, after);
    }

    /// Whether an edit is taken: its author may write, or had not heard of losing the account.
    fn takes(&self, who: Uuid, edit: &Pending) -> bool {
        match edit.what {
            What::Alone(alone) => {
                let known = self.company.people.contains_key(&UserId(alone.holder));
                return known && *self.role(who) != Role::ReadOnly;
            }
            What::Never => return false,
            What::Begins | What::Account | What::Finances(_) => {}
        }
        let Some(account) = self.accounts.get(&edit.account) else { return false };
        let unheard = match (self.lost.get(&(who, edit.account)), edit.heard) {
            (Some(lost), Some(heard)) => *lost > heard,
            _ => false,
        };
        let may = self.writes(who, account) || unheard && *self.role(who) != Role::ReadOnly;
        may && (self.deals_with_finances(who) || !matches!(edit.what, What::Finances(_)))
    }

    /// A change of a person's role, place or state counts at once.
    fn changed(&mut self, who: Uuid) {
        self.lost.retain(|(loser, _), _| *loser != who);
    }

    /// Beside what concerns the account.
    fn deals_with_finances(&self, who: Uuid) -> bool {
        self.company.deals_with_finances(UserId(who))
    }

    fn finances_of(&self, who: Uuid) -> BTreeSet<RecordId> {
        let seen = self.finances.iter().filter(|(_, account)| {
            self.deals_with_finances(who) && self.sees(who, &self.accounts[account])
        });
        seen.map(|(id, _)| *id).collect()
    }

    fn accounts_of(&self, who: Uuid) -> BTreeSet<RecordId> {
        let seen = self.accounts.iter().filter(|(_, account)| self.sees(who, account));
        seen.map(|(id, _)| *id).collect()
    }
}

/// An edit on a device that no server has judged.
#[derive(Clone, Copy)]
struct Pending {
    account: RecordId,
    what: What,
    /// How many assignments the device had heard of.
    heard: Option<u64>,
}

/// A record that hangs from a person and no account.
#[derive(Clone, Copy)]
struct Alone {
    table: &'static str,
    holder: Uuid,
}

/// What an edit is of.
#[derive(Clone, Copy)]
enum What {
    /// It begins the account.
    Begins,
    /// The account, or what hangs from it.
    Account,
    /// A record of the account's finances; this one.
    Finances(RecordId),
    /// A record without an account.
    Alone(Alone),
    /// What nobody may.
    Never,
}

struct Run {
    world: World,
    model: Model,
    devices: BTreeMap<Uuid, Client>,
    pending: HashMap<Uuid, Vec<Pending>>,
    random: StdRng,
    count: u64,
    /// Edits that were taken of people who may not write the account any more.
    late: u64,
}

/// Whatever happens, a device holds what its user may see, and exactly that is accepted which its
/// user may write.
#[tokio::test(flavor = "multi_thread")]
async fn devices_and_verdicts_follow_a_model_of_the_rules() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(SEED);
    let steps = std::env::var("STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(STEPS);
    println!("SEED={seed} STEPS={steps}");
    let mut run = Run::new(seed).await;
    for step in 0..steps {
        let who = run.step().await;
        // Somebody who was deleted looks at nothing any more.
        let who = Some(who).filter(|who| run.devices.contains_key(who));
        let other = *run.devices.keys().choose(&mut run.random).unwrap();
        // Whoever did something may well be without a signal.
        let online = who.filter(|_| run.random.random_bool(0.4));
        for user in BTreeSet::from_iter(online.into_iter().chain([other])) {
            run.sync(user, step).await;
        }
        run.check_server(step).await;
    }
    let everybody: Vec<Uuid> = run.devices.keys().copied().collect();
    for user in everybody {
        run.sync(user, steps).await;
    }
    println!("{} edits were taken of people who had not heard of losing the account", run.late);
    assert!(run.late > 0 || steps < STEPS, "the run says nothing of late edits");
    run.world.assert_projected().await;
    drop(run.devices);
    run.world.end().await;
}

impl Run {
    async fn new(seed: u64) -> Self {
        let world = World::new().await;
        let mut model = Model::default();
        let root = people::add_territory(&world.owner, "Root", None).await.unwrap();
        model.company.territories.insert(root, None);
        for (name, within) in [("East", root), ("West", root)] {
            let region = people::add_territory(&world.owner, name, Some(within)).await.unwrap();
            model.company.territories.insert(region, Some(within));
            let name = format!("{name} side");
            let part = people::add_territory(&world.owner, &name, Some(region)).await.unwrap();
            model.company.territories.insert(part, Some(region));
        }
        let known = [
            (world.admin, "admin", None),
            (world.manager, "manager", None),
            (world.rep, "sales_rep", Some(world.manager)),
            (world.other_rep, "sales_rep", Some(world.manager)),
        ];
        for (id, role, manager) in known {
            let manager = manager.map(UserId);
            let person = Person { role: role.into(), active: true, manager, territory: None };
            model.company.people.insert(UserId(id), person);
        }
        for (name, role) in [("max", "manager"), ("lin", "sales_rep"), ("rita", "read_only")] {
            let manager = (role == "sales_rep").then_some(world.manager);
            let territory = Some(root);
            let id = world.person(name, role, manager, territory).await;
            let manager = manager.map(UserId);
            let person = Person { role: role.into(), active: true, manager, territory };
            model.company.people.insert(UserId(id), person);
        }
        let devices =
            model.people().map(|user| (user, world.device(&format!("{user}.db"), user))).collect();
        let random = StdRng::seed_from_u64(seed);
        Self { world, model, devices, pending: HashMap::new(), random, count: 0, late: 0 }
    }

    fn somebody(&mut self) -> Uuid {
        self.model.people().choose(&mut self.random).unwrap()
    }

    fn somewhere(&mut self) -> Uuid {
        *self.model.company.territories.keys().choose(&mut self.random).unwrap()
    }

    /// Does one thing; returns whose device should look.
    async fn step(&mut self) -> Uuid {
        let who = self.somebody();
        match self.random.random_range(0..100) {
            0..6 => self.create_account(who),
            6..46 => self.edit_account(who),
            46..50 => self.make_alone(who),
            50..63 => self.add_to_account(who),
            63..67 => self.add_finances(who),
            67..70 => self.edit_finances(who),
            70..84 => self.assign(who).await,
            84..86 => self.take_an_id(who),
            86..87 => self.give_to_nobody(who),
            87..88 => match self.random.random_range(0..4) {
                0 => self.replace(who).await,
                1 => self.begin_another_life().await,
                _ => self.damage_cursor(who),
            },
            88..92 => {
                let role = *ROLES.choose(&mut self.random).unwrap();
                if *self.model.role(who) != Role::from(role) {
                    self.model.changed(who);
                }
                self.model.person(who).role = role.into();
                self.change(who, UserChange { role: Some(role.into()), ..Default::default() })
                    .await;
            }
            92..95 => {
                let territory = Some(self.somewhere());
                if self.model.person(who).territory != territory {
                    self.model.changed(who);
                }
                self.model.person(who).territory = territory;
                self.change(who, UserChange { territory, ..Default::default() }).await;
            }
            95..98 => {
                let manager = self.somebody();
                if manager != who && !self.model.company.reports_to(UserId(manager), UserId(who)) {
                    self.model.person(who).manager = Some(UserId(manager));
                    let manager = Some(manager);
                    self.change(who, UserChange { manager, ..Default::default() }).await;
                }
            }
            _ => {
                let active = !self.model.person(who).active;
                self.model.changed(who);
                self.model.person(who).active = active;
                self.change(who, UserChange { active: Some(active), ..Default::default() }).await;
            }
        }
        who
    }

    async fn change(&self, who: Uuid, change: UserChange) {
        people::change_user(&self.world.owner, who, &change).await.unwrap();
    }

    fn held(&self, who: Uuid, kind: &str) -> Vec<RecordId> {
        let options = ListOptions { deleted: Deleted::Shown, ..ListOptions::default() };
        let kind = crate::harness::kind(kind);
        let list = self.devices[&who].list(&kind, &options).unwrap();
        list.rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect()
    }

    fn note(&mut self, who: Uuid, account: RecordId, what: What) {
        let heard = self.model.heard.get(&who).copied();
        self.pending.entry(who).or_default().push(Pending { account, what, heard });
    }

    fn create_account(&mut self, who: Uuid) {
        self.count += 1;
        let name = format!("Account {}", self.count);
        let device = self.devices.get_mut(&who).unwrap();
        let account = create(device, "organization", &[("name", &name)]);
        self.note(who, account, What::Begins);
    }

    fn edit_account(&mut self, who: Uuid) {
        self.count += 1;
        let value = self.count.to_string();
        let Some(account) = self.held(who, "organization").choose(&mut self.random).copied() else {
            return;
        };
        let device = self.devices.get_mut(&who).unwrap();
        set(device, account, "organization", &[("employee_count", &value)]);
        self.note(who, account, What::Account);
    }

    fn add_to_account(&mut self, who: Uuid) {
        let Some(account) = self.held(who, "organization").choose(&mut self.random).copied() else {
            return;
        };
        let parent = account.to_string();
        let device = self.devices.get_mut(&who).unwrap();
        let of = ("organization_id", parent.as_str());
        match self.random.random_range(0..3) {
            0 => create(device, "contact", &[of, ("first_name", "Kim"), ("last_name", "Lee")]),
            1 => create(device, "task", &[of, ("title", "Call")]),
            _ => create(device, "interaction", &[of, ("interaction_type", "VISIT")]),
        };
        self.note(who, account, What::Account);
    }

    fn add_finances(&mut self, who: Uuid) {
        let held = self.held(who, "organization");
        let Some(account) = held.choose(&mut self.random).copied() else { return };
        let parent = account.to_string();
        let device = self.devices.get_mut(&who).unwrap();
        let pairs = [("organization_id", parent.as_str()), ("payment_terms", "cod")];
        let finances = create(device, "organization_finance", &pairs);
        self.note(who, account, What::Finances(finances));
    }

    fn edit_finances(&mut self, who: Uuid) {
        self.count += 1;
        let value = self.count.to_string();
        let held = self.held(who, "organization_finance");
        let Some(finances) = held.choose(&mut self.random).copied() else { return };
        let device = self.devices.get_mut(&who).unwrap();
        set(device, finances, "organization_finance", &[("tax_id", &value)]);
        let record = device.record(finances).unwrap().unwrap();
        let account = record.json("organization_id").as_str().unwrap().parse().unwrap();
        self.note(who, account, What::Finances(finances));
    }

    async fn assign(&mut self, who: Uuid) {
        // Rather one that somebody is at work on.
        let at_work = self.pending.values().flatten().map(|edit| edit.account);
        let at_work: BTreeSet<RecordId> = at_work.collect();
        let known = self.model.accounts.keys().copied();
        let (busy, other): (Vec<_>, Vec<_>) = known.partition(|id| at_work.contains(id));
        let from = if self.random.random_bool(0.7) && !busy.is_empty() { busy } else { other };
        let Some(id) = from.choose(&mut self.random).copied() else { return };
        let before = self.model.accounts[&id];
        let after = Holding {
            assigned: Some(UserId(self.somebody())),
            second: self.random.random_bool(0.3).then(|| UserId(self.somebody())),
            territory: self.random.random_bool(0.5).then(|| self.somewhere()),
        };
        // Rather somebody who may, or most assignments come to nothing.
        let may = self.model.people();
        let may: Vec<Uuid> = may.filter(|p| self.model.assigns(*p, &before, &after)).collect();
        let rather = self.random.random_bool(0.7);
        let who = may.choose(&mut self.random).copied().filter(|_| rather).unwrap_or(who);
        let list = [Assignment {
            organization: id.0,
            to: after.assigned.unwrap().0,
            second: after.second.map(|user| user.0),
            territory: after.territory,
        }];
        let app = &self.world.server.app;
        let outcome = assign::assign(&app.pool, &app.committer, who, &list).await.unwrap();
        let allowed = self.model.assigns(who, &before, &after);
        assert_eq!(outcome.changed == 1, allowed, "{who} assigns {before:?} as {after:?}");
        if allowed {
            self.model.assigned(id, after);
        }
    }

    /// Syncs a device, compares the verdicts with what the model expects, and the device with the
    /// server.
    async fn sync(&mut self, who: Uuid, step: u32) {
        let token = self.world.token(who);
        let url = self.world.server.sync_url();
        let device = self.devices.get_mut(&who).unwrap();
        let outcome = sync_at(device, &url, &token).await;
        if !self.model.person(who).active {
            assert!(outcome.is_err(), "step {step}: a disabled user syncs");
            self.world.assert_agrees(&self.devices[&who]).await;
            return;
        }
        let summary = outcome.unwrap_or_else(|error| panic!("step {step}: {error}"));
        let mut expected = 0;
        for edit in self.pending.remove(&who).unwrap_or_default() {
            let own = Holding { assigned: Some(UserId(who)), second: None, territory: None };
            if matches!(edit.what, What::Begins) && self.model.writes(who, &own) {
                self.model.accounts.insert(edit.account, own);
            }
            let (takes, account) = (self.model.takes(who, &edit), &self.model.accounts);
            expected += u64::from(!takes);
            let writes = account.get(&edit.account).is_some_and(|a| self.model.writes(who, a));
            let of_account = !matches!(edit.what, What::Alone(_));
            self.late += u64::from(takes && !writes && of_account);
            if let (true, What::Finances(record)) = (takes, edit.what) {
                self.model.finances.insert(record, edit.account);
            }
            if let (true, What::Alone(alone)) = (takes, edit.what) {
                self.model.alone.insert(edit.account, alone);
            }
        }
        self.model.heard.insert(who, self.model.assignments);
        assert_eq!(summary.refused, expected, "step {step}: refusals of {who}");
        self.world.assert_agrees(&self.devices[&who]).await;
    }

    /// What the policies show everybody is what the model says.
    async fn check_server(&self, step: u32) {
        let tables = ["organizations", "organization_finance"];
        let alone = ["contacts", "tasks"];
        let conditions = alone.map(|table| format!("{table} WHERE organization_id IS NULL"));
        let mut questions: Vec<&str> = tables.to_vec();
        // Not after every step: it is most of what a step takes.
        if step.is_multiple_of(5) {
            questions.extend(conditions.iter().map(String::as_str));
        }
        for who in self.model.people() {
            let shown = self.world.ids_of_each(who, &questions).await;
            let shown: Vec<BTreeSet<RecordId>> =
                shown.into_iter().map(|ids| ids.into_iter().map(RecordId).collect()).collect();
            assert_eq!(shown[0], self.model.accounts_of(who), "step {step}: what {who} sees");
            assert_eq!(shown[1], self.model.finances_of(who), "step {step}: finances for {who}");
            for (table, shown) in alone.iter().zip(&shown[2..]) {
                let expected = self.model.alone_of(who, table);
                assert_eq!(*shown, expected, "step {step}: {table} of {who}");
            }
        }
    }
}
