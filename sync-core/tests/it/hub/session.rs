//! One session, its host and its clock being this file.

use std::time::Duration;

use sync_core::error::RefusalCode;
use sync_core::guard;
use sync_core::hub::{
    Clock, Content, DeviceNoted, Effect, Event, FeedAnswer, FeedDocument, FeedRequest, Listed,
    News, Now, Session, SignedIn, parse,
};
use sync_core::ids::{ChangeHash, FeedPosition, GroupId, Receipt, ReplicaId, ScopeId, ServerEpoch};
use sync_core::limits;
use sync_core::protocol::{
    Ask, Blob, ClientMessage, Compression, FeedAck, FeedBatch, Fetch, Frame, GoodbyeCode, Hello,
    PROTOCOL_MIN, PROTOCOL_VERSION, Push, PushGroup, PushItem, ServerMessage, Verdict,
    VerdictOutcome, encode_frame,
};
use sync_core::role::Role;
use uuid::Uuid;

use crate::kit::{NOW, created, pen, record, user};

/// A session and what its host knows.
struct Host {
    session: Session,
    running: Duration,
    /// The store's clock.
    head: i64,
    /// Whose changes are found in the store.
    changes_are: Whose,
    sent: Vec<ServerMessage>,
    others: Vec<Effect>,
}

#[derive(PartialEq)]
enum Whose {
    Own,
    Others,
}

impl Host {
    fn new() -> Self {
        let now = Now { running: Duration::ZERO, wall: NOW };
        let session = Session::new(now, ReplicaId(Uuid::from_u128(99)), &sync_core::crm::schema());
        Self {
            session,
            running: Duration::ZERO,
            head: 0,
            changes_are: Whose::Own,
            sent: Vec::new(),
            others: Vec::new(),
        }
    }

    fn open() -> Self {
        let mut host = Self::new();
        host.say(&hello());
        assert!(matches!(host.sent[..], [ServerMessage::Welcome(_)]), "{:?}", host.sent);
        host.sent.clear();
        host
    }

    fn now(&self) -> Now {
        Now { running: self.running, wall: NOW }
    }

    fn handle(&mut self, event: Event) {
        self.session.handle(event, self.now());
        self.settle();
    }

    fn say(&mut self, message: &ClientMessage) {
        self.handle(Event::Frame(message.to_bytes()));
    }

    /// Lets time pass, with every tick that is asked for.
    fn wait(&mut self, until: Duration) {
        while let Some(at) = self.session.wake_at(self.now()).filter(|at| *at <= until) {
            self.running = self.running.max(at);
            self.handle(Event::Tick);
        }
        self.running = until;
    }

    /// Does what is asked, as a store would that has nothing but a clock.
    fn settle(&mut self) {
        loop {
            while let Some(effect) = self.session.next_effect() {
                self.perform(effect);
            }
            if !self.session.may_read(self.now()) {
                return;
            }
            self.session.read(self.now());
        }
    }

    fn perform(&mut self, effect: Effect) {
        let event = match effect {
            Effect::SignIn(_) => {
                let who = SignedIn { user: user(1), role: Role::SalesRep, other_sessions: 0 };
                Event::SignedIn(Ok(who))
            }
            Effect::Note { .. } => Event::Noted(DeviceNoted::Own),
            Effect::Read { request, .. } => Event::Read(self.answer(&request)),
            Effect::Send(bytes) => {
                self.sent.push(ServerMessage::from_bytes(&bytes).unwrap());
                return;
            }
            Effect::Permit => return,
            other @ (Effect::Push { .. }
            | Effect::Ask { .. }
            | Effect::Ping
            | Effect::Overslept
            | Effect::End(_)) => {
                self.others.push(other);
                return;
            }
        };
        self.session.handle(event, self.now());
    }

