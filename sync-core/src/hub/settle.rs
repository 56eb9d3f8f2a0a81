//! Merging groups and having their rows written as the user, until everything stands that may.
//!
//! A whole run of groups is tried at once. The store then names every row that it does not take, so
//! that what is sound goes in with the second statement, however many are refused. Where several
//! groups made one refused row, they are tried again one by one, all such rows side by side.
//!
//! A machine without I/O: [`Settling::advance`] goes on until rows are to be written, which
//! [`Settling::asked`] then shows; [`Settling::wrote`] says what the store made of them.
//!
//! **Invariant**: what the workspace holds of a record afterwards is what its row says.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::moments::{Moment, Moments};
use super::workspace::{
    CandidateGroup, Judgement, Merged, Projected, Standing, Workspace, group_refused,
};
use crate::document::PenRole;
use crate::error::{Refusal, RefusalCode};
use crate::ids::{ChangeHash, FeedPosition, RecordId, UserId};
use crate::time::UnixMs;

/// Why rows were not written, by record.
pub type Culprits = HashMap<RecordId, Refusal>;

/// As whom rows are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    /// As a user: the rules decide.
    User(UserId),
    /// As the server itself: what was accepted before is put back.
    Server,
}

/// Rows to be written, all in one savepoint.
#[derive(Debug)]
pub struct WriteRows {
    /// As whom.
    pub writer: Writer,
    /// What the user had seen of the feed when the edits were made, as the device says.
    pub seen: Option<FeedPosition>,
    /// The rows; parents before children.
    pub rows: Vec<Projected>,
    /// How to write them.
    pub care: Care,
    /// Those of the records that are there and are judged as if they were not, since their user sees
    /// nothing of them. Their rows are written under other ids: see `hub::StandIns`.
    pub absent: HashSet<RecordId>,
    /// Those of which an edit writes what they hang from. A row may not show it: what was written last
    /// need not be what stands, and may yet decide what comes of somebody else's edit.
    pub moved: HashSet<RecordId>,
    /// What is done with what is written.
    pub purpose: Purpose,
    /// Records that groups tie together.
    ties: Vec<Vec<RecordId>>,
}

/// What is judged for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To be stored.
    Push,
    /// To be taken back.
    Question,
}

/// How rows are to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Care {
    /// With one statement a kind. When a rule fails the whole statement: [`Wrote::Refused`].
    None,
    /// Kind by kind, each row being asked about before it is written, so that every refused one is
    /// named; these are left out, and what others hang from is written before they are asked about.
    Ask {
        /// Records that were not there before.
        began: HashSet<RecordId>,
    },
}

impl WriteRows {
    /// Whether what was written beside refused rows may stay: it may unless a group wrote one of
    /// these and other rows as well. What may not stay is to be taken back before the answer.
    pub fn stands_without(&self, refused: &Culprits) -> bool {
        let under_other_ids = self.purpose == Purpose::Push && !self.absent.is_empty();
        !under_other_ids && entangled(&self.ties, refused).len() <= refused.len()
    }

    /// Adds to the refused rows those of a push whose ids are taken, as nobody hears before
    /// everything else was in order. To be called before [`WriteRows::stands_without`].
    pub fn refuse_taken(&self, refused: &mut Culprits) {
        if self.purpose == Purpose::Push {
            for record in &self.absent {
                refused.entry(*record).or_insert_with(out_of_reach);
            }
        }
    }
}

/// The words for any record that a user does not see, of whatever kind.
pub(super) fn out_of_reach() -> Refusal {
    let sentence = "You may not change this record; ask your manager to give you access.";
    Refusal::new(RefusalCode::Denied, sentence)
}

/// What the store made of rows.
#[derive(Debug)]
pub enum Wrote {
    /// Every row stands.
    All,
    /// These were refused, one by one. The others stand if [`WriteRows::stands_without`] says so.
    AllBut(Culprits),
    /// Nothing stands, and the store does not say which row is to blame.
    Refused(Refusal),
}

/// A group that was judged, with what it takes to judge it again.
#[derive(Debug)]
struct Tried {
    group: CandidateGroup,
    judgement: Judgement,
}

/// Groups that are tried together, and those that come after them.
#[derive(Debug, Default)]
struct Round {
    next: Vec<CandidateGroup>,
    tried: Vec<Tried>,
    waiting: Vec<CandidateGroup>,
}

/// What became of the groups.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Those that stand.
    pub(super) kept: Vec<Merged>,
    /// Why the changes of the others do not.
    pub(super) refused: HashMap<ChangeHash, Refusal>,
    /// What refused changes did, where that could be read.
    pub(super) said: HashMap<ChangeHash, serde_json::Value>,
}

/// Who is to be judged how.
#[derive(Clone, Debug)]
pub(super) struct Pusher {
    pub(super) user: UserId,
    pub(super) pen: PenRole,
    pub(super) now: UnixMs,
    pub(super) moments: Moments,
    /// Records that are there, though not for this user.
    pub(super) absent: Arc<HashSet<RecordId>>,
    pub(super) purpose: Purpose,
}

