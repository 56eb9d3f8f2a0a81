//! One session's feed: what the user may see and the replica does not have, in order.
//!
//! A machine without I/O: [`Feed::read`] begins a batch with a first question, and each answer brings
//! the next question or the batch. All questions of a batch are about one snapshot of the store, seen
//! as the user. The clock read there bounds the batch: since commits happen one after the other, every
//! position up to it is visible, and none is missed.
//!
//! **Invariant**: nothing is sent that was not read as the user.

use std::collections::{HashMap, HashSet, VecDeque};

use super::cursor::{self, Place};
use super::reading::{
    AccessEvent, Clock, Content, FeedAnswer, FeedDocument, FeedRequest, Listed, News, ServerRow,
    Since,
};
use crate::cell::Cell;
use crate::ids::{ChangeHash, FeedPosition, RecordId, ScopeId, ServerEpoch};
use crate::limits;
use crate::protocol::{AccessNotice, Blob, Cursor, FeedBatch, FeedItem};

/// Own changes remembered so as not to send them back; beyond that they are sent back.
const OWN_CHANGES: usize = 100_000;

/// Where a session's feed stands.
#[derive(Debug)]
pub struct Feed {
    /// What the replica said of where it ended, until the clock was read.
    from: Option<Cursor>,
    /// None until the clock was read.
    epoch: Option<ServerEpoch>,
    /// Whether the replica holds what it was sent by a cursor that means nothing here, and has not been
    /// told.
    anew: bool,
    /// Of what was listed at the last look, everything up to here is on the replica.
    cursor: FeedPosition,
    /// Everything up to here is on the replica, whatever was listed since. While a list is being
    /// sent, a record late in it may have changes, or its very beginning, between here and the
    /// cursor, and these must go with it.
    base: FeedPosition,
    /// Access events up to here were looked at.
    access_seen: FeedPosition,
    /// All that came of access events up to here is on the replica. A replica whose first sync is cut off
    /// would otherwise get everything whole again that it was ever given, and never come further.
    access_done: FeedPosition,
    /// The clock at the last look.
    head: FeedPosition,
    /// The clock when the feed was last read, with a look or amid a list.
    clock: FeedPosition,
    /// Whether the last batch said that more is to come.
    owing: bool,
    /// Rows of the server still to be sent, by position.
    rows: VecDeque<Row>,
    /// Changed documents still to be sent, by position.
    changed: VecDeque<Listed>,
    /// Documents to be sent whole, whatever their position: newly granted, or asked for.
    whole: VecDeque<Listed>,
    /// Records that the replica asked for, not yet looked up.
    asked: Vec<RecordId>,
    /// How many it asked for since the feed was live.
    asked_for: usize,
    /// How often it asked.
    fetches: u64,
    /// Positions of changes that this very connection brought.
    own: Vec<FeedPosition>,
    reading: Option<Reading>,
}

/// A row of the server as it is sent.
#[derive(Debug)]
struct Row {
    position: FeedPosition,
    bytes: usize,
    item: FeedItem,
}

/// A batch that is being put together.
#[derive(Debug, Default)]
struct Reading {
    /// How many bytes it may have.
    room: usize,
    /// With this batch everything that was listed up to here is on the replica.
    through: Option<FeedPosition>,
    /// Changes whose verdicts this very connection is about to hear.
    in_flight: Vec<ChangeHash>,
    batch: FeedBatch,
    /// A replica that pushed, or asked for records, waits to hear that it is past that.
    awaited: bool,
    /// Changes of access, until it is known what the user sees.
    access: Vec<AccessEvent>,
    /// How often the replica had asked for records when these were looked up.
    fetches: u64,
    /// The documents that were asked for last, and whether as a whole.
    listed: Vec<Listed>,
    whole: bool,
}

/// A replica asks for more records by name than may wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyAskedFor;

/// What comes after an answer.
#[derive(Debug)]
pub enum Next {
    /// Another question about the same snapshot, or about a new one if it asks for the clock.
    Ask(FeedRequest),
    /// A batch to be sent.
    Send(Box<FeedBatch>),
    /// The replica has everything there is.
    Silent,
    /// The user may no longer sign in.
    Disabled,
    /// The store was restored under the session: it is to begin again.
    AnotherLife,
}

