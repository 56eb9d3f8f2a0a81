//! What every store must do, whatever it is made of: a list of scenarios, values in and values
//! expected, that the model store and PostgreSQL both pass.
//!
//! A host plays a [`Scenario`] like this: it asks [`Scenario::next`] what is wanted, does that with its
//! store, and hands the outcome to [`Scenario::pushed`] or [`Scenario::read`], which say what is wrong.

use uuid::Uuid;

use crate::crm;
use crate::document::{self, FieldChange, Pen, PenRole, RecordEdit};
use crate::event::event_data;
use crate::guard;
use crate::hub::{
    Content, FeedAnswer, FeedRequest, News, PushJob, PushedChange, PushedGroup, Since,
};
use crate::ids::{Actor, FeedPosition, GroupId, RecordId, ReplicaId, ScopeId, UserId};
use crate::protocol::{Verdict, VerdictOutcome};
use crate::random::Random;
use crate::time::UnixMs;

/// The people of the scenarios: the manager leads both reps, and the store knows all of them.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// A rep.
    pub rep: UserId,
    /// Another one.
    pub other: UserId,
    /// Whom both report to.
    pub manager: UserId,
}

/// What a scenario wants of a store.
#[derive(Debug)]
pub enum Wanted<'a> {
    /// To commit a push and hear its verdicts.
    Push(&'a PushJob),
    /// To answer a question of somebody's feed.
    Read {
        /// Whose.
        user: UserId,
        /// The question.
        request: FeedRequest,
    },
}

type Look = Box<dyn Fn(&FeedAnswer) -> bool + Send>;

enum Scene {
    /// Codes of refusals; none for what is accepted.
    Push {
        job: Box<PushJob>,
        expected: Vec<Option<&'static str>>,
    },
    /// Remembers where the clock stands; it must stand where it did, or further on.
    Clock {
        user: UserId,
        moves: Moves,
    },
    News {
        user: UserId,
        expected: Look,
    },
    Ask {
        user: UserId,
        request: FeedRequest,
        expected: Look,
    },
}

/// Whether the clock moves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    On,
    Not,
}

/// One scenario.
pub struct Scenario {
    /// What it claims.
    pub name: &'static str,
    scenes: Vec<Scene>,
    at: usize,
    /// Where the clock stood when it was last looked at, and before.
    clock: FeedPosition,
    before: FeedPosition,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (scene {})", self.name, self.at)
    }
}

impl Scenario {
    fn new(name: &'static str, scenes: Vec<Scene>) -> Self {
        Self { name, scenes, at: 0, clock: FeedPosition(0), before: FeedPosition(0) }
    }

    /// What is wanted next; none at the end.
    pub fn next(&self) -> Option<Wanted<'_>> {
        Some(match self.scenes.get(self.at)? {
            Scene::Push { job, .. } => Wanted::Push(job),
            Scene::Clock { user, .. } => Wanted::Read { user: *user, request: FeedRequest::Clock },
            Scene::News { user, .. } => {
                let (after, access_after) = (self.before, self.before);
                Wanted::Read { user: *user, request: FeedRequest::News { after, access_after } }
            }
            Scene::Ask { user, request, .. } => {
                Wanted::Read { user: *user, request: request.clone() }
            }
        })
    }

    /// Hears the verdicts of a push.
    ///
    /// # Errors
    /// What was expected.
    pub fn pushed(&mut self, verdicts: &[Verdict]) -> Result<(), String> {
        let Some(Scene::Push { expected, .. }) = self.scenes.get(self.at) else {
            return Err(format!("{self:?}: no push was wanted"));
        };
        let code = |verdict: &'_ Verdict| match &verdict.outcome {
            VerdictOutcome::Accepted(_) => None,
            VerdictOutcome::Refused(refusal) => Some(refusal.code.clone()),
        };
        let codes: Vec<Option<String>> = verdicts.iter().map(code).collect();
        let wanted: Vec<Option<String>> =
            expected.iter().map(|code| code.map(str::to_owned)).collect();
        if codes != wanted {
            return Err(format!("{self:?}: expected {wanted:?}, got {codes:?}"));
        }
        self.at += 1;
        Ok(())
    }

    /// Hears an answer.
    ///
    /// # Errors
    /// What the answer was, if it is not as expected.
    pub fn read(&mut self, answer: &FeedAnswer) -> Result<(), String> {
        let right = match self.scenes.get(self.at) {
            Some(Scene::Clock { moves, .. }) => match answer {
                FeedAnswer::Clock(clock) => {
                    let further = clock.head > self.clock;
                    let same = clock.head == self.clock;
                    (self.before, self.clock) = (self.clock, clock.head);
                    clock.active && if *moves == Moves::On { further } else { same }
                }
                _ => false,
            },
            Some(Scene::News { expected, .. } | Scene::Ask { expected, .. }) => expected(answer),
            Some(Scene::Push { .. }) | None => false,
        };
        if !right {
            return Err(format!("{self:?}: unexpected {answer:?}"));
        }
        self.at += 1;
        Ok(())
    }
}

