//! The state machine itself.

use super::super::device::Replica;
use super::super::effect::Effect;
use super::super::env::Env;
use super::super::question::Question;
use super::super::status::LinkState;
use super::border::{
    Dial, LinkEffect, LinkEvent, LinkOptions, LinkStatus, Notice, Outcome, QuestionId, Tokens,
    Wanted,
};
use super::claims;
use super::fault::{Lasts, LinkFault};
use super::phase::{Feed, Fetching, Open, Phase, Wishes};
use super::questions::Questions;
use super::timing::{Backoff, SteadyMs};
use crate::protocol::ServerMessage;
use crate::time::UnixMs;

/// Times to connect again at once when another process syncs the same file; after that, as after any
/// failure that may pass.
const OUT_OF_STEP_AT_MOST: u32 = 20;

/// The link of one replica.
#[derive(Debug)]
pub struct Link {
    pub(super) options: LinkOptions,
    pub(super) wanted: Wishes,
    pub(super) phase: Phase,
    pub(super) questions: Questions,
    pub(super) backoff: Backoff,
    pub(super) out_of_step: u32,
    /// The number of the newest connection.
    pub(super) dial: Dial,
    pub(super) fetching: Fetching,
    /// The last failure, as long as no session stands.
    pub(super) fault: Option<LinkFault>,
    pub(super) told_status: Option<LinkStatus>,
    pub(super) told_wake: Option<SteadyMs>,
    /// What other processes on the file were told, and when to say it again.
    pub(super) lease: Option<(LinkState, SteadyMs)>,
}

/// One call of [`Link::handle`].
pub(super) struct Turn<'a> {
    pub(super) now: SteadyMs,
    pub(super) replica: &'a mut Replica,
    pub(super) env: &'a mut dyn Env,
    pub(super) effects: Vec<LinkEffect>,
}

impl Turn<'_> {
    pub(super) fn notice(&mut self, notice: Notice) {
        self.effects.push(LinkEffect::Notice(notice));
    }

    pub(super) fn notices(&mut self, notices: Vec<Notice>) {
        self.effects.extend(notices.into_iter().map(LinkEffect::Notice));
    }
}

impl Link {
    /// A link that nobody wants yet.
    pub fn new(options: LinkOptions) -> Self {
        Self {
            options,
            wanted: Wishes::default(),
            phase: Phase::Idle,
            questions: Questions::default(),
            backoff: Backoff::default(),
            out_of_step: 0,
            dial: Dial(0),
            fetching: Fetching::No,
            fault: None,
            told_status: None,
            told_wake: None,
            lease: None,
        }
    }

    /// Whether anybody wants to sync.
    pub fn is_wanted(&self) -> bool {
        self.wanted.any()
    }

    /// How it is set up.
    pub fn options(&self) -> &LinkOptions {
        &self.options
    }

    /// Takes in what happened; the effects are to be carried out in their order.
    pub fn handle(
        &mut self,
        event: LinkEvent,
        now: SteadyMs,
        replica: &mut Replica,
        env: &mut dyn Env,
    ) -> Vec<LinkEffect> {
        let mut turn = Turn { now, replica, env, effects: Vec::new() };
        match event {
            LinkEvent::Wanted(wanted) => self.handle_wanted(wanted, &mut turn),
            LinkEvent::NotWanted => self.handle_not_wanted(&mut turn),
            LinkEvent::Token(result) => self.handle_token(result, &mut turn),
            LinkEvent::Connected(dial) if dial == self.dial => self.handle_connected(&mut turn),
            LinkEvent::Received { dial, bytes } if dial == self.dial => {
                self.handle_bytes(bytes, now);
            }
            LinkEvent::Frame { dial, bytes } if dial == self.dial => {
                self.handle_frame(&bytes, &mut turn);
            }
            LinkEvent::Closed { dial, reason } if dial == self.dial => {
                self.handle_closed(reason, &mut turn);
            }
            // Of an earlier connection.
            LinkEvent::Connected(_)
            | LinkEvent::Received { .. }
            | LinkEvent::Frame { .. }
            | LinkEvent::Closed { .. } => {}
            // The host's timer is spent: the same moment must be asked for again, should it be due still.
            LinkEvent::Tick => self.told_wake = None,
            // What they call for is looked after at every turn.
            LinkEvent::Edited | LinkEvent::ForeignWrite => {}
            LinkEvent::FileLost(fault) => self.fail(fault, &mut turn),
        }
        self.settle(turn)
    }

