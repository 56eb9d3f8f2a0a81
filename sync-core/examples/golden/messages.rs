//! One or more of every message.

use std::collections::BTreeMap;

use sync_core::cell::Cell;
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::{ChangeHash, FeedPosition, GroupId, ReplicaId, ScopeId, ServerEpoch};
use sync_core::protocol::{
    AccessNotice, Answer, Ask, Blob, ClientMessage, FeedAck, FeedBatch, FeedItem, Fetch, Goodbye,
    GoodbyeCode, Hello, Opinion, OpinionOutcome, Push, PushGroup, PushItem, Refresh, ServerMessage,
    Verdict, VerdictOutcome, Verdicts, Welcome,
};
use sync_core::testing::session_limits;
use uuid::Uuid;

use super::pens::{NOW, ROSA, record, user};

/// A message and what is special about it.
pub(crate) struct Sample<M> {
    pub(crate) about: &'static str,
    pub(crate) message: M,
}

fn sample<M>(about: &'static str, message: M) -> Sample<M> {
    Sample { about, message }
}

pub(crate) fn replica() -> ReplicaId {
    ReplicaId(Uuid::from_u128((0xd << 100) | 7))
}

pub(crate) fn epoch() -> ServerEpoch {
    ServerEpoch(Uuid::from_u128((0xe << 100) | 1))
}

pub(crate) fn group(n: u128) -> GroupId {
    GroupId(Uuid::from_u128((0xf << 100) | n))
}

/// Bytes that stand for a change or a document, so that a frame shows them for what they are.
fn filler(length: u8) -> Blob {
    Blob((0..length).collect())
}

fn groups() -> Vec<PushGroup> {
    let item = |n, kind: &str, length| PushItem {
        record: record(n),
        kind: kind.into(),
        change: filler(length),
        receipt: None,
    };
    vec![
        PushGroup {
            group: group(1),
            seen: Some(FeedPosition(70_000)),
            items: vec![item(1, "organization", 200), item(2, "contact", 90)],
        },
        PushGroup { group: group(2), seen: None, items: vec![item(3, "golden_kind", 0)] },
    ]
}

/// What replicas say.
pub(crate) fn of_clients() -> Vec<Sample<ClientMessage>> {
    let hello = Hello {
        protocol: 1,
        protocol_min: 1,
        fingerprint: filler(16),
        token: "header.claims.signature".into(),
        replica: replica(),
        app: "golden 1.0".into(),
        cursor: Some(filler(32)),
        reads: vec!["zstd".into(), "lean".into(), "golden".into()],
    };
    let first = Hello {
        fingerprint: Blob::default(),
        app: String::new(),
        cursor: None,
        reads: Vec::new(),
        ..hello.clone()
    };
    let push = |push| ClientMessage::Push(Push { push, groups: groups() });
    vec![
        sample("The hello of a replica that was here before.", ClientMessage::Hello(hello)),
        sample(
            "The first hello of a replica that names nothing optional.",
            ClientMessage::Hello(first),
        ),
        sample("Two groups, one of a kind that the server may not know.", push(1)),
        sample("A number that takes eight bytes.", push(1 << 40)),
        sample("A question.", ClientMessage::Ask(Ask { ask: 300, groups: groups() })),
        sample(
            "A question without groups.",
            ClientMessage::Ask(Ask { ask: 1, groups: Vec::new() }),
        ),
        sample("Three batches were stored.", ClientMessage::FeedAck(FeedAck { batches: 3 })),
        sample(
            "Two records are asked for.",
            ClientMessage::Fetch(Fetch { records: vec![record(1), record(2)] }),
        ),
        sample(
            "A newer token.",
            ClientMessage::Refresh(Refresh { token: "header.claims.other".into() }),
        ),
        sample("A sign of life.", ClientMessage::Ping),
    ]
}

fn welcome() -> Welcome {
    Welcome {
        protocol: 1,
        user: user(ROSA),
        role: "sales_rep".into(),
        epoch: epoch(),
        now: NOW,
        limits: session_limits(),
        live: true,
        fingerprint: Some(filler(16)),
    }
}

fn refusal(code: RefusalCode, policy: Option<&str>) -> Refusal {
    Refusal { policy: policy.map(str::to_owned), ..Refusal::new(code, "A sentence for a person.") }
}

