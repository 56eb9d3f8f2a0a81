//! The server's end without sockets or database: judge what replicas push, merge it, and say what
//! is to be stored.
//!
//! The caller brings the documents (from Postgres, or from a map in the model hub), runs groups
//! through [`Workspace::judge`] in order, asks the database whether the user may, and either keeps
//! the result ([`Workspace::keep`]) or takes it back ([`Workspace::take_back`]). Whether an actor belongs to the user and
//! whether a change is known already are the caller's to answer: both are in its database.
//!
//! **Invariant**: a document in the workspace is replaced whole or not at all; a refused group
//! leaves nothing behind.

mod effort;
mod room;
mod said;

use std::collections::{BTreeMap, HashMap, HashSet};

use automerge::{Automerge, Change};

use crate::cell::Row;
use crate::document::{self, Conflict, Hydrated, PenRole, Violation, hydrate};
use crate::error::{Refusal, RefusalCode};
use crate::guard::{self, ParsedChange, TextViews};
use crate::ids::{Actor, ChangeHash, FeedPosition, GroupId, RecordId, ScopeId, UserId};
use crate::projection::{self, Stamp};
use crate::schema::{Kind, is_step_actor};
use crate::time::UnixMs;
pub use effort::Effort;
use effort::{COPIES_AS_ONE_PASS, LOOKS_AT_OPERATION, weight};
use room::Writing;

/// A document as the hub holds it.
#[derive(Clone, Debug)]
pub struct HubDocument {
    /// Its kind.
    pub kind: Kind,
    /// The merged state.
    pub doc: Automerge,
    /// Its newest change.
    pub stamp: Option<Stamp>,
    /// What it says, once it was read.
    pub hydrated: Option<Hydrated>,
    /// As saved, once it was proved sound; none while changes were applied since.
    pub saved: Option<Vec<u8>>,
    /// Whether a change to long text was applied since then.
    text_edited: bool,
    /// Its long texts, as the last change left them.
    texts: TextViews,
}

impl HubDocument {
    /// A document as it is stored.
    pub fn new(kind: &Kind, doc: Automerge, stamp: Option<Stamp>) -> Self {
        let texts = TextViews::default();
        Self {
            kind: kind.clone(),
            doc,
            stamp,
            hydrated: None,
            saved: None,
            text_edited: false,
            texts,
        }
    }
}

/// A pushed change that parsed.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The record it was pushed for.
    pub record: RecordId,
    /// The kind it was pushed as.
    pub kind: Kind,
    /// The change.
    pub parsed: ParsedChange,
}

/// A pushed group whose every change parsed.
#[derive(Clone, Debug)]
pub struct CandidateGroup {
    /// Its name.
    pub group: GroupId,
    /// How far its replica's feed had come when it was made, as the replica says; the caller's
    /// database judges by it.
    pub seen: Option<FeedPosition>,
    /// Whether it was accepted before.
    pub standing: Standing,
    /// Its changes in order.
    pub changes: Vec<Candidate>,
}

/// Whether a group was accepted before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is new: the rules decide.
    New,
    /// A server accepted it and has lost it since, as receipts prove: it is put back as it was, under
    /// the authors that it had. Rules were asked then.
    AcceptedBefore,
}

/// A change to be stored.
#[derive(Clone, Debug)]
pub struct StoredChange {
    /// The record.
    pub record: RecordId,
    /// Its name.
    pub hash: ChangeHash,
    /// The group it came in.
    pub group: GroupId,
    /// Who wrote it: the device's writer.
    pub actor: Actor,
    /// Whose writer that is, if it is not the pusher's own.
    pub author: Option<UserId>,
    /// Its number among the actor's changes of this document.
    pub seq: u64,
    /// When, as the device says.
    pub claimed_at: UnixMs,
    /// Whether it writes what the record hangs from, though that may come out as it was.
    pub moves: bool,
    /// The plain chunk.
    pub bytes: Vec<u8>,
}

