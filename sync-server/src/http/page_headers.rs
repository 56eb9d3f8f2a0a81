//! What every answer says of itself to a browser: what its page may load, be told and be part of. The
//! files for static hosts (`ops/static_host.rs`) are written from the same list.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use crate::config::WebConfig;

/// Files whose names change with their content: kept for a year and never asked for again.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Whatever changes under its name: kept, and asked for each time whether it is still the same.
pub const ASK_EACH_TIME: &str = "no-cache";
/// Where files lie whose names change with their content.
pub const HASHED_FILES: &str = "/assets/";

/// What a page may use of a phone, and what no page may.
const PERMISSIONS: &str = "geolocation=(self), camera=(self), microphone=(self), clipboard-write=(self), \
     accelerometer=(), autoplay=(), clipboard-read=(), display-capture=(), \
     encrypted-media=(), fullscreen=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), \
     midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), \
     serial=(), usb=(), xr-spatial-tracking=()";

/// The headers of every answer, in their order.
pub fn page_headers(web: &WebConfig) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Content-Security-Policy", content_security_policy(web)),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("X-Frame-Options", "DENY".to_owned()),
        ("Referrer-Policy", "no-referrer".to_owned()),
        ("Permissions-Policy", PERMISSIONS.to_owned()),
        ("Cross-Origin-Opener-Policy", "same-origin".to_owned()),
    ];
    if let Some(seconds) = web.hsts_seconds {
        headers.push(("Strict-Transport-Security", format!("max-age={seconds}")));
    }
    headers
}

/// Scripts of the app's own origin and no others, none within a page; WebAssembly is compiled, also by
/// its workers, whose own header decides that.
fn content_security_policy(web: &WebConfig) -> String {
    let connect: Vec<String> = std::iter::once("'self'".to_owned()).chain(web.origins()).collect();
    let connect = format!("connect-src {}", connect.join(" "));
    [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        &connect,
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    .join("; ")
}

/// The same headers, ready to be put on answers.
#[derive(Clone, Debug)]
pub struct PageHeaders(Vec<(HeaderName, HeaderValue)>);

impl PageHeaders {
    /// Those of a configuration.
    pub fn of(web: &WebConfig) -> Self {
        let ready = page_headers(web).into_iter().filter_map(|(name, value)| {
            Some((name.to_ascii_lowercase().parse().ok()?, HeaderValue::try_from(value).ok()?))
        });
        Self(ready.collect())
    }

    /// Puts them on an answer, except on one that makes a WebSocket: there is no page in it.
    pub fn put_on(&self, mut response: Response) -> Response {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().extend(self.0.iter().cloned());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_headers_can_be_sent_and_tls_is_asked_for_only_where_it_is_said() {
        let web = WebConfig { hsts_seconds: Some(31_536_000), ..WebConfig::default() };
        assert_eq!(PageHeaders::of(&web).0.len(), page_headers(&web).len());
        let tls =
            |web: &WebConfig| page_headers(web).iter().any(|(name, _)| name.starts_with("Strict"));
        assert!(tls(&web) && !tls(&WebConfig::default()));
    }
}
