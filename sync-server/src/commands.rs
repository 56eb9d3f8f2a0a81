//! Commands that edit records: what they would change is listed, or changed.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use sqlx::postgres::PgPool;
use sync_core::ids::RecordId;
use sync_core::printable::line;
use sync_server::committer::Committer;
use sync_server::ops::assign::{self, Becomes, Reassignment};
use sync_server::ops::edits::Plan;
use sync_server::ops::{merging, people, report, work};
use sync_server::store::Patience;
use sync_server::store::rules::Rules;
use sync_server::{say, say_json};
use uuid::Uuid;

use super::cli::{AssignOptions, How};
use super::shared::{owner, print, server_pool};

/// Refusals that are printed; there may be thousands.
const REFUSALS_SHOWN: usize = 20;

/// Who does something, with the connections that it takes.
struct Desk {
    owner: PgPool,
    pool: PgPool,
    acting: Uuid,
}

impl Desk {
    async fn of(how: &How) -> anyhow::Result<Self> {
        let owner = owner().await?;
        let acting = people::find_user(&owner, &how.acting).await?;
        Ok(Self { owner, pool: server_pool(4).await?, acting })
    }

    /// Lists what a plan would change, or carries it out.
    async fn end(self, plan: Plan, how: &How, json: bool) -> anyhow::Result<ExitCode> {
        let rules = Arc::new(Rules::load(&self.pool, sync_core::crm::schema()).await?);
        let committer = Committer::start(self.pool.clone(), rules, Patience::default());
        let records = plan.edits.len();
        if how.preview {
            let report = plan.preview(&self.owner, &committer).await?;
            print(report, json);
            if !json {
                say(format_args!("{records} records would change; nothing was changed"));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let outcome = plan.carry_out(&committer).await?;
        let (changed, refused) = (outcome.changed, outcome.refused.len());
        if json {
            let why: Vec<String> = outcome.refused.iter().map(ToString::to_string).collect();
            say_json(&json!({ "changed": changed, "refused": why }));
        } else {
            for refusal in outcome.refused.iter().take(REFUSALS_SHOWN) {
                say(line(&format!("refused: {refusal}")));
            }
            say(format_args!("{changed} records changed, {refused} refused"));
        }
        Ok(if refused > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

pub(super) async fn assign(options: AssignOptions, json: bool) -> anyhow::Result<ExitCode> {
    let AssignOptions {
        from,
        to,
        second,
        no_second,
        territory,
        no_territory,
        with_work,
        r#where: condition,
        how,
    } = options;
    let desk = Desk::of(&how).await?;
    let mut first = Vec::new();
    for who in &to {
        first.push(Becomes::This(people::find_user(&desk.owner, who).await?));
    }
    if first.is_empty() {
        first.push(Becomes::AsItIs);
    }
    let second = match second {
        Some(who) => Becomes::This(people::find_user(&desk.owner, &who).await?),
        None if no_second => Becomes::Nothing,
        None => Becomes::AsItIs,
    };
    let territory = match territory {
        Some(territory) => Becomes::This(territory),
        None if no_territory => Becomes::Nothing,
        None => Becomes::AsItIs,
    };
    let of = match from {
        Some(from) => {
            format!("assigned_user_id = '{}'", people::find_user(&desk.owner, &from).await?)
        }
        None => "true".to_owned(),
    };
    let sql =
        format!("SELECT id FROM public.organizations WHERE ({condition}) AND {of} ORDER BY id");
    let found = report::select(&desk.pool, &sql, desk.acting).await?;
    if found.rows.is_empty() {
        anyhow::bail!(
            "no account that {} sees matches what --from and --where say; nothing was changed",
            how.acting
        );
    }
    let ids = found.rows.iter().filter_map(|row| row.first()?.as_str()?.parse().ok());
    let list: Vec<(RecordId, Reassignment)> = ids
        .enumerate()
        .map(|(n, id)| {
            (RecordId(id), Reassignment { first: first[n % first.len()], second, territory })
        })
        .collect();
    let mut plan = assign::plan(&desk.pool, desk.acting, &list).await?;
    for first in first.into_iter().filter(|_| with_work) {
        let theirs = list.iter().filter(|(_, wanted)| wanted.first == first);
        let theirs: Vec<Uuid> = theirs.map(|(account, _)| account.0).collect();
        let wanted = Reassignment { first, second, territory };
        let (along, _) = work::go_along(&desk.pool, desk.acting, wanted, &theirs).await?;
        plan = plan.and(along);
    }
    desk.end(plan, &how, json).await
}

pub(super) async fn merge(
    accounts: &[Uuid],
    into: Uuid,
    how: &How,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::of(how).await?;
    let plan = merging::merge(&desk.pool, desk.acting, accounts, into).await?;
    desk.end(plan, how, json).await
}

pub(super) async fn unmerge(accounts: &[Uuid], how: &How, json: bool) -> anyhow::Result<ExitCode> {
    let desk = Desk::of(how).await?;
    let plan = merging::unmerge(&desk.pool, desk.acting, accounts).await?;
    desk.end(plan, how, json).await
}

pub(super) async fn move_contact(
    contacts: &[Uuid],
    to: Uuid,
    how: &How,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::of(how).await?;
    let plan = merging::move_contacts(&desk.pool, desk.acting, contacts, to).await?;
    desk.end(plan, how, json).await
}
