//! Sockets by where they come from, of which one can be picked.

use std::collections::{BTreeMap, HashMap};

use super::neighbourhood::Neighbourhood;

/// Sockets by where they come from.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    homes: HashMap<Neighbourhood, Home>,
    /// Which neighbourhoods have so many.
    by_count: BTreeMap<usize, Vec<Neighbourhood>>,
    /// Of each socket, where it comes from and where it stands there.
    of: HashMap<u64, (Neighbourhood, usize)>,
}

/// What comes from one neighbourhood.
#[derive(Debug, Default)]
struct Home {
    numbers: Vec<u64>,
    /// Where it stands among those with as many.
    at: usize,
}

impl Crowd {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    pub(super) fn count(&self, from: &Neighbourhood) -> usize {
        self.homes.get(from).map_or(0, |home| home.numbers.len())
    }

    pub(super) fn add(&mut self, number: u64, from: Neighbourhood) {
        self.leave(&from);
        let home = self.homes.entry(from).or_default();
        self.of.insert(number, (from, home.numbers.len()));
        home.numbers.push(number);
        self.join(from);
    }

    /// Takes a socket out; where it came from.
    pub(super) fn remove(&mut self, number: u64) -> Option<Neighbourhood> {
        let (from, at) = self.of.remove(&number)?;
        self.leave(&from);
        let home = self.homes.get_mut(&from)?;
        home.numbers.swap_remove(at);
        if let Some(moved) = home.numbers.get(at) {
            self.of.insert(*moved, (from, at));
        }
        self.join(from);
        Some(from)
    }

    /// One of those from where most come, by chance.
    pub(super) fn pick(&self, chance: u64) -> Option<u64> {
        let (_, most) = self.by_count.last_key_value()?;
        let from = one_of(most, chance)?;
        // Of the same chance the other half, so that both are drawn independently.
        self.pick_from(from, chance >> 32)
    }

    /// One of those from somewhere, by chance.
    pub(super) fn pick_from(&self, from: &Neighbourhood, chance: u64) -> Option<u64> {
        one_of(&self.homes.get(from)?.numbers, chance).copied()
    }

    /// Takes a neighbourhood out of those with as many.
    fn leave(&mut self, from: &Neighbourhood) {
        let Some(home) = self.homes.get(from) else { return };
        let (count, at) = (home.numbers.len(), home.at);
        let Some(same) = self.by_count.get_mut(&count) else { return };
        same.swap_remove(at);
        if let Some(moved) = same.get(at).and_then(|moved| self.homes.get_mut(moved)) {
            moved.at = at;
        }
        if same.is_empty() {
            self.by_count.remove(&count);
        }
    }

    /// Puts a neighbourhood among those with as many, or forgets it if it has none.
    fn join(&mut self, from: Neighbourhood) {
        let Some(home) = self.homes.get_mut(&from) else { return };
        if home.numbers.is_empty() {
            self.homes.remove(&from);
            return;
        }
        let same = self.by_count.entry(home.numbers.len()).or_default();
        home.at = same.len();
        same.push(from);
    }
}

fn one_of<T>(all: &[T], chance: u64) -> Option<&T> {
    let at = (chance & u64::from(u32::MAX)) as usize;
    all.get(at.checked_rem(all.len())?)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn from(last: u8) -> Neighbourhood {
        Neighbourhood::of(IpAddr::from([192, 0, 2, last]))
    }

    /// Whatever comes and goes in whatever order, the one that is picked is of those from where most come.
    #[test]
    fn who_is_picked_is_of_those_from_where_most_come() {
        let mut crowd = Crowd::default();
        let mut there: BTreeMap<u64, u8> = BTreeMap::new();
        let mut chance = 88_172_645_463_325_252_u64;
        for number in 0..4000 {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            if chance % 5 < 2 && !there.is_empty() {
                let picked = crowd.pick(chance).expect("somebody is there");
                let home = there.remove(&picked).expect("it is there");
                let count = |of: u8| there.values().filter(|one| **one == of).count();
                assert!((0..8).all(|other| count(other) <= count(home) + 1), "at {number}");
                assert_eq!(crowd.remove(picked), Some(from(home)));
                assert_eq!(crowd.count(&from(home)), count(home));
            } else {
                let home = (chance >> 20) as u8 % 8;
                there.insert(number, home);
                crowd.add(number, from(home));
            }
            assert_eq!(crowd.len(), there.len());
        }
        for number in there.into_keys() {
            crowd.remove(number).expect("it is there");
        }
        assert!(crowd.homes.is_empty() && crowd.by_count.is_empty() && crowd.of.is_empty());
    }
}
