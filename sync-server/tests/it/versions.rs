//! Devices and servers one version of the declarations apart, in both directions: nothing is dropped
//! and nothing said wrongly.

use std::sync::{Arc, OnceLock};

use client_sdk::Client;
use client_sdk::core::document::{FieldChange, RecordEdit};
use client_sdk::core::ids::RecordId;
use serde_json::json;
use sync_core::schema::Schema;
use sync_core::testing::next_version;
use uuid::Uuid;

use crate::harness::{World, create, edit};

/// The CRM as a next version might declare it: a field of each type more at the front, in the middle
/// and at the end of each kind, and two fewer.
fn next() -> Arc<Schema> {
    static NEXT: OnceLock<Arc<Schema>> = OnceLock::new();
    let retired = [("organization", "cuisine"), ("organization", "principals")];
    let declare = || Schema::new(next_version(sync_core::crm::declarations(), &retired));
    NEXT.get_or_init(declare).clone()
}

fn newer(world: &World, file: &str, user: Uuid) -> Client {
    world.device_of(next(), file, user)
}

/// An edit by an app of the next version.
fn of_next(pairs: &[(&str, &str)]) -> RecordEdit {
    let schema = next();
    RecordEdit::parse(schema.kind("organization").unwrap(), pairs.iter().copied()).unwrap()
}

const NEW: &[(&str, &str)] = &[
    ("front_text", "Blue door"),
    ("middle_int", "12"),
    ("end_whole", "left=3,right=x"),
    ("front_long", "Knock twice"),
    ("middle_set", "+early"),
    ("end_fields.Gate", "North"),
];
const COLUMNS: &str = "SELECT name, front_text, middle_int, end_whole_left, front_long, middle_set,
    end_fields FROM organizations";

fn shown() -> Vec<serde_json::Value> {
    vec![
        json!("Kitchen"),
        json!("Blue door"),
        json!(12),
        json!(3),
        json!("Knock twice"),
        json!("[\"early\"]"),
        json!("{\"Gate\":\"North\"}"),
    ]
}

#[track_caller]
fn assert_shows(device: &Client, sql: &str, row: &[serde_json::Value]) {
    assert_eq!(device.query(sql).unwrap().rows, [row.to_vec()]);
}

async fn sync(world: &World, device: &mut Client) {
    let summary = world.sync(device).await;
    assert_eq!(summary.refused, 0);
    assert_eq!(device.status().unwrap().unsent, 0);
}

/// The app stores were faster than the operator: the server is of the older version. What newer apps
/// write goes through it; older apps go on beside them.
#[tokio::test(flavor = "multi_thread")]
async fn newer_devices_work_on_an_older_server() {
    let world = World::new().await;
    let mut new = newer(&world, "new.db", world.rep);
    let mut old = world.device("old.db", world.rep);
    let id = new.create(next().kind("organization").unwrap(), of_next(&[("name", "Kitchen")]));
    let id = id.unwrap();
    new.edit(id, of_next(NEW)).unwrap();
    sync(&world, &mut new).await;
    sync(&world, &mut old).await;
    world.assert_agrees(&old).await;
    old.edit(id, edit("organization", &[("cuisine", "Thai"), ("notes", "Ring")])).unwrap();
    sync(&world, &mut old).await;
    // Another device of the new version, of somebody else, has never seen the record.
    let mut manager = newer(&world, "manager.db", world.manager);
    sync(&world, &mut manager).await;
    assert_shows(&manager, COLUMNS, &shown());
    assert_shows(&manager, "SELECT notes FROM organizations", &[json!("Ring")]);
    sync(&world, &mut new).await;
    assert_shows(&new, COLUMNS, &shown());
    world.assert_projected().await;
    world.end().await;
}

