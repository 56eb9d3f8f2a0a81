//! How soon a change of access reaches devices that are connected: what is lost is erased, and what
//! is gained is there. Prints what it measured; that it comes at all is what must hold on a busy machine.

use std::time::Instant;

use client_sdk::core::ids::RecordId;
use client_sdk::{Client, ClientEvent, LinkState, Notice, Server};
use sync_server::ops::people::{self, UserChange};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::harness::{GENEROUS, World, create};

/// A connected device, and when what happened on it.
struct Connected {
    events: mpsc::UnboundedReceiver<(Instant, ClientEvent)>,
    /// Connected as long as this is held.
    _device: Client,
}

impl Connected {
    /// Connects a device and waits until it has everything.
    async fn new(world: &World, user: Uuid) -> Self {
        let (happened, events) = mpsc::unbounded_channel();
        let device = world.device(&format!("{user}.db"), user);
        device.use_server(Server::new(world.server.sync_url(), world.token(user)));
        device.connect();
        let mut statuses = device.status_stream();
        let live = async { while statuses.next().await.unwrap().link != LinkState::Live {} };
        tokio::time::timeout(GENEROUS, live).await.expect("everything is there");
        let mut telling = device.events();
        std::thread::spawn(move || {
            // Until nobody listens any more, once the test is over.
            while let Ok(event) = telling.blocking_recv() {
                if happened.send((Instant::now(), event)).is_err() {
                    return;
                }
            }
        });
        Self { events, _device: device }
    }

    /// When something happened on the device; it is durable by then.
    async fn until(&mut self, what: &str, is_it: impl Fn(&ClientEvent) -> bool) -> Instant {
        let mut instead = Vec::new();
        let wait = async {
            loop {
                let (when, event) = self.events.recv().await.expect("the device is connected");
                if is_it(&event) {
                    return when;
                }
                instead.push(event);
            }
        };
        let in_time = tokio::time::timeout(GENEROUS, wait).await;
        in_time.unwrap_or_else(|_| panic!("never: {what}; instead: {instead:?}"))
    }

    async fn lost(&mut self, since: Instant, what: &str) -> String {
        let when = self
            .until(what, |event| matches!(event, ClientEvent::Notice(Notice::Evicted(_))))
            .await;
        took(what, "erased", since, when)
    }

    async fn gained(&mut self, since: Instant, what: &str) -> String {
        let gained = |event: &ClientEvent| match event {
            ClientEvent::RowsChanged(tables) => tables.iter().any(|table| table == "contacts"),
            _ => false,
        };
        let when = self.until(what, gained).await;
        took(what, "there", since, when)
    }
}

fn took(what: &str, how: &str, since: Instant, when: Instant) -> String {
    format!("measured: {what}: {how} after {} ms", when.duration_since(since).as_millis())
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_access_reach_connected_devices_within_a_second() {
    let world = World::new().await;
    let east = people::add_territory(&world.owner, "East", None).await.unwrap();
    let west = people::add_territory(&world.owner, "West", None).await.unwrap();
    let of_east = world.person("max", "manager", None, Some(east)).await;
    let of_west = world.person("wes", "manager", None, Some(west)).await;
    let of_nobody = world.person("nia", "manager", None, None).await;
    let mut rosa = world.device("first.db", world.rep);
    let accounts: Vec<RecordId> = (0..300)
        .map(|number| {
            let account =
                create(&mut rosa, "organization", &[("name", &format!("Kitchen {number}"))]);
            let parent = account.to_string();
            for name in ["Kim", "Ana", "Lou"] {
                create(&mut rosa, "contact", &[("organization_id", &parent), ("last_name", name)]);
            }
            account
        })
        .collect();
    world.sync(&mut rosa).await;
    world.assign_all(world.admin, &accounts[..1], world.rep, Some(east)).await;
    let connect = async |user| Connected::new(&world, user).await;
    let mut rosa = connect(world.rep).await;
    let mut omar = connect(world.other_rep).await;
    let mut mia = connect(world.manager).await;
    let (mut max, mut wes, mut nia) =
        (connect(of_east).await, connect(of_west).await, connect(of_nobody).await);

    let since = Instant::now();
    world.assign_all(world.admin, &accounts[..1], world.rep, Some(west)).await;
    println!("{}", max.lost(since, "another territory for an account").await);
    println!("{}", wes.gained(since, "another territory for an account").await);

    let since = Instant::now();
    world.assign_all(world.admin, &accounts[..1], world.other_rep, Some(west)).await;
    println!("{}", rosa.lost(since, "an account for another rep").await);
    println!("{}", omar.gained(since, "an account for another rep").await);

    let since = Instant::now();
    world.assign_all(world.admin, &accounts[1..], world.other_rep, None).await;
    println!("{}", rosa.lost(since, "299 accounts for another rep").await);
    println!("{}", omar.gained(since, "299 accounts for another rep").await);

    let since = Instant::now();
    let team = UserChange { manager: Some(of_nobody), ..UserChange::default() };
    people::change_user(&world.owner, world.other_rep, &team).await.unwrap();
    println!("{}", mia.lost(since, "another manager for a rep of 300 accounts").await);
    println!("{}", nia.gained(since, "another manager for a rep of 300 accounts").await);

    let since = Instant::now();
    let place = UserChange { territory: Some(west), ..UserChange::default() };
    people::change_user(&world.owner, of_east, &place).await.unwrap();
    println!("{}", max.gained(since, "another territory for a manager").await);

    let since = Instant::now();
    let role = UserChange { role: Some("sales_rep".into()), ..UserChange::default() };
    people::change_user(&world.owner, of_nobody, &role).await.unwrap();
    println!("{}", nia.lost(since, "another role for a manager of 300 accounts").await);

    let since = Instant::now();
    let state = UserChange { active: Some(false), ..UserChange::default() };
    people::change_user(&world.owner, world.other_rep, &state).await.unwrap();
    let told = omar.until("disabled", |event| matches!(event, ClientEvent::Ended { .. })).await;
    println!("{}", took("disabling a rep of 300 accounts", "erased", since, told));
    world.end().await;
}
