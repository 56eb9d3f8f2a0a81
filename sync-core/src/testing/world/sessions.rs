//! The server's end of connections: carries what a session asks for.

use std::time::Duration;

use super::World;
use crate::hub::{self, DeviceNoted, Effect, Event, Now, PushJob, Session, SignedIn};
use crate::ids::{ReplicaId, UserId};
use crate::protocol::{Goodbye, GoodbyeCode, PushGroup, ServerMessage};
use crate::random::Random;
use crate::replica::{Dial, LinkEvent};
use crate::testing::connection::{Connection, ConnectionId, End, Way};
use crate::testing::device::DeviceId;
use crate::testing::fault::{FaultPoint, Killed};
use crate::testing::happening::Happening;

/// How often a session's feed looks though nobody woke it.
const BEAT_EVERY: u64 = 10_000;

impl World {
    /// Makes the connection that a device dialled, unless something is in the way.
    pub(super) fn connect(&mut self, device: DeviceId, life: u64, dial: Dial) {
        if self.running(device, life).is_none() {
            return;
        }
        if self.down_until.is_some() || self.devices[device.0].partitioned_until > self.now {
            let reason = "refused".to_owned();
            return self.tell(device, LinkEvent::Closed { dial, reason });
        }
        self.note_what_is_held(device);
        let connection = self.open_session(Some((device, life, dial)));
        let line = self.devices[device.0].line;
        self.connection_at(connection).bytes_per_s = line.bytes_per_s;
        self.break_later(connection);
        self.note(|| format!("device {} connects as {}", device.0, connection.0));
        self.tell(device, LinkEvent::Connected(dial));
    }

    pub(super) fn open_session(&mut self, device: Option<(DeviceId, u64, Dial)>) -> ConnectionId {
        let connection = ConnectionId(self.connections.len());
        let spare = ReplicaId(self.random.uuid());
        let now = Now { running: Duration::ZERO, wall: self.server_wall() };
        let session = Session::new(now, spare, &self.server.schema);
        let random = Random::of(self.seed, &[2, connection.0 as u64]);
        self.connections.push(Connection::new(device, session, self.now, random));
        self.ahead.put(self.now + BEAT_EVERY, Happening::Beat { connection });
        self.drive(connection);
        connection
    }

    /// Whether nothing comes through to the server.
    pub(super) fn is_silent(&self, id: ConnectionId) -> bool {
        self.connections[id.0].silent
    }

    /// Tells a session what happened, and does what it asks for.
    pub(super) fn at_session(&mut self, id: ConnectionId, event: Event) {
        // What is done at the server itself has no session.
        if self.connections.get(id.0).is_none_or(|one| one.far == End::Closed) {
            return;
        }
        let now = self.session_now(id);
        self.connection_at(id).session.handle(event, now);
        self.drive(id);
    }

    /// A session's feed looks though nobody woke it.
    pub(super) fn beat(&mut self, id: ConnectionId) {
        if self.connections[id.0].far == End::Open {
            self.ahead.put(self.now + BEAT_EVERY, Happening::Beat { connection: id });
            self.at_session(id, Event::Beat);
        }
    }

    fn session_now(&self, id: ConnectionId) -> Now {
        let running = Duration::from_millis(self.now - self.connections[id.0].began);
        Now { running, wall: self.server_wall() }
    }

    /// Does what a session asks for until it waits.
    fn drive(&mut self, id: ConnectionId) {
        let now = self.session_now(id);
        while self.connections[id.0].far == End::Open {
            if let Some(effect) = self.connection_at(id).session.next_effect() {
                self.perform(id, effect);
            } else if self.connections[id.0].session.may_read(now) {
                self.connection_at(id).session.read(now);
            } else {
                break;
            }
        }
        let connection = self.connection_at(id);
        if connection.far == End::Closed {
            return;
        }
        if let Some(wake) = connection.session.wake_at(now) {
            let at = connection.began + u64::try_from(wake.as_millis()).unwrap_or(u64::MAX);
            if connection.tick_at != Some(at) {
                connection.tick_at = Some(at);
                let at = at.max(self.now);
                self.connection_at(id).tick_at = Some(at);
                self.ahead.put(at, Happening::SessionTick { connection: id, at });
            }
        }
    }