    /// Asks whether a group of edits would be refused; [`Notice::Answered`] has the answer, of this
    /// name, after `within_ms` at the latest. Without a connection one is made, which takes in
    /// nothing and sends nothing else.
    pub fn ask(
        &mut self,
        name: QuestionId,
        question: Question,
        within_ms: u64,
        now: SteadyMs,
        replica: &mut Replica,
        env: &mut dyn Env,
    ) -> Vec<LinkEffect> {
        let mut turn = Turn { now, replica, env, effects: Vec::new() };
        self.questions.push(name, question, now.after(within_ms));
        match &self.phase {
            Phase::Idle => self.begin(&mut turn),
            Phase::Resting { .. } | Phase::WaitingForToken { .. } => {
                let why = self.fault.as_ref().map(ToString::to_string);
                let why = why.unwrap_or_else(|| "there is no connection to the server".to_owned());
                turn.notices(self.questions.fail(&why));
            }
            Phase::Fetching | Phase::Dialing { .. } | Phase::Open(_) => {}
        }
        self.settle(turn)
    }

    fn handle_wanted(&mut self, wanted: Wanted, turn: &mut Turn<'_>) {
        match wanted {
            Wanted::Once => self.wanted.once = true,
            Wanted::Always => self.wanted.always = true,
        }
        match &self.phase {
            Phase::Idle | Phase::Resting { .. } | Phase::WaitingForToken { .. } => {
                self.backoff.reset();
                self.begin(turn);
            }
            // What this connection let pass comes again in the next one.
            Phase::Open(open) if open.feed == Feed::Dropped => {
                turn.notices(self.questions.fail("the connection was made anew; ask again"));
                self.hang_up(None, turn);
                self.begin(turn);
            }
            Phase::Fetching | Phase::Dialing { .. } | Phase::Open(_) => {}
        }
    }

    fn handle_not_wanted(&mut self, turn: &mut Turn<'_>) {
        turn.notices(self.questions.fail("the link was ended"));
        self.hang_up(None, turn);
        self.fault = None;
        let wanted = std::mem::take(&mut self.wanted);
        if wanted.once {
            self.end(Wanted::Once, Outcome::Stopped, turn);
        }
        if wanted.always {
            self.end(Wanted::Always, Outcome::Stopped, turn);
        }
    }

    fn handle_token(&mut self, result: Result<String, LinkFault>, turn: &mut Turn<'_>) {
        self.fetching = Fetching::No;
        let again = turn.now.after(self.options.timing.token_again_ms);
        match (&mut self.phase, result) {
            (Phase::Fetching, Ok(token)) => self.dial(token, turn),
            (Phase::Fetching, Err(fault)) => self.fail(fault, turn),
            (Phase::WaitingForToken { refused, ask_at }, result) => match result {
                Ok(token) if token != *refused => self.dial(token, turn),
                Ok(_) | Err(_) => *ask_at = again,
            },
            (Phase::Open(open), Ok(token)) if token != open.token => {
                let frame = turn.replica.refresh(&token);
                let now = UnixMs(turn.env.now().0.saturating_add(open.clock_ahead_ms));
                let renew_in = claims::renew_in(&token, now, &self.options.timing);
                open.renew_at = renew_in.map(|ms| turn.now.after(ms));
                open.token = token;
                if let Some(frame) = frame {
                    self.send(frame, turn);
                }
            }
            // The old one may still do for a while.
            (Phase::Open(open), Ok(_) | Err(_)) => open.renew_at = Some(again),
            (Phase::Idle | Phase::Resting { .. } | Phase::Dialing { .. }, Ok(_) | Err(_)) => {}
        }
    }

