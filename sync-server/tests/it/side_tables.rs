//! What the guard takes has room in every table: in its own, and in those that are written only when
//! two people meet, when a value is odd, or when a rule refuses.

mod odd;

use std::collections::BTreeSet;

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{Author, Automerge, ROOT, ReadDoc, ScalarValue};
use client_sdk::Client;
use odd::{Odd, holds_nul, plain};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};
use sync_core::document::{self, PenRole, Violation};
use sync_core::error::RefusalCode;
use sync_core::guard::{self, Context};
use sync_core::hub::PushedChange;
use sync_core::ids::{Actor, EventId, RecordId, UserId};
use sync_core::schema::{
    Field, FieldType, ID_KEY, Initial, Kind, Presence, Rule, SetOf, Use, Writer,
};
use sync_core::testing::Random;
use sync_server::clock::now;
use sync_server::ops::people::{self, entropy, new_id};
use sync_server::ops::report;
use uuid::Uuid;

use crate::fault::{account, codes, job};
use crate::harness::{World, create, kind, set};

/// Fields that one record is written to in, each several times.
const FIELDS_OF_A_RECORD: usize = 5;
const VALUES_OF_A_FIELD: usize = 3;

/// Somebody who writes to a record with an app of their own making.
pub(crate) struct Hand {
    user: Uuid,
    actor: Actor,
    doc: Automerge,
}

impl Hand {
    pub(crate) fn new(user: Uuid, doc: &Automerge) -> Self {
        Self { user, actor: Actor(entropy()), doc: doc.clone() }
    }

