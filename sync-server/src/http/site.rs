//! The app's files, served beside the socket.
//!
//! They are read once, when the server starts: a stranger's path reaches no file system, somebody who
//! reads slowly holds no file open, and all that is served belongs to one build.
//!
//! **Invariant**: a path is answered with the file of that name, with the app's page if a browser goes
//! to it as to a page, or with 404; a script that is missing is never answered with a page.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use sync_core::limits;

use super::packing::Packing;
use super::page_headers::{ASK_EACH_TIME, HASHED_FILES, IMMUTABLE};

/// The page that is the app.
const PAGE: &str = "/index.html";
/// What the server answers for itself, or may one day; no page of the app is there.
const NO_PAGES: [&str; 4] = ["/sync", "/health", "/metrics", "/api"];

/// Why an app cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// A file or directory cannot be read: see that it is there, and readable by the server's user.
    #[error("the app's files in {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The directory holds no built app: build it, and name the directory that the app's page is in.
    #[error("{} has no index.html; name the directory that the app was built into", .0.display())]
    NoPage(PathBuf),
    /// It is some other directory, or one of many builds.
    #[error(
        "{} holds more than {} files or {} bytes, which is no app; name the directory that the app was built into",
        .0.display(), limits::WEB_APP_FILES, limits::WEB_APP_BYTES
    )]
    TooMuch(PathBuf),
}

/// The app's files.
#[derive(Debug)]
pub struct Site {
    files: HashMap<String, File>,
}

#[derive(Debug)]
struct File {
    content_type: HeaderValue,
    caching: HeaderValue,
    plain: Form,
    packed: [Option<Form>; Packing::ALL.len()],
}

/// The bytes of a file, as they are or packed, and a name for just these.
#[derive(Debug)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Site {
    /// Reads a directory with all that is in it, except for what begins with a dot or `_`: the former is
    /// nobody's business, and the latter is for static hosts.
    ///
    /// # Errors
    /// When the directory holds no app or cannot be read.
    pub fn read(directory: &Path) -> Result<Self, SiteError> {
        let mut read = read_all(directory)?;
        let packed_names =
            |name: &str| Packing::ALL.map(|packing| format!("{name}{}", packing.ending()));
        let plain_names: Vec<String> = read
            .keys()
            .filter(|name| !Packing::ALL.iter().any(|packing| name.ends_with(packing.ending())))
            .cloned()
            .collect();
        let mut files = HashMap::new();
        for name in plain_names {
            let Some(plain) = read.remove(&name) else { continue };
            let packed = packed_names(&name).map(|packed| read.remove(&packed));
            files.insert(name.clone(), File::new(&name, plain, packed));
        }
        if !files.contains_key(PAGE) {
            return Err(SiteError::NoPage(directory.to_owned()));
        }
        Ok(Self { files })
    }

    /// Answers a GET or HEAD of a path that is none of the server's own.
    pub fn answer(&self, path: &str, asked: &HeaderMap) -> Response {
        match self.files.get(if path == "/" { PAGE } else { path }) {
            Some(file) => file.answer(asked),
            None if is_page(path, asked) => {
                self.files.get(PAGE).map_or_else(nothing_here, |page| page.answer(asked))
            }
            None => nothing_here(),
        }
    }
}

fn read_all(directory: &Path) -> Result<HashMap<String, Vec<u8>>, SiteError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| SiteError::Unreadable { path, source }
    };
    let (mut read, mut bytes) = (HashMap::new(), 0);
    let mut left = vec![(directory.to_owned(), String::new())];
    let mut directories = 0;
    while let Some((directory_of_these, prefix)) = left.pop() {
        directories += 1;
        for entry in
            std::fs::read_dir(&directory_of_these).map_err(unreadable(&directory_of_these))?
        {
            let path = entry.map_err(unreadable(&directory_of_these))?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with(['.', '_']) {
                continue;
            }
            let name = format!("{prefix}/{name}");
            if path.is_dir() {
                left.push((path, name));
            } else {
                let content = std::fs::read(&path).map_err(unreadable(&path))?;
                bytes += content.len();
                read.insert(name, content);
            }
            // Links that lead in a circle end here too.
            if bytes > limits::WEB_APP_BYTES
                || read.len() + left.len() + directories > limits::WEB_APP_FILES
            {
                return Err(SiteError::TooMuch(directory.to_owned()));
            }
        }
    }
    Ok(read)
}

/// Whether a browser goes there as to a page of the app. What has an ending is a file.
fn is_page(path: &str, asked: &HeaderMap) -> bool {
    let of_the_server = |own: &str| {
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_file = path.starts_with(HASHED_FILES)
        || path.contains("/.")
        || path.contains("/_")
        || path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let accepts = asked.get_all(header::ACCEPT).into_iter().filter_map(|line| line.to_str().ok());
    !is_file
        && !NO_PAGES.into_iter().any(of_the_server)
        && accepts.into_iter().any(|line| line.contains("text/html"))
}

fn nothing_here() -> Response {
    // Not kept by anybody: while servers are replaced, the file may be on the next one.
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, "there is nothing here\n").into_response()
}

impl File {
    fn new(name: &str, plain: Vec<u8>, packed: [Option<Vec<u8>>; Packing::ALL.len()]) -> Self {
        let caching = if name.starts_with(HASHED_FILES) { IMMUTABLE } else { ASK_EACH_TIME };
        let mut packed = packed.into_iter();
        Self {
            content_type: HeaderValue::from_static(content_type(name)),
            caching: HeaderValue::from_static(caching),
            plain: Form::new(plain),
            packed: Packing::ALL.map(|_| packed.next().flatten().map(Form::new)),
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let packed = Packing::ALL.into_iter().zip(&self.packed);
        let taken = packed
            .filter_map(|(packing, form)| Some((Some(packing), form.as_ref()?)))
            .find(|(packing, _)| packing.is_some_and(|packing| packing.is_taken(asked)));
        let (packing, form) = taken.unwrap_or((None, &self.plain));
        let known = form.is_known(asked);
        let mut response =
            Response::new(if known { Body::empty() } else { form.bytes.clone().into() });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, self.caching.clone());
        headers.insert(header::ETAG, form.tag.clone());
        if self.packed.iter().any(Option::is_some) {
            headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        }
        if !known {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            if let Some(packing) = packing {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing.name()));
            }
        }
        response
    }
}

impl Form {
    fn new(bytes: Vec<u8>) -> Self {
        let tag = format!("\"{}\"", BASE64URL_NOPAD.encode(&Sha256::digest(&bytes)[..16]));
        let tag = HeaderValue::try_from(tag).expect("BUG: base64 can be said in a header");
        Self { bytes: bytes.into(), tag }
    }

    /// Whether who asks has these bytes already.
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let lines = asked.get_all(header::IF_NONE_MATCH).into_iter();
        let tags = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        let known = |tag: &str| tag == "*" || tag.as_bytes() == self.tag.as_bytes();
        tags.map(|tag| tag.trim().trim_start_matches("W/")).any(known)
    }
}

/// What a file is, by its ending.
fn content_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
