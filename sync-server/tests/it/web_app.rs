//! The app in the browser, served from the port of the socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;
use sync_core::limits;
use sync_server::config::{Config, SignIn, WebConfig};
use sync_server::http::page_headers::page_headers;
use sync_server::http::{Site, SiteError, app_settings, client};
use sync_server::server::{self, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{World, create, sync_at};

const PAGE: &str = "<!doctype html><title>Pantry</title>";
const SCRIPT: &str = "console.log('pantry')";

/// What a build leaves behind, in small.
fn build(directory: &Path) {
    let files: [(&str, &[u8]); 14] = [
        ("index.html", PAGE.as_bytes()),
        ("sw.js", b"self.skipWaiting()"),
        ("manifest.webmanifest", br#"{"name":"Pantry"}"#),
        ("icons/icon-192.png", b"\x89PNG"),
        ("assets/index-Bx81kQz0.js", SCRIPT.as_bytes()),
        ("assets/index-Bx81kQz0.js.br", b"packed by brotli"),
        ("assets/index-Bx81kQz0.js.gz", b"packed by gzip"),
        ("assets/index-C0ffee00.css", b"body{}"),
        ("assets/pantry-D3adb33f.wasm", b"\0asm"),
        ("assets/pantry-D3adb33f.wasm.br", b"packed wasm"),
        ("pantry.wasm", b"\0asm"),
        (".env", b"secret"),
        (".git/config", b"secret"),
        ("_headers", b"for another host"),
    ];
    for (name, content) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// A server that serves a build, and the app in it.
async fn serving(world: &World) -> (Running, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    let app = Some(directory.path().to_owned());
    let config = Config { web: WebConfig { app, ..WebConfig::default() }, ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    (server, directory)
}

/// Asks as a browser does that runs on this machine.
async fn ask(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{}{path}", server.address.port());
    let mut request = client.request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let named = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(named).collect(),
        body: response.bytes().await.unwrap().to_vec(),
    }
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

const NAVIGATING: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A browser gets every file as what it is, kept for as long as its name says, and a device syncs on the
/// same port.
#[tokio::test(flavor = "multi_thread")]
async fn a_built_app_is_served_from_the_port_of_the_socket() {
    let world = World::new().await;
    let (server, _directory) = serving(&world).await;
    let (kept, asked) = ("public, max-age=31536000, immutable", "no-cache");
    for (path, content_type, caching) in [
        ("/", "text/html; charset=utf-8", asked),
        ("/index.html", "text/html; charset=utf-8", asked),
        ("/sw.js", "text/javascript; charset=utf-8", asked),
        ("/manifest.webmanifest", "application/manifest+json", asked),
        ("/icons/icon-192.png", "image/png", asked),
        ("/pantry.wasm", "application/wasm", asked),
        ("/assets/index-Bx81kQz0.js", "text/javascript; charset=utf-8", kept),
        ("/assets/index-C0ffee00.css", "text/css; charset=utf-8", kept),
        ("/assets/pantry-D3adb33f.wasm", "application/wasm", kept),
        ("/config.json", "application/json", asked),
    ] {
        let answer = ask(&server, "GET", path, &[]).await;
        let found = (answer.status, answer.header("content-type"), answer.header("cache-control"));
        assert_eq!(found, (200, content_type, caching), "{path}");
        let head = ask(&server, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), answer.body.len().to_string(), "{path}");
    }
    assert_eq!(ask(&server, "GET", "/", &[]).await.body, PAGE.as_bytes());
    let mut rosa = world.device("rosa.db", world.rep);
    create(&mut rosa, "organization", &[("name", "Kitchen")]);
    sync_at(&rosa, &server.sync_url(), &world.token(world.rep)).await.unwrap();
    server.stop().await;
    world.end().await;
}

/// Whoever takes packed bytes gets them; whoever has them already is told so.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_sent_packed_and_only_once() {
    let world = World::new().await;
    let (server, _directory) = serving(&world).await;
    let (script, wasm) = ("/assets/index-Bx81kQz0.js", "/assets/pantry-D3adb33f.wasm");
    for (path, accept, packing, body) in [
        (script, "gzip, deflate, br", "br", "packed by brotli"),
        (script, "gzip", "gzip", "packed by gzip"),
        (script, "br;q=0, identity", "", SCRIPT),
        (wasm, "gzip", "", "\0asm"),
        (wasm, "br", "br", "packed wasm"),
    ] {
        let answer = ask(&server, "GET", path, &[("accept-encoding", accept)]).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, packing), "{accept}");
        assert_eq!(answer.body, body.as_bytes(), "{path} for {accept}");
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        let tag = answer.header("etag").to_owned();
        let again = [("accept-encoding", accept), ("if-none-match", tag.as_str())];
        let answer = ask(&server, "GET", path, &again).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{path} for {accept}");
        assert_eq!(answer.header("etag"), tag);
        let other = [("accept-encoding", accept), ("if-none-match", "\"other\"")];
        assert_eq!(ask(&server, "GET", path, &other).await.status, 200);
    }
    server.stop().await;
    world.end().await;
}

