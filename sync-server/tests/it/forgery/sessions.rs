//! Forged sessions: greetings, cursors, requests and frames.

use std::collections::HashSet;

use sync_core::ids::{RecordId, ReplicaId};
use sync_core::limits;
use sync_core::protocol::{Blob, ClientMessage, FeedAck, Fetch, Hello, Push, PushGroup, Refresh};
use sync_server::http::auth::{self, Claims};
use sync_server::ops::people;
use uuid::Uuid;

use super::scene::{Attacker, Scene};
use crate::wire::{self, Line};

/// How a session must end, or that it must not.
enum End {
    Goodbye(&'static str),
    /// It goes on, and shows what the attacker may see anyway.
    ShowsNothing,
}

struct Attempt {
    name: String,
    hello: Option<Hello>,
    /// Whose eyes it is seen with.
    user: Uuid,
    then: Vec<Vec<u8>>,
    /// How many of the messages are answered by a batch of the feed.
    fetches: u64,
    end: End,
}

/// Tries every forged session; how many there were, and what went wrong.
pub(super) async fn run_all(scene: &mut Scene) -> (usize, Vec<String>) {
    let mut attempts = greetings(scene);
    attempts.extend(cursors(scene));
    attempts.extend(requests(scene).await);
    attempts.extend(frames(scene));
    let (tried, mut failures) = (attempts.len(), Vec::new());
    for (round, attempt) in attempts.into_iter().enumerate() {
        let record = scene.records["organization"][0];
        let before = scene.state("organization", record).await;
        let name = attempt.name.clone();
        if let Err(wrong) = one(scene, attempt).await {
            failures.push(format!("{name}: {wrong}"));
        }
        if scene.state("organization", record).await != before {
            failures.push(format!("{name}: the server holds something else"));
        }
        let word = format!("after session {round}");
        if let Err(wrong) = scene.victim_goes_on("organization", record, &word).await {
            failures.push(format!("{name}: {wrong}"));
        }
    }
    (tried, failures)
}

async fn one(scene: &Scene, attempt: Attempt) -> Result<(), String> {
    let url = scene.world.server.sync_url();
    let mut line = match attempt.hello {
        None => Line::silent(&url).await,
        Some(hello) => match (Line::greeted(&url, hello).await, &attempt.end) {
            ((_, Err(goodbye)), End::Goodbye(code)) if goodbye.code == *code => return Ok(()),
            ((_, Err(goodbye)), _) => return Err(format!("a goodbye: {}", goodbye.sentence)),
            ((line, Ok(_)), _) => line,
        },
    };
    for bytes in attempt.then {
        line.say_bytes(bytes).await;
    }
    match attempt.end {
        End::Goodbye(code) => {
            let said = line.goodbye().await.map(|goodbye| goodbye.code);
            if said.as_deref() == Some(code) { Ok(()) } else { Err(format!("a goodbye: {said:?}")) }
        }
        End::ShowsNothing => {
            // Something to wait for, so that everything before it has come.
            line.say(&ClientMessage::Fetch(Fetch { records: vec![RecordId(people::new_id())] }))
                .await;
            line.until_live(attempt.fetches + 1).await;
            let stray = scene.hidden_from(attempt.user, line.records()).await;
            if stray.is_empty() { Ok(()) } else { Err(format!("it showed {stray:?}")) }
        }
    }
}

impl Scene {
    /// Which of these records a user may not see.
    pub(super) async fn hidden_from(
        &self,
        user: Uuid,
        records: impl Iterator<Item = RecordId>,
    ) -> Vec<RecordId> {
        let mut visible: HashSet<Uuid> = HashSet::new();
        for kind in sync_core::crm::schema().kinds() {
            visible.extend(self.world.ids_of(user, kind.table).await);
        }
        records.filter(|record| !visible.contains(&record.0)).collect()
    }

    /// What came down the attackers' sockets and is not for their eyes.
    pub(super) async fn nothing_leaked(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (who, line) in self.all_lines() {
            let stray = self.hidden_from(self.user(who), line.records()).await;
            if !stray.is_empty() {
                found.push(format!("{} was shown {stray:?}", who.words()));
            }
        }
        found
    }

