//! Configuration from the environment, checked as a whole: all problems at once, no secret shown.

/// What `serve` needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where Postgres is.
    pub database_url: String,
    /// Connections kept to it.
    pub pool_size: u32,
    /// Port to listen on; 0 for any free one.
    pub port: u16,
    /// Secret that tokens are signed with.
    pub jwt_secret: String,
    /// Web origins whose pages may connect, as `https://app.example`; apps that are no pages send
    /// none and always may.
    pub origins: Vec<String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("pool_size", &self.pool_size)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// Every problem found; fix them all and start again.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has problems:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads the configuration through a lookup, such as `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// Lists every variable that is missing or wrong.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let lookup = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let database_url = lookup("DATABASE_URL").unwrap_or_else(|| {
            problems.push("DATABASE_URL is not set: the address of PostgreSQL, as postgres://USER:PASSWORD@HOST/DATABASE".into());
            String::new()
        });
        if !database_url.is_empty()
            && !["postgres://", "postgresql://"].iter().any(|p| database_url.starts_with(p))
        {
            problems.push("DATABASE_URL does not begin with postgres://".into());
        }
        let mut number = |name: &str, default: u32, most: u32| match lookup(name) {
            None => default,
            Some(text) => match text.parse::<u32>() {
                Ok(number) if number <= most => number,
                _ => {
                    problems.push(format!("{name} must be a whole number up to {most}"));
                    default
                }
            },
        };
        let pool_size = number("DATABASE_POOL_SIZE", 10, 1000).max(3);
        let port = number("PORT", 3000, 65535);
        let origins: Vec<String> = lookup("ALLOWED_ORIGINS")
            .unwrap_or_default()
            .split(',')
            .map(|one| one.trim().trim_end_matches('/').to_owned())
            .filter(|one| !one.is_empty())
            .collect();
        if let Some(odd) = origins.iter().find(|one| !one.contains("://")) {
            problems.push(format!(
                "ALLOWED_ORIGINS has \"{odd}\", which is no origin such as https://app.example"
            ));
        }
        let jwt_secret = lookup("SUPABASE_JWT_SECRET").or_else(|| lookup("JWT_SECRET"));
        match &jwt_secret {
            None => problems.push("SUPABASE_JWT_SECRET (or JWT_SECRET) is not set: the secret that tokens are signed with".into()),
            Some(secret) if secret.len() < 32 => problems.push("SUPABASE_JWT_SECRET (or JWT_SECRET) is shorter than 32 characters".into()),
            Some(_) => {}
        }
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        Ok(Self {
            database_url,
            pool_size,
            port: u16::try_from(port).unwrap_or(3000),
            jwt_secret: jwt_secret.unwrap_or_default(),
            origins,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_listed_at_once_and_no_secret_is_shown() {
        let error = Config::read(|name| match name {
            "DATABASE_URL" => Some("mysql://u:geheim@h/d".into()),
            "PORT" => Some("many".into()),
            "JWT_SECRET" => Some("tiny".into()),
            _ => None,
        })
        .expect_err("three problems");
        assert_eq!(error.0.len(), 3, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("DATABASE_URL") && text.contains("PORT") && text.contains("JWT_SECRET")
        );
        assert!(!text.contains("geheim") && !text.contains("tiny"));
    }
}
