//! Each timer and each step of a link, in virtual time.

#![allow(clippy::unwrap_used)]

use super::border::*;
use super::fault::LinkFault;
use super::machine::Link;
use super::timing::{SteadyMs, Timing};
use crate::crm;
use crate::document::RecordEdit;
use crate::ids::{FeedPosition, ServerEpoch, UserId};
use crate::protocol::{
    Blob, ClientMessage, FeedBatch, Goodbye, ServerMessage, Verdict, VerdictOutcome, Verdicts,
    Welcome,
};
use crate::replica::{Env, GroupEdit, LinkState, OpenOptions, Replica, WouldBe};
use crate::schema::Kind;
use crate::testing::session_limits;
use crate::time::UnixMs;
use data_encoding::BASE64URL_NOPAD;

const USER: UserId = UserId(uuid::Uuid::from_u128(7));
/// What a keep-alive answer takes on the wire, about.
const PONG_BYTES: u64 = 10;

/// A clock that goes with the link's, and bytes that differ from draw to draw.
struct TestEnv {
    wall: i64,
    draws: u64,
}

impl Env for TestEnv {
    fn now(&mut self) -> UnixMs {
        UnixMs(self.wall)
    }
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.draws = self.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.draws >> 56) as u8;
        }
    }
}

struct World {
    link: Link,
    replica: Replica,
    env: TestEnv,
    now: SteadyMs,
    wake: Option<SteadyMs>,
    dial: Dial,
    /// Everything but status and timers, since it was last taken.
    seen: Vec<LinkEffect>,
    status: Option<LinkStatus>,
}

fn welcome(now: i64, live: bool) -> Vec<u8> {
    let welcome = Welcome {
        protocol: 1,
        user: USER,
        role: "sales_rep".into(),
        epoch: ServerEpoch(uuid::Uuid::from_u128(9)),
        now: UnixMs(now),
        limits: session_limits(),
        live,
        fingerprint: None,
    };
    ServerMessage::Welcome(welcome).to_bytes()
}

fn goodbye(code: &str, retry_after_ms: Option<u64>) -> Vec<u8> {
    let sentence = format!("It is over: {code}.");
    ServerMessage::Goodbye(Goodbye { code: code.into(), sentence, retry_after_ms }).to_bytes()
}

/// A token that runs out then, by the server's clock.
fn token(until: i64, salt: &str) -> String {
    let claims = format!("{{\"exp\":{},\"salt\":\"{salt}\"}}", until as f64 / 1000.0);
    format!("h.{}.s", BASE64URL_NOPAD.encode(claims.as_bytes()))
}

fn name(effect: &LinkEffect) -> String {
    match effect {
        LinkEffect::FetchToken => "fetch token".into(),
        LinkEffect::Connect(_) => "connect".into(),
        LinkEffect::Send { bytes, .. } => {
            let message = ClientMessage::from_bytes(bytes).unwrap();
            let text = format!("{message:?}").to_lowercase();
            format!("send {}", text.split(['(', ' ']).next().unwrap())
        }
        LinkEffect::Close(_) => "close".into(),
        LinkEffect::Notice(Notice::Retrying { .. }) => "retrying".into(),
        LinkEffect::Notice(Notice::WaitsForToken(_)) => "waits for token".into(),
        LinkEffect::Notice(Notice::Answered { would_be, .. }) => format!("answered {would_be:?}"),
        LinkEffect::Notice(notice) => format!("{notice:?}").to_lowercase(),
        LinkEffect::Ended { wanted, outcome } => format!("ended {wanted:?} {outcome:?}"),
        LinkEffect::RowsChanged(_) => "rows".into(),
        LinkEffect::WakeAt(_) | LinkEffect::Status(_) => unreachable!(),
    }
}

impl World {
    fn new(tokens: Tokens) -> Self {
        let mut env = TestEnv { wall: 1_700_000_000_000, draws: 1 };
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let options = OpenOptions { schema: crm::schema(), user: Some(USER) };
        let replica = Replica::open(db, options, &mut env).unwrap();
        let link = Link::new(LinkOptions {
            app: "test".into(),
            server: "ws://server".into(),
            tokens,
            timing: Timing::default(),
        });
        let (now, dial) = (SteadyMs(1000), Dial(0));
        let mut world =
            Self { link, replica, env, now, wake: None, dial, seen: Vec::new(), status: None };
        world.tell(LinkEvent::Tick);
        world
    }

