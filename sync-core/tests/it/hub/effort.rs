//! How much work judging takes, counted: copies, readings, and operations that are gone through.

use automerge::Automerge;
use serde_json::json;
use sync_core::document::{self, LocalChange, Pen, PenRole, hydrate};
use sync_core::guard;
use sync_core::hub::{
    Candidate, CandidateGroup, Judgement, Moments, PushedChange, Standing, Workspace,
};
use sync_core::ids::{EventId, GroupId};
use sync_core::limits;
use uuid::Uuid;

use super::commit::{FORBIDDEN, Store, codes, job};
use crate::kit::{NOW, edit, edited, kind, pen, record, user};

/// Account *n* with a note, as user 1 begins it.
fn begun(n: u128, note: &str) -> (Automerge, LocalChange) {
    let (writer, mut count) = (pen(1, n as u8), 0);
    let mut mint = || {
        count += 1;
        EventId(Uuid::from_u128(n << 64 | count))
    };
    let begun = edit(kind("organization"), &[("name", "Café"), ("notes", note)]);
    document::create(kind("organization"), record(n), &begun, &writer, &mut mint).unwrap()
}

fn written(doc: &mut Automerge, pairs: &[(&str, &str)], pen: &Pen) -> LocalChange {
    edited(doc, kind("organization"), pairs, pen, &mut 0).unwrap()
}

fn pushed(n: u128, change: &LocalChange) -> PushedChange {
    PushedChange {
        record: record(n),
        kind: "organization".into(),
        hash: change.hash,
        parsed: guard::parse(&change.bytes),
        receipt: None,
    }
}

/// Judges changes of account 1 as a group of user 1.
fn judge(workspace: &mut Workspace, changes: &[LocalChange]) -> Judgement {
    let candidate = |change: &LocalChange| Candidate {
        record: record(1),
        kind: kind("organization").clone(),
        parsed: guard::parse(&change.bytes).unwrap(),
    };
    let (group, standing) = (GroupId(Uuid::from_u128(1)), Standing::New);
    let changes = changes.iter().map(candidate).collect();
    let group = CandidateGroup { group, seen: None, standing, changes };
    workspace.judge(group, user(1), PenRole::Device, NOW)
}

/// Hundreds of edits of one record, each a group of its own, cost a server one copy of it, whether they
/// stand or not.
#[test]
fn hundreds_of_edits_of_a_record_cost_one_copy() {
    let mut workspace = Workspace::default();
    let (mut doc, first) = begun(1, "");
    assert!(matches!(judge(&mut workspace, &[first]), Judgement::Merged(_)));
    workspace.keep();
    for n in 0..200 {
        let website = format!("{n}.example");
        let mut beside = doc.clone();
        let stray = written(&mut beside, &[("website", &website)], &pen(2, 77));
        assert!(matches!(judge(&mut workspace, &[stray]), Judgement::Refused(_)), "another's");
        let sound = written(&mut doc, &[("website", &website)], &pen(1, 1));
        assert!(matches!(judge(&mut workspace, &[sound]), Judgement::Merged(_)));
    }
    assert_eq!(workspace.effort().copies, 2, "one for the beginning, one for all the rest");
}

