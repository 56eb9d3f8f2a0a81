//! What the app in the browser is told and allowed: where its files are, whom it syncs with, how people
//! sign in. Nothing here is a secret: all of it is served to whoever asks.

use std::path::PathBuf;

use reqwest::Url;

use super::origins::origins;

/// What the app in the browser is told and allowed.
#[derive(Clone, Debug, Default)]
pub struct WebConfig {
    /// The directory of the built app; none is served without it.
    pub app: Option<PathBuf>,
    /// Where the app syncs, as `wss://sync.example/sync`; without it, `/sync` where the app came from.
    pub sync_url: Option<Url>,
    /// How people sign in.
    pub sign_in: SignIn,
    /// Further origins that the app may talk to, such as the one where a provider hands out tokens.
    pub connect_origins: Vec<String>,
    /// For how many seconds browsers are to reach this host with TLS only; unsaid without it.
    pub hsts_seconds: Option<u32>,
}

/// How people sign in to the app.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum SignIn {
    /// By a link or a text with a token, as in development.
    #[default]
    Token,
    /// At an OpenID Connect provider.
    Oidc {
        /// The provider, as it was typed: issuers are compared letter by letter.
        issuer: String,
        /// What the provider calls the app.
        client_id: String,
        /// What the app asks for.
        scope: String,
        /// Whom the token is to be for, where the provider wants that said.
        audience: Option<String>,
    },
    /// At a Supabase project.
    Supabase {
        /// The project.
        url: String,
        /// Its publishable (anon) key.
        anon_key: String,
    },
}

impl WebConfig {
    pub(super) fn read(
        lookup: impl Fn(&str) -> Option<String>,
        problems: &mut Vec<String>,
    ) -> Self {
        let sync_url = address(&lookup, "SYNC_URL", &["wss", "ws"], problems);
        let hsts_seconds = lookup("HSTS_SECONDS").and_then(|text| {
            let seconds = text.parse().ok();
            if seconds.is_none() {
                problems.push(
                    "HSTS_SECONDS must be a whole number, such as 31536000 for a year".into(),
                );
            }
            seconds
        });
        Self {
            app: lookup("APP_DIR").map(PathBuf::from),
            sync_url,
            sign_in: SignIn::read(&lookup, problems),
            connect_origins: origins(&lookup, "APP_CONNECT_ORIGINS", problems),
            hsts_seconds,
        }
    }

    /// Every origin beside its own that the app may talk to.
    pub fn origins(&self) -> Vec<String> {
        let provider: Option<Url> = match &self.sign_in {
            SignIn::Token => None,
            SignIn::Oidc { issuer: address, .. } | SignIn::Supabase { url: address, .. } => {
                address.parse().ok()
            }
        };
        // Where the socket is, managers' requests go over HTTP; browsers tell the two apart.
        let asked = self.sync_url.iter().map(|url| origin(url).replacen("ws", "http", 1));
        let named =
            self.sync_url.iter().map(origin).chain(asked).chain(provider.iter().map(origin));
        let mut all: Vec<String> = named.chain(self.connect_origins.iter().cloned()).collect();
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|origin| seen.insert(origin.clone()));
        all
    }
}

/// A scheme, a host, and a port where it is not the usual one.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl SignIn {
    fn read(lookup: &impl Fn(&str) -> Option<String>, problems: &mut Vec<String>) -> Self {
        match lookup("SIGN_IN").as_deref() {
            None | Some("token") => Self::Token,
            Some("oidc") => {
                let client_id =
                    needed(lookup, "OIDC_CLIENT_ID", "what the provider calls the app", problems);
                let issuer = needed(lookup, "OIDC_ISSUER", "the address of the provider", problems);
                address(lookup, "OIDC_ISSUER", &["https", "http"], problems);
                let scope = lookup("OIDC_SCOPE")
                    .unwrap_or_else(|| "openid profile email offline_access".to_owned());
                Self::Oidc { issuer, client_id, scope, audience: lookup("OIDC_AUDIENCE") }
            }
            Some("supabase") => {
                let anon_key = needed(
                    lookup,
                    "SUPABASE_ANON_KEY",
                    "the project's publishable (anon) key",
                    problems,
                );
                if is_secret_key(&anon_key) {
                    problems.push(
                        "SUPABASE_ANON_KEY holds a secret key, which would be served to everybody; \
                         take the publishable (anon) one, and withdraw this one if it was ever served"
                            .into(),
                    );
                }
                let url = needed(lookup, "SUPABASE_URL", "the address of the project", problems);
                address(lookup, "SUPABASE_URL", &["https", "http"], problems);
                Self::Supabase { url, anon_key }
            }
            Some(_) => {
                problems.push("SIGN_IN must be token, oidc or supabase".into());
                Self::Token
            }
        }
    }
}

