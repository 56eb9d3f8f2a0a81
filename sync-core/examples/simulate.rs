//! Simulates whole worlds from seeds, or one from a plan; see `--help`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use sync_core::testing::{Bug, Plan, Report, Trade, run, run_seed};

const HELP: &str = "\
Simulates devices, a network and a server in one process, each run from one seed.

usage: simulate [--seeds N] [--from SEED] [--trade NAME] [--bug NAME] [--threads N]
                [--json] [--report FILE]
       simulate --plan FILE

  --seeds N       how many seeds to run of each trade (300)
  --from SEED     the first seed (0)
  --trade NAME    crm or apiary; both when it is not given
  --bug NAME      be wrong on purpose: lost-acknowledgement, skipped-position,
                  kept-words, half-group or early-verdict
  --threads N     how many runs at once (2)
  --json          print the report as JSON
  --report FILE   write the report as Markdown
  --plan FILE     run one plan, as a failure prints it, and print all that happens

It exits with 1 when a run went wrong; each prints its seed and a plan that replays it.";

struct Options {
    seeds: u64,
    from: u64,
    threads: u64,
    trade: Option<String>,
    bug: Option<Bug>,
    json: bool,
    report: Option<String>,
    plan: Option<String>,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}; see --help");
            return ExitCode::from(2);
        }
    };
    match &options.plan {
        Some(path) => replay(path),
        None => simulate(&options),
    }
}

fn options() -> Result<Option<Options>, String> {
    let mut options = Options {
        seeds: 300,
        from: 0,
        threads: 2,
        trade: None,
        bug: None,
        json: false,
        report: None,
        plan: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} takes a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--json" => options.json = true,
            "--seeds" => options.seeds = number(value()?)?,
            "--from" => options.from = number(value()?)?,
            "--threads" => options.threads = number(value()?)?.max(1),
            "--report" => options.report = Some(value()?),
            "--plan" => options.plan = Some(value()?),
            "--trade" => {
                let name = value()?;
                Trade::named(&name).ok_or(format!("there is no trade {name}"))?;
                options.trade = Some(name);
            }
            "--bug" => {
                let name = value()?;
                options.bug = Some(Bug::parse(&name).ok_or(format!("there is no bug {name}"))?);
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok(Some(options))
}

fn replay(path: &str) -> ExitCode {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let plan: Plan = match text.parse() {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = run(&plan);
    outcome.log.iter().for_each(|line| println!("{line}"));
    outcome.wrong.iter().for_each(|wrong| println!("WRONG {wrong}"));
    if outcome.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(options: &Options) -> ExitCode {
    let trades: Vec<&str> = match &options.trade {
        Some(trade) => vec![trade],
        None => Trade::NAMES.to_vec(),
    };
    let mut report = Report::default();
    for trade in trades {
        let next = AtomicU64::new(options.from);
        let end = options.from + options.seeds;
        let work = || {
            let mut report = Report::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end {
                    return report;
                }
                let outcome = run_seed(seed, trade, options.bug);
                if let Err(failure) = &outcome {
                    eprintln!("{failure}");
                }
                report.add(trade, outcome);
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..options.threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                match worker.join() {
                    Ok(part) => report.merge(part),
                    Err(_) => eprintln!("a worker panicked"),
                }
            }
        });
    }
    if let Some(path) = &options.report {
        let command = format!("make sim SEEDS={}", options.seeds);
        if let Err(error) = std::fs::write(path, report.markdown(&command)) {
            eprintln!("{path}: {error}");
        }
    }
    if options.json {
        println!("{:#}", report.json());
    } else {
        println!("{}", report.markdown("make sim"));
    }
    if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