    fn perform(&mut self, id: ConnectionId, effect: Effect) {
        let now = self.session_now(id);
        let event = match effect {
            Effect::SignIn(token) => Event::SignedIn(self.sign_in(id, &token.0)),
            Effect::Note { user, replica, .. } => Event::Noted(self.note_device(user, replica)),
            Effect::Read { user, request } => {
                let server = &self.server;
                let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    server.trap.reach(FaultPoint::ServerMidFeed);
                    server.answer(user, &request)
                }));
                match read {
                    Ok(answer) => Event::Read(answer),
                    Err(payload) if payload.is::<Killed>() => return self.server_dies(),
                    Err(payload) => std::panic::resume_unwind(payload),
                }
            }
            Effect::Push { push, user, replica, groups } => {
                return self.push(id, push, user, replica, groups);
            }
            Effect::Ask { ask, user, replica, groups } => {
                let job = PushJob::of_device(user, replica, hub::parse(groups));
                let opinions = self.server.question(&job, self.server_wall());
                let answered = Happening::Answered { connection: id, ask, opinions };
                return self.after(1, 40, answered);
            }
            Effect::Send(frame) => return self.send_down(id, frame),
            Effect::Permit => return,
            Effect::Overslept => {
                self.wrong.push(format!("session {} lives by its heartbeat", id.0));
                return;
            }
            Effect::Ping => {
                if !self.is_silent(id) {
                    let at = self.connections[id.0].arrival(self.now, Way::Down, 2);
                    self.ahead.put(at, Happening::Pinged { connection: id });
                }
                return;
            }
            Effect::End(goodbye) => return self.end_session(id, goodbye),
        };
        self.connection_at(id).session.handle(event, now);
    }

    fn end_session(&mut self, id: ConnectionId, goodbye: Option<Goodbye>) {
        if let Some(goodbye) = goodbye {
            self.note(|| format!("session {} ends: {}", id.0, goodbye.code));
            self.send_down(id, ServerMessage::Goodbye(goodbye).to_bytes());
        }
        self.close_far(id);
    }

    /// The server lets go of a connection; the device hears of it, if anything gets through.
    pub(super) fn close_far(&mut self, id: ConnectionId) {
        let now = self.now;
        let connection = self.connection_at(id);
        connection.far = End::Closed;
        if !connection.silent {
            let at = connection.arrival(now, Way::Down, 0);
            self.ahead.put(at, Happening::ClosedAtDevice { connection: id });
        }
    }

    fn send_down(&mut self, id: ConnectionId, frame: Vec<u8>) {
        let now = self.now;
        let connection = self.connection_at(id);
        if connection.near == End::Open && !connection.silent {
            let begins = connection.begins(now, Way::Down);
            let at = connection.arrival(now, Way::Down, frame.len());
            if let Some(bytes) = connection.bytes_per_s {
                let parts = parts(begins, at);
                for part in parts {
                    self.ahead.put(part, Happening::PartToDevice { connection: id, bytes });
                }
            }
            let (length, sum) = (frame.len(), sum(&frame));
            self.note(|| format!("session {} sends {length} bytes {sum:08x}", id.0));
            self.ahead.put(at, Happening::ToDevice { connection: id, frame });
        }
    }

    fn sign_in(&mut self, id: ConnectionId, token: &str) -> Result<SignedIn, Goodbye> {
        let user: Option<UserId> = token.parse().ok();
        let user = user.ok_or_else(|| goodbye(GoodbyeCode::BadToken, "There is no such user."))?;
        if !self.store().is_active(user) {
            return Err(goodbye(GoodbyeCode::Disabled, "You may not sign in any more."));
        }
        let open = |one: &&Connection| one.far == End::Open && one.user == Some(user);
        let other_sessions = self.connections.iter().filter(open).count();
        self.connection_at(id).user = Some(user);
        let store = self.store();
        let role = store.rules().role(store.contents().records(), user);
        Ok(SignedIn { user, role, other_sessions })
    }

    fn note_device(&mut self, user: UserId, replica: ReplicaId) -> DeviceNoted {
        self.server.settle_late();
        let mut transaction = self.server.store.begin();
        let own = transaction.note_device(user, replica);
        self.server.store.commit(transaction);
        if own { DeviceNoted::Own } else { DeviceNoted::AnotherUsers }
    }

    fn push(
        &mut self,
        id: ConnectionId,
        push: u64,
        user: UserId,
        replica: ReplicaId,
        groups: Vec<PushGroup>,
    ) {
        let job = PushJob::of_device(user, replica, hub::parse(groups));
        let changes = job.changes().map(|change| change.hash).collect();
        self.jobs.push((id, push, job));
        self.commit_soon();
        let now = self.session_now(id);
        self.connection_at(id).session.handle(Event::TakenIn { push, changes }, now);
    }
}

/// When the parts arrive of a frame that takes longer than a second.
pub(super) fn parts(begins: u64, ends: u64) -> impl Iterator<Item = u64> {
    (begins..ends).step_by(1000).skip(1)
}

fn goodbye(code: GoodbyeCode, sentence: &str) -> Goodbye {
    Goodbye { code: code.as_str().into(), sentence: sentence.into(), retry_after_ms: None }
}

/// Tells frames apart in the log.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