fn needed(
    lookup: &impl Fn(&str) -> Option<String>,
    name: &str,
    what: &str,
    problems: &mut Vec<String>,
) -> String {
    lookup(name).unwrap_or_else(|| {
        problems.push(format!("{name} is not set: {what}"));
        String::new()
    })
}

/// An address that a page may be told. Without encryption only on this very machine, as in development.
fn address(
    lookup: impl Fn(&str) -> Option<String>,
    name: &str,
    [secure, plain]: &[&str; 2],
    problems: &mut Vec<String>,
) -> Option<Url> {
    let text = lookup(name)?;
    let fits = |url: &Url| {
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let login = !url.username().is_empty() || url.password().is_some();
        url.has_host() && !login && (url.scheme() == *secure || (url.scheme() == *plain && here))
    };
    let url = text.parse::<Url>().ok().filter(fits);
    if url.is_none() {
        problems.push(format!(
            "{name} must begin with {secure}:// (or {plain}:// on this machine itself) and hold no password"
        ));
    }
    url
}

/// Whether this is the key of a project that may do everything: what begins so, or a token of that role.
fn is_secret_key(key: &str) -> bool {
    let claims = key.split('.').nth(1).and_then(|part| {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
        serde_json::from_slice::<serde_json::Value>(&bytes).ok()
    });
    let role = claims.as_ref().and_then(|claims| claims.get("role")?.as_str());
    key.starts_with("sb_secret_") || role == Some("service_role")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> (WebConfig, Vec<String>) {
        let lookup = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut problems = Vec::new();
        let web = WebConfig::read(lookup, &mut problems);
        (web, problems)
    }

    #[test]
    fn an_app_may_talk_to_what_it_is_configured_for_and_nobody_else() {
        assert_eq!(read(&[]).0.origins(), [""; 0]);
        let (web, problems) = read(&[
            ("SYNC_URL", "wss://sync.example/sync"),
            ("SIGN_IN", "oidc"),
            ("OIDC_ISSUER", "https://login.example/tenant"),
            ("OIDC_CLIENT_ID", "pantry"),
            ("APP_CONNECT_ORIGINS", "https://tokens.example, https://login.example"),
        ]);
        assert_eq!(problems, [""; 0]);
        let expected = [
            "wss://sync.example",
            "https://sync.example",
            "https://login.example",
            "https://tokens.example",
        ];
        assert_eq!(web.origins(), expected);
    }

    #[test]
    fn every_way_to_sign_in_says_what_it_lacks() {
        assert_eq!(read(&[("SIGN_IN", "password")]).1.len(), 1);
        assert_eq!(read(&[("SIGN_IN", "oidc")]).1.len(), 2);
        assert_eq!(read(&[("SIGN_IN", "supabase")]).1.len(), 2);
        assert_eq!(read(&[("SYNC_URL", "ws://sync.example/sync")]).1.len(), 1);
        assert_eq!(read(&[("SYNC_URL", "ws://127.0.0.1:3000/sync")]).1, [""; 0]);
        assert_eq!(read(&[("HSTS_SECONDS", "a year")]).1.len(), 1);
    }

    #[test]
    fn a_key_that_may_do_everything_is_not_served() {
        // {"role":"service_role"} and {"role":"anon"}.
        let keys = ["sb_secret_abc", "x.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x"];
        let supabase = |key: &'static str| {
            let url = ("SUPABASE_URL", "https://project.supabase.co");
            read(&[("SIGN_IN", "supabase"), url, ("SUPABASE_ANON_KEY", key)]).1
        };
        for key in keys {
            let problems = supabase(key);
            assert!(problems.len() == 1 && !problems[0].contains(key), "{problems:?}");
        }
        assert_eq!(supabase("x.eyJyb2xlIjoiYW5vbiJ9.x"), [""; 0]);
        assert_eq!(supabase("sb_publishable_abc"), [""; 0]);
    }
}