impl Feed {
    /// Takes up a replica's feed where it ended, as it says.
    pub fn new(from: Option<Cursor>) -> Self {
        let start = FeedPosition(0);
        Self {
            from,
            epoch: None,
            anew: false,
            cursor: start,
            base: start,
            access_seen: start,
            access_done: start,
            head: start,
            clock: start,
            owing: false,
            rows: VecDeque::new(),
            changed: VecDeque::new(),
            whole: VecDeque::new(),
            asked: Vec::new(),
            asked_for: 0,
            fetches: 0,
            own: Vec::new(),
            reading: None,
        }
    }

    /// The database's present life, once the clock was read.
    pub fn epoch(&self) -> Option<ServerEpoch> {
        self.epoch
    }

    /// Whether the next batch is there to be read without a new look.
    pub fn under_way(&self) -> bool {
        !(self.is_at_end() && self.asked.is_empty())
    }

    /// Whether everything that was listed is in a batch.
    fn is_at_end(&self) -> bool {
        self.rows.is_empty() && self.changed.is_empty() && self.whole.is_empty()
    }

    /// Remembers a change that this very connection brought, so as not to send it back.
    pub fn note_own(&mut self, position: FeedPosition) {
        if self.own.len() < OWN_CHANGES {
            self.own.push(position);
        }
    }

    /// Sends these records whole, as far as the user sees them.
    ///
    /// # Errors
    /// When more are asked for than the feed keeps in mind.
    pub fn fetch(&mut self, records: Vec<RecordId>) -> Result<(), TooManyAskedFor> {
        self.asked_for += records.len();
        if self.asked_for > limits::RECORDS_ASKED_FOR {
            return Err(TooManyAskedFor);
        }
        self.fetches += 1;
        self.asked.extend(records);
        Ok(())
    }

    /// Begins to read the next batch, of at most so many bytes but of one record at least. What this
    /// very connection is about to hear verdicts of is not sent back, though it may be stored by now.
    pub fn read(&mut self, in_flight: Vec<ChangeHash>, room: usize) -> FeedRequest {
        let room = room.min(limits::FEED_BATCH_BYTES);
        self.reading = Some(Reading { in_flight, room, ..Reading::default() });
        FeedRequest::Clock
    }

    /// Hears the answer to the last question. One that does not belong to it ends the reading.
    pub fn answer(&mut self, answer: FeedAnswer) -> Next {
        let Some(reading) = self.reading.take() else { return Next::Silent };
        match answer {
            FeedAnswer::Clock(clock) => self.clocked(reading, clock),
            FeedAnswer::News(news) => self.heard_news(reading, news),
            FeedAnswer::Scopes(visible) => self.follow_access(reading, visible),
            FeedAnswer::Listed(listed) => {
                self.whole.extend(listed);
                self.ask_documents(reading)
            }
            FeedAnswer::Documents(documents) => self.got_documents(reading, documents),
        }
    }

    fn clocked(&mut self, reading: Reading, clock: Clock) -> Next {
        if !clock.active {
            return Next::Disabled;
        }
        match self.epoch {
            None => self.begin(clock),
            Some(epoch) if epoch != clock.epoch => return Next::AnotherLife,
            Some(_) => {}
        }
        self.clock = clock.head;
        let listed = self.rows.is_empty() && self.changed.is_empty();
        if listed && clock.head > self.head.max(self.cursor) {
            // What happened since the last look.
            let (after, access_after) = (self.cursor, self.access_seen);
            return self.ask(reading, FeedRequest::News { after, access_after });
        }
        self.ask_list(reading, Vec::new())
    }

    /// Finds its place, when the clock is read for the first time.
    fn begin(&mut self, clock: Clock) {
        self.epoch = Some(clock.epoch);
        let from = self.from.take();
        let known = from.as_ref().and_then(|from| cursor::read(clock.epoch, from));
        // A cursor ahead of the clock is of a life that was restored: everything is sent again.
        let known = known.filter(|place| place.position.max(place.access) <= clock.head);
        self.anew = from.is_some() && known.is_none();
        if let Some(place) = known {
            (self.cursor, self.base) = (place.position, place.base);
        }
        // A replica that begins holds nothing to be taken away; one that begins anew is told.
        self.access_seen = known.map_or(clock.head, |place| place.access);
        self.access_done = self.access_seen;
    }

