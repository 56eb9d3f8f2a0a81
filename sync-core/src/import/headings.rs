//! What other programs and people call the fields: guesses, which whoever imports may overrule.
//!
//! The names are compared without case, blanks and signs. Of several columns the one whose name stands
//! first here is taken; columns whose values lie side by side in one field are taken together.

use crate::document::without_accent;

use super::asks::WhyNot;
use super::known::{
    CONTACT, INTERACTION, Known, LEFT_OUT, OPPORTUNITY, ORGANIZATION, PRODUCT, TASK,
};
use crate::schema::{FieldType, Kind, Presence, Schema, Storage, Writer};

/// A heading in the form in which headings are compared: without case, accents, blanks and signs.
pub(super) fn key(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '%' | '@');
    heading.chars().filter(kept).flat_map(char::to_lowercase).map(without_accent).collect()
}

fn known(kind: &str) -> &'static [Known] {
    match kind {
        "organization" => ORGANIZATION,
        "contact" => CONTACT,
        "opportunity" => OPPORTUNITY,
        "interaction" => INTERACTION,
        "task" => TASK,
        _ => &[],
    }
}

/// Why a heading that is known is not taken.
pub(super) fn left_out(heading: &str) -> Option<WhyNot> {
    let wanted = key(heading);
    let found = LEFT_OUT.iter().find(|(_, names)| names.iter().any(|name| key(name) == wanted));
    found.and_then(|(group, _)| WhyNot::known(group))
}

/// Columns side by side whose values make one.
pub(super) fn joins(target: &str) -> bool {
    target.ends_with("_address.street")
        || matches!(
            target,
            "phones"
                | "emails"
                | "tags"
                | "organization_id"
                | "estimated_value"
                | "occurred_at"
                | "stage"
                | "account.street"
        )
}

/// What the columns of these headings are for, as targets by column.
pub(super) fn guess(kind: &Kind, headings: &[String]) -> Vec<Option<String>> {
    let keys: Vec<String> = headings.iter().map(|heading| key(heading)).collect();
    let mut targets: Vec<Option<String>> = vec![None; keys.len()];
    let mut give = |target: &str, names: &[&str]| {
        for name in names {
            let wanted = key(name);
            for (column, key) in keys.iter().enumerate() {
                let taken = targets.iter().flatten().any(|other| other == target);
                if *key == wanted && targets[column].is_none() && (!taken || joins(target)) {
                    targets[column] = Some(target.to_owned());
                }
            }
        }
    };
    for (target, names) in known(kind.name) {
        let stem = target.split('.').next().unwrap_or(target);
        let is_field = kind.field(stem).is_some();
        let is_event = matches!(*target, "organization_id" | "stage" | "status" | "completed");
        if is_field || is_event || matches!(stem, "account" | "full_name") {
            give(target, names);
        }
    }
    for field in kind.fields.iter().filter(|field| field.writer == Writer::Anyone) {
        let own = ["created_at", "created_by", "life", "user_id"].contains(&field.name);
        if !own && !matches!(field.ty, FieldType::Parts(_) | FieldType::Fields | FieldType::Log(_))
        {
            give(field.name, &[field.name]);
        }
        if let FieldType::Parts(parts) = field.ty {
            for part in parts {
                let column = format!("{}.{}", field.name, part.name);
                give(&column, &[&column]);
            }
        }
    }
    targets
}

/// Where columns of records of this kind may go, those that are known by other names first.
pub(super) fn targets(kind: &Kind) -> Vec<String> {
    let mut all: Vec<String> =
        known(kind.name).iter().map(|(target, _)| (*target).to_owned()).collect();
    for field in kind.fields.iter().filter(|field| field.writer == Writer::Anyone) {
        let own = ["created_at", "created_by", "life", "user_id"].contains(&field.name);
        let name = field.name.to_owned();
        if !own && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// How many of these headings are known for a kind, and whether what it needs is among them.
fn score(kind: &Kind, headings: &[String]) -> (bool, usize) {
    let targets = guess(kind, headings);
    let has = |name: &str| {
        targets
            .iter()
            .flatten()
            .any(|target| target == name || (target == "full_name" && name == "last_name"))
    };
    let own = ["created_at", "created_by", "user_id"];
    let needs = kind.fields.iter().filter(|field| field.required == Presence::Required);
    let complete = needs.filter(|field| !own.contains(&field.name)).all(|field| has(field.name));
    (complete, targets.iter().flatten().count())
}

/// How many of these cells are headings that are known for any kind.
pub(super) fn known_headings(schema: &Schema, cells: &[String]) -> usize {
    let kinds = schema.kinds().iter().filter(|kind| kind.storage == Storage::Document);
    let best = kinds.map(|kind| guess(kind, cells).iter().flatten().count()).max().unwrap_or(0);
    best.max(products(cells)) + cells.iter().filter(|cell| left_out(cell).is_some()).count()
}

fn products(headings: &[String]) -> usize {
    headings.iter().filter(|one| PRODUCT.iter().any(|name| key(name) == key(one))).count()
}

/// Whether this is a list of products.
pub(super) fn are_products(schema: &Schema, headings: &[String]) -> bool {
    let kinds = schema.kinds().iter().filter(|kind| kind.storage == Storage::Document);
    let best = kinds.map(|kind| score(kind, headings)).max().unwrap_or_default();
    products(headings) >= 3 && !best.0
}

/// The kind of record that these headings speak of.
pub(super) fn guess_kind(schema: &Schema, headings: &[String]) -> Option<Kind> {
    let kinds = schema.kinds().iter().filter(|kind| !known(kind.name).is_empty());
    let scored = kinds.map(|kind| (score(kind, headings), kind));
    let best = scored.fold(None, |best: Option<((bool, usize), &Kind)>, one| match best {
        Some(best) if best.0 >= one.0 => Some(best),
        _ => Some(one),
    });
    best.filter(|((complete, count), _)| *complete && *count > 0).map(|(_, kind)| kind.clone())
}