/// What became of a group.
#[derive(Debug)]
pub enum Judgement {
    /// Every change is merged into the workspace; the caller must store these.
    Merged(Merged),
    /// Nothing was merged; one refusal a change.
    Refused(Vec<(ChangeHash, Refusal)>),
}

/// A merged group.
#[derive(Debug)]
pub struct Merged {
    /// The changes, in order.
    pub changes: Vec<StoredChange>,
    /// The records that began with this group.
    pub began: Vec<RecordId>,
}

/// A record's state after merging, ready to be written.
#[derive(Clone, Debug)]
pub struct Projected {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// What it hangs from.
    pub scope: ScopeId,
    /// Its row.
    pub row: Row,
    /// Fields that several people wrote at once.
    pub conflicts: Vec<Conflict>,
    /// Values that do not fit their declaration.
    pub violations: Vec<Violation>,
}

/// Whose a change is, as it is to be judged.
#[derive(Clone, Copy, Debug)]
struct Whose {
    author: UserId,
    pen: PenRole,
    /// The author, if it need not be the pusher.
    of_another: Option<UserId>,
}

/// The documents that a batch of pushes touches.
#[derive(Debug, Default)]
pub struct Workspace {
    documents: HashMap<RecordId, HubDocument>,
    /// By whose push, since anybody may push anything under a name.
    refused: HashSet<(UserId, ChangeHash)>,
    quarantined: HashSet<RecordId>,
    /// Records that groups wrote to which may yet be taken back, as they were before all of these. One
    /// for each record and not for each group: a push may write to one long record hundreds of times.
    before: HashMap<RecordId, Before>,
    /// Records that are not there for whoever is being judged, as they stand for everybody else.
    aside: HashMap<RecordId, Aside>,
    effort: Effort,
    /// How much work judging may be, if that is bounded.
    most_work: Option<u64>,
}

/// A record as it was before groups wrote to it that may yet be taken back, and what these wrote.
#[derive(Debug)]
struct Before {
    document: Option<HubDocument>,
    since: Vec<Written>,
}

/// A change that was written to a copy.
#[derive(Debug)]
struct Written {
    change: Change,
    /// Whether it only completes, deletes or gives away.
    puts_away: bool,
}

/// How a record stood when a group first came to it.
#[derive(Debug)]
struct Mark {
    record: RecordId,
    /// How many changes had been written to it that may yet be taken back.
    written: usize,
    stamp: Option<Stamp>,
    text_edited: bool,
}

/// A record that was set aside.
#[derive(Debug)]
struct Aside {
    document: Option<HubDocument>,
    quarantined: bool,
}

impl Workspace {
    /// Puts a stored document into the workspace.
    pub fn insert(&mut self, record: RecordId, document: HubDocument) {
        self.documents.insert(record, document);
    }

    /// The same of one that was opened from its saved form for this.
    pub(super) fn insert_opened(&mut self, record: RecordId, document: HubDocument) {
        self.effort.work += 2 * weight(&document.doc);
        self.insert(record, document);
    }

    /// Closes a document to changes, because its stored form does not open.
    pub fn quarantine(&mut self, record: RecordId) {
        self.quarantined.insert(record);
    }

    /// Whether there is such a record.
    pub(super) fn holds(&self, record: RecordId) -> bool {
        self.documents.contains_key(&record) || self.quarantined.contains(&record)
    }

    /// Whether a change builds on something of a record that only those can name who have it. The
    /// steps of its genesis anybody can.
    pub(super) fn builds_on(&self, record: RecordId, change: &ParsedChange) -> bool {
        self.documents.get(&record).is_some_and(|document| {
            let genesis = document.kind.genesis().hash;
            change.deps().filter(|dep| *dep != genesis).any(|dep| {
                let meta = document.doc.get_change_meta_by_hash(&dep.into());
                let actor = meta.and_then(|meta| Actor::from_slice(meta.actor.to_bytes()));
                actor.is_some_and(|actor| !is_step_actor(actor))
            })
        })
    }

