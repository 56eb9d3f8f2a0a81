//! Commits, with a store that is a few maps.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value as Json;
use sync_core::cell::{Cell, Row};
use sync_core::crm;
use sync_core::document::{self, FieldChange, LocalChange, PenRole, RecordEdit};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::guard;
use sync_core::hub::{
    Care, Commit, Culprits, DocumentCache, DocumentHead, Durable, Effort, Ended, Known,
    KnownChange, Moment, Moments, Purpose, PushJob, PushedChange, PushedGroup, Step, Trials,
    Unavailable, Usage, WriteRows, Wrote,
};
use sync_core::ids::{
    Actor, ChangeHash, EventId, FeedPosition, GroupId, RecordId, ReplicaId, UserId,
};
use sync_core::limits;
use sync_core::protocol::{Verdict, VerdictOutcome};
use sync_core::schema::Schema;
use sync_core::testing::next_version;
use uuid::Uuid;

use crate::kit::{NOW, edit, edited, pen, record, user};

/// What a database would hold.
#[derive(Clone, Default)]
pub(super) struct Store {
    head: i64,
    changes: HashMap<ChangeHash, KnownChange>,
    owners: HashMap<Actor, UserId>,
    documents: BTreeMap<RecordId, (String, FeedPosition, Vec<u8>)>,
    rows: BTreeMap<RecordId, Row>,
    used: HashMap<UserId, Usage>,
    /// Records that nobody sees.
    unseen: HashSet<RecordId>,
    /// Times that rows were written, or tried to be.
    writes: usize,
    /// How long each document is said to be.
    length: u64,
    /// How many documents each commit opened that came to its end.
    opened: Vec<usize>,
    /// How much work a commit may be, if that is bounded.
    pub(super) most_work: Option<u64>,
    /// How much it was.
    pub(super) efforts: Vec<Effort>,
    /// What refused changes did, in words.
    pub(super) words: Vec<Json>,
}

/// Nobody may own an account of this name.
pub(super) const FORBIDDEN: &str = "Forbidden";

impl Store {
    /// Commits what can be committed, as a host does.
    pub(super) fn commit_all(
        &mut self,
        jobs: Vec<PushJob>,
        moments: &Moments,
    ) -> Vec<Result<Vec<Verdict>, Unavailable>> {
        let mut cache = DocumentCache::default();
        let mut answers: Vec<Option<Result<Vec<Verdict>, Unavailable>>> = vec![None; jobs.len()];
        let mut trials = Trials::of(jobs);
        while let Some(jobs) = trials.next() {
            let mut copy = self.clone();
            let commit = AssertUnwindSafe(|| copy.commit(jobs, &mut cache, moments.clone()));
            let ended = match catch_unwind(commit) {
                Ok(Some(verdicts)) => {
                    *self = copy;
                    Ended::Committed(verdicts)
                }
                Ok(None) => Ended::TooMuch,
                Err(_) => {
                    cache.clear();
                    Ended::Panicked
                }
            };
            for answered in trials.ended(ended) {
                answers[answered.index] = Some(answered.verdicts);
            }
        }
        answers.into_iter().map(Option::unwrap).collect()
    }

    fn commit(
        &mut self,
        jobs: &[PushJob],
        cache: &mut DocumentCache,
        moments: Moments,
    ) -> Option<Vec<Vec<Verdict>>> {
        let mut opened = 0;
        let work = self.most_work.unwrap_or(limits::WORK_PER_COMMIT);
        let mut commit =
            Commit::new(crm::schema(), jobs, Purpose::Push, NOW, moments).bounded(work);
        loop {
            match commit.step() {
                Step::Know(inquiry) => {
                    let head = |record: &RecordId| {
                        let (kind, position, _) = self.documents.get(record)?;
                        let (kind, position) = (kind.clone(), *position);
                        let (record, bytes) = (*record, self.length);
                        Some(DocumentHead { record, kind, position, bytes, quarantined: None })
                    };
                    let known = Known {
                        last: FeedPosition(self.head),
                        changes: self.changes.clone(),
                        owners: self.owners.clone(),
                        heads: inquiry.records.iter().filter_map(head).collect(),
                        used: self.used.clone(),
                        ..Known::default()
                    };
                    commit.known(known, cache);
                }
                Step::Open(records) => {
                    let saved = |record: &RecordId| (*record, self.documents[record].2.clone());
                    opened += records.len();
                    let saved = records.iter().map(saved).collect();
                    commit.opened(saved);
                }
                Step::Look(sight) => {
                    let all = sight.records.iter().map(|(_, record)| *record);
                    commit.looked(&all.filter(|one| !self.unseen.contains(one)).collect());
                }
                Step::Write(asked) => {
                    let wrote = self.write(asked);
                    commit.wrote(wrote);
                }
                Step::Store => break,
                Step::TooMuch => return None,
            }
        }
        self.opened.push(opened);
        let judged = commit.judged();
        self.efforts.push(judged.effort());
        let to_store = judged.to_store();
        let kept = to_store.refused.iter().flat_map(|work| &work.changes);
        let said = kept.filter_map(|change| change.edit.as_deref());
        self.words.extend(said.map(|said| serde_json::from_str::<Json>(said).unwrap()));
        for placed in to_store.placed {
            let change = &placed.change;
            let (record, position, author) = (change.record, placed.position, placed.author);
            self.changes.insert(change.hash, KnownChange { record, position, author });
            self.owners.entry(change.actor).or_insert(placed.author);
        }
        for one in &to_store.documents {
            let kind = one.projected.kind.name.to_owned();
            let document = (kind, one.position, one.snapshot.to_vec());
            self.documents.insert(one.projected.record, document);
        }
        self.head = to_store.head().map_or(self.head, |head| head.0);
        Some(judged.verdicts(Durable::committed_at(FeedPosition(self.head)), cache))
    }

