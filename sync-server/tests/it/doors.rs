//! Strangers at the door: whoever sits there, sends too much or makes things up costs little and keeps
//! nobody out.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use sync_core::limits;
use sync_core::protocol::{ClientMessage, Goodbye, Hello};
use sync_server::config::Config;
use sync_server::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{ServerProcess, World, create, sync_at};
use crate::hostile::{self, Sort, frame_header};
use crate::wire::{Line, hello};

/// Running into it means that nothing comes.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Asks over HTTP; the whole answer.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nhost: kitchen\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(ANSWER_WITHIN, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

fn local(server: &server::Running) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.address.port()))
}

/// Three hundred connections that say nothing, where a process may open 256 files: the server says that
/// it is well, and a device syncs, from the same address.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_out_where_files_are_few() {
    let world = World::new().await;
    let server = ServerProcess::with_open_files(&world.config, 256).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let health = ask(server.address(), "GET /health").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Kitchen")]);
    sync_at(&rosa, &server.sync_url(), &world.token(world.rep)).await.unwrap();
    drop(silent);
    drop(server);
    world.end().await;
}

/// Whoever has signed in keeps the socket, however many come and sit.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_sends_nobody_away_who_has_signed_in() {
    let world = World::new().await;
    let server = ServerProcess::with_open_files(&world.config, 256).await;
    let token = world.token(world.rep);
    let (mut line, welcome) = Line::greeted(&server.sync_url(), hello(token)).await;
    welcome.unwrap();
    let mut silent = Vec::new();
    for from in 0..300 {
        silent.push(hostile::connect(server.address(), from).await.unwrap());
    }
    line.ask(Vec::new()).await.unwrap();
    let closed = silent.iter_mut().map(|one| Box::pin(hostile::until_closed(one)));
    timeout(ANSWER_WITHIN, futures_util::future::select_all(closed)).await.unwrap();
    line.ask(Vec::new()).await.unwrap();
    drop(server);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_does_not_end_and_an_idle_connection_are_closed() {
    let world = World::new().await;
    let mut waiting = Vec::new();
    for said in ["", "GET /health HTTP/1.1\r\nhost: kit", "GET /health HTTP/1.1\r\nhost: k\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(local(&world.server)).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    for stream in &mut waiting {
        timeout(ANSWER_WITHIN, hostile::until_closed(stream)).await.unwrap();
    }
    world.end().await;
}

/// A header longer than any is refused before it is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_too_long_is_refused() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(local(&world.server)).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nx-long: ").await.unwrap();
    // As soon as the server has enough of it, writing may fail.
    let _ = stream.write_all(&vec![b'x'; 4 * limits::REQUEST_HEADER_BYTES]).await;
    timeout(ANSWER_WITHIN, hostile::until_closed(&mut stream)).await.unwrap();
    world.end().await;
}