    fn take_in(&mut self, effects: Vec<LinkEffect>) {
        // Everything passes the border of a worker.
        let text = serde_json::to_string(&effects).unwrap();
        for effect in serde_json::from_str::<Vec<LinkEffect>>(&text).unwrap() {
            match effect {
                LinkEffect::WakeAt(at) => self.wake = Some(at),
                LinkEffect::Status(status) => self.status = Some(status),
                LinkEffect::Connect(dial) => {
                    self.dial = dial;
                    self.seen.push(effect);
                }
                _ => self.seen.push(effect),
            }
        }
    }

    fn tell(&mut self, event: LinkEvent) {
        let text = serde_json::to_string(&event).unwrap();
        let event: LinkEvent = serde_json::from_str(&text).unwrap();
        let effects = self.link.handle(event, self.now, &mut self.replica, &mut self.env);
        self.take_in(effects);
    }

    /// What was asked for since the last look.
    fn seen(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen).iter().map(name).collect()
    }

    fn frame(&mut self, bytes: Vec<u8>) {
        self.tell(LinkEvent::Frame { dial: self.dial, bytes });
    }

    /// Lets time pass, waking the link whenever it asked for that, as long as nothing is asked for
    /// but keep-alives, which are answered or not.
    fn pass(&mut self, ms: u64, server: Answers) -> u64 {
        let (began, end) = (self.now, self.now.after(ms));
        while let Some(at) = self.wake.filter(|at| *at <= end) {
            assert!(at >= self.now || self.wake.is_none(), "a timer in the past: {at:?}");
            let at = at.max(self.now);
            self.env.wall += i64::try_from(at.since(self.now)).unwrap();
            self.now = at;
            self.wake = None;
            self.tell(LinkEvent::Tick);
            let pings = self.seen.iter().filter(|one| name(one) == "send ping").count();
            if server == Answers::Yes && pings > 0 && pings == self.seen.len() {
                self.seen.clear();
                self.tell(LinkEvent::Received { dial: self.dial, bytes: PONG_BYTES });
                self.frame(ServerMessage::Pong.to_bytes());
            }
            if self.seen.iter().any(|one| name(one) != "send ping") {
                return at.since(began);
            }
        }
        self.env.wall += i64::try_from(end.since(self.now)).unwrap();
        self.now = end;
        ms
    }

    /// A session that stands.
    fn open(&mut self, wanted: Wanted, token: &str, live: bool) {
        self.tell(LinkEvent::Wanted(wanted));
        assert_eq!(self.seen(), ["fetch token"]);
        self.arrive(token, live);
    }

    fn arrive(&mut self, token: &str, live: bool) {
        self.tell(LinkEvent::Token(Ok(token.into())));
        assert_eq!(self.seen(), ["connect"]);
        self.tell(LinkEvent::Connected(self.dial));
        assert_eq!(self.seen(), ["send hello"]);
        self.frame(welcome(self.env.wall, live));
    }

    fn kind(&self) -> Kind {
        self.replica.schema().kind("organization").unwrap().clone()
    }

    fn edit(&mut self) {
        let kind = self.kind();
        let edit = RecordEdit::parse(&kind, [("name", "Kitchen")]).unwrap();
        self.replica.create(&kind, edit, &mut self.env).unwrap();
    }

    fn state(&self) -> LinkState {
        self.status.as_ref().unwrap().state
    }

    /// Accepts the only push among the effects.
    /// Accepts what was pushed, at this position.
    fn accept(&mut self, position: i64) {
        let push = self.seen.iter().find_map(|effect| match effect {
            LinkEffect::Send { bytes, .. } => match ClientMessage::from_bytes(bytes).unwrap() {
                ClientMessage::Push(push) => Some(push),
                _ => None,
            },
            _ => None,
        });
        let push = push.unwrap();
        let items = push.groups.iter().flat_map(|group| &group.items);
        let verdicts = items.map(|item| {
            let change = automerge::Change::from_bytes(item.change.0.clone()).unwrap();
            let outcome = VerdictOutcome::Accepted(FeedPosition(position));
            Verdict { hash: change.hash().into(), outcome, receipt: None }
        });
        let verdicts = Verdicts { push: push.push, verdicts: verdicts.collect() };
        self.seen.clear();
        self.frame(ServerMessage::Verdicts(verdicts).to_bytes());
    }

    fn feed(&mut self, live: bool, head: i64) {
        let batch = FeedBatch {
            cursor: Blob(head.to_be_bytes().to_vec()),
            live,
            head: FeedPosition(head),
            ..FeedBatch::default()
        };
        self.frame(ServerMessage::Feed(batch).to_bytes());
    }

    fn ask(&mut self, question: u64, within_ms: u64) {
        let kind = self.kind();
        let edit = RecordEdit::parse(&kind, [("name", "Grand")]).unwrap();
        let id = self.replica.mint_id(&mut self.env);
        let edits = [GroupEdit::Create { id, kind, edit }];
        let asked = self.replica.question(&edits, &mut self.env).unwrap();
        let name = QuestionId(question);
        let effects =
            self.link.ask(name, asked, within_ms, self.now, &mut self.replica, &mut self.env);
        self.take_in(effects);
    }
}

