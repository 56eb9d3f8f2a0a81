//! What a case of forgery is, and the table that cases are added to.

use sync_core::protocol::PushGroup;

use super::facts::Facts;
use super::scene::{Attacker, KINDS};

/// What the victim did just before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// Nothing that the server does not know.
    Nothing,
    /// So many edits of the record, by a new writer, not sent yet.
    Unsent(usize),
    /// An edit of the record, by a new writer, that the server refused.
    Refused,
}

type Forge = Box<dyn Fn(&Facts) -> Vec<PushGroup>>;

pub(super) struct Case {
    pub(super) name: String,
    pub(super) attacker: Attacker,
    pub(super) kind: &'static str,
    pub(super) before: Before,
    pub(super) forge: Forge,
    /// The code of each change's verdict in order; `accepted` where the change is not forged.
    pub(super) expect: Vec<&'static str>,
}

#[derive(Default)]
pub(super) struct Table {
    pub(super) cases: Vec<Case>,
}

impl Table {
    /// A forgery by a colleague on the account, told by one refused change, for every kind.
    pub(super) fn each(
        &mut self,
        what: &str,
        code: &'static str,
        forge: impl Fn(&Facts) -> Vec<PushGroup> + Clone + 'static,
    ) {
        self.add(&KINDS, &[Attacker::Colleague], Before::Nothing, what, &[code], forge);
    }

    /// A forgery for one kind alone.
    pub(super) fn only(
        &mut self,
        kind: &'static str,
        what: &str,
        code: &'static str,
        forge: impl Fn(&Facts) -> Vec<PushGroup> + Clone + 'static,
    ) {
        self.add(&[kind], &[Attacker::Colleague], Before::Nothing, what, &[code], forge);
    }

    pub(super) fn add(
        &mut self,
        kinds: &[&'static str],
        attackers: &[Attacker],
        before: Before,
        what: &str,
        expect: &[&'static str],
        forge: impl Fn(&Facts) -> Vec<PushGroup> + Clone + 'static,
    ) {
        for kind in kinds {
            for attacker in attackers {
                self.cases.push(Case {
                    name: format!("{kind}: {what}, by {}", attacker.words()),
                    attacker: *attacker,
                    kind,
                    before,
                    forge: Box::new(forge.clone()),
                    expect: expect.to_vec(),
                });
            }
        }
    }
}
