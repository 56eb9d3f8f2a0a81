//! What is due at every turn, whatever happened: timers, pushes, questions, and what has come to its
//! end.

use super::super::error::ReplicaError;
use super::super::status::LinkState;
use super::border::{LinkEffect, LinkStatus, Notice, Outcome, Wanted};
use super::fault::LinkFault;
use super::machine::{Link, Turn};
use super::phase::{Feed, Fetching, Phase};
use super::timing::SteadyMs;
use crate::protocol::ClientMessage;
use crate::time::UnixMs;

impl Link {
    /// Does what is due at every turn, and says when the next one is.
    pub(super) fn settle(&mut self, mut turn: Turn<'_>) -> Vec<LinkEffect> {
        let late = self.questions.expire(turn.now, turn.replica);
        turn.notices(late);
        self.look_at_the_clock(&mut turn);
        self.exchange(&mut turn);
        self.finish(&mut turn);
        let status = LinkStatus {
            state: turn.replica.link_state(),
            retry_at: match self.phase {
                Phase::Resting { until } => Some(until),
                _ => None,
            },
            fault: self.fault.clone(),
        };
        self.keep_lease(status.state, &mut turn);
        if self.told_status.as_ref() != Some(&status) {
            self.told_status = Some(status.clone());
            turn.effects.push(LinkEffect::Status(status));
        }
        let wake = self.next_moment();
        if let Some(at) = wake
            && wake != self.told_wake
        {
            turn.effects.push(LinkEffect::WakeAt(at));
        }
        self.told_wake = wake;
        turn.effects
    }

    /// Tells other processes on the file how the session stands. When it ends, the replica itself
    /// takes that back.
    fn keep_lease(&mut self, state: LinkState, turn: &mut Turn<'_>) {
        let open = matches!(&self.phase, Phase::Open(open) if open.feed == Feed::Taken);
        if !open || state == LinkState::Offline {
            self.lease = None;
            return;
        }
        // That it catches up for a moment, as after each edit, is not worth a write.
        let holds = |(said, until): (LinkState, SteadyMs)| {
            (said == state || said == LinkState::Live) && turn.now < until
        };
        if self.lease.is_some_and(holds) {
            return;
        }
        let lease_ms = self.options.timing.lease_ms;
        let wall = turn.env.now().0.saturating_add(i64::try_from(lease_ms).unwrap_or(i64::MAX));
        // Only a status line hangs on it: where it cannot be written, other writes say so.
        let _ = turn.replica.note_link(state, UnixMs(wall), turn.env);
        self.lease = Some((state, turn.now.after(lease_ms / 2)));
    }

    /// Timers that ran out.
    fn look_at_the_clock(&mut self, turn: &mut Turn<'_>) {
        let (now, timing) = (turn.now, self.options.timing);
        if let Fetching::Since(since) = self.fetching
            && since.after(timing.token_within_ms) <= now
        {
            self.fetching = Fetching::No;
            match &mut self.phase {
                Phase::Fetching => {
                    let late = "its source did not answer in time";
                    self.fail(LinkFault::TokenUnavailable(late.into()), turn);
                }
                Phase::WaitingForToken { ask_at, .. } => *ask_at = now,
                Phase::Open(open) => open.renew_at = Some(now),
                Phase::Idle | Phase::Resting { .. } | Phase::Dialing { .. } => {}
            }
        }
        match &mut self.phase {
            Phase::Idle | Phase::Fetching => {}
            Phase::Resting { until } if *until <= now => self.begin(turn),
            Phase::WaitingForToken { ask_at, .. } if *ask_at <= now => self.fetch(turn),
            Phase::Dialing { until, .. } if *until <= now => {
                self.fail(self.unreachable("no answer in time".into()), turn);
            }
            Phase::Resting { .. } | Phase::WaitingForToken { .. } | Phase::Dialing { .. } => {}
            Phase::Open(open) => {
                let due = open.due(&timing, now);
                if due.dead {
                    return self.fail(LinkFault::Broken("the server fell silent".into()), turn);
                }
                if due.renewal {
                    self.fetch(turn);
                }
                if due.ping {
                    self.send(ClientMessage::Ping.to_bytes(), turn);
                }
            }
        }
    }

    /// Sends what waits, and notes whether the server owes anything.
    fn exchange(&mut self, turn: &mut Turn<'_>) {
        let Phase::Open(open) = &self.phase else { return };
        let (welcomed, feed) = (open.welcomed, open.feed);
        if welcomed {
            let (frames, notices) = self.questions.ask(turn.replica);
            for frame in frames {
                self.send(frame, turn);
            }
            turn.notices(notices);
        }
        if welcomed
            && feed == Feed::Taken
            && let Err(error) = self.push_all(turn)
        {
            return self.fail(error.into(), turn);
        }
        let behind = feed == Feed::Taken && !turn.replica.caught_up();
        let owes = !welcomed || behind || !self.questions.is_empty();
        if let Phase::Open(open) = &mut self.phase {
            open.owes_since = owes.then(|| open.owes_since.unwrap_or(turn.now));
        }
    }

    /// Pushes as much as the server has room for and the line bears.
    fn push_all(&mut self, turn: &mut Turn<'_>) -> Result<(), ReplicaError> {
        while let Phase::Open(open) = &mut self.phase
            && let Some(room) = open.outgoing.room()
            && let Some(push) = turn.replica.poll_push_within(room)?
        {
            open.sends(&push, turn.now);
            turn.notice(Notice::Pushed);
            self.send(push.frame, turn);
        }
        Ok(())
    }

    /// Ends what has come to its end.
    fn finish(&mut self, turn: &mut Turn<'_>) {
        let Phase::Open(open) = &self.phase else { return };
        if self.wanted.once && open.feed == Feed::Taken && turn.replica.caught_up() {
            self.wanted.once = false;
            self.end(Wanted::Once, Outcome::CaughtUp, turn);
        }
        if !self.wanted.any() && self.questions.is_empty() {
            self.hang_up(None, turn);
        }
    }

    /// When something is due next.
    fn next_moment(&self) -> Option<SteadyMs> {
        let timing = &self.options.timing;
        let fetched = match self.fetching {
            Fetching::Since(since) => Some(since.after(timing.token_within_ms)),
            Fetching::No => None,
        };
        let own = self.phase.next_moment(timing, self.fetching);
        let lease = self.lease.map(|(_, until)| until);
        [fetched, own, lease, self.questions.next_end()].into_iter().flatten().min()
    }
}