/// Groups on the way to their verdicts.
#[derive(Debug)]
pub(super) struct Settling {
    pusher: Pusher,
    seen: Option<FeedPosition>,
    standing: Standing,
    /// The last one is being worked on.
    rounds: Vec<Round>,
    asked: Option<WriteRows>,
    settled: Settled,
}

impl Settling {
    /// Begins with groups that had seen the same and are of the same standing.
    pub(super) fn new(
        pusher: Pusher,
        (seen, standing): (Option<FeedPosition>, Standing),
        groups: Vec<CandidateGroup>,
    ) -> Self {
        let (first, settled) = (Round { next: groups, ..Round::default() }, Settled::default());
        Self { pusher, seen, standing, rounds: vec![first], asked: None, settled }
    }

    /// The rows to be written; none once everything is settled.
    pub(super) fn asked(&self) -> Option<&WriteRows> {
        self.asked.as_ref()
    }

    /// What became of the groups, once nothing is asked any more.
    pub(super) fn into_settled(self) -> Settled {
        self.settled
    }

    /// Goes on until rows are to be written or everything is settled.
    pub(super) fn advance(&mut self, workspace: &mut Workspace) {
        while self.asked.is_none() {
            let Some(round) = self.rounds.last_mut() else { return };
            if round.tried.is_empty() {
                if round.next.is_empty() {
                    let waiting = std::mem::take(&mut round.waiting);
                    (round.next, round.waiting) = next_wave(waiting);
                }
                let groups = std::mem::take(&mut round.next);
                if groups.is_empty() {
                    self.rounds.pop();
                    continue;
                }
                let pusher = &self.pusher;
                let attempt = |group| pusher.attempt(workspace, group);
                round.tried = groups.into_iter().map(attempt).collect();
            }
            self.ask(workspace);
        }
    }

    /// Hears what became of the rows that were asked for, and goes on.
    pub(super) fn wrote(&mut self, workspace: &mut Workspace, wrote: Wrote) {
        let Some(mut asked) = self.asked.take() else { return };
        match wrote {
            Wrote::All => self.conclude(workspace),
            Wrote::AllBut(culprits) => {
                let stands = asked.stands_without(&culprits);
                self.take_back(workspace, &culprits);
                if stands {
                    self.conclude(workspace);
                }
            }
            Wrote::Refused(refusal) => match asked.care {
                Care::None => {
                    let began =
                        self.tried().filter_map(Tried::merged).flat_map(|merged| &merged.began);
                    asked.care = Care::Ask { began: began.copied().collect() };
                    self.asked = Some(asked);
                    return;
                }
                Care::Ask { .. } => self.halve(workspace, &refusal),
            },
        }
        self.advance(workspace);
    }

    fn tried(&self) -> impl Iterator<Item = &Tried> {
        self.rounds.last().into_iter().flat_map(|round| &round.tried)
    }

    /// Asks for the rows that the tried groups made; concludes where there are none.
    fn ask(&mut self, workspace: &mut Workspace) {
        let merged = self.tried().filter_map(Tried::merged);
        let changes: Vec<(RecordId, bool)> =
            merged.flat_map(|one| &one.changes).map(|one| (one.record, one.moves)).collect();
        let records: Vec<RecordId> = changes.iter().map(|(record, _)| *record).collect();
        if records.is_empty() {
            return self.conclude(workspace);
        }
        let pen = match self.standing {
            Standing::New => self.pusher.pen,
            Standing::AcceptedBefore => PenRole::Server,
        };
        let unsound = workspace.prove(records.iter().copied(), self.pusher.user, pen);
        let unsound: Culprits = unsound.into_iter().collect();
        if !unsound.is_empty() {
            return self.take_back(workspace, &unsound);
        }
        let absent = records.iter().copied().filter(|one| self.pusher.absent.contains(one));
        self.asked = Some(WriteRows {
            absent: absent.collect(),
            moved: changes.iter().filter(|(_, moves)| *moves).map(|(record, _)| *record).collect(),
            purpose: self.pusher.purpose,
            writer: match self.standing {
                Standing::New => Writer::User(self.pusher.user),
                Standing::AcceptedBefore => Writer::Server,
            },
            seen: self.seen,
            rows: workspace.project(records),
            care: Care::None,
            ties: ties(self.tried()),
        });
    }

    /// The tried groups have their verdicts.
    fn conclude(&mut self, workspace: &mut Workspace) {
        workspace.keep();
        let Some(round) = self.rounds.last_mut() else { return };
        for Tried { judgement, .. } in round.tried.drain(..) {
            match judgement {
                Judgement::Merged(merged) => self.settled.kept.push(merged),
                Judgement::Refused(refusals) => self.settled.refused.extend(refusals),
            }
        }
    }

    /// Halves groups until each culprit stands alone: for refusals that name no row.
    fn halve(&mut self, workspace: &mut Workspace, refusal: &Refusal) {
        let Some(round) = self.rounds.last_mut() else { return };
        let mut groups = take_all_back(workspace, &mut round.tried);
        if let [culprit] = &groups[..] {
            self.refuse(workspace, culprit, |_| refusal.clone());
            return;
        }
        let second = groups.split_off(groups.len() / 2);
        for next in [second, groups] {
            self.rounds.push(Round { next, ..Round::default() });
        }
    }