/// Whether the server answers keep-alives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Yes,
    No,
}

/// An edit made offline is sent, everything that there is comes, and the link closes.
#[test]
fn a_sync_sends_and_receives_everything_and_closes() {
    let mut world = World::new(Tokens::Fixed);
    world.edit();
    world.tell(LinkEvent::Edited);
    assert_eq!((world.seen(), world.state()), (vec![], LinkState::Offline));
    world.open(Wanted::Once, "t", false);
    assert_eq!(name(&world.seen[1]), "pushed");
    world.accept(5);
    assert_eq!((world.seen(), world.state()), (vec![], LinkState::CatchingUp));
    world.feed(false, 4);
    assert_eq!(world.seen(), ["send feedack", "remaining(0)"]);
    world.feed(true, 5);
    assert_eq!(world.seen()[2..], ["ended Once CaughtUp", "close"]);
    assert_eq!(world.state(), LinkState::Offline);
    assert_eq!(world.pass(100_000, Answers::Yes), 100_000);
}

/// What is edited while the link stands goes at once; so does what another process wrote.
#[test]
fn an_edit_while_connected_is_sent_at_once() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", true);
    assert_eq!((world.seen(), world.state()), (vec!["connected".to_owned()], LinkState::Live));
    for (position, event) in [(5, LinkEvent::Edited), (6, LinkEvent::ForeignWrite)] {
        world.edit();
        world.tell(event);
        assert_eq!(world.seen[1..].iter().map(name).collect::<Vec<_>>(), ["send push"]);
        world.accept(position);
        world.feed(true, position);
        world.seen();
    }
    // A sync of a link that stands ends when it is in step, and the link goes on.
    world.tell(LinkEvent::Wanted(Wanted::Once));
    assert_eq!(world.seen(), ["ended Once CaughtUp"]);
    world.tell(LinkEvent::NotWanted);
    assert_eq!(world.seen(), ["close", "ended Always Stopped"]);
}

/// The wait before the next try may be drawn as nothing: then the moment of the timer that just ran out
/// is the moment of the next.
#[test]
fn a_wait_of_no_time_at_all_comes_to_an_end() {
    let mut world = World::new(Tokens::Fixed);
    world.link.options.timing.backoff_from_ms = 1;
    world.open(Wanted::Always, "t", true);
    world.seen();
    world.pass(100_000, Answers::No);
    assert!(world.seen().contains(&"retrying".to_owned()));
    world.pass(1000, Answers::No);
    assert_eq!(world.seen(), ["fetch token"]);
}

