//! The rules that a change must keep against the document it is for.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{
    ActorId, ChangeHash as AutoHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, ScalarValueRef,
    ValueRef,
};

use super::context::Context;
use super::parsed::ParsedChange;
use super::place::{Creating, check_author, check_place, check_time};
use super::refusals::{bad_preds, refuse};
use super::step::{self, is_step};
use super::text::{TextView, TextViews};
use super::values::{bad_value, beyond, check_unknown, check_writer, no_claim};
use super::verified::VerifiedChange;
use crate::document::{PenRole, Value, fit, read_scalar};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{Actor, EventId};
use crate::limits;
use crate::schema::{Field, FieldType, Genesis, ID_KEY, KIND_KEY, Log, Presence, Rule};

/// Judges a change against the document; the only maker of [`VerifiedChange`].
///
/// The caller has seen to it that the document does not hold the change already.
///
/// # Errors
/// Names the rule that it breaks, in a sentence.
pub fn verify(parsed: ParsedChange, context: &Context<'_>) -> Result<VerifiedChange, Refusal> {
    verify_among(parsed, context, &mut TextViews::default())
}

/// As [`verify`], of one of several changes: texts are read once for all of them.
///
/// # Errors
/// Names the rule that it breaks, in a sentence.
pub fn verify_among(
    parsed: ParsedChange,
    context: &Context<'_>,
    views: &mut TextViews,
) -> Result<VerifiedChange, Refusal> {
    let genesis = context.kind.genesis();
    if parsed.actor == genesis.actor {
        return refuse(
            RefusalCode::ForeignActor,
            "The edit poses as the empty form of the record; reopen the app and make it again.",
        );
    }
    if is_step(&parsed) {
        step::check(&parsed, context)?;
        return Ok(VerifiedChange {
            change: parsed.change,
            actor: parsed.actor,
            edits_text: false,
            moves: false,
            puts_away: true,
        });
    }
    check_time(&parsed, context)?;
    let creating = check_place(&parsed, context, genesis)?;
    check_author(&parsed, context)?;
    let deps: Vec<AutoHash> = parsed.change.deps().to_vec();
    let mut heads = context.doc.get_heads();
    heads.sort_unstable();
    let at_heads = heads == deps;
    check_heads(&heads, &deps)?;
    let mut judge = Judge {
        context,
        genesis,
        creating,
        deps: if at_heads { None } else { Some(deps) },
        first_op: parsed.change.start_op().get(),
        actor: parsed.change.actor_id().clone(),
        written: HashMap::new(),
        named: HashSet::new(),
        sizes: HashMap::new(),
        texts: HashMap::new(),
        moves: false,
        puts_away: parsed.bytes().len() <= limits::PUTTING_AWAY_BYTES,
        views,
        heads,
        unseen: OnceCell::new(),
    };
    for (index, op) in parsed.operations().iter().enumerate() {
        judge.check(op, judge.first_op + index as u64)?;
    }
    judge.finish()?;
    let edits_text = !judge.texts.is_empty();
    let Judge { texts, heads, moves, puts_away, .. } = judge;
    if at_heads {
        views.keep((&heads, parsed.change.hash()), texts);
    }
    let ParsedChange { change, actor, .. } = parsed;
    Ok(VerifiedChange { change, actor, edits_text, moves, puts_away })
}

/// A change that leaves others beside it must leave few: what nobody can build on nobody can edit.
fn check_heads(heads: &[AutoHash], deps: &[AutoHash]) -> Result<(), Refusal> {
    let beside = heads.iter().filter(|head| !deps.contains(head)).count();
    if beside < limits::HEADS_LEFT {
        return Ok(());
    }
    refuse(
        RefusalCode::MissingDependency,
        "Too many edits of this record stand side by side; yours is to be made again on top of them.",
    )
}

/// Where an operation writes.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Container(&'a Field),
    /// A container of a newer app.
    Unknown(ObjType),
}

/// What an operation does to the values of its key.
#[derive(Clone, Copy)]
enum Effect {
    /// Puts itself in the place of so many, which is all there were.
    Replaces(usize),
    /// Leaves the newest and removes the others.
    Settles,
}

/// How many keys a map has with the change, and may have.
#[derive(Debug)]
struct Size {
    keys: usize,
    most: usize,
    refusal: Refusal,
}

