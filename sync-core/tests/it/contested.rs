//! What several people gave different values at once: listed with who said what and what all started from, and
//! settled by writing it again.

use automerge::Automerge;
use serde_json::{Value as Json, json};
use sync_core::ids::RecordId;
use sync_core::protocol::{Blob, FeedBatch, FeedItem, ServerMessage};
use sync_core::replica::{Contested, GroupEdit, Replica, SettleError};

use crate::kit::{World, edit, edited, item, kind, pen, replica, user, welcome};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A kind with the first values of its record; a field with its base and two values; and how it is listed.
type Case<'a> = (&'a str, Pairs<'a>, (&'a str, &'a str, &'a str, &'a str), &'a str);

/// Takes a whole document in, as the server has it.
fn take(device: &mut Replica, of: &str, id: RecordId, doc: &Automerge, env: &mut World) {
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), env).unwrap();
    let items = vec![FeedItem { kind: of.into(), snapshot: Some(Blob(doc.save())), ..item(id) }];
    let frame = ServerMessage::Feed(FeedBatch { items, ..FeedBatch::default() }).to_bytes();
    device.handle_frame(&frame, env).unwrap();
    device.disconnected(None);
}

/// A record that two people edited without hearing of each other, on the device of a third.
fn edited_by_two(
    device: &mut Replica,
    of: &str,
    first: Pairs<'_>,
    [left, right]: [Pairs<'_>; 2],
    env: &mut World,
) -> RecordId {
    let of = kind(of);
    let id = device.create(of, edit(of, first), env).unwrap();
    let base = Automerge::load(&device.save_document(id).unwrap()).unwrap();
    let (mut a, mut b) = (base.clone(), base);
    edited(&mut a, of, left, &pen(2, 2), &mut 0);
    edited(&mut b, of, right, &pen(3, 3), &mut 0);
    a.merge(&mut b).unwrap();
    take(device, of.name, id, &a, env);
    id
}

fn values(one: &Contested) -> Vec<Json> {
    one.values.iter().map(|value| value.value.clone()).collect()
}

const ACCOUNT: (&str, &str) = ("organization_id", "018f0000-0000-7000-8000-000000000001");

/// Fields of every rule: each is listed with its base and both writers, and settled by either value.
#[test]
fn every_contested_field_is_listed_with_its_base_and_settled_by_either_value() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(1);
    let mut device = replica(file.path(), 1, &mut env);
    let cases: [Case<'_>; 8] = [
        ("organization", &[("name", "Café")], ("cuisine", "Thai", "Lao", "Viet"), "cuisine"),
        ("organization", &[("name", "Café")], ("priority_level", "B", "A", "D"), "priority_level"),
        (
            "organization",
            &[("name", "Café")],
            (
                "billing_address",
                r#"{"city":"Troy"}"#,
                r#"{"city":"Albany"}"#,
                r#"{"city":"Utica"}"#,
            ),
            "billing_address",
        ),
        (
            "opportunity",
            &[("name", "Oat milk"), ACCOUNT],
            ("estimated_value", "10.00 USD", "20.00 USD", "30.00 USD"),
            "estimated_value",
        ),
        (
            "task",
            &[("title", "Call")],
            ("due_date", "2030-05-01", "2030-05-02", "2030-05-03"),
            "due_date",
        ),
        (
            "organization",
            &[("name", "Café")],
            ("custom_fields.door", "blue", "red", "green"),
            "custom_fields.door",
        ),
        ("organization", &[("name", "Café")], ("employee_count", "1", "2", "3"), "employee_count"),
        ("organization", &[("name", "Café")], ("name", "Bar", "Bistro", "Diner"), "name"),
    ];
    for (of, first, (name, base, left, right), field) in cases {
        for kept in 0..2 {
            let mut begun = first.to_vec();
            begun.retain(|(given, _)| *given != name);
            begun.push((name, base));
            let edits: [Pairs<'_>; 2] = [&[(name, left)], &[(name, right)]];
            let id = edited_by_two(&mut device, of, &begun, edits, &mut env);
            let all = device.conflicts().unwrap();
            let [one] = &all[..] else { panic!("{field}: {all:?}") };
            assert_eq!((one.kind, one.id, one.field.as_str()), (of, id, field));
            assert!(!one.title.is_empty(), "{one:?}");
            let mut writers: Vec<_> = one.values.iter().map(|value| value.author).collect();
            writers.sort_unstable();
            assert_eq!(writers, [Some(user(2)), Some(user(3))], "{field}");
            let said = edit(kind(of), &[(name, base)]).to_json();
            let said = said[0].get("set").cloned().unwrap_or_else(|| said[0]["entry"][1].clone());
            assert_eq!(one.base, said, "{field}");
            let shown = values(one);
            device.settle(id, field, &shown[kept], &mut env).unwrap();
            assert_eq!(device.conflicts().unwrap(), [], "{field} is settled");
            let record = device.record(id).unwrap().unwrap();
            match field.split_once('.') {
                Some(_) => {
                    let sql = format!("SELECT custom_fields FROM organizations WHERE id = '{id}'");
                    let cell = device.query(&sql).unwrap().rows[0][0].clone();
                    assert!(cell.as_str().unwrap().contains(shown[kept].as_str().unwrap()));
                }
                None => assert_eq!(record.json(field), shown[kept]),
            }
            let again = device.settle(id, field, &shown[kept], &mut env);
            assert!(matches!(again, Err(SettleError::Nothing(_))), "{again:?}");
        }
    }
}

/// A value that nobody had given before has no base; clearing is a value too.
#[test]
fn without_a_value_before_the_base_is_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(2);
    let mut device = replica(file.path(), 1, &mut env);
    let edits: [Pairs<'_>; 2] = [&[("cuisine", "Lao")], &[("cuisine", "Thai")]];
    let id = edited_by_two(&mut device, "organization", &[("name", "Café")], edits, &mut env);
    let one = device.conflicts_of(id).unwrap().remove(0);
    assert_eq!(one.base, Json::Null);
    device.settle(id, "cuisine", &Json::Null, &mut env).unwrap();
    assert_eq!(device.conflicts().unwrap(), []);
    // What two people put into a set is in it, and nobody has to settle anything.
    let edits: [Pairs<'_>; 2] = [&[("tags", "+patio")], &[("tags", "+roof")]];
    edited_by_two(&mut device, "organization", &[("name", "Bar")], edits, &mut env);
    assert_eq!(device.conflicts().unwrap(), []);
}

/// Won and lost at once: both are listed with what the deal was before, and saying either again settles it,
/// with the reason that was given.
#[test]
fn a_deal_that_is_won_and_lost_is_settled_by_either() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(3);
    let mut device = replica(file.path(), 1, &mut env);
    let first = [("name", "Oat milk"), ACCOUNT, ("stage", "negotiation")];
    let edits: [Pairs<'_>; 2] = [&[("stage", "closed-won")], &[("stage", "closed-lost: dear")]];
    let id = edited_by_two(&mut device, "opportunity", &first, edits, &mut env);
    let one = device.conflicts().unwrap().remove(0);
    assert_eq!((one.field.as_str(), &one.base), ("stage", &json!("negotiation")));
    assert_eq!(values(&one), [json!("closed-won"), json!("closed-lost")]);
    assert_eq!(one.values[1].author, Some(user(3)));
    device.settle(id, "stage", &json!("closed-lost"), &mut env).unwrap();
    assert_eq!(device.conflicts().unwrap(), []);
    let row =
        device.query("SELECT stage, close_reason, stage_disputed FROM opportunities").unwrap();
    assert_eq!(row.rows[0], [json!("closed-lost"), json!("dear"), json!(0)]);
}

/// Deleted by one while another worked on it: listed, and settled by restoring or by deleting again.
#[test]
fn a_deletion_of_what_somebody_was_working_on_is_contested() {
    for (answer, deleted) in [(true, 1), (false, 0)] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut env = World::new(4);
        let mut device = replica(file.path(), 1, &mut env);
        let of = kind("contact");
        let first = [("first_name", "Kim"), ("last_name", "Lee"), ACCOUNT];
        let id = device.create(of, edit(of, &first), &mut env).unwrap();
        let mut other = Automerge::load(&device.save_document(id).unwrap()).unwrap();
        device.commit(&[GroupEdit::Delete { id }], &mut env).unwrap();
        assert_eq!(device.conflicts().unwrap(), [], "nobody worked on it");
        edited(&mut other, of, &[("job_title", "Chef")], &pen(2, 2), &mut 0);
        let mut both = Automerge::load(&device.save_document(id).unwrap()).unwrap();
        both.merge(&mut other).unwrap();
        take(&mut device, "contact", id, &both, &mut env);
        let one = device.conflicts().unwrap().remove(0);
        assert_eq!((one.field.as_str(), &one.base), ("is_deleted", &json!(false)));
        let said: Vec<_> = one.values.iter().map(|one| (one.value.clone(), one.author)).collect();
        assert_eq!(said, [(json!(true), Some(user(1))), (json!(false), Some(user(2)))]);
        assert_eq!(one.title, "Kim Lee");
        device.settle(id, "is_deleted", &json!(answer), &mut env).unwrap();
        assert_eq!(device.conflicts().unwrap(), [], "whoever settled it saw the work");
        let sql = format!("SELECT is_deleted FROM contacts WHERE id = '{id}'");
        assert_eq!(device.query(&sql).unwrap().rows[0][0], json!(deleted));
    }
}
