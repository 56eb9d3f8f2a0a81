//! Whatever the order, duplication and partition: the same changes make the same record.

use automerge::{Automerge, Change};
use proptest::prelude::*;
use sync_core::cell::Row;
use sync_core::document::{self, hydrate};
use sync_core::projection::{Stamp, project};

use crate::kit::{created, edited, kind, pen, record};

/// What one of three people does to the record, or that one hears of another.
#[derive(Clone, Debug)]
enum Step {
    Edit { who: usize, pairs: Vec<(&'static str, String)> },
    Hear { who: usize, from: usize },
}

fn an_edit() -> impl Strategy<Value = (&'static str, String)> {
    let word = "[a-zA-Zé ]{1,12}";
    prop_oneof![
        word.prop_map(|w| ("name", format!("x{w}"))),
        prop::sample::select(vec!["A", "B", "C", "D"]).prop_map(|p| ("priority_level", p.into())),
        (0..5000_i64).prop_map(|n| ("employee_count", n.to_string())),
        word.prop_map(|w| ("notes", w)),
        word.prop_map(|w| ("billing_address", format!("street=S{}, city=C", w.trim()))),
        prop::sample::select(vec!["a", "b", "-a", "-b"]).prop_map(|t| ("tags", t.into())),
        prop::bool::ANY.prop_map(|b| ("needs_review", b.to_string())),
        word.prop_map(|w| ("custom_fields.size", w)),
    ]
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_usize, prop::collection::vec(an_edit(), 1..3))
            .prop_map(|(who, pairs)| Step::Edit { who, pairs }),
        1 => (0..3_usize, 0..3_usize).prop_map(|(who, from)| Step::Hear { who, from }),
    ]
}

fn row_of(doc: &Automerge) -> Row {
    project(record(1), &hydrate(doc, kind("organization")), Stamp::of_document(doc))
}

fn run(steps: &[Step]) -> (Vec<Automerge>, Vec<Change>) {
    let organization = kind("organization");
    let (first, _) = created(organization, &[("name", "First")], &pen(1, 1));
    let mut docs = vec![first.clone(), first.clone(), first];
    let mut count = 0;
    for step in steps {
        match step {
            Step::Edit { who, pairs } => {
                let pen = pen(*who as u128 + 1, *who as u8 + 10);
                let pairs: Vec<(&str, &str)> =
                    pairs.iter().map(|(f, v)| (*f, v.as_str())).collect();
                edited(&mut docs[*who], organization, &pairs, &pen, &mut count);
            }
            Step::Hear { who, from } => {
                let heard = docs[*from].get_changes(&[]);
                docs[*who].apply_changes(heard).unwrap();
            }
        }
    }
    let all = docs.iter().flat_map(|doc| doc.get_changes(&[])).collect();
    (docs, all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// Three people edit, partly hearing of each other; then everybody gets everything, in an order
    /// of their own and some of it twice. All come to the same heads and the same row.
    #[test]
    fn any_order_duplication_and_partition_converges(
        steps in prop::collection::vec(a_step(), 1..16),
        seed in any::<u64>(),
    ) {
        let (mut docs, all) = run(&steps);
        let mut random = seed;
        for doc in &mut docs {
            let mut changes: Vec<Change> = all.clone();
            for index in (1..changes.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                changes.swap(index, (random >> 33) as usize % (index + 1));
            }
            // In two halves, one change at a time, so that some come long before what they build on.
            for change in changes {
                doc.apply_changes(vec![change]).unwrap();
            }
        }
        let (heads, row) = (document::heads(&docs[0]), row_of(&docs[0]));
        for doc in &docs[1..] {
            prop_assert_eq!(document::heads(doc), heads.clone());
            prop_assert_eq!(row_of(doc), row.clone());
        }
        // And so does the document that was saved and opened again.
        let again = document::load(&docs[0].save(), &[]).unwrap();
        prop_assert_eq!(row_of(&again), row);
    }
}
