//! A server's store in a few maps, for conversations: with positions, access and one policy.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sync_core::cell::{Cell, Row};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::hub::{
    AccessEvent, Care, Clock, Commit, Content, Culprits, DocumentCache, DocumentHead, Durable,
    FeedAnswer, FeedDocument, FeedRequest, Judged, Known, KnownChange, Listed, Moments, News,
    Purpose, PushJob, ServerRow, Since, Step, WriteRows, Writer, Wrote,
};
use sync_core::ids::{Actor, ChangeHash, FeedPosition, Receipt, RecordId, ScopeId, UserId};
use sync_core::protocol::{Opinion, Verdict};

use super::messages::epoch;
use super::pens::JUDGED_AT;
use super::schemas::crm;

/// The one policy: no account may have this name.
const FORBIDDEN: &str = "Forbidden";

#[derive(Default)]
pub(crate) struct Store {
    head: i64,
    changes: Vec<Stored>,
    owners: HashMap<Actor, UserId>,
    documents: BTreeMap<RecordId, Document>,
    rows: Vec<(i64, RecordId, String, BTreeMap<String, Cell>)>,
    access: Vec<(i64, UserId, ScopeId, String)>,
    hidden: BTreeSet<(UserId, ScopeId)>,
    disabled: BTreeSet<UserId>,
}

struct Stored {
    position: i64,
    record: RecordId,
    hash: ChangeHash,
    author: UserId,
    bytes: Vec<u8>,
    receipt: Receipt,
}

struct Document {
    kind: String,
    scope: ScopeId,
    began: i64,
    last: i64,
    snapshot: Vec<u8>,
    receipts: Vec<Receipt>,
    row: Row,
}

impl Store {
    /// Notes a row that only the server writes.
    pub(crate) fn put_row(&mut self, record: RecordId, kind: &str, cells: BTreeMap<String, Cell>) {
        self.head += 1;
        self.rows.push((self.head, record, kind.to_owned(), cells));
    }

    /// Takes a scope away from a user, or gives it back.
    pub(crate) fn set_access(&mut self, user: UserId, scope: ScopeId, sees: bool, reason: &str) {
        self.head += 1;
        self.access.push((self.head, user, scope, reason.to_owned()));
        if sees {
            self.hidden.remove(&(user, scope));
        } else {
            self.hidden.insert((user, scope));
        }
    }

    pub(crate) fn disable(&mut self, user: UserId) {
        self.disabled.insert(user);
    }

    /// Commits a push, as a host does.
    pub(crate) fn commit(&mut self, job: PushJob) -> Vec<Verdict> {
        let (jobs, mut cache) = ([job], DocumentCache::default());
        let judged = self.judge(&jobs, Purpose::Push, &mut cache);
        self.keep(&judged);
        judged.verdicts(Durable::committed_at(FeedPosition(self.head)), &mut cache).remove(0)
    }

    /// Judges a question, and keeps nothing of it.
    pub(crate) fn ask(&self, job: PushJob) -> Vec<Opinion> {
        let (jobs, mut cache) = ([job], DocumentCache::default());
        self.judge(&jobs, Purpose::Question, &mut cache).opinions().remove(0)
    }

