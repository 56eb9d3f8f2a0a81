//! What a manager does to accounts that others look after: hand over, merge, take a merger back. Worked out
//! account by account as that manager, shown, and done as it was shown.
//!
//! Who may do it is not asked here: the edits are judged by the database as the manager's, like all others.
//!
//! **Invariant**: what belongs to one account is done as a whole or not at all, and once for one request,
//! however often it is asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;
use sync_core::error::Refusal;
use sync_core::ids::{GroupId, RecordId};
use uuid::Uuid;

use super::assign::{self, Reassignment};
use super::edits::{Plan, Planned};
use super::{lookup, merging, report, work};
use crate::committer::Committer;
use crate::ops::slip::Slip;
use crate::store::Held;
use crate::store::groups::stored_groups;

/// Accounts in one request. A rep has a few hundred.
pub const ACCOUNTS_AT_ONCE: usize = 500;
/// Whoever changes accounts in this way waits for whoever does so already, on any server of the database, so
/// that what one was shown is not changed by another between the look and the deed.
const ONE_AFTER_THE_OTHER: i64 = 0x6b70_6465_6564;

/// What is to be done to accounts.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Somebody else looks after them. Open tasks and deals of whoever did so first go along.
    HandOver(Reassignment),
    /// Another account replaces them.
    Merge {
        /// That one.
        into: Uuid,
    },
    /// They stand for themselves again.
    Unmerge,
}

impl Deed {
    /// Two requests that say the same say it in the same bytes.
    fn text(self) -> String {
        match self {
            Self::HandOver(wanted) => format!("hand over {wanted:?}"),
            Self::Merge { into } => format!("merge into {into}"),
            Self::Unmerge => "unmerge".to_owned(),
        }
    }

    /// The group of an account's edits: the same whenever the same is asked for by the same request.
    fn group(self, request: Uuid, account: Uuid) -> GroupId {
        GroupId(Uuid::new_v5(&request, format!("{account} {}", self.text()).as_bytes()))
    }
}

/// What a deed comes to, worked out and not yet done.
#[derive(Debug)]
pub struct Prepared {
    /// All edits, those of one account side by side.
    pub plan: Plan,
    deed: Deed,
    account_of: HashMap<RecordId, Uuid>,
}

/// An account with a mark of what it was shown to come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The account.
    pub account: Uuid,
    /// The mark.
    pub fingerprint: String,
}

/// What came of a deed.
#[derive(Debug)]
pub enum Came {
    /// It is done.
    Done {
        /// To how many accounts.
        accounts: usize,
        /// Of these, to how many it was done already when the same was asked for before.
        before: usize,
    },
    /// Nothing is done: of these accounts something else would come than was shown.
    Stale(Vec<Uuid>),
    /// The rules refuse it of these accounts. Nothing is done, unless a rule changed its mind meanwhile.
    Refused(Vec<(Uuid, Refusal)>),
}

/// Works a deed out, for a request with this id.
///
/// # Errors
/// A [`Slip`] when it cannot be done as it was said; else when the database cannot be reached.
pub async fn prepare(
    pool: &PgPool,
    acting: Uuid,
    deed: Deed,
    accounts: &[Uuid],
    request: Uuid,
) -> anyhow::Result<Prepared> {
    let mut account_of: HashMap<RecordId, Uuid> =
        accounts.iter().map(|account| (RecordId(*account), *account)).collect();
    let plan = match deed {
        Deed::HandOver(wanted) => {
            lookup::seen(pool, acting, "organizations", "id", accounts).await?;
            let list: Vec<(RecordId, Reassignment)> =
                accounts.iter().map(|account| (RecordId(*account), wanted)).collect();
            let assigned = assign::plan(pool, acting, &list).await?;
            let (along, whose) = work::go_along(pool, acting, wanted, accounts).await?;
            account_of.extend(whose);
            assigned.and(along)
        }
        Deed::Merge { into } => merging::merge(pool, acting, accounts, into).await?,
        Deed::Unmerge => merging::unmerge(pool, acting, accounts).await?,
    };
    let plan = plan.grouped(|edit| deed.group(request, account(&account_of, edit)));
    Ok(Prepared { plan, deed, account_of })
}

fn account(account_of: &HashMap<RecordId, Uuid>, edit: &Planned) -> Uuid {
    account_of.get(&edit.record).copied().unwrap_or(edit.record.0)
}

impl Prepared {
    /// The edits of each account.
    pub fn by_account(&self) -> BTreeMap<Uuid, Vec<&Planned>> {
        let mut all = BTreeMap::<Uuid, Vec<&Planned>>::new();
        for edit in &self.plan.edits {
            all.entry(account(&self.account_of, edit)).or_default().push(edit);
        }
        all
    }

