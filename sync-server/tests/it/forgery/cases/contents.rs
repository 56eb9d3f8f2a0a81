//! Operations that no edit of a record has.

use automerge::legacy::{ObjectId, OpId, OpType};
use automerge::{ActorId, ObjType, ScalarValue};
use sync_core::limits;

use crate::forgery::facts::{on_key, put};
use crate::forgery::table::Table;

pub(super) fn add(table: &mut Table) {
    table.each("a value over one that it does not name", "bad_reference", |facts| {
        facts.doing(vec![put("kind", "forged")])
    });
    table.each("a value over one that is not there", "bad_reference", |facts| {
        let pred = vec![OpId::new(3, &ActorId::from(facts.bytes::<16>()))];
        let forged = OpType::Put("forged".into());
        facts.doing(vec![on_key(ObjectId::Root, "newer", forged, pred)])
    });
    table.each("a removal of nothing", "bad_reference", |facts| {
        facts.doing(vec![on_key(facts.container("tags"), "forged", OpType::Delete, Vec::new())])
    });
    table.each("the removal of the id", "bad_reference", |facts| {
        let preds = facts.standing("id");
        facts.doing(vec![on_key(ObjectId::Root, "id", OpType::Delete, preds)])
    });
    table.each("a container of its own", "bad_reference", |facts| {
        let make = OpType::Make(ObjType::Map);
        facts.doing(vec![on_key(ObjectId::Root, "forged", make, Vec::new())])
    });
    table.each("a container written over", "bad_reference", |facts| {
        let forged = OpType::Put("forged".into());
        let preds = facts.standing("tags");
        facts.doing(vec![on_key(ObjectId::Root, "tags", forged, preds)])
    });
    table.each("a container that nobody made", "bad_reference", |facts| {
        let place = ObjectId::Id(OpId::new(3, &ActorId::from(facts.bytes::<16>())));
        facts.doing(vec![on_key(place, "forged", OpType::Put(true.into()), Vec::new())])
    });
    table.each("the container of another kind", "bad_reference", |facts| {
        let actor = ActorId::from(facts.elsewhere.0.genesis().actor.0);
        let place = ObjectId::Id(OpId::new(2, &actor));
        facts.doing(vec![on_key(place, "forged", OpType::Put(true.into()), Vec::new())])
    });
    table.each("an increment", "bad_reference", |facts| {
        facts.doing(vec![on_key(ObjectId::Root, "forged", OpType::Increment(5), Vec::new())])
    });
    table.each("a counter", "bad_value", |facts| {
        facts.doing(vec![put("forged", ScalarValue::counter(5))])
    });
    table.each("a key too long", "bad_value", |facts| {
        facts.doing(vec![put(&"k".repeat(limits::KEY_BYTES + 1), "forged")])
    });
    table.each("a key with a NUL", "bad_value", |facts| facts.doing(vec![put("for\0ged", 1)]));
    table.each("a value too long", "bad_value", |facts| {
        facts.doing(vec![put("newer", "x".repeat(limits::SCALAR_BYTES + 1))])
    });
    table.each("a tag that is no tag", "bad_value", |facts| {
        let odd = OpType::Put("forged".into());
        facts.doing(vec![on_key(facts.container("tags"), "forged", odd, Vec::new())])
    });
    table.each("more unknown fields than allowed", "too_large", |facts| {
        facts.doing((0..=limits::UNKNOWN_KEYS).map(|n| put(&format!("k{n}"), 1)).collect())
    });
    table.each("nothing at all", "malformed", |facts| facts.doing(Vec::new()));
}