    /// Judges as if these records were not there, until [`Workspace::bring_back`].
    pub(super) fn set_aside(&mut self, records: impl IntoIterator<Item = RecordId>) {
        for record in records {
            let document = self.documents.remove(&record);
            let quarantined = self.quarantined.remove(&record);
            self.aside.insert(record, Aside { document, quarantined });
        }
    }

    /// Puts records back as they were when they were set aside.
    pub(super) fn bring_back(&mut self) {
        for (record, Aside { document, quarantined }) in std::mem::take(&mut self.aside) {
            self.put(record, document);
            if quarantined {
                self.quarantined.insert(record);
            }
        }
    }

    /// A document of the workspace.
    pub fn document(&self, record: RecordId) -> Option<&HubDocument> {
        self.documents.get(&record)
    }

    /// Takes a document out, to be kept for the next batch: its state without what it says.
    pub fn take(&mut self, record: RecordId) -> Option<HubDocument> {
        let document = self.documents.remove(&record)?;
        Some(HubDocument::new(&document.kind, document.doc, document.stamp))
    }

    /// Proves that documents to which changes of an author were applied are sound, and saves them. Some
    /// change must be taken back of each that is returned: it is not.
    pub fn prove(
        &mut self,
        records: impl IntoIterator<Item = RecordId>,
        author: UserId,
        pen: PenRole,
    ) -> Vec<(RecordId, Refusal)> {
        let mut unsound = Vec::new();
        for record in records {
            if let Some(document) = self.documents.get_mut(&record)
                && document.saved.is_none()
            {
                let before = self.before.get(&record);
                let writing = Writing {
                    author,
                    pen,
                    puts_away: before.is_some_and(|one| one.since.iter().all(|one| one.puts_away)),
                };
                let HubDocument { kind, doc, text_edited, .. } = &*document;
                // It is saved and read, and opened again where text was edited.
                self.effort.work += weight(doc) * if *text_edited { 3 } else { 1 };
                let proven = guard::prove(doc, *text_edited, PenRole::Server).and_then(|saved| {
                    self.effort.work += room::check(doc, saved.len(), &writing)?;
                    Ok((saved, guard::read(doc, kind)?))
                });
                self.effort.readings += 1;
                match proven {
                    Ok((saved, hydrated)) => {
                        document.saved = Some(saved);
                        document.hydrated = Some(hydrated);
                    }
                    Err(refusal) => unsound.push((record, refusal)),
                }
            }
        }
        unsound
    }

    /// Judges a group for an authenticated user and merges it if every change stands. What it merged may
    /// be taken back until [`Workspace::keep`].
    pub fn judge(
        &mut self,
        group: CandidateGroup,
        author: UserId,
        pen: PenRole,
        now: UnixMs,
    ) -> Judgement {
        let hashes: Vec<ChangeHash> = group.changes.iter().map(|c| c.parsed.hash()).collect();
        // Asked of the whole group first: a step of a genesis names no change that could be refused,
        // and what it lacks is not what the group falls for.
        let falls =
            |dep: ChangeHash| !hashes.contains(&dep) && self.refused.contains(&(author, dep));
        if let Some(culprit) = group.changes.iter().find(|one| one.parsed.deps().any(falls)) {
            let (hash, refusal) = (culprit.parsed.hash(), Refusal::depends_on_refused());
            return Judgement::Refused(self.refuse(author, &hashes, hash, refusal));
        }
        let mut merged = Merged { changes: Vec::new(), began: Vec::new() };
        let mut marks: Vec<Mark> = Vec::new();
        for candidate in group.changes {
            let (hash, record) = (candidate.parsed.hash(), candidate.record);
            let whose = match group.standing {
                Standing::New => Whose { author, pen, of_another: None },
                Standing::AcceptedBefore => self.whose(&candidate, author),
            };
            let merging = self.check_open(record, &candidate.kind).and_then(|()| {
                // What the group itself made in between is of no use to anybody.
                if marks.iter().all(|mark| mark.record != record) {
                    marks.push(self.mark(record, &candidate.kind));
                }
                self.merge_one(candidate, group.group, whose, now)
            });
            match merging {
                Ok(stored) => merged.changes.push(stored),
                Err(refusal) => {
                    self.undo(marks);
                    return Judgement::Refused(self.refuse(author, &hashes, hash, refusal));
                }
            }
        }
        if group.standing == Standing::New
            && let Some((culprit, refusal)) = self.too_long(&marks, &merged)
        {
            self.undo(marks);
            return Judgement::Refused(self.refuse(author, &hashes, culprit, refusal));
        }
        let began = |mark: &&Mark| {
            let before = self.before.get(&mark.record);
            mark.written == 0 && before.is_some_and(|before| before.document.is_none())
        };
        merged.began = marks.iter().filter(began).map(|mark| mark.record).collect();
        Judgement::Merged(merged)
    }

