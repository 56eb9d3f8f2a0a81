//! Lists of web origins.

/// Origins of the web in a list.
pub(super) fn origins(
    lookup: impl Fn(&str) -> Option<String>,
    name: &str,
    problems: &mut Vec<String>,
) -> Vec<String> {
    let origins: Vec<String> = lookup(name)
        .unwrap_or_default()
        .split(',')
        .map(|one| one.trim().trim_end_matches('/').to_owned())
        .filter(|one| !one.is_empty())
        .collect();
    let odd = |one: &&String| {
        let strange =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, ';' | '\'' | '"');
        !one.contains("://") || one.contains(strange)
    };
    if let Some(odd) = origins.iter().find(odd) {
        problems
            .push(format!("{name} has \"{odd}\", which is no origin such as https://app.example"));
    }
    origins
}