    /// Takes back the groups that made refused rows, and what is bound up with these. A group that
    /// stands alone is refused for good; the others will be tried one by one.
    fn take_back(&mut self, workspace: &mut Workspace, culprits: &Culprits) {
        let Some(round) = self.rounds.last_mut() else { return };
        let entangled = entangled(&ties(round.tried.iter()), culprits);
        let mut groups_of: HashMap<RecordId, usize> = HashMap::new();
        for record in round.tried.iter().flat_map(|one| records_of(&one.group)) {
            *groups_of.entry(record).or_default() += 1;
        }
        let (stay, mut go): (Vec<Tried>, Vec<Tried>) = std::mem::take(&mut round.tried)
            .into_iter()
            .partition(|one| !records_of(&one.group).any(|record| entangled.contains(&record)));
        round.tried = stay;
        self.note_words(workspace, &go, &groups_of);
        let groups = take_all_back(workspace, &mut go);
        let (alone, together): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| records_of(group).all(|record| groups_of[&record] == 1));
        for group in alone {
            let cause = records_of(&group).find_map(|record| culprits.get(&record)).cloned();
            let cause = cause.expect("BUG: a group was taken back for nothing");
            self.refuse(workspace, &group, |record| {
                culprits.get(&record).cloned().unwrap_or_else(|| group_refused(&cause))
            });
        }
        if let Some(round) = self.rounds.last_mut() {
            round.waiting.extend(together);
        }
    }

    /// Notes what groups did that stand alone, while their records still say so. An answer to a question
    /// says nothing of it.
    fn note_words(
        &mut self,
        workspace: &mut Workspace,
        groups: &[Tried],
        groups_of: &HashMap<RecordId, usize>,
    ) {
        if self.pusher.purpose == Purpose::Question {
            return;
        }
        for one in groups {
            let Some(merged) = one.merged() else { continue };
            if records_of(&one.group).any(|record| groups_of[&record] != 1) {
                continue;
            }
            let mut said = workspace.said(merged);
            for change in one.group.changes.iter().rev() {
                if let Some(said) = said.remove(&change.record) {
                    self.settled.said.insert(change.parsed.hash(), said);
                }
            }
        }
    }

    fn refuse(
        &mut self,
        workspace: &mut Workspace,
        group: &CandidateGroup,
        why: impl Fn(RecordId) -> Refusal,
    ) {
        for change in &group.changes {
            let hash = change.parsed.hash();
            workspace.note_refused(self.pusher.user, [hash]);
            self.settled.refused.insert(hash, why(change.record));
        }
    }
}

impl Pusher {
    fn attempt(&self, workspace: &mut Workspace, group: CandidateGroup) -> Tried {
        for change in &group.changes {
            self.moments.tell(Moment::Judging(change.parsed.hash()));
        }
        // What comes of it is of no use when the commit is given up.
        let judgement = if workspace.is_spent() {
            Judgement::Refused(Vec::new())
        } else {
            workspace.judge(group.clone(), self.user, self.pen, self.now)
        };
        Tried { group, judgement }
    }
}

impl Tried {
    fn merged(&self) -> Option<&Merged> {
        match &self.judgement {
            Judgement::Merged(merged) => Some(merged),
            Judgement::Refused(_) => None,
        }
    }
}

/// Takes groups back, which are all that wrote to their records.
fn take_all_back(workspace: &mut Workspace, tried: &mut Vec<Tried>) -> Vec<CandidateGroup> {
    let groups: Vec<CandidateGroup> = tried.drain(..).map(|one| one.group).collect();
    workspace.take_back(groups.iter().flat_map(records_of));
    groups
}

/// The records of a group, each once, however often the group writes to it.
fn records_of(group: &CandidateGroup) -> impl Iterator<Item = RecordId> {
    let records: BTreeSet<RecordId> = group.changes.iter().map(|change| change.record).collect();
    records.into_iter()
}

/// What groups of several records tie together.
fn ties<'a>(tried: impl Iterator<Item = &'a Tried>) -> Vec<Vec<RecordId>> {
    let several = tried.filter(|one| one.group.changes.len() > 1);
    several.map(|one| records_of(&one.group).collect()).collect()
}

/// Records of the culprits, and those that some chain of groups ties to one.
fn entangled(ties: &[Vec<RecordId>], culprits: &Culprits) -> HashSet<RecordId> {
    let mut all: HashSet<RecordId> = culprits.keys().copied().collect();
    loop {
        let before = all.len();
        for tied in ties {
            if tied.iter().any(|record| all.contains(record)) {
                all.extend(tied);
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// The first groups of every record, each record once, and the groups after them.
fn next_wave(groups: Vec<CandidateGroup>) -> (Vec<CandidateGroup>, Vec<CandidateGroup>) {
    let mut taken: HashSet<RecordId> = HashSet::new();
    groups.into_iter().partition(|group| {
        let first = !records_of(group).any(|record| taken.contains(&record));
        taken.extend(records_of(group));
        first
    })
}
