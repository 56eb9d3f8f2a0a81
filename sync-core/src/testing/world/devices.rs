//! What a person does with a device.

use super::World;
use crate::document::RecordEdit;
use crate::ids::{ChangeHash, RecordId, UserId};
use crate::random::Random;
use crate::replica::{
    Committed, GroupEdit, LinkEvent, LinkState, QuestionId, Replica, ReplicaError, ResubmitError,
    Wanted,
};
use crate::schema::Schema;
use crate::testing::device::{Device, DeviceId, Running};
use crate::testing::edits::{Drawn, Edits};
use crate::testing::files;
use crate::testing::journal::{Entry, Owed};
use std::sync::Arc;

impl World {
    /// A new device of a person, with an app of the server's schema. It is not online yet.
    pub fn device(&mut self, user: UserId) -> DeviceId {
        let schema = self.server.schema.clone();
        self.device_with(user, schema)
    }

    /// A new device of a person, with an app of any schema.
    pub fn device_with(&mut self, user: UserId, schema: Arc<Schema>) -> DeviceId {
        let path = self.directory.file();
        self.add_device(user, schema, path)
    }

    pub(super) fn add_device(
        &mut self,
        user: UserId,
        schema: Arc<Schema>,
        path: std::path::PathBuf,
    ) -> DeviceId {
        let id = DeviceId(self.devices.len());
        let random = Random::of(self.seed, &[3, id.0 as u64]);
        let mut device = Device::new(user, schema, path, random);
        device.keeps_words = self.server.bug == Some(crate::testing::bug::Bug::KeptWords);
        self.devices.push(device);
        self.start(id);
        id
    }

