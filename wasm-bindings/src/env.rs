//! The browser's clock and entropy.

use js_sys::{Array, Function, Object, Reflect};
use rsqlite_vfs::{OsCallback, VfsResult};
use std::time::Duration;
use sync_core::replica::{Env, LocalTime};
use sync_core::time::UnixMs;
use wasm_bindgen::JsCast;
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

impl WorkerEnv {
    /// What a report needs to know of time.
    pub fn local_time(&mut self) -> LocalTime {
        LocalTime { now: self.now(), offset_s }
    }
}

/// How far a zone is ahead of UTC at a moment, in seconds, as the browser knows zones: it says
/// `GMT-05:00` where it is asked for the zone's name.
fn offset_s(zone: &str, at: UnixMs) -> Option<i32> {
    let options = Object::new();
    for (name, value) in [("timeZone", zone), ("timeZoneName", "longOffset")] {
        Reflect::set(&options, &name.into(), &value.into()).ok()?;
    }
    // Made by hand, since the constructor throws at a zone that it does not know.
    let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
    let make: Function = Reflect::get(&intl, &"DateTimeFormat".into()).ok()?.dyn_into().ok()?;
    let format = Reflect::construct(&make, &Array::of2(&"en-US".into(), &options)).ok()?;
    let parts: Function = Reflect::get(&format, &"formatToParts".into()).ok()?.dyn_into().ok()?;
    let parts: Array = parts.call1(&format, &(at.0 as f64).into()).ok()?.dyn_into().ok()?;
    let part = |part: &JsValue, name: &str| Reflect::get(part, &name.into()).ok()?.as_string();
    let name = parts.iter().find(|one| part(one, "type").as_deref() == Some("timeZoneName"))?;
    ahead_s(&part(&name, "value")?)
}

/// Reads `GMT`, `GMT-05:00` or `GMT+05:53:28`.
fn ahead_s(name: &str) -> Option<i32> {
    let ahead = name.strip_prefix("GMT")?;
    let (sign, parts) = match ahead.split_at_checked(1) {
        Some(("+", parts)) => (1, parts),
        Some(("-" | "−", parts)) => (-1, parts),
        _ => return ahead.is_empty().then_some(0),
    };
    let units = [3600, 60, 1].into_iter().zip(parts.split(':'));
    let seconds: Option<Vec<i32>> =
        units.map(|(unit, part)| Some(unit * part.parse::<i32>().ok()?)).collect();
    Some(sign * seconds?.into_iter().sum::<i32>())
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
