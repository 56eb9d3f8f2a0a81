//! Runs of plans, and plans that are as short as they can be.

use std::collections::BTreeMap;

use super::bug::Bug;
use super::device::DeviceId;
use super::fault::FaultPoint;
use super::plan::{Deed, Plan};
use super::planner;
use super::trade::Trade;
use super::world::World;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Everything that did not hold.
    pub wrong: Vec<String>,
    /// What happened, a line each.
    pub log: Vec<String>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// How often each point was reached.
    pub reached: BTreeMap<FaultPoint, u64>,
    /// How often a side died at each point.
    pub died: BTreeMap<FaultPoint, u64>,
}

/// A seed whose run went wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The plan, as short as it was found to be.
    pub plan: Plan,
    /// What did not hold when that was run.
    pub wrong: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { plan, wrong } = self;
        writeln!(f, "seed {} of {} went wrong:", plan.seed, plan.trade)?;
        for one in wrong {
            writeln!(f, "  {one}")?;
        }
        write!(
            f,
            "the shortest plan that still does; replay it with `make sim PLAN=file`:\n\n{plan}"
        )
    }
}

/// Runs a plan, puts everything right, and checks.
///
/// # Panics
/// When no trade has the plan's name.
pub fn run(plan: &Plan) -> Outcome {
    let trade = Trade::named(&plan.trade).expect("a plan names a trade that is known");
    let rules = trade.rules.clone();
    let mut world = World::with_rules(trade.schema(plan.server), rules, plan.seed);
    if let Some(bug) = plan.bug {
        world = world.with_bug(bug);
    }
    for line in &plan.lines {
        let wait = line.at.saturating_sub(world.now);
        world.run_for(wait);
        perform(&mut world, &trade, line.deed);
    }
    world.run_for(1000);
    if let Err(why) = world.heal() {
        world.wrong.push(format!("stuck: {why}"));
    }
    let wrong = world.check();
    outcome(world, wrong)
}

/// Runs the plan of a seed; when it goes wrong, with a plan as short as can be found.
///
/// # Errors
/// What went wrong.
pub fn run_seed(seed: u64, trade: &str, bug: Option<Bug>) -> Result<Outcome, Box<Failure>> {
    let plan = planner::draw(seed, trade, bug);
    let outcome = run(&plan);
    if outcome.wrong.is_empty() {
        return Ok(outcome);
    }
    let (plan, wrong) = shorten(plan, outcome.wrong);
    Err(Box::new(Failure { plan, wrong }))
}

/// Drops lines for as long as the run still goes wrong: halves first, then ever smaller parts.
pub fn shorten(mut plan: Plan, mut wrong: Vec<String>) -> (Plan, Vec<String>) {
    let mut size = plan.lines.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < plan.lines.len() {
            let mut shorter = plan.clone();
            shorter.lines.drain(at..(at + size).min(plan.lines.len()));
            let outcome = run(&shorter);
            if outcome.wrong.is_empty() {
                at += size;
            } else {
                (plan, wrong) = (shorter, outcome.wrong);
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    (plan, wrong)
}

fn outcome(world: World, wrong: Vec<String>) -> Outcome {
    let mut outcome = Outcome { wrong, counts: world.counts.clone(), ..Outcome::default() };
    let traps = world.devices.iter().map(|device| &device.trap).chain([&world.server.trap]);
    for trap in traps {
        let (reached, died) = trap.counts();
        reached.into_iter().for_each(|(point, n)| *outcome.reached.entry(point).or_default() += n);
        died.into_iter().for_each(|(point, n)| *outcome.died.entry(point).or_default() += n);
    }
    let failed: u64 = world.devices.iter().map(|device| device.trap.failed_commits()).sum();
    *outcome.counts.entry("write failed").or_default() += failed;
    *outcome.counts.entry("store failed").or_default() += world.server.failed;
    outcome.log = world.log;
    outcome
}

/// Does what a line says. A device that is not there, since its line was dropped, does nothing.
fn perform(world: &mut World, trade: &Trade, deed: Deed) {
    let there = |world: &World, device: DeviceId| device.0 < world.devices.len();
    match deed {
        Deed::Join(person, version) => {
            let people = world.people();
            let Some(user) = people.get((person as usize) % people.len().max(1)) else { return };
            world.device_with(*user, trade.schema(version));
        }
        Deed::Administer(seed) => world.administer(seed),
        Deed::CrashServer => world.crash_server(),
        Deed::FailStore(nth) => world.fail_store(nth),
        Deed::KeepStore => world.back_up_server(),
        Deed::RestoreStore => world.restore_server(),
        Deed::Online(d) if there(world, d) => world.go_online(d),
        Deed::Offline(d) if there(world, d) => world.go_offline(d),
        Deed::Edit(d, seed) if there(world, d) => world.edit_anything(d, seed),
        Deed::Refused(d, seed) if there(world, d) => world.deal_with_refused(d, seed),
        Deed::Ask(d, seed) if there(world, d) => world.ask_anything(d, seed),
        Deed::Cut(d) if there(world, d) => world.cut(d),
        Deed::Silence(d) if there(world, d) => world.silence(d),
        Deed::Slow(d, rate) if there(world, d) => world.slow_line(d, rate),
        Deed::Cuts(d, ms) if there(world, d) => world.cut_every(d, ms),
        Deed::Partition(d, ms) if there(world, d) => world.partition(d, ms),
        Deed::Repeat(d) if there(world, d) => world.repeat(d),
        Deed::Kill(d, point, nth) if there(world, d) => world.kill_at(d, point, nth),
        Deed::Crash(d) if there(world, d) => world.crash(d),
        Deed::FillDisk(d) if there(world, d) => world.fill_disk(d),
        Deed::ClearDisk(d) if there(world, d) => world.clear_disk(d),
        Deed::FailWrite(d, nth) if there(world, d) => world.fail_write(d, nth),
        Deed::BackUp(d) if there(world, d) => world.back_up(d),
        Deed::Restore(d) if there(world, d) => world.restore(d),
        Deed::Copy(d) if there(world, d) => drop(world.copy_device(d)),
        Deed::Second(d) if there(world, d) => drop(world.second_process(d)),
        Deed::ServerClock(ms) => world.set_server_clock(ms),
        Deed::Clock(d, ms) if there(world, d) => world.set_clock(d, ms),
        Deed::Update(d, version) if there(world, d) => world.update(d, trade.schema(version)),
        _ => {}
    }
}
