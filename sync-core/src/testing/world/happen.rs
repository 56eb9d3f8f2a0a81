//! What each happening does.

use super::World;
use crate::hub::Event;
use crate::replica::LinkEvent;
use crate::testing::connection::End;
use crate::testing::happening::Happening;

impl World {
    /// Does what happens.
    pub(super) fn happen(&mut self, what: Happening) {
        match what {
            Happening::DeviceTick { device, life, at } => {
                let due = self.running(device, life).is_some_and(|one| one.wake == Some(at));
                if due {
                    self.tell(device, LinkEvent::Tick);
                }
            }
            Happening::Token { device, life } => {
                if self.running(device, life).is_some() {
                    let token = self.device_at(device).user.to_string();
                    self.tell(device, LinkEvent::Token(Ok(token)));
                }
            }
            Happening::Connect { device, life, dial } => self.connect(device, life, dial),
            Happening::ForeignWrite { device, life } => {
                if self.running(device, life).is_some() {
                    self.look(device);
                }
            }
            Happening::Rebuild { device, life } => {
                if self.running(device, life).is_some() {
                    self.rebuild(device);
                }
            }
            Happening::Restart { device } => self.start(device),
            Happening::ToServer { connection, frame } => {
                if !self.is_silent(connection) {
                    self.at_session(connection, Event::Frame(frame));
                }
            }
            Happening::ToDevice { connection, frame } => {
                if let Some((device, dial)) = self.near_end(connection) {
                    self.tell(device, LinkEvent::Frame { dial, bytes: frame });
                }
            }
            Happening::PartToServer { connection } => {
                if !self.is_silent(connection) {
                    self.at_session(connection, Event::Heard);
                }
            }
            Happening::PartToDevice { connection, bytes } => {
                if let Some((device, dial)) = self.near_end(connection) {
                    self.tell(device, LinkEvent::Received { dial, bytes });
                }
            }
            Happening::Break { connection } => self.break_on_a_bad_line(connection),
            Happening::Pinged { connection } => {
                if let Some((device, dial)) = self.near_end(connection) {
                    self.tell(device, LinkEvent::Received { dial, bytes: 2 });
                    self.after(1, 80, Happening::Ponged { connection });
                }
            }
            Happening::Ponged { connection } => {
                if !self.is_silent(connection) {
                    self.at_session(connection, Event::Heard);
                }
            }
            Happening::Beat { connection } => self.beat(connection),
            Happening::ClosedAtServer { connection } => {
                if self.is_silent(connection) {
                    return;
                }
                self.at_session(connection, Event::Closed);
            }
            Happening::ClosedAtDevice { connection } => {
                if let Some((device, dial)) = self.near_end(connection) {
                    self.connection_at(connection).near = End::Closed;
                    let reason = "reset".to_owned();
                    self.tell(device, LinkEvent::Closed { dial, reason });
                }
            }
            Happening::SessionTick { connection, at } => {
                if self.connection_at(connection).tick_at == Some(at) {
                    self.connection_at(connection).tick_at = None;
                    self.at_session(connection, Event::Tick);
                }
            }
            Happening::Woken { connection } => self.at_session(connection, Event::Woken),
            Happening::Commit => self.commit_waiting(),
            Happening::LateCommit => {
                self.server.settle_late();
                self.wake_all();
            }
            Happening::Judged { connection, push, verdicts } => {
                self.judged(connection, push, verdicts);
            }
            Happening::Answered { connection, ask, opinions } => {
                self.at_session(connection, Event::Answered { ask, opinions });
            }
            Happening::ServerUp => {
                self.down_until = None;
                self.server.restart();
                self.note(|| "server up".into());
            }
        }
    }
}
