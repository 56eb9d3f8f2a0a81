//! A session that is open: pushes and questions in, verdicts and feed out.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::effects::{Effect, Now, Secret};
use super::ends::{garbled, protocol, pushes_too_much, rate_limited};
use super::pace::Budget;
use super::vigil::{Looking, Vigil, Watch};
use crate::hub::feed::Feed;
use crate::hub::push::operations;
use crate::ids::{ChangeHash, ReplicaId, UserId};
use crate::limits;
use crate::pace::{Pace, Parcel, Size};
use crate::protocol::{
    Answer, Ask, ClientMessage, FeedBatch, FeedItem, Goodbye, Opinion, Push, PushGroup,
    ServerMessage, Verdict, VerdictOutcome, Verdicts,
};

/// How often the feed is read during an upload.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// An open session.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) user: UserId,
    replica: ReplicaId,
    pub(super) feed: Feed,
    /// Whether the feed is being read.
    reading: bool,
    /// Whether the feed may have more to send.
    more: bool,
    /// Who asked for that.
    vigil: Vigil,
    /// When the feed was last read.
    looked: Duration,
    /// What the way to the replica bears.
    pace: Pace,
    /// Batches without an acknowledgement.
    sent_batches: VecDeque<Parcel>,
    /// Pushes and questions that wait for an answer.
    waiting: usize,
    /// Changes of the pushes that wait for verdicts, by the number of the push.
    in_flight: HashMap<u64, Vec<ChangeHash>>,
    budget: Budget,
    /// Messages of a kind that is not known.
    unknown: u32,
}

impl Live {
    pub(super) fn new(user: UserId, replica: ReplicaId, feed: Feed, now: Duration) -> Self {
        Self {
            user,
            replica,
            feed,
            reading: false,
            more: false,
            vigil: Vigil::default(),
            looked: now,
            pace: Pace::new(limits::FED_BYTES),
            sent_batches: VecDeque::new(),
            waiting: 0,
            in_flight: HashMap::new(),
            budget: Budget::full(now),
            unknown: 0,
        }
    }

    /// Whether to read the feed now. While pushes of this replica are being committed it is mostly
    /// they that would be found, so that a new look waits for their end, but not for long.
    pub(super) fn may_read(&self, now: Duration) -> bool {
        let look = self.waiting == 0 || self.feed.under_way() || now >= self.looked + LOOK_EVERY;
        self.has_room() && look
    }

    /// When the feed may be read though an upload is going on.
    pub(super) fn look_at(&self) -> Option<Duration> {
        self.has_room().then_some(self.looked + LOOK_EVERY)
    }

    fn has_room(&self) -> bool {
        let batches = self.sent_batches.len() < limits::FEED_WINDOW as usize;
        self.more && !self.reading && batches && self.pace.room().is_some()
    }

    /// Begins to read the feed.
    pub(super) fn read(&mut self, now: Duration) -> Effect {
        self.looked = now;
        self.reading = true;
        // What wakes the feed while it is being read is not forgotten.
        self.more = false;
        self.vigil.looks();
        let in_flight = self.in_flight.values().flatten().copied().collect();
        let room = self.pace.room().unwrap_or(limits::BYTES_AT_FIRST);
        Effect::Read { user: self.user, request: self.feed.read(in_flight, room) }
    }

    /// A batch was read and is being sent.
    pub(super) fn sending(&mut self, batch: &FeedBatch, now: Duration) {
        self.reading = false;
        self.vigil.finds();
        self.more |= !batch.live;
        let size = if batch.live { Size::Partial } else { Size::Full };
        let parcel = self.pace.sent(bytes_of(batch), size, as_ms(now));
        self.sent_batches.push_back(parcel);
    }

    /// The feed was read to its end.
    pub(super) fn nothing_to_read(&mut self) {
        self.reading = false;
    }

    pub(super) fn woken(&mut self) {
        self.more = true;
        self.vigil.woken();
    }

    /// Looks although nobody said that there is anything new.
    pub(super) fn beat(&mut self) -> Watch {
        let looking = if self.more { Looking::Anyway } else { Looking::ByTheBeat };
        self.more = true;
        self.vigil.beat(looking)
    }

    /// There is a reason to look that lies in the session itself.
    fn call(&mut self) {
        self.more = true;
        self.vigil.called();
    }

