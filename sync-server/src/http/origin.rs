//! From which pages of the web requests are taken.

use axum::http::{HeaderMap, header};

/// Only pages send an origin, and browsers keep them honest: it must be one of the list, or the
/// server's own. It is one more bar beside the token, which no other page has.
pub(super) fn may_connect(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    allowed.iter().any(|one| one == origin) || host.is_some() && host == text(header::HOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_connect_from_listed_origins_and_the_server_s_own() {
        let allowed = ["https://app.example".to_owned()];
        let asked = |origin: Option<&str>, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a host"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
            }
            may_connect(&headers, &allowed)
        };
        assert!(asked(None, "sync.example"), "an app that is no page");
        assert!(asked(Some("https://app.example"), "sync.example"));
        assert!(asked(Some("https://sync.example"), "sync.example"));
        assert!(!asked(Some("https://evil.example"), "sync.example"));
        assert!(!asked(Some("https://app.example.evil.example"), "sync.example"));
        assert!(!asked(Some("null"), "sync.example"));
    }
}