    fn hello_of(&self, user: Uuid) -> Hello {
        wire::hello(self.world.token(user))
    }
}

/// Tokens that are none, and another's device.
fn greetings(scene: &Scene) -> Vec<Attempt> {
    let sign = |secret: &str, sub: String| {
        let exp = u64::try_from(sync_server::clock::now().seconds() + 3600).unwrap();
        auth::sign(secret, &Claims { sub, exp, role: "authenticated".into() }).unwrap()
    };
    let good = scene.world.token(scene.world.rep);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, seal) = rest.split_once('.').unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let other = sign("another secret that is long enough", scene.world.rep.to_string());
    let tokens = [
        ("no token", String::new(), "bad_token"),
        ("a token that is none", "forged".into(), "bad_token"),
        ("a token signed by somebody else", other, "bad_token"),
        ("a token without a signature", format!("{head}.{body}."), "bad_token"),
        ("a token that asks for no signature", format!("{none}.{body}."), "bad_token"),
        ("a token whose head was changed", format!("{none}.{body}.{seal}"), "bad_token"),
        (
            "a token that has run out",
            scene.world.token_until(scene.world.rep, -120),
            "expired_token",
        ),
        ("a token of nobody", scene.world.token(people::new_id()), "bad_token"),
        ("a token of what is no user", sign(crate::harness::SECRET, "admin".into()), "bad_token"),
    ];
    let stranger = tokens.map(|(name, token, code)| Attempt {
        name: format!("{name}, by a stranger"),
        hello: Some(wire::hello(token)),
        user: Uuid::nil(),
        then: Vec::new(),
        fetches: 0,
        end: End::Goodbye(code),
    });
    let mut all = Vec::from(stranger);
    for who in [Attacker::Colleague, Attacker::Outsider, Attacker::Reader] {
        let user = scene.user(who);
        let victims = Hello { replica: scene.rosa.id(), ..scene.hello_of(user) };
        all.push(shows_nothing(format!("the victim's device, by {}", who.words()), victims, user));
        let nil = Hello { replica: ReplicaId(Uuid::nil()), ..scene.hello_of(user) };
        all.push(shows_nothing(format!("nobody's device, by {}", who.words()), nil, user));
    }
    all
}

fn shows_nothing(name: String, hello: Hello, user: Uuid) -> Attempt {
    Attempt { name, hello: Some(hello), user, then: Vec::new(), fetches: 0, end: End::ShowsNothing }
}

/// Cursors made up, taken from the victim, or of another life.
fn cursors(scene: &Scene) -> Vec<Attempt> {
    let db = rusqlite::Connection::open(scene.world.files.path().join("rosa.db")).unwrap();
    let sql = "SELECT value FROM meta WHERE key = 'cursor'";
    let victims: Vec<u8> = db.query_row(sql, [], |row| row.get(0)).unwrap();
    let life = &victims[..16];
    let at = |life: &[u8], position: i64, base: i64| {
        [life, &position.to_be_bytes(), &base.to_be_bytes()].concat()
    };
    let made_up = [
        ("the victim's cursor", victims.clone()),
        ("an empty cursor", Vec::new()),
        ("a cursor of three bytes", vec![1, 2, 3]),
        ("a cursor of zeros", vec![0; 32]),
        ("a cursor at the beginning", at(life, 0, 0)),
        ("a cursor before the beginning", at(life, -5, -9)),
        ("a cursor at the end of time", at(life, i64::MAX, i64::MAX)),
        ("a cursor ahead of its base", at(life, 20, 0)),
        ("a cursor behind its base", at(life, 3, 9)),
        ("a cursor of another life", at(&[7; 16], 3, 3)),
        ("a cursor with more behind it", [victims.as_slice(), &[9; 100]].concat()),
    ];
    let mut all = Vec::new();
    for who in [Attacker::Colleague, Attacker::Outsider, Attacker::Reader] {
        for (what, cursor) in &made_up {
            let user = scene.user(who);
            let hello = Hello { cursor: Some(Blob(cursor.clone())), ..scene.hello_of(user) };
            all.push(shows_nothing(format!("{what}, by {}", who.words()), hello, user));
        }
    }
    all
}