    /// The devices there are.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> + use<> {
        (0..self.devices.len()).map(DeviceId)
    }

    /// The replica of a device whose process runs.
    pub fn replica(&mut self, device: DeviceId) -> Option<&mut Replica> {
        self.devices[device.0].running.as_mut().map(|running| &mut running.replica)
    }

    /// Whether a device has everything there is.
    pub fn is_live(&self, device: DeviceId) -> bool {
        let running = self.devices[device.0].running.as_ref();
        let status = running.and_then(|running| running.status.as_ref());
        status.is_some_and(|status| status.state == LinkState::Live)
    }

    /// Whether a word stands anywhere in a device's file, in whatever table or forgotten page.
    pub fn holds_word(&self, device: DeviceId, word: &str) -> bool {
        let bytes = files::bytes(&self.devices[device.0].path);
        bytes.windows(word.len()).any(|part| part == word.as_bytes())
    }

    /// The app of a device wants to be connected from now on.
    pub fn go_online(&mut self, device: DeviceId) {
        self.device_at(device).online = true;
        self.tell(device, LinkEvent::Wanted(Wanted::Always));
    }

    /// The app of a device wants no connection any more.
    pub fn go_offline(&mut self, device: DeviceId) {
        self.device_at(device).online = false;
        self.tell(device, LinkEvent::NotWanted);
    }

    /// Begins a record on a device, of a kind by its name, from `name=value` pairs.
    ///
    /// # Errors
    /// When the device refuses the edit.
    ///
    /// # Panics
    /// When the device does not run, or knows no such kind.
    pub fn create(
        &mut self,
        device: DeviceId,
        kind: &str,
        pairs: &[(&str, &str)],
    ) -> Result<RecordId, ReplicaError> {
        let made = self.call(device, |running, env, _| {
            let kind = running.replica.schema().kind(kind).expect("the kind is declared").clone();
            let edit = RecordEdit::parse(&kind, pairs.iter().copied())?;
            running.replica.create(&kind, edit, env)
        });
        self.tell(device, LinkEvent::Edited);
        made.expect("the device runs")
    }

    /// Edits a record on a device, from `name=value` pairs.
    ///
    /// # Errors
    /// When the device refuses the edit.
    ///
    /// # Panics
    /// When the device does not run.
    pub fn edit(
        &mut self,
        device: DeviceId,
        record: RecordId,
        pairs: &[(&str, &str)],
    ) -> Result<(), ReplicaError> {
        let made = self.call(device, |running, env, _| {
            let kind =
                running.replica.kind_of(record)?.ok_or(ReplicaError::UnknownRecord(record))?;
            let edit = RecordEdit::parse(&kind, pairs.iter().copied())?;
            running.replica.edit(record, edit, env).map(drop)
        });
        self.tell(device, LinkEvent::Edited);
        made.expect("the device runs")
    }

    /// Makes a group of edits on a device.
    ///
    /// # Errors
    /// When the device refuses it.
    ///
    /// # Panics
    /// When the device does not run.
    pub fn commit(
        &mut self,
        device: DeviceId,
        group: &[GroupEdit],
    ) -> Result<Committed, ReplicaError> {
        let made = self.call(device, |running, env, _| running.replica.commit(group, env));
        self.tell(device, LinkEvent::Edited);
        made.expect("the device runs")
    }

    /// Somebody makes a refused edit again as it is.
    ///
    /// # Errors
    /// As [`crate::replica::Replica::resubmit`].
    pub fn resubmit(&mut self, device: DeviceId, hash: ChangeHash) -> Result<(), ResubmitError> {
        let made = self.call(device, |running, env, _| {
            running.replica.resubmit(hash, RecordEdit::default(), env)
        });
        self.tell(device, LinkEvent::Edited);
        made.unwrap_or(Err(ResubmitError::Unknown(hash)))
    }

    /// Makes edits on a device that are drawn from the declarations of its schema, and remembers them:
    /// [`World::check`] looks for every one. No two calls in a world may have one seed, from which the
    /// words come by which edits are found.
    pub fn edit_anything(&mut self, device: DeviceId, seed: u64) {
        let mut random = Random::of(seed, &[5]);
        let committed = self.call(device, |running, env, _| {
            let Drawn { edits, marks } = Edits::new(&mut running.replica, env, &mut random).draw();
            let committed = running.replica.commit(&edits, env);
            (edits, marks, committed)
        });
        let Some((edits, marks, committed)) = committed else { return };
        match committed {
            Ok(committed) => {
                self.count("edit");
                self.note(|| format!("device {} edits {}", device.0, describe(&edits)));
                let one = &self.devices[device.0];
                let (path, user, group) = (one.path.clone(), one.user, committed.group);
                let entry = |(record, mark)| {
                    let path = path.clone();
                    Entry { path, user, group, record, mark, owed: Owed::Yes, holders: None }
                };
                let entries: Vec<Entry> = marks.into_iter().map(entry).collect();
                self.journal.extend(entries);
            }
            Err(ReplicaError::Sqlite(error)) => {
                self.count("edit not written");
                self.note(|| format!("device {} cannot write: {error}", device.0));
            }
            Err(ReplicaError::OtherVersion) => self.die(device),
            Err(error) => {
                self.count("edit not made");
                self.note(|| format!("device {} does not edit: {error}", device.0));
            }
        }
        self.tell(device, LinkEvent::Edited);
    }

    /// Asks the server whether an edit, drawn as for [`World::edit_anything`], would be refused.
    pub fn ask_anything(&mut self, device: DeviceId, seed: u64) {
        let mut random = Random::of(seed, &[5]);
        let asked = self.call(device, |running, env, now| {
            let drawn = Edits::new(&mut running.replica, env, &mut random).draw();
            let question = running.replica.question(&drawn.edits, env).ok()?;
            let Running { replica, link, .. } = running;
            Some(link.ask(QuestionId(seed), question, 10_000, now, replica, env))
        });
        if let Some(Some(effects)) = asked {
            self.carry_out(device, effects);
        }
    }

    /// Makes one refused edit of a device again, or throws it away.
    pub fn deal_with_refused(&mut self, device: DeviceId, seed: u64) {
        let mut random = Random::of(seed, &[6]);
        let refused = self.call(device, |running, _, _| running.replica.quarantine());
        let Some(Ok(refused)) = refused else { return };
        let Some(one) = random.pick(&refused).cloned() else { return };
        let again = random.percent(50);
        let done = self.call(device, |running, env, _| {
            if again {
                running.replica.resubmit(one.hash, RecordEdit::default(), env).is_ok()
            } else {
                running.replica.discard(one.hash).is_ok_and(|done| done)
            }
        });
        // An app that died over it may have done it, or not.
        if done == Some(false) {
            return;
        }
        self.count(if again { "made again" } else { "thrown away" });
        // By itself, whatever it was made together with; and a mark that another edit of the record
        // overtook is of no interest to whoever makes an old edit again. A copy of the file is another
        // device, on which nobody did anything.
        let path = &self.devices[device.0].path;
        for entry in self.journal.iter_mut().filter(|entry| entry.record == one.record) {
            if entry.path == *path {
                entry.owed = Owed::No;
            } else if entry.owed == Owed::Yes {
                entry.owed = Owed::ByItself;
            }
        }
        self.tell(device, LinkEvent::Edited);
    }
}

fn describe(edits: &[GroupEdit]) -> String {
    let one = |edit: &GroupEdit| match edit {
        GroupEdit::Create { id, kind, .. } => format!("+{} {id}", kind.name),
        GroupEdit::Edit { id, edit } => {
            let names: Vec<&str> = edit.changes.iter().map(|(field, _)| field.name).collect();
            format!("{id} {}", names.join(","))
        }
        GroupEdit::Delete { id } => format!("-{id}"),
        GroupEdit::Restore { id } => format!("restores {id}"),
    };
    edits.iter().map(one).collect::<Vec<_>>().join("; ")
}