    /// Makes a change, whatever the guard will say of it; the hand's own document stays as it is.
    pub(crate) fn forge(
        &self,
        kind: &Kind,
        record: RecordId,
        write: impl FnOnce(&mut Transaction<'_>),
    ) -> Option<PushedChange> {
        let mut copy = self.doc.clone();
        copy.set_author(Some(Author::from(self.user.as_bytes().to_vec())));
        copy.set_actor(self.actor.automerge());
        let mut tx = copy.transaction();
        write(&mut tx);
        let options = CommitOptions::default().with_time(now().seconds());
        let (hash, _) = tx.commit_with(options);
        let change = copy.get_change_by_hash(&hash?)?;
        let parsed = guard::parse(change.raw_bytes());
        let hash = change.hash().into();
        Some(PushedChange { record, kind: kind.name.into(), hash, parsed, receipt: None })
    }

    /// Makes a change. The guard judges it as the server would; what it refuses was never made.
    fn write(
        &mut self,
        kind: &Kind,
        record: RecordId,
        write: impl FnOnce(&mut Transaction<'_>),
    ) -> Option<PushedChange> {
        let change = self.forge(kind, record, write)?;
        let parsed = change.parsed.clone().ok()?;
        let context = Context {
            record,
            kind: kind.clone(),
            doc: &self.doc,
            author: UserId(self.user),
            now: now(),
            pen: PenRole::Device,
        };
        let verified = guard::verify(parsed, &context).ok()?;
        self.doc = guard::apply(&self.doc, kind, verified).ok()?.doc;
        Some(change)
    }

    /// Writes something odd to a field, if the guard takes it.
    fn write_odd(
        &mut self,
        kind: &Kind,
        record: RecordId,
        field: Option<&Field>,
        odd: &mut Odd,
    ) -> Option<PushedChange> {
        let Some(field) = field else {
            // A field of a newer app.
            let (key, value) = (odd.text(), odd.scalar(None));
            let nul = key.contains('\0') || holds_nul(&value);
            let made = self.write(kind, record, |tx| tx.put(ROOT, key, value).unwrap());
            return checked(made, nul);
        };
        let container = kind.genesis().container(record, field.name);
        let (nul, made) = match (field.ty, container) {
            (FieldType::Text, Some(id)) => {
                let text = odd.text();
                let nul = text.contains('\0');
                (nul, self.write(kind, record, |tx| tx.splice_text(id, 0, 0, &text).unwrap()))
            }
            (FieldType::Set(of), Some(id)) => {
                let key = odd.key(of);
                let nul = key.contains('\0');
                (nul, self.write(kind, record, |tx| tx.put(id, key, true).unwrap()))
            }
            (FieldType::Fields, Some(id)) => {
                let (key, text) = (odd.key(SetOf::Words), odd.text());
                let nul = key.contains('\0') || text.contains('\0');
                (nul, self.write(kind, record, |tx| tx.put(id, key, text).unwrap()))
            }
            (FieldType::Log(log), Some(id)) => {
                let event = ScalarValue::Str(odd.event(log, self.user).into());
                let (nul, key) = (holds_nul(&event), odd.random.event_id().to_string());
                (nul, self.write(kind, record, |tx| tx.put(id, key, event).unwrap()))
            }
            _ => {
                let value = odd.scalar(Some(field));
                let nul = holds_nul(&value);
                (nul, self.write(kind, record, |tx| tx.put(ROOT, field.name, value).unwrap()))
            }
        };
        checked(made, nul)
    }
}

/// What holds U+0000 is never taken.
fn checked(made: Option<PushedChange>, nul: bool) -> Option<PushedChange> {
    let hash = made.as_ref().map(|change| change.hash);
    assert!(!nul || made.is_none(), "the guard took U+0000: {hash:?}");
    made
}

/// A record with what it needs, and odd values in some of what is written only once.
fn begin(
    kind: &Kind,
    account: Uuid,
    user: Uuid,
    odd: &mut Odd,
) -> (RecordId, PushedChange, Automerge) {
    let record = RecordId(new_id());
    let mut hand = Hand::new(user, &kind.genesis().doc);
    for attempt in 0.. {
        let change = hand.write(kind, record, |tx| {
            tx.put(ROOT, ID_KEY, record.to_string()).unwrap();
            for field in kind.fields.iter().filter(|field| !field.ty.is_container()) {
                let once = field.rule == Rule::Immutable && field.writer == Writer::Anyone;
                if field.required == Presence::Required || field.initial != Initial::Nothing {
                    tx.put(ROOT, field.name, plain(field, account, user)).unwrap();
                } else if field.name == "organization_id" {
                    tx.put(ROOT, field.name, account.to_string()).unwrap();
                } else if once && attempt < 50 && odd.random.percent(50) {
                    tx.put(ROOT, field.name, odd.scalar(Some(field))).unwrap();
                }
            }
            // Where a person works is an event.
            if let Some(employer) = kind.genesis().container(record, "employer") {
                let (at, id) = (now(), odd.random.event_id().to_string());
                let event = json!({ "at": at, "by": user, "organization_id": account });
                tx.put(employer, id, event.to_string()).unwrap();
            }
        });
        if let Some(change) = change {
            return (record, change, hand.doc);
        }
    }
    unreachable!("a record without anything odd is taken")
}

pub(crate) async fn document(world: &World, record: RecordId) -> Automerge {
    let sql = "SELECT snapshot FROM sync.documents WHERE id = $1";
    let snapshot: Vec<u8> =
        sqlx::query_scalar(sql).bind(record.0).fetch_one(&world.owner).await.unwrap();
    document::load(&snapshot, &[]).unwrap()
}

/// Pushes changes, one a group, and looks that each gets a verdict that says something of the change.
async fn push(world: &World, user: Uuid, changes: Vec<PushedChange>) -> Vec<Option<RefusalCode>> {
    let verdicts = world.server.app.committer.push(job(user, changes)).await.unwrap();
    for verdict in &verdicts {
        if let sync_core::protocol::VerdictOutcome::Refused(refusal) = &verdict.outcome {
            let code = RefusalCode::parse(&refusal.code);
            let by_a_rule = [RefusalCode::Denied, RefusalCode::Rule, RefusalCode::DependsOnRefused];
            assert!(code.is_some_and(|code| by_a_rule.contains(&code)), "{refusal}");
        }
    }
    codes(&verdicts)
}

/// What a device shows as odd about a record stands on the server too, value for value.
async fn assert_oddities_agree(world: &World, device: &Client, record: RecordId) {
    let shown = device.record(record).unwrap().unwrap();
    let count = async |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM sync.{table} WHERE record_id = $1");
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(record.0).fetch_one(&world.owner).await.unwrap()
    };
    for conflict in &shown.conflicts {
        let sql = "SELECT EXISTS (SELECT FROM sync.conflicts WHERE record_id = $1 AND field = $2 AND contested = $3)";
        let stands: bool = sqlx::query_scalar(sql)
            .bind(record.0)
            .bind(&conflict.field)
            .bind(serde_json::Value::from(conflict.values.clone()))
            .fetch_one(&world.owner)
            .await
            .unwrap();
        assert!(stands, "{record}: {conflict:?}");
    }
    assert_eq!(count("conflicts").await, shown.conflicts.len() as i64, "{record}");
    // What is wrong twice in the same words stands once in the table.
    let distinct = |violation: &Violation| (violation.field.clone(), violation.problem.clone());
    let violations: BTreeSet<_> = shown.violations.iter().map(distinct).collect();
    assert_eq!(count("violations").await, violations.len() as i64, "{record}");
}

/// Two people with apps of their own making write whatever the guard takes to every field of every
/// kind, at the same time; and a third, who may only read, writes it too and is refused. Nothing ends
/// as "unavailable", nothing is refused for want of room, and devices show what the tables hold.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_accepted_has_room_in_every_table() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("SEED={seed}");
    let world = World::new().await;
    let north = people::add_territory(&world.owner, "North", None).await.unwrap();
    let ruth = world.person("ruth", "read_only", None, Some(north)).await;
    let people = vec![world.rep, world.manager, world.other_rep];
    let mut odd = Odd { random: Random::new(seed), people };
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    world.sync(&mut rosa).await;
    world.assign_all(world.manager, &[kitchen], world.rep, Some(north)).await;
    let (mut records, mut refused, mut accepted) = (Vec::new(), 0, 0);
    for kind in world.server.app.schema.document_kinds() {
        // Finances are the managers'.
        let first = if kind.name == "organization_finance" { world.manager } else { world.rep };
        let writable = |field: &&Field| {
            let once = field.rule == Rule::Immutable || field.writer == Writer::Server;
            !once && field.usage == Use::InUse
        };
        let fields: Vec<Option<&Field>> =
            kind.fields.iter().filter(writable).map(Some).chain([None]).collect();
        for fields in fields.chunks(FIELDS_OF_A_RECORD) {
            let (record, change, _) = begin(kind, kitchen.0, first, &mut odd);
            assert_eq!(push(&world, first, vec![change]).await, [None], "{}", kind.name);
            if kind.name == "organization" {
                world.assign_all(world.manager, &[record], world.rep, Some(north)).await;
            }
            records.push(record);
            let doc = document(&world, record).await;
            let [mut one, mut other] = [first, world.manager].map(|user| Hand::new(user, &doc));
            let mut made: [Vec<PushedChange>; 3] = Default::default();
            for field in fields {
                for _ in 0..VALUES_OF_A_FIELD {
                    made[0].extend(one.write_odd(kind, record, *field, &mut odd));
                    made[1].extend(other.write_odd(kind, record, *field, &mut odd));
                    let mut reader = Hand::new(ruth, &doc);
                    made[2].extend(reader.write_odd(kind, record, *field, &mut odd));
                }
            }
            let [by_one, by_other, by_reader] = made;
            for (user, changes) in [(first, by_one), (world.manager, by_other)] {
                accepted +=
                    push(&world, user, changes).await.iter().filter(|c| c.is_none()).count();
            }
            refused += by_reader.len();
            assert!(push(&world, ruth, by_reader).await.iter().all(Option::is_some));
        }
    }
    println!("{accepted} changes were accepted and {refused} refused");
    assert!(accepted > 300 && refused > 100, "too little was tried");
    let kept = "SELECT count(*) FROM sync.quarantine WHERE author = $1 AND code = 'denied'";
    let kept: i64 = sqlx::query_scalar(kept).bind(ruth).fetch_one(&world.owner).await.unwrap();
    assert_eq!(kept, refused as i64);
    let mut mia = world.device("mia.db", world.manager);
    for device in [&mut rosa, &mut mia] {
        world.sync(device).await;
        world.assert_agrees(device).await;
    }
    let count = records.len();
    let held: Vec<RecordId> =
        records.into_iter().filter(|record| mia.record(*record).unwrap().is_some()).collect();
    assert!(held.len() * 10 > count * 9, "{} of {count} records are still hers to see", held.len());
    for record in held {
        assert_oddities_agree(&world, &mia, record).await;
    }
    world.assert_projected().await;
    for (name, _) in report::reports() {
        report::run(&world.server.app.pool, name, world.admin).await.unwrap();
    }
    world.end().await;
}

