//! Files of devices: one with work that waits, and one of a later app.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use automerge::ReadDoc;
use rusqlite::Connection;
use serde_json::{Map, Value as Json, json};
use sync_core::document::{RecordEdit, lean};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::name_of_bytes;
use sync_core::ids::{FeedPosition, RecordId, ScopeId};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage, SessionLimits, Verdict,
    VerdictOutcome, Verdicts, Welcome,
};
use sync_core::replica::{Env, GroupEdit, OpenOptions, Replica};
use sync_core::schema::Schema;
use sync_core::time::UnixMs;

use super::conversations::spoken;
use super::documents::{account, grown, twice};
use super::json::hex;
use super::messages::epoch;
use super::pens::{NOW, OMAR, ROSA, edit, record, user, writer};
use super::schemas::{crm, later};

/// A file as an app left it, and what it shows when it is opened.
pub(crate) struct Made {
    pub(crate) file: Vec<u8>,
    pub(crate) shows: Json,
}

/// Every file by name.
pub(crate) fn all() -> BTreeMap<&'static str, Made> {
    [("busy", busy()), ("later-app", later_app())].into()
}

/// A clock that moves a second a reading, and entropy from a counter.
pub(crate) struct Fixed {
    now: i64,
    drawn: u64,
}

impl Fixed {
    pub(crate) fn new(seed: u64) -> Self {
        Self { now: NOW.0, drawn: seed << 32 }
    }
}

impl Env for Fixed {
    fn now(&mut self) -> UnixMs {
        self.now += 1000;
        UnixMs(self.now)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.drawn = self
                .drawn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.drawn >> 56) as u8;
        }
    }
}

/// Opens a file of Rosa's and fills its tables, if another schema laid them out.
pub(crate) fn open(file: &Path, schema: Arc<Schema>, env: &mut Fixed) -> Replica {
    let options = OpenOptions { schema, user: Some(user(ROSA)) };
    let mut device = Replica::open(Connection::open(file).unwrap(), options, env).unwrap();
    while device.rebuild_some(2).unwrap().is_some() {}
    device
}

pub(crate) fn connect(device: &mut Replica, env: &mut Fixed) -> Json {
    let hello = device.connect("token", "golden 1.0").unwrap();
    let limits = SessionLimits {
        frame_bytes: 1 << 20,
        inflated_bytes: 8 << 20,
        changes_per_push: 512,
        changes_per_group: 64,
        change_bytes: 256 << 10,
        push_window: 4,
        feed_window: 4,
    };
    let welcome = Welcome {
        protocol: 1,
        user: user(ROSA),
        role: "sales_rep".into(),
        epoch: epoch(),
        now: NOW,
        limits,
        live: false,
        fingerprint: None,
    };
    device.handle_frame(&ServerMessage::Welcome(welcome).to_bytes(), env).unwrap();
    let mut said = spoken(&hello)["content"]["body"].take();
    let hello = said.as_object_mut().unwrap();
    // The writer of this opening comes last; what of it there is before any edit is chance.
    hello["actors"].as_array_mut().unwrap().pop();
    let kept = ["actors", "cursor", "epoch", "replica"];
    hello.retain(|name, _| kept.contains(&name.as_str()));
    said
}

