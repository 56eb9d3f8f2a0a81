//! Accounts that a row is probably about already: a hint by which whoever imports decides.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value as Json;

use super::names;
use crate::ids::RecordId;
use crate::schema::Kind;

/// A row whose account is probably there already: on this device, or further up in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The row's line.
    pub line: u64,
    /// What it is called.
    pub name: String,
    /// The account that it is like; none for a row further up.
    pub id: Option<RecordId>,
    /// What that one is called.
    pub other: String,
    /// What they have in common.
    pub by: Common,
}

/// What two accounts have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Common {
    /// A telephone number.
    Phone,
    /// The name and the city.
    Name,
}

impl Common {
    /// Its word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Name => "name",
        }
    }
}

/// An account as far as it is compared.
#[derive(Clone, Debug)]
struct Known {
    id: Option<RecordId>,
    /// The line of a row further up.
    line: u64,
    name: String,
}

/// What a row says of its account.
pub(super) struct Looks {
    pub(super) line: u64,
    pub(super) name: String,
    pub(super) phones: Vec<String>,
    pub(super) city: String,
}

/// The accounts that are there, by what they have in common with others.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    by_phone: HashMap<String, Known>,
    by_name: HashMap<String, Known>,
}

impl Accounts {
    /// The statement whose rows [`Accounts::of`] reads.
    pub(super) fn statement(kind: &Kind) -> String {
        format!(
            "SELECT id, name, phones, billing_address_city, shipping_address_city FROM {} \
             WHERE NOT is_deleted AND merged_into IS NULL ORDER BY id DESC",
            kind.table
        )
    }

    pub(super) fn of(rows: &[Vec<Json>]) -> Self {
        let mut all = Self::default();
        for row in rows {
            let text = |index: usize| row.get(index).and_then(Json::as_str).unwrap_or_default();
            let Ok(id) = text(0).parse::<RecordId>() else { continue };
            let known = Known { id: Some(id), line: 0, name: text(1).to_owned() };
            let phones: Vec<String> = serde_json::from_str(text(2)).unwrap_or_default();
            for phone in phones {
                all.by_phone.insert(digits(&phone), known.clone());
            }
            for city in [text(3), text(4)] {
                all.by_name.insert(name_in(&known.name, city), known.clone());
            }
        }
        all
    }

    /// The account that a row is probably about.
    pub(super) fn find(&self, row: &Looks) -> Option<Alike> {
        let phone = row.phones.iter().find_map(|phone| self.by_phone.get(&digits(phone)));
        let by_phone = phone.map(|known| (known, Common::Phone));
        let by_name = || Some((self.by_name.get(&name_in(&row.name, &row.city))?, Common::Name));
        let (known, by) = by_phone.or_else(by_name)?;
        let (line, name) = (row.line, row.name.clone());
        Some(Alike { line, name, id: known.id, other: known.name.clone(), by })
    }

    /// Rows further down may be about the same account as this one.
    pub(super) fn add(&mut self, row: &Looks) {
        let known = Known { id: None, line: row.line, name: row.name.clone() };
        for phone in &row.phones {
            self.by_phone.entry(digits(phone)).or_insert_with(|| known.clone());
        }
        self.by_name.entry(name_in(&row.name, &row.city)).or_insert(known);
    }

    pub(super) fn forget(&mut self, lines: &BTreeSet<u64>) {
        self.by_phone.retain(|_, known| !lines.contains(&known.line));
        self.by_name.retain(|_, known| !lines.contains(&known.line));
    }
}

fn name_in(name: &str, city: &str) -> String {
    format!("{}|{}", names::key(name), names::key(city))
}

/// A number's digits without its extension and the country code of North America, which lists have or have
/// not.
fn digits(phone: &str) -> String {
    let number = phone.split('x').next().unwrap_or(phone);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix('1') {
        Some(rest) if rest.len() == 10 => rest.to_owned(),
        _ => digits,
    }
}
