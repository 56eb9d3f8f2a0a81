//! Claims of having been, or done, what the attacker was not and did not.

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{ExpandedChange, ScalarValue};
use sync_core::event::{EventData, event_data};
use sync_core::limits;

use crate::forgery::facts::{Facts, encoded, on_key, put};
use crate::forgery::scene::KINDS;
use crate::forgery::table::Table;

pub(super) fn add(table: &mut Table) {
    table.each("a beginning by the victim", "foreign_author", |facts| {
        begun(facts, |change| overwrite(change, "created_by", facts.victim.to_string().into()))
    });
    table.each("a beginning in the future", "future_time", |facts| {
        let later = ScalarValue::Timestamp(facts.now.0 + limits::FUTURE_CLAIM_MS * 2);
        begun(facts, |change| overwrite(change, "created_at", later))
    });
    for key in ["created_by", "created_at"] {
        table.each(&format!("another {key}"), "immutable", move |facts| {
            let value = if key == "created_by" {
                ScalarValue::Str(facts.attacker.to_string().as_str().into())
            } else {
                ScalarValue::Timestamp(facts.now.0)
            };
            let preds = facts.standing(key);
            facts.doing(vec![on_key(ObjectId::Root, key, OpType::Put(value), preds)])
        });
        table.each(&format!("a second {key}"), "bad_reference", move |facts| {
            facts.doing(vec![put(key, facts.attacker.to_string())])
        });
    }
    let visit = "interaction";
    table.only(visit, "a visit by the victim", "foreign_author", |facts| {
        begun(facts, |change| overwrite(change, "user_id", facts.victim.to_string().into()))
    });
    table.only(visit, "a visit in the future", "future_time", |facts| {
        let later = ScalarValue::Timestamp(facts.now.0 + limits::FUTURE_CLAIM_MS * 2);
        begun(facts, |change| overwrite(change, "occurred_at", later))
    });
    table.only(visit, "the visit given to another", "immutable", |facts| {
        let value = OpType::Put(facts.attacker.to_string().into());
        let preds = facts.standing("user_id");
        facts.doing(vec![on_key(ObjectId::Root, "user_id", value, preds)])
    });
    events(table);
    of_the_server(table);
}

fn begun(
    facts: &Facts,
    alter: impl FnOnce(&mut ExpandedChange),
) -> Vec<sync_core::protocol::PushGroup> {
    let id = facts.id();
    let mut change = facts.creation(id, facts.shared);
    alter(&mut change);
    facts.push_as(id, facts.kind.name, encoded(change))
}

fn overwrite(change: &mut ExpandedChange, key: &str, value: ScalarValue) {
    let at_key = |at: &Key| matches!(at, Key::Map(name) if name == key);
    let op = change.operations.iter_mut().find(|op| at_key(&op.key)).unwrap();
    op.action = OpType::Put(value);
}

fn action(word: &str) -> EventData {
    event_data([("action", Some(word))])
}

fn stage(role: Option<&str>) -> EventData {
    event_data([("stage", Some("negotiation")), ("role", role)])
}

/// Events as another, at an impossible moment, or of a log that they do not belong to.
fn events(table: &mut Table) {
    fn lies(
        table: &mut Table,
        kinds: &[&'static str],
        field: &'static str,
        data: impl Fn(&Facts) -> EventData + Clone + 'static,
    ) {
        for kind in kinds {
            let given = data.clone();
            table.only(kind, &format!("{field} by the victim"), "foreign_author", move |facts| {
                let (me, them) = (facts.attacker.to_string(), facts.victim.to_string());
                facts.event(field, given(facts), |text| text.replace(&me, &them))
            });
            let given = data.clone();
            table.only(kind, &format!("{field} in the future"), "future_time", move |facts| {
                let (now, later) = (facts.now.0, facts.now.0 + limits::FUTURE_CLAIM_MS * 2);
                facts.event(field, given(facts), |text| {
                    text.replace(&now.to_string(), &later.to_string())
                })
            });
            let given = data.clone();
            table.only(kind, &format!("{field} with strange words"), "bad_value", move |facts| {
                facts.event(field, given(facts), |_| "{\"at\":1}".into())
            });
        }
    }
    lies(table, &KINDS, "life", |_| action("delete"));
    lies(table, &["task"], "completion", |_| action("complete"));
    lies(table, &["opportunity"], "stage_log", |_| stage(None));
    lies(table, &["interaction"], "status_log", |_| event_data([("status", Some("no_show"))]));
    lies(table, &["contact"], "employer", |facts| {
        event_data([("organization_id", Some(facts.shared.to_string().as_str()))])
    });
    for role in ["admin", "manager", "sales_rep"] {
        table.only("opportunity", &format!("a stage as {role}"), "server_only", move |facts| {
            facts.event("stage_log", stage(Some(role)), |text| text)
        });
    }
}

/// Fields that the server writes, and columns that nobody writes.
fn of_the_server(table: &mut Table) {
    table.only("organization", "an assignment", "server_only", |facts| {
        let data = event_data([("assigned_user_id", Some(facts.attacker.to_string().as_str()))]);
        facts.event("assignment", data, |text| text)
    });
    table.only("opportunity", "an owner", "server_only", |facts| {
        let data = event_data([("user_id", Some(facts.attacker.to_string().as_str()))]);
        facts.event("owner", data, |text| text)
    });
    table.only("organization", "a merger", "server_only", |facts| {
        facts.doing(vec![put("merged_into", facts.other.to_string())])
    });
    let columns: [(&str, &[&str]); 5] = [
        ("organization", &["territory_id", "assigned_user_id", "secondary_user_id", "is_deleted"]),
        ("contact", &["organization_id", "full_name"]),
        ("opportunity", &["user_id", "stage", "probability", "close_reason"]),
        ("interaction", &["status", "conflict_count"]),
        ("task", &["is_completed", "completed_by"]),
    ];
    for (kind, names) in columns {
        for name in names.iter().chain(&["updated_by", "updated_at"]) {
            table.only(kind, &format!("the column {name}"), "server_only", |facts| {
                facts.doing(vec![put(name, facts.attacker.to_string())])
            });
        }
    }
}