fn verdicts() -> Verdicts {
    let verdict = |n, outcome| Verdict { hash: ChangeHash([n; 32]), outcome, receipt: None };
    let refused = |code, policy| VerdictOutcome::Refused(refusal(code, policy));
    Verdicts {
        push: 7,
        verdicts: vec![
            verdict(1, VerdictOutcome::Accepted(FeedPosition(5_000_000_000))),
            verdict(2, refused(RefusalCode::Denied, Some("organizations_write"))),
            verdict(3, refused(RefusalCode::BadValue, None)),
        ],
    }
}

fn answer() -> Answer {
    let opinion = |n, would_be| Opinion { hash: ChangeHash([n; 32]), would_be };
    let refused = OpinionOutcome::Refused(refusal(RefusalCode::Rule, Some("golden_rule")));
    Answer { ask: 300, opinions: vec![opinion(1, OpinionOutcome::Accepted), opinion(2, refused)] }
}

pub(crate) fn item(n: u128, kind: &str) -> FeedItem {
    FeedItem {
        record: record(n),
        kind: kind.into(),
        scope: ScopeId(record(n).0),
        snapshot: None,
        changes: Vec::new(),
        receipts: Vec::new(),
        row: None,
        fields: None,
    }
}

fn batch() -> FeedBatch {
    let row = vec![
        Cell::Text("Café Zoë 🍜".into()),
        Cell::Null,
        Cell::Bool(true),
        Cell::Int(-3),
        Cell::Int(1 << 40),
        Cell::Float(42.0),
        Cell::Float(-73.7562),
        Cell::List(vec!["bar".into(), "patio".into()]),
        Cell::List(Vec::new()),
    ];
    let fields: BTreeMap<String, Cell> = [
        ("full_name".to_owned(), Cell::Text("Rosa Ruiz".into())),
        ("golden_badge".to_owned(), Cell::Int(12)),
        ("is_active".to_owned(), Cell::Bool(true)),
    ]
    .into();
    let notice =
        |n, reason: &str| AccessNotice { scope: ScopeId(record(n).0), reason: reason.into() };
    FeedBatch {
        cursor: filler(40),
        items: vec![
            FeedItem { snapshot: Some(filler(250)), row: Some(row), ..item(1, "organization") },
            FeedItem { changes: vec![filler(120), filler(1)], ..item(2, "task") },
            FeedItem { scope: ScopeId::EVERYONE, fields: Some(fields), ..item(3, "user") },
        ],
        evict: vec![notice(4, "It was given to Omar.")],
        grant: vec![notice(1, "It was given to you.")],
        evict_records: vec![record(5), record(6)],
        keep_only: None,
        anew: false,
        live: false,
        head: FeedPosition(70_000),
        fetches: 2,
        remaining: 1_500,
    }
}

fn goodbye(code: GoodbyeCode, retry_after_ms: Option<u64>) -> ServerMessage {
    let sentence = "A sentence for a person.".to_owned();
    ServerMessage::Goodbye(Goodbye { code: code.as_str().to_owned(), sentence, retry_after_ms })
}

/// What servers say.
pub(crate) fn of_servers() -> Vec<Sample<ServerMessage>> {
    let kept = FeedBatch { keep_only: Some(vec![ScopeId::EVERYONE]), ..FeedBatch::default() };
    let nothing = FeedBatch { live: true, head: FeedPosition(9), ..FeedBatch::default() };
    let other = Welcome { live: false, fingerprint: None, role: "golden_role".into(), ..welcome() };
    let mut all = vec![
        sample("A welcome to a replica that has everything.", ServerMessage::Welcome(welcome())),
        sample(
            "A welcome from a server that does not say of what its rows are, to a role of a later version.",
            ServerMessage::Welcome(other),
        ),
        sample("One change accepted and two refused.", ServerMessage::Verdicts(verdicts())),
        sample("What would become of two changes.", ServerMessage::Answer(answer())),
        sample("A batch with everything that a batch may have.", ServerMessage::Feed(batch())),
        sample("Everything but some scopes is to be erased.", ServerMessage::Feed(kept)),
        sample("Nothing is left to send.", ServerMessage::Feed(nothing)),
        sample("A sign of life.", ServerMessage::Pong),
    ];
    let codes = [
        (GoodbyeCode::BadToken, None),
        (GoodbyeCode::ExpiredToken, None),
        (GoodbyeCode::Disabled, None),
        (GoodbyeCode::TooOld, None),
        (GoodbyeCode::Protocol, None),
        (GoodbyeCode::RateLimited, Some(30_000)),
        (GoodbyeCode::Unavailable, Some(2_000)),
        (GoodbyeCode::WrongUser, None),
    ];
    let goodbyes = codes.map(|(code, wait)| sample("The session ends.", goodbye(code, wait)));
    all.extend(goodbyes);
    all
}
