use sync_core::crm;
use sync_core::ids::UserId;
use sync_core::testing::crm::CrmRules;
use sync_core::testing::{FaultPoint, World};
use uuid::Uuid;

/// A rep edits in a cellar, and the phone dies on the way out, while it sends.
#[test]
fn an_edit_made_offline_arrives_though_the_phone_dies_while_it_sends() {
    let mut world = World::new(crm::schema(), CrmRules, 7);
    let [rep, manager] = [0x11, 0x14].map(|n| world.device(UserId(Uuid::from_u128(n))));
    world.go_online(manager);
    let account = world.create(rep, "organization", &[("name", "Trattoria")]).unwrap();
    world.kill_at(rep, FaultPoint::DeviceAfterCommit, 2);
    world.go_online(rep);
    world.run_for(30_000);
    world.heal().unwrap();
    let seen = world.replica(manager).unwrap().record(account).unwrap().unwrap();
    assert_eq!(seen.text("name"), Some("Trattoria"));
    assert_eq!(world.check(), [""; 0]);
}