    fn answer(&self, request: &FeedRequest) -> FeedAnswer {
        match request {
            FeedRequest::Clock => FeedAnswer::Clock(Clock {
                head: FeedPosition(self.head),
                epoch: ServerEpoch(Uuid::from_u128(1)),
                active: true,
            }),
            FeedRequest::News { after, .. } => {
                let position = FeedPosition(self.head);
                let one = Listed { position, record: record(1), bytes: 500 };
                let changed = if position > *after { vec![one] } else { Vec::new() };
                FeedAnswer::News(News { changed, ..News::default() })
            }
            FeedRequest::Scopes => FeedAnswer::Scopes(Vec::new()),
            FeedRequest::List { .. } => FeedAnswer::Listed(Vec::new()),
            FeedRequest::Documents { .. } if self.changes_are == Whose::Own => {
                FeedAnswer::Documents(Vec::new())
            }
            FeedRequest::Documents { .. } => FeedAnswer::Documents(vec![FeedDocument {
                record: record(1),
                kind: "organization".into(),
                scope: ScopeId(record(1).0),
                content: Content::Changes(vec![(vec![1], Receipt([0; 8]))]),
            }]),
        }
    }

    fn batches(&self) -> Vec<&FeedBatch> {
        fn batch(message: &ServerMessage) -> Option<&FeedBatch> {
            match message {
                ServerMessage::Feed(batch) => Some(batch),
                _ => None,
            }
        }
        self.sent.iter().filter_map(batch).collect()
    }

    /// The code with which the session ended; none when it was cut off without a word.
    fn ended(&self) -> Option<Option<GoodbyeCode>> {
        self.others.iter().find_map(|effect| match effect {
            Effect::End(goodbye) => {
                Some(goodbye.as_ref().and_then(|goodbye| GoodbyeCode::parse(&goodbye.code)))
            }
            _ => None,
        })
    }
}

fn hello() -> ClientMessage {
    ClientMessage::Hello(Hello {
        protocol: PROTOCOL_VERSION,
        protocol_min: PROTOCOL_MIN,
        fingerprint: Blob(sync_core::crm::schema().fingerprint().to_vec()),
        token: "token".into(),
        replica: ReplicaId(Uuid::from_u128(7)),
        app: "test".into(),
        cursor: None,
        reads: Vec::new(),
    })
}

fn push(push: u64) -> ClientMessage {
    let kind = "organization".to_owned();
    let item = PushItem { record: record(1), kind, change: Blob(vec![1]), receipt: None };
    let group = PushGroup { group: GroupId(Uuid::from_u128(2)), seen: None, items: vec![item] };
    ClientMessage::Push(Push { push, groups: vec![group] })
}

fn accepted(hash: ChangeHash, position: i64) -> Vec<Verdict> {
    let outcome = VerdictOutcome::Accepted(FeedPosition(position));
    vec![Verdict { hash, outcome, receipt: None }]
}

/// A push is committed; the wake-up of that comes before the verdicts do, and late enough for a look,
/// which finds nothing to send. Once the verdicts are there the replica waits to hear that its feed
/// is past them, and nobody will wake the feed for that.
#[test]
fn a_feed_that_was_woken_before_the_verdicts_looks_again_after_them() {
    let mut host = Host::open();
    let hash = ChangeHash([5; 32]);
    host.say(&push(1));
    host.handle(Event::TakenIn { push: 1, changes: vec![hash] });
    host.head = 1;
    host.handle(Event::Woken);
    host.wait(Duration::from_secs(1));
    host.handle(Event::Heard);
    assert!(host.batches().is_empty(), "nothing to send yet: {:?}", host.sent);
    host.handle(Event::Judged { push: 1, verdicts: Ok(accepted(hash, 1)) });
    let [ServerMessage::Verdicts(_), ServerMessage::Feed(batch)] = &host.sent[..] else {
        panic!("verdicts, then the feed: {:?}", host.sent);
    };
    assert_eq!((batch.live, batch.head), (true, FeedPosition(1)));
}