/// The goodbye to bytes that are said on a WebSocket as it opens.
async fn answer_to(server: &server::Running, parts: &[&[u8]]) -> Option<Goodbye> {
    use futures_util::StreamExt;
    use sync_core::protocol::ServerMessage;
    let stream = TcpStream::connect(local(server)).await.unwrap();
    let mut socket = hostile::upgrade(stream).await.unwrap();
    for part in parts {
        if socket.get_mut().write_all(part).await.is_err() {
            break;
        }
    }
    loop {
        match timeout(ANSWER_WITHIN, socket.next()).await.unwrap() {
            Some(Ok(Message::Binary(bytes))) => match ServerMessage::from_bytes(&bytes).unwrap() {
                ServerMessage::Goodbye(goodbye) => return Some(goodbye),
                other => panic!("{other:?}"),
            },
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

/// The memory that a message may take before anybody knows whose it is: that of a hello.
#[tokio::test(flavor = "multi_thread")]
async fn before_sign_in_no_message_is_longer_than_a_hello() {
    let world = World::new().await;
    let long = vec![0; limits::EARLY_BYTES + 1];
    let whole = frame_header(0x82, 1_000_000);
    let part = [frame_header(0x02, 1000), vec![0; 1000]].concat();
    let rest = [frame_header(0x00, long.len() as u64), long.clone()].concat();
    for parts in [&[&whole[..], &long][..], &[&part, &rest]] {
        let goodbye = answer_to(&world.server, parts).await.expect("it says why");
        assert_eq!(goodbye.code, "protocol");
        assert!(goodbye.sentence.contains("before somebody signed in"), "{}", goodbye.sentence);
    }
    let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(limits::EARLY_BYTES);
    let goodbye = answer_to(&world.server, &[&pings]).await.expect("it says why");
    assert_eq!(goodbye.code, "rate_limited");
    // One that becomes long when it is inflated.
    let mut bomb = hello(String::new());
    bomb.token = "x".repeat(limits::EARLY_BYTES);
    let mut line = Line::silent(&world.server.sync_url()).await;
    line.say(&ClientMessage::Hello(bomb)).await;
    let goodbye = line.goodbye().await.expect("it says why");
    assert!(goodbye.sentence.contains("inflates to more than"), "{}", goodbye.sentence);
    world.end().await;
}

/// Somebody who has signed in sends pings, or the empty parts of a message that does not end: as many
/// frames as a session may send, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn pings_and_empty_parts_of_messages_are_frames_too() {
    use futures_util::{SinkExt, StreamExt};
    use sync_core::protocol::ServerMessage;
    let world = World::new().await;
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    let part = [0x00, 0x80, 0, 0, 0, 0];
    let begun = [&[0x02, 0x80, 0, 0, 0, 0][..], &part.repeat(999)].concat();
    for (first, more) in [(ping.repeat(1000), ping.repeat(1000)), (begun, part.repeat(1000))] {
        let stream = TcpStream::connect(local(&world.server)).await.unwrap();
        let mut socket = hostile::upgrade(stream).await.unwrap();
        let hello = ClientMessage::Hello(hello(world.token(world.rep)));
        socket.send(Message::Binary(hello.to_bytes().into())).await.unwrap();
        let mut heard = Vec::new();
        let mut frames = 0;
        let goodbye = loop {
            let next = timeout(ANSWER_WITHIN, socket.next()).await.unwrap();
            if let Some(Ok(Message::Binary(bytes))) = &next {
                match ServerMessage::from_bytes(bytes).unwrap() {
                    ServerMessage::Goodbye(goodbye) => break goodbye,
                    ServerMessage::Welcome(_) => {
                        heard.push(());
                        // A fast sender gets through what a session may send at once, and a slow one
                        // more than that, but none gets through a hundred times as much.
                        for n in 0..200 {
                            let bytes = if n == 0 { &first } else { &more };
                            frames += 1000;
                            if socket.get_mut().write_all(bytes).await.is_err() {
                                break;
                            }
                        }
                    }
                    _ => {}
                }
            }
            assert!(matches!(next, Some(Ok(_))), "it says why: {next:?}");
        };
        assert_eq!((heard.len(), &*goodbye.code), (1, "rate_limited"), "after {frames}");
        assert!(goodbye.retry_after_ms.is_some());
    }
    world.end().await;
}

/// Bytes that are no message end a session with a goodbye that names the fault, before and after
/// welcome.
#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_names_what_was_wrong_with_a_frame() {
    let world = World::new().await;
    let url = world.server.sync_url();
    let token = world.token(world.rep);
    let packed = |first: u8, payload: Vec<u8>| [vec![first], payload, b"tail".to_vec()].concat();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, &[0; 1000]).unwrap();
    let zlib = packed(1, zlib.finish().unwrap());
    let behind = "4 bytes follow the compressed payload";
    for greet in [false, true] {
        let mut line = if greet {
            let (line, welcome) = Line::greeted(&url, hello(token.clone())).await;
            welcome.unwrap();
            line
        } else {
            Line::silent(&url).await
        };
        line.say_bytes(zlib.clone()).await;
        let goodbye = line.goodbye().await.expect("it says why");
        assert_eq!(goodbye.code, "protocol");
        assert!(goodbye.sentence.contains(behind), "{}", goodbye.sentence);
    }
    let (mut line, welcome) = Line::greeted(&url, hello(token.clone())).await;
    welcome.unwrap();
    line.say_bytes(vec![0; limits::FRAME_BYTES + 1]).await;
    let goodbye = line.goodbye().await.expect("it says why");
    assert_eq!(goodbye.code, "protocol");
    assert!(goodbye.sentence.contains("longer than the 1048576 allowed"), "{}", goodbye.sentence);

    let mut odd = hello(token);
    odd.app = "kitchen\0".into();
    let (_, answer) = Line::greeted(&url, odd).await;
    let goodbye = answer.unwrap_err();
    assert_eq!(goodbye.code, "protocol");
    assert!(goodbye.sentence.contains("app's name"), "{}", goodbye.sentence);

    let text = [&[0x81, 0x82, 0, 0, 0, 0][..], b"hi"].concat();
    let goodbye = answer_to(&world.server, &[&text]).await.expect("it says why");
    assert!(goodbye.sentence.contains("messages are binary"), "{}", goodbye.sentence);
    let unmasked = answer_to(&world.server, &[&[0x82, 1, 0]]).await.expect("it says why");
    assert_eq!(unmasked.code, "protocol");
    world.end().await;
}

