//! Conversations: what a client says, line by line, and what the server answers.

use std::collections::BTreeMap;

use automerge::Automerge;
use serde_json::{Value as Json, json};
use sync_core::document::LocalChange;
use sync_core::ids::RecordId;
use sync_core::protocol::{
    Ask, Blob, ClientMessage, FeedAck, Fetch, Hello, Push, PushGroup, PushItem, Refresh,
};
use sync_core::schema::Kind;

use super::content::content;
use super::frames::payload;
use super::host::{Heard, Host};
use super::json::hex;
use super::messages::{group, replica};
use super::pens::{OMAR, ROSA, record, user, writer};
use super::schemas::kind;

/// Every conversation by name.
pub(crate) fn all() -> BTreeMap<String, Json> {
    [("first-sync".to_owned(), first_sync()), ("refusals".to_owned(), refusals())].into()
}

/// A conversation as it goes on.
struct Talk {
    host: Host,
    lines: Vec<Json>,
}

impl Talk {
    fn new() -> Self {
        Self { host: Host::new(), lines: Vec::new() }
    }

    fn say(&mut self, message: &ClientMessage) -> Vec<Json> {
        let frame = message.to_bytes();
        let mut line = json!({ "client": spoken(&frame) });
        line["server"] = self.answers(Heard::Frame(frame));
        self.note(line)
    }

    fn meanwhile(&mut self, what: Json) -> Vec<Json> {
        let mut line = json!({ "meanwhile": what });
        line["server"] = self.answers(Heard::Meanwhile(what));
        self.note(line)
    }

    fn answers(&mut self, heard: Heard) -> Json {
        self.host.hear(heard).iter().map(|frame| spoken(frame)).collect()
    }

    fn note(&mut self, line: Json) -> Vec<Json> {
        let answers = line["server"].as_array().cloned().unwrap_or_default();
        self.lines.push(line);
        answers
    }

    fn described(self, about: &str) -> Json {
        json!({ "about": about, "lines": self.lines })
    }
}

/// A frame with what it says.
pub(crate) fn spoken(frame: &[u8]) -> Json {
    json!({ "content": content(&payload(frame)), "frame": hex(frame) })
}

fn hello(author: u128) -> Hello {
    Hello {
        protocol: 1,
        protocol_min: 1,
        fingerprint: Blob::default(),
        token: user(author).to_string(),
        replica: replica(),
        app: "golden 1.0".into(),
        cursor: None,
        reads: Vec::new(),
    }
}

fn pushed(kind: &str, record: RecordId, changes: &[&LocalChange]) -> Vec<PushItem> {
    let item = |change: &&LocalChange| {
        let change = Blob(change.bytes.clone());
        PushItem { record, kind: kind.into(), change, receipt: None }
    };
    changes.iter().map(item).collect()
}

fn pushed_meanwhile(author: u128, kind: &str, id: RecordId, change: &LocalChange) -> Json {
    let change = json!({ "kind": kind, "record": id.to_string(), "change": hex(&change.bytes) });
    json!({ "what": "push", "user": user(author).to_string(), "changes": [change] })
}

fn grouped(n: u128, items: Vec<PushItem>) -> PushGroup {
    PushGroup { group: group(n), seen: None, items }
}

fn push(push: u64, groups: Vec<PushGroup>) -> ClientMessage {
    ClientMessage::Push(Push { push, groups })
}

/// What the server has at the beginning: a user, and two accounts of Omar's making.
fn furnish(talk: &mut Talk) -> (Kind, Automerge) {
    let fields = json!({ "full_name": "Omar Haddad", "is_active": true, "role": "sales_rep" });
    let id = user(OMAR).to_string();
    talk.meanwhile(json!({ "what": "row", "kind": "user", "record": id, "fields": fields }));
    let mut omar = writer(OMAR, 2);
    let account = kind("organization");
    let (doc, made) = omar.create(&account, record(1), &[("name", "Café Zoë 🍜")]);
    talk.meanwhile(pushed_meanwhile(OMAR, "organization", record(1), &made));
    let (_, made) = omar.create(&account, record(2), &[("name", "Noodle Bar")]);
    talk.meanwhile(pushed_meanwhile(OMAR, "organization", record(2), &made));
    (account, doc)
}