/// Run-length coded, few bytes stand for many operations, and these are what judging takes. A push or a
/// question of more than it may have ends the session; one group that is too much by itself does not, since
/// its device would push it again, and is refused.
#[test]
fn a_push_of_too_many_operations_ends_the_session_and_such_a_group_is_refused() {
    let kind = crate::kit::kind("organization");
    let note = "x".repeat(limits::OPS_PER_CHANGE - 100);
    let (_, change) = created(kind, &[("name", "Café"), ("notes", &note)], &pen(1, 1));
    let operations = guard::operations(&change.bytes);
    assert!((note.len()..=limits::OPS_PER_CHANGE).contains(&operations), "{operations}");
    let groups = |sizes: &[usize]| -> Vec<PushGroup> {
        let item = PushItem {
            record: record(1),
            kind: kind.name.into(),
            change: Blob(change.bytes.clone()),
            receipt: None,
        };
        let group = |size: &usize| PushGroup {
            group: GroupId(Uuid::from_u128(2)),
            seen: None,
            items: vec![item.clone(); *size],
        };
        sizes.iter().map(group).collect()
    };
    let too_many = limits::OPS_PER_GROUP / operations + 1;
    let cases: [(Vec<usize>, Option<GoodbyeCode>); 4] = [
        (vec![too_many - 1], None),
        (vec![too_many - 1, 1], Some(GoodbyeCode::Protocol)),
        (vec![1; too_many], Some(GoodbyeCode::Protocol)),
        (vec![1, too_many, 1], None),
    ];
    for (sizes, goodbye) in cases {
        for message in [
            ClientMessage::Push(Push { push: 1, groups: groups(&sizes) }),
            ClientMessage::Ask(Ask { ask: 1, groups: groups(&sizes) }),
        ] {
            let mut host = Host::open();
            host.say(&message);
            assert_eq!(host.ended(), goodbye.map(Some), "{sizes:?}");
        }
    }
    let parsed = parse(groups(&[1, too_many]));
    let codes = parsed.iter().flat_map(|group| &group.changes).map(|change| match &change.parsed {
        Ok(_) => None,
        Err(refusal) => RefusalCode::parse(&refusal.code),
    });
    let codes: Vec<Option<RefusalCode>> = codes.collect();
    assert_eq!(codes[0], None);
    assert_eq!(codes[1..], vec![Some(RefusalCode::TooManyOps); too_many]);
}

/// The wake-up may also be lost altogether.
#[test]
fn a_feed_that_nobody_wakes_looks_after_the_verdicts() {
    let mut host = Host::open();
    let hash = ChangeHash([5; 32]);
    host.say(&push(1));
    host.handle(Event::TakenIn { push: 1, changes: vec![hash] });
    host.head = 1;
    host.handle(Event::Judged { push: 1, verdicts: Ok(accepted(hash, 1)) });
    assert_eq!(host.batches().len(), 1);
    host.handle(Event::Woken);
    assert_eq!(host.batches().len(), 1, "and says nothing twice");
}

/// Somebody else commits and nobody wakes the feed: the heartbeat finds it, and at the next one that is
/// told. One whose wake-up was merely on its way is no fault.
#[test]
fn what_the_heartbeat_alone_finds_is_told() {
    let overslept = |host: &Host| {
        host.others.iter().filter(|effect| matches!(effect, Effect::Overslept)).count()
    };
    let mut host = Host::open();
    host.changes_are = Whose::Others;
    host.handle(Event::Beat);
    host.head = 1;
    host.handle(Event::Beat);
    assert_eq!((host.batches().len(), overslept(&host)), (1, 0));
    host.handle(Event::Woken);
    host.handle(Event::Beat);
    assert_eq!(overslept(&host), 0, "it was on its way");
    host.head = 2;
    host.handle(Event::Beat);
    host.handle(Event::Beat);
    assert_eq!((host.batches().len(), overslept(&host)), (2, 1));
    host.handle(Event::Beat);
    assert_eq!(overslept(&host), 1, "it is told once");
}

