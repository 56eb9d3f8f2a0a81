//! A server's end of a conversation: its sessions one after the other, its store, and its clock.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;
use sync_core::cell::Cell;
use sync_core::hub::{
    self, DeviceNoted, Effect, Event, FeedAnswer, Now, PushJob, Session, SignedIn,
};
use sync_core::ids::{RecordId, ReplicaId, ScopeId, UserId};
use sync_core::protocol::{Blob, Goodbye, GoodbyeCode, PushGroup, PushItem, ServerMessage};
use sync_core::role::Role;
use uuid::Uuid;

use super::messages::group;
use super::pens::JUDGED_AT;
use super::schemas::crm;
use super::store::Store;

pub(crate) struct Host {
    store: Store,
    session: Session,
    running: Duration,
    sent: Vec<Vec<u8>>,
}

/// What a line of a conversation has the server hear.
pub(crate) enum Heard {
    /// A frame of the client.
    Frame(Vec<u8>),
    /// Something that happened meanwhile.
    Meanwhile(Json),
}

impl Host {
    pub(crate) fn new() -> Self {
        let mut host = Self {
            store: Store::default(),
            session: Session::new(at(Duration::ZERO), spare(), &crm()),
            running: Duration::ZERO,
            sent: Vec::new(),
        };
        host.settle();
        host
    }

    /// The frames that the server answers with.
    pub(crate) fn hear(&mut self, heard: Heard) -> Vec<Vec<u8>> {
        match heard {
            Heard::Frame(frame) => self.session.handle(Event::Frame(frame), at(self.running)),
            Heard::Meanwhile(what) => self.happen(&what),
        }
        self.settle();
        std::mem::take(&mut self.sent)
    }

    fn happen(&mut self, what: &Json) {
        let text = |name: &str| what[name].as_str().unwrap();
        let id = |name: &str| text(name).parse::<Uuid>().unwrap();
        match text("what") {
            "row" => {
                let cells: BTreeMap<String, Cell> =
                    serde_json::from_value(what["fields"].clone()).unwrap();
                self.store.put_row(RecordId(id("record")), text("kind"), cells);
            }
            "push" => {
                let items = what["changes"].as_array().unwrap().iter().map(pushed_item).collect();
                let groups = vec![PushGroup { group: group(99), seen: None, items }];
                let (user, replica) = (UserId(id("user")), ReplicaId(id("user")));
                let job = PushJob::of_device(user, replica, hub::parse(groups));
                self.store.commit(job);
            }
            "access" => {
                let sees = what["sees"].as_bool().unwrap();
                let (user, scope) = (UserId(id("user")), ScopeId(id("scope")));
                self.store.set_access(user, scope, sees, text("reason"));
            }
            "disabled" => self.store.disable(UserId(id("user"))),
            "reconnected" => self.session = Session::new(at(self.running), spare(), &crm()),
            "passed" => return self.pass(Duration::from_millis(what["ms"].as_u64().unwrap())),
            other => panic!("BUG: nobody knows how {other} happens"),
        }
        self.session.handle(Event::Woken, at(self.running));
    }

    /// Lets time pass, with every tick that is asked for.
    fn pass(&mut self, length: Duration) {
        let until = self.running + length;
        loop {
            let next = self.session.wake_at(at(self.running)).filter(|next| *next <= until);
            let Some(next) = next else { break };
            self.running = self.running.max(next);
            self.session.handle(Event::Tick, at(self.running));
            self.settle();
        }
        self.running = until;
    }

    fn settle(&mut self) {
        loop {
            while let Some(effect) = self.session.next_effect() {
                self.perform(effect);
            }
            if !self.session.may_read(at(self.running)) {
                return;
            }
            self.session.read(at(self.running));
        }
    }

    fn perform(&mut self, effect: Effect) {
        let event = match effect {
            Effect::SignIn(token) => Event::SignedIn(signed_in(&token.0)),
            Effect::Note { .. } => Event::Noted(DeviceNoted::Own),
            Effect::Read { user, request } => {
                let answer: FeedAnswer = self.store.answer(user, &request);
                Event::Read(answer)
            }
            Effect::Push { push, user, replica, groups } => {
                let job = PushJob::of_device(user, replica, hub::parse(groups));
                let changes = job.changes().map(|change| change.hash).collect();
                self.session.handle(Event::TakenIn { push, changes }, at(self.running));
                Event::Judged { push, verdicts: Ok(self.store.commit(job)) }
            }
            Effect::Ask { ask, user, replica, groups } => {
                let job = PushJob::of_device(user, replica, hub::parse(groups));
                Event::Answered { ask, opinions: self.store.ask(job) }
            }
            Effect::Send(frame) => return self.sent.push(frame),
            Effect::End(goodbye) => {
                let last = goodbye.map(|goodbye| ServerMessage::Goodbye(goodbye).to_bytes());
                return self.sent.extend(last);
            }
            Effect::Permit | Effect::Ping | Effect::Overslept => return,
        };
        self.session.handle(event, at(self.running));
    }
}

/// The token of a conversation is the user's id.
fn signed_in(token: &str) -> Result<SignedIn, Goodbye> {
    let bad = |_| Goodbye {
        code: GoodbyeCode::BadToken.as_str().to_owned(),
        sentence: "Sign in again.".to_owned(),
        retry_after_ms: None,
    };
    let user = UserId(token.parse().map_err(bad)?);
    Ok(SignedIn { user, role: Role::SalesRep, other_sessions: 0 })
}

fn pushed_item(json: &Json) -> PushItem {
    let text = |name: &str| json[name].as_str().unwrap();
    let change = data_encoding::HEXLOWER.decode(text("change").as_bytes()).unwrap();
    PushItem {
        record: text("record").parse().unwrap(),
        kind: text("kind").to_owned(),
        change: Blob(change),
        receipt: None,
    }
}

/// The time of day stands still, so that what is pushed is judged by the same clock.
fn at(running: Duration) -> Now {
    Now { running, wall: JUDGED_AT }
}

fn spare() -> ReplicaId {
    ReplicaId(Uuid::from_u128(0xdead))
}
