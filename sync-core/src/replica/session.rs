//! The replica's side of a session: frames in, frames out.

use std::collections::{BTreeMap, HashSet};

use super::anew::{Hand, Owner};
use super::question::{Matter, WouldBe};
use super::verdicts::Judged;
use super::{Env, Replica, ReplicaError, draw};
use super::{cache, store};
use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, FeedPosition, RecordId, ServerEpoch};
use crate::limits;
use crate::protocol::{
    Blob, ClientMessage, Fetch, FrameError, Goodbye, GoodbyeCode, Hello, PROTOCOL_MIN,
    PROTOCOL_VERSION, Push, PushGroup, PushItem, Refresh, ServerMessage, SessionLimits, Verdict,
    VerdictOutcome, Verdicts, Welcome,
};
use crate::schema::SCHEMA_VERSION;

/// What the replica asks of its host, or tells it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this frame.
    Send(Vec<u8>),
    /// The session stands: the server took the token.
    Connected,
    /// The replica has everything there was when the server last looked.
    Live,
    /// Rows of these tables changed by what came in.
    Changed(Vec<&'static str>),
    /// Records still to come in the first sync.
    Remaining(u64),
    /// A question was answered.
    Answered {
        /// Its number, as [`Replica::ask`] gave it.
        ask: u64,
        /// Whether the edit would be refused.
        would_be: WouldBe,
    },
    /// Changes were refused and stand in quarantine.
    Refused(Vec<(ChangeHash, Refusal)>),
    /// Records were erased because their user no longer sees them; the reasons.
    Evicted(Vec<String>),
    /// Accounts came to this device because their user sees them from now on; the reasons.
    Granted(Vec<String>),
    /// The server ends the session.
    Goodbye(Goodbye),
}

/// Why a session cannot go on. The replica's data is untouched.
#[derive(Debug, thiserror::Error)]
pub enum SessionFault {
    /// The server sent what is no frame or message; reconnect, and update the app if it persists.
    #[error("the server sent a malformed frame: {0}")]
    Frame(#[from] FrameError),
    /// The server took us for another user; sign in as the replica's user.
    #[error("signed in as another user than the one this database belongs to")]
    WrongUser,
    /// Another process took in what this session has not: connect again, from where the file stands.
    #[error("another process syncs this file")]
    OutOfStep,
    /// The server spoke out of turn.
    #[error("the server said {0} out of turn")]
    OutOfTurn(&'static str),
    /// The file could not be written; nothing of the frame was stored, so it will come again.
    #[error(transparent)]
    Store(#[from] ReplicaError),
}

impl From<rusqlite::Error> for SessionFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) state: State,
}

#[derive(Debug, Default)]
pub(super) enum State {
    #[default]
    Offline,
    /// `Hello` is out, with this cursor.
    Greeting { cursor: Option<Vec<u8>> },
    /// `Welcome` came.
    Open(Box<OpenSession>),
}

#[derive(Debug)]
pub(super) struct OpenSession {
    pub(super) limits: SessionLimits,
    /// The server's position when it last had nothing more to send; none while it has.
    pub(super) live_at: Option<FeedPosition>,
    /// Pushes without a verdict, by number.
    in_flight: BTreeMap<u64, usize>,
    next_push: u64,
    /// Questions without an answer, by number.
    pub(super) questions: BTreeMap<u64, Matter>,
    pub(super) next_ask: u64,
    /// Everything in the outbox up to here was sent in this session.
    sent_to: i64,
    /// Where the last of our own accepted changes stands.
    accepted_to: FeedPosition,
    /// How often we asked for whole records, and how often that was answered.
    pub(super) fetches: u64,
    pub(super) answered: u64,
    /// What we asked for and have no answer to.
    pub(super) asked: Vec<RecordId>,
    /// Changes that wait for their records, which were asked for: whatever else this session says of
    /// them, it is not the last word.
    waits: HashSet<ChangeHash>,
    /// Where the file stands if nobody else took anything in since.
    pub(super) cursor: Option<Vec<u8>>,
}

impl OpenSession {
    /// Pushes and questions that the server has not answered.
    pub(super) fn waiting_for(&self) -> usize {
        self.in_flight.len() + self.questions.len()
    }