/// The first batch is read, somebody commits and wakes the feed, and only then the session is open.
#[test]
fn a_wake_up_that_comes_while_the_session_begins_is_not_forgotten() {
    let mut host = Host::new();
    host.changes_are = Whose::Others;
    host.session.handle(Event::Frame(hello().to_bytes()), host.now());
    let request = loop {
        match host.session.next_effect().unwrap() {
            Effect::Read { request, .. } => break request,
            other => host.perform(other),
        }
    };
    let answer = host.answer(&request);
    host.head = 1;
    host.session.handle(Event::Woken, host.now());
    host.handle(Event::Read(answer));
    assert_eq!(host.batches().len(), 1, "{:?}", host.sent);
}

/// A look that is due during an upload is made by reading. Were it a reason to come back as well, a
/// host that looks at its timers first would come back for ever and never read.
#[test]
fn a_look_that_is_due_is_no_wake_up() {
    let mut host = Host::open();
    host.say(&push(1));
    host.handle(Event::TakenIn { push: 1, changes: Vec::new() });
    host.session.handle(Event::Woken, host.now());
    assert!(!host.session.may_read(host.now()), "the push is waited for");
    let look = host.session.wake_at(host.now()).unwrap();
    host.running = look;
    assert!(host.session.may_read(host.now()));
    assert!(host.session.wake_at(host.now()).unwrap() > look);
}

#[test]
fn a_line_without_a_byte_is_given_up_within_forty_five_seconds() {
    let mut host = Host::open();
    host.wait(Duration::from_secs(39));
    assert!(host.others.iter().all(|effect| matches!(effect, Effect::Ping)), "{:?}", host.others);
    assert_eq!(host.others.len(), 2, "it was asked whether it is there");
    host.wait(Duration::from_secs(45));
    assert_eq!(host.ended(), Some(None), "nobody is there to hear why");
    assert_eq!(host.session.wake_at(host.now()), None);
}

/// Whatever the one owes the other: verdicts, an answer, an acknowledgement of all that may go ahead.
#[test]
fn a_line_that_dies_is_given_up_within_forty_five_seconds_whatever_is_owed() {
    type Owe = fn(&mut Host);
    let owed: [(&str, Owe); 3] = [
        ("verdicts", |host| {
            host.say(&push(1));
            host.handle(Event::TakenIn { push: 1, changes: Vec::new() });
        }),
        ("acknowledgements", |host| {
            host.changes_are = Whose::Others;
            for head in 1..10 {
                host.head = head;
                host.handle(Event::Woken);
            }
        }),
        ("the rest of a frame", |host| host.handle(Event::Heard)),
    ];
    for (what, owe) in owed {
        let mut host = Host::open();
        owe(&mut host);
        host.wait(Duration::from_secs(45));
        assert_eq!(host.ended(), Some(None), "{what}");
    }
}

/// A sign of life of which the host tells late counts from when it was.
#[test]
fn a_sign_of_life_counts_from_its_own_moment() {
    let mut host = Host::open();
    host.wait(Duration::from_secs(30));
    let then = Now { running: Duration::from_secs(3), wall: NOW };
    host.session.handle(Event::Heard, then);
    host.wait(Duration::from_secs(45));
    assert_eq!(host.ended(), Some(None));
}

/// A megabyte at three kilobytes a second takes minutes: bytes come, but no frame.
#[test]
fn a_slow_line_on_which_bytes_come_is_not_given_up() {
    let mut host = Host::open();
    for seconds in 1..=30 {
        host.wait(Duration::from_secs(seconds * 20));
        host.handle(Event::Heard);
    }
    assert_eq!(host.ended(), None);
}

