//! Room in a document: nobody fills one alone, and a full one can still be put away.

use std::num::NonZeroU64;

use automerge::legacy::{OpId, OpType};
use automerge::{Automerge, Change, ScalarValue};
use sync_core::document::{self, FieldChange, LocalChange, PenRole, RecordEdit, hydrate};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::event::event_data;
use sync_core::guard;
use sync_core::hub::{Candidate, CandidateGroup, HubDocument, Judgement, Standing, Workspace};
use sync_core::ids::{EventId, GroupId};
use sync_core::limits;
use sync_core::testing::Random;
use uuid::Uuid;

use crate::kit::{NOW, edit, kind, pen, record, user};

/// A task that several people write to, and what a server made of it.
struct Task {
    doc: Automerge,
    workspace: Workspace,
    random: Random,
    events: u128,
}

impl Task {
    fn begun() -> Self {
        let begun = edit(kind("task"), &[("title", "Call")]);
        let mut mint = || EventId(Uuid::from_u128(1));
        let (doc, change) =
            document::create(kind("task"), record(1), &begun, &pen(1, 1), &mut mint).unwrap();
        let (workspace, random) = (Workspace::default(), Random::new(1));
        let mut task = Self { doc: Automerge::new(), workspace, random, events: 1 };
        task.judged(doc, &change, 1).unwrap();
        task
    }

    /// Has a server judge a change of an author; the document is as it leaves it.
    fn judged(
        &mut self,
        doc: Automerge,
        change: &LocalChange,
        author: u128,
    ) -> Result<(), Refusal> {
        let parsed = guard::parse(&change.bytes).unwrap();
        let candidate = Candidate { record: record(1), kind: kind("task").clone(), parsed };
        let (group, standing) = (GroupId(Uuid::from_u128(1)), Standing::New);
        let group = CandidateGroup { group, seen: None, standing, changes: vec![candidate] };
        match self.workspace.judge(group, user(author), PenRole::Device, NOW) {
            Judgement::Merged(_) => {}
            Judgement::Refused(refused) => panic!("{refused:?}"),
        }
        let unsound = self.workspace.prove([record(1)], user(author), PenRole::Device).pop();
        if let Some((record, refusal)) = unsound {
            self.workspace.take_back([record]);
            return Err(refusal);
        }
        self.workspace.keep();
        self.doc = doc;
        Ok(())
    }

    fn write(&mut self, author: u128, changes: Vec<(&str, FieldChange)>) -> Result<(), Refusal> {
        let field = |(name, change): (&str, _)| (kind("task").field(name).unwrap().clone(), change);
        let edit = RecordEdit { changes: changes.into_iter().map(field).collect() };
        let mut doc = self.doc.clone();
        let now = hydrate(&doc, kind("task"));
        self.events += 1;
        let mut mint = || EventId(Uuid::from_u128(self.events));
        let made = document::edit(&mut doc, &now, &edit, &pen(author, author as u8), &mut mint);
        let change = made.unwrap().unwrap();
        self.judged(doc, &change, author)
    }

    /// Values that no compression makes shorter, as many as a change holds.
    fn fill(&mut self, author: u128, values: usize, bytes: usize) -> Result<(), Refusal> {
        let noise = |random: &mut Random| -> String {
            (0..bytes).map(|_| char::from(b'!' + (random.below(90)) as u8)).collect()
        };
        let entry = |n: usize, random: &mut Random| {
            ("custom_fields", FieldChange::Entry(format!("k{n}"), Some(noise(random))))
        };
        let changes = (0..values).map(|n| entry(n, &mut self.random)).collect();
        self.write(author, changes)
    }

    /// Changes that each write one value that often, and take a few dozen bytes.
    fn repetitions(&self, author: u128, times: u64, changes: usize) -> Vec<LocalChange> {
        let pen = pen(author, author as u8);
        let mut doc = self.doc.clone();
        let now = hydrate(&doc, kind("task"));
        let set = edit(kind("task"), &[("snooze_until", "2026-05-01T10:00:00Z")]);
        let mut mint = || EventId(Uuid::nil());
        let made = document::edit(&mut doc, &now, &set, &pen, &mut mint).unwrap().unwrap();
        let mut expanded = Change::from_bytes(made.bytes).unwrap().decode();
        let (mut next, actor) = (expanded.start_op.get(), expanded.actor_id.clone());
        let mut op = expanded.operations.remove(0);
        op.action = OpType::Put(ScalarValue::Null);
        let change = |_| {
            expanded.start_op = NonZeroU64::new(next).unwrap();
            let write = |n| {
                let this = op.clone();
                op.pred = vec![OpId::new(n, &actor)].into();
                this
            };
            expanded.operations = (next..next + times).map(write).collect();
            next += times;
            let change = Change::from(expanded.clone());
            (expanded.seq, expanded.deps) = (change.seq() + 1, vec![change.hash()]);
            let (hash, bytes) = (change.hash().into(), change.raw_bytes().to_vec());
            LocalChange { hash, bytes, ops: change.len(), actor: pen.actor }
        };
        (0..changes).map(change).collect()
    }

