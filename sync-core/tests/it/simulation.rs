//! Whole worlds from seeds. `make sim` runs as many as one likes, and replays a plan.

use std::collections::BTreeSet;

use sync_core::testing::{Bug, FaultPoint, Plan, plan_of, run, run_seed, shorten};

/// Seeds of one test: few enough for the tests to run beside each other.
const SEEDS: u64 = 30;
/// Seeds of all such tests together.
const HEALED: u64 = 4 * SEEDS;

fn every_seed(trade: &str, part: u64) {
    for seed in part * SEEDS..(part + 1) * SEEDS {
        if let Err(failure) = run_seed(seed, trade, None) {
            panic!("{failure}");
        }
    }
}

macro_rules! worlds {
    ($($name:ident: $trade:literal $part:literal,)*) => {$(
        #[test]
        fn $name() {
            every_seed($trade, $part);
        }
    )*};
}

// Whatever breaks, everybody has in the end what they may see, and no edit is lost.
worlds! {
    worlds_of_the_crm_heal_1: "crm" 0,
    worlds_of_the_crm_heal_2: "crm" 1,
    worlds_of_the_crm_heal_3: "crm" 2,
    worlds_of_the_crm_heal_4: "crm" 3,
    worlds_of_an_apiary_heal_1: "apiary" 0,
    worlds_of_an_apiary_heal_2: "apiary" 1,
    worlds_of_an_apiary_heal_3: "apiary" 2,
    worlds_of_an_apiary_heal_4: "apiary" 3,
}

#[test]
fn a_seed_does_the_same_thing_twice() {
    for seed in 0..6 {
        let plan = plan_of(seed, "crm", None);
        let [one, other] = [run(&plan), run(&plan)];
        assert!(!one.log.is_empty());
        let differ = one.log.iter().zip(&other.log).find(|(one, other)| one != other);
        assert_eq!(differ, None, "seed {seed}");
        assert_eq!(one.log.len(), other.log.len(), "seed {seed}");
    }
}

/// A simulator that cannot reach a point says nothing about it.
#[test]
fn sides_die_at_every_point() {
    let mut died: BTreeSet<FaultPoint> = BTreeSet::new();
    let all: BTreeSet<FaultPoint> = FaultPoint::ALL.iter().copied().collect();
    // Other seeds than those above, so that these are worlds more that heal.
    for seed in HEALED..HEALED + 200 {
        match run_seed(seed, "crm", None) {
            Ok(outcome) => died.extend(outcome.died.into_keys()),
            Err(failure) => panic!("{failure}"),
        }
        if died == all {
            return;
        }
    }
    panic!("nobody died at {:?}", all.difference(&died));
}

/// The first of so many seeds that finds a bug, with what it found.
fn found(bug: Bug, word: &str) -> (Plan, Vec<String>) {
    let wrong = |seed| {
        let plan = plan_of(seed, "crm", Some(bug));
        let outcome = run(&plan);
        let said = outcome.wrong.iter().any(|one| one.contains(word));
        said.then_some((plan, outcome.wrong))
    };
    (0..200).find_map(wrong).unwrap_or_else(|| panic!("no seed finds {bug:?} by \"{word}\""))
}

#[test]
fn a_lost_acknowledgement_is_found() {
    found(Bug::LostAcknowledgement, "lost: the edit");
}

#[test]
fn a_feed_that_skips_a_position_is_found() {
    found(Bug::SkippedPosition, "");
}

#[test]
fn a_wipe_that_forgets_the_search_index_is_found() {
    found(Bug::KeptWords, "the search index has the words of");
}

#[test]
fn a_half_written_group_is_found() {
    found(Bug::HalfGroup, "torn: the group");
}

#[test]
fn a_verdict_before_its_commit_is_found() {
    found(Bug::EarlyVerdict, "lost: the edit");
}

/// What is printed of a failure is short, fails as well, and can be read back from a file.
#[test]
fn a_failing_plan_is_shortened_and_replayed() {
    let (plan, wrong) = found(Bug::KeptWords, "");
    let (short, _) = shorten(plan.clone(), wrong);
    assert!(short.lines.len() < plan.lines.len() / 2, "{short}");
    let read: Plan = short.to_string().parse().unwrap();
    assert_eq!(read, short);
    assert!(!run(&read).wrong.is_empty(), "{short}");
}
