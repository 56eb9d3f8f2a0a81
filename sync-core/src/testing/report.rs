//! What many runs came to.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::fault::FaultPoint;
use super::simulation::{Failure, Outcome};

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Runs by trade.
    pub runs: BTreeMap<String, u64>,
    /// How often each thing happened.
    pub counts: BTreeMap<&'static str, u64>,
    /// How often each point was reached.
    pub reached: BTreeMap<FaultPoint, u64>,
    /// How often a side died at each point.
    pub died: BTreeMap<FaultPoint, u64>,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Takes a run in.
    pub fn add(&mut self, trade: &str, run: Result<Outcome, Box<Failure>>) {
        *self.runs.entry(trade.to_owned()).or_default() += 1;
        match run {
            Ok(Outcome { counts, reached, died, .. }) => {
                counts.into_iter().for_each(|(what, n)| *self.counts.entry(what).or_default() += n);
                add_all(&mut self.reached, reached);
                add_all(&mut self.died, died);
            }
            Err(failure) => self.failures.push(*failure),
        }
    }

    /// Takes another report in.
    pub fn merge(&mut self, other: Self) {
        for (trade, runs) in other.runs {
            *self.runs.entry(trade).or_default() += runs;
        }
        for (what, n) in other.counts {
            *self.counts.entry(what).or_default() += n;
        }
        add_all(&mut self.reached, other.reached);
        add_all(&mut self.died, other.died);
        self.failures.extend(other.failures);
    }

    /// Points at which no side ever died.
    pub fn unreached(&self) -> impl Iterator<Item = FaultPoint> {
        FaultPoint::ALL.iter().copied().filter(|point| !self.died.contains_key(point))
    }

    /// The report as Markdown, with the command that made it.
    pub fn markdown(&self, command: &str) -> String {
        let mut out = String::from("# Simulation\n\n");
        let _ = write!(
            out,
            "Whole worlds in one process: devices on real SQLite files, a network, and a server, in virtual time and each from one seed ([TESTING.md](TESTING.md#simulation)). Written by `{command}`.\n\n"
        );
        out.push_str("| Trade | Runs |\n|---|---|\n");
        for (trade, runs) in &self.runs {
            let _ = writeln!(out, "| {trade} | {runs} |");
        }
        let _ = write!(out, "\nRuns that went wrong: {}.\n\n", self.failures.len());
        out.push_str("| What happened | How often |\n|---|---|\n");
        for (what, n) in &self.counts {
            let _ = writeln!(out, "| {what} | {n} |");
        }
        out.push_str("\n| Point | Reached | Died there |\n|---|---|---|\n");
        for point in FaultPoint::ALL {
            let count = |of: &BTreeMap<FaultPoint, u64>| of.get(point).copied().unwrap_or(0);
            let (reached, died) = (count(&self.reached), count(&self.died));
            let _ = writeln!(out, "| `{point}` | {reached} | {died} |");
        }
        out
    }

    /// The report as JSON.
    pub fn json(&self) -> serde_json::Value {
        let by_name = |of: &BTreeMap<FaultPoint, u64>| -> BTreeMap<&str, u64> {
            of.iter().map(|(point, n)| (point.as_str(), *n)).collect()
        };
        let failure = |one: &Failure| {
            serde_json::json!({
                "seed": one.plan.seed,
                "trade": one.plan.trade,
                "wrong": one.wrong,
                "plan": one.plan.to_string(),
            })
        };
        serde_json::json!({
            "runs": self.runs,
            "counts": self.counts,
            "reached": by_name(&self.reached),
            "died": by_name(&self.died),
            "failures": self.failures.iter().map(failure).collect::<Vec<_>>(),
        })
    }
}

fn add_all(to: &mut BTreeMap<FaultPoint, u64>, from: BTreeMap<FaultPoint, u64>) {
    from.into_iter().for_each(|(point, n)| *to.entry(point).or_default() += n);
}
