//! How the rows of a query changed.
//!
//! **Invariant**: a difference that is applied to the rows of before gives those of now, in their
//! order.

use std::collections::{BTreeSet, HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What became of a subscription's rows. A row is known by its `id`, or by its first column where it
/// has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Rows that are gone.
    pub removed: Vec<Removed>,
    /// Rows that say something else, or stand in another place among the rest.
    pub changed: Vec<Changed>,
    /// Rows that are new.
    pub added: Vec<Added>,
}

/// A row that is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removed {
    /// Where it stood.
    pub from: usize,
    /// What it was known by.
    pub key: Json,
}

/// A row that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Where it stood.
    pub from: usize,
    /// Where it stands.
    pub to: usize,
    /// What it says.
    pub row: Vec<Json>,
}

/// A row that is new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Added {
    /// Where it stands.
    pub to: usize,
    /// What it says.
    pub row: Vec<Json>,
}

impl Difference {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.changed.is_empty() && self.added.is_empty()
    }

    /// Makes the rows of before those of now.
    pub fn apply(&self, rows: &mut Vec<Vec<Json>>) {
        let gone: BTreeSet<usize> = (self.removed.iter().map(|one| one.from))
            .chain(self.changed.iter().map(|one| one.from))
            .collect();
        let mut place = 0;
        rows.retain(|_| {
            place += 1;
            !gone.contains(&(place - 1))
        });
        let mut come: Vec<(usize, &Vec<Json>)> = (self.changed.iter().map(|c| (c.to, &c.row)))
            .chain(self.added.iter().map(|a| (a.to, &a.row)))
            .collect();
        come.sort_by_key(|(to, _)| *to);
        for (to, row) in come {
            rows.insert(to.min(rows.len()), row.clone());
        }
    }

    /// What led from some rows to others; `key` is the column that they are known by.
    pub fn between(before: &[Vec<Json>], after: &[Vec<Json>], key: usize) -> Self {
        let name = |row: &[Json]| row.get(key).map(Json::to_string).unwrap_or_default();
        // Several rows may have the same key: they are told apart by their order.
        let mut places: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (from, row) in before.iter().enumerate() {
            places.entry(name(row)).or_default().push_back(from);
        }
        let mut difference = Self::default();
        let mut kept: Vec<(usize, usize)> = Vec::new();
        for (to, row) in after.iter().enumerate() {
            match places.get_mut(&name(row)).and_then(VecDeque::pop_front) {
                Some(from) => kept.push((from, to)),
                None => difference.added.push(Added { to, row: row.clone() }),
            }
        }
        // What says something else is told anyway; of the rest, as few as possible are said to have moved.
        let (same, other): (Vec<_>, Vec<_>) =
            kept.into_iter().partition(|(from, to)| before[*from] == after[*to]);
        let stays = in_order(&same);
        let moved = same.into_iter().filter(|(from, _)| !stays.contains(from));
        let changed = |(from, to): (usize, usize)| Changed { from, to, row: after[to].clone() };
        difference.changed = other.into_iter().chain(moved).map(changed).collect();
        difference.changed.sort_by_key(|changed| changed.to);
        let mut gone: Vec<usize> = places.into_values().flatten().collect();
        gone.sort_unstable();
        let removed = |from: usize| {
            let key = before[from].get(key).cloned().unwrap_or_default();
            Removed { from, key }
        };
        difference.removed = gone.into_iter().map(removed).collect();
        difference
    }
}

/// Which of these rows may stay where they are, by where they stood: a longest run whose places rise.
fn in_order(kept: &[(usize, usize)]) -> BTreeSet<usize> {
    // The last row of the best run of each length, and before each row the one that it follows.
    let mut ends: Vec<usize> = Vec::new();
    let mut follows: Vec<Option<usize>> = Vec::with_capacity(kept.len());
    for (index, (from, _)) in kept.iter().enumerate() {
        let length = ends.partition_point(|end| kept[*end].0 < *from);
        follows.push(length.checked_sub(1).map(|before| ends[before]));
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut stays = BTreeSet::new();
    let mut next = ends.last().copied();
    while let Some(index) = next {
        stays.insert(kept[index].0);
        next = follows[index];
    }
    stays
}
