//! How a session stands.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::effect::Effect;
use super::opinion::Asking;
use super::store::Presence;
use crate::ids::{ChangeHash, FeedPosition, RecordId, ServerEpoch};
use crate::limits;
use crate::protocol::{ClientMessage, Fetch, SessionLimits};
use crate::time::UnixMs;

/// The note that tells other processes on the file how this one's session stands.
pub(super) const LINK: &str = "link";

/// What rows beside documents are good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rows {
    /// The server lays out its tables as we do: its rows are ours.
    Agreed,
    /// Another declaration stands behind them: documents are read here.
    Foreign,
}

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) state: State,
    /// Whether this process told others on the file of its session.
    pub(super) lease: Holder,
}

/// Who left word of a session in the file.
#[derive(Debug, Default)]
pub(super) enum Holder {
    /// Nobody, or another process.
    #[default]
    Elsewhere,
    /// This process, and whether others can tell that it runs.
    Here(Option<Presence>),
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
    /// The server's clock when it said welcome.
    pub(super) welcomed_at: UnixMs,
    pub(super) limits: SessionLimits,
    /// The server's position when it last had nothing more to send; none while it has.
    pub(super) live_at: Option<FeedPosition>,
    /// Pushes without a verdict, by number.
    pub(super) in_flight: BTreeMap<u64, usize>,
    pub(super) next_push: u64,
    /// Questions without an answer, by number.
    pub(super) questions: BTreeMap<u64, Asking>,
    pub(super) next_ask: u64,
    /// Everything in the outbox up to here was sent in this session.
    pub(super) sent_to: i64,
    /// Where the last of our own accepted changes stands.
    pub(super) accepted_to: FeedPosition,
    /// How often we asked for whole records, and how often that was answered.
    pub(super) fetches: u64,
    pub(super) answered: u64,
    /// What we asked for and have no answer to.
    pub(super) asked: Vec<RecordId>,
    /// How many we asked for since all that we had asked for was answered.
    pub(super) asked_for: usize,
    /// What is to be asked for once that is answered, since no more may be asked for at once.
    pub(super) to_ask: VecDeque<RecordId>,
    /// Whether everything comes anew, and what does not is still to be asked for.
    pub(super) anew: bool,
    /// The server's present life.
    pub(super) epoch: ServerEpoch,
    /// Changes that wait for their records, which were asked for: whatever else this session says of
    /// them, it is not the last word.
    pub(super) waits: HashSet<ChangeHash>,
    /// Whether rows come as our own tables have them.
    pub(super) rows: Rows,
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
        self.live_at.is_some_and(|at| at >= self.accepted_to)
            && self.answered == self.fetches
            && self.to_ask.is_empty()
    }

    /// Asks for whole records, which are noted as wanted: for as many as may be asked for now, and
    /// for the rest later.
    pub(super) fn fetch(&mut self, records: Vec<RecordId>) -> Vec<Effect> {
        let mut records: BTreeSet<RecordId> = records.into_iter().collect();
        for waiting in &self.to_ask {
            records.remove(waiting);
        }
        self.to_ask.extend(records);
        self.ask_on()
    }

    /// Everything that was asked for is answered: asks for what could not be asked for before.
    pub(super) fn answered_all(&mut self) -> Vec<Effect> {
        self.asked.clear();
        self.asked_for = 0;
        self.ask_on()
    }

    fn ask_on(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while !self.to_ask.is_empty() && self.asked_for < limits::RECORDS_ASKED_FOR {
            let room = limits::RECORDS_ASKED_FOR - self.asked_for;
            let count = self.to_ask.len().min(limits::RECORDS_PER_FETCH).min(room);
            let records: Vec<RecordId> = self.to_ask.drain(..count).collect();
            self.fetches += 1;
            self.asked_for += count;
            self.asked.extend(&records);
            effects.push(Effect::Send(ClientMessage::Fetch(Fetch { records }).to_bytes()));
        }
        effects
    }
}