/// The network is cut without a word: no byte comes, none is refused. The link sends keep-alives in
/// vain, and within 45 seconds of the last byte it connects anew.
#[test]
fn a_connection_that_died_without_a_word_is_noticed_within_45_seconds() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", true);
    world.seen();
    // As long as the server answers, the link stands, for hours.
    assert_eq!(world.pass(10_000_000, Answers::Yes), 10_000_000);
    assert_eq!(world.state(), LinkState::Live);
    let noticed = world.pass(100_000, Answers::No);
    assert!(noticed <= 45_000, "{noticed} ms");
    let seen = world.seen();
    assert_eq!(seen.iter().filter(|one| *one == "send ping").count(), 2, "{seen:?}");
    assert_eq!(seen[2..], ["close", "retrying"]);
    assert!(world.status.as_ref().unwrap().fault.as_ref().unwrap().to_string().contains("silent"));
    world.pass(30_000, Answers::No);
    assert_eq!(world.seen(), ["fetch token"]);
    world.arrive("t", true);
    assert_eq!(world.state(), LinkState::Live);
}

/// Whatever is owed when the line dies: a welcome, a feed, verdicts, an answer, the rest of a frame, or
/// nothing at all.
#[test]
fn a_line_that_dies_is_noticed_within_45_seconds_whatever_is_owed() {
    type Owed = fn(&mut World);
    let owed: [(&str, Owed); 6] = [
        ("a welcome", |world| {
            world.tell(LinkEvent::Wanted(Wanted::Always));
            world.tell(LinkEvent::Token(Ok("t".into())));
            world.tell(LinkEvent::Connected(world.dial));
        }),
        ("nothing", |world| world.open(Wanted::Always, "t", true)),
        ("a feed", |world| world.open(Wanted::Always, "t", false)),
        ("verdicts", |world| {
            world.open(Wanted::Always, "t", true);
            world.edit();
            world.tell(LinkEvent::Edited);
        }),
        ("an answer", |world| {
            world.open(Wanted::Always, "t", true);
            world.ask(1, 500_000);
        }),
        ("the rest of a frame", |world| {
            world.open(Wanted::Always, "t", false);
            world.tell(LinkEvent::Received { dial: world.dial, bytes: 100_000 });
        }),
    ];
    for (what, owe) in owed {
        let mut world = World::new(Tokens::Fixed);
        owe(&mut world);
        world.seen();
        let noticed = world.pass(200_000, Answers::No);
        assert!(noticed <= 45_000, "{what}: {noticed} ms");
        assert!(world.seen().contains(&"close".to_owned()), "{what}");
    }
}

/// A push waits for its verdicts for as long as a line of 300 bytes a second takes to carry it, while the
/// server shows that it is there.
#[test]
fn a_large_edit_has_the_time_that_a_slow_line_takes_for_it() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", true);
    world.seen();
    let kind = world.kind();
    let note: String = (0..12_000).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect();
    let pairs = [("name", "Kitchen"), ("notes", note.as_str())];
    let edit = RecordEdit::parse(&kind, pairs).unwrap();
    world.replica.create(&kind, edit, &mut world.env).unwrap();
    world.tell(LinkEvent::Edited);
    world.seen.retain(|one| matches!(one, LinkEffect::Send { .. }));
    let pushed: Vec<LinkEffect> = std::mem::take(&mut world.seen);
    let bytes: usize = pushed
        .iter()
        .map(|one| if let LinkEffect::Send { bytes, .. } = one { bytes.len() } else { 0 })
        .sum();
    let takes_ms = bytes as u64 * 1000 / 300;
    assert_eq!(world.pass(takes_ms, Answers::Yes), takes_ms, "{bytes} bytes");
    assert!(world.pass(10_000_000, Answers::Yes) < 10_000_000, "and not for ever");
}

/// It sends a keep-alive whenever it sent nothing for a while, so that the server notices too.
#[test]
fn a_busy_download_is_told_that_we_are_still_there() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", false);
    world.seen();
    // A long frame on a thin line: bytes all the time, and no frame for minutes.
    for _ in 0..300 {
        world.pass(1000, Answers::No);
        world.tell(LinkEvent::Received { dial: world.dial, bytes: 400 });
    }
    let seen = world.seen();
    assert_eq!(seen, vec!["send ping"; 20]);
    assert_eq!(world.state(), LinkState::CatchingUp);
}

/// The server answers keep-alives and nothing else: what is owed for a minute is a failure.
#[test]
fn a_server_that_lives_and_does_not_answer_is_given_up() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Once, "t", false);
    world.seen();
    let waited = world.pass(1_000_000, Answers::Yes);
    assert_eq!(waited, 60_000);
    let seen = world.seen();
    assert!(seen.iter().any(|one| one.contains("ended Once Failed(Broken")), "{seen:?}");
    assert_eq!(world.pass(1_000_000, Answers::Yes), 1_000_000);
}

