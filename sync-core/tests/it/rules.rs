//! What concurrent edits of one field come to, a property a merge rule.

use automerge::Automerge;
use proptest::prelude::*;
use sync_core::cell::Cell;
use sync_core::document::{EditError, FieldState, Hydrated, Value, hydrate};
use sync_core::projection::{Stamp, project};
use sync_core::schema::Kind;

use crate::kit::{NOW, created, edited, kind, pen, record};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Two people edit the same record without hearing of each other, and then merge, in both orders:
/// the result is the same and is returned, with the document for going on.
fn merged(kind: &Kind, first: Pairs<'_>, left: Pairs<'_>, right: Pairs<'_>) -> Merged {
    let (base, _) = created(kind, first, &pen(1, 1));
    let (mut a, mut b) = (base.clone(), base);
    edited(&mut a, kind, left, &pen(2, 2), &mut 0);
    edited(&mut b, kind, right, &pen(3, 3), &mut 0);
    let (mut ab, mut ba) = (a.clone(), b.clone());
    ab.merge(&mut b).unwrap();
    ba.merge(&mut a).unwrap();
    let (says, other) = (hydrate(&ab, kind), hydrate(&ba, kind));
    assert_eq!(says, other, "the order of merging does not matter");
    Merged { doc: ab, kind: kind.clone(), says }
}

struct Merged {
    doc: Automerge,
    kind: Kind,
    says: Hydrated,
}

impl Merged {
    /// What it says after somebody who saw all this edits it.
    fn then(mut self, pairs: Pairs<'_>) -> Hydrated {
        edited(&mut self.doc, &self.kind, pairs, &pen(4, 4), &mut 0);
        hydrate(&self.doc, &self.kind)
    }

    fn cell(&self, column: &str) -> Cell {
        let row = project(record(1), &self.says, Stamp::of_document(&self.doc));
        let place = self.kind.columns().iter().position(|c| c.name == column).unwrap();
        row[place].clone()
    }
}

/// The values that a field's conflict lists, the shown one first.
fn contested(says: &Hydrated, field: &str) -> Vec<serde_json::Value> {
    let conflict = says.conflicts.iter().find(|conflict| conflict.field == field);
    conflict.map(|conflict| conflict.values.clone()).unwrap_or_default()
}

fn keys(says: &Hydrated, field: &str) -> Vec<String> {
    match says.field(field) {
        Some(FieldState::Keys(keys)) => keys.clone(),
        other => panic!("{field} is a set, not {other:?}"),
    }
}

const NAME: (&str, &str) = ("name", "Kitchen");
const TASK: [(&str, &str); 1] = [("title", "Call")];
const DEAL: [(&str, &str); 2] =
    [("name", "Menu"), ("organization_id", "018f0000-0000-7000-8000-000000000001")];
const VISIT: [(&str, &str); 2] =
    [("interaction_type", "VISIT"), ("organization_id", "018f0000-0000-7000-8000-000000000001")];
const CONTACT: [(&str, &str); 3] = [
    ("first_name", "Kim"),
    ("last_name", "Lee"),
    ("organization_id", "018f0000-0000-7000-8000-000000000001"),
];

