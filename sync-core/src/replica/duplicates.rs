//! Which records here may be the same as one that somebody is about to make.
//!
//! It is a hint for people: chains have branches of one name, and neighbours share a house. Nothing is refused
//! for it.

use serde_json::Value as Json;

use super::device::Replica;
use super::env::{Env, draw};
use super::store::QueryError;
use crate::cell::Cell;
use crate::document::{
    self, Pen, PenRole, RecordEdit, create, likeness, normalise_key, plain_name,
};
use crate::ids::{EventId, RecordId};
use crate::projection::project;
use crate::schema::{Alike, Kind};

/// Names that are as alike as this are told; those in one postal code when they are as alike as the second.
const SIMILAR: f64 = 0.6;
const SIMILAR_HERE: f64 = 0.4;
/// Metres within which two may be one.
const NEAR_M: f64 = 150.0;
const EARTH_M: f64 = 6_371_000.0;

/// What is known of a record that is about to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Likeness {
    /// Its name.
    pub name: String,
    /// Its telephone numbers.
    pub phones: Vec<String>,
    /// Its postal code.
    pub postal_code: Option<String>,
    /// Where it stands: degrees of latitude and longitude.
    pub position: Option<(f64, f64)>,
}

/// A record that may be the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicate {
    /// The record.
    pub id: RecordId,
    /// Its name.
    pub title: String,
    /// What tells it from others of that name, such as its city.
    pub subtitle: String,
    /// How likely, from 0 on: for putting them in order and nothing else.
    pub score: f64,
    /// Why.
    pub why: Vec<Why>,
    /// How far away it is, where both positions are known.
    pub metres: Option<f64>,
}

/// Why two records may be the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// They share a telephone number.
    SamePhone,
    /// They have the same name, however it is spelled.
    SameName,
    /// Their names are alike.
    SimilarName,
    /// They are in one postal code.
    SamePostalCode,
    /// They stand within 150 metres of each other.
    Near,
}

impl Why {
    /// Its word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SamePhone => "same_phone",
            Self::SameName => "same_name",
            Self::SimilarName => "similar_name",
            Self::SamePostalCode => "same_postal_code",
            Self::Near => "near",
        }
    }

    /// The same for people.
    pub fn said(self) -> &'static str {
        match self {
            Self::SamePhone => "same telephone number",
            Self::SameName => "same name",
            Self::SimilarName => "similar name",
            Self::SamePostalCode => "same postal code",
            Self::Near => "within 150 metres",
        }
    }
}

impl Duplicate {
    /// Whether more than a name that is somewhat alike, or a house next door, speaks for it.
    pub fn is_likely(&self) -> bool {
        let has = |why| self.why.contains(&why);
        let named = has(Why::SameName) || has(Why::SimilarName);
        has(Why::SamePhone) || named && (self.why.len() > 1 || has(Why::SameName))
    }
}

impl Replica {
    /// The records of a kind that may be the same as one that is about to be made, the likeliest first. Deleted
    /// and replaced ones are left out; of a kind whose records are not compared there are none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn duplicates(
        &self,
        kind: &Kind,
        of: &Likeness,
        most: usize,
    ) -> Result<Vec<Duplicate>, QueryError> {
        let Some(alike) = kind.alike else { return Ok(Vec::new()) };
        let wanted = Wanted::of(kind, &alike, of);
        let table = self.query(&rows_sql(kind, &alike))?;
        let mut found: Vec<Duplicate> =
            table.rows.iter().filter_map(|row| wanted.compare(row)).collect();
        found.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then_with(|| one.id.cmp(&other.id))
        });
        found.truncate(most);
        Ok(found)
    }

    /// What an edit that begins a record says of it; none when that does not fit, or of a kind whose records are
    /// not compared.
    pub fn likeness(&self, kind: &Kind, edit: &RecordEdit, env: &mut dyn Env) -> Option<Likeness> {
        let alike = kind.alike?;
        let now = env.now();
        let pen = Pen { actor: self.actor, author: self.user(), now, role: PenRole::Device };
        let id = self.mint_id(env);
        let (first, _) = document::split(edit);
        let mut mint = || EventId::mint(now, draw(env));
        let (doc, _) = create(kind, id, &first, &pen, &mut mint).ok()?;
        let row = project(id, &document::hydrate(&doc, kind), None);
        let cell = |name: &str| {
            let place = kind.columns().iter().position(|column| column.name == name);
            place.and_then(|place| row.get(place)).cloned().unwrap_or(Cell::Null)
        };
        let degrees =
            |name| if let Cell::Float(degrees) = cell(name) { Some(degrees) } else { None };
        let (lat, lng) = alike.position;
        Some(Likeness {
            name: cell(alike.name).into_text()?,
            phones: if let Cell::List(keys) = cell(alike.phones) { keys } else { Vec::new() },
            postal_code: alike.postal_codes.iter().find_map(|name| cell(name).into_text()),
            position: degrees(lat).zip(degrees(lng)),
        })
    }
}

