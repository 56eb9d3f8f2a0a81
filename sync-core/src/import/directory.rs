//! The records that cells refer to: by id, by the id of another program, by name.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::names;
use crate::ids::RecordId;
use crate::schema::{Kind, Storage};

/// Records of one kind, as they are referred to.
#[derive(Debug, Default)]
pub(super) struct Directory {
    ids: BTreeSet<RecordId>,
    by_source: HashMap<String, Vec<RecordId>>,
    by_name: HashMap<String, Vec<RecordId>>,
    by_email: HashMap<String, Vec<RecordId>>,
    account: HashMap<RecordId, String>,
    places: HashMap<RecordId, Place>,
}

/// Where an account is, as far as that tells it from another of its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) city: String,
    pub(super) postal_code: String,
}

/// What a cell refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    One(RecordId),
    /// One of several of that name, told by where it is.
    ByPlace(RecordId),
    None,
    Several(usize),
}

impl Directory {
    /// The statement whose rows [`Directory::of`] reads.
    pub(super) fn statement(kind: &Kind) -> String {
        let has = |name: &str| kind.columns().iter().any(|column| column.name == name);
        let column = |name: &str| if has(name) { name.to_owned() } else { "NULL".to_owned() };
        let source = match has("custom_fields") {
            true => "json_extract(custom_fields, '$.source_id')".to_owned(),
            false => "NULL".to_owned(),
        };
        let title = match (kind.title, has("full_name")) {
            (Some(title), _) => title.to_owned(),
            (None, true) => "full_name".to_owned(),
            (None, false) => column("name"),
        };
        format!(
            "SELECT id, {title}, {source}, {}, {}, {}, {} FROM {} WHERE {} ORDER BY id",
            column("emails"),
            column("organization_id"),
            column("billing_address_city"),
            column("billing_address_postal_code"),
            kind.table,
            if kind.storage == Storage::Document { "NOT is_deleted" } else { "1" },
        )
    }

    pub(super) fn of(rows: &[Vec<Json>]) -> Self {
        let mut directory = Self::default();
        for row in rows {
            let text =
                |index: usize| row.get(index).and_then(Json::as_str).unwrap_or_default().to_owned();
            let Ok(id) = text(0).parse::<RecordId>() else { continue };
            directory.add(id, &text(1), &text(2));
            let emails: Vec<String> = serde_json::from_str(&text(3)).unwrap_or_default();
            for email in emails {
                directory.by_email.entry(email).or_default().push(id);
            }
            directory.account.insert(id, text(4));
            directory.place(id, Place { city: text(5), postal_code: text(6) });
        }
        directory
    }

    /// Adds a record that is about to be.
    pub(super) fn add(&mut self, id: RecordId, name: &str, source: &str) {
        self.ids.insert(id);
        if !name.trim().is_empty() {
            self.by_name.entry(names::key(name)).or_default().push(id);
        }
        if !source.is_empty() {
            self.by_source.entry(source.to_owned()).or_default().push(id);
        }
    }

    pub(super) fn place(&mut self, id: RecordId, place: Place) {
        self.places.insert(id, place);
    }

    /// What a cell refers to; of contacts and deals, those of this account alone where it is known.
    pub(super) fn find(&self, text: &str, within: Option<RecordId>, at: &Place) -> Found {
        let text = text.trim();
        if let Ok(id) = text.parse::<RecordId>()
            && self.ids.contains(&id)
        {
            return Found::One(id);
        }
        let sources = self.by_source.get(text);
        let emails = || self.by_email.get(&text.to_lowercase());
        let named = || self.by_name.get(&names::key(text));
        let all = sources.or_else(emails).or_else(named);
        let mut all = all.cloned().unwrap_or_default();
        all.dedup();
        if let Some(account) = within.filter(|_| all.len() > 1) {
            let account = account.to_string();
            let there: Vec<RecordId> =
                all.iter().copied().filter(|id| self.account.get(id) == Some(&account)).collect();
            if !there.is_empty() {
                all = there;
            }
        }
        match all.as_slice() {
            [] => Found::None,
            [one] => Found::One(*one),
            several => {
                match several.iter().filter(|id| self.is_at(**id, at)).collect::<Vec<_>>()[..] {
                    [one] => Found::ByPlace(*one),
                    _ => Found::Several(several.len()),
                }
            }
        }
    }

    /// Whether an account is surely there: its postal code, which a spreadsheet may have taken noughts
    /// from, or its city.
    fn is_at(&self, id: RecordId, at: &Place) -> bool {
        let Some(place) = self.places.get(&id) else { return false };
        let code = |text: &str| text.trim_matches('\'').trim_start_matches('0').to_uppercase();
        let (wanted, there) = (code(&at.postal_code), code(&place.postal_code));
        if !wanted.is_empty() && !there.is_empty() {
            return wanted == there;
        }
        let city = names::key(&at.city);
        !city.is_empty() && city == names::key(&place.city)
    }
}