struct Judge<'a> {
    context: &'a Context<'a>,
    genesis: &'a Genesis,
    creating: Creating,
    /// None when the change builds on all there is, which is cheaper to look at.
    deps: Option<Vec<AutoHash>>,
    first_op: u64,
    actor: automerge::ActorId,
    /// What stands at the keys that this change has written to.
    written: HashMap<(ObjId, String), Option<OpId>>,
    /// Keys at the root that this change gives a value.
    named: HashSet<String>,
    /// Maps to which this change writes.
    sizes: HashMap<ObjId, Size>,
    /// Long texts that this change edits.
    texts: HashMap<ObjId, TextView>,
    /// Whether it writes what the record hangs from, other than in beginning it.
    moves: bool,
    /// Whether it does nothing but put the record away.
    puts_away: bool,
    /// Texts as changes before left them.
    views: &'a mut TextViews,
    /// All there is, in order.
    heads: Vec<AutoHash>,
    /// Who wrote what this change does not build on: read once, since there may be much of it.
    unseen: OnceCell<HashSet<ActorId>>,
}

impl<'a> Judge<'a> {
    fn check(&mut self, op: &Op, counter: u64) -> Result<(), Refusal> {
        let (place, object) = self.place(&op.obj)?;
        match (&op.action, &op.key) {
            (OpType::Put(_) | OpType::Delete, Key::Map(key)) if !op.insert => {
                self.check_map(place, &object, key, op, counter)
            }
            (OpType::Put(_) | OpType::Delete, Key::Seq(element)) => {
                self.check_text(place, &object, element, op, counter)
            }
            _ => refuse(
                RefusalCode::BadReference,
                "The edit does what no edit of a record does; update the app.",
            ),
        }
    }

    fn place(&self, object: &ObjectId) -> Result<(Place<'a>, ObjId), Refusal> {
        let ObjectId::Id(OpId(counter, actor)) = object else { return Ok((Place::Root, ROOT)) };
        let id = ObjId::Id(*counter, actor.clone(), 0);
        // Nothing but genesis makes containers, so that whatever is there is of one of its steps.
        let ty = self.context.doc.object_type(&id).map_err(|_| unknown_place())?;
        let name = if actor.to_bytes() == self.genesis.actor.0 {
            self.genesis.by_counter.get(counter).copied()
        } else {
            self.check_step_was_seen(actor)?;
            let actor = Actor::from_slice(actor.to_bytes()).ok_or_else(unknown_place)?;
            self.genesis.later_field(self.context.record, *counter, actor)
        };
        let field = name.and_then(|name| self.context.kind.declared(name));
        Ok((field.map_or(Place::Unknown(ty), Place::Container), id))
    }

    /// A change writes into a container only after the step that made it: others would meet the
    /// change without the place that it writes to.
    fn check_step_was_seen(&self, step: &ActorId) -> Result<(), Refusal> {
        let Some(deps) = &self.deps else { return Ok(()) };
        let unseen = self.unseen.get_or_init(|| {
            let later = self.context.doc.get_changes_meta(deps);
            later.iter().map(|meta| meta.actor.clone().into_owned()).collect()
        });
        if unseen.contains(step) { Err(unknown_place()) } else { Ok(()) }
    }

    fn check_map(
        &mut self,
        place: Place<'a>,
        object: &ObjId,
        key: &str,
        op: &Op,
        counter: u64,
    ) -> Result<(), Refusal> {
        if let Some(problem) = fit::key_problem(key) {
            return refuse(
                RefusalCode::BadValue,
                format!("The edit writes what cannot be: {problem}."),
            );
        }
        let field = match place {
            Place::Root => self.context.kind.declared(key),
            Place::Container(field) => Some(field),
            Place::Unknown(_) => None,
        };
        let places = field.is_some_and(|field| self.context.kind.hangs_by(field));
        self.moves |= places && self.creating == Creating::No;
        self.puts_away &= field.is_some_and(|field| self.context.kind.is_put_away_by(field));
        let (effect, kept) = self.effect_of(object, key, op)?;
        let left = match (place, &op.action, effect) {
            (_, OpType::Delete, Effect::Settles) => {
                self.check_settling(place, key)?;
                kept
            }
            (Place::Root, OpType::Put(value), Effect::Replaces(before)) => {
                self.check_register(key, value, before)?;
                Some(OpId::new(counter, &self.actor))
            }
            (Place::Container(field), OpType::Put(value), Effect::Replaces(before)) => {
                self.check_entry(field, object, key, Some(value), before)?;
                Some(OpId::new(counter, &self.actor))
            }
            (Place::Unknown(ObjType::Map), OpType::Put(value), Effect::Replaces(before)) => {
                self.check_unknown_entry(object, value, before)?;
                Some(OpId::new(counter, &self.actor))
            }
            (Place::Unknown(ObjType::Map), OpType::Delete, Effect::Replaces(before))
                if before > 0 =>
            {
                None
            }
            (Place::Root, OpType::Delete, Effect::Replaces(before)) if before > 0 => {
                self.check_unknown_key(key, None, before)?;
                None
            }
            (Place::Container(field), OpType::Delete, Effect::Replaces(before)) if before > 0 => {
                self.check_entry(field, object, key, None, before)?;
                None
            }
            // Automerge keeps a delete only at what it deletes: one of nothing would be lost, and the
            // saved document with it.
            _ => return Err(bad_preds()),
        };
        self.written.insert((object.clone(), key.to_owned()), left);
        Ok(())
    }

