//! What was measured, and where it goes.

use std::time::Duration;

use serde::Serialize;

/// One figure; `floor` and `ratio` where there is something to hold it against.
#[derive(Serialize)]
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    floor: Option<f64>,
    ratio: Option<f64>,
}

#[derive(Default)]
pub(crate) struct Figures(Vec<Figure>);

impl Figures {
    pub(crate) fn value(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.0.push(Figure { name, value, unit, floor: None, ratio: None });
    }

    pub(crate) fn against(
        &mut self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        floor: f64,
    ) {
        self.0.push(Figure { name, value, unit, floor: Some(floor), ratio: Some(value / floor) });
    }

    /// Says on the terminal what is happening.
    pub(crate) fn note(&self, text: &str) {
        eprintln!("  … {text}");
    }

    pub(crate) fn print(&self) {
        println!("{:<28} {:>14} {:>14} {:>8}", "", "value", "floor", "ratio");
        for one in &self.0 {
            let floor = one.floor.map(|floor| format!("{floor:.1}")).unwrap_or_default();
            let ratio = one.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            println!("{:<28} {:>14.1} {floor:>14} {ratio:>8}  {}", one.name, one.value, one.unit);
        }
    }

    /// `target/bench/results.json`, where the workspace's other results are.
    pub(crate) fn write(&self) {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        std::fs::create_dir_all(&dir).unwrap();
        let text = serde_json::to_string_pretty(&self.0).unwrap();
        std::fs::write(dir.join("results.json"), text + "\n").unwrap();
    }
}

pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// The most memory a process has held, in bytes.
pub(crate) fn peak_memory(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024.0
}
