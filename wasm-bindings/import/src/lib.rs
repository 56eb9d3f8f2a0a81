//! The browser's reader of files that are imported, as a module of its own: an app that imports nothing does
//! not load it.
//!
//! It decides nothing by itself: `sync_core::import` reads the file and judges its rows, and the script beside
//! it (`npm/src/import.ts`) carries what is wanted of the records to the engine and back. What crosses the
//! border is JSON text, and the file as bytes.

mod options;
mod said;
mod zone;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use sync_core::document::News;
use sync_core::ids::RecordId;
use sync_core::import::{ImportPlan, ImportRun, InMemory, Mode, Step, Written, report};
use sync_core::schema::Schema;
use sync_core::time::UnixMs;
use wasm_bindgen::prelude::*;

use options::Options;

/// A file that is to be imported.
#[wasm_bindgen]
pub struct ImportFile {
    schema: Arc<Schema>,
    source: Arc<InMemory>,
    plan: Option<Arc<ImportPlan>>,
}

#[wasm_bindgen]
impl ImportFile {
    /// A file of this name with these bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(name: String, bytes: &[u8]) -> ImportFile {
        let schema = sync_core::crm::schema();
        ImportFile { schema, source: Arc::new(InMemory::new(name, bytes)), plan: None }
    }

    /// Looks at the file with what was said of it, and says what would become of it.
    ///
    /// # Errors
    /// When it is no table, or what was said does not fit it.
    pub fn plan(&mut self, options: &str) -> Result<String, JsError> {
        let options: Options = serde_json::from_str(options)?;
        let (options, habits) = options.read().map_err(|text| JsError::new(&text))?;
        let plan = ImportPlan::of(&self.schema, self.source.clone(), habits, options)?;
        let said = said::plan(&plan);
        self.plan = Some(Arc::new(plan));
        Ok(said.to_string())
    }

    /// Begins to carry out the plan that was said last, or to try it out.
    ///
    /// # Errors
    /// When there is no plan.
    pub fn run(&self, write: bool, now: f64) -> Result<Run, JsError> {
        let plan = self.plan.clone().ok_or_else(|| JsError::new("nothing was planned yet"))?;
        let mode = if write { Mode::Write } else { Mode::Preview };
        Ok(Run { run: ImportRun::begin(plan, mode, UnixMs(now as i64))? })
    }
}

/// A plan that is carried out.
#[wasm_bindgen]
pub struct Run {
    run: ImportRun,
}

/// What was found out for a run.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Rows(Vec<Vec<Vec<Json>>>),
    Taken(Vec<String>),
    News(Option<Told>),
    Written(Became),
}

#[derive(Deserialize)]
struct Told {
    changes: Vec<usize>,
    fixed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Became {
    Taken,
    Overtaken,
    Refused(String),
}

#[wasm_bindgen]
impl Run {
    /// Goes on until something is wanted, for so many rows at most. `mint` gives ids of new records.
    ///
    /// # Errors
    /// When `mint` gives none.
    pub fn step(&mut self, mint: &js_sys::Function, most: u32) -> Result<String, JsError> {
        let mut failed = false;
        let mut mint = || {
            let id = mint.call0(&JsValue::NULL).ok().and_then(|id| id.as_string());
            let id = id.and_then(|id| id.parse::<RecordId>().ok());
            failed |= id.is_none();
            id.unwrap_or(RecordId(Default::default()))
        };
        let mut step = self.run.step(&mut mint)?;
        for _ in 1..most {
            if !matches!(step, Step::Judged(_)) {
                break;
            }
            step = self.run.step(&mut mint)?;
        }
        if failed {
            Err(JsError::new("no id was given"))
        } else {
            Ok(said::step(&step).to_string())
        }
    }

    /// Takes in what was wanted.
    ///
    /// # Errors
    /// When it is no answer.
    pub fn answer(&mut self, answer: &str) -> Result<(), JsError> {
        match serde_json::from_str(answer)? {
            Answer::Rows(rows) => self.run.learn(&rows),
            Answer::Taken(digests) => {
                let digests = digests.iter().filter_map(|text| said::bytes(text));
                self.run.taken(&digests.collect::<HashSet<_>>());
            }
            Answer::News(news) => {
                self.run.compared(news.map(|Told { changes, fixed }| News { changes, fixed }));
            }
            Answer::Written(became) => self.run.written(match became {
                Became::Taken => Written::Taken,
                Became::Overtaken => Written::Overtaken,
                Became::Refused(reason) => Written::Refused(reason),
            }),
        }
        Ok(())
    }

    /// What it has come to so far.
    pub fn outcome(&self) -> String {
        said::outcome(&self.run.outcome()).to_string()
    }

    /// What was not taken, as CSV that a spreadsheet opens.
    pub fn report(&self) -> String {
        report(&self.run.outcome().remarks)
    }
}