    fn handle_connected(&mut self, turn: &mut Turn<'_>) {
        let Phase::Dialing { token, .. } = &mut self.phase else { return };
        let token = std::mem::take(token);
        let hello = match turn.replica.connect(&token, &self.options.app) {
            Ok(hello) => hello,
            Err(error) => return self.fail(error.into(), turn),
        };
        let feed = if self.wanted.any() { Feed::Taken } else { Feed::Dropped };
        self.phase = Phase::Open(Box::new(Open::new(token, feed, turn.now)));
        self.send(hello, turn);
    }

    fn handle_bytes(&mut self, bytes: u64, now: SteadyMs) {
        if let Phase::Open(open) = &mut self.phase {
            open.hear(bytes, now);
        }
    }

    fn handle_frame(&mut self, bytes: &[u8], turn: &mut Turn<'_>) {
        let Phase::Open(open) = &mut self.phase else { return };
        open.heard = turn.now;
        open.unframed = 0;
        // Looked at only where something is dropped: reading a frame twice takes twice as long.
        if open.feed == Feed::Dropped
            && matches!(ServerMessage::from_bytes(bytes), Ok(ServerMessage::Feed(_)))
        {
            return;
        }
        match turn.replica.handle_frame(bytes, turn.env) {
            Ok(effects) => {
                // A keep-alive has no effect and is no answer to anything.
                if !effects.is_empty() {
                    open.owes_since = open.owes_since.map(|_| turn.now);
                }
                open.note_arrivals(turn.replica, turn.now);
                for effect in effects {
                    self.handle_effect(effect, turn);
                }
            }
            Err(fault) => self.fail(fault.into(), turn),
        }
    }

    fn handle_effect(&mut self, effect: Effect, turn: &mut Turn<'_>) {
        match effect {
            Effect::Send(frame) => self.send(frame, turn),
            Effect::Connected => {
                if let Phase::Open(open) = &mut self.phase {
                    open.welcomed = true;
                    let own = turn.env.now();
                    let server = turn.replica.welcomed_at().unwrap_or(own);
                    open.clock_ahead_ms = server.0.saturating_sub(own.0);
                    let renew_in = claims::renew_in(&open.token, server, &self.options.timing);
                    open.renew_at = match self.options.tokens {
                        Tokens::Renewable => renew_in.map(|ms| turn.now.after(ms)),
                        Tokens::Fixed => None,
                    };
                }
                self.fault = None;
                turn.notice(Notice::Connected);
            }
            Effect::Live => {
                self.backoff.reset();
                self.out_of_step = 0;
            }
            Effect::Changed(tables) => {
                self.backoff.reset();
                if !tables.is_empty() {
                    let tables = tables.into_iter().map(str::to_owned).collect();
                    turn.effects.push(LinkEffect::RowsChanged(tables));
                }
            }
            Effect::Remaining(left) => turn.notice(Notice::Remaining(left)),
            Effect::Answered { ask, would_be } => {
                turn.notices(self.questions.answer(ask, would_be).into_iter().collect());
            }
            Effect::Refused(refused) => turn.notice(Notice::Refused(refused)),
            Effect::Redated(redated) => turn.notice(Notice::Redated(redated)),
            Effect::Evicted(reasons) => turn.notice(Notice::Evicted(reasons)),
            Effect::Granted(reasons) => turn.notice(Notice::Granted(reasons)),
            Effect::Goodbye(goodbye) => self.fail(goodbye.into(), turn),
        }
    }

    fn handle_closed(&mut self, reason: String, turn: &mut Turn<'_>) {
        match &self.phase {
            Phase::Dialing { .. } => self.fail(self.unreachable(reason), turn),
            Phase::Open(_) => self.fail(LinkFault::Broken(reason), turn),
            Phase::Idle
            | Phase::Resting { .. }
            | Phase::Fetching
            | Phase::WaitingForToken { .. } => {}
        }
    }