/// Should some table all the same not take what a change comes to, whoever made that change hears it,
/// and everything else of the push, and everybody else's, is stored.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_table_does_not_take_is_refused_and_nothing_else() {
    let world = World::new().await;
    let tables = [
        "public.organizations",
        "sync.documents",
        "sync.changes",
        "sync.conflicts",
        "sync.violations",
    ];
    for (table, state) in tables.iter().zip(["22P05", "23514", "54000", "22021", "22003"]) {
        let changes: Vec<_> = (0..5).map(|n| account(world.rep, &format!("{table} {n}"))).collect();
        let culprit = changes[3].record;
        // What it comes to stands in no side table by itself, so that it is put there.
        let id = if table.starts_with("sync.") && *table != "sync.documents" {
            "record_id"
        } else {
            "id"
        };
        let sql = format!(
            "CREATE FUNCTION public.has_no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF NEW.{id} = '{culprit}' THEN RAISE EXCEPTION 'no room' USING ERRCODE = '{state}'; END IF;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER has_no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION public.has_no_room();
             CREATE FUNCTION public.is_odd() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                 INSERT INTO sync.conflicts VALUES (NEW.id, 'name', '[]');
                 INSERT INTO sync.violations VALUES (NEW.id, 'name', 'odd');
                 DELETE FROM sync.conflicts; DELETE FROM sync.violations;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER is_odd AFTER INSERT ON sync.documents FOR EACH ROW EXECUTE FUNCTION public.is_odd();"
        );
        world.owner.execute(AssertSqlSafe(sql)).await.unwrap();
        let pushed = world.server.app.committer.push(job(world.rep, changes.clone()));
        let neighbour = account(world.other_rep, "Next door");
        let neighbour = world.server.app.committer.push(job(world.other_rep, vec![neighbour]));
        let (pushed, neighbour) = tokio::join!(pushed, neighbour);
        let mut expected = [None; 5];
        expected[3] = Some(RefusalCode::Constraint);
        assert_eq!(codes(&pushed.unwrap()), expected, "{table}");
        assert_eq!(codes(&neighbour.unwrap()), [None], "{table}");
        let sql =
            "DROP FUNCTION public.has_no_room() CASCADE; DROP FUNCTION public.is_odd() CASCADE";
        world.owner.execute(sql).await.unwrap();
        // Once there is room, it may be pushed again.
        let again = world.server.app.committer.push(job(world.rep, vec![changes[3].clone()]));
        assert_eq!(codes(&again.await.unwrap()), [None], "{table}");
    }
    world.assert_projected().await;
    world.end().await;
}