#[test]
fn a_connection_that_is_not_made_in_time_is_given_up() {
    let mut world = World::new(Tokens::Fixed);
    world.tell(LinkEvent::Wanted(Wanted::Once));
    world.tell(LinkEvent::Token(Ok("t".into())));
    world.seen();
    assert_eq!(world.pass(1_000_000, Answers::Yes), 15_000);
    let seen = world.seen();
    assert_eq!(seen[0], "close");
    assert!(seen[1].contains("Unreachable"), "{seen:?}");
    // It was made after all, too late: nobody hears of it.
    world.tell(LinkEvent::Closed { dial: Dial(77), reason: "late".into() });
    assert_eq!(world.seen(), [""; 0]);
}

/// The limits double from half a second to half a minute, and each wait is a random part of one.
#[test]
fn failures_are_tried_again_after_a_random_part_of_a_doubling_limit() {
    let mut waits: Vec<Vec<u64>> = vec![Vec::new(); 9];
    for seed in 1..60 {
        let mut world = World::new(Tokens::Fixed);
        world.env.draws = seed * 7919;
        world.tell(LinkEvent::Wanted(Wanted::Always));
        for wait in &mut waits {
            world.tell(LinkEvent::Token(Ok("t".into())));
            world.seen();
            world.tell(LinkEvent::Closed { dial: world.dial, reason: "refused".into() });
            assert_eq!(world.seen(), ["close", "retrying"]);
            let retry_at = world.status.as_ref().unwrap().retry_at.unwrap();
            let waited = world.pass(100_000, Answers::No);
            assert_eq!(world.now, retry_at);
            wait.push(waited);
            assert_eq!(world.seen(), ["fetch token"]);
        }
    }
    for (limit, waits) in
        [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000].iter().zip(&waits)
    {
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(most < limit, "{most} of {limit}");
        assert!(*least < limit / 4 && *most > limit / 4 * 3, "{least} to {most} of {limit}");
    }
}

/// A session that made progress makes the next failure a first one; a mere welcome does not.
#[test]
fn only_progress_makes_the_next_failure_a_first_one() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", false);
    let mut longest = 0;
    for _ in 0..12 {
        world.tell(LinkEvent::Closed { dial: world.dial, reason: "cut".into() });
        world.seen();
        longest = longest.max(world.pass(100_000, Answers::No));
        assert_eq!(world.seen(), ["fetch token"]);
        world.arrive("t", false);
    }
    assert!(longest > 4000, "{longest}");
    world.feed(true, 3);
    world.tell(LinkEvent::Closed { dial: world.dial, reason: "cut".into() });
    world.seen();
    assert!(world.pass(100_000, Answers::No) < 500);
}

/// What each goodbye means for whoever stays, and for whoever syncs once.
#[test]
fn a_goodbye_is_followed_by_what_its_code_calls_for() {
    let cases = [
        ("unavailable", Some(2000), "retrying"),
        ("rate_limited", Some(30_000), "retrying"),
        ("of_a_newer_server", None, "retrying"),
        ("bad_token", None, "waits for token"),
        ("expired_token", None, "waits for token"),
        ("disabled", None, "ended"),
        ("too_old", None, "ended"),
        ("replaced", Some(10_000), "retrying"),
        ("protocol", None, "ended"),
        ("wrong_user", None, "ended"),
    ];
    for (code, retry_after_ms, then) in cases {
        let mut world = World::new(Tokens::Renewable);
        world.open(Wanted::Always, "t", true);
        world.seen();
        world.frame(goodbye(code, retry_after_ms));
        let seen = world.seen();
        assert_eq!(seen[0], "close", "{code}");
        assert!(seen[1].starts_with(then), "{code}: {seen:?}");
        if then == "retrying" {
            let waited = world.pass(100_000, Answers::No);
            let told = retry_after_ms.unwrap_or(0);
            assert!((told..told + 500).contains(&waited), "{code}: {waited}");
        }
        let mut world = World::new(Tokens::Renewable);
        world.open(Wanted::Once, "t", false);
        world.seen();
        world.frame(goodbye(code, retry_after_ms));
        let seen = world.seen();
        assert!(seen[1].starts_with("ended Once Failed(Goodbye"), "{code}: {seen:?}");
        assert_eq!(world.pass(100_000, Answers::No), 100_000, "{code}: nothing more happens");
    }
}