#[test]
fn who_does_not_say_hello_is_sent_away() {
    let mut host = Host::new();
    host.wait(Duration::from_secs(9));
    assert_eq!(host.ended(), None);
    host.wait(Duration::from_secs(11));
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

/// A browser sends no pings of the WebSocket's own, so that it asks with a message.
#[test]
fn who_asks_whether_the_server_is_there_hears_at_once() {
    let mut host = Host::open();
    host.say(&ClientMessage::Ping);
    assert!(matches!(host.sent[..], [ServerMessage::Pong]), "{:?}", host.sent);
    assert!(host.others.is_empty(), "nobody else is asked");
}

#[test]
fn more_pushes_than_the_window_end_the_session() {
    let mut host = Host::open();
    for number in 0..=limits::PUSH_WINDOW as u64 * 2 {
        assert_eq!(host.ended(), None);
        host.say(&push(number));
    }
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

/// Frames that are short and inflate to megabytes of what nobody knows: no less work than as much that
/// came as it is.
#[test]
fn little_that_inflates_to_much_is_counted_by_what_it_becomes() {
    let mut host = Host::open();
    let unknown = by_hand("later", &serde_json::json!({ "padding": "0".repeat(4 << 20) }));
    let packed = encode_frame(&Frame(unknown[1..].to_vec()), Compression::Zlib);
    assert!(packed.len() < 64 << 10, "{}", packed.len());
    let most = limits::FRAMES_PER_SECOND as usize * 10 * limits::BYTES_COUNTED_AS_FRAME / (4 << 20);
    for _ in 0..most {
        assert_eq!(host.ended(), None);
        host.handle(Event::Frame(packed.clone()));
    }
    host.handle(Event::Frame(packed));
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::RateLimited)));
}

