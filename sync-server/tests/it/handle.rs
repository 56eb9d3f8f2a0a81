//! The client's handle against a real server: editing while connected, live queries, and a network
//! that dies without a word.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use client_sdk::core::ids::UserId;
use client_sdk::core::replica::{LinkState, LiveQuery, Notice, Timing};
use client_sdk::{Client, ClientEvent, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{World, create, pantry, pantry_program, set, until};

#[allow(dead_code)]
#[path = "../../../client-sdk/examples/conflicts.rs"]
mod conflicts;
#[allow(dead_code)]
#[path = "../../../client-sdk/examples/live_list.rs"]
mod live_list;
#[allow(dead_code)]
#[path = "../../../client-sdk/examples/status.rs"]
mod status;

/// Long enough for anything that is to happen at all.
const PATIENCE: Duration = Duration::from_secs(120);

async fn in_time<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, waiting).await;
    outcome.unwrap_or_else(|_| panic!("not in time: {what}"))
}

async fn until_live(client: &Client) {
    let mut statuses = client.status_stream();
    let live = async { while statuses.next().await.unwrap().link != LinkState::Live {} };
    in_time("the device is live", live).await;
}

/// One handle edits while connected and sees another device's edits arrive in its live list, and how
/// long that takes is printed.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_live_list_runs() {
    let world = World::new().await;
    let (user, token) = (UserId(world.rep), world.token(world.rep));
    let url = world.server.sync_url();
    let mut out = Vec::new();
    let running = live_list::run(world.files.path(), user, &url, &token, &mut out);
    let took = in_time("the example", running).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    println!("{out}");
    assert!(out.contains("0 accounts at first") && out.contains("20 accounts at last"), "{out}");
    assert_eq!(took.len(), 20);
    world.assert_projected().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_conflicts_runs() {
    let world = World::new().await;
    let (user, token) = (UserId(world.rep), world.token(world.rep));
    let url = world.server.sync_url();
    let mut out = Vec::new();
    let running = conflicts::run(world.files.path(), user, &url, &token, &mut out);
    in_time("the example", running).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("1 record with conflicts"), "{out}");
    assert_eq!(out.matches("cuisine: ").count(), 2, "{out}");
    assert!(out.contains("\"French\"") && out.contains("\"Belgian\""), "{out}");
    assert!(out.lines().last().unwrap().ends_with("everything is sent"), "{out}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_status_runs() {
    let world = World::new().await;
    let server = Server::new(world.server.sync_url(), world.token(world.rep));
    let file = world.files.path().join("status.db");
    let mut out = Vec::new();
    let running = status::run(&file, UserId(world.rep), Some(server), &mut out);
    in_time("the example", running).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "offline · everything is sent");
    assert!(lines[1].contains("1 edit only on this device"), "{out}");
    assert!(out.contains("no server answers"), "{out}");
    assert_eq!(lines[lines.len() - 1], "live · everything is sent", "{out}");
    world.end().await;
}

