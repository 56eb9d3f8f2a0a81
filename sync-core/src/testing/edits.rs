//! Edits of any trade, drawn from its declarations.
//!
//! Each record that is edited gets a *mark*: a word that is nowhere else. Where the mark is found in
//! the end, there the edit is; where it is not to be found, the edit was lost.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::document::{FieldChange, FieldState, RecordEdit, Value, fit};
use crate::event::EventData;
use crate::ids::RecordId;
use crate::random::Random;
use crate::replica::{Env, GroupEdit, Replica};
use crate::schema::{
    CURRENCIES, EventPartType, Field, FieldType, Initial, Kind, LIFE, Log, PartType, Presence,
    Rule, Scope, SetOf, Storage, Use, Writer,
};

/// What every mark begins with, so that marks are found in bytes.
pub(super) const MARK: &str = "zq";
/// Letters of a mark.
pub(super) const MARK_LENGTH: usize = 12;

/// A group of edits, and the mark that each of its records got.
#[derive(Debug, Default)]
pub struct Drawn {
    /// The edits.
    pub edits: Vec<GroupEdit>,
    /// The marks.
    pub marks: Vec<(RecordId, String)>,
}

/// Draws edits for a replica.
pub struct Edits<'a> {
    replica: &'a mut Replica,
    env: &'a mut dyn Env,
    random: &'a mut Random,
    drawn: Drawn,
    /// Records that the group begins, by kind.
    begun: Vec<(&'static str, RecordId)>,
}

impl<'a> Edits<'a> {
    /// Draws for a replica; ids come from its environment, everything else from the source.
    pub fn new(replica: &'a mut Replica, env: &'a mut dyn Env, random: &'a mut Random) -> Self {
        Self { replica, env, random, drawn: Drawn::default(), begun: Vec::new() }
    }

    /// Draws a group: mostly one edit, sometimes several that belong together.
    pub fn draw(mut self) -> Drawn {
        let count = if self.random.percent(20) { self.random.between(2, 3) } else { 1 };
        for _ in 0..count {
            let begins = self.random.percent(35);
            if begins || !self.change_one() {
                self.begin_one();
            }
        }
        self.drawn
    }

    fn kinds(&self) -> Vec<Kind> {
        self.replica.schema().document_kinds().cloned().collect()
    }

    /// Records of a kind that are here, those that the group begins first.
    fn held(&self, kind: &str) -> Vec<RecordId> {
        let of_kind = self.begun.iter().filter(|(name, _)| *name == kind).map(|(_, id)| *id);
        let mut found: Vec<RecordId> = of_kind.collect();
        let Some(kind) = self.replica.schema().kind(kind) else { return found };
        let sql = format!("SELECT id FROM {} ORDER BY id", kind.table);
        let rows = self.replica.query(&sql).map(|table| table.rows).unwrap_or_default();
        let ids = rows.iter().filter_map(|row| row.first()?.as_str()?.parse::<RecordId>().ok());
        found.extend(ids);
        found
    }

    fn mark(&mut self) -> String {
        format!("{MARK}{:010x}", self.random.number() & 0xff_ffff_ffff)
    }

    /// Begins a record of any kind.
    fn begin_one(&mut self) -> Option<RecordId> {
        let kinds = self.kinds();
        let kind = self.random.pick(&kinds)?.clone();
        self.begin(&kind, 0)
    }

    /// Begins a record, and first what it must refer to.
    fn begin(&mut self, kind: &Kind, depth: u32) -> Option<RecordId> {
        let mut changes = Vec::new();
        let follows = match kind.scope {
            Scope::Follows { column, .. } => Some(column),
            Scope::Itself | Scope::Everyone => None,
        };
        for field in writable(kind) {
            let required = field.required == Presence::Required;
            let is_scope =
                follows.is_some_and(|column| field.columns().iter().any(|one| one.name == column));
            if field.initial != Initial::Nothing {
                continue;
            }
            if required || (is_scope && self.random.percent(85)) {
                match self.needed(field, depth) {
                    Some(change) => changes.push((field.clone(), change)),
                    None if required => return None,
                    None => {}
                }
            } else if self.random.percent(15) && field.rule != Rule::Immutable {
                changes.extend(self.change_of(field, None).map(|change| (field.clone(), change)));
            }
        }
        let id = self.replica.mint_id(self.env);
        self.add_mark(kind, id, None, &mut changes);
        let edit = RecordEdit { changes };
        self.drawn.edits.push(GroupEdit::Create { id, kind: kind.clone(), edit });
        self.begun.push((kind.name, id));
        Some(id)
    }

