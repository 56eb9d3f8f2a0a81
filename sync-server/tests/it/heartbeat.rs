//! No session lives by the heartbeat: whatever there is to send, somebody woke the feed for it.

use client_sdk::{Client, Server};
use sync_core::replica::{GroupEdit, LinkState};
use sync_server::telemetry;

use crate::harness::{World, create, edit, kind, set, until};

/// What was found by heartbeats alone, in this process.
fn overslept() -> String {
    let metrics = telemetry::metrics().render();
    let of_it = |line: &&str| line.starts_with("sync_feed_overslept_total");
    metrics.lines().find(of_it).unwrap_or("none").to_owned()
}

fn connect(world: &World, device: &Client) {
    let token = world.token(device.user().0);
    device.use_server(Server::new(world.server.sync_url(), token));
    device.connect();
}

async fn in_step(device: &Client) {
    until("everything is sent and received", async || {
        let status = device.status().unwrap();
        status.unsent == 0 && status.link == LinkState::Live
    })
    .await;
}

/// Two heartbeats more, each followed by an edit that the device waits for: what the one found of which
/// nobody told, the other counts.
async fn assert_nobody_overslept(world: &World, device: &mut Client) {
    let account = create(device, "organization", &[("name", "The last one")]);
    for number in ["1", "2"] {
        world.server.app.wake.send_modify(|wake| wake.beats += 1);
        set(device, account, "organization", &[("employee_count", number)]);
        in_step(device).await;
    }
    assert_eq!(overslept(), "none");
}

/// The notification of a commit comes before its verdicts are noted: were that the last look at the feed,
/// the device would wait for the heartbeat to hear that it is in step.
#[tokio::test(flavor = "multi_thread")]
async fn a_lone_device_with_a_thousand_new_accounts_waits_for_no_heartbeat() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    for number in 0..1000 {
        let name = format!("Kitchen {number}");
        create(&mut rosa, "organization", &[("name", &name), ("notes", "Open on Mondays.")]);
    }
    connect(&world, &rosa);
    in_step(&rosa).await;
    assert_nobody_overslept(&world, &mut rosa).await;
    world.assert_agrees(&rosa).await;
    world.end().await;
}

/// Thirty devices of ten people send groups of edits at the same time, and hear each other's.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_devices_that_edit_in_groups_wait_for_no_heartbeat() {
    let world = World::new().await;
    let reps: Vec<_> = {
        let mut reps = Vec::new();
        for number in 0..10 {
            let name = format!("rep{number}");
            reps.push(world.person(&name, "sales_rep", Some(world.manager), None).await);
        }
        reps
    };
    let mut devices: Vec<Client> = (0..30)
        .map(|number| world.device(&format!("device{number}.db"), reps[number % reps.len()]))
        .collect();
    let organization = kind("organization");
    for device in &devices {
        connect(&world, device);
        for number in 0..20 {
            let group: Vec<GroupEdit> = (0..3)
                .map(|part| GroupEdit::Create {
                    id: device.mint_id(),
                    kind: organization.clone(),
                    edit: edit("organization", &[("name", &format!("Kitchen {number}.{part}"))]),
                })
                .collect();
            device.commit(&group).unwrap();
        }
    }
    for device in &devices {
        in_step(device).await;
    }
    let mut last = devices.pop().unwrap();
    assert_nobody_overslept(&world, &mut last).await;
    for device in &devices {
        in_step(device).await;
    }
    assert_eq!(overslept(), "none");
    world.assert_agrees(&last).await;
    world.assert_projected().await;
    world.end().await;
}