/// An address within the app opens the app; what is a file, or the server's, never does.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_within_the_app_opens_it_and_a_missing_file_does_not() {
    let world = World::new().await;
    let (server, _directory) = serving(&world).await;
    for path in ["/accounts", "/accounts/0190?tab=deals", "/sign-in", "/synchronised"] {
        let answer = ask(&server, "GET", path, &[NAVIGATING]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, PAGE.as_bytes()), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache");
        let answer = ask(&server, "GET", path, &[("accept", "*/*")]).await;
        assert_eq!(answer.status, 404, "{path} asked for by a script");
    }
    for path in [
        "/assets/index-0ld00000.js",
        "/assets/gone",
        "/old.js",
        "/old.wasm",
        "/icons/none.png",
        "/api",
        "/api/x",
        "/metrics",
        "/sync/x",
        "/health/x",
        "/.env",
        "/.git/config",
        "/_headers",
        "/assets/index-Bx81kQz0.js.br",
    ] {
        let answer = ask(&server, "GET", path, &[NAVIGATING]).await;
        assert_eq!((answer.status, answer.header("cache-control")), (404, "no-store"), "{path}");
        assert!(!answer.body.starts_with(b"<"), "{path}");
    }
    assert_eq!(ask(&server, "GET", "/sync", &[NAVIGATING]).await.status, 400);
    assert_eq!(ask(&server, "GET", "/health", &[NAVIGATING]).await.status, 200);
    for path in ["/", "/accounts", "/assets/index-Bx81kQz0.js", "/config.json"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            let answer = ask(&server, method, path, &[NAVIGATING]).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, "GET,HEAD"),
                "{method} {path}"
            );
        }
    }
    // A client that does not tidy up addresses before it asks.
    for path in ["/../Cargo.toml", "/assets/../../x", "//etc/passwd", "/%2e%2e/x", "/..%2f.env"] {
        let to = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
        let mut stream = TcpStream::connect(to).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: kitchen\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    server.stop().await;
    world.end().await;
}

/// Pages, files, refusals and health alike.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_its_page_may_do() {
    let world = World::new().await;
    let (server, _directory) = serving(&world).await;
    let expected = page_headers(&WebConfig::default());
    let policy = expected.iter().find(|(name, _)| *name == "Content-Security-Policy").unwrap();
    for part in
        ["script-src 'self' 'wasm-unsafe-eval';", "connect-src 'self';", "frame-ancestors 'none'"]
    {
        assert!(policy.1.contains(part), "{} lacks {part}", policy.1);
    }
    assert!(!policy.1.contains("unsafe-inline") && !policy.1.contains("'unsafe-eval'"));
    for (method, path) in [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/accounts"),
        ("GET", "/assets/index-Bx81kQz0.js"),
        ("GET", "/assets/pantry-D3adb33f.wasm"),
        ("GET", "/gone.js"),
        ("POST", "/"),
        ("GET", "/config.json"),
        ("GET", "/health"),
        ("GET", "/sync"),
    ] {
        let answer = ask(&server, method, path, &[NAVIGATING]).await;
        for (name, value) in &expected {
            assert_eq!(answer.header(&name.to_lowercase()), value, "{method} {path}: {name}");
        }
        assert_eq!(answer.header("strict-transport-security"), "");
    }
    server.stop().await;
    world.end().await;
}

