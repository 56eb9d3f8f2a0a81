//! The browser's clock and entropy.

use rsqlite_vfs::{OsCallback, VfsResult};
use std::time::Duration;
use sync_core::replica::Env;
use sync_core::time::UnixMs;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// What the platform lets us draw at once.
const DRAWN_AT_ONCE: usize = 65_536;

/// The worker's clock and entropy.
#[derive(Default)]
pub struct WorkerEnv;

impl Env for WorkerEnv {
    fn now(&mut self) -> UnixMs {
        UnixMs(date_now() as i64)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(DRAWN_AT_ONCE) {
            get_random_values(part);
        }
    }
}

impl OsCallback for WorkerEnv {
    /// Nobody else has the file, so that there is nothing to wait for.
    fn sleep(&self, _: Duration) {}

    fn random(&self, buf: &mut [u8]) -> usize {
        WorkerEnv.fill(buf);
        buf.len()
    }

    fn epoch_timestamp_in_ms(&self) -> VfsResult<i64> {
        Ok(date_now() as i64)
    }
}