    fn heard_news(&mut self, mut reading: Reading, news: News) -> Next {
        let News { server_rows, access, moved_away, changed } = news;
        let mut rows: Vec<Row> = server_rows.into_iter().map(row).collect();
        rows.sort_by_key(|row| row.position);
        self.rows = rows.into();
        reading.batch.evict_records = moved_away;
        self.changed = changed.into();
        (self.access_seen, self.head) = (self.clock, self.clock);
        if access.is_empty() {
            return self.ask_list(reading, Vec::new());
        }
        reading.access = access;
        self.ask(reading, FeedRequest::Scopes)
    }

    /// Turns changes of access into evictions, and into documents to be sent whole.
    fn follow_access(&mut self, mut reading: Reading, visible: Vec<ScopeId>) -> Next {
        let events = std::mem::take(&mut reading.access);
        let seen_now: HashSet<ScopeId> = visible.iter().copied().collect();
        let everything = events.iter().any(|event| event.scope.is_none());
        let notice =
            |event: AccessEvent| Some(AccessNotice { scope: event.scope?, reason: event.reason });
        let (seen, lost): (Vec<_>, Vec<_>) =
            events.into_iter().filter_map(notice).partition(|one| seen_now.contains(&one.scope));
        let mut granted: Vec<ScopeId> = seen.iter().map(|one| one.scope).collect();
        reading.batch.grant = seen;
        if everything {
            reading.batch.keep_only = Some(visible.clone());
            granted = visible;
        } else {
            reading.batch.evict = lost;
        }
        // Whole, also what changed since: the replica may hold none of it.
        self.ask_list(reading, granted)
    }

    /// Looks up what is to be sent whole.
    fn ask_list(&mut self, mut reading: Reading, scopes: Vec<ScopeId>) -> Next {
        let records = std::mem::take(&mut self.asked);
        reading.fetches = self.fetches;
        // Answered even when none of them is visible.
        reading.awaited |= !records.is_empty();
        if scopes.is_empty() && records.is_empty() {
            return self.ask_documents(reading);
        }
        self.ask(reading, FeedRequest::List { scopes, records })
    }

    /// Asks for the next documents: whole ones first, then changed ones, which come whole only when
    /// the replica cannot have them.
    fn ask_documents(&mut self, mut reading: Reading) -> Next {
        reading.listed = next_of(&mut self.whole, reading.room);
        reading.whole = !reading.listed.is_empty();
        if !reading.whole {
            self.take_by_position(&mut reading);
        }
        if reading.listed.is_empty() {
            return self.finish(reading);
        }
        let since = if reading.whole {
            Since::Beginning
        } else {
            let (own, in_flight) = (self.own.clone(), reading.in_flight.clone());
            Since::Position { after: self.base, own, in_flight }
        };
        let records = reading.listed.iter().map(|listed| listed.record).collect();
        self.ask(reading, FeedRequest::Documents { records, since })
    }

    /// Takes rows and changed documents in the order of their positions, so that a position tells what is
    /// on the replica: so many records, so many bytes, but one at least.
    fn take_by_position(&mut self, reading: &mut Reading) {
        let (mut count, mut bytes) = (0, 0);
        loop {
            let row = self.rows.front().map(|row| (row.position, row.bytes));
            let document = self.changed.front().map(|listed| (listed.position, listed.bytes));
            let next = [row, document].into_iter().flatten().min_by_key(|(position, _)| *position);
            let Some((position, size)) = next else { return };
            bytes += size;
            if count > 0 && (bytes > reading.room || count >= limits::RECORDS_PER_FEED_BATCH) {
                return;
            }
            count += 1;
            reading.through = Some(position);
            if row == next {
                reading.batch.items.extend(self.rows.pop_front().map(|row| row.item));
            } else {
                reading.listed.extend(self.changed.pop_front());
            }
        }
    }

    fn got_documents(&mut self, mut reading: Reading, documents: Vec<FeedDocument>) -> Next {
        let mut items: HashMap<RecordId, FeedItem> =
            documents.into_iter().filter_map(item).map(|item| (item.record, item)).collect();
        let listed = reading.listed.iter();
        reading.batch.items.extend(listed.filter_map(|listed| items.remove(&listed.record)));
        self.finish(reading)
    }

