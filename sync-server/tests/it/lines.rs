//! Slow lines and lines that break, of real sockets: a little of what `sync-core/tests/it/lines.rs` has in
//! virtual time.

use client_sdk::{Client, Server};
use sync_core::replica::LinkState;

use crate::harness::{World, create, until};
use crate::relay::Relay;

/// Words that pack no better than words do.
fn note(number: u64, words: usize) -> String {
    let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut word = || -> String {
        (0..6)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'a' + (seed >> 59) as u8 % 26)
            })
            .collect()
    };
    (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")
}

async fn relay(world: &World) -> Relay {
    Relay::to(&format!("127.0.0.1:{}", world.server.address.port())).await
}

fn connect(world: &World, device: &Client, relay: &Relay) {
    let token = world.token(device.user().0);
    device.use_server(Server::new(relay.sync_url(), token));
    device.connect();
}

/// A line of 1,500 bytes a second carries fifteen visits in one connection, however long that takes.
#[tokio::test(flavor = "multi_thread")]
async fn visits_go_up_over_a_slow_line_in_one_connection() {
    let world = World::new().await;
    let relay = relay(&world).await;
    relay.slow(1500);
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]).to_string();
    for number in 0..15 {
        let note = note(number, 150);
        let visit = [
            ("organization_id", account.as_str()),
            ("interaction_type", "VISIT"),
            ("description", note.as_str()),
        ];
        create(&mut rosa, "interaction", &visit);
    }
    connect(&world, &rosa, &relay);
    until("everything is sent", async || {
        let status = rosa.status().unwrap();
        status.unsent == 0 && status.link == LinkState::Live
    })
    .await;
    assert_eq!(relay.made(), 1, "a line that carries is not given up");
    world.assert_agrees(&rosa).await;
    drop(rosa);
    world.end().await;
}

/// Each connection breaks after a few kilobytes, far fewer than the whole takes, in a first sync and then
/// in an upload: each keeps what it got.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_after_a_few_kilobytes_carry_everything_in_the_end() {
    let world = World::new().await;
    let mut first = world.device("first.db", world.rep);
    for number in 0..300 {
        let fields = [("name", format!("Kitchen {number}")), ("notes", note(number, 60))];
        let pairs: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        create(&mut first, "organization", &pairs);
    }
    world.sync(&mut first).await;
    let relay = relay(&world).await;
    relay.breaking(5_000..12_000);
    let mut rosa = world.device("rosa.db", world.rep);
    connect(&world, &rosa, &relay);
    let (mut most, mut before) = (0, 0);
    until("all accounts have come", async || {
        let status = rosa.status().unwrap();
        assert!(status.records >= most, "what had come is kept");
        most = status.records;
        // Whoever looks at a copy that lacks most of it is told so, in whichever connection it stands.
        let told = status.incomplete.is_some() && status.edits().starts_with("this copy is not");
        assert!(most == 0 || most == 300 || told, "{status}");
        most == 300 && status.link == LinkState::Live
    })
    .await;
    assert_eq!(rosa.incomplete().unwrap(), None);
    let down = relay.made();
    assert!(down > 3, "it was cut amid the sync: {down} connections");
    for number in 0..60 {
        let note = note(1000 + number, 60);
        create(&mut rosa, "organization", &[("name", "Another kitchen"), ("notes", &note)]);
        before += 1;
    }
    until("everything is sent", async || {
        let unsent = rosa.status().unwrap().unsent;
        assert!(unsent <= before, "what had arrived is kept");
        before = unsent;
        unsent == 0
    })
    .await;
    assert!(relay.made() > down, "it was cut amid the upload");
    relay.be_good();
    until("it is in step", async || rosa.status().unwrap().link == LinkState::Live).await;
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    drop((first, rosa));
    world.end().await;
}
