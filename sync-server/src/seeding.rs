//! The command that makes up a company.

use std::sync::Arc;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use sync_core::time::UnixMs;
use sync_server::committer::Committer;
use sync_server::ops::seed::{self, Wanted};
use sync_server::store::Patience;
use sync_server::store::rules::Rules;
use sync_server::{clock, say, say_json};

use super::cli::SeedOptions;
use super::shared::{owner, server_pool};

pub(super) async fn seed(options: SeedOptions, json: bool) -> anyhow::Result<()> {
    let SeedOptions { accounts, weeks, seed, as_of } = options;
    let now = match as_of {
        None => clock::now(),
        Some(text) => {
            UnixMs::parse(&text).filter(|moment| *moment <= clock::now()).with_context(|| {
                format!("\"{text}\" is no moment of the past such as 2026-11-27T12:00:00Z")
            })?
        }
    };
    let (owner, pool) = (owner().await?, server_pool(4).await?);
    let schema = sync_core::crm::schema();
    let rules = Arc::new(Rules::load(&pool, schema.clone()).await?);
    let committer = Committer::start(pool, rules, Patience::default());
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(accounts), target)
        .with_style(ProgressStyle::with_template("{bar:30} {pos} of {len} accounts")?);
    let wanted = Wanted { accounts, weeks, seed, now };
    let made =
        seed::seed(&owner, &committer, &schema, &wanted, |done| bar.set_position(done)).await;
    bar.finish_and_clear();
    let made = made?;
    committer.finish().await;
    if json {
        let person = |(email, id)| json!({ "email": email, "id": id });
        let people: Vec<_> = made.people.iter().map(|(email, id)| person((email, id))).collect();
        say_json(&json!({ "records": made.records, "changes": made.changes, "people": people }));
        return Ok(());
    }
    let counts: Vec<String> =
        made.records.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    say(format_args!("{}; {} changes in all", counts.join(", "), made.changes));
    let people: Vec<&str> = made.people.iter().map(|(email, _)| email.as_str()).collect();
    say(format_args!(
        "sign in as {}: sync-server token --user ADDRESS --link http://127.0.0.1:3000",
        people.join(", ")
    ));
    Ok(())
}