    /// A value that a record cannot do without.
    fn needed(&mut self, field: &Field, depth: u32) -> Option<FieldChange> {
        let target = match field.ty {
            FieldType::Ref { kind } => kind.to_owned(),
            FieldType::Log(_) => self.scope_target()?,
            _ => return self.change_of(field, None),
        };
        if self.held(&target).is_empty() && depth < 2 {
            let kind = self.replica.schema().kind(&target)?.clone();
            if kind.storage == Storage::Document {
                self.begin(&kind, depth + 1)?;
            }
        }
        self.change_of(field, None)
    }

    /// The kind from which most others hang: the first that hangs from itself.
    fn scope_target(&self) -> Option<String> {
        let kinds = self.kinds();
        Some(kinds.iter().find(|kind| kind.scope == Scope::Itself)?.name.to_owned())
    }

    /// Changes a record that is here; says whether there was one.
    fn change_one(&mut self) -> bool {
        let kinds = self.kinds();
        let Some(kind) = self.random.pick(&kinds).cloned() else { return false };
        let edited: Vec<RecordId> = self.drawn.marks.iter().map(|(id, _)| *id).collect();
        let mut held = self.held(kind.name);
        held.retain(|id| !edited.contains(id));
        let Some(id) = self.random.pick(&held).copied() else { return false };
        let Ok(Some(now)) = self.replica.record(id) else { return false };
        if kind.life().is_some() && self.random.percent(6) {
            let edit = match self.random.below(2) {
                0 => GroupEdit::Delete { id },
                _ => GroupEdit::Restore { id },
            };
            self.drawn.edits.push(edit);
            return true;
        }
        let fields: Vec<Field> = writable(&kind).into_iter().cloned().collect();
        let mut changes: Vec<(Field, FieldChange)> = Vec::new();
        for _ in 0..self.random.between(1, 3) {
            let Some(field) = self.random.pick(&fields).cloned() else { break };
            let taken = changes.iter().any(|(known, _)| *known == field);
            let state = now.field(field.name);
            let stands = !matches!(state, Some(FieldState::Value(Value::Null)));
            if field.rule == Rule::Immutable || field.rule == Rule::Once && stands || taken {
                continue;
            }
            changes.extend(self.change_of(&field, state).map(|change| (field, change)));
        }
        self.add_mark(&kind, id, Some(&now), &mut changes);
        self.drawn.edits.push(GroupEdit::Edit { id, edit: RecordEdit { changes } });
        true
    }

    /// Puts a mark where there is a place for one.
    fn add_mark(
        &mut self,
        kind: &Kind,
        id: RecordId,
        now: Option<&crate::document::Hydrated>,
        changes: &mut Vec<(Field, FieldChange)>,
    ) {
        let mark = self.mark();
        // A new record is found by its name, so that the search index has every mark of a beginning.
        let places = writable(kind)
            .into_iter()
            .filter(|field| !field.rule.is_written_once() && takes_mark(field));
        let mut places: Vec<Field> = places.cloned().collect();
        if now.is_none() {
            places.sort_by_key(|field| field.required != Presence::Required);
            places.truncate(1);
        }
        let Some(place) = self.random.pick(&places).cloned() else { return };
        let change = match place.ty {
            FieldType::Text => {
                let old = match now.and_then(|now| now.field(place.name)) {
                    Some(FieldState::Text(text)) => text.as_str(),
                    _ => "",
                };
                let short: String = old.chars().rev().take(200).collect();
                let short: String = short.chars().rev().collect();
                FieldChange::Text(format!("{short} {mark}"))
            }
            FieldType::Set(_) => FieldChange::Add(mark.clone()),
            FieldType::Fields => {
                let key = format!("k{}", self.random.below(3));
                FieldChange::Entry(key, Some(mark.clone()))
            }
            _ => FieldChange::Set(Value::Str(mark.clone())),
        };
        changes.retain(|(field, _)| *field != place);
        changes.push((place, change));
        self.drawn.marks.push((id, mark));
    }

    fn change_of(&mut self, field: &Field, now: Option<&FieldState>) -> Option<FieldChange> {
        let json = match field.ty {
            FieldType::Str { .. } => json!(self.word()),
            FieldType::Choice { of, .. } => json!(*self.random.pick(of)?),
            FieldType::Int { min, max } => json!(self.number(min, max)),
            FieldType::Bool => json!(self.random.percent(50)),
            FieldType::Date => json!(self.day()),
            // By the device's own clock, whatever that says.
            FieldType::Instant if fit::is_past(field) => {
                json!(self.env.now().0 - self.number(0, 1_000_000_000))
            }
            FieldType::Instant => json!(self.random.below(2_000_000_000_000)),
            FieldType::Ref { kind } => {
                let held = self.held(kind);
                json!(self.random.pick(&held)?.to_string())
            }
            FieldType::Parts(parts) => {
                let mut whole = serde_json::Map::new();
                for part in parts {
                    whole.insert(part.name.to_owned(), self.part(part.ty)?);
                }
                Json::Object(whole)
            }
            FieldType::Text => return Some(FieldChange::Text(self.prose(now))),
            FieldType::Set(of) => return self.key(of, now),
            FieldType::Fields => {
                let value = self.random.percent(80).then(|| self.word());
                return Some(FieldChange::Entry(format!("k{}", self.random.below(3)), value));
            }
            FieldType::Log(log) => return self.event(log).map(FieldChange::Append),
        };
        Value::from_json(field, &json).ok().map(FieldChange::Set)
    }