    /// Whether everything there is has arrived, our own changes included.
    pub(super) fn live(&self) -> bool {
        self.live_at.is_some_and(|at| at >= self.accepted_to) && self.answered == self.fetches
    }
}

impl Replica {
    /// Begins a session: the frame to send first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn connect(&mut self, token: &str, app: &str) -> Result<Vec<u8>, ReplicaError> {
        self.last_fault = None;
        let cursor: Option<Vec<u8>> = store::meta(&self.file(), "cursor")?;
        self.session.state = State::Greeting { cursor: cursor.clone() };
        let epoch: Option<[u8; 16]> = store::meta(&self.file(), "epoch")?;
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            protocol_min: PROTOCOL_MIN,
            schema: SCHEMA_VERSION,
            token: token.to_owned(),
            replica: self.id,
            app: app.to_owned(),
            actors: self.unsent_actors()?,
            cursor: cursor.map(Blob),
            epoch: epoch.map(|bytes| ServerEpoch(uuid::Uuid::from_bytes(bytes))),
        };
        Ok(ClientMessage::Hello(hello).to_bytes())
    }

    /// The frame that gives the server a newer token of the same user; none without a session.
    pub fn refresh(&self, token: &str) -> Option<Vec<u8>> {
        match self.session.state {
            State::Offline => None,
            State::Greeting { .. } | State::Open(_) => {
                let refresh = Refresh { token: token.to_owned() };
                Some(ClientMessage::Refresh(refresh).to_bytes())
            }
        }
    }

    /// The session ended, for whatever reason; what was in flight will be sent again.
    pub fn disconnected(&mut self, why: Option<&str>) {
        self.session.state = State::Offline;
        if let Some(why) = why {
            self.last_fault = Some(why.to_owned());
            // For the status line of the next process; a file that cannot be written says so itself.
            let _ = store::set_meta(&self.file(), "last_fault", &why);
        }
    }

    /// Takes in a frame that arrived.
    ///
    /// # Errors
    /// When the session cannot go on; call [`Replica::disconnected`] then.
    pub fn handle_frame(
        &mut self,
        frame: &[u8],
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        match ServerMessage::from_bytes(frame)? {
            ServerMessage::Welcome(welcome) => self.handle_welcome(welcome),
            ServerMessage::Verdicts(verdicts) => self.handle_verdicts(&verdicts, env),
            ServerMessage::Answer(answer) => self.handle_answer(answer),
            ServerMessage::Feed(batch) => self.handle_feed(batch, env),
            ServerMessage::Goodbye(goodbye) => {
                if GoodbyeCode::parse(&goodbye.code) == Some(GoodbyeCode::Disabled) {
                    self.erase_everything()?;
                }
                self.disconnected(Some(&goodbye.sentence));
                Ok(vec![Effect::Goodbye(goodbye)])
            }
            ServerMessage::Unknown(_) => Ok(Vec::new()),
        }
    }

    /// The next push, when something waits and the server has room for it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn poll_push(&mut self) -> Result<Option<Vec<u8>>, ReplicaError> {
        let State::Open(session) = &mut self.session.state else { return Ok(None) };
        if session.waiting_for() >= session.limits.push_window as usize {
            return Ok(None);
        }
        let most = (session.limits.changes_per_push as usize).min(limits::CHANGES_PER_PUSH);
        // One more than fits, to see whether the last group is whole.
        let file = store::Db::new(&self.db, &self.schema);
        let waiting = store::outbox_after(&file, session.sent_to, most + 1)?;
        let taken = whole_groups(&waiting, most, session.limits.frame_bytes as usize / 2);
        let Some(last) = waiting[..taken].last() else { return Ok(None) };
        let groups = push_groups(&waiting[..taken]);
        let push = session.next_push;
        session.next_push += 1;
        session.sent_to = last.seq;
        session.in_flight.insert(push, taken);
        Ok(Some(ClientMessage::Push(Push { push, groups }).to_bytes()))
    }

    fn unsent_actors(&self) -> rusqlite::Result<Vec<Actor>> {
        let mut statement = self
            .db
            .prepare_cached("SELECT DISTINCT actor FROM changes WHERE state = 1 LIMIT ?1")?;
        let rows = statement
            .query_map([limits::ACTORS_PER_HELLO as i64 - 1], |row| row.get::<_, [u8; 16]>(0))?;
        let mut actors: Vec<Actor> =
            rows.map(|actor| actor.map(Actor)).collect::<rusqlite::Result<_>>()?;
        if !actors.contains(&self.actor) {
            actors.push(self.actor);
        }
        Ok(actors)
    }

    fn handle_welcome(&mut self, welcome: Welcome) -> Result<Vec<Effect>, SessionFault> {
        let State::Greeting { cursor } = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("welcome"));
        };
        let cursor = cursor.take();
        if welcome.user != self.user {
            return Err(SessionFault::WrongUser);
        }
        store::set_meta(&self.file(), "epoch", welcome.epoch.as_bytes())?;
        store::set_meta(&self.file(), "role", &welcome.role)?;
        store::set_meta(&self.file(), "last_fault", &None::<String>)?;
        store::set_meta(&self.file(), "last_sync", &welcome.now.0)?;
        self.session.state = State::Open(Box::new(OpenSession {
            limits: welcome.limits,
            live_at: welcome.live.then_some(FeedPosition(0)),
            in_flight: BTreeMap::new(),
            next_push: 1,
            questions: BTreeMap::new(),
            next_ask: 1,
            sent_to: 0,
            accepted_to: FeedPosition(0),
            fetches: 0,
            answered: 0,
            asked: Vec::new(),
            waits: HashSet::new(),
            cursor,
        }));
        let mut effects = vec![Effect::Connected];
        // What an earlier session asked for, and went away before the answer.
        let wanted = store::wanted(&self.file())?;
        if !wanted.is_empty() {
            effects.push(self.fetch(wanted));
        } else if welcome.live {
            effects.push(Effect::Live);
        }
        Ok(effects)
    }

    fn handle_verdicts(
        &mut self,
        verdicts: &Verdicts,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let State::Open(session) = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("verdicts"));
        };
        session.in_flight.remove(&verdicts.push);
        for verdict in &verdicts.verdicts {
            if let VerdictOutcome::Accepted(position) = verdict.outcome {
                session.accepted_to = session.accepted_to.max(position);
            }
        }
        // Another writer from here on: the refused change keeps its number among the old one's.
        let refusals = |v: &Verdict| matches!(v.outcome, VerdictOutcome::Refused(_));
        if verdicts.verdicts.iter().any(refusals) {
            self.actor = Actor(draw(env));
        }
        let owner = Owner { user: self.user, replica: self.id };
        let waits = std::mem::take(&mut session.waits);
        let outcome = cache::write(&self.db, &self.schema, &mut self.cache, |tx, cache| {
            let hand = Hand { owner, tables: Vec::new() };
            let mut judged = Judged::new(hand, waits);
            for verdict in &verdicts.verdicts {
                judged.sort(tx, verdict)?;
            }
            let settled = judged.settle(tx, cache)?;
            store::want(tx, &settled.wanted)?;
            Ok::<_, SessionFault>(settled)
        });
        let settled = outcome?;
        if let State::Open(session) = &mut self.session.state {
            session.waits = settled.waits;
        }
        let mut effects = Vec::new();
        if !settled.wanted.is_empty() {
            effects.push(self.fetch(settled.wanted));
        }
        if !settled.tables.is_empty() {
            effects.push(Effect::Changed(settled.tables));
        }
        if !settled.refused.is_empty() {
            effects.push(Effect::Refused(settled.refused));
        }
        Ok(effects)
    }

    /// Asks for whole records, which are noted as wanted.
    pub(super) fn fetch(&mut self, mut records: Vec<RecordId>) -> Effect {
        records.sort_unstable();
        records.dedup();
        if let State::Open(session) = &mut self.session.state {
            session.fetches += 1;
            session.asked.extend(&records);
        }
        Effect::Send(ClientMessage::Fetch(Fetch { records }).to_bytes())
    }

    /// Whether everything sent was judged and everything there is has arrived, our own changes
    /// included. What was edited since the last push is not considered.
    pub fn caught_up(&self) -> bool {
        match &self.session.state {
            State::Open(session) => session.live() && session.in_flight.is_empty(),
            State::Offline | State::Greeting { .. } => false,
        }
    }
}

/// Rows of the outbox as groups of a push.
pub(super) fn push_groups(rows: &[store::ChangeRow]) -> Vec<PushGroup> {
    let mut groups: Vec<PushGroup> = Vec::new();
    for row in rows {
        let item = PushItem {
            record: row.record,
            kind: row.kind.clone(),
            change: Blob(row.bytes.clone()),
        };
        match groups.last_mut() {
            Some(group) if group.group == row.group => group.items.push(item),
            _ => groups.push(PushGroup { group: row.group, seen: row.seen, items: vec![item] }),
        }
    }
    groups
}

/// How many rows make whole groups within the caps; at least one group, however long.
pub(super) fn whole_groups(waiting: &[store::ChangeRow], most: usize, most_bytes: usize) -> usize {
    let mut taken = 0;
    let mut bytes = 0;
    while taken < waiting.len() {
        let group = waiting[taken].group;
        let length = waiting[taken..].iter().take_while(|row| row.group == group).count();
        let size: usize = waiting[taken..taken + length].iter().map(|r| r.bytes.len() + 80).sum();
        let full = taken + length > most || bytes + size > most_bytes;
        if full && taken > 0 {
            break;
        }
        taken += length;
        bytes += size;
    }
    taken
}
