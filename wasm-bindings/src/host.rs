//! A replica with its link, as a worker holds them.

use js_sys::{Array, Uint8Array};
use serde::Deserialize;
use sync_core::ids::UserId;
use sync_core::replica::{
    Dial, Link, LinkEffect, LinkEvent, LinkOptions, OpenOptions, QuestionId, Replica, SteadyMs,
    Timing, Tokens,
};
use wasm_bindgen::prelude::*;

use crate::calls;
use crate::env::WorkerEnv;
use crate::failure::Failure;
use crate::files::{self, Files, Opened};
use crate::panic;
use crate::rescue;

/// A replica with its link.
#[wasm_bindgen]
pub struct Host {
    replica: Replica,
    files: Option<Files>,
    link: Option<Link>,
    questions: u64,
}

/// The server to speak to.
#[derive(Deserialize)]
struct Server {
    url: String,
    app: String,
}

#[wasm_bindgen]
impl Host {
    /// Opens a replica in this folder of the browser's private file system; whose records it holds is
    /// needed when it is new.
    ///
    /// # Errors
    /// With a `code`: `storage_busy` when another worker has the files, or had them just now.
    pub async fn open(folder: String, user: Option<String>) -> Result<Host, JsValue> {
        let Opened { db, files } = files::open(&folder).await?;
        match Self::with(db, user) {
            Ok(host) => Ok(Self { files: Some(files), ..host }),
            Err(error) => {
                files.free()?;
                Err(error)
            }
        }
    }

    /// Reads the unsent and refused edits of a database that cannot be opened otherwise, as the call
    /// `rescue` does of an open one.
    ///
    /// # Errors
    /// With a `code`: when not even the table of edits can be read.
    pub async fn rescue(folder: String) -> Result<String, JsValue> {
        let Opened { db, files } = files::open(&folder).await?;
        let rescued = sync_core::replica::rescue(&db).map_err(Failure::from)?;
        drop(db);
        files.free()?;
        Ok(rescue::said(&rescued).to_string())
    }

    /// Closes the database and gives its files free, at once.
    ///
    /// # Errors
    /// When the browser does not give them free; then they are free when the worker has ended.
    pub fn close(self) -> Result<(), JsValue> {
        let Self { replica, files, .. } = self;
        drop(replica);
        Ok(files.map_or(Ok(()), |files| files.free())?)
    }

    /// Opens an empty replica in memory, which is gone with its worker.
    ///
    /// # Errors
    /// With a `code`: when the user's id is none.
    #[wasm_bindgen(js_name = openInMemory)]
    pub fn open_in_memory(user: Option<String>) -> Result<Host, JsValue> {
        let db = rusqlite::Connection::open_in_memory().map_err(Failure::from)?;
        Self::with(db, user)
    }

    /// Does what the name says with arguments as JSON, and answers with JSON.
    ///
    /// # Errors
    /// With a `code`; then nothing was written.
    pub fn call(&mut self, name: &str, args: &str) -> Result<String, JsValue> {
        Ok(calls::call(&mut self.replica, name, args)?)
    }

    /// What became of the rows of subscriptions since this was last asked: `[[subscription, difference]]`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn differences(&mut self) -> Result<String, JsValue> {
        let differences = self.replica.poll_live().map_err(Failure::from)?;
        Ok(serde_json::to_string(&differences).map_err(Failure::from)?)
    }

    /// Speaks to this server from now on: `{"url": …, "app": …}`.
    ///
    /// # Errors
    /// When the argument does not fit.
    #[wasm_bindgen(js_name = useServer)]
    pub fn use_server(&mut self, server: &str) -> Result<(), JsValue> {
        let server: Server = serde_json::from_str(server).map_err(Failure::from)?;
        self.link = Some(Link::new(LinkOptions {
            app: server.app,
            server: server.url,
            tokens: Tokens::Renewable,
            timing: Timing::default(),
        }));
        Ok(())
    }

    /// Tells the link what happened at this moment of a clock that never jumps, in milliseconds. Returns
    /// what it asks for: texts of JSON, and `[connection, bytes]` for what is to be sent.
    ///
    /// # Errors
    /// When the event is none that this version knows.
    pub fn happened(&mut self, event: &str, now: f64) -> Result<Array, JsValue> {
        let event: LinkEvent = serde_json::from_str(event).map_err(Failure::from)?;
        self.handle(event, now)
    }

    /// As [`Host::happened`], for a frame that came over a connection.
    ///
    /// # Errors
    /// When what is asked for cannot be put into words.
    pub fn received(&mut self, dial: u32, bytes: Vec<u8>, now: f64) -> Result<Array, JsValue> {
        let dial = Dial(dial);
        let length = bytes.len() as u64;
        let first = self.handle(LinkEvent::Received { dial, bytes: length }, now)?;
        let then = self.handle(LinkEvent::Frame { dial, bytes }, now)?;
        Ok(first.concat(&then))
    }

    /// Asks the server whether these edits would be refused, and waits for so many milliseconds at most:
    /// `[question, …]` and what the link asks for. The answer comes as a notice with the question's number.
    ///
    /// # Errors
    /// As a commit of the same edits.
    pub fn ask(&mut self, edits: &str, within: f64, now: f64) -> Result<Array, JsValue> {
        let edits = calls::edits(&mut self.replica, edits)?;
        let question = self.replica.question(&edits, &mut WorkerEnv).map_err(Failure::from)?;
        self.questions += 1;
        let name = QuestionId(self.questions);
        let all = Array::of1(&JsValue::from(self.questions as f64));
        let Some(link) = &mut self.link else {
            return Err(Failure::new("no_server", "no server was named").into());
        };
        let now = SteadyMs(now as u64);
        let effects =
            link.ask(name, question, within as u64, now, &mut self.replica, &mut WorkerEnv);
        Ok(all.concat(&in_script(effects)?))
    }
}

impl Host {
    fn with(db: rusqlite::Connection, user: Option<String>) -> Result<Host, JsValue> {
        let user: Option<UserId> = match user {
            Some(id) => Some(id.parse().map_err(|_| Failure::call("the user's id is none"))?),
            None => None,
        };
        panic::leave_words();
        let options = OpenOptions { schema: sync_core::crm::schema(), user };
        let replica = Replica::open(db, options, &mut WorkerEnv).map_err(Failure::from)?;
        Ok(Self { replica, files: None, link: None, questions: 0 })
    }

    fn handle(&mut self, event: LinkEvent, now: f64) -> Result<Array, JsValue> {
        let Some(link) = &mut self.link else { return Ok(Array::new()) };
        let effects = link.handle(event, SteadyMs(now as u64), &mut self.replica, &mut WorkerEnv);
        in_script(effects)
    }
}

fn in_script(effects: Vec<LinkEffect>) -> Result<Array, JsValue> {
    let all = Array::new();
    for effect in effects {
        if let LinkEffect::Send { dial, bytes } = &effect {
            let bytes = Uint8Array::from(bytes.as_slice());
            all.push(&Array::of2(&JsValue::from(dial.0), &bytes));
        } else {
            let text = serde_json::to_string(&effect).map_err(Failure::from)?;
            all.push(&JsValue::from(text));
        }
    }
    Ok(all)
}
