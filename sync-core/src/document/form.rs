//! What a value of each type may be: the declaration's own limits, and in words what it takes.
//!
//! Knows of no record and no document: [`super::fit`] asks it of what is written, and
//! [`super::reading`] of what is read.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::value::{Value, clip};
use crate::ids;
use crate::limits;
use crate::nul::{NUL_PROBLEM, holds_nul, json_holds_nul};
use crate::schema::{Field, FieldType, Part, PartType, Presence, SetOf, is_currency};
use crate::time::is_day;

/// What is wrong with a value of the right type, if anything.
pub(super) fn problem(field: &Field, value: &Value) -> Option<String> {
    match (field.ty, value) {
        (FieldType::Str { max }, Value::Str(text)) => {
            let blank = field.required == Presence::Required && text.trim().is_empty();
            text_problem(text, max).or_else(|| blank.then(|| "is blank".into()))
        }
        (FieldType::Choice { of, .. }, Value::Str(word)) => {
            (!of.contains(&word.as_str())).then(|| no_word(word))
        }
        (FieldType::Int { min, max }, Value::Int(number)) => {
            (*number < min || *number > max).then(|| format!("{number} is out of range"))
        }
        (FieldType::Date, Value::Str(day)) => date_problem(day),
        (FieldType::Instant, Value::Instant(at)) => {
            let known = limits::FIRST_MOMENT_MS..=limits::LAST_MOMENT_MS;
            (!known.contains(&at.0)).then(|| "is no moment of the years 1 to 9999".into())
        }
        (FieldType::Ref { .. }, Value::Str(id)) => {
            (!ids::is_canonical(id)).then(|| format!("\"{}\" is not an id", clip(id)))
        }
        (FieldType::Parts(parts), Value::Parts(values)) => parts_problem(parts, values),
        _ => None,
    }
}

pub(super) fn no_word(word: &str) -> String {
    format!("\"{}\" is not one of its words", clip(word))
}

pub(super) fn text_problem(text: &str, max: usize) -> Option<String> {
    if holds_nul(text) {
        return Some(NUL_PROBLEM.into());
    }
    (text.len() > max && text.chars().count() > max)
        .then(|| format!("is {} characters long", text.chars().count()))
}

fn date_problem(day: &str) -> Option<String> {
    (!is_day(day)).then(|| format!("\"{}\" is not a day of the years 1 to 9999", clip(day)))
}

fn parts_problem(parts: &[Part], values: &BTreeMap<String, Json>) -> Option<String> {
    if values.len() > limits::PARTS_PER_VALUE {
        return Some(format!("has {} parts", values.len()));
    }
    for (name, value) in values {
        if holds_nul(name) || json_holds_nul(value) {
            return Some(format!("part {} {NUL_PROBLEM}", clip(&name.replace('\0', ""))));
        }
        let Some(part) = parts.iter().find(|part| part.name == name) else {
            // A part of a newer app: kept as long as it is a small scalar.
            if value.is_object() || value.is_array() || value.to_string().len() > 1024 {
                return Some(format!("unknown part \"{}\" is too large", clip(name)));
            }
            continue;
        };
        if let Some(fault) = part_problem(part, value) {
            return Some(format!("part {name} {fault}"));
        }
    }
    None
}

fn part_problem(part: &Part, value: &Json) -> Option<String> {
    match part.ty {
        PartType::Str { max } => match value.as_str() {
            Some(text) => text_problem(text, max),
            None => Some("is not text".into()),
        },
        PartType::Int { min, max } => match value.as_i64() {
            Some(number) => {
                (number < min || number > max).then(|| format!("is not between {min} and {max}"))
            }
            None => Some("is not a whole number".into()),
        },
        PartType::Currency => (!value.as_str().is_some_and(is_currency))
            .then(|| "is no currency of ISO 4217, such as USD or EUR".into()),
        PartType::Float { min, max } => match value.as_f64().filter(|n| n.is_finite()) {
            Some(number) => (number < f64::from(min) || number > f64::from(max))
                .then(|| format!("is not between {min} and {max}")),
            None => Some("is not a number".into()),
        },
        PartType::Date => value.as_str().map_or_else(|| Some("is not a day".into()), date_problem),
        // That it has come, `fit::claim` says, which knows the time.
        PartType::Moment => {
            let known = limits::FIRST_MOMENT_MS..=limits::LAST_MOMENT_MS;
            let fits = value.as_i64().is_some_and(|at| known.contains(&at));
            (!fits).then(|| "is no moment in milliseconds since 1970".into())
        }
        PartType::Choice(of) => value
            .as_str()
            .is_none_or(|word| !of.contains(&word))
            .then(|| format!("is not one of {}", of.join(", "))),
    }
}

/// What a field takes, in words for a person.
pub(super) fn allowed(field: &Field) -> String {
    let kept = if field.required == Presence::Required { ", not blank" } else { "" };
    match field.ty {
        FieldType::Str { max } => format!("text of up to {max} characters{kept}"),
        FieldType::Choice { of, .. } => format!("one of {}", of.join(", ")),
        FieldType::Int { min, max } => format!("a whole number from {min} to {max}"),
        FieldType::Bool => "yes or no".into(),
        FieldType::Date => "a day as YYYY-MM-DD".into(),
        FieldType::Instant => {
            "a moment as YYYY-MM-DD HH:MM in your time zone, or as YYYY-MM-DDTHH:MM:SSZ".into()
        }
        FieldType::Ref { kind } => format!("the id of another {kind}"),
        FieldType::Parts(parts) => {
            format!("parts {}", parts.iter().map(allowed_part).collect::<Vec<_>>().join(", "))
        }
        FieldType::Text => format!("text of up to {} characters", limits::LONG_TEXT_CHARS),
        FieldType::Set(of) => {
            let what = match of {
                SetOf::Words => "words",
                SetOf::Emails => "e-mail addresses, such as orders@grand.example",
                SetOf::Phones => "telephone numbers, such as +1 207 555 0118 x42",
                SetOf::Ids => "ids",
            };
            format!("{what}, each of up to {} bytes", limits::KEY_BYTES)
        }
        FieldType::Log(log) => format!("an event of {}", log.name),
        FieldType::Fields => "name and text".into(),
    }
}

fn allowed_part(part: &Part) -> String {
    let name = part.name;
    match part.ty {
        PartType::Str { max } => format!("{name} (text of up to {max} characters)"),
        PartType::Int { min, max } => format!("{name} (a whole number from {min} to {max})"),
        PartType::Currency => format!("{name} (a currency of ISO 4217, such as USD)"),
        PartType::Float { min, max } => format!("{name} (a number from {min} to {max})"),
        PartType::Date => format!("{name} (a day as YYYY-MM-DD)"),
        PartType::Moment => format!("{name} (a moment that has come, in milliseconds since 1970)"),
        PartType::Choice(of) => format!("{name} (one of {})", of.join(", ")),
    }
}