    /// Writes as much as may be written; says why no more may.
    fn fill_up(&mut self, author: u128) -> Refusal {
        let mut fill = |values, bytes| loop {
            if let Err(refusal) = self.fill(author, values, bytes) {
                return refusal;
            }
        };
        let steps = [(30, 8_000), (4, 8_000), (1, 4_000), (1, 400), (1, 20)];
        steps.map(|(values, bytes)| fill(values, bytes)).into_iter().next_back().unwrap()
    }

    /// How much the server stores.
    fn bytes(&self) -> usize {
        self.workspace.document(record(1)).unwrap().saved.as_ref().unwrap().len()
    }

    fn note(&mut self, author: u128) -> Result<(), Refusal> {
        let text = format!("Note {}.", self.events);
        self.write(author, vec![("description", FieldChange::Text(text))])
    }

    fn put_away(&mut self, author: u128, log: &str, action: &str) -> Result<(), Refusal> {
        let event = FieldChange::Append(event_data([("action", Some(action))]));
        self.write(author, vec![(log, event)])
    }

    fn give(&mut self, author: u128, to: u128) -> Result<(), Refusal> {
        let to = sync_core::document::Value::Str(user(to).to_string());
        self.write(author, vec![("assignee_id", FieldChange::Set(to))])
    }
}

/// One fills a task with all that one may write. Others go on editing it, and the one may still complete
/// it, delete it and give it away.
#[test]
fn nobody_fills_a_document_alone() {
    let mut task = Task::begun();
    let refusal = task.fill_up(1);
    assert_eq!(refusal.code, RefusalCode::TooLarge.as_str());
    assert!(refusal.sentence.contains("as much into this record as one person may"), "{refusal:?}");
    let half = limits::DOCUMENT_BYTES_PER_AUTHOR;
    assert!((half - 1000..=half + 1000).contains(&task.bytes()), "{} bytes", task.bytes());
    task.note(2).unwrap();
    task.fill(2, 30, 8_000).unwrap();
    task.give(1, 3).unwrap();
    task.put_away(1, "completion", "complete").unwrap();
    task.put_away(1, "life", "delete").unwrap();
}

/// Several people fill a task together. Another completes it, deletes it, restores it and gives it away,
/// and can do nothing else with it.
#[test]
fn a_full_document_can_be_put_away() {
    let mut task = Task::begun();
    task.fill_up(1);
    let refusal = task.fill_up(2);
    assert_eq!(refusal.code, RefusalCode::TooLarge.as_str());
    task.fill_up(3);
    assert!(task.bytes() > limits::DOCUMENT_BYTES - 1000, "{} bytes", task.bytes());
    let refusal = task.fill(4, 1, 1_000).unwrap_err();
    assert!(
        refusal.sentence.contains("can still be completed, given away and deleted"),
        "{refusal:?}"
    );
    for _ in 0..3 {
        task.put_away(4, "completion", "complete").unwrap();
        task.put_away(4, "completion", "reopen").unwrap();
        task.put_away(4, "life", "delete").unwrap();
        task.put_away(4, "life", "restore").unwrap();
        task.give(4, 5).unwrap();
        task.give(4, 6).unwrap();
    }
    assert!(task.bytes() > limits::DOCUMENT_BYTES);
}

/// Equal operations take next to no bytes when they are saved, and time all the same. They count too.
#[test]
fn nobody_fills_a_document_alone_with_operations_that_take_no_bytes() {
    let mut task = Task::begun();
    let most = limits::DOCUMENT_BYTES_PER_AUTHOR / limits::BYTES_PER_OPERATION as usize;
    let mut changes = task.repetitions(1, 4_000, most / 4_000 + 1);
    let last = changes.pop().unwrap();
    // All of them at once, since a server that judges them takes its time.
    let stored = changes.iter().map(|one| Change::from_bytes(one.bytes.clone()).unwrap());
    let stored: Vec<Change> = stored.collect();
    task.doc.apply_changes(stored).unwrap();
    let document = HubDocument::new(kind("task"), task.doc.clone(), None);
    task.workspace.insert(record(1), document);
    let refusal = task.judged(task.doc.clone(), &last, 1).unwrap_err();
    assert!(refusal.sentence.contains("as much into this record as one person may"), "{refusal:?}");
    task.note(2).unwrap();
    assert!(task.bytes() < 10_000, "{} bytes", task.bytes());
    task.put_away(1, "life", "delete").unwrap();
}