    /// What an operation does to the values that its writer saw, and the newest of those.
    ///
    /// An honest writer overwrites exactly what it saw. Writing the value that is shown already is
    /// written as a delete of all the others: that is how a conflict is settled in its favour.
    fn effect_of(
        &self,
        object: &ObjId,
        key: &str,
        op: &Op,
    ) -> Result<(Effect, Option<OpId>), Refusal> {
        let seen = self.seen(object, key)?;
        let preds: HashSet<&OpId> = op.pred.iter().collect();
        let all = preds.len() == op.pred.len() && preds.iter().all(|pred| seen.contains(pred));
        let by_age = |a: &&OpId, b: &&OpId| {
            (a.counter(), a.actor().to_bytes()).cmp(&(b.counter(), b.actor().to_bytes()))
        };
        let newest = seen.iter().max_by(by_age).cloned();
        if all && preds.len() == seen.len() {
            return Ok((Effect::Replaces(seen.len()), newest));
        }
        let spares_newest = newest.as_ref().is_some_and(|id| !preds.contains(id));
        if all && spares_newest && preds.len() + 1 == seen.len() && !preds.is_empty() {
            return Ok((Effect::Settles, newest));
        }
        Err(bad_preds())
    }

    /// The values of a key that the writer saw when it came to this operation.
    fn seen(&self, object: &ObjId, key: &str) -> Result<Vec<OpId>, Refusal> {
        if let Some(own) = self.written.get(&(object.clone(), key.to_owned())) {
            return Ok(own.iter().cloned().collect());
        }
        let seen = match &self.deps {
            None => self.context.doc.get_all(object, key),
            Some(deps) => self.context.doc.get_all_at(object, key, deps),
        }
        .map_err(|_| unknown_place())?;
        let names = seen.into_iter().filter_map(|(_, id)| match id {
            ObjId::Id(counter, actor, _) => Some(OpId::new(counter, &actor)),
            ObjId::Root => None,
        });
        Ok(names.collect())
    }

    /// A conflict may be settled wherever a value may be written over.
    fn check_settling(&self, place: Place<'a>, key: &str) -> Result<(), Refusal> {
        let field = match place {
            Place::Container(field) => Some(field),
            Place::Root => self.context.kind.declared(key),
            Place::Unknown(_) => return Ok(()),
        };
        let Some(field) = field else {
            return if key == ID_KEY || key == KIND_KEY { Err(wrong_record()) } else { Ok(()) };
        };
        check_writer(field, self.context.pen)?;
        match (place, field.ty, field.rule) {
            (Place::Root, ty, _) if ty.is_container() => Err(unknown_place()),
            (_, FieldType::Log(_), _) | (_, _, Rule::Immutable | Rule::Once) => {
                refuse(RefusalCode::Immutable, format!("{} stays as it was written.", field.name))
            }
            _ => Ok(()),
        }
    }