/// Makes what devices would push.
struct Desk {
    cast: Cast,
    random: Random,
}

impl Desk {
    fn pen(&mut self, user: UserId, role: PenRole) -> Pen {
        let now = UnixMs(1_700_000_000_000);
        Pen { actor: Actor(self.random.bytes()), author: user, now, role }
    }

    fn account(&mut self, user: UserId, pairs: &[(&str, &str)]) -> (RecordId, PushedChange) {
        let (record, _, change) = self.begun(user, "organization", pairs);
        (record, change)
    }

    fn begun(
        &mut self,
        user: UserId,
        kind: &'static str,
        pairs: &[(&str, &str)],
    ) -> (RecordId, automerge::Automerge, PushedChange) {
        let schema = crm::schema();
        let kind = schema.kind(kind).expect("a kind of the CRM");
        let edit = RecordEdit::parse(kind, pairs.iter().copied()).expect("pairs of the kind");
        let (record, pen) = (RecordId(self.random.uuid()), self.pen(user, PenRole::Device));
        let random = &mut self.random;
        let made = document::create(kind, record, &edit, &pen, &mut || random.event_id());
        let (doc, change) = made.expect("pairs that begin a record");
        (record, doc, pushed(record, kind.name, &change.bytes))
    }

    /// The manager gives an account to somebody.
    fn assigned(&mut self, record: RecordId, doc: &automerge::Automerge, to: UserId) -> PushJob {
        let schema = crm::schema();
        let kind = schema.kind("organization").expect("a kind of the CRM");
        let field = kind.field("assignment").expect("a field of the kind").clone();
        let data = event_data([("assigned_user_id", Some(to.to_string().as_str()))]);
        let edit = RecordEdit { changes: vec![(field, FieldChange::Append(data))] };
        let (mut doc, pen) = (doc.clone(), self.pen(self.cast.manager, PenRole::Server));
        let said = document::hydrate(&doc, kind);
        let random = &mut self.random;
        let made = document::edit(&mut doc, &said, &edit, &pen, &mut || random.event_id());
        let change = made.ok().flatten().expect("an event that fits");
        let mut job =
            self.job(self.cast.manager, vec![vec![pushed(record, kind.name, &change.bytes)]]);
        job.pen = PenRole::Server;
        job
    }

    fn job(&mut self, user: UserId, groups: Vec<Vec<PushedChange>>) -> PushJob {
        let group =
            |changes| PushedGroup { group: GroupId(self.random.uuid()), seen: None, changes };
        let groups = groups.into_iter().map(group).collect();
        PushJob::of_device(user, ReplicaId(Uuid::from_u128(9)), groups)
    }
}

fn pushed(record: RecordId, kind: &str, bytes: &[u8]) -> PushedChange {
    let parsed = guard::parse(bytes);
    let hash = parsed.as_ref().map_or_else(|_| guard::name_of_bytes(bytes), |one| one.hash());
    PushedChange { record, kind: kind.to_owned(), hash, parsed, receipt: None }
}

fn accepts(job: PushJob) -> Scene {
    let expected = vec![None; job.size()];
    Scene::Push { job: Box::new(job), expected }
}

