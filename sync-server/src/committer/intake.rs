//! What waits to be judged, and what of it is judged together.

use sync_core::hub::{PushJob, Unavailable};
use sync_core::ids::UserId;
use sync_core::limits;
use sync_core::protocol::{Verdict, VerdictOutcome};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::question::Question;
use super::turns::Turns;

/// Where the verdicts of a push go.
pub(super) type Reply = oneshot::Sender<Result<Vec<Verdict>, Unavailable>>;

/// What the committing task takes from.
#[derive(Debug)]
pub(super) struct Intake {
    jobs: mpsc::Receiver<(PushJob, Reply)>,
    questions: mpsc::Receiver<Question>,
    /// Cancelled when no batch is to begin any more.
    finishing: CancellationToken,
    pushes: Turns<Waiting>,
    asked: Turns<Question>,
}

/// Whether there is something to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Work {
    /// There is.
    Waits,
    /// There is none, and none will come.
    Over,
}

/// A push that waits, or what is left of one.
#[derive(Debug)]
pub(super) struct Waiting {
    job: PushJob,
    reply: Reply,
    /// Verdicts of those of its groups that are judged.
    verdicts: Vec<Verdict>,
    /// How many of its groups are judged in one commit.
    at_once: usize,
    operations: usize,
}

impl Waiting {
    fn new(job: PushJob, reply: Reply) -> Self {
        let (at_once, operations) = (usize::MAX, job.operations());
        Self { job, reply, verdicts: Vec::new(), at_once, operations }
    }

    /// Takes out what is judged next.
    pub(super) fn part(&mut self) -> PushJob {
        self.job.cut(self.at_once)
    }

    /// Whose it is.
    pub(super) fn user(&self) -> UserId {
        self.job.user
    }

    /// How many changes are judged next.
    pub(super) fn size(&self) -> usize {
        self.job.groups.iter().take(self.at_once).map(|group| group.changes.len()).sum()
    }

    /// What is left of a part goes back, to be judged in so many.
    pub(super) fn put_off(&mut self, mut part: PushJob, verdicts: Vec<Verdict>, parts: usize) {
        self.at_once = if parts > 1 { (part.groups.len() / parts).max(1) } else { self.at_once };
        part.groups.append(&mut self.job.groups);
        self.job = part;
        self.verdicts.extend(verdicts);
    }

    /// Whether a part of it is judged next: nothing that comes after it may be judged beside that.
    fn is_in_parts(&self) -> bool {
        self.at_once < self.job.groups.len()
    }

    /// A part has its verdicts. Returns what is left of the push; when that is nothing, it is answered.
    pub(super) fn judged(mut self, verdicts: Result<Vec<Verdict>, Unavailable>) -> Option<Self> {
        match verdicts {
            Ok(verdicts) => {
                let refused = verdicts.iter().filter(|one| is_refused(one)).map(|one| one.hash);
                self.job.refused_before.extend(refused);
                self.verdicts.extend(verdicts);
                if !self.job.groups.is_empty() {
                    self.operations = self.job.operations();
                    return Some(self);
                }
                let _ = self.reply.send(Ok(self.verdicts));
            }
            Err(unavailable) => {
                let _ = self.reply.send(Err(unavailable));
            }
        }
        None
    }
}

fn is_refused(verdict: &Verdict) -> bool {
    matches!(verdict.outcome, VerdictOutcome::Refused(_))
}

impl Intake {
    pub(super) fn new(
        jobs: mpsc::Receiver<(PushJob, Reply)>,
        questions: mpsc::Receiver<Question>,
        finishing: CancellationToken,
    ) -> Self {
        Self { jobs, questions, finishing, pushes: Turns::default(), asked: Turns::default() }
    }

    /// Waits until there is something to do.
    pub(super) async fn wait(&mut self) -> Work {
        self.take_in();
        if self.finishing.is_cancelled() {
            return Work::Over;
        }
        if self.pushes.peek().is_some() || self.asked.peek().is_some() {
            return Work::Waits;
        }
        tokio::select! {
            biased;
            () = self.finishing.cancelled() => return Work::Over,
            Some((job, reply)) = self.jobs.recv() => self.join(job, reply),
            Some(question) = self.questions.recv() => {
                self.asked.join(question.user(), question);
            }
            else => return Work::Over,
        }
        self.take_in();
        Work::Waits
    }

    /// What is judged together next, whose turn it is first: at most so many changes and pushes, but one
    /// push always.
    pub(super) fn batch(&mut self, most_changes: usize, most_pushes: usize) -> Vec<Waiting> {
        let mut batch: Vec<Waiting> = Vec::new();
        let (mut changes, mut bytes, mut operations) = (0, 0, 0);
        while let Some(next) = self.pushes.peek() {
            let full = changes >= most_changes
                || batch.len() >= most_pushes
                || bytes >= limits::CHANGE_BYTES_PER_COMMIT
                || operations + next.operations > limits::OPS_PER_COMMIT
                || batch.last().is_some_and(Waiting::is_in_parts)
                || next.is_in_parts();
            if full && !batch.is_empty() {
                break;
            }
            changes += next.job.size();
            bytes += next.job.bytes();
            operations += next.operations;
            batch.extend(self.pushes.next());
        }
        batch
    }

    /// What is left of a push waits for its user's next turn.
    pub(super) fn rejoin(&mut self, rest: Waiting) {
        self.pushes.rejoin(rest.job.user, rest);
    }