    fn check_register(
        &mut self,
        key: &str,
        value: &ScalarValue,
        before: usize,
    ) -> Result<(), Refusal> {
        if key == KIND_KEY {
            return refuse(RefusalCode::WrongKind, "A record's kind cannot be changed.");
        }
        if key == ID_KEY {
            let own = self.context.record.to_string();
            let fits = self.creating == Creating::Yes && value.as_str() == Some(own.as_str());
            return if fits { self.name(key) } else { Err(wrong_record()) };
        }
        let Some(field) = self.context.kind.declared(key) else {
            return self.check_unknown_key(key, Some(value), before);
        };
        if field.ty.is_container() {
            return refuse(
                RefusalCode::BadReference,
                format!("{key} cannot be overwritten as a whole."),
            );
        }
        check_writer(field, self.context.pen)?;
        if field.rule == Rule::Immutable && (self.creating == Creating::No || before > 0) {
            return refuse(
                RefusalCode::Immutable,
                format!("{key} is written once, when the record is created."),
            );
        }
        if field.rule == Rule::Once && before > 0 {
            return refuse(
                RefusalCode::Immutable,
                format!("{key} was written already and stays as it is."),
            );
        }
        // Nothing could be written over it.
        if field.rule == Rule::Once && *value == ScalarValue::Null {
            return refuse(
                RefusalCode::BadValue,
                format!("{key} is written once; leave it out until there is something to say."),
            );
        }
        if field.required == Presence::Required && *value == ScalarValue::Null {
            return refuse(RefusalCode::BadValue, format!("{key} cannot be empty."));
        }
        let own = (&self.context.kind, self.context.record);
        fit::scalar(field, value, own).map_err(bad_value)?;
        let said = read_scalar(field, value).unwrap_or(Value::Null);
        let (author, now) = (self.context.author, self.context.now);
        fit::claim(field, &said, author, now).map_err(no_claim)?;
        self.name(key)
    }

    fn name(&mut self, key: &str) -> Result<(), Refusal> {
        self.named.insert(key.to_owned());
        Ok(())
    }

    /// A field of a newer app: a small scalar is kept and passed on.
    fn check_unknown_key(
        &mut self,
        key: &str,
        value: Option<&ScalarValue>,
        before: usize,
    ) -> Result<(), Refusal> {
        let declared =
            self.context.kind.declared(key).is_some() || key == ID_KEY || key == KIND_KEY;
        if declared {
            return refuse(RefusalCode::BadReference, format!("{key} cannot be removed."));
        }
        // Nothing reads it there, but a newer version might take it for what it looks like.
        if self.context.kind.columns().iter().any(|column| column.name == key) {
            return refuse(
                RefusalCode::ServerOnly,
                format!("{key} follows from other fields and is not written."),
            );
        }
        if let Some(value) = value {
            check_unknown(value)?;
        }
        // A container stays where its step made it.
        let seen = self.context.doc.get_all(ROOT, key).map_err(|_| unknown_place())?;
        if seen.iter().any(|(value, _)| value.is_object()) {
            return refuse(
                RefusalCode::BadReference,
                format!("{key} cannot be overwritten as a whole."),
            );
        }
        let most = limits::UNKNOWN_KEYS;
        let sentence = "It holds too many unknown fields.";
        let refusal = || Refusal::new(RefusalCode::TooLarge, sentence);
        let count = || self.context.unknown_keys();
        self.count_key(&ROOT, (value, before), count, most, refusal);
        Ok(())
    }

    /// Counts a key that the change adds to a map, or takes out of it; what others wrote counts too.
    fn count_key(
        &mut self,
        object: &ObjId,
        (value, before): (Option<&ScalarValue>, usize),
        keys: impl FnOnce() -> usize,
        most: usize,
        refusal: impl FnOnce() -> Refusal,
    ) {
        let size = self.sizes.entry(object.clone());
        let size = size.or_insert_with(|| Size { keys: keys(), most, refusal: refusal() });
        match (value, before) {
            (Some(_), 0) => size.keys += 1,
            (None, 1..) => size.keys = size.keys.saturating_sub(1),
            _ => {}
        }
    }

    fn check_entry(
        &mut self,
        field: &Field,
        object: &ObjId,
        key: &str,
        value: Option<&ScalarValue>,
        before: usize,
    ) -> Result<(), Refusal> {
        check_writer(field, self.context.pen)?;
        let doc = self.context.doc;
        let full = || {
            let most = fit::count(field, limits::KEYS_PER_CONTAINER + 1);
            most.err().map_or_else(unknown_place, beyond)
        };
        let most = limits::KEYS_PER_CONTAINER;
        self.count_key(object, (value, before), || doc.length(object), most, full);
        match (field.ty, value) {
            (FieldType::Set(_) | FieldType::Fields, None) => Ok(()),
            (FieldType::Set(_), Some(ScalarValue::Boolean(true))) => {
                fit::exact_key(field, key).map_err(bad_value)
            }
            (FieldType::Fields, Some(ScalarValue::Str(text))) => {
                fit::exact_key(field, key).map_err(bad_value)?;
                fit::entry(field, key, text).map_err(bad_value)
            }
            (FieldType::Log(log), Some(ScalarValue::Str(text))) => {
                self.check_event(field, log, object, key, text, before)
            }
            (FieldType::Log(_), None) => {
                refuse(RefusalCode::Immutable, "What was noted in a log stays there.")
            }
            _ => refuse(RefusalCode::BadValue, format!("{} takes no such entry.", field.name)),
        }
    }

