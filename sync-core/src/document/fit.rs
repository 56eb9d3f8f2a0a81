//! What may be written: one answer for the device, which asks when somebody makes an edit, and for the
//! guard, which asks of every change that comes. Each question goes by the field's declaration, and each
//! answer names the field, the entry and the limit.
//!
//! Knows nothing of who may write: that is the rows' policies.
//!
//! **Invariant**: what a device writes, the guard takes; and what the guard refuses for its form, no
//! device writes.

use automerge::ScalarValue;

use super::email;
use super::form::{allowed, no_word, text_problem};
use super::phone;
use super::reading::read_scalar;
use super::value::{Value, ValueError, clip};
use crate::event::Event;
use crate::ids::{self, EventId, RecordId, UserId};
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul};
use crate::schema::{Field, FieldType, Initial, Kind, Log, Part, PartType, SetOf, Tense};
use crate::time::UnixMs;

fn wrong<T>(field: &Field, problem: String) -> Result<T, ValueError> {
    Err(ValueError::new(field.name, problem, allowed(field)))
}

/// A value for a register or `Whole` of this record.
///
/// # Errors
/// Says what is wrong with it.
pub fn value(field: &Field, value: &Value, own: (&Kind, RecordId)) -> Result<(), ValueError> {
    if *value == Value::Null {
        return Ok(());
    }
    let scalar = value.to_scalar();
    check_size(field, &scalar)?;
    // Read back, so that a value of another type is no value of the field.
    let read = read_scalar(field, &scalar).or_else(|problem| wrong(field, problem))?;
    check_reference(field, &read, own)
}

/// A scalar that a change writes to a register or `Whole` of this record. A word that only a newer app
/// knows is kept as it is, and shown as other.
///
/// # Errors
/// Says what is wrong with it.
pub fn scalar(
    field: &Field,
    scalar: &ScalarValue,
    own: (&Kind, RecordId),
) -> Result<(), ValueError> {
    check_size(field, scalar)?;
    if let (FieldType::Choice { .. }, ScalarValue::Str(word)) = (field.ty, scalar) {
        let kept = !word.trim().is_empty() && text_problem(word, limits::WORD_CHARS).is_none();
        return if kept { Ok(()) } else { wrong(field, no_word(word)) };
    }
    let read = read_scalar(field, scalar).or_else(|problem| wrong(field, problem))?;
    check_reference(field, &read, own)
}

fn check_size(field: &Field, scalar: &ScalarValue) -> Result<(), ValueError> {
    let bytes = scalar_bytes(scalar);
    if bytes <= limits::SCALAR_BYTES {
        return Ok(());
    }
    let allowed = format!("{}, and {} bytes in all", allowed(field), limits::SCALAR_BYTES);
    Err(ValueError::new(field.name, format!("takes {bytes} bytes"), allowed))
}

/// Nothing is its own parent.
fn check_reference(
    field: &Field,
    value: &Value,
    (own, record): (&Kind, RecordId),
) -> Result<(), ValueError> {
    let names_itself = || value.to_scalar().as_str() == Some(&*record.to_string());
    match field.ty {
        FieldType::Ref { kind } if kind == own.name && names_itself() => {
            wrong(field, "is the record itself".into())
        }
        _ => Ok(()),
    }
}

