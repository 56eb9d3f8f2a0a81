//! Users and territories, written with the owner's login.

use sqlx::postgres::PgPool;
use sync_core::role::Role;
use uuid::Uuid;

/// A person to be added. Of one who is there already, what is not given stays as it is.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// The id to be given; otherwise the person gets a fresh one.
    pub id: Option<Uuid>,
    /// Unique.
    pub email: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// admin, manager, sales_rep or read_only; a new person is a sales rep unless it is given.
    pub role: Option<Role>,
    /// Whom they report to.
    pub manager: Option<Uuid>,
    /// Where they work.
    pub territory: Option<Uuid>,
    /// IANA time zone; a new person's is New York's unless it is given.
    pub time_zone: Option<String>,
}

/// Adds a person, or changes what is given of the one with this e-mail address; returns their id.
///
/// # Errors
/// When the id is somebody else's or the person has another one, or when the database refuses, such as
/// for an unknown role.
pub async fn add_user(pool: &PgPool, user: &NewUser) -> anyhow::Result<Uuid> {
    let mut tx = pool.begin().await?;
    let known: Option<Uuid> =
        sqlx::query_scalar("SELECT id FROM public.users WHERE email = $1 FOR UPDATE")
            .bind(&user.email)
            .fetch_optional(&mut *tx)
            .await?;
    if let (Some(known), Some(id)) = (known, user.id) {
        let email = &user.email;
        anyhow::ensure!(
            known == id,
            "{email} has the id {known} and keeps it. If that one was added in place of {id}, as after a \
             restore, free the address first: `sync-server user set-email {known} OTHER-ADDRESS`, \
             `sync-server user disable {known}`, and then this command again"
        );
    }
    anyhow::ensure!(
        known.is_some() || user.first_name.is_some() || user.last_name.is_some(),
        "nobody has the address {} yet, and a new person needs a name",
        user.email
    );
    let id = known.or(user.id).unwrap_or_else(new_id);
    let of_another: Option<String> =
        sqlx::query_scalar("SELECT email FROM public.users WHERE id = $1 AND email <> $2")
            .bind(id)
            .bind(&user.email)
            .fetch_optional(&mut *tx)
            .await?;
    if let Some(other) = of_another {
        anyhow::bail!("{id} is the id of {other}");
    }
    sqlx::query(
        "INSERT INTO public.users AS known (id, email, first_name, last_name, role, manager_id, territory_id, time_zone)
         VALUES ($1, $2, $3, $4, coalesce($5, 'sales_rep'), $6, $7, coalesce($8, 'America/New_York'))
         ON CONFLICT (email) DO UPDATE SET first_name = coalesce($3, known.first_name),
             last_name = coalesce($4, known.last_name), role = coalesce($5, known.role),
             manager_id = coalesce($6, known.manager_id), territory_id = coalesce($7, known.territory_id),
             time_zone = coalesce($8, known.time_zone)",
    )
    .bind(id)
    .bind(&user.email)
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.role.as_ref().map(Role::as_str))
    .bind(user.manager)
    .bind(user.territory)
    .bind(&user.time_zone)
    .execute(&mut *tx)
    .await?;
    let action = if known.is_some() { "user.change" } else { "user.add" };
    let detail = serde_json::json!({
        "user": id, "role": user.role, "manager": user.manager, "territory": user.territory,
    });
    audit(&mut tx, action, detail).await?;
    tx.commit().await?;
    Ok(id)
}

/// What an operator may change about a person afterwards; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The address by which they are known to operators.
    pub email: Option<String>,
    /// admin, manager, sales_rep or read_only.
    pub role: Option<Role>,
    /// Whether they may sign in; devices of somebody who may not erase what they hold.
    pub active: Option<bool>,
    /// Whom they report to.
    pub manager: Option<Uuid>,
    /// Where they work.
    pub territory: Option<Uuid>,
}

/// Changes a person's role, state or place; devices concerned hear of it at once.
///
/// # Errors
/// When the database refuses, such as for an unknown role.
pub async fn change_user(pool: &PgPool, user: Uuid, change: &UserChange) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query(
        "UPDATE public.users SET role = coalesce($2, role), is_active = coalesce($3, is_active),
             manager_id = coalesce($4, manager_id), territory_id = coalesce($5, territory_id),
             email = coalesce($6, email)
         WHERE id = $1",
    )
    .bind(user)
    .bind(change.role.as_ref().map(Role::as_str))
    .bind(change.active)
    .bind(change.manager)
    .bind(change.territory)
    .bind(&change.email)
    .execute(&mut *tx)
    .await?;
    let detail = serde_json::json!({
        "user": user, "email": change.email, "role": change.role, "active": change.active,
        "manager": change.manager, "territory": change.territory,
    });
    audit(&mut tx, "user.change", detail).await?;
    tx.commit().await
}

/// Adds a territory; returns its id.
///
/// # Errors
/// When the database refuses.
pub async fn add_territory(pool: &PgPool, name: &str, parent: Option<Uuid>) -> sqlx::Result<Uuid> {
    let id = new_id();
    add_territory_as(pool, id, name, parent).await?;
    Ok(id)
}

/// Adds a territory under an id.
///
/// # Errors
/// When the database refuses.
pub async fn add_territory_as(
    pool: &PgPool,
    id: Uuid,
    name: &str,
    parent: Option<Uuid>,
) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    sqlx::query("INSERT INTO public.territories (id, name, parent_id) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(name)
        .bind(parent)
        .execute(&mut *tx)
        .await?;
    audit(&mut tx, "territory.add", serde_json::json!({"territory": id, "name": name})).await?;
    tx.commit().await
}

/// Finds a person by id or e-mail address.
///
/// # Errors
/// When there is none.
pub async fn find_user(pool: &PgPool, who: &str) -> anyhow::Result<Uuid> {
    let found: Option<Uuid> =
        sqlx::query_scalar("SELECT id FROM public.users WHERE email = $1 OR id::text = lower($1)")
            .bind(who)
            .fetch_optional(pool)
            .await?;
    found.ok_or_else(|| {
        anyhow::anyhow!("no user \"{who}\"; `sync-server user list` shows those there are")
    })
}

pub(super) async fn audit(
    connection: &mut sqlx::postgres::PgConnection,
    action: &str,
    detail: serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO sync.audit (action, detail) VALUES ($1, $2)")
        .bind(action)
        .bind(detail)
        .execute(connection)
        .await
        .map(drop)
}

/// A time-ordered id.
pub fn new_id() -> Uuid {
    sync_core::ids::RecordId::mint(crate::clock::now(), entropy()).0
}

/// Random bytes from the operating system.
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("BUG: the operating system gives random bytes");
    bytes
}