/// The operator was faster: the server is of the newer version, has the newer columns, and takes what
/// older apps write, fields included that went out of use.
#[tokio::test(flavor = "multi_thread")]
async fn older_devices_work_on_a_newer_server() {
    let world = World::of(next()).await;
    let mut old = world.device("old.db", world.rep);
    let mut new = newer(&world, "new.db", world.manager);
    let pairs = [("name", "Kitchen"), ("cuisine", "Thai"), ("notes", "Ring")];
    let id = create(&mut old, "organization", &pairs);
    sync(&world, &mut old).await;
    sync(&world, &mut new).await;
    new.edit(id, of_next(NEW)).unwrap();
    let principal = Uuid::from_u128(5).to_string();
    let pairs = [("cuisine", "Lao"), ("website", "k.example"), ("principals", &principal)];
    old.edit(id, edit("organization", &pairs)).unwrap();
    sync(&world, &mut new).await;
    sync(&world, &mut old).await;
    sync(&world, &mut new).await;
    assert_shows(&new, COLUMNS, &shown());
    assert_shows(
        &new,
        "SELECT website, notes FROM organizations",
        &[json!("k.example"), json!("Ring")],
    );
    assert!(new.query("SELECT cuisine FROM organizations").is_err());
    world.assert_agrees(&new).await;
    sync(&world, &mut old).await;
    let row = [json!("Kitchen"), json!("Lao"), json!(format!("[\"{principal}\"]"))];
    assert_shows(&old, "SELECT name, cuisine, principals FROM organizations", &row);
    world.assert_projected().await;
    // The older device is updated; the newer fields it kept without knowing them are shown.
    drop(old);
    let mut updated = newer(&world, "old.db", world.rep);
    let mut statuses = updated.status_stream();
    while statuses.next().await.unwrap().rebuilding.is_some() {}
    sync(&world, &mut updated).await;
    assert_shows(&updated, COLUMNS, &shown());
    world.assert_agrees(&updated).await;
    world.end().await;
}

/// Two people give a record its new containers while neither hears of the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_people_bring_the_same_containers() {
    for schema in [sync_core::crm::schema(), next()] {
        let world = World::of(schema).await;
        let mut rosa = newer(&world, "rosa.db", world.rep);
        let mut mia = newer(&world, "mia.db", world.manager);
        let kind = next().kind("organization").unwrap().clone();
        let id = rosa.create(&kind, of_next(&[("name", "Kitchen")])).unwrap();
        sync(&world, &mut rosa).await;
        sync(&world, &mut mia).await;
        rosa.edit(id, of_next(&[("middle_set", "+rosa")])).unwrap();
        mia.edit(id, of_next(&[("middle_set", "+mia"), ("end_long", "Both")])).unwrap();
        assert_eq!(rosa.status().unwrap().unsent, 1, "a step is nobody's edit");
        sync(&world, &mut rosa).await;
        sync(&world, &mut mia).await;
        sync(&world, &mut rosa).await;
        for device in [&rosa, &mia] {
            let row = [json!("[\"mia\",\"rosa\"]"), json!("Both")];
            assert_shows(device, "SELECT middle_set, end_long FROM organizations", &row);
        }
        world.assert_projected().await;
        world.end().await;
    }
}

/// The first edit of a new container is refused: what comes after it is made again with the container,
/// and the refused one can be made again too.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_edit_takes_no_container_along() {
    let world = World::of(next()).await;
    let mut rosa = newer(&world, "rosa.db", world.rep);
    let account = rosa.create(next().kind("organization").unwrap(), of_next(&[("name", "K")]));
    let account = account.unwrap().to_string();
    let schema = next();
    let deals = schema.kind("opportunity").unwrap();
    let of_deal = |pairs: &[(&str, &str)]| RecordEdit::parse(deals, pairs.iter().copied()).unwrap();
    let deal: RecordId =
        rosa.create(deals, of_deal(&[("name", "Menu"), ("organization_id", &account)])).unwrap();
    sync(&world, &mut rosa).await;
    // A lost deal needs a reason, which the rules of the database say.
    rosa.edit(deal, of_deal(&[("stage", "closed-lost"), ("front_set", "+one")])).unwrap();
    rosa.edit(deal, of_deal(&[("front_set", "+two")])).unwrap();
    assert_eq!(world.sync(&mut rosa).await.refused, 1);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    assert_eq!(rosa.status().unwrap().unsent, 0);
    assert_shows(&rosa, "SELECT front_set FROM opportunities", &[json!("[\"two\"]")]);
    let [refused] = &rosa.quarantine().unwrap()[..] else { panic!("one is refused") };
    let said = refused.edit.as_array().unwrap();
    assert!(said.iter().any(|change| change["add"] == "one"), "{said:?}");
    let set = deals.field("front_set").unwrap().clone();
    let corrections = RecordEdit {
        changes: [(set, FieldChange::Add("three".into()))]
            .into_iter()
            .chain(of_deal(&[("stage", "closed-lost: too dear")]).changes)
            .collect(),
    };
    rosa.resubmit(refused.hash, corrections).unwrap();
    sync(&world, &mut rosa).await;
    assert_shows(&rosa, "SELECT front_set FROM opportunities", &[json!("[\"three\",\"two\"]")]);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    let wordless = "SELECT count(*) FROM sync.quarantine WHERE edit IS NULL";
    let kept: i64 = sqlx::query_scalar(wordless).fetch_one(&world.owner).await.unwrap();
    assert_eq!(kept, 0, "a step is nobody's work");
    world.end().await;
}
