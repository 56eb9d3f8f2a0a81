//! Storing what the server sends: one SQLite transaction a batch.

use super::device::Replica;
use super::effect::{Effect, SessionFault};
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::evict::{erase_everything, erase_unseen, evict, granted};
use super::incomplete::Incomplete;
use super::intake::Intake;
use super::moments::ReplicaMoment;
use super::state::{OpenSession, State};
use super::store::Work;
use crate::error::Refusal;
use crate::ids::{Actor, ChangeHash, FeedPosition, GroupId, RecordId};
use crate::protocol::{ClientMessage, FeedAck, FeedBatch};
use crate::time::UnixMs;

/// What a batch came to.
#[derive(Default)]
struct Taken {
    tables: Vec<&'static str>,
    /// Why accounts came to this device.
    granted: Vec<String>,
    /// Why records left it.
    evicted: Vec<String>,
    lacking: Vec<RecordId>,
    /// What came whole.
    arrived: Vec<RecordId>,
    displaced: usize,
    refused: Vec<(ChangeHash, Refusal)>,
}

impl Replica {
    /// Erases every record, because the user may no longer sign in. Unsent and refused edits stay,
    /// to be handed in should that change; then everything else comes again.
    pub(super) fn erase_everything(&mut self) -> Result<(), SessionFault> {
        self.file.write(|work| Ok(erase_everything(work)?))
    }

    pub(super) fn handle_feed(
        &mut self,
        batch: FeedBatch,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let now = self.dated(env)?;
        let State::Open(session) = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("feed"));
        };
        let group = GroupId::mint(now, draw(env));
        let taken = self.file.write(|work| take_batch(work, &batch, session, group, now))?;
        session.asked.retain(|record| !taken.arrived.contains(record));
        let mut effects =
            vec![Effect::Send(ClientMessage::FeedAck(FeedAck { batches: 1 }).to_bytes())];
        if batch.live && batch.fetches == session.fetches {
            effects.extend(session.answered_all());
        }
        session.anew |= batch.anew;
        if batch.anew {
            // What is offered back comes before all that waits.
            session.sent_to = i64::MIN;
        }
        if taken.displaced > 0 {
            // Somebody else's change bears the name of this writer.
            self.actor = Actor(draw(env));
        }
        let mut lacking = taken.lacking;
        if batch.live && std::mem::take(&mut session.anew) {
            // What did not come by itself is asked for by name, so as to hear that it will not come.
            lacking.extend(self.file.stored().wanted()?);
        }
        if !lacking.is_empty() {
            effects.extend(session.fetch(lacking));
        }
        session.cursor = Some(batch.cursor.0);
        session.live_at = batch.live.then_some(batch.head);
        session.answered = batch.fetches;
        if session.live() {
            effects.push(Effect::Live);
            if Incomplete::of(self.file.stored()).map_err(ReplicaError::from)?.is_some() {
                self.file.write(|work| Ok::<_, ReplicaError>(Incomplete::ends(work)?))?;
            }
        }
        if !taken.refused.is_empty() {
            effects.push(Effect::Refused(taken.refused));
        }
        if !taken.evicted.is_empty() {
            effects.push(Effect::Evicted(taken.evicted));
        }
        if !taken.granted.is_empty() {
            effects.push(Effect::Granted(taken.granted));
        }
        effects.push(Effect::Changed(taken.tables));
        effects.push(Effect::Remaining(batch.remaining));
        // What could not be wiped when it was erased.
        self.file.scrub();
        Ok(effects)
    }
}

fn take_batch(
    work: &mut Work<'_>,
    batch: &FeedBatch,
    session: &OpenSession,
    group: GroupId,
    now: UnixMs,
) -> Result<Taken, SessionFault> {
    let stands: Option<Vec<u8>> = work.stored().meta("cursor")?;
    if stands != session.cursor {
        // Stored by another process on this file. What came before that must not be put over it: a
        // record might come back that was erased since.
        let waits_for_nothing = session.answered == session.fetches;
        return if stands.as_ref() == Some(&batch.cursor.0) && waits_for_nothing {
            Ok(Taken::default())
        } else {
            Err(SessionFault::OutOfStep)
        };
    }
    if batch.anew {
        Incomplete::begins(work)?;
        work.set_meta("epoch", session.epoch.as_bytes())?;
        work.want_everything()?;
        work.erase_server_rows()?;
    }
    let granted = granted(work, &batch.grant)?;
    let mut evicted = evict(work, batch)?;
    let mut intake = Intake::new(session.rows, work.origin(group, now)?);
    for item in &batch.items {
        work.tell(ReplicaMoment::TakingIn);
        intake.take(work, item)?;
    }
    let whole = batch.items.iter().filter(|item| item.snapshot.is_some());
    let arrived: Vec<RecordId> = whole.map(|item| item.record).collect();
    if batch.live && batch.fetches == session.fetches {
        let asked = session.asked.iter().copied();
        evicted.extend(erase_unseen(work, asked.filter(|record| !arrived.contains(record)))?);
    }
    work.want_no_more(&arrived)?;
    note_position(work, batch, now)?;
    Incomplete::goes_on(work, batch.items.len() as u64, batch.remaining)?;
    let Intake { lacking, displaced, refused, .. } = intake;
    work.want(&lacking)?;
    let refused = work.stored().refused_edits(refused)?;
    let tables = work.touched_kinds();
    Ok(Taken { tables, granted, evicted, lacking, arrived, displaced, refused })
}

/// Notes how far the feed has come.
fn note_position(work: &Work<'_>, batch: &FeedBatch, now: UnixMs) -> Result<(), ReplicaError> {
    work.set_meta("cursor", &batch.cursor.0)?;
    // With a look of the server's come the evictions of everything that it saw.
    if batch.head > FeedPosition(0) {
        work.set_meta("seen", &batch.head.0)?;
    }
    Ok(work.set_meta("last_sync", &now.0)?)
}