    pub(super) fn unreachable(&self, reason: String) -> LinkFault {
        LinkFault::Unreachable { server: self.options.server.clone(), reason }
    }

    /// Begins anew: with a token.
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>) {
        self.phase = Phase::Fetching;
        self.fetch(turn);
    }

    pub(super) fn fetch(&mut self, turn: &mut Turn<'_>) {
        // One at a time; the answer serves whoever waits for it.
        if self.fetching == Fetching::No {
            self.fetching = Fetching::Since(turn.now);
            turn.effects.push(LinkEffect::FetchToken);
        }
    }

    fn dial(&mut self, token: String, turn: &mut Turn<'_>) {
        self.dial = Dial(self.dial.0.wrapping_add(1));
        let until = turn.now.after(self.options.timing.connect_within_ms);
        self.phase = Phase::Dialing { token, until };
        turn.effects.push(LinkEffect::Connect(self.dial));
    }

    pub(super) fn send(&mut self, bytes: Vec<u8>, turn: &mut Turn<'_>) {
        if let Phase::Open(open) = &mut self.phase {
            open.sent = turn.now;
            turn.effects.push(LinkEffect::Send { dial: self.dial, bytes });
        }
    }

    /// Ends the connection, if there is one or one is being made.
    pub(super) fn hang_up(&mut self, why: Option<&LinkFault>, turn: &mut Turn<'_>) {
        let why = why.map(ToString::to_string);
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Dialing { .. } | Phase::Open(_) => {
                turn.effects.push(LinkEffect::Close(self.dial));
                turn.replica.disconnected(why.as_deref());
            }
            Phase::Idle
            | Phase::Resting { .. }
            | Phase::Fetching
            | Phase::WaitingForToken { .. } => {
                // For the status line of the next process.
                if why.is_some() {
                    turn.replica.disconnected(why.as_deref());
                }
            }
        }
    }

    pub(super) fn end(&mut self, wanted: Wanted, outcome: Outcome, turn: &mut Turn<'_>) {
        turn.effects.push(LinkEffect::Ended { wanted, outcome });
    }

    /// The session could not begin or go on: decides what comes next.
    pub(super) fn fail(&mut self, fault: LinkFault, turn: &mut Turn<'_>) {
        let token = match &mut self.phase {
            Phase::Open(open) => Some(std::mem::take(&mut open.token)),
            _ => None,
        };
        // A failure to ask is the asker's matter, and none of the status line's.
        let noted = self.wanted.any().then_some(&fault);
        self.hang_up(noted, turn);
        self.fault = Some(fault.clone());
        turn.notices(self.questions.fail(&fault.to_string()));
        if fault == LinkFault::OutOfStep
            && self.out_of_step < OUT_OF_STEP_AT_MOST
            && self.wanted.any()
        {
            self.out_of_step += 1;
            return self.begin(turn);
        }
        self.out_of_step = 0;
        if std::mem::take(&mut self.wanted.once) {
            self.end(Wanted::Once, Outcome::Failed(fault.clone()), turn);
        }
        if !self.wanted.always {
            return;
        }
        match (fault.lasts(), token, self.options.tokens) {
            (Lasts::Passing, _, _) => {
                let jitter = self.backoff.next(&self.options.timing, turn.env);
                let in_ms = fault.retry_after_ms().saturating_add(jitter);
                self.phase = Phase::Resting { until: turn.now.after(in_ms) };
                turn.notice(Notice::Retrying { fault, in_ms });
            }
            (Lasts::UntilSignedIn, Some(refused), Tokens::Renewable) => {
                self.phase = Phase::WaitingForToken { refused, ask_at: turn.now };
                turn.notice(Notice::WaitsForToken(fault));
            }
            (Lasts::UntilSignedIn | Lasts::Lasting, _, _) => {
                self.wanted.always = false;
                self.end(Wanted::Always, Outcome::Failed(fault), turn);
            }
        }
    }
}
