//! One replica's session: frames in, effects out.
//!
//! A machine without I/O. The host hands over what happened ([`Event`]) with the time at which it
//! did, and does what [`Session::next_effect`] asks for until there is nothing left. It reads the
//! feed when [`Session::may_read`] and nothing else is there to be handled; and it comes back with
//! [`Event::Tick`] at [`Session::wake_at`].
//!
//! **Invariant**: after the verdicts of accepted changes are noted, the feed looks once more,
//! whatever woke it before: no replica waits for a wake-up that came too early.

mod effects;
mod ends;
mod live;
mod pace;
mod vigil;

use std::collections::VecDeque;
use std::time::Duration;

use super::feed::{Feed, Next};
use crate::document::lean;
use crate::ids::{ReplicaId, UserId};
use crate::limits;
use crate::protocol::{
    Blob, ClientMessage, Compression, Cursor, FeedBatch, Hello, LEAN, PROTOCOL_MIN,
    PROTOCOL_VERSION, ServerMessage, Welcome, inflated_length,
};
use crate::schema::Schema;
use effects::session_limits;
pub use effects::{DeviceNoted, Effect, Event, Now, Secret, SignedIn};
pub use ends::garbled;
use ends::{another_life, disabled, odd_name, protocol, rate_limited, too_old, unavailable};
use live::Live;
use pace::Silence;
pub use pace::{PING_EVERY, SILENT_FOR};
use vigil::Watch;

/// How long a replica may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// Frames that may come before the session is open; a replica waits for welcome before it speaks.
const EARLY_FRAMES: usize = 8;

/// One replica's session.
#[derive(Debug)]
pub struct Session {
    state: State,
    effects: VecDeque<Effect>,
    silence: Silence,
    /// A name for the device, should the one it says be another user's.
    spare: ReplicaId,
    /// What tells the rows of the server's schema from those of another.
    fingerprint: [u8; 8],
    /// What the replica reads.
    reader: Reader,
    /// Whether a wake-up came before the session was open.
    woken: bool,
}

/// How a replica is spoken to, by what it says in hello.
#[derive(Clone, Copy, Debug)]
struct Reader {
    compression: Compression,
    documents: Documents,
    rows: Rows,
}

/// In what form documents travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Documents {
    /// As Automerge saves them.
    Whole,
    /// Without what their reader can work out.
    Lean,
}

/// Whether rows travel beside documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rows {
    /// Both ends have the same schema.
    Valid,
    /// The replica's schema is another: it reads the documents itself.
    LeftOut,
}

/// Where a session stands.
#[derive(Debug)]
enum State {
    /// Waits for hello.
    Called { until: Duration },
    /// Waits for what the host knows of the token.
    SigningIn(Box<Greeting>),
    /// Waits until the device is noted.
    Noting { greeting: Box<Greeting>, who: SignedIn, replica: ReplicaId },
    /// Reads the first batch, which decides what welcome says.
    Opening { greeting: Box<Greeting>, who: SignedIn, replica: ReplicaId, feed: Box<Feed> },
    /// Open.
    Live(Box<Live>),
    /// Over; nothing more is handled.
    Over,
}

/// What a replica said at first, and what it said before anybody answered.
#[derive(Debug)]
struct Greeting {
    protocol: u16,
    app: String,
    replica: ReplicaId,
    cursor: Option<Cursor>,
    early: Vec<Vec<u8>>,
}

impl Session {
    /// A session that begins with a socket. The spare name is used if the device says one that
    /// belongs to another user.
    pub fn new(now: Now, spare: ReplicaId, schema: &Schema) -> Self {
        Self {
            state: State::Called { until: now.running + HELLO_WITHIN },
            effects: VecDeque::new(),
            silence: Silence::from(now.running),
            spare,
            fingerprint: schema.fingerprint(),
            reader: Reader {
                compression: Compression::Zlib,
                documents: Documents::Whole,
                rows: Rows::LeftOut,
            },
            woken: false,
        }
    }

    /// The device that said hello, while it is not known whose it is.
    pub fn caller(&self) -> Option<ReplicaId> {
        match &self.state {
            State::SigningIn(greeting) => Some(greeting.replica),
            State::Called { .. }
            | State::Noting { .. }
            | State::Opening { .. }
            | State::Live(_)
            | State::Over => None,
        }
    }

    /// What is to be done next, in this order; none when the session waits.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to come back with [`Event::Tick`], whatever happens until then. A feed that may be read
    /// by now is no reason to come back: reading it is.
    pub fn wake_at(&self, now: Now) -> Option<Duration> {
        match &self.state {
            State::Over => None,
            State::Called { until } => Some(*until),
            State::SigningIn(_) | State::Noting { .. } | State::Opening { .. } => {
                Some(self.silence.wake_at())
            }
            State::Live(live) => {
                let look = live.look_at().filter(|_| !live.may_read(now.running));
                let look = look.into_iter();
                look.chain([self.silence.wake_at()]).min()
            }
        }
    }