/// Name, numbers, codes, position, and what else is told.
fn rows_sql(kind: &Kind, alike: &Alike) -> String {
    let (lat, lng) = alike.position;
    format!(
        "SELECT id, {}, {}, {lat}, {lng}, {}, {} FROM {} WHERE is_deleted IS NOT TRUE AND {} IS NULL",
        alike.name,
        alike.phones,
        kind.subtitle.unwrap_or("NULL"),
        alike.postal_codes.join(", "),
        kind.table,
        alike.replaced,
    )
}

/// What is looked for, in the form in which it is compared.
struct Wanted {
    name: String,
    phones: Vec<String>,
    postal_code: Option<String>,
    position: Option<(f64, f64)>,
}

impl Wanted {
    fn of(kind: &Kind, alike: &Alike, of: &Likeness) -> Self {
        let field = kind.field(alike.phones);
        let normal = |phone: &String| normalise_key(field?, phone).ok();
        Self {
            name: plain_name(&of.name),
            phones: of.phones.iter().filter_map(normal).map(|phone| tail(&phone)).collect(),
            postal_code: of.postal_code.as_deref().map(plain_code),
            position: of.position,
        }
    }

    /// Whether a row may be the same, and why.
    fn compare(&self, row: &[Json]) -> Option<Duplicate> {
        let [id, name, phones, lat, lng, subtitle, codes @ ..] = row else { return None };
        let (title, text) = (name.as_str()?, |cell: &Json| cell.as_str().map(str::to_owned));
        let similar = likeness(&self.name, &plain_name(title));
        let mut why = Vec::new();
        let known: Vec<String> =
            text(phones).and_then(|keys| serde_json::from_str(&keys).ok()).unwrap_or_default();
        if known.iter().any(|phone| self.phones.contains(&tail(phone))) {
            why.push(Why::SamePhone);
        }
        let here = codes.iter().filter_map(Json::as_str).map(plain_code);
        let here = here.into_iter().any(|code| self.postal_code.as_ref() == Some(&code));
        if similar >= 1.0 {
            why.push(Why::SameName);
        } else if similar >= if here { SIMILAR_HERE } else { SIMILAR } {
            why.push(Why::SimilarName);
        }
        let metres = self.position.zip(lat.as_f64().zip(lng.as_f64())).map(|(a, b)| metres(a, b));
        if metres.is_some_and(|metres| metres <= NEAR_M) {
            why.push(Why::Near);
        }
        if why.is_empty() {
            return None;
        }
        if here {
            why.push(Why::SamePostalCode);
        }
        let weight = |why: &Why| match why {
            Why::SamePhone => 1.5,
            Why::Near => 0.5,
            Why::SamePostalCode => 0.3,
            Why::SameName | Why::SimilarName => 0.0,
        };
        Some(Duplicate {
            id: text(id)?.parse().ok()?,
            title: title.to_owned(),
            subtitle: text(subtitle).unwrap_or_default(),
            score: similar + why.iter().map(weight).sum::<f64>(),
            why,
            metres,
        })
    }
}

/// The last digits of a number without its extension: prefixes are written in several ways.
fn tail(phone: &str) -> String {
    const DIGITS: usize = 9;
    let number = phone.split('x').next().unwrap_or_default();
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(DIGITS)..].iter().collect()
}

fn plain_code(code: &str) -> String {
    code.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// The way over the earth, which is a ball at this distance.
fn metres((lat, lng): (f64, f64), (other_lat, other_lng): (f64, f64)) -> f64 {
    let (dy, dx) = ((other_lat - lat).to_radians(), (other_lng - lng).to_radians());
    let (a, b) = (lat.to_radians(), other_lat.to_radians());
    let half = (dy / 2.0).sin().powi(2) + a.cos() * b.cos() * (dx / 2.0).sin().powi(2);
    2.0 * EARTH_M * half.sqrt().asin()
}