/// Anybody may ask how the server is, as often as they like: it looks into its database once a second, and
/// says the same until it looks again.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_health_again_and_again_gets_the_same_answer() {
    let world = World::new().await;
    let (began, mut answers) = (std::time::Instant::now(), BTreeSet::new());
    for _ in 0..100 {
        let answer = ask(local(&world.server), "GET /health").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answers.insert(answer.split_once("\r\n\r\n").unwrap().1.to_owned());
    }
    let looks = began.elapsed().as_secs() + 2;
    assert!(answers.len() as u64 <= looks, "{} answers, {looks} looks", answers.len());
    world.end().await;
}

/// Strangers make up methods and paths; the metrics stay as long as they were, and are not for them.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_on_an_address_of_their_own_and_know_no_invented_words() {
    let world = World::new().await;
    let metrics = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config { metrics, ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    for invented in 0..20 {
        ask(local(&server), &format!("BREW{invented} /coffee{invented}")).await;
        ask(local(&server), &format!("BREW{invented} /health")).await;
    }
    assert!(ask(local(&server), "GET /metrics").await.starts_with("HTTP/1.1 404"));
    let metrics = ask(server.metrics.unwrap(), "GET /metrics").await;
    assert!(!metrics.contains("BREW") && !metrics.contains("coffee"), "{metrics}");
    assert!(metrics.contains(r#"method="other",route="unmatched",status_code="404""#), "{metrics}");
    assert!(metrics.contains(r#"method="other",route="/health",status_code="405""#), "{metrics}");
    assert!(ask(server.metrics.unwrap(), "GET /health").await.starts_with("HTTP/1.1 404"));
    server.stop().await;
    world.end().await;
}

/// A phone that comes out of a tunnel again and again: each new session takes the place of the one
/// before, whose line nobody has missed yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_session_of_a_device_replaces_its_oldest_one() {
    let world = World::new().await;
    let url = world.server.sync_url();
    let phone = hello(world.token(world.rep));
    let (mut tablet, welcome) = Line::greeted(&url, hello(world.token(world.rep))).await;
    welcome.unwrap();
    let mut lines: VecDeque<Line> = VecDeque::new();
    for _ in 0..limits::SOCKETS_PER_USER + 4 {
        let (line, welcome) = Line::greeted(&url, phone.clone()).await;
        welcome.unwrap();
        lines.push_back(line);
        if lines.len() > limits::SESSIONS_PER_DEVICE {
            let mut before = lines.pop_front().unwrap();
            let goodbye = before.goodbye().await.expect("it says why");
            assert_eq!(goodbye.code, "replaced");
            assert!(goodbye.retry_after_ms.is_some());
        }
    }
    // The same id under another user is another device.
    let same_id = Hello { token: world.token(world.other_rep), ..phone };
    let (mut other, welcome) = Line::greeted(&url, same_id).await;
    welcome.unwrap();
    for line in lines.iter_mut().chain([&mut tablet, &mut other]) {
        line.ask(Vec::new()).await.unwrap();
    }
    assert_eq!(world.server.app.places.sessions(), limits::SESSIONS_PER_DEVICE + 2);
    world.end().await;
}

/// Every sort at once, a few of each: a device beside them syncs, and the server is well afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_syncs_beside_hostile_sockets_of_every_sort() {
    let world = World::new().await;
    let server = ServerProcess::start(&world.config).await;
    let (to, token) = (server.address(), world.token(world.other_rep));
    let hostile: Vec<_> = (0..20 * Sort::ALL.len())
        .map(|n| {
            let (sort, token) = (Sort::ALL[n % Sort::ALL.len()], token.clone());
            tokio::spawn(async move {
                loop {
                    hostile::once(sort, to, u16::try_from(n).unwrap(), &token).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            })
        })
        .collect();
    let mut rosa = world.device("rosa.db", world.rep);
    for _ in 0..10 {
        create(&mut rosa, "organization", &[("name", "Kitchen")]);
        sync_at(&rosa, &server.sync_url(), &world.token(world.rep)).await.unwrap();
    }
    assert!(ask(to, "GET /health").await.starts_with("HTTP/1.1 200"));
    hostile.iter().for_each(tokio::task::JoinHandle::abort);
    drop(server);
    world.end().await;
}

/// The line of a panic, as operators' tools read it. This test runs itself once more, as a process in
/// which the panic happens.
#[test]
fn a_caught_panic_is_one_line_in_the_log() {
    const CHILD: &str = "PANIC_IN_A_CHILD";
    if std::env::var_os(CHILD).is_some() {
        sync_server::telemetry::start_logging();
        sync_server::telemetry::log_panics();
        let _ = std::panic::catch_unwind(|| panic!("two\nlines"));
        return;
    }
    let name = "doors::a_caught_panic_is_one_line_in_the_log";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    assert!(output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(lines[0]["fields"]["message"], "panicked");
    assert_eq!(lines[0]["fields"]["panic"], "two\nlines");
    assert!(lines[0]["fields"]["location"].as_str().unwrap().contains("doors.rs:"), "{log}");
}