fn first_sync() -> Json {
    let mut talk = Talk::new();
    let (account, mut doc) = furnish(&mut talk);
    talk.say(&ClientMessage::Hello(hello(ROSA)));
    talk.say(&ClientMessage::FeedAck(FeedAck { batches: 1 }));
    let mut rosa = writer(ROSA, 11);
    let edited = rosa.edit(&mut doc, &account, &[("cuisine", "Thai"), ("notes", "Ring twice.")]);
    let id = record(1).to_string();
    let pairs = [("title", "Bring samples"), ("organization_id", id.as_str())];
    let (_, begun) = rosa.create(&kind("task"), record(6), &pairs);
    let mut items = pushed("organization", record(1), &[&edited[0]]);
    items.extend(pushed("task", record(6), &[&begun]));
    let one = push(1, vec![grouped(1, items)]);
    talk.say(&one);
    talk.say(&ClientMessage::FeedAck(FeedAck { batches: 1 }));
    let ClientMessage::Push(again) = one else { return Json::Null };
    talk.say(&ClientMessage::Push(Push { push: 2, ..again }));
    let mut asked = doc.clone();
    let would_be = writer(ROSA, 14).edit(&mut asked, &account, &[("website", "a.example")]);
    let items = pushed("organization", record(1), &[&would_be[0]]);
    talk.say(&ClientMessage::Ask(Ask { ask: 1, groups: vec![grouped(2, items)] }));
    talk.say(&ClientMessage::Ask(Ask { ask: 2, groups: Vec::new() }));
    talk.say(&ClientMessage::Ping);
    let theirs = writer(OMAR, 22).edit(&mut doc, &account, &[("website", "b.example")]);
    talk.meanwhile(pushed_meanwhile(OMAR, "organization", record(1), &theirs[0]));
    talk.say(&ClientMessage::Fetch(Fetch { records: vec![record(1)] }));
    talk.say(&ClientMessage::Refresh(Refresh { token: user(ROSA).to_string() }));
    talk.say(&ClientMessage::Unknown("golden".into()));
    talk.say(&ClientMessage::Refresh(Refresh { token: "nobody's".into() }));
    talk.described(
        "A first sync, an edit of two records in one group, the same push again, two questions, \
         somebody else's edit, a record asked for whole, and a token that is no good.",
    )
}

/// Where the feed stood after a batch.
fn cursor_of(answers: &[Json]) -> Option<Blob> {
    let hex = answers.last()?["content"]["body"]["cursor"]["hex"].as_str()?;
    Some(Blob(data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?))
}

fn refusals() -> Json {
    let mut talk = Talk::new();
    let (account, doc) = furnish(&mut talk);
    let modern = Hello { reads: vec!["zstd".into(), "lean".into()], ..hello(ROSA) };
    let cursor = cursor_of(&talk.say(&ClientMessage::Hello(modern.clone())));
    talk.meanwhile(json!({ "what": "reconnected" }));
    talk.say(&ClientMessage::Hello(Hello { cursor: cursor.clone(), ..modern.clone() }));
    talk.say(&refused_push(&account, &doc));
    talk.say(&ClientMessage::FeedAck(FeedAck { batches: 1 }));
    let access = |sees: bool, reason: &str| {
        json!({
            "what": "access", "user": user(ROSA).to_string(), "scope": record(1).to_string(),
            "sees": sees, "reason": reason,
        })
    };
    talk.meanwhile(access(false, "It was given to Omar."));
    let late = writer(ROSA, 15).edit(&mut doc.clone(), &account, &[("cuisine", "Lao")]);
    let items = pushed("organization", record(1), &[&late[0]]);
    talk.say(&push(2, vec![grouped(9, items)]));
    talk.meanwhile(access(true, "It was given to you."));
    talk.say(&ClientMessage::FeedAck(FeedAck { batches: 3 }));
    talk.meanwhile(json!({ "what": "passed", "ms": 39_000 }));
    talk.say(&ClientMessage::Ping);
    talk.meanwhile(json!({ "what": "disabled", "user": user(ROSA).to_string() }));
    talk.meanwhile(json!({ "what": "reconnected" }));
    talk.say(&ClientMessage::Hello(Hello { protocol: 0, protocol_min: 0, ..modern }));
    talk.described(
        "A replica that reads zstd and lean documents comes back with its cursor; a push of \
         groups that are refused, each for another reason, and one that is accepted; an account \
         taken away and given back; a user who is disabled; and an app that is too old.",
    )
}

/// Groups that are refused each for another reason, and one that is accepted.
fn refused_push(account: &Kind, doc: &Automerge) -> ClientMessage {
    let mut rosa = writer(ROSA, 11);
    let (mut denied, begun) = rosa.create(account, record(3), &[("name", "Forbidden")]);
    let renamed = rosa.edit(&mut denied, account, &[("cuisine", "Thai")]);
    let sound = rosa.edit(&mut doc.clone(), account, &[("cuisine", "Thai")]);
    let theirs = writer(OMAR, 12).edit(&mut doc.clone(), account, &[("cuisine", "Lao")]);
    let (_, elsewhere) = rosa.create(account, record(4), &[("name", "Sound")]);
    let (_, unheard) = rosa.create(account, record(7), &[("name", "Unheard of")]);
    let nonsense = Blob(b"golden".to_vec());
    let nonsense = PushItem {
        record: record(1),
        kind: "organization".into(),
        change: nonsense,
        receipt: None,
    };
    let unknown_kind = pushed("golden_kind", record(7), &[&unheard]);
    let mut pair = pushed("organization", record(4), &[&elsewhere]);
    let (_, other) = rosa.create(account, record(5), &[("name", "Forbidden")]);
    pair.extend(pushed("organization", record(5), &[&other]));
    let of = |record, changes: &[&LocalChange]| pushed("organization", record, changes);
    push(
        1,
        vec![
            grouped(1, of(record(3), &[&begun])),
            grouped(2, of(record(3), &[&renamed[0]])),
            grouped(3, of(record(1), &[&sound[0]])),
            grouped(4, of(record(1), &[&theirs[0]])),
            grouped(5, vec![nonsense]),
            grouped(6, unknown_kind),
            grouped(7, pair),
        ],
    )
}
