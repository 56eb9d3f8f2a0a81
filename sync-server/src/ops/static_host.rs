//! The app on a host of files alone, such as Vercel, Netlify or Cloudflare Pages: what each must be told so
//! that it answers as `sync-server serve --app` would. Headers and caching come from the same list.

use serde_json::{Value as Json, json};

use crate::config::WebConfig;
use crate::http::app_settings;
use crate::http::page_headers::{ASK_EACH_TIME, HASHED_FILES, IMMUTABLE, page_headers};

/// A file that a host of files is told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostFile {
    /// Vercel's, beside the app's sources.
    Vercel,
    /// Netlify's, beside the app's sources: all but the headers.
    Netlify,
    /// The headers for Netlify and Cloudflare Pages, among the built files.
    Headers,
    /// What the app is told, among the built files.
    Settings,
}

/// What keeps its name and changes its content.
const CHANGING: [&str; 5] = ["/", "/index.html", "/sw.js", "/manifest.webmanifest", "/config.json"];
/// Addresses that are no page of the app, as an expression of Vercel's: files, and what a server answers.
const NO_PAGES: &str = r"assets/|api/|api$|sync$|health$|metrics$|.*\.[^/]*$";

/// The text of such a file.
pub fn text(file: HostFile, web: &WebConfig) -> String {
    match file {
        HostFile::Vercel => pretty(&vercel(web)),
        HostFile::Netlify => NETLIFY.to_owned(),
        HostFile::Headers => headers(web),
        HostFile::Settings => pretty(&app_settings(web)),
    }
}

fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}

fn vercel(web: &WebConfig) -> Json {
    let pair = |(name, value): (&str, &str)| json!({ "key": name, "value": value });
    let all = page_headers(web);
    let all: Vec<Json> = all.iter().map(|(name, value)| pair((name, value))).collect();
    let caching = |value| [pair(("Cache-Control", value))];
    json!({
        "$schema": "https://openapi.vercel.sh/vercel.json",
        "buildCommand": "npm run build",
        "outputDirectory": "dist",
        "headers": [
            { "source": "/(.*)", "headers": all },
            { "source": format!("{HASHED_FILES}(.*)"), "headers": caching(IMMUTABLE) },
            { "source": format!("/((?!{}).*)", &HASHED_FILES[1..]), "headers": caching(ASK_EACH_TIME) },
        ],
        "rewrites": [{ "source": format!("/((?!{NO_PAGES}).*)"), "destination": "/index.html" }],
    })
}

/// A header that two rules give is sent twice, so that no two of them may give the same one.
fn headers(web: &WebConfig) -> String {
    let mut text = String::from("/*\n");
    for (name, value) in page_headers(web) {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    let caching = CHANGING.iter().map(|path| ((*path).to_owned(), ASK_EACH_TIME));
    for (path, value) in caching.chain([(format!("{HASHED_FILES}*"), IMMUTABLE)]) {
        text.push_str(&format!("\n{path}\n  Cache-Control: {value}\n"));
    }
    text
}

/// A file that is missing is no page, though a page comes with it: a browser runs nothing that is not
/// found.
const NETLIFY: &str = r#"# The headers stand in public/_headers, which Netlify reads too.
[build]
command = "npm run build"
publish = "dist"

[[redirects]]
from = "/assets/*"
to = "/index.html"
status = 404

[[redirects]]
from = "/api/*"
to = "/index.html"
status = 404

[[redirects]]
from = "/*"
to = "/index.html"
status = 200
"#;
