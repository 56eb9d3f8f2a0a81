//! The database file: begun, opened and brought up to date.

use std::path::Path;

use client_sdk::core::ids::UserId;
use client_sdk::core::replica::OpenError;
use client_sdk::{Client, TokenSource, read_claims};
use serde_json::json;

use crate::failure::{Failure, damaged, failure};
use crate::output::Output;
use crate::tokens::Tokens;

/// Begins a database for a user.
pub(crate) async fn init(
    db: &Path,
    user: Option<UserId>,
    tokens: Option<Tokens>,
    zone: Option<&str>,
    out: &Output,
) -> Result<(), Failure> {
    let user = match (user, tokens) {
        (Some(user), _) => Some(user),
        (None, Some(mut tokens)) => Some(user_of_token(&tokens.token().await?)?),
        (None, None) if zone.is_some() && db.exists() => None,
        (None, None) => {
            return Err(failure(
                1,
                "say whose records it will hold: set PANTRY_TOKEN, or give --token-file FILE or --user ID",
            ));
        }
    };
    let client = open(db, user)?;
    if let Some(zone) = zone {
        client.set_zone(zone)?;
    }
    let (user, zone) = (client.user(), client.zone()?);
    let zone = zone.map(|zone| zone.iana_name().unwrap_or("the system's").to_owned());
    let times = match &zone {
        Some(zone) => format!("times of day are in zone {zone}"),
        None => "no time zone is known; `pantry init --zone NAME` sets one".to_owned(),
    };
    out.value(
        &json!({"db": db, "user": user.to_string(), "replica": client.id().to_string(), "zone": zone}),
        &format!("{} is ready for user {user}; {times}", db.display()),
    );
    Ok(())
}

pub(crate) fn open(db: &Path, user: Option<UserId>) -> Result<Client, Failure> {
    if user.is_none() && !db.exists() {
        let text = format!(
            "no database at {}; `pantry init --token-file FILE` (or --user ID) begins one",
            db.display()
        );
        return Err(failure(1, text));
    }
    Client::open(db, user).map_err(|error| match error {
        OpenError::Damaged(_) => damaged(&error),
        // It is there, so that somebody took it for a database: a copy that was cut off, perhaps.
        OpenError::NoUser => failure(
            1,
            format!(
                "{} is empty; if it is a copy that went wrong, copy it again, else `pantry init --token-file FILE` (or --user ID) begins a database in it",
                db.display()
            ),
        ),
        OpenError::Foreign => failure(
            1,
            format!("{}: {error}; name another file with --db", db.display()),
        ),
        other => other.into(),
    })
}

/// Fills the tables anew after an update that changed which fields there are.
pub(crate) fn fill_tables(client: &Client, out: &Output) -> Result<(), Failure> {
    let Some(begun) = client.rebuilding()? else { return Ok(()) };
    let bar = out.progress("updating");
    bar.set_length(begun.total);
    client.rebuild(|progress| bar.set_position(progress.done))?;
    bar.finish_and_clear();
    Ok(())
}

/// The user that a token is for, read without checking it: the server does that.
fn user_of_token(token: &str) -> Result<UserId, Failure> {
    let wrong = || failure(1, "the token is not one: no user can be read from it");
    let claims = read_claims(token).ok_or_else(wrong)?;
    claims["sub"].as_str().and_then(|sub| sub.parse().ok()).ok_or_else(wrong)
}