    /// Whether the feed is to be read now. What came in is handled first, for there may be verdicts.
    pub fn may_read(&self, now: Now) -> bool {
        matches!(&self.state, State::Live(live) if live.may_read(now.running))
    }

    /// Begins to read the feed.
    pub fn read(&mut self, now: Now) {
        if let State::Live(live) = &mut self.state {
            self.effects.push_back(live.read(now.running));
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Heard => self.silence.heard(now.running),
            Event::Tick => self.tick(now),
            Event::Ended(goodbye) => self.end(Some(goodbye)),
            Event::Failed => self.end(Some(unavailable())),
            Event::Closed => self.end(None),
            Event::Frame(bytes) => {
                self.silence.heard(now.running);
                self.frame(bytes, now);
            }
            Event::SignedIn(outcome) => match outcome {
                Ok(who) => self.signed_in(who),
                Err(goodbye) => self.end(Some(goodbye)),
            },
            Event::Noted(noted) => self.noted(noted),
            Event::Read(answer) => match &mut self.state {
                State::Opening { feed, .. } => {
                    let next = feed.answer(answer);
                    self.opening(next, now);
                }
                State::Live(live) => {
                    let next = live.feed.answer(answer);
                    self.read_on(next, now);
                }
                State::Called { .. } | State::SigningIn(_) | State::Noting { .. } | State::Over => {
                }
            },
            Event::TakenIn { push, changes } => {
                if let State::Live(live) = &mut self.state {
                    live.taken_in(push, changes);
                }
            }
            Event::Judged { push, verdicts } => match (&mut self.state, verdicts) {
                (State::Live(live), Ok(verdicts)) => {
                    let message = live.judged(push, verdicts);
                    self.send(message);
                }
                (_, Ok(_)) => {}
                (_, Err(_)) => self.end(Some(unavailable())),
            },
            Event::Answered { ask, opinions } => {
                if let State::Live(live) = &mut self.state {
                    let message = live.answered(ask, opinions);
                    self.send(message);
                }
            }
            Event::Woken => match &mut self.state {
                State::Live(live) => live.woken(),
                // The first batch may have been read just before.
                State::Opening { .. } => self.woken = true,
                State::Called { .. } | State::SigningIn(_) | State::Noting { .. } | State::Over => {
                }
            },
            Event::Beat => {
                if let State::Live(live) = &mut self.state
                    && live.beat() == Watch::Overslept
                {
                    self.effects.push_back(Effect::Overslept);
                }
            }
        }
    }

    fn tick(&mut self, now: Now) {
        if let State::Called { until } = &self.state {
            if *until <= now.running {
                self.end(Some(protocol("The first message must be hello.")));
            }
            return;
        }
        if self.silence.is_dead(now.running) {
            // Nobody is there to hear why.
            self.end(None);
        } else if self.silence.ping_is_due(now.running) {
            self.silence.pinged(now.running);
            self.effects.push_back(Effect::Ping);
        }
    }

    fn end(&mut self, goodbye: Option<crate::protocol::Goodbye>) {
        if !matches!(self.state, State::Over) {
            self.state = State::Over;
            self.effects.push_back(Effect::End(goodbye));
        }
    }

    fn send(&mut self, message: ServerMessage) {
        self.effects.push_back(Effect::Send(message.compressed(self.reader.compression)));
    }

    fn frame(&mut self, bytes: Vec<u8>, now: Now) {
        match &mut self.state {
            State::Called { .. } => self.hello(&bytes),
            State::SigningIn(greeting)
            | State::Noting { greeting, .. }
            | State::Opening { greeting, .. } => {
                let long = inflated_length(&bytes).is_none_or(|one| one > limits::EARLY_BYTES);
                greeting.early.push(bytes);
                if long || greeting.early.len() > EARLY_FRAMES {
                    self.end(Some(protocol("Your app speaks before it was let in.")));
                }
            }
            State::Live(live) => match live.frame(&bytes, now) {
                Ok(effect) => self.effects.extend(effect),
                Err(goodbye) => self.end(Some(goodbye)),
            },
            State::Over => {}
        }
    }

    fn hello(&mut self, bytes: &[u8]) {
        let hello = match ClientMessage::first_from_bytes(bytes) {
            Ok(ClientMessage::Hello(hello)) => hello,
            Ok(_) => return self.end(Some(protocol("The first message must be hello."))),
            Err(error) => return self.end(Some(garbled(error))),
        };
        if let Err(error) = hello.check() {
            return self.end(Some(garbled(error)));
        }
        let Hello {
            protocol, protocol_min, token, replica, app, cursor, fingerprint, reads, ..
        } = hello;
        self.reader = Reader {
            compression: Compression::agreed(&reads),
            documents: if reads.iter().any(|one| one == LEAN) {
                Documents::Lean
            } else {
                Documents::Whole
            },
            rows: if fingerprint.0 == self.fingerprint { Rows::Valid } else { Rows::LeftOut },
        };
        if protocol < PROTOCOL_MIN || protocol_min > PROTOCOL_VERSION {
            return self.end(Some(too_old()));
        }
        // It is shown to operators, and the database takes no NUL.
        if app.chars().any(char::is_control) {
            return self.end(Some(odd_name()));
        }
        // One that no server of ours gave is not kept until it is looked at, and not taken then.
        let cursor = cursor
            .map(|one| if one.0.len() > limits::CURSOR_BYTES { Blob::default() } else { one });
        let greeting = Greeting { protocol, app, replica, cursor, early: Vec::new() };
        self.state = State::SigningIn(Box::new(greeting));
        self.effects.push_back(Effect::SignIn(Secret(token)));
    }