    fn check_share(&self, field: &Field, object: &ObjId) -> Result<(), Refusal> {
        let doc = self.context.doc;
        if doc.length(object) < limits::EVENTS_PER_AUTHOR {
            return Ok(());
        }
        let values = doc.map_range(object, ..).filter_map(|item| match item.value {
            ValueRef::Scalar(ScalarValueRef::Str(text)) => Some(text),
            _ => None,
        });
        let texts: Vec<_> = values.collect();
        let texts = texts.iter().map(|text| text.as_ref());
        fit::share(field, self.context.author, texts).map_err(beyond)
    }

    fn check_event(
        &self,
        field: &Field,
        log: &Log,
        object: &ObjId,
        key: &str,
        text: &str,
        before: usize,
    ) -> Result<(), Refusal> {
        let exists = self.context.doc.get(object, key).ok().flatten().is_some();
        if before > 0 || exists {
            return refuse(RefusalCode::Immutable, "What was noted in a log stays there.");
        }
        let id = key.parse::<EventId>().ok().filter(|id| id.to_string() == key);
        let Some(id) = id else {
            return refuse(
                RefusalCode::BadValue,
                format!("{} does not take this event; update the app.", field.name),
            );
        };
        // An event that does not show today may be the one that shows tomorrow, and what does not fit
        // its column would then hold up somebody else's edit.
        let event = fit::event(field, log, id, text).map_err(bad_value)?;
        if event.by != self.context.author {
            return refuse(RefusalCode::ForeignAuthor, "The event names another author.");
        }
        if let Some(part) = log.server_part(&event.data)
            && self.context.pen == PenRole::Device
        {
            let sentence = format!("{part} in {} is said by the server only.", field.name);
            return refuse(RefusalCode::ServerOnly, sentence);
        }
        self.check_share(field, object)?;
        if fit::lies_ahead(event.at, self.context.now) || event.at < limits::EARLIEST {
            return refuse(RefusalCode::FutureTime, "The device's clock is wrong; set it.");
        }
        Ok(())
    }

    /// Characters of a long text: put in after one that is there, or taken away.
    fn check_text(
        &mut self,
        place: Place<'a>,
        object: &ObjId,
        element: &ElementId,
        op: &Op,
        counter: u64,
    ) -> Result<(), Refusal> {
        self.puts_away = false;
        let name = match place {
            Place::Container(field) if field.ty == FieldType::Text => {
                check_writer(field, self.context.pen)?;
                field.name
            }
            Place::Unknown(ObjType::Text) => "a text of a newer app",
            Place::Container(_) | Place::Unknown(_) | Place::Root => return Err(unknown_place()),
        };
        let Self { context, deps, heads, views, texts, .. } = self;
        let text = texts
            .entry(object.clone())
            .or_insert_with(|| views.take(context.doc, object, deps.as_deref(), heads));
        text.check(name, element, op, (counter, &self.actor))
    }

    /// An entry of a container of a newer app: a small scalar is kept and passed on.
    fn check_unknown_entry(
        &mut self,
        object: &ObjId,
        value: &ScalarValue,
        before: usize,
    ) -> Result<(), Refusal> {
        check_unknown(value)?;
        let doc = self.context.doc;
        let sentence = "It holds too many unknown entries.";
        let most = limits::KEYS_PER_CONTAINER;
        let refusal = || Refusal::new(RefusalCode::TooLarge, sentence);
        self.count_key(object, (Some(value), before), || doc.length(object), most, refusal);
        Ok(())
    }

    /// What only the whole change can show: a creating change gives all that is required.
    fn finish(&self) -> Result<(), Refusal> {
        if let Some(full) = self.sizes.values().find(|size| size.keys > size.most) {
            return Err(full.refusal.clone());
        }
        if self.creating == Creating::No {
            return Ok(());
        }
        if !self.named.contains(ID_KEY) {
            return Err(wrong_record());
        }
        let required = self.context.kind.fields.iter().filter(|f| f.required == Presence::Required);
        match required.map(|field| field.name).find(|name| !self.named.contains(*name)) {
            None => Ok(()),
            Some(name) => refuse(RefusalCode::BadValue, format!("A new record needs {name}.")),
        }
    }
}

fn wrong_record() -> Refusal {
    Refusal::new(RefusalCode::WrongRecord, "The edit belongs to another record.")
}

fn unknown_place() -> Refusal {
    Refusal::new(RefusalCode::BadReference, "The edit writes where nothing is; update the app.")
}
