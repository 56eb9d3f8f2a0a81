//! The rules that a change must keep against the document it is for.

use std::collections::{HashMap, HashSet};

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{Automerge, ChangeHash as AutoHash, ObjId, ROOT, ReadDoc, ScalarValue};

use super::{Context, EditsText, ParsedChange, VerifiedChange};
use crate::document::{
    Event, Genesis, ID_KEY, KIND_KEY, PenRole, genesis, normalise_key, read_scalar,
};
use crate::error::{Refusal, RefusalCode};
use crate::ids::{EventId, UserId};
use crate::limits;
use crate::schema::{Field, FieldType, LogKind, Presence, Rule, Writer};
use crate::time::UnixMs;

/// No device existed before 2015 in UTC seconds.
const EARLIEST_SECONDS: i64 = 1_420_070_400;

fn refuse<T>(code: RefusalCode, sentence: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(code, sentence))
}

/// Judges a change against the document; the only maker of [`VerifiedChange`].
///
/// The caller has seen to it that the document does not hold the change already.
///
/// # Errors
/// Names the rule that it breaks, in a sentence.
pub fn verify(parsed: ParsedChange, context: &Context<'_>) -> Result<VerifiedChange, Refusal> {
    let genesis = genesis(context.kind);
    check_time(&parsed, context)?;
    let creating = check_place(&parsed, context, genesis)?;
    check_author(&parsed, context, genesis)?;
    let deps: Vec<AutoHash> = parsed.change.deps().to_vec();
    let at_heads = {
        let mut heads = context.doc.get_heads();
        let mut sorted = deps.clone();
        heads.sort_unstable();
        sorted.sort_unstable();
        heads == sorted
    };
    let mut judge = Judge {
        context,
        genesis,
        creating,
        deps: if at_heads { None } else { Some(deps) },
        first_op: parsed.change.start_op().get(),
        actor: parsed.change.actor_id().clone(),
        written: HashMap::new(),
        named: HashSet::new(),
        edits_text: EditsText::No,
    };
    for (index, op) in parsed.expanded.operations.iter().enumerate() {
        judge.check(op, judge.first_op + index as u64)?;
    }
    judge.finish()?;
    let edits_text = judge.edits_text;
    Ok(VerifiedChange { change: parsed.change, actor: parsed.actor, edits_text })
}

/// Whether this is the change that begins the record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Creating {
    Yes,
    No,
}

fn check_time(parsed: &ParsedChange, context: &Context<'_>) -> Result<(), Refusal> {
    let claimed = parsed.change.timestamp();
    let latest = UnixMs(context.now.0.saturating_add(limits::FUTURE_CLAIM_MS)).seconds();
    if claimed > latest || claimed < EARLIEST_SECONDS {
        return refuse(
            RefusalCode::FutureTime,
            "The device's clock is wrong by more than ten minutes; set it and make the edit again.",
        );
    }
    Ok(())
}

/// Dependencies, sequence number and operation counter.
fn check_place(
    parsed: &ParsedChange,
    context: &Context<'_>,
    genesis: &Genesis,
) -> Result<Creating, Refusal> {
    let change = &parsed.change;
    let on_genesis = change.deps() == [AutoHash(genesis.hash.0)];
    let exists = context.doc.get_heads() != [AutoHash(genesis.hash.0)];
    if on_genesis && exists {
        return refuse(
            RefusalCode::WrongRecord,
            "The edit begins a record that was begun already.",
        );
    }
    let mut greatest = 0;
    for dep in change.deps() {
        let Some(meta) = context.doc.get_change_meta_by_hash(dep) else {
            return refuse(
                RefusalCode::MissingDependency,
                "The edit builds on one that the server does not have.",
            );
        };
        greatest = greatest.max(meta.max_op);
    }
    if change.deps().is_empty() {
        return refuse(RefusalCode::MissingDependency, "The edit builds on nothing.");
    }
    if change.start_op().get() != greatest + 1
        || change.start_op().get() + change.len() as u64 > limits::OP_COUNTER
    {
        return refuse(
            RefusalCode::OpCounter,
            "The edit's operation counter does not follow from what it builds on.",
        );
    }
    if change.seq() != last_seq(context.doc, change.actor_id()) + 1 {
        return refuse(
            RefusalCode::SequenceGap,
            "The edit does not follow on its writer's last one; reopen the app and make it again.",
        );
    }
    Ok(if on_genesis { Creating::Yes } else { Creating::No })
}

