//! Visits that are planned, take place and are corrected.

use client_sdk::core::time::UnixMs;
use sync_server::ops::report;

use crate::harness::{World, create, set};

fn hours_from_now(hours: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    UnixMs(now.as_millis() as i64 + hours * 3_600_000).to_string()
}

/// A plan lies ahead and is no activity; once it took place it is, and when that was, its rep and the
/// manager may correct, and no colleague who has the account now.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_visit_is_activity_once_it_took_place_and_its_time_is_corrected_by_its_own() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]).to_string();
    let tomorrow = hours_from_now(24);
    let plan = [("organization_id", &*account), ("interaction_type", "VISIT")];
    let visit =
        create(&mut rosa, "interaction", &[plan[0], plan[1], ("planned_at", tomorrow.as_str())]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    let stands = "SELECT status, planned_at, occurred_at IS NULL FROM public.interactions";
    let row = world.select(world.rep, stands).await.remove(0);
    assert_eq!((row[0].as_str(), row[2].as_bool()), (Some("scheduled"), Some(true)), "{row:?}");
    assert!(!row[1].is_null());
    let activity = async || {
        report::run(&world.server.app.pool, "activity", world.manager).await.unwrap().to_json()
    };
    assert_eq!(activity().await.as_array().map(Vec::len), Some(0), "a plan is no activity");

    set(&mut rosa, visit, "interaction", &[("occurred_at", &*hours_from_now(-1))]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0);
    let row = world.select(world.rep, stands).await.remove(0);
    assert_eq!((row[0].as_str(), row[2].as_bool()), (Some("completed"), Some(false)), "{row:?}");
    assert_eq!(activity().await.as_array().map(Vec::len), Some(1));

    let noted = |hours: i64| format!("at_ms={}", hours_from_now(hours));
    let arrival = format!("{}, lat=42.5, lng=-73.25", noted(-2));
    set(&mut rosa, visit, "interaction", &[("check_in", &*arrival)]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0, "the arrival at a visit that was planned");
    set(&mut rosa, visit, "interaction", &[("occurred_at", &*hours_from_now(-2))]);
    assert_eq!(world.sync(&mut rosa).await.refused, 0, "her own");
    world.assign(account.parse().unwrap(), world.other_rep).await;
    let mut omar = world.device("omar.db", world.other_rep);
    world.sync(&mut omar).await;
    set(&mut omar, visit, "interaction", &[("occurred_at", &*hours_from_now(-3))]);
    set(&mut omar, visit, "interaction", &[("check_out", &*noted(-1))]);
    set(&mut omar, visit, "interaction", &[("outcome", "They will order.")]);
    world.sync(&mut omar).await;
    let refused = omar.quarantine().unwrap();
    let policies: Vec<_> = refused.iter().map(|one| one.refusal.policy.as_deref()).collect();
    let rule = Some("only_whose_it_was_corrects_the_time");
    assert_eq!(policies, [rule, rule], "a colleague's time, and a colleague's departure");
    let mut mia = world.device("mia.db", world.manager);
    world.sync(&mut mia).await;
    set(&mut mia, visit, "interaction", &[("occurred_at", &*hours_from_now(-4))]);
    set(&mut mia, visit, "interaction", &[("check_out", &*noted(-1))]);
    assert_eq!(world.sync(&mut mia).await.refused, 0, "the manager's word");
    world.assert_agrees(&mia).await;
    world.end().await;
}
