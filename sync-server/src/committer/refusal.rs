//! From what Postgres says to what a person reads.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::postgres::{PgDatabaseError, PgPool};
use sync_core::error::{Refusal, RefusalCode};

/// The comment of every policy, by table and name.
#[derive(Debug, Default)]
pub struct PolicySentences {
    by_policy: HashMap<String, String>,
}

impl PolicySentences {
    /// Reads the comments once, at start.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn load(pool: &PgPool) -> sqlx::Result<Self> {
        let rows = sqlx::query(
            "SELECT p.polname::text, c.relname::text, obj_description(p.oid, 'pg_policy')
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid",
        )
        .fetch_all(pool)
        .await?;
        let mut by_policy = HashMap::new();
        for row in rows {
            let (name, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(sentence) = row.try_get::<Option<String>, _>(2)? {
                by_policy.insert(format!("{table}.{name}"), sentence);
            }
        }
        Ok(Self { by_policy })
    }

    /// The refusal that an error of the database stands for; `None` when it is our own failure.
    pub fn refusal(&self, error: &sqlx::Error) -> Option<Refusal> {
        let sqlx::Error::Database(error) = error else { return None };
        let error = error.try_downcast_ref::<PgDatabaseError>()?;
        match error.code() {
            "42501" => Some(self.policy_refusal(error)),
            "PT403" => Some(Refusal {
                code: RefusalCode::Denied.as_str().to_owned(),
                policy: error.constraint().map(str::to_owned),
                sentence: error.message().to_owned(),
            }),
            "PT422" => Some(Refusal {
                code: RefusalCode::Rule.as_str().to_owned(),
                policy: error.constraint().map(str::to_owned),
                sentence: error.message().to_owned(),
            }),
            // Data exceptions and integrity violations: the row itself is at fault.
            code if code.starts_with("22") || code.starts_with("23") => Some(Refusal {
                code: RefusalCode::Constraint.as_str().to_owned(),
                policy: error.constraint().map(str::to_owned),
                sentence: format!(
                    "The database does not accept these values: {}.",
                    error.message()
                ),
            }),
            _ => None,
        }
    }

    fn policy_refusal(&self, error: &PgDatabaseError) -> Refusal {
        let message = error.message();
        // `new row violates row-level security policy "NAME" for table "TABLE"`; a permissive
        // policy goes without its name.
        let mut quoted = message.split('"').skip(1).step_by(2);
        let (first, second) = (quoted.next(), quoted.next());
        let (policy, table) = match (first, second) {
            (Some(policy), Some(table)) => (Some(policy), Some(table)),
            (Some(table), None) => (None, Some(table)),
            _ => (None, None),
        };
        let key = format!("{}.{}", table.unwrap_or_default(), policy.unwrap_or_default());
        let sentence = self.by_policy.get(&key).cloned().unwrap_or_else(|| {
            "You may not change this record; ask your manager to give you access.".to_owned()
        });
        Refusal {
            code: RefusalCode::Denied.as_str().to_owned(),
            policy: policy.map(str::to_owned),
            sentence,
        }
    }
}