/// What is said of a new record by its beginning alone: its author, and when it happened. A moment may
/// be claimed, but not one that lies ahead.
///
/// # Errors
/// Says what is wrong with it.
pub fn claim(field: &Field, value: &Value, author: UserId, now: UnixMs) -> Result<(), Claim> {
    let misfit = |problem: String, allowed: &str| ValueError::new(field.name, problem, allowed);
    match value {
        Value::Str(by) if field.initial == Initial::Author && *by != author.to_string() => {
            let problem = format!("\"{}\" is somebody else", clip(by));
            Err(Claim::Author(misfit(problem, "the signed-in user")))
        }
        Value::Instant(at) if is_past(field) && lies_ahead(*at, now) => {
            Err(Claim::Moment(misfit(format!("{at} lies ahead"), "a moment that has come")))
        }
        Value::Parts(parts) => {
            let noted = moments(field).filter_map(|name| parts.get(name)?.as_i64().map(UnixMs));
            match noted.into_iter().find(|at| was_never_noted(*at, now)) {
                Some(at) => Err(Claim::Moment(misfit(
                    format!("{at} was never noted by a device"),
                    "a moment since 2015 that has come",
                ))),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Whether no device can have noted that moment as the present. One whose clock was never set may say what
/// it will: it is dated anew before anything of it is sent.
pub fn was_never_noted(at: UnixMs, now: UnixMs) -> bool {
    lies_ahead(at, now) || at < limits::EARLIEST && now >= limits::EARLIEST
}

/// The parts of a field in which a device notes when something happened.
pub fn moments(field: &Field) -> impl Iterator<Item = &'static str> + use<> {
    let parts: &'static [Part] = match field.ty {
        FieldType::Parts(parts) => parts,
        _ => &[],
    };
    parts.iter().filter(|part| part.ty == PartType::Moment).map(|part| part.name)
}

/// Why a claim is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is about somebody else.
    Author(ValueError),
    /// Its moment has not come, or was long before there were devices.
    Moment(ValueError),
}

impl From<Claim> for ValueError {
    fn from(claim: Claim) -> Self {
        match claim {
            Claim::Author(error) | Claim::Moment(error) => error,
        }
    }
}

/// Whether a field says what has happened.
pub fn is_past(field: &Field) -> bool {
    field.tense == Tense::Past
}

/// Whether a moment lies further ahead than clocks differ.
pub fn lies_ahead(at: UnixMs, now: UnixMs) -> bool {
    at.0 > now.0.saturating_add(limits::FUTURE_CLAIM_MS)
}

/// The form under which a key enters a set or a map, so that two spellings of one value are one key.
///
/// # Errors
/// When the key is empty, too long or not of the set's type.
pub fn normalise_key(field: &Field, key: &str) -> Result<String, ValueError> {
    let key = key.trim();
    let normal = match field.ty {
        FieldType::Set(SetOf::Emails) => match email::normal(key) {
            Some(mail) => mail,
            None => return wrong(field, format!("\"{}\" is not an e-mail address", clip(key))),
        },
        FieldType::Set(SetOf::Phones) => match phone::normal(key) {
            Some(number) => number,
            None => return wrong(field, format!("\"{}\" is not a telephone number", clip(key))),
        },
        FieldType::Set(SetOf::Ids) => {
            let id = key.to_ascii_lowercase();
            if !ids::is_canonical(&id) {
                return wrong(field, format!("\"{}\" is not an id", clip(key)));
            }
            id
        }
        _ => key.to_owned(),
    };
    key_problem(&normal).map_or(Ok(normal), |problem| wrong(field, problem))
}

/// A key of a set or map as a change writes it.
///
/// # Errors
/// When it is not in its one form.
pub fn exact_key(field: &Field, key: &str) -> Result<(), ValueError> {
    match normalise_key(field, key)? {
        normal if normal == key => Ok(()),
        normal => wrong(field, format!("\"{}\" is written \"{}\"", clip(key), clip(&normal))),
    }
}

/// What is wrong with a key of any container, if anything.
pub fn key_problem(key: &str) -> Option<String> {
    match key.len() {
        0 => Some("an entry without a name".into()),
        n if n > limits::KEY_BYTES => {
            let most = limits::KEY_BYTES;
            Some(format!("\"{}\" has {n} bytes, and an entry at most {most}", clip(key)))
        }
        _ => holds_nul(key).then(|| NUL_PROBLEM.into()),
    }
}

/// A custom field.
///
/// # Errors
/// Names the entry.
pub fn entry(field: &Field, key: &str, text: &str) -> Result<(), ValueError> {
    let problem = if holds_nul(text) {
        NUL_PROBLEM.to_owned()
    } else if text.len() > limits::SCALAR_BYTES {
        format!("has {} bytes", text.len())
    } else {
        return Ok(());
    };
    let allowed = format!("text of up to {} bytes", limits::SCALAR_BYTES);
    Err(ValueError::new(&format!("{}.{}", field.name, clip(key)), problem, allowed))
}

/// How many entries a set, map or log then has.
///
/// # Errors
/// When they are too many.
pub fn count(field: &Field, entries: usize) -> Result<(), ValueError> {
    if entries <= limits::KEYS_PER_CONTAINER {
        return Ok(());
    }
    let allowed = format!("at most {}; remove some first", limits::KEYS_PER_CONTAINER);
    Err(ValueError::new(field.name, format!("would have {entries} entries"), allowed))
}

/// An event of a log, as its text under its id.
///
/// # Errors
/// Says what is wrong with it.
pub fn event(field: &Field, log: &Log, id: EventId, text: &str) -> Result<Event, ValueError> {
    if text.len() > limits::SCALAR_BYTES {
        let problem = format!("the event takes {} bytes", text.len());
        let allowed = format!("{} bytes with all that it supersedes", limits::SCALAR_BYTES);
        return Err(ValueError::new(field.name, problem, allowed));
    }
    let Some(event) = Event::parse(text) else {
        return wrong(field, "it is no event; update the app".into());
    };
    if let Some(problem) = log.problem(&event.data) {
        return wrong(field, problem);
    }
    if event.supersedes.contains(&id) {
        return wrong(field, "the event supersedes itself".into());
    }
    Ok(event)
}

/// One event more of an author, beside the texts that are in the log. Nobody writes more than their
/// share, since nothing can be taken out.
///
/// # Errors
/// When the author has had theirs.
pub fn share<'t>(
    field: &Field,
    author: UserId,
    texts: impl Iterator<Item = &'t str>,
) -> Result<(), ValueError> {
    let own = |text: &&str| Event::parse(text).is_some_and(|event| event.by == author);
    if texts.filter(own).count() < limits::EVENTS_PER_AUTHOR {
        return Ok(());
    }
    let allowed = format!("at most {} of one person", limits::EVENTS_PER_AUTHOR);
    Err(ValueError::new(field.name, "holds as many events of yours as it may", allowed))
}

/// What a long text is made of.
///
/// # Errors
/// Says what it cannot hold.
pub fn text(field: &Field, text: &str) -> Result<(), ValueError> {
    if holds_nul(text) { wrong(field, NUL_PROBLEM.into()) } else { Ok(()) }
}

/// How long a long text then is. Judged at the end of a group: on the way there it may be longer.
///
/// # Errors
/// When it is too long.
pub fn length(field: &str, characters: usize) -> Result<(), ValueError> {
    if characters <= limits::LONG_TEXT_CHARS {
        return Ok(());
    }
    let allowed = format!("text of up to {} characters", limits::LONG_TEXT_CHARS);
    Err(ValueError::new(field, format!("would be {characters} characters long"), allowed))
}

/// Bytes that a scalar takes.
pub fn scalar_bytes(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::Bytes(bytes) => bytes.len(),
        ScalarValue::Str(text) => text.len(),
        ScalarValue::Unknown { bytes, .. } => bytes.len(),
        _ => 8,
    }
}