    fn finish(&mut self, reading: Reading) -> Next {
        let Reading { mut batch, mut awaited, whole, in_flight, fetches, room, through, .. } =
            reading;
        self.cursor = through.unwrap_or(self.cursor);
        if self.whole.is_empty() {
            self.access_done = self.access_seen;
        }
        if self.is_at_end() {
            self.cursor = self.cursor.max(self.head);
            self.base = self.cursor;
            awaited |= self.own.iter().any(|position| *position <= self.base);
            self.own.retain(|position| *position > self.base);
            // What happened since the list was made may have woken nobody but its reader.
            batch.live = self.clock <= self.cursor;
            if batch.live && self.asked.is_empty() {
                self.asked_for = 0;
            }
            // One that was told of more waits to hear that there is no more.
            awaited |= self.owing && batch.live;
        }
        batch.anew = std::mem::take(&mut self.anew);
        awaited |= batch.anew;
        batch.head = self.head;
        batch.fetches = fetches;
        batch.cursor = self.cursor_to_keep();
        batch.remaining = (self.rows.len() + self.changed.len() + self.whole.len()) as u64;
        let silent = !awaited
            && batch.items.is_empty()
            && batch.evict.is_empty()
            && batch.evict_records.is_empty()
            && batch.keep_only.is_none()
            && !whole;
        if !silent {
            self.owing = !batch.live;
            return Next::Send(Box::new(batch));
        }
        // A list that is being sent keeps the feed from looking, and who commits wakes it but once.
        let behind = self.clock > self.head.max(self.cursor);
        if self.under_way() || behind {
            return Next::Ask(self.read(in_flight, room));
        }
        Next::Silent
    }

    fn cursor_to_keep(&self) -> Cursor {
        let place = Place { position: self.cursor, base: self.base, access: self.access_done };
        let written = self.epoch.map(|epoch| cursor::write(epoch, place));
        written.expect("BUG: a batch is read after the clock")
    }

    fn ask(&mut self, reading: Reading, request: FeedRequest) -> Next {
        self.reading = Some(reading);
        Next::Ask(request)
    }
}

/// Takes the next batch off a list: so many records, so many bytes, but one at least.
fn next_of(queue: &mut VecDeque<Listed>, room: usize) -> Vec<Listed> {
    let mut bytes = 0;
    let fits = |listed: &&Listed| {
        let first = bytes == 0;
        bytes += listed.bytes;
        first || bytes <= room
    };
    let count = queue.iter().take(limits::RECORDS_PER_FEED_BATCH).take_while(fits).count();
    queue.drain(..count).collect()
}

/// A row of the server as it is sent, with about what it takes.
fn row(one: ServerRow) -> Row {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => text.len(),
        Cell::List(list) => list.iter().map(|one| one.len() + 1).sum(),
        Cell::Null | Cell::Bool(_) | Cell::Int(_) | Cell::Float(_) => 8,
    };
    let cells = one.fields.iter().map(|(name, value)| name.len() + cell(value));
    let bytes = 32 + cells.sum::<usize>();
    let item = FeedItem {
        record: one.record,
        kind: one.kind,
        scope: ScopeId::EVERYONE,
        snapshot: None,
        changes: Vec::new(),
        receipts: Vec::new(),
        row: None,
        fields: Some(one.fields),
    };
    Row { position: one.position, bytes, item }
}

/// A document as it is sent; none when there is nothing of it that the replica lacks.
fn item(document: FeedDocument) -> Option<FeedItem> {
    let FeedDocument { record, kind, scope, content } = document;
    let (snapshot, changes, receipts, row) = match content {
        Content::Whole { snapshot, receipts, row } => {
            (Some(Blob(snapshot)), Vec::new(), receipts, row)
        }
        Content::Changes(changes) if changes.is_empty() => return None,
        Content::Changes(changes) => {
            let (changes, receipts) =
                changes.into_iter().map(|(bytes, receipt)| (Blob(bytes), receipt)).unzip();
            (None, changes, receipts, None)
        }
    };
    Some(FeedItem { record, kind, scope, snapshot, changes, receipts, row, fields: None })
}