proptest! {
    /// `Register`: one of the two is shown, both are listed, and writing again settles it.
    #[test]
    fn a_register_shows_one_value_and_lists_both(a in "[a-z]{1,9}", b in "[A-Z]{1,9}") {
        let both = merged(kind("organization"), &[NAME], &[("cuisine", &a)], &[("cuisine", &b)]);
        let shown = both.says.json("cuisine");
        prop_assert!(shown == a || shown == b);
        let other = if shown == a { &b } else { &a };
        prop_assert_eq!(contested(&both.says, "cuisine"), vec![shown, other.as_str().into()]);
        let settled = both.then(&[("cuisine", "Thai")]);
        prop_assert_eq!(settled.json("cuisine"), "Thai");
        prop_assert!(settled.conflicts.is_empty());
    }

    /// The same value written twice is no conflict.
    #[test]
    fn agreement_is_no_conflict(a in "[a-z]{1,9}") {
        let both = merged(kind("organization"), &[NAME], &[("cuisine", &a)], &[("cuisine", &a)]);
        prop_assert_eq!(both.says.json("cuisine"), a);
        prop_assert!(both.says.conflicts.is_empty());
    }

    /// `RegisterHigherWins`: the higher priority is shown.
    #[test]
    fn of_two_priorities_the_higher_is_shown(a in 0..4_usize, b in 0..4_usize) {
        let word = |n: usize| ["A", "B", "C", "D"][n];
        let both = merged(
            kind("organization"),
            &[NAME],
            &[("priority_level", word(a))],
            &[("priority_level", word(b))],
        );
        // C is what stands when nobody said anything, so that writing it may be no edit at all.
        prop_assert_eq!(both.says.json("priority_level"), word(a.min(b)));
    }

    /// `RegisterEarliestWins`: the earlier day is shown.
    #[test]
    fn of_two_days_the_earlier_is_shown(a in 1..28_u8, b in 1..28_u8) {
        let (a, b) = (format!("2030-05-{a:02}"), format!("2030-05-{b:02}"));
        let both = merged(kind("task"), &TASK, &[("due_date", &a)], &[("due_date", &b)]);
        prop_assert_eq!(both.says.json("due_date"), a.min(b));
    }

    /// `RegisterTrueWins`: a wish not to be called holds until somebody who saw it clears it.
    #[test]
    fn do_not_contact_wins(a: bool, b: bool) {
        let (left, right) = (a.to_string(), b.to_string());
        let both = merged(
            kind("contact"),
            &CONTACT,
            &[("do_not_contact", &left)],
            &[("do_not_contact", &right)],
        );
        prop_assert_eq!(both.says.json("do_not_contact"), a || b);
        prop_assert_eq!(both.then(&[("do_not_contact", "no")]).json("do_not_contact"), false);
    }

    /// `RegisterFalseWins`: money counts as there only when nobody doubts it.
    #[test]
    fn a_doubted_budget_is_not_confirmed(a: bool, b: bool) {
        let (left, right) = (a.to_string(), b.to_string());
        let both = merged(
            kind("opportunity"),
            &DEAL,
            &[("budget_confirmed", &left)],
            &[("budget_confirmed", &right)],
        );
        prop_assert_eq!(both.says.json("budget_confirmed"), a && b);
    }

    /// `Whole`: an address is one person's or the other's, never the street of one in the city of
    /// the other.
    #[test]
    fn an_address_is_never_mixed(a in "[a-z]{1,9}", b in "[A-Z]{1,9}") {
        let of = |word: &str| format!("street={word} Street, city={word} City");
        let both = merged(
            kind("organization"),
            &[NAME],
            &[("billing_address", &of(&a))],
            &[("billing_address", &of(&b))],
        );
        let shown = both.says.json("billing_address");
        let street = shown["street"].as_str().unwrap().trim_end_matches(" Street");
        let city = shown["city"].as_str().unwrap().trim_end_matches(" City");
        prop_assert_eq!(street, city);
        prop_assert_eq!(contested(&both.says, "billing_address").len(), 2);
    }

    /// `WholeLowerShown`: of two amounts the lower is shown, with its own currency.
    #[test]
    fn of_two_amounts_the_lower_is_shown(a in 0..9000_i64, b in 9000..90_000_i64) {
        let of = |minor: i64, currency: &str| format!("minor={minor}, currency={currency}");
        let both = merged(
            kind("opportunity"),
            &DEAL,
            &[("estimated_value", &of(a, "EUR"))],
            &[("estimated_value", &of(b, "USD"))],
        );
        prop_assert_eq!(both.cell("estimated_value_minor"), Cell::Int(a));
        prop_assert_eq!(both.cell("estimated_value_currency"), Cell::Text("EUR".into()));
        prop_assert_eq!(contested(&both.says, "estimated_value").len(), 2);
    }

    /// `Text`: of words that two people put in the place of others, each stands whole, whatever they have
    /// in common with each other and with what stood there.
    #[test]
    fn words_that_two_put_in_one_place_stay_whole(
        words in prop::collection::vec("[ab]{1,6}", 3..9),
        a in prop::collection::vec("[ab]{1,6}", 1..5),
        b in prop::collection::vec("[ab]{1,6}", 1..5),
        at: prop::sample::Index,
    ) {
        let at = at.index(words.len());
        let put = |come: &[String]| [&words[..at], come, &words[at + 1..]].concat().join(" ") + " ";
        let (old, a, b) = (words.join(" ") + " ", put(&a), put(&b));
        let both = merged(
            kind("organization"),
            &[NAME, ("notes", &old)],
            &[("notes", &a)],
            &[("notes", &b)],
        );
        let Some(FieldState::Text(text)) = both.says.field("notes") else { panic!("notes are text") };
        for word in text.split(' ') {
            let known = [&old, &a, &b].iter().any(|text| text.split(' ').any(|one| one == word));
            prop_assert!(known, "{word:?} of {text:?} is nobody's");
        }
    }

    /// `Text`: what two people put into a note is all there, and nothing twice.
    #[test]
    fn both_additions_to_a_note_stay(a in "[a-z]{1,20}", b in "[A-Z]{1,20}") {
        let (before, behind) = (format!("{a} - Ask for the chef."), format!("Ask for the chef. - {b}"));
        let both = merged(
            kind("organization"),
            &[NAME, ("notes", "Ask for the chef.")],
            &[("notes", &before)],
            &[("notes", &behind)],
        );
        let Some(FieldState::Text(text)) = both.says.field("notes") else { panic!("notes are text") };
        prop_assert_eq!(text, &format!("{a} - Ask for the chef. - {b}"));
    }

    /// `Set`: what both add stays; who saw a key removes it for everybody.
    #[test]
    fn keys_of_both_are_in_the_set(a in "[a-m]{1,5}", b in "[n-z]{1,5}") {
        let organization = kind("organization");
        let first = [NAME, ("tags", "0patio")];
        let both =
            merged(organization, &first, &[("tags", "-0patio"), ("tags", &a)], &[("tags", &b)]);
        prop_assert_eq!(keys(&both.says, "tags"), vec![a.clone(), b]);
        let twice = merged(organization, &[NAME], &[("tags", &a)], &[("tags", &a)]);
        let gone = twice.then(&[("tags", &format!("-{a}"))]);
        prop_assert!(keys(&gone, "tags").is_empty());
    }

    /// `Set`: a key that one person takes away while another, who had taken it away, adds it again
    /// is there: adding wins.
    #[test]
    fn adding_wins_over_a_concurrent_removal(tag in "[a-z]{1,5}") {
        let organization = kind("organization");
        let (base, _) = created(organization, &[NAME, ("tags", &tag)], &pen(1, 1));
        let (mut a, mut b) = (base.clone(), base);
        let away = format!("-{tag}");
        edited(&mut a, organization, &[("tags", &away)], &pen(2, 2), &mut 0);
        edited(&mut b, organization, &[("tags", &away)], &pen(3, 3), &mut 0);
        edited(&mut b, organization, &[("tags", &tag)], &pen(3, 3), &mut 0);
        a.merge(&mut b).unwrap();
        prop_assert_eq!(keys(&hydrate(&a, organization), "tags"), vec![tag]);
    }

    /// `Fields`: entries of different names merge, each a register of its own.
    #[test]
    fn custom_fields_merge_by_name(a in "[a-z]{1,9}", b in "[a-z]{1,9}") {
        let both = merged(
            kind("organization"),
            &[NAME],
            &[("custom_fields.size", &a)],
            &[("custom_fields.seats", &b)],
        );
        let Some(FieldState::Map(map)) = both.says.field("custom_fields") else { panic!("a map") };
        prop_assert_eq!(map.get("size"), Some(&a));
        prop_assert_eq!(map.get("seats"), Some(&b));
    }

    /// `Fields`: of two values of one entry one is shown and both are in the record's conflicts,
    /// until somebody who saw both writes the entry, be it with what is shown.
    #[test]
    fn two_values_of_one_custom_field_are_a_conflict(a in "[a-z]{1,9}", b in "[A-Z]{1,9}") {
        let name = "custom_fields.gate";
        let both = merged(kind("organization"), &[NAME], &[(name, &a)], &[(name, &b)]);
        let Some(FieldState::Map(map)) = both.says.field("custom_fields") else { panic!("a map") };
        let shown = map["gate"].clone();
        let other = if shown == a { &b } else { &a };
        let listed = contested(&both.says, "custom_fields.gate");
        prop_assert_eq!(listed, [shown.as_str(), other.as_str()].map(serde_json::Value::from));
        prop_assert_eq!(both.cell("conflict_count"), Cell::Int(1));
        let settled = both.then(&[(name, &shown)]);
        prop_assert!(settled.conflicts.is_empty());
        let Some(FieldState::Map(map)) = settled.field("custom_fields") else { panic!("a map") };
        prop_assert_eq!(&map["gate"], &shown);
        let agreed = merged(kind("organization"), &[NAME], &[(name, &a)], &[(name, &a)]);
        prop_assert!(agreed.says.conflicts.is_empty());
    }

    /// `Log`: a task that was completed again and again, by one or by two, is open after somebody who
    /// saw that reopens it, and stays done for whoever's completion was not seen.
    #[test]
    fn a_reopening_takes_back_every_completion_that_it_saw(times in 1..5_usize, beside: bool) {
        let task = kind("task");
        let (mut doc, _) = created(task, &TASK, &pen(1, 1));
        let mut count = 0;
        let mut says = |doc: &mut Automerge, actor: u8, word: &str| {
            edited(doc, task, &[("completed", word)], &pen(2, actor), &mut count);
            let row = project(record(1), &hydrate(doc, task), Stamp::of_document(doc));
            let place = task.columns().iter().position(|c| c.name == "is_completed").unwrap();
            row[place].clone() == Cell::Bool(true)
        };
        for n in 0..times {
            prop_assert!(says(&mut doc, 2 + (n % 2) as u8, "yes"));
        }
        let mut other = doc.clone();
        prop_assert!(!says(&mut doc, 4, "no"));
        if beside {
            says(&mut other, 5, "yes");
            doc.merge(&mut other).unwrap();
            prop_assert!(says(&mut doc, 6, "yes"));
        }
        prop_assert!(!says(&mut doc, 6, "no"));
        prop_assert!(says(&mut doc, 6, "yes"));
    }

    /// `Log`: what two people noted is all there; the state follows from all of it.
    #[test]
    fn events_of_both_are_in_the_log(a in 0..4_usize, b in 0..4_usize) {
        let open = |n: usize| ["prospecting", "qualification", "proposal", "negotiation"][n];
        let both =
            merged(kind("opportunity"), &DEAL, &[("stage", open(a))], &[("stage", open(b))]);
        prop_assert_eq!(both.says.log("stage_log").unwrap().len(), 2);
        // Of two open stages the further one.
        prop_assert_eq!(both.cell("stage"), Cell::Text(open(a.max(b)).into()));
    }

    /// `Derived`: a weighted value is a function of what the record says.
    #[test]
    fn a_weighted_value_follows_from_value_and_probability(
        minor in 0..1_000_000_i64,
        percent in 0..=100_i64,
    ) {
        let (value, percent_text) = (format!("minor={minor}, currency=USD"), percent.to_string());
        let both = merged(
            kind("opportunity"),
            &DEAL,
            &[("estimated_value", &value)],
            &[("probability_override", &percent_text)],
        );
        prop_assert_eq!(both.cell("probability"), Cell::Int(percent));
        prop_assert_eq!(both.cell("weighted_value_minor"), Cell::Int(minor * percent / 100));
    }

    /// `Once`: of several departures noted at once the first is shown and the others are listed; nobody
    /// who sees one writes another, and nobody clears it.
    #[test]
    fn of_two_departures_the_first_noted_is_shown(
        left in 0..3_i64,
        right in 0..3_i64,
        busy in any::<bool>(),
    ) {
        let (left, right) = ((NOW.0 - left).to_string(), (NOW.0 - right).to_string());
        let mut first = vec![("check_out.at_ms", left.as_str())];
        if busy {
            // One operation more before it, so that its own counts further.
            first.insert(0, ("subject", "Tasting"));
        }
        let interaction = kind("interaction");
        let second = [("check_out.at_ms", right.as_str())];
        let Merged { mut doc, says, .. } = merged(interaction, &VISIT, &first, &second);
        let (shown, other) = if busy { (&right, &left) } else { (&left, &right) };
        let value = |text: &str| serde_json::json!({ "at_ms": text.parse::<i64>().unwrap() });
        prop_assert_eq!(says.json("check_out"), value(shown));
        let listed = if left == right { vec![] } else { vec![value(shown), value(other)] };
        prop_assert_eq!(contested(&says, "check_out"), listed);
        for pairs in [[("check_out.at_ms", "7")], [("check_out.lat", "1")], [("check_out", "")]] {
            let edit = crate::kit::edit(interaction, &pairs);
            let mint = &mut || unreachable!("no event is written");
            let outcome = sync_core::document::edit(&mut doc, &says, &edit, &pen(4, 4), mint);
            prop_assert_eq!(outcome.unwrap_err(), EditError::Written { field: "check_out" });
        }
        // To say what stands is no edit, and does not settle anything.
        let again = [("check_out.at_ms", shown.as_str())];
        prop_assert_eq!(edited(&mut doc, interaction, &again, &pen(4, 4), &mut 0), None);
        prop_assert_eq!(hydrate(&doc, interaction), says);
    }

    /// `Immutable`: what was written when the record began is not written again.
    #[test]
    fn what_began_a_record_is_not_edited(day in 1..28_u8) {
        let organization = kind("organization");
        let (mut doc, _) = created(organization, &[NAME], &pen(1, 1));
        let before = hydrate(&doc, organization);
        let value = Value::Str(format!("2030-05-{day:02}T00:00:00Z"));
        let field = organization.field("created_at").unwrap();
        let edit = sync_core::document::RecordEdit {
            changes: vec![(field.clone(), sync_core::document::FieldChange::Set(value))],
        };
        let outcome = sync_core::document::edit(
            &mut doc, &before, &edit, &pen(2, 2), &mut || unreachable!("no event is written"),
        );
        prop_assert_eq!(outcome.unwrap_err(), EditError::Immutable { field: "created_at" });
        prop_assert_eq!(hydrate(&doc, organization), before);
    }
}