fn last_seq(doc: &Automerge, actor: &automerge::ActorId) -> u64 {
    let of_actor = doc.get_changes_meta(&[]).into_iter().filter(|meta| *meta.actor == *actor);
    of_actor.map(|meta| meta.seq).max().unwrap_or(0)
}

/// An actor's first change of a document names its author; later ones are by the same.
fn check_author(
    parsed: &ParsedChange,
    context: &Context<'_>,
    genesis: &Genesis,
) -> Result<(), Refusal> {
    let known = context
        .doc
        .get_author_for_actor(parsed.change.actor_id())
        .and_then(|author| UserId::from_slice(author.as_bytes()));
    let fits = match (parsed.change.seq(), parsed.author) {
        (1, author) => author == Some(context.author),
        (_, None) => known == Some(context.author),
        (_, Some(_)) => false,
    };
    if !fits || parsed.actor == genesis.actor {
        return refuse(
            RefusalCode::ForeignAuthor,
            "The edit names another author than the signed-in user.",
        );
    }
    Ok(())
}

/// Where an operation writes.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Container(&'static Field),
}

struct Judge<'a> {
    context: &'a Context<'a>,
    genesis: &'static Genesis,
    creating: Creating,
    /// None when the change builds on all there is, which is cheaper to look at.
    deps: Option<Vec<AutoHash>>,
    first_op: u64,
    actor: automerge::ActorId,
    /// What this change itself has written to a key last.
    written: HashMap<(u64, String), Option<u64>>,
    /// Keys at the root that this change gives a value.
    named: HashSet<String>,
    edits_text: EditsText,
}