    /// Gives judging a bound: beyond it [`Workspace::is_spent`], and what is judged is of no use.
    pub(super) fn bound(&mut self, work: u64) {
        self.most_work = Some(work);
    }

    /// Whether judging was more work than it may be.
    pub(super) fn is_spent(&self) -> bool {
        self.most_work.is_some_and(|most| self.effort.work > most)
    }

    /// What judging took so far.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// The last change of a record whose text a group leaves too long.
    fn too_long(&mut self, marks: &[Mark], merged: &Merged) -> Option<(ChangeHash, Refusal)> {
        marks.iter().find_map(|Mark { record, .. }| {
            let document = self.documents.get(record).filter(|document| document.text_edited)?;
            self.effort.work += weight(&document.doc);
            let refusal = guard::lengths(&document.doc).err()?;
            let mut of_record = merged.changes.iter().filter(|change| change.record == *record);
            Some((of_record.next_back()?.hash, refusal))
        })
    }

    /// Takes back what was merged of these records since [`Workspace::keep`].
    pub fn take_back(&mut self, records: impl IntoIterator<Item = RecordId>) {
        for record in records {
            if let Some(before) = self.before.remove(&record) {
                self.put(record, before.document);
            }
        }
    }

    /// What is merged stays.
    pub fn keep(&mut self) {
        self.before.clear();
    }

    fn put(&mut self, record: RecordId, document: Option<HubDocument>) {
        match document {
            Some(document) => self.documents.insert(record, document),
            None => self.documents.remove(&record),
        };
    }

    /// Remembers that the database refused a merged group, so that what builds on it is refused
    /// with the right reason.
    pub fn note_refused(&mut self, author: UserId, hashes: impl IntoIterator<Item = ChangeHash>) {
        self.refused.extend(hashes.into_iter().map(|hash| (author, hash)));
    }

    /// The rows of some records, each once, parents before children.
    pub fn project(&self, records: impl IntoIterator<Item = RecordId>) -> Vec<Projected> {
        let unique: BTreeMap<RecordId, &HubDocument> = records
            .into_iter()
            .filter_map(|record| Some((record, self.documents.get(&record)?)))
            .collect();
        let mut rows: Vec<Projected> = unique
            .into_iter()
            .map(|(record, document)| project_document(record, document))
            .collect();
        rows.sort_by_key(|projected| projected.kind.index());
        rows
    }

    /// Whose a change is that was accepted before: the author's that it names, or that its writer has
    /// in the record.
    fn whose(&self, candidate: &Candidate, pusher: UserId) -> Whose {
        let writer = candidate.parsed.actor().automerge();
        let in_record = || {
            let document = self.documents.get(&candidate.record)?;
            let author = document.doc.get_author_for_actor(&writer)?;
            UserId::from_slice(author.as_bytes())
        };
        let of_another = candidate.parsed.author().or_else(in_record);
        Whose { author: of_another.unwrap_or(pusher), pen: PenRole::Server, of_another }
    }