/// A choice, an order of visits, a stage and a state that only a newer app knows: NULL and a violation
/// each, on the device as in SQL, and never the default, which is what nobody said.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_a_newer_app_is_null_and_a_violation_and_never_the_default() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let parent = account.to_string();
    let of = ("organization_id", parent.as_str());
    let deal = create(&mut rosa, "opportunity", &[of, ("name", "Menu")]);
    let visit = create(&mut rosa, "interaction", &[of, ("interaction_type", "VISIT")]);
    let task = create(&mut rosa, "task", &[of, ("title", "Call")]);
    world.sync(&mut rosa).await;
    let event =
        |part: &str| json!({ "at": now(), "by": world.rep, part: "newly_invented" }).to_string();
    for (name, record, key, value) in [
        ("organization", account, "organization_type", "newly_invented".to_owned()),
        ("organization", account, "priority_level", "newly_invented".to_owned()),
        ("task", task, "task_type", "newly_invented".to_owned()),
        ("opportunity", deal, "stage_log", event("stage")),
        ("interaction", visit, "status_log", event("status")),
    ] {
        let (kind, doc) = (kind(name), document(&world, record).await);
        // What an account is changes a manager.
        let who = if key == "organization_type" { world.manager } else { world.rep };
        let mut hand = Hand::new(who, &doc);
        let id = EventId::mint(now(), entropy()).to_string();
        let change = hand.write(&kind, record, |tx| match kind.genesis().container(record, key) {
            Some(log) => tx.put(log, id, value).unwrap(),
            None => tx.put(ROOT, key, value).unwrap(),
        });
        assert_eq!(push(&world, who, vec![change.unwrap()]).await, [None], "{key}");
    }
    let rows = "SELECT o.organization_type, o.priority_level, k.task_type, p.stage, p.probability, i.status,
                       o.violation_count AS o, k.violation_count AS k, p.violation_count AS p, i.violation_count AS i
                FROM public.organizations o, public.tasks k, public.opportunities p, public.interactions i";
    let null = json!(null);
    let mut expected = vec![null; 6];
    expected.extend([2, 1, 1, 1].map(|count| json!(count)));
    assert_eq!(world.select(world.rep, rows).await, [expected]);
    let violations = "SELECT field FROM sync.violations ORDER BY field";
    let fields: Vec<String> = sqlx::query_scalar(violations).fetch_all(&world.owner).await.unwrap();
    let expected = ["organization_type", "priority_level", "stage_log", "status_log", "task_type"];
    assert_eq!(fields, expected);
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    let pipeline = report::run(&world.server.app.pool, "pipeline", world.rep).await.unwrap();
    assert_eq!(pipeline.to_json()[0]["stage"], "(unknown)");
    for record in [account, deal, visit, task] {
        assert_oddities_agree(&world, &rosa, record).await;
    }
    world.assert_projected().await;
    world.end().await;
}