    /// One bad row makes the whole statement fail, unless each is asked about before.
    fn write(&mut self, asked: &WriteRows) -> Wrote {
        self.writes += 1;
        assert!(self.writes < 1000, "judging comes to no end");
        let bad = |row: &Row| row.contains(&Cell::Text(FORBIDDEN.into()));
        let refusal = Refusal::new(RefusalCode::Denied, "Nobody may own that.");
        let refused: Culprits = asked
            .rows
            .iter()
            .filter(|one| bad(&one.row))
            .map(|one| (one.record, refusal.clone()))
            .collect();
        if !refused.is_empty() && asked.care == Care::None {
            return Wrote::Refused(refusal);
        }
        let mut refused = refused;
        asked.refuse_taken(&mut refused);
        if asked.stands_without(&refused) {
            let sound = asked.rows.iter().filter(|one| !refused.contains_key(&one.record));
            self.rows.extend(sound.map(|one| (one.record, one.row.clone())));
        }
        if refused.is_empty() { Wrote::All } else { Wrote::AllBut(refused) }
    }
}

/// A change that begins an account, as the device of a user would push it.
fn account(author: u128, actor: u8, n: u128, name: &str) -> PushedChange {
    let schema = crm::schema();
    let kind = schema.kind("organization").unwrap();
    let pen = pen(author, actor);
    let mut mint = || EventId(Uuid::from_u128(n << 64));
    let edit = edit(kind, &[("name", name)]);
    let (_, change) = document::create(kind, record(n), &edit, &pen, &mut mint).unwrap();
    let parsed = guard::parse(&change.bytes);
    PushedChange {
        record: record(n),
        kind: kind.name.into(),
        hash: change.hash,
        parsed,
        receipt: None,
    }
}

/// Account 2 begun by a rep, and an edit of it.
fn begun_and_edited(name: &str) -> [PushedChange; 2] {
    begun_and_edited_as(2, name)
}

/// An account begun by a rep, and an edit of it.
fn begun_and_edited_as(n: u128, name: &str) -> [PushedChange; 2] {
    let schema = crm::schema();
    let kind = schema.kind("organization").unwrap();
    let writer = pen(1, n as u8);
    let mut mint = || EventId(Uuid::nil());
    let begun = edit(kind, &[("name", name)]);
    let (mut doc, first) = document::create(kind, record(n), &begun, &writer, &mut mint).unwrap();
    let second = edited(&mut doc, kind, &[("website", "f.example")], &writer, &mut 1).unwrap();
    let pushed = |change: LocalChange| PushedChange {
        record: record(n),
        kind: kind.name.into(),
        hash: change.hash,
        parsed: guard::parse(&change.bytes),
        receipt: None,
    };
    [pushed(first), pushed(second)]
}

pub(super) fn job(author: u128, groups: Vec<Vec<PushedChange>>) -> PushJob {
    let group = |(n, changes)| PushedGroup {
        group: GroupId(Uuid::from_u128(author << 32 | n as u128)),
        seen: None,
        changes,
    };
    PushJob {
        user: user(author),
        replica: ReplicaId(Uuid::from_u128(author)),
        pen: PenRole::Device,
        groups: groups.into_iter().enumerate().map(group).collect(),
        refused_before: Vec::new(),
    }
}

/// The codes of a push's verdicts; of accepted changes nothing.
pub(super) fn codes(verdicts: &Result<Vec<Verdict>, Unavailable>) -> Vec<Option<&str>> {
    let code = |verdict: &'_ Verdict| match &verdict.outcome {
        VerdictOutcome::Accepted(_) => None,
        VerdictOutcome::Refused(refusal) => RefusalCode::parse(&refusal.code).map(|c| c.as_str()),
    };
    verdicts.as_ref().unwrap().iter().map(code).collect()
}