    /// Whether a record takes changes of this kind.
    fn check_open(&self, record: RecordId, kind: &Kind) -> Result<(), Refusal> {
        if self.quarantined.contains(&record) {
            return Err(Refusal::new(
                RefusalCode::DocumentQuarantined,
                "This record is closed to changes until an operator has looked at it; your edit is kept on this device.",
            ));
        }
        if self.documents.get(&record).is_some_and(|document| document.kind != *kind) {
            return Err(Refusal::new(
                RefusalCode::WrongKind,
                format!("This record exists and is not a {}.", kind.name),
            ));
        }
        Ok(())
    }

    /// Notes how a record stands before a group writes to it. The first of several groups puts a copy in
    /// its place for all of them to work on.
    fn mark(&mut self, record: RecordId, kind: &Kind) -> Mark {
        if !self.before.contains_key(&record) {
            self.begin_copy(record, kind);
        }
        let written = self.before.get(&record).map_or(0, |before| before.since.len());
        let document = self.documents.get(&record);
        let stamp = document.and_then(|document| document.stamp);
        let text_edited = document.is_some_and(|document| document.text_edited);
        Mark { record, written, stamp, text_edited }
    }

    /// Puts a copy of a document in its place, and keeps the document as it was.
    fn begin_copy(&mut self, record: RecordId, kind: &Kind) {
        self.effort.copies += 1;
        let mut old = self.documents.remove(&record);
        // Only the newest state needs its texts.
        let texts = old.as_mut().map(|document| std::mem::take(&mut document.texts));
        let genesis = || HubDocument::new(kind, kind.genesis().doc.clone(), None);
        let mut copy = old.clone().unwrap_or_else(genesis);
        copy.texts = texts.unwrap_or_default();
        self.effort.work += weight(&copy.doc) / COPIES_AS_ONE_PASS;
        self.documents.insert(record, copy);
        self.before.insert(record, Before { document: old, since: Vec::new() });
    }