    fn judge<'j>(
        &self,
        jobs: &'j [PushJob],
        purpose: Purpose,
        cache: &mut DocumentCache,
    ) -> Judged<'j> {
        let mut commit = Commit::new(crm(), jobs, purpose, JUDGED_AT, Moments::default());
        loop {
            match commit.step() {
                Step::Know(inquiry) => {
                    let head = |record: &RecordId| {
                        let one = self.documents.get(record)?;
                        let (kind, position) = (one.kind.clone(), FeedPosition(one.last));
                        let bytes = one.snapshot.len() as u64;
                        Some(DocumentHead {
                            record: *record,
                            kind,
                            position,
                            bytes,
                            quarantined: None,
                        })
                    };
                    let stored = |one: &Stored| {
                        let (record, position) = (one.record, FeedPosition(one.position));
                        (one.hash, KnownChange { record, position, author: one.author })
                    };
                    let known = Known {
                        last: FeedPosition(self.head),
                        changes: self.changes.iter().map(stored).collect(),
                        owners: self.owners.clone(),
                        heads: inquiry.records.iter().filter_map(head).collect(),
                        ..Known::default()
                    };
                    commit.known(known, cache);
                }
                Step::Open(records) => {
                    let saved = |id: &RecordId| (*id, self.documents[id].snapshot.clone());
                    let saved = records.iter().map(saved).collect();
                    commit.opened(saved);
                }
                Step::Look(sight) => {
                    let seen = |record: &RecordId| {
                        let scope = self.documents.get(record).map(|one| one.scope);
                        scope.is_some_and(|scope| !self.hidden.contains(&(sight.user, scope)))
                    };
                    let records = sight.records.iter().map(|(_, record)| *record);
                    commit.looked(&records.filter(seen).collect());
                }
                Step::Write(asked) => {
                    let wrote = self.write(asked);
                    commit.wrote(wrote);
                }
                Step::Store => return commit.judged(),
                Step::TooMuch => unreachable!("the documents of the corpus are short"),
            }
        }
    }

    /// One bad row makes the whole statement fail, unless each is asked about before.
    fn write(&self, asked: &WriteRows) -> Wrote {
        let mut refused = Culprits::new();
        for one in &asked.rows {
            let named = one.row.contains(&Cell::Text(FORBIDDEN.into()));
            if named || self.is_hidden(asked.writer, one.scope) {
                let policy = if named { "golden_name" } else { "golden_access" };
                let refusal = Refusal::new(RefusalCode::Denied, "Not you, and not that.");
                refused.insert(one.record, Refusal { policy: Some(policy.into()), ..refusal });
            }
        }
        asked.refuse_taken(&mut refused);
        match (refused.is_empty(), &asked.care) {
            (true, _) => Wrote::All,
            (false, Care::Ask { .. }) => Wrote::AllBut(refused),
            (false, Care::None) => Wrote::Refused(Refusal::new(RefusalCode::Denied, "Some row.")),
        }
    }

    fn is_hidden(&self, writer: Writer, scope: ScopeId) -> bool {
        matches!(writer, Writer::User(user) if self.hidden.contains(&(user, scope)))
    }

    fn keep(&mut self, judged: &Judged<'_>) {
        let to_store = judged.to_store();
        for placed in to_store.placed {
            let change = &placed.change;
            self.owners.entry(change.actor).or_insert(placed.author);
            self.changes.push(Stored {
                position: placed.position.0,
                record: change.record,
                hash: change.hash,
                author: placed.author,
                bytes: change.bytes.to_vec(),
                receipt: placed.receipt,
            });
        }
        for one in &to_store.documents {
            let record = one.projected.record;
            let first = self.changes.iter().find(|change| change.record == record);
            let document = Document {
                kind: one.projected.kind.name.to_owned(),
                scope: one.projected.scope,
                began: first.map_or(one.position.0, |change| change.position),
                last: one.position.0,
                snapshot: one.snapshot.to_vec(),
                receipts: one.receipts.clone(),
                row: one.projected.row.clone(),
            };
            self.documents.insert(record, document);
        }
        self.head = to_store.head().map_or(self.head, |head| head.0);
    }

    /// Answers a feed, as the user sees the store.
    pub(crate) fn answer(&self, user: UserId, request: &FeedRequest) -> FeedAnswer {
        match request {
            FeedRequest::Clock => FeedAnswer::Clock(Clock {
                head: FeedPosition(self.head),
                epoch: epoch(),
                active: !self.disabled.contains(&user),
            }),
            FeedRequest::News { after, access_after } => {
                FeedAnswer::News(self.news(user, after.0, access_after.0))
            }
            FeedRequest::Scopes => {
                let scopes: BTreeSet<ScopeId> =
                    self.seen_by(user).map(|(_, document)| document.scope).collect();
                FeedAnswer::Scopes(scopes.into_iter().collect())
            }
            FeedRequest::List { scopes, records } => {
                let wanted = |record: &RecordId, document: &Document| {
                    scopes.contains(&document.scope) || records.contains(record)
                };
                let listed = self.seen_by(user).filter(|(record, one)| wanted(record, one));
                FeedAnswer::Listed(listed.map(listed_as).collect())
            }
            FeedRequest::Documents { records, since } => {
                let wanted = self.seen_by(user).filter(|(record, _)| records.contains(record));
                let documents = wanted.map(|(record, one)| FeedDocument {
                    record: *record,
                    kind: one.kind.clone(),
                    scope: one.scope,
                    content: self.content(*record, one, since),
                });
                FeedAnswer::Documents(documents.collect())
            }
        }
    }

    fn seen_by(&self, user: UserId) -> impl Iterator<Item = (&RecordId, &Document)> {
        self.documents.iter().filter(move |(_, one)| !self.hidden.contains(&(user, one.scope)))
    }

    fn news(&self, user: UserId, after: i64, access_after: i64) -> News {
        let rows = self.rows.iter().filter(|(position, ..)| *position > after);
        let mut access: BTreeMap<ScopeId, AccessEvent> = BTreeMap::new();
        for (position, whose, scope, reason) in &self.access {
            if *position > access_after && *whose == user {
                let event = AccessEvent { scope: Some(*scope), reason: reason.clone() };
                access.insert(*scope, event);
            }
        }
        let mut changed: Vec<Listed> =
            self.seen_by(user).filter(|(_, one)| one.last > after).map(listed_as).collect();
        changed.sort_by_key(|one| one.position);
        News {
            server_rows: rows
                .map(|(position, record, kind, fields)| ServerRow {
                    position: FeedPosition(*position),
                    record: *record,
                    kind: kind.clone(),
                    fields: fields.clone(),
                })
                .collect(),
            access: access.into_values().collect(),
            moved_away: Vec::new(),
            changed,
        }
    }

    fn content(&self, record: RecordId, document: &Document, since: &Since) -> Content {
        match since {
            Since::Position { after, own, in_flight } if document.began <= after.0 => {
                let lacked = |change: &&Stored| {
                    change.record == record
                        && change.position > after.0
                        && !own.contains(&FeedPosition(change.position))
                        && !in_flight.contains(&change.hash)
                };
                let changes = self.changes.iter().filter(lacked);
                Content::Changes(
                    changes.map(|change| (change.bytes.clone(), change.receipt)).collect(),
                )
            }
            Since::Position { own, .. } if self.is_all_own(record, own) => {
                Content::Changes(Vec::new())
            }
            Since::Position { .. } | Since::Beginning => Content::Whole {
                snapshot: document.snapshot.clone(),
                receipts: document.receipts.clone(),
                row: Some(document.row.clone()),
            },
        }
    }

    /// What this very connection brought, from the beginning on, it has.
    fn is_all_own(&self, record: RecordId, own: &[FeedPosition]) -> bool {
        let mut of_record = self.changes.iter().filter(|change| change.record == record);
        of_record.all(|change| own.contains(&FeedPosition(change.position)))
    }
}

fn listed_as((record, document): (&RecordId, &Document)) -> Listed {
    Listed {
        position: FeedPosition(document.last),
        record: *record,
        bytes: document.snapshot.len(),
    }
}
