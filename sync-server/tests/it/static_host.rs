//! The app on a host of files alone gets the headers and caching that the server gives.

use std::path::Path;

use sync_server::config::{Config, WebConfig};
use sync_server::http::client;
use sync_server::ops::static_host::{self, HostFile};
use sync_server::server;

use crate::harness::World;

/// What the files in the repository are written for: whoever deploys writes them with addresses of their own.
fn example() -> WebConfig {
    WebConfig {
        sync_url: Some("wss://sync.example.com/sync".parse().unwrap()),
        hsts_seconds: Some(31_536_000),
        ..WebConfig::default()
    }
}

#[test]
fn the_files_for_static_hosts_are_those_that_the_server_writes() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wasm-bindings/pwa");
    for (file, word, path) in [
        (HostFile::Vercel, "vercel", "vercel.json"),
        (HostFile::Netlify, "netlify", "netlify.toml"),
        (HostFile::Headers, "headers", "public/_headers"),
    ] {
        let found = std::fs::read_to_string(app.join(path)).unwrap_or_default();
        assert!(
            found == static_host::text(file, &example()),
            "wasm-bindings/pwa/{path} is not what the server writes; write it anew: \
             SYNC_URL=wss://sync.example.com/sync HSTS_SECONDS=31536000 sync-server static-host {word}"
        );
    }
}

/// The headers that `_headers` gives a path, each with its value.
fn by_headers_file(text: &str, path: &str) -> Vec<(String, String)> {
    let (mut applies, mut given) = (false, Vec::new());
    for line in text.lines() {
        match line.strip_prefix("  ") {
            None => {
                let before = line.strip_suffix('*');
                applies = before.map_or(line == path, |before| path.starts_with(before));
            }
            Some(header) if applies => {
                let (name, value) = header.split_once(": ").unwrap();
                given.push((name.to_lowercase(), value.to_owned()));
            }
            Some(_) => {}
        }
    }
    given
}

/// The same for `vercel.json`.
fn by_vercel(text: &str, path: &str) -> Vec<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut given = Vec::new();
    for rule in json["headers"].as_array().unwrap() {
        let applies = match rule["source"].as_str().unwrap() {
            "/(.*)" => true,
            "/assets/(.*)" => path.starts_with("/assets/"),
            "/((?!assets/).*)" => !path.starts_with("/assets/"),
            other => panic!("{other} is not known here"),
        };
        for header in rule["headers"].as_array().unwrap().iter().filter(|_| applies) {
            let text = |name: &str| header[name].as_str().unwrap().to_owned();
            given.push((text("key").to_lowercase(), text("value")));
        }
    }
    given
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_host_sends_what_the_server_sends() {
    let world = World::new().await;
    let directory = tempfile::tempdir().unwrap();
    let paths = ["/index.html", "/sw.js", "/manifest.webmanifest", "/assets/index-Bx81kQz0.js"];
    for path in paths {
        let file = directory.path().join(&path[1..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, path).unwrap();
    }
    let web = WebConfig { app: Some(directory.path().to_owned()), ..example() };
    let config = Config { web: web.clone(), ..world.config.clone() };
    let server = server::start(&config, sync_core::crm::schema()).await.unwrap();
    let client = client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    for path in paths.into_iter().chain(["/", "/config.json"]) {
        let url = format!("http://127.0.0.1:{}{path}", server.address.port());
        let answer = client.get(url).send().await.unwrap();
        let headers = static_host::text(HostFile::Headers, &web);
        let vercel = static_host::text(HostFile::Vercel, &web);
        for given in [by_headers_file(&headers, path), by_vercel(&vercel, path)] {
            assert!(given.iter().any(|(name, _)| name == "cache-control"), "{path}: {given:?}");
            let mut names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), given.len(), "no header comes twice");
            for (name, value) in &given {
                let sent = answer.headers().get(name).map(|sent| sent.to_str().unwrap());
                assert_eq!(sent, Some(value.as_str()), "{path}: {name}");
            }
        }
    }
    server.stop().await;
    world.end().await;
}
