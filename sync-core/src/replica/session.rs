//! The replica's side of a session: frames in, effects out.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::dating::{Dating, heard};
use super::device::Replica;
use super::effect::{Effect, SessionFault};
use super::env::{Env, draw};
use super::error::ReplicaError;
use super::incomplete::Incomplete;
use super::state::{Holder, LINK, OpenSession, Rows, State};
use crate::ids::{Actor, FeedPosition};
use crate::protocol::{
    Blob, ClientMessage, Compression, GoodbyeCode, Hello, LEAN, PROTOCOL_MIN, PROTOCOL_VERSION,
    Refresh, ServerMessage, Welcome,
};
use crate::time::UnixMs;

impl Replica {
    /// Begins a session: the frame to send first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn connect(&mut self, token: &str, app: &str) -> Result<Vec<u8>, ReplicaError> {
        self.last_fault = None;
        let stored = self.file.stored();
        let cursor: Option<Vec<u8>> = stored.meta("cursor")?;
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            protocol_min: PROTOCOL_MIN,
            fingerprint: Blob(self.file.tables().fingerprint().to_vec()),
            token: token.to_owned(),
            replica: self.id(),
            app: app.to_owned(),
            cursor: cursor.clone().map(Blob),
            reads: Compression::READABLE.into_iter().chain([LEAN]).map(str::to_owned).collect(),
        };
        self.session.state = State::Greeting { cursor };
        Ok(ClientMessage::Hello(hello).to_bytes())
    }

    /// The frame that gives the server a newer token of the same user; none without a session.
    pub fn refresh(&self, token: &str) -> Option<Vec<u8>> {
        match self.session.state {
            State::Offline => None,
            State::Greeting { .. } | State::Open(_) => {
                let refresh = Refresh { token: token.to_owned() };
                Some(ClientMessage::Refresh(refresh).to_bytes())
            }
        }
    }

    /// The session ended, for whatever reason; what was in flight will be sent again.
    pub fn disconnected(&mut self, why: Option<&str>) {
        self.session.state = State::Offline;
        let lease = std::mem::take(&mut self.session.lease);
        let told = matches!(lease, Holder::Here(_));
        if told || why.is_some() {
            // For the status line of other processes; a file that cannot be written says so itself.
            let _ = self.file.write(|work| {
                if told {
                    work.drop_meta(LINK)?;
                }
                why.map_or(Ok(()), |why| work.set_meta("last_fault", &why))?;
                Ok::<_, ReplicaError>(())
            });
        }
        if let Some(why) = why {
            self.last_fault = Some(why.to_owned());
        }
    }

    /// Takes in a frame that arrived.
    ///
    /// # Errors
    /// When the session cannot go on; call [`Replica::disconnected`] then.
    pub fn handle_frame(
        &mut self,
        frame: &[u8],
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let mut effects = self.take_in(ServerMessage::from_bytes(frame)?, env)?;
        let redated = self.file.take_redated();
        if !redated.is_empty() {
            effects.push(Effect::Redated(redated));
        }
        Ok(effects)
    }

    fn take_in(
        &mut self,
        message: ServerMessage,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        match message {
            ServerMessage::Welcome(welcome) => self.handle_welcome(welcome, env),
            ServerMessage::Verdicts(verdicts) => self.handle_verdicts(&verdicts, env),
            ServerMessage::Answer(answer) => self.handle_answer(answer),
            ServerMessage::Feed(batch) => self.handle_feed(batch, env),
            ServerMessage::Goodbye(goodbye) => {
                if GoodbyeCode::parse(&goodbye.code) == Some(GoodbyeCode::Disabled) {
                    self.erase_everything()?;
                }
                self.disconnected(Some(&goodbye.sentence));
                Ok(vec![Effect::Goodbye(goodbye)])
            }
            ServerMessage::Pong | ServerMessage::Unknown(_) => Ok(Vec::new()),
        }
    }

    /// The server's clock when it said welcome in this session.
    pub fn welcomed_at(&self) -> Option<UnixMs> {
        match &self.session.state {
            State::Open(session) => Some(session.welcomed_at),
            State::Offline | State::Greeting { .. } => None,
        }
    }

    /// Moves the file's cursor, as another process does.
    #[cfg(test)]
    pub(super) fn note_cursor_for_tests(&mut self, cursor: &[u8]) {
        let noted =
            self.file.write(|work| Ok::<_, ReplicaError>(work.set_meta("cursor", &cursor)?));
        noted.expect("BUG: a test's file takes a cursor");
    }

    fn handle_welcome(
        &mut self,
        welcome: Welcome,
        env: &mut dyn Env,
    ) -> Result<Vec<Effect>, SessionFault> {
        let State::Greeting { cursor } = &mut self.session.state else {
            return Err(SessionFault::OutOfTurn("welcome"));
        };
        let cursor = cursor.take();
        if welcome.user != self.file.owner().user {
            return Err(SessionFault::WrongUser);
        }
        let known: Option<[u8; 16]> = self.file.stored().meta("epoch")?;
        // Without a cursor nothing is here of another life; and where nothing is new, the server took it.
        let other = known.is_some_and(|known| known != *welcome.epoch.as_bytes());
        let restored = other && cursor.is_some() && !welcome.live;
        let own = env.now();
        let (wanted, dating, tables) = self.file.write(|work| {
            if restored {
                // Until the feed has begun anew, the file stands where it did in the other life.
                work.want_everything()?;
            } else {
                work.set_meta("epoch", welcome.epoch.as_bytes())?;
            }
            if welcome.live {
                if work.stored().wanted()?.is_empty() {
                    Incomplete::ends(work)?;
                }
            } else if cursor.is_none() {
                Incomplete::begins(work)?;
            }
            work.set_meta("role", &welcome.role.as_str())?;
            work.set_meta("last_fault", &None::<String>)?;
            work.set_meta("last_sync", &welcome.now.0)?;
            let dating = heard(work, own, welcome.now)?;
            Ok::<_, SessionFault>((work.stored().wanted()?, dating, work.touched_kinds()))
        })?;
        let ours = self.file.tables().fingerprint();
        let agreed = welcome.fingerprint.as_ref().is_some_and(|theirs| theirs.0 == ours);
        let mut session = OpenSession {
            welcomed_at: welcome.now,
            limits: welcome.limits,
            live_at: welcome.live.then_some(FeedPosition(0)),
            in_flight: BTreeMap::new(),
            next_push: 1,
            questions: BTreeMap::new(),
            next_ask: 1,
            sent_to: i64::MIN,
            accepted_to: FeedPosition(0),
            fetches: 0,
            answered: 0,
            asked: Vec::new(),
            asked_for: 0,
            to_ask: VecDeque::new(),
            anew: restored,
            epoch: welcome.epoch,
            waits: HashSet::new(),
            rows: if agreed { Rows::Agreed } else { Rows::Foreign },
            cursor,
        };
        let mut effects = vec![Effect::Connected];
        if let Dating::Anew(refused) = dating {
            // The numbers of what was dated anew are not to be used again.
            self.actor = Actor(draw(env));
            effects.push(Effect::Changed(tables));
            if !refused.is_empty() {
                effects.push(Effect::Refused(refused));
            }
        }
        // What an earlier session asked for, and went away before the answer.
        if restored {
            // They come by themselves, or are asked for once it shows that they do not.
        } else if !wanted.is_empty() {
            effects.extend(session.fetch(wanted));
        } else if welcome.live {
            effects.push(Effect::Live);
        }
        self.session.state = State::Open(Box::new(session));
        Ok(effects)
    }

    /// Whether everything sent was judged and everything there is has arrived, our own changes
    /// included. What was edited since the last push is not considered.
    pub fn caught_up(&self) -> bool {
        match &self.session.state {
            State::Open(session) => session.live() && session.in_flight.is_empty(),
            State::Offline | State::Greeting { .. } => false,
        }
    }
}