    /// A mark of what becomes of an account: every column of every record, from what to what.
    pub fn fingerprint(&self, edits: &[&Planned]) -> String {
        let mut cells: Vec<Json> = Vec::new();
        for edit in edits {
            for change in &edit.columns {
                let record = edit.record.to_string();
                cells.push(json!([record, change.column, change.from, change.to]));
            }
        }
        cells.sort_by_key(ToString::to_string);
        let said = json!([self.deed.text(), cells]).to_string();
        data_encoding::HEXLOWER.encode(&Sha256::digest(said)[..16])
    }

    /// Why it would be refused of accounts, one reason for each.
    pub async fn would_be_refused(&self, committer: &Committer) -> BTreeMap<Uuid, Refusal> {
        let mut all = BTreeMap::new();
        for (edit, refused) in self.plan.edits.iter().zip(self.plan.would_be(committer).await) {
            if let Some(refusal) = refused {
                all.entry(account(&self.account_of, edit)).or_insert(refusal);
            }
        }
        all
    }
}

/// Does what was shown, and nothing else. Asked for again under the same request, because the answer was lost
/// or a server died half-way, it does what is missing.
///
/// # Errors
/// A [`Slip`] when it cannot be done as it was said; else when the database cannot be reached. Some of it may
/// be done then; asking again tells.
pub async fn carry_out(
    pool: &PgPool,
    committer: &Committer,
    acting: Uuid,
    deed: Deed,
    shown: &[Shown],
    request: Uuid,
) -> anyhow::Result<Came> {
    let mut turn = Held::take(pool).await?;
    let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(ONE_AFTER_THE_OTHER);
    lock.execute(turn.connection()).await?;
    let came = carry_out_in_turn(pool, committer, acting, deed, shown, request).await?;
    let unlock = sqlx::query("SELECT pg_advisory_unlock($1)").bind(ONE_AFTER_THE_OTHER);
    unlock.execute(turn.connection()).await?;
    turn.give_back();
    Ok(came)
}

async fn carry_out_in_turn(
    pool: &PgPool,
    committer: &Committer,
    acting: Uuid,
    deed: Deed,
    shown: &[Shown],
    request: Uuid,
) -> anyhow::Result<Came> {
    let groups: HashMap<GroupId, Uuid> =
        shown.iter().map(|one| (deed.group(request, one.account), one.account)).collect();
    let stored =
        stored_groups(pool, acting, groups.keys().copied(), groups.values().copied()).await?;
    let done: HashSet<Uuid> =
        stored.iter().filter_map(|group| groups.get(group).copied()).collect();
    let left: Vec<&Shown> = shown.iter().filter(|one| !done.contains(&one.account)).collect();
    let accounts: Vec<Uuid> = left.iter().map(|one| one.account).collect();
    if accounts.is_empty() {
        return Ok(Came::Done { accounts: done.len(), before: done.len() });
    }
    let prepared = prepare(pool, acting, deed, &accounts, request).await?;
    let edits = prepared.by_account();
    let as_shown = |one: &&&Shown| {
        let now = edits.get(&one.account).map(|edits| prepared.fingerprint(edits));
        now.is_some_and(|now| now == one.fingerprint)
    };
    let stale: Vec<Uuid> =
        left.iter().filter(|one| !as_shown(one)).map(|one| one.account).collect();
    if !stale.is_empty() {
        return Ok(Came::Stale(stale));
    }
    let refused = prepared.would_be_refused(committer).await;
    if !refused.is_empty() {
        return Ok(Came::Refused(refused.into_iter().collect()));
    }
    let outcome = prepared.plan.carry_out(committer).await?;
    if let Some(refusal) = outcome.refused.into_iter().next() {
        return Ok(Came::Refused(accounts.into_iter().map(|one| (one, refusal.clone())).collect()));
    }
    Ok(Came::Done { accounts: done.len() + accounts.len(), before: done.len() })
}

/// Which accounts a person looks after first, as somebody else sees them; and how many more there are than
/// one request takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn accounts_of(
    pool: &PgPool,
    acting: Uuid,
    person: Uuid,
) -> anyhow::Result<(Vec<Uuid>, usize)> {
    let sql = format!(
        "SELECT id FROM public.organizations
         WHERE assigned_user_id = '{person}' AND is_deleted IS NOT TRUE ORDER BY id"
    );
    let rows = report::select(pool, &sql, acting).await?.rows;
    let ids = rows.iter().filter_map(|row| row.first()?.as_str()?.parse().ok());
    let mut ids: Vec<Uuid> = ids.collect();
    let more = ids.len().saturating_sub(ACCOUNTS_AT_ONCE);
    ids.truncate(ACCOUNTS_AT_ONCE);
    if ids.is_empty() {
        let sentence =
            "this person looks after no account that you see; nothing is to be handed over";
        return Err(Slip::NotSeen(sentence.to_owned()).into());
    }
    Ok((ids, more))
}