/// Many threads edit through clones of one handle, while it is connected and other threads read.
#[tokio::test(flavor = "multi_thread")]
async fn many_threads_edit_and_read_through_one_handle_while_connected() {
    let world = World::new().await;
    let mut rosa = world.device("rosa.db", world.rep);
    let account = create(&mut rosa, "organization", &[("name", "Kitchen")]);
    rosa.use_server(Server::new(world.server.sync_url(), world.token(world.rep)));
    rosa.connect();
    let mut live = rosa.subscribe(LiveQuery::Sql("SELECT id FROM tasks".into())).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let mut rosa = rosa.clone();
            std::thread::spawn(move || {
                for n in 0..25 {
                    create(&mut rosa, "task", &[("title", &format!("{thread} {n}"))]);
                    set(&mut rosa, account, "organization", &[("employee_count", &n.to_string())]);
                    rosa.query("SELECT count(*) FROM tasks").unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let all = async {
        while live.rows().len() < 100 {
            live.next().await;
        }
    };
    in_time("every task is in the live query", all).await;
    let summary = in_time("a sync on the open connection", rosa.sync()).await.unwrap();
    assert_eq!(summary.refused, 0);
    assert_eq!(rosa.status().unwrap().unsent, 0);
    assert_eq!(rosa.status().unwrap().link, LinkState::Live, "the connection stays");
    rosa.disconnect().await;
    assert_eq!(rosa.status().unwrap().link, LinkState::Offline);
    world.assert_agrees(&rosa).await;
    world.assert_projected().await;
    world.end().await;
}

/// Another process edits the file of a connected device: the edit goes up by the open connection,
/// and the live query hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_s_edit_is_seen_and_sent() {
    let world = World::new().await;
    let rosa = world.device("rosa.db", world.rep);
    rosa.use_server(Server::new(world.server.sync_url(), world.token(world.rep)));
    rosa.connect();
    until_live(&rosa).await;
    let mut live = rosa.organizations().live(Default::default()).unwrap();
    let file = world.files.path().join("rosa.db");
    let id = tokio::task::spawn_blocking(move || {
        pantry(&file, &["new", "organization", "name=From a terminal"])
    });
    let id = id.await.unwrap();
    let change = in_time("the live list", live.next()).await;
    assert_eq!(change.added[0].id.to_string(), id.trim());
    let mut statuses = rosa.status_stream();
    let sent = async { while statuses.next().await.unwrap().unsent > 0 {} };
    in_time("the edit is sent", sent).await;
    assert_eq!(world.ids_of(world.rep, "organizations").await.len(), 1);
    world.end().await;
}

/// Forwards connections to a server, and can fall silent: what was connected stays connected, and
/// not a byte goes through it.
struct Proxy {
    url: String,
    /// Connections up to this number are silent.
    muted: Arc<watch::Sender<u64>>,
    made: Arc<watch::Sender<u64>>,
    /// Pieces that came from clients.
    heard: Arc<watch::Sender<u64>>,
}

impl Proxy {
    async fn to(server: &str) -> Self {
        let address = server.trim_start_matches("ws://").trim_end_matches("/sync").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/sync", listener.local_addr().unwrap());
        let counter = || Arc::new(watch::Sender::new(0));
        let (muted, made, heard, answered) = (counter(), counter(), counter(), counter());
        let (muting, making, hearing) = (muted.clone(), made.clone(), heard.clone());
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&address).await.unwrap();
                making.send_modify(|made| *made += 1);
                let number = *making.borrow();
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let up = Lane { muted: muting.subscribe(), number, pieces: hearing.clone() };
                let down = Lane { muted: muting.subscribe(), number, pieces: answered.clone() };
                tokio::spawn(forward(from_client, to_server, up));
                tokio::spawn(forward(from_server, to_client, down));
            }
        });
        Self { url, muted, made, heard }
    }

    /// From here on, nothing passes through the connections that there are; new ones work.
    fn fall_silent(&self) {
        let made = *self.made.borrow();
        self.muted.send_replace(made);
    }
}