/// A group whose second change falls leaves nothing of its first, and all of what came before it; what
/// comes after it stands on that.
#[test]
fn a_group_that_falls_in_the_middle_leaves_what_stood_before_it() {
    let mut workspace = Workspace::default();
    let (mut doc, first) = begun(1, "One.");
    let second = written(&mut doc, &[("notes", "One. Two."), ("website", "a.example")], &pen(1, 1));
    for sound in [first, second] {
        assert!(matches!(judge(&mut workspace, &[sound]), Judgement::Merged(_)));
    }
    let mut beside = doc.clone();
    let sound = written(&mut beside, &[("notes", "Gone."), ("cuisine", "Thai")], &pen(1, 2));
    let stray = written(&mut beside, &[("website", "b.example")], &pen(2, 77));
    assert!(matches!(judge(&mut workspace, &[sound, stray]), Judgement::Refused(_)));
    let third = written(&mut doc, &[("notes", "One. Two. Three.")], &pen(1, 1));
    assert!(matches!(judge(&mut workspace, &[third]), Judgement::Merged(_)));
    assert_eq!(workspace.prove([record(1)], user(1), PenRole::Device), []);
    let held = workspace.document(record(1)).unwrap();
    assert_eq!(hydrate(&held.doc, kind("organization")), hydrate(&doc, kind("organization")));
    assert_eq!(held.doc.get_heads(), doc.get_heads());
    workspace.take_back([record(1)]);
    assert!(workspace.document(record(1)).is_none(), "all of it may yet be taken back");
}

/// The database refuses edits of many records with long histories, each made beside somebody else's. What
/// they did is kept in words of every one; of a few it is read from documents, as many as there is time for.
#[test]
fn words_of_refused_edits_are_read_from_documents_as_far_as_there_is_time() {
    let note = "x".repeat(4_000);
    let mut store = Store::default();
    let (mut first, mut refused) = (Vec::new(), Vec::new());
    for n in 1..=24 {
        let (mut doc, begin) = begun(n, &note);
        let mut beside = doc.clone();
        first.push(vec![pushed(n, &begin)]);
        first.push(vec![pushed(
            n,
            &written(&mut doc, &[("website", "a.example")], &pen(1, n as u8)),
        )]);
        let change = written(&mut beside, &[("name", FORBIDDEN)], &pen(1, 100 + n as u8));
        refused.push(vec![pushed(n, &change)]);
    }
    let answers = store.commit_all(vec![job(1, first)], &Moments::default());
    assert_eq!(codes(&answers[0]), [None; 48]);
    let answers = store.commit_all(vec![job(1, refused)], &Moments::default());
    assert_eq!(codes(&answers[0]), [Some("denied"); 24]);
    let said = json!([{"field": "name", "set": FORBIDDEN}]);
    assert_eq!(store.words, vec![said; 24]);
    let effort = store.efforts.last().unwrap();
    assert!((1..24).contains(&effort.words), "{effort:?}");
    assert!(effort.work_on_words <= limits::WORK_ON_WORDS_PER_COMMIT, "{effort:?}");
}

/// Many refused edits of one long record are more than one commit may go through, since each is tried
/// alone. They are tried in ever smaller parts; each has its verdict, and so has what they waited with.
#[test]
fn refused_edits_that_are_too_much_for_a_commit_hold_up_nothing_that_waits_with_them() {
    let mut store = Store::default();
    let (mut doc, begin) = begun(1, &"x".repeat(1_000));
    let (_, other) = begun(2, "");
    store.commit_all(
        vec![job(1, vec![vec![pushed(1, &begin)], vec![pushed(2, &other)]])],
        &Moments::default(),
    );
    let sound = written(&mut doc, &[("website", "a.example")], &pen(1, 1));
    let mut groups = vec![vec![pushed(1, &sound)]];
    for n in 1..=16 {
        let change = written(&mut doc.clone(), &[("name", FORBIDDEN)], &pen(1, 100 + n));
        groups.push(vec![pushed(1, &change)]);
    }
    let (_, third) = begun(3, "");
    groups.push(vec![pushed(3, &third)]);
    // As much as a few of them take.
    let most = 20_000;
    store.most_work = Some(most);
    store.efforts.clear();
    let answers = store.commit_all(vec![job(1, groups)], &Moments::default());
    let expected: Vec<Option<&str>> = [vec![None], vec![Some("denied"); 16], vec![None]].concat();
    assert_eq!(codes(&answers[0]), expected);
    assert!(store.efforts.len() > 1, "in parts");
    assert!(store.efforts.iter().all(|effort| effort.work <= most), "{:?}", store.efforts);
}
