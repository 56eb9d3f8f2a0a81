//! Why somebody may or may not see and change a record: the database is asked, as that person, and
//! what it goes by is said beside it.

use sqlx::postgres::PgPool;
use sqlx::{Connection as _, Row as _};
use sync_core::cell::{Cell, Row};
use sync_core::error::Refusal;
use sync_core::ids::UserId;
use sync_core::printable::line;
use sync_core::schema::Kind;
use uuid::Uuid;

use crate::store::rules::Rules;
use crate::store::{self, Access};

/// What the database says of one person and one record.
#[derive(Debug, serde::Serialize)]
pub struct Explanation {
    /// The record's kind.
    pub kind: String,
    /// Whether the person sees it.
    pub reads: bool,
    /// Whether the person may change it as it stands; a change may be refused for what it says.
    pub writes: bool,
    /// The rule that keeps them from changing it.
    pub refusal: Option<Refusal>,
    /// What the rules go by, in sentences.
    pub facts: Vec<String>,
}

/// Asks the database; nothing is changed.
///
/// # Errors
/// When there is no such record or the database cannot be reached.
pub async fn explain(
    owner: &PgPool,
    pool: &PgPool,
    user: Uuid,
    record: Uuid,
) -> anyhow::Result<Explanation> {
    let head = sqlx::query("SELECT kind, scope_id FROM sync.documents WHERE id = $1")
        .bind(record)
        .fetch_optional(owner)
        .await?;
    let head = head.ok_or_else(|| anyhow::anyhow!("no record {record} on the server"))?;
    let (name, scope): (String, Uuid) = (head.try_get(0)?, head.try_get(1)?);
    let rules = Rules::load(pool, sync_core::crm::schema()).await?;
    let kind = rules.schema().kind(&name).ok_or_else(|| anyhow::anyhow!("no kind {name}"))?;
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    store::become_user(&mut tx, UserId(user), Access::Read).await?;
    let reads = !store::rows::by_id(&mut tx, kind, &[record]).await?.is_empty();
    tx.rollback().await?;
    // The row as it stands, written by that person, and taken back.
    let rows = store::rows::by_id(&mut *owner.acquire().await?, kind, &[record]).await?;
    let row = rows.first().ok_or_else(|| anyhow::anyhow!("the row of {record} is missing"))?;
    let mut tx = connection.begin().await?;
    store::become_user(&mut tx, UserId(user), Access::Write { seen: None }).await?;
    let refusal = match store::rows::upsert(&mut tx, kind, &[&row.1]).await {
        Ok(()) => store::skipped(&mut tx).await?.first().map(|one| rules.skipped(one).1),
        Err(error) => Some(rules.refusal(&error).ok_or(error)?),
    };
    tx.rollback().await?;
    let facts = facts(owner, user, account_of(kind, &row.1).unwrap_or(scope)).await?;
    Ok(Explanation { kind: name, reads, writes: refusal.is_none(), refusal, facts })
}

/// The account that a row names; an account's own row names none.
fn account_of(kind: &Kind, row: &Row) -> Option<Uuid> {
    let place = kind.columns().iter().position(|column| column.name == "organization_id")?;
    match row.get(place) {
        Some(Cell::Text(id)) => id.parse().ok(),
        _ => None,
    }
}

async fn facts(owner: &PgPool, user: Uuid, account: Uuid) -> sqlx::Result<Vec<String>> {
    let person = sqlx::query_scalar(
        "SELECT format('%s is %s%s%s%s.', u.email, u.role,
                CASE WHEN u.is_active THEN '' ELSE ', and disabled' END,
                coalesce(', reports to ' || m.email, ''), coalesce(', works in ' || t.name, ''))
         FROM public.users u LEFT JOIN public.users m ON m.id = u.manager_id
         LEFT JOIN public.territories t ON t.id = u.territory_id WHERE u.id = $1",
    )
    .bind(user)
    .fetch_all(owner)
    .await?;
    let its_account = sqlx::query_scalar(
        "SELECT format('The account \"%s\" is assigned to %s%s, and lies in %s.', o.name,
                coalesce(a.email, 'nobody'), coalesce(' and ' || s.email, ''),
                coalesce('the territory ' || t.name, 'no territory'))
         FROM public.organizations o LEFT JOIN public.users a ON a.id = o.assigned_user_id
         LEFT JOIN public.users s ON s.id = o.secondary_user_id
         LEFT JOIN public.territories t ON t.id = o.territory_id WHERE o.id = $1",
    )
    .bind(account)
    .fetch_all(owner)
    .await?;
    let grace = sqlx::query_scalar(
        "SELECT format('%s had this account until %s; what they did before their device heard of that is taken until %s.',
                u.email, to_char(f.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"'),
                to_char((f.at + s.grace) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"'))
         FROM sync.former_holders f JOIN public.users u ON u.id = f.user_id CROSS JOIN app.settings s
         WHERE f.user_id = $1 AND f.account_id = $2 AND f.at + s.grace > now()",
    )
    .bind(user)
    .bind(account)
    .fetch_all(owner)
    .await?;
    Ok(person.into_iter().chain(its_account).chain(grace).collect())
}

impl Explanation {
    /// In lines for a person.
    pub fn to_text(&self) -> String {
        let answer = |may: bool| if may { "yes" } else { "no" };
        let mut lines = vec![
            format!("reads:  {}", answer(self.reads)),
            format!("writes: {}", answer(self.writes)),
        ];
        lines.extend(
            self.refusal.iter().map(|refusal| format!("because: {}", line(&refusal.to_string()))),
        );
        lines.extend(self.facts.iter().map(|fact| line(fact).into_owned()));
        lines.join("\n")
    }
}