/// A newer app knows from welcome what is spoken here; who says unknown things on and on is faulty.
#[test]
fn who_says_nothing_but_what_nobody_knows_is_sent_away() {
    let mut host = Host::open();
    for _ in 0..=limits::UNKNOWN_MESSAGES {
        assert_eq!(host.ended(), None);
        host.handle(Event::Frame(by_hand("later", &serde_json::json!({}))));
    }
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

/// What comes before anybody is let in waits, so that it may not inflate to much.
#[test]
fn a_frame_that_inflates_to_much_before_anybody_is_let_in_ends_the_session() {
    let mut host = Host::new();
    host.session.handle(Event::Frame(hello().to_bytes()), host.now());
    let padded =
        by_hand("later", &serde_json::json!({ "padding": "0".repeat(limits::EARLY_BYTES) }));
    let packed = encode_frame(&Frame(padded[1..].to_vec()), Compression::Zlib);
    host.session.handle(Event::Frame(packed), host.now());
    host.settle();
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

fn fetch(count: usize) -> ClientMessage {
    let records = (0..count as u128).map(|n| record(1000 + n)).collect();
    ClientMessage::Fetch(Fetch { records })
}

/// What is asked for by name waits until the replica takes the feed; so much of it may wait.
#[test]
fn who_asks_for_more_records_than_may_wait_is_sent_away() {
    let mut host = Host::open();
    let full = fetch(limits::RECORDS_PER_FETCH);
    for _ in 0..limits::RECORDS_ASKED_FOR / limits::RECORDS_PER_FETCH {
        host.session.handle(Event::Frame(full.to_bytes()), host.now());
    }
    assert_eq!(host.session.next_effect().map(|effect| format!("{effect:?}")), None);
    host.settle();
    let [batch] = host.batches()[..] else { panic!("one answer: {:?}", host.sent) };
    assert_eq!((batch.live, batch.fetches), (true, 4));
    // The feed is live again: as much may be asked for as before, and not one more.
    host.say(&ClientMessage::FeedAck(FeedAck { batches: 1 }));
    for _ in 0..limits::RECORDS_ASKED_FOR / limits::RECORDS_PER_FETCH {
        host.session.handle(Event::Frame(full.to_bytes()), host.now());
    }
    host.session.handle(Event::Frame(fetch(1).to_bytes()), host.now());
    host.settle();
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

/// Nobody takes the feed: what is asked for again and again waits, up to the same bound.
#[test]
fn who_asks_on_and_acknowledges_nothing_is_sent_away() {
    let mut host = Host::open();
    // As many batches as may go ahead, which are answered at once.
    for _ in 0..limits::FEED_WINDOW {
        host.say(&fetch(1));
    }
    assert_eq!(host.batches().len(), limits::FEED_WINDOW as usize);
    let mut asked = 0;
    while host.ended().is_none() {
        asked += limits::RECORDS_PER_FETCH;
        host.say(&fetch(limits::RECORDS_PER_FETCH));
    }
    assert_eq!(asked, limits::RECORDS_ASKED_FOR + limits::RECORDS_PER_FETCH);
    assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
}

/// The sentence with which a session ended.
fn sentence(host: &Host) -> String {
    let end = host.others.iter().find_map(|effect| match effect {
        Effect::End(Some(goodbye)) => Some(goodbye.sentence.clone()),
        _ => None,
    });
    end.expect("the session ended with a word")
}

/// Whoever writes a client reads which field it got wrong.
#[test]
fn a_malformed_hello_is_refused_by_the_name_of_the_field() {
    use serde_json::json;
    let sound = json!({
        "protocol": 1, "protocol_min": 1, "token": "t", "replica": vec![7; 16], "reads": ["zstd"],
    });
    let say = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut body = sound.clone();
        change(&mut body);
        let mut host = Host::new();
        host.handle(Event::Frame(by_hand("hello", &body)));
        host
    };
    let welcomed = say(&|_| {});
    assert!(matches!(welcomed.sent[..], [ServerMessage::Welcome(_)]), "{:?}", welcomed.others);
    for (field, value, named) in [
        ("replica", json!(vec![7; 15]), "hello: replica: "),
        ("replica", json!("x"), "hello: replica: "),
        ("protocol", json!(-1), "hello: protocol: "),
        ("protocol_min", json!("one"), "hello: protocol_min: "),
        ("token", json!(7), "hello: token: "),
        ("token", json!(null), "hello: token: "),
        ("fingerprint", json!(vec![7; 9]), "hello: fingerprint: "),
        ("app", json!("x".repeat(limits::APP_BYTES + 1)), "hello: app: "),
        ("cursor", json!("x".repeat(3).chars().collect::<Vec<_>>()), "hello: cursor"),
        ("reads", json!(vec!["x"; limits::READS_PER_HELLO + 1]), "hello: reads: "),
        ("reads", json!([1]), "hello: reads[0]: "),
    ] {
        let host = say(&|body| body[field] = value.clone());
        let said = sentence(&host);
        assert!(said.contains(named), "{field} as {value}: {said}");
        assert_eq!(host.ended(), Some(Some(GoodbyeCode::Protocol)));
    }
    let missing = sentence(&say(&|body| drop(body.as_object_mut().unwrap().remove("token"))));
    assert!(missing.contains("hello: missing field `token`"), "{missing}");
    let length = sentence(&say(&|body| body["replica"] = json!(vec![7; 15])));
    assert!(length.contains("16"), "{length}");
}

/// A message as another client might write it: lists of numbers are bytes.
fn by_hand(name: &str, body: &serde_json::Value) -> Vec<u8> {
    fn put(out: &mut Vec<u8>, value: &serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::Null => rmp::encode::write_nil(out).unwrap(),
            Value::Bool(flag) => rmp::encode::write_bool(out, *flag).unwrap(),
            Value::Number(number) => {
                rmp::encode::write_sint(out, number.as_i64().unwrap()).map(drop).unwrap();
            }
            Value::String(text) => rmp::encode::write_str(out, text).unwrap(),
            Value::Array(all) if all.len() > 1 && all.iter().all(Value::is_number) => {
                let bytes: Vec<u8> = all.iter().map(|n| n.as_u64().unwrap() as u8).collect();
                rmp::encode::write_bin(out, &bytes).unwrap();
            }
            Value::Array(all) => {
                rmp::encode::write_array_len(out, all.len() as u32).unwrap();
                all.iter().for_each(|one| put(out, one));
            }
            Value::Object(map) => {
                rmp::encode::write_map_len(out, map.len() as u32).unwrap();
                for (key, value) in map {
                    rmp::encode::write_str(out, key).unwrap();
                    put(out, value);
                }
            }
        }
    }
    // A plain frame.
    let mut out = vec![0];
    rmp::encode::write_array_len(&mut out, 2).unwrap();
    rmp::encode::write_str(&mut out, name).unwrap();
    put(&mut out, body);
    out
}