/// What an opened file shows, and what it pushes.
pub(crate) fn shows(file: &Path, schema: Arc<Schema>) -> Json {
    let mut env = Fixed::new(900);
    let mut device = open(file, schema, &mut env);
    let mut tables = Map::new();
    let (mut conflicts, mut heads) = (Map::new(), Map::new());
    for kind in device.schema().clone().kinds() {
        let table = device.query(&format!("SELECT * FROM {} ORDER BY id", kind.table)).unwrap();
        let row = |row: &Vec<Json>| -> Json {
            Json::Object(table.columns.iter().cloned().zip(row.iter().cloned()).collect())
        };
        for id in table.rows.iter().map(|row| row[0].as_str().unwrap()) {
            let id: RecordId = id.parse().unwrap();
            let Some(said) = device.record(id).unwrap() else { continue };
            let doc = sync_core::document::load(&device.save_document(id).unwrap(), &[]).unwrap();
            heads.insert(id.to_string(), super::meaning::heads(&doc));
            let of_record: Map<String, Json> = said
                .conflicts
                .iter()
                .map(|one| (one.field.to_owned(), json!(one.values)))
                .collect();
            if !of_record.is_empty() {
                conflicts.insert(id.to_string(), Json::Object(of_record));
            }
        }
        tables.insert(kind.table.to_owned(), table.rows.iter().map(row).collect());
    }
    let found = |word: &str| -> Json {
        let mut found: Vec<String> =
            device.search(word, 99).unwrap().iter().map(|hit| hit.id.to_string()).collect();
        found.sort_unstable();
        json!(found)
    };
    let search: Map<String, Json> = ["zoe", "noodle", "samples", "yard"]
        .map(|word| (word.to_owned(), found(word)))
        .into_iter()
        .collect();
    let status = device.status().unwrap();
    let quarantine: Json = device.quarantine().unwrap().iter().map(quarantined).collect();
    let hello = connect(&mut device, &mut env);
    let mut pushes = Vec::new();
    while let Some(frame) = device.poll_push().unwrap() {
        pushes.push(spoken(&frame)["content"].take());
    }
    json!({
        "user": device.user().to_string(),
        "replica": device.id().to_string(),
        "tables": tables,
        "heads": heads,
        "conflicts": conflicts,
        "search": search,
        "quarantine": quarantine,
        "status": {
            "unsent": status.unsent,
            "refused": status.refused,
            "conflicts": status.conflicts,
            "records": status.records,
            "oldest_unsent": status.oldest_unsent.map(|at| at.to_string()),
            "last_sync": status.last_sync.map(|at| at.to_string()),
        },
        "hello": hello,
        "pushes": pushes,
    })
}

fn quarantined(one: &sync_core::replica::Quarantined) -> Json {
    json!({
        "change": hex(one.hash.0),
        "record": one.record.to_string(),
        "kind": one.kind,
        "made_at": one.made_at.to_string(),
        "code": one.refusal.code,
        "policy": one.refusal.policy,
        "edit": one.edit,
    })
}

/// Lets an app do something to a file, which is then closed.
fn left_by(schema: Arc<Schema>, seed: u64, work: impl FnOnce(&mut Replica, &mut Fixed)) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("golden.sqlite");
    let mut env = Fixed::new(seed);
    let mut device = open(&file, schema, &mut env);
    work(&mut device, &mut env);
    drop(device);
    std::fs::read(file).unwrap()
}

/// What a file shows to apps of some schemas, each of which opens a copy.
pub(crate) fn shown_to(file: &[u8], apps: &[(&str, Arc<Schema>)]) -> Json {
    let shown = |(name, schema): &(&str, Arc<Schema>)| {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("golden.sqlite");
        std::fs::write(&copy, file).unwrap();
        ((*name).to_owned(), shows(&copy, schema.clone()))
    };
    Json::Object(apps.iter().map(shown).collect())
}

