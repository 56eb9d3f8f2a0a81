//! Simulates whole worlds from seeds: see `--help`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use sync_core::testing::{Plan, run, run_seed};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (from, to): (u64, u64) = (args[2].parse().unwrap_or(0), args[3].parse().unwrap_or(0));
    if args[1] == "plan" {
        let plan: Plan = std::fs::read_to_string(&args[2]).unwrap_or_default().parse().unwrap_or_else(|e| panic!("{e}"));
        let outcome = run(&plan);
        outcome.log.iter().for_each(|line| println!("{line}"));
        println!("{:#?}", outcome.wrong);
        return;
    }
    let mut failed = 0;
    for seed in from..to {
        if let Err(failure) = run_seed(seed, &args[1], None) {
            println!("{failure}");
            failed += 1;
            if failed > 2 { break; }
        }
    }
}