    fn word(&mut self) -> String {
        const WORDS: [&str; 6] = ["olive", "basil", "thyme", "fennel", "sage", "dill"];
        let first = self.random.pick(&WORDS).copied().unwrap_or_default();
        format!("{first} {}", self.random.below(100))
    }

    fn prose(&mut self, now: Option<&FieldState>) -> String {
        let old = match now {
            Some(FieldState::Text(text)) if self.random.percent(70) => text.as_str(),
            _ => "",
        };
        let old: String = old.chars().take(300).collect();
        let word = self.word();
        if self.random.percent(50) { format!("{word} {old}") } else { format!("{old} {word}") }
    }

    fn number(&mut self, min: i64, max: i64) -> i64 {
        let span = u64::try_from(max.saturating_sub(min)).unwrap_or(u64::MAX).min(1000);
        min + i64::try_from(self.random.below(span + 1)).unwrap_or(0)
    }

    fn day(&mut self) -> String {
        format!(
            "20{:02}-{:02}-{:02}",
            20 + self.random.below(10),
            1 + self.random.below(12),
            1 + self.random.below(28)
        )
    }

    fn part(&mut self, ty: PartType) -> Option<Json> {
        Some(match ty {
            PartType::Str { max } => json!(self.word().chars().take(max).collect::<String>()),
            PartType::Int { min, max } => json!(self.number(min.max(0), max)),
            PartType::Currency => json!(*self.random.pick(CURRENCIES)?),
            PartType::Float { .. } => json!(self.random.below(90)),
            PartType::Date => json!(self.day()),
            PartType::Moment => json!(self.env.now().0 - self.number(0, 1_000_000_000)),
            PartType::Choice(of) => json!(*self.random.pick(of)?),
        })
    }

    fn key(&mut self, of: SetOf, now: Option<&FieldState>) -> Option<FieldChange> {
        if let Some(FieldState::Keys(keys)) = now
            && self.random.percent(30)
        {
            // Whoever removes a mark says it, which is no leak; nobody does, so that none looks like it.
            let plain: Vec<String> =
                keys.iter().filter(|key| !key.starts_with(MARK)).cloned().collect();
            return self.random.pick(&plain).cloned().map(FieldChange::Remove);
        }
        let number = self.random.below(50);
        Some(FieldChange::Add(match of {
            SetOf::Words => self.word(),
            SetOf::Emails => format!("name{number}@example.org"),
            SetOf::Phones => format!("+4930{number:06}"),
            SetOf::Ids => {
                let target = self.scope_target()?;
                let held = self.held(&target);
                self.random.pick(&held)?.to_string()
            }
        }))
    }

    fn event(&mut self, log: &'static Log) -> Option<EventData> {
        if *log == LIFE {
            return None;
        }
        let mut data: EventData = BTreeMap::new();
        for part in log.parts.iter().filter(|part| part.writer == Writer::Anyone) {
            if part.presence == Presence::Optional && self.random.percent(50) {
                continue;
            }
            let value = match part.ty {
                EventPartType::Word(words) => (*self.random.pick(words)?).to_owned(),
                EventPartType::Text { .. } => self.word(),
                EventPartType::Day => self.day(),
                EventPartType::Id => {
                    let target = self.scope_target()?;
                    let held = self.held(&target);
                    self.random.pick(&held)?.to_string()
                }
            };
            data.insert(part.name.to_owned(), json!(value));
        }
        Some(data)
    }
}

/// Fields that a device writes.
fn writable(kind: &Kind) -> Vec<&Field> {
    let fields = kind.fields.iter();
    fields.filter(|field| field.writer == Writer::Anyone && field.usage == Use::InUse).collect()
}

fn takes_mark(field: &Field) -> bool {
    match field.ty {
        FieldType::Str { max } => max >= MARK_LENGTH,
        FieldType::Text | FieldType::Set(SetOf::Words) | FieldType::Fields => true,
        _ => false,
    }
}
