//! Files of devices: one with work that waits, and one of a later app.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::ReadDoc;
use serde_json::{Value as Json, json};
use sync_core::document::{RecordEdit, lean};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard::name_of_bytes;
use sync_core::ids::{FeedPosition, RecordId, ScopeId};
use sync_core::protocol::{
    Blob, ClientMessage, FeedBatch, FeedItem, ServerMessage, Verdict, VerdictOutcome, Verdicts,
};
use sync_core::replica::{GroupEdit, Replica};
use sync_core::schema::{Kind, Schema};
use sync_core::testing::Counted;

use super::messages::item;
use super::pens::{OMAR, ROSA, edit, record, user, writer};
use super::records::{account, grown, twice};
use super::schemas::{self, crm, later};
use super::shown::{connect, open, shows};

/// A file as an app left it, and what it shows when it is opened.
pub(crate) struct Made {
    pub(crate) file: Vec<u8>,
    pub(crate) shows: Json,
}

/// Every file by name.
pub(crate) fn all() -> BTreeMap<&'static str, Made> {
    [("busy", busy()), ("later-app", later_app())].into()
}

/// Lets an app do something to a file, which is then closed.
fn left_by(
    schema: Arc<Schema>,
    seed: u64,
    work: impl FnOnce(&mut Replica, &mut Counted),
) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("golden.sqlite");
    let mut env = Counted::new(seed);
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

/// What the server sends at first: a colleague, accounts whole and lean, one of them contested and one
/// of a later app, a deal, and a record of a kind that no app of the corpus knows.
fn bootstrap(device: &mut Replica, env: &mut Counted) {
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
    let contact = schemas::kind("contact");
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

fn receive(device: &mut Replica, message: ServerMessage, env: &mut Counted) {
    device.handle_frame(&message.to_bytes(), env).unwrap();
}

/// Edits that are accepted, refused, and not sent.
fn work_of_a_day(device: &mut Replica, env: &mut Counted) {
    let account = schemas::kind("organization");
    let named = |name: &str| edit(&account, &[("name", name), ("notes", "Soup at noon.")]);
    device.create(&account, named("Soup Kitchen"), env).unwrap();
    judge(device, VerdictOutcome::Accepted(FeedPosition(42)), env);
    let pairs = [("cuisine", "Lao"), ("tags", "soup"), ("billing_address", "city=Troy")];
    device.edit(record(2), edit(&account, &pairs), env).unwrap();
    let refusal = Refusal::new(RefusalCode::Denied, "It is Omar's.");
    let refusal = Refusal { policy: Some("organizations_write".into()), ..refusal };
    judge(device, VerdictOutcome::Refused(refusal), env);
    device.disconnected(None);
    let task = schemas::kind("task");
    let (account_id, task_id) = (device.mint_id(env), device.mint_id(env));
    let id = account_id.to_string();
    let pairs = [("title", "Bring samples"), ("organization_id", id.as_str())];
    let begin =
        |id, kind: &Kind, edit: RecordEdit| GroupEdit::Create { id, kind: kind.clone(), edit };
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
fn judge(device: &mut Replica, outcome: VerdictOutcome, env: &mut Counted) {
    let frame = device.poll_push().unwrap().unwrap();
    let ClientMessage::Push(push) = ClientMessage::from_bytes(&frame).unwrap() else {
        panic!("BUG: a push is a push")
    };
    let items = push.groups.iter().flat_map(|group| &group.items);
    let verdict = |item: &sync_core::protocol::PushItem| Verdict {
        hash: name_of_bytes(&item.change.0),
        outcome: outcome.clone(),
        receipt: None,
    };
    let verdicts = items.map(verdict).collect();
    receive(device, ServerMessage::Verdicts(Verdicts { push: push.push, verdicts }), env);
}