/// The address of a newer app has a part that holds U+0000. It is refused as it comes, by the device
/// and by the guard, and not years later when a colleague edits the address at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_writes_no_nul_into_any_value_name_or_key() {
    use sync_core::document::{FieldChange, RecordEdit, Value};
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let kitchen = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    let kind = kind("organization");
    let parts = |name: &str, text: &str| [(name.to_owned(), json!(text))].into();
    for (field, change) in [
        ("name", FieldChange::Set(Value::Str("a\0b".into()))),
        ("billing_address", FieldChange::Set(Value::Parts(parts("floor", "\0")))),
        ("billing_address", FieldChange::Parts(parts("fl\0or", "3"))),
        ("notes", FieldChange::Text("\0".into())),
        ("tags", FieldChange::Add("a\0".into())),
        ("custom_fields", FieldChange::Entry("a\0".into(), Some("1".into()))),
        ("custom_fields", FieldChange::Entry("a".into(), Some("\0".into()))),
    ] {
        let edit = RecordEdit { changes: vec![(kind.field(field).unwrap().clone(), change)] };
        let refused = rosa.edit(kitchen, edit).unwrap_err().to_string();
        assert!(refused.contains("U+0000"), "{field}: {refused}");
    }
    set(&mut rosa, kitchen, "organization", &[("location", "lat=-0, lng=-0.0")]);
    world.sync(&mut rosa).await;
    world.assert_agrees(&rosa).await;
    world.end().await;
}
