//! From what Postgres says to what a person reads.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row as _;
use sqlx::postgres::{PgDatabaseError, PgPool};
use sync_core::error::{Refusal, RefusalCode};
use sync_core::ids::RecordId;
use sync_core::schema::{Kind, Schema};

use super::acting::Skipped;
use super::rows;

/// The rules of the database: the comment of each, and what the policies ask of a row.
#[derive(Debug)]
pub struct Rules {
    schema: Arc<Schema>,
    by_policy: HashMap<String, String>,
    by_trigger: HashMap<String, String>,
    /// By kind: a statement that names the policy which refuses each row.
    questions: Vec<String>,
}

impl Rules {
    /// Reads the rules once, at start.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn load(pool: &PgPool, schema: Arc<Schema>) -> sqlx::Result<Self> {
        let found = sqlx::query(
            "SELECT p.polname::text, c.relname::text, obj_description(p.oid, 'pg_policy'),
                    p.polcmd::text, p.polpermissive, pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid),
                    to_regrole('pantry_writer')::oid = ANY (p.polroles) OR 0::oid = ANY (p.polroles)
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid ORDER BY p.polname",
        )
        .fetch_all(pool)
        .await?;
        let mut by_policy = HashMap::new();
        let mut checks: HashMap<String, Vec<rows::Check>> = HashMap::new();
        for row in found {
            let (name, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(sentence) = row.try_get::<Option<String>, _>(2)? {
                by_policy.insert(format!("{table}.{name}"), sentence);
            }
            let command: String = row.try_get(3)?;
            if let Some(expression) = row.try_get(5)?
                && row.try_get(6)?
            {
                let restrictive = !row.try_get::<bool, _>(4)?;
                checks.entry(table).or_default().push(rows::Check {
                    policy: name,
                    restrictive,
                    inserts: command == "a" || command == "*",
                    updates: command == "w" || command == "*",
                    expression,
                });
            }
        }
        let of = |kind: &Kind| checks.get(kind.table).map_or(&[][..], Vec::as_slice);
        let questions = schema.kinds().iter().map(|kind| rows::question(kind, of(kind))).collect();
        let triggers = sqlx::query(
            "SELECT tgname::text, obj_description(oid, 'pg_trigger') FROM pg_trigger
             WHERE NOT tgisinternal AND obj_description(oid, 'pg_trigger') IS NOT NULL",
        )
        .fetch_all(pool)
        .await?;
        let by_trigger = triggers
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<sqlx::Result<_>>()?;
        Ok(Self { schema, by_policy, by_trigger, questions })
    }

    /// The kinds of records that the server knows.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The statement that asks the policies about rows of a kind.
    pub fn question(&self, kind: &Kind) -> &str {
        &self.questions[kind.index()]
    }

    /// The refusal that an error of the database stands for; `None` when it is our own failure.
    pub fn refusal(&self, error: &sqlx::Error) -> Option<Refusal> {
        let sqlx::Error::Database(error) = error else { return None };
        let error = error.try_downcast_ref::<PgDatabaseError>()?;
        match error.code() {
            "42501" => Some(self.policy_refusal(error)),
            state @ ("PT403" | "PT422") => Some(Refusal {
                code: code_of(state).as_str().to_owned(),
                policy: error.constraint().map(str::to_owned),
                sentence: error.message().to_owned(),
            }),
            _ => no_room(error),
        }
    }

    /// The refusal of what some table, of whatever kind, does not take: a value that fits no column,
    /// breaks a constraint or is too long for an index. Trying it again would end the same way.
    pub fn unstorable(error: &sqlx::Error) -> Option<Refusal> {
        let sqlx::Error::Database(error) = error else { return None };
        no_room(error.try_downcast_ref::<PgDatabaseError>()?)
    }

    fn policy_refusal(&self, error: &PgDatabaseError) -> Refusal {
        let message = error.message();
        // `new row violates row-level security policy "NAME" for table "TABLE"`; a permissive
        // policy goes without its name.
        let mut quoted = message.split('"').skip(1).step_by(2);
        match (quoted.next(), quoted.next()) {
            (Some(policy), Some(table)) => self.denied(table, policy),
            (table, _) => self.denied(table.unwrap_or_default(), ""),
        }
    }

    /// The refusal by a policy of a table; without a name, by those that let people see rows.
    pub fn denied(&self, table: &str, policy: &str) -> Refusal {
        let sentence = self.by_policy.get(&format!("{table}.{policy}")).cloned();
        Refusal {
            code: RefusalCode::Denied.as_str().to_owned(),
            policy: (!policy.is_empty()).then(|| policy.to_owned()),
            sentence: sentence.unwrap_or_else(|| {
                "You may not change this record; ask your manager to give you access.".to_owned()
            }),
        }
    }

    /// The refusal of a row that a trigger skipped.
    pub fn skipped(&self, skipped: &Skipped) -> (RecordId, Refusal) {
        let sentence = self.by_trigger.get(&skipped.rule).cloned();
        let refusal = Refusal {
            code: code_of(&skipped.state).as_str().to_owned(),
            policy: Some(skipped.rule.clone()),
            sentence: sentence.unwrap_or_else(|| format!("The rule {} says no.", skipped.rule)),
        };
        (skipped.record, refusal)
    }
}

/// Data exceptions, integrity violations and a limit that is exceeded: the values are at fault.
fn no_room(error: &PgDatabaseError) -> Option<Refusal> {
    let code = error.code();
    (code.starts_with("22") || code.starts_with("23") || code == "54000").then(|| Refusal {
        code: RefusalCode::Constraint.as_str().to_owned(),
        policy: error.constraint().map(str::to_owned),
        sentence: format!("The database does not accept these values: {}.", error.message()),
    })
}

/// What the error codes of our triggers stand for.
fn code_of(state: &str) -> RefusalCode {
    if state == "PT403" { RefusalCode::Denied } else { RefusalCode::Rule }
}
