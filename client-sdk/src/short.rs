//! Ids in a few characters. Ids begin with the time of their making, so that those of one hour begin
//! alike; their ends are random.

use sync_core::ids::RecordId;
use sync_core::replica::{QueryError, SearchHit};

use crate::Client;

/// Fewest characters of an id that are shown.
const SHORTEST: usize = 6;

impl Client {
    /// The records that characters of an id may mean: those whose id ends so, or else those whose id
    /// begins so, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn named(&self, part: &str) -> Result<Vec<SearchHit>, QueryError> {
        let part: String = part
            .to_ascii_lowercase()
            .chars()
            .filter(|c| c.is_ascii_hexdigit() || *c == '-')
            .collect();
        let like = |pattern: String| {
            let kinds = self.schema().document_kinds().map(|kind| {
                let title = kind.title.unwrap_or("NULL");
                let name = kind.name;
                format!(
                    "SELECT id, '{name}', {title} FROM {} WHERE id LIKE '{pattern}'",
                    kind.table
                )
            });
            let sql = kinds.collect::<Vec<_>>().join(" UNION ALL ");
            let found = self.query(&format!("{sql} ORDER BY 1"))?;
            let text = |cell: &serde_json::Value| cell.as_str().unwrap_or_default().to_owned();
            let hits = found.rows.iter().filter_map(|row| {
                let id = row[0].as_str()?.parse().ok()?;
                let (kind, title) = (text(&row[1]), text(&row[2]));
                Some(SearchHit { id, kind, title, subtitle: String::new() })
            });
            Ok::<Vec<SearchHit>, QueryError>(hits.collect())
        };
        let ending = like(format!("%{part}"))?;
        if ending.is_empty() { like(format!("{part}%")) } else { Ok(ending) }
    }
}

/// For each of several ids the shortest end, of six characters or more, that no other of them has.
pub fn short_ids(ids: &[RecordId]) -> Vec<String> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut backwards: Vec<String> =
        texts.iter().map(|text| text.chars().rev().collect()).collect();
    backwards.sort_unstable();
    let alike = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let end = |text: &String| {
        let turned: String = text.chars().rev().collect();
        let place = backwards.partition_point(|other| *other < turned);
        let beside = [place.checked_sub(1), Some(place + 1)];
        let beside = beside.into_iter().flatten().filter_map(|place| backwards.get(place));
        let shared = beside.map(|other| alike(other, &turned)).max().unwrap_or(0);
        let length = (shared + 1).max(SHORTEST).min(text.len());
        text[text.len() - length..].trim_start_matches('-').to_owned()
    };
    texts.iter().map(end).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_the_end_that_differs() {
        let ids = [
            "01a20878-e375-72ee-8516-8e43d0b76d93",
            "01a20878-e375-72ee-8516-8e43d0c76d93",
            "01a20878-e375-72ee-8516-8e43d0b76d94",
        ];
        let ids = ids.map(|id| id.parse().unwrap());
        assert_eq!(short_ids(&ids), ["b76d93", "c76d93", "b76d94"]);
    }
}