/// Judging one change of seven panics: it alone is refused, whoever's push it shares a batch with, and
/// whatever stands beside it in its own.
#[test]
fn a_change_on_which_judging_panics_costs_nobody_else_anything() {
    let mut store = Store::default();
    let of_rosa: Vec<PushedChange> =
        (1..=5).map(|n| account(1, n as u8, n, &format!("Account {n}"))).collect();
    let marked = of_rosa[3].hash;
    let moments = Moments::told_to(move |moment| {
        assert!(moment != Moment::Judging(marked), "a fault in the engine");
    });
    let rosa = job(1, of_rosa.into_iter().map(|change| vec![change]).collect());
    let omar = job(2, vec![vec![account(2, 20, 20, "Omar's")]]);
    let answers = store.commit_all(vec![rosa, omar], &moments);
    let fault = Some("engine_fault");
    assert_eq!(codes(&answers[0]), [None, None, None, fault, None]);
    assert_eq!(codes(&answers[1]), [None]);
    assert_eq!(store.rows.len(), 5);
    let next = job(1, vec![vec![account(1, 30, 30, "After")]]);
    assert_eq!(codes(&store.commit_all(vec![next], &moments)[0]), [None]);
}

/// Somebody begins a record whose id is taken by one that they do not see. They are refused in the end,
/// and neither the record nor anybody else in the batch is the worse for it.
#[test]
fn a_beginning_in_the_place_of_an_unseen_record_costs_nobody_else_anything() {
    let mut store = Store::default();
    let [begun, edited] = begun_and_edited("Hers");
    let first = store.commit_all(vec![job(1, vec![vec![begun]])], &Moments::default());
    assert_eq!(codes(&first[0]), [None]);
    store.unseen.insert(record(2));
    let omar = job(2, vec![vec![account(2, 20, 2, "His")], vec![account(2, 21, 21, "Omar's")]]);
    let rosa = job(1, vec![vec![edited]]);
    let answers = store.commit_all(vec![omar, rosa], &Moments::default());
    assert_eq!(codes(&answers[0]), [Some("denied"), None]);
    assert_eq!(codes(&answers[1]), [None], "she names what she builds on");
    let name = |n: u128| store.rows[&record(n)].contains(&Cell::Text("Hers".into()));
    assert!(name(2), "{:?}", store.rows[&record(2)]);
    assert_eq!(store.rows.len(), 2);
}

/// A group that spans two records is refused as a whole, and its neighbours are not.
#[test]
fn a_group_with_a_refused_row_leaves_nothing_and_the_others_stand() {
    let mut store = Store::default();
    let pair = vec![account(1, 2, 2, "Sound"), account(1, 3, 3, FORBIDDEN)];
    let groups = vec![vec![account(1, 1, 1, "One")], pair, vec![account(1, 4, 4, "Four")]];
    let answers = store.commit_all(vec![job(1, groups)], &Moments::default());
    assert_eq!(codes(&answers[0]), [None, Some("group_refused"), Some("denied"), None]);
    assert_eq!(store.rows.keys().copied().collect::<Vec<_>>(), [record(1), record(4)]);
    assert_eq!(store.documents.len(), 2);
}

/// A group may write to one record several times. It is refused as any other, and the commit ends.
#[test]
fn a_group_that_writes_to_a_refused_record_twice_is_refused_once() {
    let mut store = Store::default();
    let [first, second] = begun_and_edited(FORBIDDEN);
    let twice = vec![first, second];
    let groups = vec![vec![account(1, 1, 1, "One")], twice];
    let answers = store.commit_all(vec![job(1, groups)], &Moments::default());
    assert_eq!(codes(&answers[0]), [None, Some("denied"), Some("denied")]);
    assert_eq!(store.rows.keys().copied().collect::<Vec<_>>(), [record(1)]);
}

/// A group that builds on a refused edit falls as a whole and says so of every change: its device makes
/// all of it again, or none.
#[test]
fn a_group_that_builds_on_a_refused_edit_says_so_of_all_its_changes() {
    let mut store = Store::default();
    let [first, second] = begun_and_edited(FORBIDDEN);
    let group = vec![account(1, 1, 1, "One"), second];
    let answers = store.commit_all(vec![job(1, vec![vec![first], group])], &Moments::default());
    let falls = Some("depends_on_refused");
    assert_eq!(codes(&answers[0]), [Some("denied"), falls, falls]);
    assert!(store.rows.is_empty());
}

