//! `/config.json`: what the app in the browser is told when it starts, so that one build runs anywhere.

use serde_json::{Value, json};

use crate::config::{SignIn, WebConfig};

/// What the app is told. Where it syncs is left out when that is where it came from.
pub fn app_settings(web: &WebConfig) -> Value {
    let sign_in = match &web.sign_in {
        SignIn::Token => json!({ "mode": "token" }),
        SignIn::Oidc { issuer, client_id, scope, audience } => json!({
            "mode": "oidc", "authority": issuer, "clientId": client_id, "scope": scope, "audience": audience,
        }),
        SignIn::Supabase { url, anon_key } => {
            json!({ "mode": "supabase", "url": url, "anonKey": anon_key })
        }
    };
    let mut settings = json!({ "signIn": sign_in, "version": env!("CARGO_PKG_VERSION") });
    if let Some(url) = &web.sync_url {
        settings["syncUrl"] = json!(url.as_str());
    }
    settings
}
