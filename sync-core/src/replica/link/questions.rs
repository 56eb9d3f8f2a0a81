//! Questions that wait to be asked or answered.

use super::super::device::Replica;
use super::super::opinion::WouldBe;
use super::super::question::{Asked, Question};
use super::border::{Notice, QuestionId};
use super::timing::SteadyMs;

/// One question of the host.
#[derive(Debug)]
struct Pending {
    name: QuestionId,
    until: SteadyMs,
    stands: Stands,
}

#[derive(Debug)]
enum Stands {
    /// Until there is a session.
    Unasked(Box<Question>),
    /// Under this number of the session.
    Asked(u64),
}

/// The questions that have no answer yet.
#[derive(Debug, Default)]
pub(super) struct Questions {
    pending: Vec<Pending>,
}

fn answered(question: QuestionId, would_be: WouldBe) -> Notice {
    Notice::Answered { question, would_be }
}

impl Questions {
    pub(super) fn push(&mut self, name: QuestionId, question: Question, until: SteadyMs) {
        let stands = Stands::Unasked(Box::new(question));
        self.pending.push(Pending { name, until, stands });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The next moment at which one of them has waited long enough.
    pub(super) fn next_end(&self) -> Option<SteadyMs> {
        self.pending.iter().map(|one| one.until).min()
    }

    /// Asks what was not asked yet in the open session: returns the frames to send, and what the
    /// replica cannot ask.
    pub(super) fn ask(&mut self, replica: &mut Replica) -> (Vec<Vec<u8>>, Vec<Notice>) {
        let (mut frames, mut notices, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for one in std::mem::take(&mut self.pending) {
            let Stands::Unasked(question) = one.stands else {
                kept.push(one);
                continue;
            };
            match replica.ask(*question) {
                Asked::Send { ask, frame } => {
                    frames.push(frame);
                    kept.push(Pending { stands: Stands::Asked(ask), ..one });
                }
                Asked::Unknown(why) => notices.push(answered(one.name, WouldBe::Unknown(why))),
            }
        }
        self.pending = kept;
        (frames, notices)
    }

    /// An answer came for the session's question of this number.
    pub(super) fn answer(&mut self, ask: u64, would_be: WouldBe) -> Option<Notice> {
        let asked = |one: &Pending| matches!(one.stands, Stands::Asked(number) if number == ask);
        let place = self.pending.iter().position(asked)?;
        Some(answered(self.pending.remove(place).name, would_be))
    }

    /// Answers those that waited long enough.
    pub(super) fn expire(&mut self, now: SteadyMs, replica: &mut Replica) -> Vec<Notice> {
        let late = "the server did not answer in time; an old one knows no such questions";
        let (ended, kept) =
            std::mem::take(&mut self.pending).into_iter().partition(|one| one.until <= now);
        self.pending = kept;
        let ended: Vec<Pending> = ended;
        for one in &ended {
            if let Stands::Asked(number) = one.stands {
                replica.forget_question(number);
            }
        }
        ended.into_iter().map(|one| answered(one.name, WouldBe::Unknown(late.into()))).collect()
    }

    /// Answers all of them: there is no session for them.
    pub(super) fn fail(&mut self, why: &str) -> Vec<Notice> {
        let all = std::mem::take(&mut self.pending);
        all.into_iter().map(|one| answered(one.name, WouldBe::Unknown(why.to_owned()))).collect()
    }
}