fn refuses(job: PushJob, expected: &[Option<&'static str>]) -> Scene {
    Scene::Push { job: Box::new(job), expected: expected.to_vec() }
}

fn news(user: UserId, expected: impl Fn(&News) -> bool + Send + 'static) -> Scene {
    let look = move |answer: &FeedAnswer| match answer {
        FeedAnswer::News(news) => expected(news),
        _ => false,
    };
    Scene::News { user, expected: Box::new(look) }
}

/// Whether a feed has changes of this record, and whether it should.
fn listed(user: UserId, record: RecordId, there: bool) -> Scene {
    news(user, move |news| news.changed.iter().any(|one| one.record == record) == there)
}

/// What somebody may read of a record.
fn reads(
    user: UserId,
    record: RecordId,
    since: Since,
    expected: impl Fn(Option<&Content>) -> bool + Send + 'static,
) -> Scene {
    let look = move |answer: &FeedAnswer| match answer {
        FeedAnswer::Documents(found) => expected(found.first().map(|one| &one.content)),
        _ => false,
    };
    let request = FeedRequest::Documents { records: vec![record], since };
    Scene::Ask { user, request, expected: Box::new(look) }
}

/// Every scenario, for these people; each for a store of its own or for one that others used before.
pub fn scenarios(cast: Cast) -> Vec<Scenario> {
    let desk = &mut Desk { cast, random: Random::new(u64::from(cast.rep.0.as_bytes()[15]) + 7) };
    vec![
        shown_to_those_who_see_it(desk),
        stored_once(desk),
        nothing_of_a_refused_group(desk),
        a_reassignment_is_told_to_both(desk),
        a_task_that_is_given_away(desk),
        own_changes_are_not_sent_back(desk),
    ]
}

fn look(user: UserId, moves: Moves) -> Scene {
    Scene::Clock { user, moves }
}

fn shown_to_those_who_see_it(desk: &mut Desk) -> Scenario {
    let Cast { rep, other, manager } = desk.cast;
    let (account, change) = desk.account(rep, &[("name", "Trattoria")]);
    let whole =
        |content: Option<&Content>| matches!(content, Some(Content::Whole { row: Some(_), .. }));
    Scenario::new(
        "a_record_is_shown_to_those_who_see_it",
        vec![
            look(rep, Moves::On),
            accepts(desk.job(rep, vec![vec![change]])),
            look(rep, Moves::On),
            listed(rep, account, true),
            listed(manager, account, true),
            listed(other, account, false),
            reads(manager, account, Since::Beginning, whole),
            reads(other, account, Since::Beginning, |content| content.is_none()),
        ],
    )
}

fn stored_once(desk: &mut Desk) -> Scenario {
    let rep = desk.cast.rep;
    let (_, change) = desk.account(rep, &[("name", "Twice")]);
    let job = desk.job(rep, vec![vec![change]]);
    Scenario::new(
        "a_push_that_comes_twice_is_stored_once",
        vec![
            look(rep, Moves::On),
            accepts(job.clone()),
            look(rep, Moves::On),
            accepts(job),
            look(rep, Moves::Not),
        ],
    )
}

fn nothing_of_a_refused_group(desk: &mut Desk) -> Scenario {
    let rep = desk.cast.rep;
    let (sound, first) = desk.account(rep, &[("name", "Sound")]);
    let pairs = [("name", "Customer"), ("organization_type", "customer")];
    let (_, second) = desk.account(rep, &pairs);
    let (alone, third) = desk.account(rep, &[("name", "Alone")]);
    let job = desk.job(rep, vec![vec![first, second], vec![third]]);
    let codes = [Some("group_refused"), Some("denied"), None];
    Scenario::new(
        "nothing_is_left_of_a_refused_group_and_its_neighbour_stands",
        vec![
            look(rep, Moves::On),
            refuses(job, &codes),
            look(rep, Moves::On),
            listed(rep, sound, false),
            listed(rep, alone, true),
        ],
    )
}

fn a_reassignment_is_told_to_both(desk: &mut Desk) -> Scenario {
    let Cast { rep, other, manager } = desk.cast;
    let (account, doc, change) = desk.begun(rep, "organization", &[("name", "Given")]);
    let place = account.to_string();
    let pairs = [("last_name", "Lee"), ("organization_id", place.as_str())];
    let (contact, _, beside) = desk.begun(rep, "contact", &pairs);
    let told =
        move |news: &News| news.access.iter().any(|event| event.scope == Some(ScopeId(account.0)));
    Scenario::new(
        "a_reassignment_is_told_to_who_loses_and_who_gains",
        vec![
            look(rep, Moves::On),
            accepts(desk.job(rep, vec![vec![change], vec![beside]])),
            look(rep, Moves::On),
            accepts(desk.assigned(account, &doc, other)),
            look(manager, Moves::On),
            news(rep, told),
            news(other, told),
            listed(rep, account, false),
            listed(other, account, true),
            reads(rep, contact, Since::Beginning, |content| content.is_none()),
            reads(other, contact, Since::Beginning, |content| content.is_some()),
        ],
    )
}

fn a_task_that_is_given_away(desk: &mut Desk) -> Scenario {
    let Cast { rep, other, .. } = desk.cast;
    let whose = other.to_string();
    let pairs = [("title", "Call"), ("assignee_id", whose.as_str())];
    let (task, _, change) = desk.begun(rep, "task", &pairs);
    Scenario::new(
        "who_makes_a_task_for_somebody_else_is_told_to_let_go",
        vec![
            look(rep, Moves::On),
            accepts(desk.job(rep, vec![vec![change]])),
            look(rep, Moves::On),
            news(rep, move |news| news.moved_away == [task]),
            listed(other, task, true),
        ],
    )
}

fn own_changes_are_not_sent_back(desk: &mut Desk) -> Scenario {
    let rep = desk.cast.rep;
    let (account, change) = desk.account(rep, &[("name", "Own")]);
    let since =
        Since::Position { after: FeedPosition(0), own: Vec::new(), in_flight: vec![change.hash] };
    let nothing = |content: Option<&Content>| matches!(content, Some(Content::Changes(changes)) if changes.is_empty());
    Scenario::new(
        "what_a_connection_brought_is_not_sent_back_to_it",
        vec![accepts(desk.job(rep, vec![vec![change]])), reads(rep, account, since, nothing)],
    )
}