/// One direction of a connection.
struct Lane {
    muted: watch::Receiver<u64>,
    number: u64,
    pieces: Arc<watch::Sender<u64>>,
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lane: Lane) {
    let Lane { mut muted, number, pieces } = lane;
    let mut buffer = vec![0; 16 << 10];
    loop {
        tokio::select! {
            biased;
            () = async { let _ = muted.wait_for(|up_to| *up_to >= number).await; } => {
                std::future::pending::<()>().await
            }
            read = from.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    pieces.send_modify(|pieces| *pieces += 1);
                    if to.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// The network dies without a FIN. The device notices by itself, connects anew, and what was edited
/// meanwhile arrives. The intervals are shortened; in virtual time the true ones are tested beside
/// the link.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_dies_without_a_word_is_noticed_and_the_next_connection_goes_on() {
    let world = World::new().await;
    let proxy = Proxy::to(&world.server.sync_url()).await;
    let mut rosa = world.device("rosa.db", world.rep);
    // Silent for longer than any pause of a busy machine.
    let short =
        Timing { ping_after_ms: 500, silent_for_ms: 9000, backoff_to_ms: 100, ..Timing::default() };
    rosa.use_server(Server::new(&proxy.url, world.token(world.rep)).timing(short));
    let mut events = rosa.events();
    rosa.connect();
    until_live(&rosa).await;
    // Keep-alives keep it up for longer than it may be silent.
    let mut heard = proxy.heard.subscribe();
    let enough = *heard.borrow() + 20;
    in_time("20 keep-alives", heard.wait_for(|heard| *heard >= enough)).await.unwrap();
    assert_eq!(*proxy.made.borrow(), 1, "an idle connection that lives is left alone");
    proxy.fall_silent();
    let began = Instant::now();
    let account = create(&mut rosa, "organization", &[("name", "Made in a tunnel")]);
    let why = async {
        loop {
            if let ClientEvent::Notice(Notice::Retrying { fault, .. }) =
                events.recv().await.unwrap()
            {
                return fault.to_string();
            }
        }
    };
    let why = in_time("the device notices", why).await;
    println!("noticed after {:?}: {why}", began.elapsed());
    assert!(why.contains("silent"), "{why}");
    let mut statuses = rosa.status_stream();
    let sent = async { while statuses.next().await.unwrap().unsent > 0 {} };
    in_time("the edit is sent over the next connection", sent).await;
    assert_eq!(world.ids_of(world.rep, "organizations").await, [account.0]);
    world.end().await;
}

/// `pantry sync --watch` in one terminal: `pantry status` in another says live. Ctrl-C ends it
/// cleanly, and then the status says offline, without a fault.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_watching_pantry_is_live_in_another_terminal_and_ends_cleanly() {
    let world = World::new().await;
    let file = world.files.path().join("rosa.db");
    pantry(&file, &["init", "--user", &world.rep.to_string()]);
    let mut child = Command::new(pantry_program())
        .arg("--db")
        .arg(&file)
        .args(["sync", "--watch", "--server", &world.server.sync_url()])
        .env("PANTRY_TOKEN", world.token(world.rep))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let says = async |word: &str| loop {
        let (file, args) = (file.clone(), ["status"]);
        let said = tokio::task::spawn_blocking(move || pantry(&file, &args)).await.unwrap();
        if said.starts_with(word) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    in_time("another terminal says live", says("live")).await;
    let interrupted =
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let ended = tokio::task::spawn_blocking(move || (child.wait().unwrap(), child));
    let (ended, mut child) = in_time("it ends", ended).await.unwrap();
    let mut errors = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut errors).unwrap();
    assert!(ended.success() && errors.is_empty(), "{ended}: {errors}");
    let said = in_time("offline again", says("offline")).await;
    assert_eq!(said.lines().next(), Some("offline · everything is sent"));
    world.end().await;
}

/// The file under a connected `sync --watch` is moved away, and another device begins in its place. The
/// program ends and says why; what is edited in the new file is the new file's.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_when_another_file_takes_the_place_of_its_own() {
    let world = World::new().await;
    let file = world.files.path().join("rosa.db");
    pantry(&file, &["init", "--user", &world.rep.to_string()]);
    let child = Command::new(pantry_program())
        .arg("--db")
        .arg(&file)
        .args(["sync", "--watch", "--server", &world.server.sync_url()])
        .env("PANTRY_TOKEN", world.token(world.rep))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("it is live", async || {
        let (file, args) = (file.clone(), ["status"]);
        let said = tokio::task::spawn_blocking(move || pantry(&file, &args)).await.unwrap();
        said.starts_with("live")
    })
    .await;
    for end in ["", "-wal", "-shm"] {
        let name = |stem: &str| world.files.path().join(format!("{stem}{end}"));
        let _ = std::fs::rename(name("rosa.db"), name("aside.db"));
    }
    let mut new = world.device("rosa.db", world.rep);
    create(&mut new, "organization", &[("name", "After")]);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let ended = in_time("it ends", ended).await.unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(9), "{errors}");
    assert!(errors.contains("was replaced or removed while it was in use"), "{errors}");
    assert_eq!(new.status().unwrap().unsent, 1);
    world.sync(&mut new).await;
    world.assert_agrees(&new).await;
    drop(new);
    world.end().await;
}
