//! Commits, their verdicts, and what is done at the server itself.

use super::World;
use crate::document::{self, FieldChange, Pen, PenRole, RecordEdit};
use crate::event::EventData;
use crate::hub::{self, Event, PushJob, PushedChange, PushedGroup, Unavailable};
use crate::ids::{Actor, GroupId, RecordId, ReplicaId, UserId};
use crate::protocol::{Goodbye, GoodbyeCode, Verdict, VerdictOutcome};
use crate::random::Random;
use crate::testing::connection::{ConnectionId, End};
use crate::testing::fault::{FaultPoint, Killed};
use crate::testing::happening::Happening;
use crate::testing::rules::ServerStep;
use crate::testing::server::Batch;

impl World {
    pub(super) fn commit_soon(&mut self) {
        if !self.commit_due {
            self.commit_due = true;
            self.after(2, 40, Happening::Commit);
        }
    }

    /// Commits what waits.
    pub(super) fn commit_waiting(&mut self) {
        self.commit_due = false;
        if self.down_until.is_some() || self.jobs.is_empty() {
            return;
        }
        let (replies, jobs): (Vec<_>, Vec<_>) = std::mem::take(&mut self.jobs)
            .into_iter()
            .map(|(id, push, job)| ((id, push), job))
            .unzip();
        let (count, wall) = (jobs.len(), self.server_wall());
        self.note(|| format!("commit of {count}"));
        match self.server.commit_all(jobs, wall) {
            Batch::Died => self.server_dies(),
            Batch::Answered(answers) => {
                for answered in answers {
                    let Some((connection, push)) = replies.get(answered.index).copied() else {
                        continue;
                    };
                    if !answered.faults.is_empty() {
                        self.wrong.push("judging a change panicked".into());
                    }
                    let verdicts = answered.verdicts;
                    self.after(1, 60, Happening::Judged { connection, push, verdicts });
                }
                if self.server.is_late() {
                    self.after(300, 1500, Happening::LateCommit);
                }
                self.wake_all();
            }
        }
    }

    /// A session hears its verdicts.
    pub(super) fn judged(
        &mut self,
        connection: ConnectionId,
        push: u64,
        verdicts: Result<Vec<Verdict>, Unavailable>,
    ) {
        let trap = self.server.trap.clone();
        let reached = std::panic::catch_unwind(move || trap.reach(FaultPoint::ServerBeforeVerdict));
        if reached.is_err_and(|payload| payload.is::<Killed>()) {
            return self.server_dies();
        }
        for verdict in verdicts.iter().flatten() {
            if let VerdictOutcome::Refused(refusal) = &verdict.outcome {
                self.note(|| format!("{:?} refused: {refusal}", verdict.hash));
            }
        }
        self.at_session(connection, Event::Judged { push, verdicts });
    }

    pub(super) fn wake_all(&mut self) {
        for n in 0..self.connections.len() {
            if self.connections[n].far == End::Open {
                self.after(0, 80, Happening::Woken { connection: ConnectionId(n) });
            }
        }
    }

    /// Everything of the server ends but its store; it starts again later.
    pub(super) fn server_dies(&mut self) {
        if self.down_until.is_some() {
            return;
        }
        self.count("server died");
        self.note(|| "server dies".into());
        self.server.restart();
        self.jobs.clear();
        for n in 0..self.connections.len() {
            if self.connections[n].far == End::Open {
                self.close_far(ConnectionId(n));
            }
        }
        let up = self.now + self.random.between(100, 8000);
        self.down_until = Some(up);
        self.ahead.put(up, Happening::ServerUp);
    }

    /// Something is done at the server, as its rules have it.
    pub fn administer(&mut self, seed: u64) {
        let mut random = Random::of(seed, &[7]);
        let records = self.store().contents().records();
        if let Some(step) = self.store().rules().administer(records, &mut random) {
            self.do_at_server(step);
        }
    }

    /// Does something at the server, which does nothing while it is down.
    pub fn do_at_server(&mut self, step: ServerStep) {
        if self.down_until.is_some() {
            return;
        }
        match step {
            ServerStep::Put(record) => {
                self.note(|| format!("server writes {} {}", record.kind, record.id));
                self.server.settle_late();
                let mut transaction = self.server.store.begin();
                transaction.put_server_record(&record);
                self.server.store.commit(transaction);
                self.count("server row");
                self.end_sessions_of_the_inactive();
                self.wake_all();
            }
            ServerStep::Append { by, record, kind, field, data } => {
                self.append(by, record, (kind, field), data);
            }
        }
    }

    fn append(
        &mut self,
        by: UserId,
        record: RecordId,
        (kind, field): (&str, &str),
        data: EventData,
    ) {
        let mut random = Random::of(self.random.number(), &[8]);
        let schema = self.server.schema.clone();
        let contents = self.store().contents();
        let Some(stored) = contents.documents().find(|(id, _)| *id == record) else { return };
        let Some(kind) = schema.kind(kind) else { return };
        let Some(field) = kind.field(field) else { return };
        let Ok(mut open) = hub::open(kind, &stored.1.snapshot) else { return };
        let pen = Pen {
            actor: Actor(random.bytes()),
            author: by,
            now: self.server_wall(),
            role: PenRole::Server,
        };
        let edit = RecordEdit { changes: vec![(field.clone(), FieldChange::Append(data))] };
        let now = document::hydrate(&open.doc, kind);
        let made = document::edit(&mut open.doc, &now, &edit, &pen, &mut || random.event_id());
        let Ok(Some(change)) = made else { return };
        let parsed = crate::guard::parse(&change.bytes);
        let group = GroupId(random.uuid());
        let pushed = PushedChange {
            record,
            kind: kind.name.into(),
            hash: change.hash,
            parsed,
            receipt: None,
        };
        let groups = vec![PushedGroup { group, seen: None, changes: vec![pushed] }];
        let mut job = PushJob::of_device(by, ReplicaId(random.uuid()), groups);
        job.pen = PenRole::Server;
        self.note(|| format!("{by} appends to {record}"));
        self.count("server event");
        // Nobody waits for the verdict.
        self.jobs.push((ConnectionId(usize::MAX), 0, job));
        self.commit_soon();
    }

    pub(super) fn end_sessions_of_the_inactive(&mut self) {
        self.forget_what_the_inactive_hold();
        for n in 0..self.connections.len() {
            let Some(user) = self.connections[n].user else { continue };
            if self.connections[n].far == End::Open && !self.store().is_active(user) {
                let goodbye = Goodbye {
                    code: GoodbyeCode::Disabled.as_str().into(),
                    sentence: "You may not sign in any more.".into(),
                    retry_after_ms: None,
                };
                self.at_session(ConnectionId(n), Event::Ended(goodbye));
            }
        }
    }
}
