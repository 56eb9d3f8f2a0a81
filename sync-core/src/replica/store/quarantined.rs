//! Reading what the server refused.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use rusqlite::{Params, Row};
use serde_json::Value as Json;
use uuid::Uuid;

use super::stored::Stored;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, GroupId, RecordId};
use crate::time::UnixMs;

/// An edit that the server refused: what one group did to one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    /// Its first change, by which it is called.
    pub hash: ChangeHash,
    /// All its changes: several for a long text.
    pub changes: Vec<ChangeHash>,
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: String,
    /// When it was made.
    pub made_at: UnixMs,
    /// Why it was refused.
    pub refusal: Refusal,
    /// What it did, as [`crate::document::RecordEdit::to_json`] says it.
    pub edit: Json,
}

/// The columns of a refused change, in the order in which they are read.
const COLUMNS: &str = "hash, record, kind, made_at, code, policy, sentence, edit, grp";

/// A refused change, with its group.
fn of_row(row: &Row<'_>) -> rusqlite::Result<(GroupId, Quarantined)> {
    let edit: Option<String> = row.get(7)?;
    let hash = ChangeHash(row.get(0)?);
    let one = Quarantined {
        hash,
        changes: vec![hash],
        record: RecordId(Uuid::from_bytes(row.get(1)?)),
        kind: row.get(2)?,
        made_at: UnixMs(row.get(3)?),
        refusal: Refusal {
            code: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            policy: row.get(5)?,
            sentence: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        },
        edit: edit.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
    };
    Ok((GroupId(Uuid::from_bytes(row.get(8)?)), one))
}

impl Quarantined {
    /// Takes in a later change of the same edit.
    fn take_in(&mut self, later: Self) {
        self.changes.push(later.hash);
        if is_derived(&self.refusal) && !is_derived(&later.refusal) {
            self.refusal = later.refusal;
        }
        let (Json::Array(said), Json::Array(more)) = (&mut self.edit, later.edit) else { return };
        for change in more {
            // A text is said as the change left it.
            let same = |one: &&mut Json| {
                one.get("text").is_some()
                    && change.get("text").is_some()
                    && one["field"] == change["field"]
            };
            match said.iter_mut().find(same) {
                Some(before) => *before = change,
                None => said.push(change),
            }
        }
    }
}

/// Whether a refusal is for another change's sake.
fn is_derived(refusal: &Refusal) -> bool {
    matches!(
        RefusalCode::parse(&refusal.code),
        Some(RefusalCode::GroupRefused | RefusalCode::DependsOnRefused)
    )
}

impl Stored<'_> {
    /// The refused edits, oldest first.
    pub(in crate::replica) fn quarantine(self) -> rusqlite::Result<Vec<Quarantined>> {
        self.refused_where("true", [])
    }

    /// The refused edits of a record, oldest first.
    pub(in crate::replica) fn refused_of(
        self,
        record: RecordId,
    ) -> rusqlite::Result<Vec<Quarantined>> {
        self.refused_where("record = ?1", [record.as_bytes()])
    }

    /// The refused changes of a record.
    pub(in crate::replica) fn refused_bytes(
        self,
        record: RecordId,
    ) -> rusqlite::Result<Vec<(ChangeHash, Vec<u8>)>> {
        let mut statement = self
            .db
            .prepare_cached("SELECT hash, bytes FROM changes WHERE record = ?1 AND state = 2")?;
        let rows = statement
            .query_map([record.as_bytes()], |row| Ok((ChangeHash(row.get(0)?), row.get(1)?)))?;
        rows.collect()
    }

    /// The refused edit to which a change belongs.
    pub(in crate::replica) fn quarantined(
        self,
        hash: ChangeHash,
    ) -> rusqlite::Result<Option<Quarantined>> {
        let its = "(grp, record) = (SELECT grp, record FROM changes WHERE hash = ?1 AND state = 2)";
        Ok(self.refused_where(its, [hash.0])?.pop())
    }

    fn refused_where<P: Params>(
        self,
        condition: &str,
        params: P,
    ) -> rusqlite::Result<Vec<Quarantined>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM changes WHERE state = 2 AND step = 0 AND {condition} ORDER BY seq"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut edits: Vec<Quarantined> = Vec::new();
        let mut places: HashMap<(GroupId, RecordId), usize> = HashMap::new();
        for row in statement.query_map(params, of_row)? {
            let (group, one) = row?;
            match places.entry((group, one.record)) {
                Entry::Occupied(place) => edits[*place.get()].take_in(one),
                Entry::Vacant(place) => {
                    place.insert(edits.len());
                    edits.push(one);
                }
            }
        }
        Ok(edits)
    }

    /// Of refused changes one for each edit that is in quarantine, under the edit's name and reason.
    pub(in crate::replica) fn refused_edits(
        self,
        refused: Vec<(ChangeHash, Refusal)>,
    ) -> rusqlite::Result<Vec<(ChangeHash, Refusal)>> {
        if refused.is_empty() {
            return Ok(refused);
        }
        let edits = self.quarantine()?;
        let named: HashMap<ChangeHash, usize> = edits
            .iter()
            .enumerate()
            .flat_map(|(n, edit)| edit.changes.iter().map(move |hash| (*hash, n)))
            .collect();
        let mut told: HashSet<usize> = HashSet::new();
        let one = |(hash, refusal)| match named.get(&hash) {
            None => Some((hash, refusal)),
            Some(n) => {
                let first = told.insert(*n);
                first.then(|| (edits[*n].hash, edits[*n].refusal.clone()))
            }
        };
        Ok(refused.into_iter().filter_map(one).collect())
    }
}