    fn signed_in(&mut self, who: SignedIn) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::SigningIn(greeting) => {
                if who.other_sessions >= limits::SOCKETS_PER_USER {
                    self.state = State::SigningIn(greeting);
                    return self.end(Some(rate_limited(
                        "Too many devices of yours are connected; close one and try again.",
                        Duration::from_secs(30),
                    )));
                }
                let replica = greeting.replica;
                self.effects.push_back(Effect::Permit);
                self.note(greeting, who, replica);
            }
            State::Live(live) => {
                let same = live.user == who.user;
                self.state = State::Live(live);
                if same {
                    self.effects.push_back(Effect::Permit);
                } else {
                    self.end(Some(ends::wrong_user()));
                }
            }
            other @ (State::Called { .. }
            | State::Noting { .. }
            | State::Opening { .. }
            | State::Over) => self.state = other,
        }
    }

    fn note(&mut self, greeting: Box<Greeting>, who: SignedIn, replica: ReplicaId) {
        let (user, app) = (who.user, greeting.app.clone());
        self.effects.push_back(Effect::Note { user, replica, app });
        self.state = State::Noting { greeting, who, replica };
    }

    /// The id under which this session's changes are noted: the one that the device says, unless it
    /// is another user's already. Which of the two came by it honestly nobody can tell, so neither is
    /// kept out: all that hangs on it is when a device was last heard.
    fn noted(&mut self, noted: DeviceNoted) {
        let State::Noting { mut greeting, who, replica } =
            std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        match noted {
            DeviceNoted::Own => {
                let mut feed = Box::new(Feed::new(greeting.cursor.take()));
                let request = feed.read(Vec::new(), limits::BYTES_AT_FIRST);
                self.effects.push_back(Effect::Read { user: who.user, request });
                self.state = State::Opening { greeting, who, replica, feed };
            }
            DeviceNoted::AnotherUsers => self.note(greeting, who, self.spare),
        }
    }

    fn opening(&mut self, next: Next, now: Now) {
        let first = match next {
            Next::Ask(request) => {
                if let State::Opening { who, .. } = &self.state {
                    self.effects.push_back(Effect::Read { user: who.user, request });
                }
                return;
            }
            Next::Disabled => return self.end(Some(disabled())),
            Next::AnotherLife => return self.end(Some(another_life())),
            Next::Send(batch) => Some(batch),
            Next::Silent => None,
        };
        let State::Opening { greeting, who, replica, feed } =
            std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        let Some(epoch) = feed.epoch() else { return };
        self.send(ServerMessage::Welcome(Welcome {
            protocol: PROTOCOL_VERSION.min(greeting.protocol),
            user: who.user,
            role: who.role,
            epoch,
            now: now.wall,
            limits: session_limits(),
            live: first.is_none(),
            fingerprint: Some(Blob(self.fingerprint.to_vec())),
        }));
        let mut live = Box::new(Live::new(who.user, replica, *feed, now.running));
        if std::mem::take(&mut self.woken) {
            live.woken();
        }
        self.state = State::Live(live);
        if let Some(batch) = first {
            self.send_batch(*batch, now);
        }
        for bytes in greeting.early {
            self.frame(bytes, now);
        }
    }

    fn read_on(&mut self, next: Next, now: Now) {
        let State::Live(live) = &mut self.state else { return };
        match next {
            Next::Ask(request) => {
                let user: UserId = live.user;
                self.effects.push_back(Effect::Read { user, request });
            }
            Next::Send(batch) => self.send_batch(*batch, now),
            Next::Silent => live.nothing_to_read(),
            Next::Disabled => self.end(Some(disabled())),
            Next::AnotherLife => self.end(Some(another_life())),
        }
    }

    fn send_batch(&mut self, mut batch: FeedBatch, now: Now) {
        if self.reader.rows == Rows::LeftOut {
            batch.items.iter_mut().for_each(|item| item.row = None);
        }
        if self.reader.documents == Documents::Lean {
            batch.items.iter_mut().filter_map(|item| item.snapshot.as_mut()).for_each(make_lean);
        }
        if let State::Live(live) = &mut self.state {
            live.sending(&batch, now.running);
            self.send(ServerMessage::Feed(batch));
        }
    }
}

/// One that cannot be made lean goes whole; its reader tells the two apart.
fn make_lean(snapshot: &mut Blob) {
    if let Some(lean) = lean::strip(&snapshot.0) {
        snapshot.0 = lean;
    }
}