impl Judge<'_> {
    fn check(&mut self, op: &Op, counter: u64) -> Result<(), Refusal> {
        let (place, object) = self.place(&op.obj)?;
        match (&op.action, &op.key) {
            (OpType::Put(_) | OpType::Delete, Key::Map(key)) if !op.insert => {
                self.check_map(place, object, key, op, counter)
            }
            (OpType::Put(_) | OpType::Delete, Key::Seq(element)) => {
                self.check_text(place, element, op, counter)
            }
            _ => refuse(
                RefusalCode::BadReference,
                "The edit does what no edit of a record does; update the app.",
            ),
        }
    }

    fn place(&self, object: &ObjectId) -> Result<(Place, u64), Refusal> {
        match object {
            ObjectId::Root => Ok((Place::Root, 0)),
            ObjectId::Id(OpId(counter, actor)) if actor.to_bytes() == self.genesis.actor.0 => {
                let name = self.genesis.by_counter.get(counter);
                let field = name.and_then(|name| self.context.kind.field(name));
                field.map(|field| (Place::Container(field), *counter)).ok_or_else(unknown_place)
            }
            ObjectId::Id(_) => Err(unknown_place()),
        }
    }

    fn check_map(
        &mut self,
        place: Place,
        object: u64,
        key: &str,
        op: &Op,
        counter: u64,
    ) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > limits::KEY_BYTES || key.contains('\0') {
            return refuse(RefusalCode::BadValue, "The edit uses a key that is too long.");
        }
        let before = self.check_preds(object, key, op)?;
        match (place, &op.action) {
            (Place::Root, OpType::Put(value)) => self.check_register(key, value, before)?,
            (Place::Root, _) => self.check_unknown_key(key, None)?,
            (Place::Container(field), action) => {
                let value = match action {
                    OpType::Put(value) => Some(value),
                    _ => None,
                };
                self.check_entry(field, key, value, before)?;
            }
        }
        let now = matches!(op.action, OpType::Put(_)).then_some(counter);
        self.written.insert((object, key.to_owned()), now);
        Ok(())
    }

    /// An honest writer overwrites exactly what it saw; returns how many values that were.
    fn check_preds(&self, object: u64, key: &str, op: &Op) -> Result<usize, Refusal> {
        let preds: HashSet<(u64, &[u8])> =
            op.pred.iter().map(|pred| (pred.counter(), pred.actor().to_bytes())).collect();
        if preds.len() != op.pred.len() {
            return Err(bad_preds());
        }
        if let Some(own) = self.written.get(&(object, key.to_owned())) {
            let expected = own.map(|counter| (counter, self.actor.to_bytes()));
            let fits = preds == expected.into_iter().collect::<HashSet<_>>();
            return if fits { Ok(preds.len()) } else { Err(bad_preds()) };
        }
        let id = match object {
            0 => ROOT,
            _ => {
                let name = self.genesis.by_counter.get(&object).ok_or_else(unknown_place)?;
                self.genesis.containers[name].clone()
            }
        };
        let seen = match &self.deps {
            None => self.context.doc.get_all(&id, key),
            Some(deps) => self.context.doc.get_all_at(&id, key, deps),
        }
        .map_err(|_| unknown_place())?;
        let expected: HashSet<(u64, &[u8])> = seen
            .iter()
            .filter_map(|(_, id)| match id {
                ObjId::Id(counter, actor, _) => Some((*counter, actor.to_bytes())),
                ObjId::Root => None,
            })
            .collect();
        if preds == expected { Ok(preds.len()) } else { Err(bad_preds()) }
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
        let Some(field) = self.context.kind.field(key) else {
            return self.check_unknown_key(key, Some(value));
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
        if key == "created_by" && value.as_str() != Some(&*self.context.author.to_string()) {
            return refuse(
                RefusalCode::ForeignAuthor,
                "A record is created by the signed-in user.",
            );
        }
        if field.required == Presence::Required && *value == ScalarValue::Null {
            return refuse(RefusalCode::BadValue, format!("{key} cannot be empty."));
        }
        check_value(field, value)?;
        if field.rule == Rule::Immutable {
            self.check_claim(value)?;
        }
        self.name(key)
    }

    fn name(&mut self, key: &str) -> Result<(), Refusal> {
        self.named.insert(key.to_owned());
        Ok(())
    }

    /// A moment may be claimed, but not one that lies ahead; reminders are not claims.
    fn check_claim(&self, value: &ScalarValue) -> Result<(), Refusal> {
        if let ScalarValue::Timestamp(ms) = value
            && *ms > self.context.now.0.saturating_add(limits::FUTURE_CLAIM_MS)
        {
            return refuse(RefusalCode::FutureTime, "The device's clock runs ahead; set it.");
        }
        Ok(())
    }

    /// A field of a newer app: a small scalar is kept and passed on.
    fn check_unknown_key(&self, key: &str, value: Option<&ScalarValue>) -> Result<(), Refusal> {
        let declared = self.context.kind.field(key).is_some() || key == ID_KEY || key == KIND_KEY;
        if declared {
            return refuse(RefusalCode::BadReference, format!("{key} cannot be removed."));
        }
        let small = value.is_none_or(|value| scalar_bytes(value) <= limits::SCALAR_BYTES);
        let counter = matches!(value, Some(ScalarValue::Counter(_)));
        let unknown = self
            .context
            .doc
            .keys(ROOT)
            .filter(|key| self.context.kind.field(key).is_none())
            .count();
        if !small || counter || unknown > limits::UNKNOWN_KEYS {
            return refuse(
                RefusalCode::BadValue,
                "The edit writes an unknown field that is too large; update the app.",
            );
        }
        Ok(())
    }

    fn check_entry(
        &self,
        field: &'static Field,
        key: &str,
        value: Option<&ScalarValue>,
        before: usize,
    ) -> Result<(), Refusal> {
        check_writer(field, self.context.pen)?;
        let container = &self.genesis.containers[field.name];
        if value.is_some() && self.context.doc.length(container) >= limits::KEYS_PER_CONTAINER {
            return refuse(
                RefusalCode::TooLarge,
                format!("{} holds too many entries.", field.name),
            );
        }
        let bad = || {
            Refusal::new(RefusalCode::BadValue, format!("{} does not take this entry.", field.name))
        };
        match (field.ty, value) {
            (FieldType::Set(_) | FieldType::Fields, None) if before > 0 => Ok(()),
            (FieldType::Set(_), Some(ScalarValue::Boolean(true))) => {
                let normal = normalise_key(field, key).map_err(|_| bad())?;
                if normal == key { Ok(()) } else { Err(bad()) }
            }
            (FieldType::Fields, Some(ScalarValue::Str(text)))
                if text.len() <= limits::SCALAR_BYTES && !text.contains('\0') =>
            {
                Ok(())
            }
            (FieldType::Log(log), Some(ScalarValue::Str(text))) => {
                self.check_event(field, log, key, text, before)
            }
            (FieldType::Log(_), None) => {
                refuse(RefusalCode::Immutable, "What was noted in a log stays there.")
            }
            _ => Err(bad()),
        }
    }

    fn check_event(
        &self,
        field: &'static Field,
        log: LogKind,
        key: &str,
        text: &str,
        before: usize,
    ) -> Result<(), Refusal> {
        let exists = self
            .context
            .doc
            .get(&self.genesis.containers[field.name], key)
            .ok()
            .flatten()
            .is_some();
        if before > 0 || exists {
            return refuse(RefusalCode::Immutable, "What was noted in a log stays there.");
        }
        let event = Event::parse(log, text).filter(|_| text.len() <= limits::SCALAR_BYTES);
        let id = key.parse::<EventId>().ok().filter(|id| id.to_string() == key);
        let (Some(event), Some(_)) = (event, id) else {
            return refuse(
                RefusalCode::BadValue,
                format!("{} does not take this event; update the app.", field.name),
            );
        };
        if event.by != self.context.author {
            return refuse(RefusalCode::ForeignAuthor, "The event names another author.");
        }
        let latest = self.context.now.0.saturating_add(limits::FUTURE_CLAIM_MS);
        if event.at.0 > latest {
            return refuse(RefusalCode::FutureTime, "The device's clock runs ahead; set it.");
        }
        Ok(())
    }

    /// Characters of a long text: put in after one that is there, or taken away.
    fn check_text(
        &mut self,
        place: Place,
        element: &ElementId,
        op: &Op,
        counter: u64,
    ) -> Result<(), Refusal> {
        let Place::Container(field) = place else { return Err(unknown_place()) };
        if field.ty != FieldType::Text {
            return Err(unknown_place());
        }
        check_writer(field, self.context.pen)?;
        self.edits_text = EditsText::Yes;
        let fits = match (&op.action, op.insert) {
            (OpType::Put(ScalarValue::Str(text)), true) => {
                // Splicing writes one character an operation.
                op.pred.is_empty() && text.chars().count() == 1 && !text.contains('\0')
            }
            (OpType::Delete, false) => !op.pred.is_empty() && element.not_head(),
            _ => false,
        };
        if !fits {
            return refuse(RefusalCode::BadValue, format!("{} takes text only.", field.name));
        }
        let known = element.as_opid().is_none_or(|id| self.exists(id, counter))
            && op.pred.iter().all(|pred| self.exists(pred, counter));
        if known { Ok(()) } else { Err(bad_preds()) }
    }

    fn exists(&self, id: &OpId, counter: u64) -> bool {
        if *id.actor() == self.actor && id.counter() >= self.first_op {
            return id.counter() < counter;
        }
        let id = ObjId::Id(id.counter(), id.actor().clone(), 0);
        self.context.doc.hash_for_opid(&id).is_some()
    }

    /// What only the whole change can show: a creating change gives all that is required.
    fn finish(&self) -> Result<(), Refusal> {
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

fn check_writer(field: &Field, pen: PenRole) -> Result<(), Refusal> {
    if field.writer == Writer::Server && pen == PenRole::Device {
        return refuse(
            RefusalCode::ServerOnly,
            format!("{} is written by the server only; ask a manager.", field.name),
        );
    }
    Ok(())
}

fn check_value(field: &'static Field, value: &ScalarValue) -> Result<(), Refusal> {
    // A word that only a newer app knows is kept as it is, and shown as other.
    if let (FieldType::Choice { .. }, ScalarValue::Str(word)) = (field.ty, value)
        && word.len() <= 255
        && !word.contains('\0')
    {
        return Ok(());
    }
    match read_scalar(field, value) {
        Ok(_) => Ok(()),
        Err(problem) => refuse(RefusalCode::BadValue, format!("{}: {problem}.", field.name)),
    }
}

fn scalar_bytes(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::Bytes(bytes) => bytes.len(),
        ScalarValue::Str(text) => text.len(),
        ScalarValue::Unknown { bytes, .. } => bytes.len(),
        _ => 8,
    }
}

fn wrong_record() -> Refusal {
    Refusal::new(RefusalCode::WrongRecord, "The edit belongs to another record.")
}

fn unknown_place() -> Refusal {
    Refusal::new(RefusalCode::BadReference, "The edit writes where nothing is; update the app.")
}

fn bad_preds() -> Refusal {
    Refusal::new(
        RefusalCode::BadReference,
        "The edit does not name the values it replaces; reopen the record and make it again.",
    )
}