/// A token that the server refuses is asked about until there is another; a fixed one ends the link.
#[test]
fn a_refused_token_is_waited_for_where_there_may_be_another() {
    let mut world = World::new(Tokens::Renewable);
    world.open(Wanted::Always, "old", true);
    world.seen();
    world.frame(goodbye("expired_token", None));
    assert_eq!(world.seen(), ["close", "waits for token", "fetch token"]);
    for _ in 0..3 {
        world.tell(LinkEvent::Token(Ok("old".into())));
        assert_eq!(world.pass(100_000, Answers::No), 1000);
        assert_eq!(world.seen(), ["fetch token"]);
    }
    world.tell(LinkEvent::Token(Err(LinkFault::NoToken("empty".into()))));
    assert_eq!(world.pass(100_000, Answers::No), 1000);
    assert_eq!(world.seen(), ["fetch token"]);
    world.arrive("new", true);
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "old", true);
    world.seen();
    world.frame(goodbye("expired_token", None));
    assert!(world.seen()[1].starts_with("ended Always Failed"));
}

/// A third of the remaining life ahead and a minute at most, by the server's clock: the device's is
/// off by a year.
#[test]
fn a_token_is_renewed_ahead_of_its_end_by_the_servers_clock() {
    for (life, expected) in [(3_600_000, 3_540_000), (300_000, 240_000), (30_000, 20_000)] {
        let mut world = World::new(Tokens::Renewable);
        let server = world.env.wall + 31_536_000_000;
        let first = token(server + life, "a");
        world.tell(LinkEvent::Wanted(Wanted::Always));
        world.tell(LinkEvent::Token(Ok(first.clone())));
        world.tell(LinkEvent::Connected(world.dial));
        world.frame(welcome(server, true));
        world.seen();
        let waited = world.pass(100_000_000, Answers::Yes);
        let seen: Vec<_> = world.seen().into_iter().filter(|one| one != "send ping").collect();
        assert_eq!((waited, seen), (expected, vec!["fetch token".to_owned()]));
        // There is no newer one yet, then there is.
        world.tell(LinkEvent::Token(Ok(first)));
        assert_eq!(world.pass(100_000_000, Answers::Yes), 1000);
        assert_eq!(world.seen(), ["fetch token"]);
        world.tell(LinkEvent::Token(Ok(token(server + 10 * life, "b"))));
        assert_eq!(world.seen(), ["send refresh"]);
        assert!(world.pass(100_000_000, Answers::Yes) >= 6 * u64::try_from(life).unwrap());
        assert_eq!(world.state(), LinkState::Live);
    }
}

/// A source that hangs is asked again, and ends a sync.
#[test]
fn a_source_of_tokens_that_hangs_is_given_up() {
    let mut world = World::new(Tokens::Renewable);
    world.tell(LinkEvent::Wanted(Wanted::Once));
    world.seen();
    assert_eq!(world.pass(1_000_000, Answers::No), 30_000);
    assert!(world.seen()[0].contains("Failed(TokenUnavailable"));
    world.tell(LinkEvent::Wanted(Wanted::Always));
    world.seen();
    assert_eq!(world.pass(1_000_000, Answers::No), 30_000);
    assert_eq!(world.seen(), ["retrying"]);
    world.pass(1000, Answers::No);
    assert_eq!(world.seen(), ["fetch token"]);
    world.tell(LinkEvent::Token(Err(LinkFault::NoToken("sign in".into()))));
    assert!(world.seen()[0].starts_with("ended Always Failed(NoToken"));
}