/// One build runs anywhere: it asks where it syncs and how people sign in.
#[tokio::test(flavor = "multi_thread")]
async fn the_app_is_told_where_it_syncs_and_how_people_sign_in() {
    let version = env!("CARGO_PKG_VERSION");
    let told = app_settings(&WebConfig::default());
    let expected = json!({ "signIn": { "mode": "token" }, "version": version });
    assert_eq!(told, expected);
    let web = WebConfig {
        sync_url: Some("wss://sync.example/sync".parse().unwrap()),
        sign_in: SignIn::Oidc {
            issuer: "https://login.example".into(),
            client_id: "pantry".into(),
            scope: "openid".into(),
            audience: None,
        },
        connect_origins: vec!["https://tokens.example".into()],
        hsts_seconds: Some(60),
        app: None,
    };
    let world = World::new().await;
    let config = Config { web: web.clone(), ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let answer = ask(&server, "GET", "/config.json", &[]).await;
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let sign_in = json!({
        "mode": "oidc", "authority": "https://login.example", "clientId": "pantry", "scope": "openid",
        "audience": null,
    });
    let expected =
        json!({ "syncUrl": "wss://sync.example/sync", "signIn": sign_in, "version": version });
    assert_eq!(told, expected);
    let connect = "connect-src 'self' wss://sync.example https://sync.example https://login.example https://tokens.example;";
    assert!(answer.header("content-security-policy").contains(connect), "{:?}", answer.headers);
    assert_eq!(answer.header("strict-transport-security"), "max-age=60");
    assert_eq!(ask(&server, "GET", "/", &[NAVIGATING]).await.status, 404, "no app is served");
    server.stop().await;
    world.end().await;
}

/// Whoever names the wrong directory hears so at the start, and not from a rep.
#[test]
fn a_directory_that_holds_no_app_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let error = Site::read(directory.path()).unwrap_err();
    assert!(error.to_string().contains("has no index.html"), "{error}");
    let error = Site::read(&directory.path().join("none")).unwrap_err();
    assert!(matches!(error, SiteError::Unreadable { .. }), "{error}");
    build(directory.path());
    Site::read(directory.path()).unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().join("again")).unwrap();
    let error = Site::read(directory.path()).unwrap_err();
    assert!(matches!(error, SiteError::TooMuch(_) | SiteError::Unreadable { .. }), "{error}");
}

/// All files of the app have one label among the metrics, and invented paths none.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_know_the_app_by_one_word() {
    let world = World::new().await;
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    let web = WebConfig { app: Some(directory.path().to_owned()), ..WebConfig::default() };
    let metrics = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let config = Config { web, metrics, ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    for path in ["/", "/accounts/tiramisu", "/assets/index-Bx81kQz0.js", "/tiramisu.js"] {
        ask(&server, "GET", path, &[NAVIGATING]).await;
    }
    let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let url = format!("http://{}/metrics", server.metrics.unwrap());
    let metrics = client.get(url).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"method="GET",route="app",status_code="200""#), "{metrics}");
    assert!(metrics.contains(r#"method="GET",route="unmatched",status_code="404""#), "{metrics}");
    assert!(!metrics.contains("tiramisu") && !metrics.contains("index-"), "{metrics}");
    server.stop().await;
    world.end().await;
}

/// Somebody asks for a large file and reads nothing of it: the connection is closed, since nobody knows
/// who it is and it would keep its place for ever.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_file_and_does_not_read_it_is_sent_away() {
    let world = World::new().await;
    let directory = tempfile::tempdir().unwrap();
    build(directory.path());
    // More than the systems on both sides hold for a connection.
    std::fs::write(directory.path().join("large.bin"), vec![0; limits::WEB_APP_BYTES / 2]).unwrap();
    let web = WebConfig { app: Some(directory.path().to_owned()), ..WebConfig::default() };
    let config = Config { web, ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let to = SocketAddr::from(([127, 0, 0, 1], server.address.port()));
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(b"GET /large.bin HTTP/1.1\r\nhost: kitchen\r\n\r\n").await.unwrap();
    // It does not read, and so does not see the end either: what it says goes nowhere then.
    let gone = async {
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(crate::harness::GENEROUS, gone).await.unwrap();
    server.stop().await;
    world.end().await;
}
