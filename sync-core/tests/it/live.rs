//! Live queries: told of what changed, whoever changed it, and of nothing else.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sync_core::protocol::{Blob, FeedBatch, FeedItem, ServerMessage};
use sync_core::replica::{Difference, Foreign, GroupEdit, ListOptions, LiveQuery, QueryError};

use crate::kit::{World, created, edit, item, kind, pen, record, replica, welcome};

#[test]
fn a_subscription_is_told_what_was_added_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(91);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let organization = kind("organization");
    let sql = "SELECT id, name FROM organizations WHERE NOT is_deleted ORDER BY name";
    let (names, table) = device.subscribe(LiveQuery::Sql(sql.into())).unwrap();
    let mut shown = table.rows;
    let mut look = |device: &mut sync_core::replica::Replica| {
        let all = device.poll_live().unwrap();
        let all: Vec<Difference> =
            all.into_iter().map(|(id, one)| (assert_eq!(id, names), one).1).collect();
        all.iter().for_each(|one| one.apply(&mut shown));
        assert_eq!(shown, device.query(sql).unwrap().rows);
        all
    };
    let mut add = |device: &mut sync_core::replica::Replica, name: &str| {
        device.create(organization, edit(organization, &[("name", name)]), &mut env).unwrap()
    };
    let bar = add(&mut device, "Bar");
    add(&mut device, "Café");
    let seen = look(&mut device);
    assert_eq!((seen.len(), seen[0].added.len(), seen[0].changed.len()), (1, 2, 0));
    assert!(look(&mut device).is_empty(), "nothing is told twice");
    // Another name and another place.
    device.edit(bar, edit(organization, &[("name", "Zum Bären")]), &mut env).unwrap();
    let seen = look(&mut device);
    assert_eq!((seen[0].added.len(), seen[0].changed.len(), seen[0].removed.len()), (0, 1, 0));
    // A field that the query does not show, and a table that it does not read.
    device.edit(bar, edit(organization, &[("cuisine", "Swiss")]), &mut env).unwrap();
    let task = kind("task");
    device.create(task, edit(task, &[("title", "Call")]), &mut env).unwrap();
    assert!(look(&mut device).is_empty());
    device.commit(&[GroupEdit::Delete { id: bar }], &mut env).unwrap();
    let seen = look(&mut device);
    assert_eq!(seen[0].removed[0].key, json!(bar.to_string()));
    device.unsubscribe(names);
    device.commit(&[GroupEdit::Restore { id: bar }], &mut env).unwrap();
    assert!(device.poll_live().unwrap().is_empty());
}

/// By the feed, and by another process on the file.
#[test]
fn a_typed_list_follows_the_server_and_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(92);
    let mut device = replica(&file, 1, &mut env);
    let organization = kind("organization");
    let list = LiveQuery::List { kind: organization.clone(), options: ListOptions::default() };
    let (_, table) = device.subscribe(list).unwrap();
    assert!(table.rows.is_empty());
    device.connect("token", "test").unwrap();
    device.handle_frame(&welcome(), &mut env).unwrap();
    let (doc, _) = created(organization, &[("name", "Theirs"), ("tags", "a,b")], &pen(2, 2));
    let theirs = FeedItem { snapshot: Some(Blob(doc.save())), ..item(record(1)) };
    let batch = FeedBatch { cursor: Blob(vec![1]), items: vec![theirs], ..FeedBatch::default() };
    device.handle_frame(&ServerMessage::Feed(batch).to_bytes(), &mut env).unwrap();
    let (_, told) = device.poll_live().unwrap().pop().unwrap();
    let column = |name: &str| table.columns.iter().position(|column| column == name).unwrap();
    let row = &told.added[0].row;
    assert_eq!(
        (&row[column("name")], &row[column("tags")]),
        (&json!("Theirs"), &json!(["a", "b"]))
    );
    assert_eq!(row[column("is_deleted")], json!(false));

    let mut other = replica(&file, 1, &mut env);
    other.create(organization, edit(organization, &[("name", "Beside")]), &mut env).unwrap();
    let (_, told) = device.poll_live().unwrap().pop().unwrap();
    assert_eq!(told.added[0].row[column("name")], json!("Beside"));
    assert!(device.poll_live().unwrap().is_empty());
}

/// Hosts that keep lists of their own learn which tables and records were written.
#[test]
fn what_a_write_touched_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let mut env = World::new(93);
    let mut device = replica(&file, 1, &mut env);
    let mut other = replica(&file, 1, &mut env);
    let organization = kind("organization");
    let id =
        device.create(organization, edit(organization, &[("name", "Mine")]), &mut env).unwrap();
    let touched = device.take_touched();
    assert_eq!(touched.records, [("organizations", id)]);
    assert!(touched.has("changes") && !touched.has("tasks"));
    assert!(device.take_touched().is_empty());
    assert_eq!(device.look_for_foreign_writes().unwrap(), Foreign::Quiet);
    assert_eq!(other.look_for_foreign_writes().unwrap(), Foreign::Wrote);
    assert_eq!(other.look_for_foreign_writes().unwrap(), Foreign::Quiet);
    assert!(other.take_touched().whole.contains("organizations"));
}

#[test]
fn only_a_statement_that_reads_can_be_subscribed_to() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = World::new(94);
    let mut device = replica(&dir.path().join("a.db"), 1, &mut env);
    let deletes = device.subscribe(LiveQuery::Sql("DELETE FROM organizations".into()));
    assert!(matches!(deletes, Err(QueryError::NotReadOnly)));
    assert!(device.subscribe(LiveQuery::Sql("SELECT nothing".into())).is_err());
    // And statements that write for the replica itself are not hindered by the question.
    let organization = kind("organization");
    device.create(organization, edit(organization, &[("name", "Mine")]), &mut env).unwrap();
}

fn rows() -> impl Strategy<Value = Vec<Vec<Json>>> {
    // Few keys and few values: many collisions, moves and repeated keys.
    let row = (0..8_u8, 0..3_u8).prop_map(|(key, value)| vec![json!(key), json!(value)]);
    prop::collection::vec(row, 0..12)
}

proptest! {
    /// Whatever the rows were and are: the difference leads from the one to the other, and rows that
    /// are the same in both stay untouched when nothing moved.
    #[test]
    fn a_difference_leads_from_the_rows_of_before_to_those_of_now(before in rows(), after in rows()) {
        let difference = Difference::between(&before, &after, 0);
        let mut shown = before.clone();
        difference.apply(&mut shown);
        prop_assert_eq!(&shown, &after);
        prop_assert_eq!(difference.is_empty(), before == after);
    }
}