    /// Takes back what a group wrote, and leaves what groups before it wrote to the same records. Mostly a
    /// group is refused before it wrote anything, and this is no work.
    fn undo(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            let Some(before) = self.before.get_mut(&mark.record) else { continue };
            let unwritten = before.since.len() == mark.written;
            if mark.written == 0 && !(unwritten && before.document.is_some()) {
                self.take_back([mark.record]);
                continue;
            }
            if unwritten {
                continue;
            }
            before.since.truncate(mark.written);
            let Some(document) = self.documents.get_mut(&mark.record) else { continue };
            let stood = before.document.as_ref().map(|document| &document.doc);
            let mut doc = stood.unwrap_or(&document.kind.genesis().doc).clone();
            let again = doc.apply_changes(before.since.iter().map(|one| one.change.clone()));
            again.expect("BUG: what was applied once is applied again");
            self.effort.copies += 1;
            self.effort.work += weight(&doc);
            let (stamp, text_edited) = (mark.stamp, mark.text_edited);
            let fresh = HubDocument::new(&document.kind, doc, stamp);
            *document = HubDocument { text_edited, ..fresh };
        }
    }

    /// Merges a change into the copy that its group works on; returns it as it is to be stored.
    fn merge_one(
        &mut self,
        candidate: Candidate,
        group: GroupId,
        whose: Whose,
        now: UnixMs,
    ) -> Result<StoredChange, Refusal> {
        let Whose { author, pen, of_another } = whose;
        let Candidate { record, kind, parsed } = candidate;
        let hash = parsed.hash();
        let document = self.documents.get_mut(&record);
        let document = document.expect("BUG: a group works on a copy of each of its records");
        let HubDocument { doc, texts, .. } = &mut *document;
        let read_before = texts.times_read();
        self.effort.work += work_on(&parsed, doc);
        let context = guard::Context { record, kind, doc, author, now, pen };
        let verified = guard::verify_among(parsed, &context, texts);
        let texts_read = texts.times_read() - read_before;
        self.effort.texts += texts_read;
        self.effort.work += weight(doc) * texts_read as u64;
        let verified = verified?;
        let change = verified.change().clone();
        let stored = StoredChange {
            record,
            hash,
            group,
            actor: verified.actor(),
            author: of_another,
            seq: verified.seq(),
            moves: verified.moves(),
            claimed_at: UnixMs::from_seconds(change.timestamp()),
            bytes: change.raw_bytes().to_vec(),
        };
        document.text_edited |= verified.edits_text();
        // Noted first: when the library fails, some of it may be in the copy.
        if let Some(before) = self.before.get_mut(&record) {
            let puts_away = verified.puts_away();
            before.since.push(Written { change: change.clone(), puts_away });
        }
        guard::apply_to(&mut document.doc, verified)?;
        document.stamp = document.stamp.max(Some(Stamp::of(&change, &document.doc)));
        (document.hydrated, document.saved) = (None, None);
        // It may have been refused before, beside others that were taken back since.
        self.refused.remove(&(author, hash));
        Ok(stored)
    }

    fn refuse(
        &mut self,
        author: UserId,
        hashes: &[ChangeHash],
        culprit: ChangeHash,
        refusal: Refusal,
    ) -> Vec<(ChangeHash, Refusal)> {
        self.note_refused(author, hashes.iter().copied());
        // A group that builds on a refused edit does so as a whole: its device makes all of it again,
        // or none.
        let builds_on_refused = refusal == Refusal::depends_on_refused();
        let reason = |hash: &ChangeHash| {
            let same = *hash == culprit || builds_on_refused;
            let reason = if same { refusal.clone() } else { group_refused(&refusal) };
            (*hash, reason)
        };
        hashes.iter().map(reason).collect()
    }
}

/// What judging a change takes: each of its operations several looks; one pass through the document, which
/// is what the library takes to put anything in; and one more where it does not build on all there is.
fn work_on(parsed: &ParsedChange, doc: &Automerge) -> u64 {
    let mut heads: Vec<ChangeHash> = doc.get_heads().into_iter().map(ChangeHash::from).collect();
    heads.sort_unstable();
    let passes = if parsed.deps().eq(heads) { 1 } else { 2 };
    LOOKS_AT_OPERATION * guard::operations(parsed.bytes()) as u64 + passes * weight(doc)
}

/// The row of one document, and what was read on the way.
pub fn project_document(record: RecordId, document: &HubDocument) -> Projected {
    let read;
    let hydrated = match &document.hydrated {
        Some(hydrated) => hydrated,
        None => {
            read = hydrate(&document.doc, &document.kind);
            &read
        }
    };
    Projected {
        record,
        kind: document.kind.clone(),
        scope: projection::scope_of(record, hydrated),
        row: projection::project(record, hydrated, document.stamp),
        conflicts: hydrated.conflicts.clone(),
        violations: hydrated.violations.clone(),
    }
}

/// Opens a stored document for the workspace.
///
/// # Errors
/// When the stored bytes are damaged.
pub fn open(kind: &Kind, snapshot: &[u8]) -> Result<HubDocument, document::LoadError> {
    let doc = document::load(snapshot, &[])?;
    let stamp = Stamp::of_document(&doc);
    Ok(HubDocument::new(kind, doc, stamp))
}

/// The refusal of a change whose group failed for another change's sake.
pub fn group_refused(cause: &Refusal) -> Refusal {
    Refusal::new(
        RefusalCode::GroupRefused,
        format!("It was made together with an edit that was refused: {}", cause.sentence),
    )
}
