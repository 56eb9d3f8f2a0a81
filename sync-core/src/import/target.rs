//! Where a column goes.

use crate::schema::{Field, FieldType, Kind, PartType, Presence, SetOf, Writer};

/// Where a column goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// A field, or a part of one, or an event of a log, by the name that `RecordEdit::parse` takes.
    Words(Field),
    /// A day, or a moment.
    Days(Field),
    /// An amount, and beside it its currency.
    Money(Field),
    /// Keys of a set.
    Keys(Field, SetOf),
    /// Another record, of this kind.
    Link(Field, &'static str),
    /// A custom field of this name.
    Entry(String),
    /// A name of a person in one cell.
    FullName,
    /// What helps to tell accounts of one name apart, and is written to one that is created.
    Account(&'static str),
}

/// The parts of an account's address.
const ADDRESS: &[&str] = &["street", "city", "state", "postal_code", "country"];

impl Target {
    /// The target of this name.
    ///
    /// Says what is wrong with it.
    pub(super) fn named(kind: &Kind, name: &str) -> Result<Self, String> {
        if name == "full_name" && kind.field("last_name").is_some() {
            return Ok(Self::FullName);
        }
        for field in &kind.fields {
            if let FieldType::Log(log) = field.ty
                && log.typed.is_some_and(|typed| typed.names.contains(&name))
            {
                let link = name == "organization_id";
                return Ok(if link {
                    Self::Link(field.clone(), "organization")
                } else {
                    Self::Words(field.clone())
                });
            }
        }
        let (stem, part) = match name.split_once('.') {
            Some((stem, part)) => (stem, Some(part)),
            None => (name, None),
        };
        if stem == "account" {
            let part = ADDRESS.iter().find(|known| Some(**known) == part);
            return part.map(|part| Self::Account(part)).ok_or_else(|| unknown(kind, name));
        }
        let field = kind.field(stem).ok_or_else(|| unknown(kind, name))?;
        if field.writer == Writer::Server {
            return Err(format!("{stem} is written by the server only"));
        }
        match (field.ty, part) {
            (FieldType::Fields, Some(key)) if !key.is_empty() => Ok(Self::Entry(key.to_owned())),
            (FieldType::Parts(parts), Some(part)) => {
                let part = parts.iter().find(|known| known.name == part);
                match part.ok_or_else(|| unknown(kind, name))?.ty {
                    PartType::Date => Ok(Self::Days(field.clone())),
                    _ => Ok(Self::Words(field.clone())),
                }
            }
            (FieldType::Parts(parts), None) if parts.iter().any(|part| part.name == "currency") => {
                Ok(Self::Money(field.clone()))
            }
            (FieldType::Ref { kind }, None) => Ok(Self::Link(field.clone(), kind)),
            (FieldType::Set(of), None) => Ok(Self::Keys(field.clone(), of)),
            (FieldType::Date | FieldType::Instant, None) => Ok(Self::Days(field.clone())),
            (FieldType::Log(_) | FieldType::Fields, None) => Err(unknown(kind, name)),
            (_, None) => Ok(Self::Words(field.clone())),
            (_, Some(_)) => Err(unknown(kind, name)),
        }
    }

    /// Whether a record would say something false without the cell: it needs the field, or shows a state
    /// of its own where none is written.
    pub(super) fn is_essential(&self) -> bool {
        let (Self::Words(field) | Self::Days(field) | Self::Link(field, _)) = self else {
            return false;
        };
        let log = matches!(field.ty, FieldType::Log(_)) && !matches!(self, Self::Link(..));
        log || field.required == Presence::Required
    }
}

fn unknown(kind: &Kind, name: &str) -> String {
    let fields = kind.fields.iter().filter(|field| field.writer == Writer::Anyone);
    let names: Vec<&str> = fields.map(|field| field.name).collect();
    format!("{} has no field \"{name}\" to import into; it has {}", kind.name, names.join(", "))
}