    /// The question whose turn it is.
    pub(super) fn question(&mut self) -> Option<Question> {
        self.asked.next()
    }

    fn join(&mut self, job: PushJob, reply: Reply) {
        self.pushes.join(job.user, Waiting::new(job, reply));
    }

    /// Takes in whatever has come.
    fn take_in(&mut self) {
        while let Ok((job, reply)) = self.jobs.try_recv() {
            self.join(job, reply);
        }
        while let Ok(question) = self.questions.try_recv() {
            self.asked.join(question.user(), question);
        }
    }
}

#[cfg(test)]
mod tests {
    use sync_core::error::{Refusal, RefusalCode};
    use sync_core::hub::{PushedChange, PushedGroup};
    use sync_core::ids::{ChangeHash, FeedPosition, GroupId, RecordId, ReplicaId};
    use uuid::Uuid;

    use super::*;

    /// A push of so many groups of one change each.
    fn push(user: u128, groups: usize) -> PushJob {
        let change = |n: usize| PushedChange {
            record: RecordId(Uuid::nil()),
            kind: "organization".into(),
            hash: ChangeHash([n as u8; 32]),
            parsed: Err(Refusal::new(RefusalCode::Malformed, "No.")),
            receipt: None,
        };
        let group =
            |n| PushedGroup { group: GroupId(Uuid::nil()), seen: None, changes: vec![change(n)] };
        let groups = (0..groups).map(group).collect();
        PushJob::of_device(UserId(Uuid::from_u128(user)), ReplicaId(Uuid::nil()), groups)
    }

    struct Sessions {
        jobs: mpsc::Sender<(PushJob, Reply)>,
        _questions: mpsc::Sender<Question>,
    }

    impl Sessions {
        fn new() -> (Self, Intake) {
            let (jobs, waiting) = mpsc::channel(100);
            let (questions, asked) = mpsc::channel(100);
            let intake = Intake::new(waiting, asked, CancellationToken::new());
            (Self { jobs, _questions: questions }, intake)
        }

        fn push(
            &self,
            user: u128,
            groups: usize,
        ) -> oneshot::Receiver<Result<Vec<Verdict>, Unavailable>> {
            let (reply, verdicts) = oneshot::channel();
            self.jobs.try_send((push(user, groups), reply)).expect("there is room");
            verdicts
        }
    }

    fn users(batch: &[Waiting]) -> Vec<u128> {
        batch.iter().map(|one| one.job.user.0.as_u128()).collect()
    }

    fn accepted(part: &PushJob) -> Vec<Verdict> {
        let verdict = |change: &PushedChange| {
            let outcome = VerdictOutcome::Accepted(FeedPosition(1));
            Verdict { hash: change.hash, outcome, receipt: None }
        };
        part.changes().map(verdict).collect()
    }

    /// Somebody has pushed again and again before another's only push comes: it is in the next batch.
    #[tokio::test]
    async fn who_pushes_once_is_in_the_next_batch() {
        let (sessions, mut intake) = Sessions::new();
        let mut replies: Vec<_> = (0..9).map(|_| sessions.push(1, 512)).collect();
        replies.push(sessions.push(2, 1));
        assert_eq!(intake.wait().await, Work::Waits);
        assert_eq!(users(&intake.batch(2048, usize::MAX)), [1, 2, 1, 1, 1]);
        replies.push(sessions.push(3, 1));
        assert_eq!(intake.wait().await, Work::Waits);
        assert_eq!(users(&intake.batch(1024, usize::MAX)), [1, 3, 1]);
        assert_eq!(users(&intake.batch(2048, 1)), [1]);
    }

    /// A push that is too much for one commit is judged in parts, others' pushes in between, and is
    /// answered once, with all of its verdicts in their order; what its user pushed after it comes after.
    #[tokio::test]
    async fn a_push_that_is_too_much_at_once_is_judged_in_parts() {
        let (sessions, mut intake) = Sessions::new();
        let (mut long, _next) = (sessions.push(1, 4), sessions.push(1, 1));
        let _other = sessions.push(2, 1);
        assert_eq!(intake.wait().await, Work::Waits);
        let mut batch = intake.batch(1, usize::MAX);
        let part = batch[0].part();
        assert_eq!((batch.len(), part.size()), (1, 4));
        let mut waiting = batch.remove(0);
        waiting.put_off(part, Vec::new(), 2);
        intake.rejoin(waiting);
        let mut sizes = Vec::new();
        for _ in 0..4 {
            let mut batch = intake.batch(2048, usize::MAX);
            let mut waiting = batch.remove(0);
            assert!(batch.is_empty() || !waiting.is_in_parts(), "a part is judged alone");
            let part = waiting.part();
            sizes.push((part.user.0.as_u128(), part.size()));
            assert!(long.try_recv().is_err(), "not before all of it is judged");
            if let Some(rest) = waiting.judged(Ok(accepted(&part))) {
                intake.rejoin(rest);
            }
            if let Ok(verdicts) = long.try_recv() {
                let names: Vec<u8> =
                    verdicts.expect("they are").iter().map(|one| one.hash.0[0]).collect();
                assert_eq!(names, [0, 1, 2, 3]);
                assert_eq!(sizes, [(2, 1), (1, 2), (1, 2)]);
                return;
            }
        }
        panic!("it was never answered: {sizes:?}");
    }
}