/// The apps that open the files of the corpus.
pub(crate) fn apps() -> [(&'static str, Arc<Schema>); 2] {
    [("app", crm()), ("later_app", later())]
}

fn busy() -> Made {
    let file = left_by(crm(), 901, |device, env| {
        connect(device, env);
        bootstrap(device, env);
        work_of_a_day(device, env);
    });
    let shows = shown_to(&file, &apps()[..1]);
    Made { file, shows }
}

fn later_app() -> Made {
    let file = left_by(later(), 902, |device, env| {
        connect(device, env);
        bootstrap(device, env);
        let kind = device.schema().kind("organization").unwrap().clone();
        let pairs = [("golden_seats", "44"), ("golden_delivery", "Through the yard.")];
        device.edit(record(2), edit(&kind, &pairs), env).unwrap();
    });
    let shows = shown_to(&file, &apps());
    Made { file, shows }
}

fn item(n: u128, kind: &str) -> FeedItem {
    FeedItem {
        record: record(n),
        kind: kind.into(),
        scope: ScopeId(record(n).0),
        snapshot: None,
        changes: Vec::new(),
        row: None,
        fields: None,
    }
}

/// What the server sends at first: a colleague, accounts whole and lean, one of them contested and one
/// of a later app, a deal, and a record of a kind that no app of the corpus knows.
fn bootstrap(device: &mut Replica, env: &mut Fixed) {
    let fields = json!({ "full_name": "Omar Haddad", "golden_badge": 12, "is_active": true });
    let colleague = FeedItem {
        record: RecordId(user(OMAR).0),
        scope: ScopeId::EVERYONE,
        fields: Some(serde_json::from_value(fields).unwrap()),
        ..item(0, "user")
    };
    let (kind, doc) = account(&mut writer(ROSA, 1));
    let contested = [("website", "a.example")];
    let contested = twice(&kind, doc, &contested, &[("website", "b.example")]);
    let (second, _) = writer(OMAR, 2).create(&kind, record(2), &[("name", "Noodle Bar")]);
    let contact = super::schemas::kind("contact");
    let id = record(1).to_string();
    let pairs = [("last_name", "Oyelaran"), ("organization_id", id.as_str())];
    let (person, _) = writer(OMAR, 2).create(&contact, record(3), &pairs);
    let (_, mut of_later_app) = grown();
    let more = writer(OMAR, 21).edit(&mut of_later_app, &kind, &[("cuisine", "Thai")]);
    let whole = |doc: &automerge::Automerge| Some(Blob(lean::save(doc)));
    let scope = ScopeId(record(1).0);
    let batch = FeedBatch {
        cursor: Blob(vec![1, 2, 3]),
        items: vec![
            colleague,
            FeedItem {
                snapshot: lean::strip(&lean::save(&contested)).map(Blob),
                ..item(1, "organization")
            },
            FeedItem { snapshot: whole(&second), ..item(2, "organization") },
            FeedItem { snapshot: whole(&person), scope, ..item(3, "contact") },
            FeedItem { snapshot: whole(&person), scope, ..item(4, "golden_kind") },
        ],
        head: FeedPosition(40),
        ..FeedBatch::default()
    };
    receive(device, ServerMessage::Feed(batch), env);
    let changes: Vec<Blob> = of_later_app
        .get_changes(&[])
        .iter()
        .filter(|change| contested.get_change_by_hash(&change.hash()).is_none())
        .map(|change| Blob(change.raw_bytes().to_vec()))
        .collect();
    assert!(changes.len() > more.len(), "BUG: the later app wrote something");
    let items = vec![FeedItem { changes, ..item(1, "organization") }];
    let batch = FeedBatch {
        cursor: Blob(vec![4, 5, 6]),
        items,
        live: true,
        head: FeedPosition(41),
        ..FeedBatch::default()
    };
    receive(device, ServerMessage::Feed(batch), env);
}

fn receive(device: &mut Replica, message: ServerMessage, env: &mut Fixed) {
    device.handle_frame(&message.to_bytes(), env).unwrap();
}

/// Edits that are accepted, refused, and not sent.
fn work_of_a_day(device: &mut Replica, env: &mut Fixed) {
    let account = super::schemas::kind("organization");
    let named = |name: &str| edit(&account, &[("name", name), ("notes", "Soup at noon.")]);
    device.create(&account, named("Soup Kitchen"), env).unwrap();
    judge(device, VerdictOutcome::Accepted(FeedPosition(42)), env);
    let pairs = [("cuisine", "Lao"), ("tags", "soup"), ("billing_address", "city=Troy")];
    device.edit(record(2), edit(&account, &pairs), env).unwrap();
    let refusal = Refusal::new(RefusalCode::Denied, "It is Omar's.");
    let refusal = Refusal { policy: Some("organizations_write".into()), ..refusal };
    judge(device, VerdictOutcome::Refused(refusal), env);
    device.disconnected(None);
    let task = super::schemas::kind("task");
    let (account_id, task_id) = (device.mint_id(env), device.mint_id(env));
    let id = account_id.to_string();
    let pairs = [("title", "Bring samples"), ("organization_id", id.as_str())];
    let begin = |id, kind: &sync_core::schema::Kind, edit: RecordEdit| GroupEdit::Create {
        id,
        kind: kind.clone(),
        edit,
    };
    let group = [
        begin(account_id, &account, named("Noodle Yard")),
        begin(task_id, &task, edit(&task, &pairs)),
    ];
    device.commit(&group, env).unwrap();
    let pairs = [("notes", "Ring once.\n\nBack door."), ("custom_fields.Parking", "none")];
    device.edit(record(1), edit(&account, &pairs), env).unwrap();
    device.edit(task_id, edit(&task, &[("completed", "yes")]), env).unwrap();
    device.commit(&[GroupEdit::Delete { id: record(3) }], env).unwrap();
}

/// The server says the same of every change of the next push.
fn judge(device: &mut Replica, outcome: VerdictOutcome, env: &mut Fixed) {
    let frame = device.poll_push().unwrap().unwrap();
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("BUG: a push is a push")
    };
    let items = push.groups.iter().flat_map(|group| &group.items);
    let verdict = |item: &sync_core::protocol::PushItem| Verdict {
        hash: name_of_bytes(&item.change.0),
        outcome: outcome.clone(),
    };
    let verdicts = items.map(verdict).collect();
    receive(device, ServerMessage::Verdicts(Verdicts { push: push.push, verdicts }), env);
}