    /// Takes a frame in; says what is to be done, or why the session must end.
    pub(super) fn frame(&mut self, bytes: &[u8], now: Now) -> Result<Option<Effect>, Goodbye> {
        let (message, inflated) = ClientMessage::weighed(bytes).map_err(garbled)?;
        if !self.budget.spend(now.running, inflated) {
            let sentence = "Your app sends too much at once; it will try again.";
            return Err(rate_limited(sentence, Duration::from_secs(10)));
        }
        match message {
            ClientMessage::Hello(_) => Err(protocol("Hello was said already.")),
            ClientMessage::Push(Push { push, groups }) => {
                self.admit(&groups)?;
                let (user, replica) = (self.user, self.replica);
                Ok(Some(Effect::Push { push, user, replica, groups }))
            }
            ClientMessage::Ask(Ask { ask, groups }) => self.ask(ask, groups).map(Some),
            ClientMessage::FeedAck(ack) => {
                let came = self.sent_batches.len().min(ack.batches as usize);
                for parcel in self.sent_batches.drain(..came) {
                    self.pace.came(parcel, as_ms(now.running));
                }
                Ok(None)
            }
            ClientMessage::Fetch(fetch) => {
                self.feed.fetch(fetch.records).map_err(|_| {
                    protocol("Your app asks for more records at once than it may; update the app.")
                })?;
                self.call();
                Ok(None)
            }
            ClientMessage::Refresh(refresh) => Ok(Some(Effect::SignIn(Secret(refresh.token)))),
            ClientMessage::Ping => Ok(Some(Effect::Send(ServerMessage::Pong.to_bytes()))),
            ClientMessage::Unknown(_) => {
                self.unknown += 1;
                if self.unknown > limits::UNKNOWN_MESSAGES {
                    let sentence = "Your app says too much that this server does not know.";
                    return Err(protocol(sentence));
                }
                Ok(None)
            }
        }
    }

    /// A question is held to what a push is held to, and waits beside the pushes.
    fn ask(&mut self, ask: u64, groups: Vec<PushGroup>) -> Result<Effect, Goodbye> {
        self.admit(&groups)?;
        let (user, replica) = (self.user, self.replica);
        Ok(Effect::Ask { ask, user, replica, groups })
    }

    /// Counts pushed groups in, if they are no more than may be pushed now.
    fn admit(&mut self, groups: &[PushGroup]) -> Result<(), Goodbye> {
        let count: usize = groups.iter().map(|group| group.items.len()).sum();
        // What is offered back is one record's history, and no work of anybody's.
        let offered = |group: &PushGroup| group.items.iter().any(|item| item.receipt.is_some());
        let long = |group: &PushGroup| {
            group.items.len() > limits::CHANGES_PER_GROUP
                && !(offered(group) && group.items.len() <= limits::CHANGES_PER_PUSH)
        };
        let long = groups.iter().any(long);
        let full = self.waiting >= limits::PUSH_WINDOW * 2;
        let many = count > limits::CHANGES_RECEIVED || long || full;
        // A group that alone is too much is refused and not the session's end: it would be pushed again.
        if many || operations(groups) > limits::OPS_PER_PUSH {
            return Err(pushes_too_much());
        }
        self.waiting += 1;
        Ok(())
    }

    /// The changes of a push wait to be judged.
    pub(super) fn taken_in(&mut self, push: u64, changes: Vec<ChangeHash>) {
        self.in_flight.insert(push, changes);
    }

    /// A push has its verdicts. The replica has what it pushed, and waits to hear that its feed is
    /// past that; the commit's wake-up may have come before this was known.
    pub(super) fn judged(&mut self, push: u64, verdicts: Vec<Verdict>) -> ServerMessage {
        self.in_flight.remove(&push);
        self.waiting = self.waiting.saturating_sub(1);
        for verdict in &verdicts {
            if let VerdictOutcome::Accepted(position) = verdict.outcome {
                self.feed.note_own(position);
                self.call();
            }
        }
        ServerMessage::Verdicts(Verdicts { push, verdicts })
    }

    /// A question has its answer.
    pub(super) fn answered(&mut self, ask: u64, opinions: Vec<Opinion>) -> ServerMessage {
        self.waiting = self.waiting.saturating_sub(1);
        ServerMessage::Answer(Answer { ask, opinions })
    }
}

fn as_ms(moment: Duration) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
}

/// What a batch takes before it is packed.
fn bytes_of(batch: &FeedBatch) -> usize {
    let of = |item: &FeedItem| {
        let snapshot = item.snapshot.as_ref().map_or(0, |snapshot| snapshot.0.len());
        let changes: usize = item.changes.iter().map(|change| change.0.len()).sum();
        snapshot + changes + 100
    };
    batch.items.iter().map(of).sum()
}