/// Another process takes in the feed under our feet: connect at once, but not for ever.
#[test]
fn out_of_step_connects_at_once_a_bounded_number_of_times() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Once, "t", false);
    world.seen();
    for time in 0..21 {
        // As another process does it: the file's cursor moves while ours stands.
        world.replica.note_cursor_for_tests(&[9, time]);
        world.feed(true, 1);
        let seen = world.seen();
        if time < 20 {
            assert_eq!(seen, ["close", "fetch token"], "{time}");
            world.arrive("t", false);
            world.seen();
        } else {
            assert_eq!(seen[1], "ended Once Failed(OutOfStep)");
        }
    }
}

/// A question without a link makes a connection of its own, which takes in and sends nothing else.
#[test]
fn a_question_connects_for_itself_and_takes_nothing_in() {
    let mut world = World::new(Tokens::Fixed);
    world.edit();
    world.ask(1, 10_000);
    assert_eq!(world.seen(), ["fetch token"]);
    world.arrive("t", false);
    assert_eq!(world.seen(), ["connected", "send ask"]);
    world.feed(true, 9);
    assert_eq!(world.seen(), [""; 0], "not even an acknowledgement");
    // Nobody answers: the server is an old one.
    assert_eq!(world.pass(100_000, Answers::Yes), 10_000);
    let seen = world.seen();
    assert!(seen[0].contains("did not answer in time"), "{seen:?}");
    assert_eq!(seen[1..], ["close"]);
    // Somebody wants to sync while a question stands: the feed that was dropped comes again.
    world.ask(2, 10_000);
    world.seen();
    world.arrive("t", false);
    world.seen();
    world.tell(LinkEvent::Wanted(Wanted::Once));
    let seen = world.seen();
    assert!(seen[0].contains("ask again"), "{seen:?}");
    assert_eq!(seen[1..], ["close", "fetch token"]);
}

/// Where there is no connection the answer comes at once, and says why.
#[test]
fn a_question_without_a_network_is_answered_with_the_reason() {
    let mut world = World::new(Tokens::Fixed);
    world.ask(1, 10_000);
    world.tell(LinkEvent::Token(Ok("t".into())));
    world.seen();
    world.tell(LinkEvent::Closed { dial: world.dial, reason: "connection refused".into() });
    let unknown = WouldBe::Unknown("no server answers at ws://server: connection refused".into());
    assert_eq!(world.seen(), ["close".to_owned(), format!("answered {unknown:?}")]);
    assert_eq!(world.replica.status().unwrap().last_fault, None, "nobody wanted to sync");
    // Beside a link that rests after a failure.
    world.tell(LinkEvent::Wanted(Wanted::Always));
    world.tell(LinkEvent::Token(Ok("t".into())));
    world.tell(LinkEvent::Closed { dial: world.dial, reason: "connection refused".into() });
    world.seen();
    world.ask(2, 10_000);
    assert_eq!(world.seen(), [format!("answered {unknown:?}")]);
}

/// Words of a connection that is gone are nobody's.
#[test]
fn late_words_of_an_old_connection_are_ignored() {
    let mut world = World::new(Tokens::Fixed);
    world.open(Wanted::Always, "t", true);
    let old = world.dial;
    world.tell(LinkEvent::Closed { dial: old, reason: "cut".into() });
    world.pass(1000, Answers::No);
    world.seen();
    world.arrive("t", true);
    world.seen();
    world.tell(LinkEvent::Frame { dial: old, bytes: goodbye("disabled", None) });
    world.tell(LinkEvent::Closed { dial: old, reason: "cut".into() });
    world.tell(LinkEvent::Connected(old));
    assert_eq!((world.seen(), world.state()), (vec![], LinkState::Live));
}

/// A user who knows that the network is back need not wait.
#[test]
fn wanting_it_ends_a_rest() {
    let mut world = World::new(Tokens::Fixed);
    world.tell(LinkEvent::Wanted(Wanted::Always));
    world.tell(LinkEvent::Token(Ok("t".into())));
    world.tell(LinkEvent::Closed { dial: world.dial, reason: "no network".into() });
    world.seen();
    world.tell(LinkEvent::Wanted(Wanted::Always));
    assert_eq!(world.seen(), ["fetch token"]);
    world.tell(LinkEvent::NotWanted);
    assert_eq!(world.seen(), ["ended Always Stopped"]);
    world.tell(LinkEvent::Token(Ok("t".into())));
    assert_eq!(world.seen(), [""; 0]);
}