/// A faulty app pushes a change twice, once as what it is not. What is stored is not said to be refused.
#[test]
fn a_change_that_is_pushed_twice_has_the_verdict_of_what_is_stored() {
    let mut store = Store::default();
    let sound = account(1, 1, 1, "One");
    let mislabelled = || PushedChange { kind: "saucer".into(), ..account(1, 1, 1, "One") };
    for groups in [vec![vec![mislabelled()], vec![sound]], vec![vec![mislabelled()]]] {
        let answers = store.commit_all(vec![job(1, groups)], &Moments::default());
        assert!(codes(&answers[0]).iter().all(Option::is_none), "{answers:?}");
        assert_eq!(store.rows.len(), 1);
    }
}

/// However many rows are refused, the second statement names them all.
#[test]
fn many_refused_rows_cost_two_statements() {
    let mut store = Store::default();
    let name =
        |n: u128| if n.is_multiple_of(3) { FORBIDDEN.to_owned() } else { format!("Account {n}") };
    let groups = (1..=60).map(|n| vec![account(1, n as u8, n, &name(n))]).collect();
    let answers = store.commit_all(vec![job(1, groups)], &Moments::default());
    let refused = codes(&answers[0]).iter().filter(|code| code.is_some()).count();
    assert_eq!((refused, store.rows.len(), store.writes), (20, 40, 2));
}

/// Documents of the longest kind, more of them than may be open at once, in two people's pushes: they are
/// judged a few at a time, and everybody has all of their verdicts.
#[test]
fn documents_are_opened_no_more_at_once_than_there_is_room_for() {
    let mut store = Store::default();
    let pairs: Vec<[PushedChange; 2]> =
        (1..=7).map(|n| begun_and_edited_as(n, &format!("Account {n}"))).collect();
    let [begun, edited]: [Vec<Vec<PushedChange>>; 2] =
        [0, 1].map(|of| pairs.iter().map(|pair| vec![pair[of].clone()]).collect());
    store.commit_all(vec![job(1, begun)], &Moments::default());
    store.opened.clear();
    store.length = limits::DOCUMENT_BYTES_PER_COMMIT / 2;
    let other = job(2, vec![vec![account(2, 20, 20, "Omar's")]]);
    let answers = store.commit_all(vec![job(1, edited), other], &Moments::default());
    assert_eq!(codes(&answers[0]), [None; 7]);
    assert_eq!(codes(&answers[1]), [None]);
    assert!(store.opened.iter().all(|opened| *opened <= 2), "{:?}", store.opened);
    assert_eq!(store.opened.iter().sum::<usize>(), 7);
}

/// A push that is sent again, since its verdicts were lost on the way, gets the same positions.
#[test]
fn a_push_that_comes_twice_is_stored_once() {
    let mut store = Store::default();
    let push = job(1, vec![vec![account(1, 1, 1, "One")], vec![account(1, 2, 2, "Two")]]);
    let first = store.commit_all(vec![push.clone()], &Moments::default());
    let again = store.commit_all(vec![push], &Moments::default());
    assert_eq!(first, again);
    assert_eq!(store.head, 2);
}

/// A step that another device stored is pushed beside an edit that falls at the door. It is stored, and
/// the verdict says so: the feed did not bring it, since its pusher has it.
#[test]
fn a_stored_step_is_accepted_whatever_falls_beside_it() {
    let mut store = Store::default();
    let schema = Schema::new(next_version(crm::declarations(), &[]));
    let (old, newer) = (crm::schema(), schema.kind("organization").unwrap());
    let kind = old.kind("organization").unwrap();
    let begun = edit(kind, &[("name", "Café")]);
    let mut mint = || EventId(Uuid::nil());
    let (mut doc, first) =
        document::create(kind, record(1), &begun, &pen(1, 1), &mut mint).unwrap();
    let key = FieldChange::Add("red".into());
    let tagged = RecordEdit { changes: vec![(newer.field("front_set").unwrap().clone(), key)] };
    let step = document::prepare(&mut doc, newer, record(1), &tagged).unwrap().remove(0);
    let pushed = |change: &LocalChange| PushedChange {
        record: record(1),
        kind: kind.name.into(),
        hash: change.hash,
        parsed: guard::parse(&change.bytes),
        receipt: None,
    };
    let stored = job(1, vec![vec![pushed(&first)], vec![pushed(&step)]]);
    assert_eq!(codes(&store.commit_all(vec![stored], &Moments::default())[0]), [None, None]);
    // Written as an actor of the first user.
    let stray = edited(&mut doc, kind, &[("website", "x.example")], &pen(2, 1), &mut 1).unwrap();
    let second = job(2, vec![vec![pushed(&step), pushed(&stray)]]);
    let answers = store.commit_all(vec![second], &Moments::default());
    assert_eq!(codes(&answers[0])[0], None, "it is stored: {answers:?}");
}