/// Records asked for that are not the attacker's to see, and other messages out of place.
async fn requests(scene: &Scene) -> Vec<Attempt> {
    let mut theirs: Vec<RecordId> = scene.records.values().flatten().copied().collect();
    theirs.push(scene.foreign);
    let random: Vec<RecordId> =
        (0..limits::RECORDS_PER_FETCH).map(|_| RecordId(people::new_id())).collect();
    let fetch =
        |records: &[RecordId]| ClientMessage::Fetch(Fetch { records: records.to_vec() }).to_bytes();
    let one_more = [&random[..], &[RecordId(people::new_id())]].concat();
    let ack = |batches| ClientMessage::FeedAck(FeedAck { batches }).to_bytes();
    let mut all = Vec::new();
    for who in [Attacker::Colleague, Attacker::Outsider, Attacker::Reader] {
        let user = scene.user(who);
        let talks = [
            ("the victim's records asked for", vec![fetch(&theirs)], 1),
            ("records asked for again and again", vec![fetch(&theirs); 20], 20),
            ("records asked for at random", vec![fetch(&random)], 1),
            ("no records asked for", vec![fetch(&[])], 1),
            ("more acknowledged than sent", vec![ack(u32::MAX), ack(0), ack(u32::MAX)], 0),
        ];
        for (what, then, fetches) in talks {
            let name = format!("{what}, by {}", who.words());
            all.push(Attempt { then, fetches, ..shows_nothing(name, scene.hello_of(user), user) });
        }
        let rounds = limits::RECORDS_ASKED_FOR / limits::RECORDS_PER_FETCH;
        let greedy = [
            ("more records asked for than a message may", vec![fetch(&one_more)]),
            ("records asked for sixty times and no batch taken", vec![fetch(&random); 15 * rounds]),
        ];
        for (what, then) in greedy {
            let name = format!("{what}, by {}", who.words());
            let end = End::Goodbye("protocol");
            all.push(Attempt { then, end, ..shows_nothing(name, scene.hello_of(user), user) });
        }
        let refresh = |token: String| ClientMessage::Refresh(Refresh { token }).to_bytes();
        let tokens = [
            ("the victim's token", scene.world.token(scene.world.rep), "wrong_user"),
            ("a token that is none", "forged".to_owned(), "bad_token"),
            ("a token that has run out", scene.world.token_until(user, -120), "expired_token"),
        ];
        for (what, token, code) in tokens {
            let name = format!("refreshed with {what}, by {}", who.words());
            all.push(Attempt {
                then: vec![refresh(token)],
                end: End::Goodbye(code),
                ..shows_nothing(name, scene.hello_of(user), user)
            });
        }
    }
    all
}

/// What is no message, or comes before or after its time.
fn frames(scene: &Scene) -> Vec<Attempt> {
    let user = scene.user(Attacker::Outsider);
    let empty = |count: usize| {
        let group = PushGroup {
            group: sync_core::ids::GroupId(people::new_id()),
            seen: None,
            items: Vec::new(),
        };
        ClientMessage::Push(Push { push: 1, groups: vec![group; count] }).to_bytes()
    };
    let hello = ClientMessage::Hello(scene.hello_of(user)).to_bytes();
    // A zlib stream of nothing but zeros is a thousandth of what it stands for.
    let mut deflated = vec![1];
    deflated.extend(zeros(64 << 20));
    let before = [
        ("a push before hello", empty(1)),
        ("a request before hello", ClientMessage::Fetch(Fetch { records: Vec::new() }).to_bytes()),
        ("nothing for a hello", Vec::new()),
        ("noise for a hello", vec![0xc1; 300]),
        ("a hello of an unknown packing", [&[9][..], &hello[1..]].concat()),
    ];
    let after = [
        ("a second hello", hello.clone()),
        ("noise", vec![0xc1; 300]),
        ("an empty frame", Vec::new()),
        ("a frame that inflates without end", deflated),
        ("a hello cut short", hello[..hello.len() / 2].to_vec()),
    ];
    let mut all = Vec::new();
    for (name, bytes) in before {
        all.push(Attempt {
            name: format!("{name}, by a stranger"),
            hello: None,
            user,
            then: vec![bytes],
            fetches: 0,
            end: End::Goodbye("protocol"),
        });
    }
    for (name, bytes) in after {
        let name = format!("{name} amid a session, by a colleague without access");
        all.push(Attempt {
            then: vec![bytes],
            end: End::Goodbye("protocol"),
            ..shows_nothing(name, scene.hello_of(user), user)
        });
    }
    let name = "groups of nothing, by a colleague without access".to_owned();
    all.push(Attempt {
        then: vec![empty(1), empty(200)],
        ..shows_nothing(name, scene.hello_of(user), user)
    });
    all
}

fn zeros(count: usize) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..count >> 20 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}
