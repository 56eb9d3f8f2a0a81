//! The browser's door to `sync-core`: a replica in memory, edited and read from JavaScript.
//!
//! For now it opens in memory only; keeping it in the browser's file system comes with the worker.

use sync_core::document::RecordEdit;
use sync_core::ids::UserId;
use sync_core::replica::{Env, OpenOptions, Replica};
use sync_core::time::UnixMs;
use wasm_bindgen::prelude::*;

/// The page's clock and entropy, as JavaScript gives them.
struct PageEnv;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

impl Env for PageEnv {
    fn now(&mut self) -> UnixMs {
        UnixMs(date_now() as i64)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        get_random_values(bytes);
    }
}

/// A replica that lives as long as the page.
#[wasm_bindgen]
pub struct MemoryReplica {
    replica: Replica,
}

fn to_js(error: impl std::fmt::Display) -> JsError {
    JsError::new(&error.to_string())
}

#[wasm_bindgen]
impl MemoryReplica {
    /// Opens an empty replica for a user, named by id.
    ///
    /// # Errors
    /// When the id is none.
    #[wasm_bindgen(constructor)]
    pub fn open(user: &str) -> Result<MemoryReplica, JsError> {
        let user: UserId = user.parse().map_err(to_js)?;
        let db = rusqlite::Connection::open_in_memory().map_err(to_js)?;
        let options = OpenOptions { schema: sync_core::crm::schema(), user: Some(user) };
        let replica = Replica::open(db, options, &mut PageEnv).map_err(to_js)?;
        Ok(Self { replica })
    }

    /// Creates a record from `[name, value, name, value, …]`; returns its id.
    ///
    /// # Errors
    /// When the kind or a field is unknown, or a value does not fit.
    pub fn create(&mut self, kind: &str, pairs: Vec<String>) -> Result<String, JsError> {
        let kind = self.replica.schema().kind(kind).cloned();
        let kind = kind.ok_or_else(|| to_js("there is no such kind of record"))?;
        let named = pairs.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
        let edit = RecordEdit::parse(&kind, named).map_err(to_js)?;
        let id = self.replica.create(&kind, edit, &mut PageEnv).map_err(to_js)?;
        Ok(id.to_string())
    }

    /// Answers an SQL query as JSON text: `{"columns": […], "rows": [[…], …]}`.
    ///
    /// # Errors
    /// When it is not one that reads.
    pub fn query(&self, sql: &str) -> Result<String, JsError> {
        let table = self.replica.query(sql).map_err(to_js)?;
        let json = serde_json::json!({"columns": table.columns, "rows": table.rows});
        Ok(json.to_string())
    }
}
