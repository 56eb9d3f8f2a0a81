//! A trade that has nothing to do with sales: bee yards, the hives in them, and inspections. It runs
//! through the same replica, hub and simulator, which know none of its words.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::records::Records;
use super::rules::{Rules, ServerRecord, ServerStep, Writing};
use crate::cell::Cell;
use crate::error::{Refusal, RefusalCode};
use crate::event::event_data;
use crate::ids::{RecordId, ScopeId, UserId};
use crate::random::Random;
use crate::schema::*;

/// Who keeps a yard; before the first event, whoever entered it.
static KEEPER: Log = Log {
    name: "keeper",
    doc: "",
    parts: &[needs("keeper_id", EventPartType::Id)],
    standing: Standing::Frontier,
    order: greatest_id,
    columns: &[LogColumn {
        name: "keeper_id",
        ty: ColumnType::Uuid,
        read: |state| state.text_or_creator("keeper_id"),
    }],
    words: None,
    typed: None,
    disputed: None,
    back: |_| None,
};

/// In which yard a hive stands; hives are carried about.
static PLACE: Log = Log {
    name: "place",
    doc: "",
    parts: &[needs("yard_id", EventPartType::Id)],
    standing: Standing::Frontier,
    order: greatest_id,
    columns: &[LogColumn {
        name: "yard_id",
        ty: ColumnType::Uuid,
        read: |state| state.text("yard_id"),
    }],
    words: None,
    typed: Some(Typed { names: &["yard_id"], read: read_place }),
    disputed: None,
    back: |state| state.again(),
};

/// Treatments against mites: begun, and done unless taken back.
static TREATMENT: Log = Log {
    name: "treatment",
    doc: "",
    parts: &[
        needs("step", EventPartType::Word(&["done", "undone"])),
        may_have("remedy", EventPartType::Text { max: 100 }),
    ],
    standing: Standing::UnlessUndone { part: "step", done: "done", undone: "undone" },
    order: lowest_id,
    columns: &[
        LogColumn {
            name: "is_treated",
            ty: ColumnType::Bool,
            read: |state| Cell::Bool(state.shown.is_some()),
        },
        LogColumn { name: "remedy", ty: ColumnType::Text, read: |state| state.text("remedy") },
    ],
    words: None,
    typed: None,
    disputed: None,
    back: |state| {
        let step = if state.shown.is_some() { "done" } else { "undone" };
        Some(event_data([("step", Some(step))]))
    },
};

fn read_place(text: &str) -> Result<crate::event::EventData, String> {
    let id: Uuid = text.parse().map_err(|_| "the id of a yard".to_owned())?;
    Ok(event_data([("yard_id", Some(id.to_string().as_str()))]))
}

fn created_by() -> FieldDeclaration {
    link("created_by", "beekeeper").immutable().required().initially_author()
}

/// The apiary's declarations.
pub fn declarations() -> Vec<KindDeclaration> {
    vec![beekeeper(), yard(), hive(), inspection()]
}

/// The apiary's schema.
pub fn schema() -> Arc<Schema> {
    Schema::new(declarations())
}

fn beekeeper() -> KindDeclaration {
    KindDeclaration {
        name: "beekeeper",
        table: "beekeepers",
        scope: Scope::Everyone,
        storage: Storage::ServerRow,
        fields: vec![text("name", 100), flag("inspects"), flag("is_member")],
        derived: vec![],
        title: Some("name"),
        subtitle: None,
        alike: None,
        doc: "A member of the association.",
    }
}

fn yard() -> KindDeclaration {
    KindDeclaration {
        name: "yard",
        table: "yards",
        scope: Scope::Itself,
        storage: Storage::Document,
        fields: vec![
            created_by(),
            text("name", 100).required().searchable(),
            long_text("way_there").searchable(),
            set("forage", SetOf::Words),
            log("keeping", &KEEPER).server_only(),
            log("life", &LIFE),
        ],
        derived: vec![],
        title: Some("name"),
        subtitle: None,
        alike: None,
        doc: "A place where hives stand.",
    }
}

fn hive() -> KindDeclaration {
    KindDeclaration {
        name: "hive",
        table: "hives",
        scope: Scope::Follows { column: "yard_id", or_user: "created_by" },
        storage: Storage::Document,
        fields: vec![
            created_by(),
            text("mark", 40).required().searchable(),
            int("queen_year", 2000, 2100),
            choice("temper", &["fierce", "lively", "calm"]).rule(Rule::RegisterHigherWins),
            log("place", &PLACE),
            fields("remarks"),
            log("life", &LIFE),
        ],
        derived: vec![],
        title: Some("mark"),
        subtitle: None,
        alike: None,
        doc: "A colony and its box.",
    }
}

fn inspection() -> KindDeclaration {
    KindDeclaration {
        name: "inspection",
        table: "inspections",
        scope: Scope::Follows { column: "yard_id", or_user: "created_by" },
        storage: Storage::Document,
        fields: vec![
            created_by(),
            link("yard_id", "yard").immutable().required(),
            link("hive_id", "hive"),
            date("on_day").rule(Rule::RegisterEarliestWins),
            text("finding", 200).searchable(),
            int("mites", 0, 100_000),
            int("frames", 1, 100),
            log("treatment", &TREATMENT),
            log("life", &LIFE),
        ],
        derived: vec![derived("mites_per_frame", ColumnType::Int, |row| {
            let ratio = row.int("mites").zip(row.int("frames").filter(|frames| *frames > 0));
            ratio.map_or(Cell::Null, |(mites, frames)| Cell::Int(mites / frames))
        })],
        title: Some("finding"),
        subtitle: None,
        alike: None,
        doc: "A look into a hive.",
    }
}

/// No yard is called so: a rule that the edit breaks, and not who makes it.
pub const NOT_A_PLACE: &str = "Nowhere";

/// The apiary's rules: a yard is its keeper's; inspectors see every yard, and write inspections only.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiaryRules;

fn beekeeper_row(id: UserId, inspects: bool, is_member: bool) -> ServerRecord {
    let cells = BTreeMap::from([
        ("name", Cell::Text(format!("Beekeeper {id}"))),
        ("inspects", Cell::Bool(inspects)),
        ("is_member", Cell::Bool(is_member)),
    ]);
    ServerRecord { kind: "beekeeper", id: RecordId(id.0), cells }
}

fn says(records: &Records, user: UserId, column: &str) -> bool {
    let row = records.row("beekeeper", RecordId(user.0));
    row.is_some_and(|row| *row.cell(column) == Cell::Bool(true))
}

fn id_in(row: &RowView<'_>, column: &str) -> Option<Uuid> {
    row.text(column)?.parse().ok()
}

fn sees_yard(records: &Records, user: UserId, yard: Uuid) -> bool {
    let row = records.row("yard", RecordId(yard));
    row.is_some_and(|row| {
        id_in(&row, "keeper_id") == Some(user.0) || says(records, user, "inspects")
    })
}

impl Rules for ApiaryRules {
    fn founding(&self) -> Vec<ServerRecord> {
        let keeper = |n: u128| beekeeper_row(UserId(Uuid::from_u128(n)), n == 4, true);
        (1..=4).map(keeper).collect()
    }

    fn people(&self, records: &Records) -> Vec<UserId> {
        records.all("beekeeper").map(|(id, _)| UserId(id.0)).collect()
    }

    fn is_active(&self, records: &Records, user: UserId) -> bool {
        says(records, user, "is_member")
    }

    fn sees(&self, records: &Records, user: UserId, scope: ScopeId) -> bool {
        sees_yard(records, user, scope.0)
    }

    fn judge(&self, records: &Records, writing: &Writing<'_>) -> Result<(), Refusal> {
        let user = writing.user;
        let inspects = says(records, user, "inspects");
        if inspects && writing.kind.name != "inspection" {
            let sentence = "An inspector writes inspections and nothing else.";
            return Err(Refusal::new(RefusalCode::Rule, sentence));
        }
        if writing.kind.name == "yard" && writing.after.text("name") == Some(NOT_A_PLACE) {
            let sentence = "The association writes to every yard, and this is no place.";
            return Err(Refusal::new(RefusalCode::Rule, sentence));
        }
        let may = |row: &RowView<'_>| {
            let yard = match writing.kind.name {
                "yard" => return id_in(row, "keeper_id") == Some(user.0),
                _ => id_in(row, "yard_id"),
            };
            match yard {
                Some(yard) => {
                    let kept = records.row("yard", RecordId(yard)).is_some()
                        && records.lost_unheard(user, ScopeId(yard), writing.seen);
                    sees_yard(records, user, yard) || kept
                }
                None => id_in(row, "created_by") == Some(user.0),
            }
        };
        let kept = writing.kind.name == "yard"
            && records.lost_unheard(user, ScopeId(writing.record.0), writing.seen);
        let hands_on = writing.kind.name == "yard" && writing.before.as_ref().is_some_and(&may);
        let sound = writing.before.as_ref().is_none_or(&may) && (may(&writing.after) || hands_on);
        if sound || kept {
            return Ok(());
        }
        Err(Refusal::new(RefusalCode::Denied, "The yard is somebody else's."))
    }

    fn administer(&self, records: &Records, random: &mut Random) -> Option<ServerStep> {
        let people = self.people(records);
        let who = *random.pick(&people)?;
        if random.percent(60) {
            let yards: Vec<(RecordId, UserId)> = records
                .all("yard")
                .filter_map(|(id, row)| Some((id, UserId(id_in(&row, "keeper_id")?))))
                .collect();
            let (record, by) = *random.pick(&yards)?;
            let data = event_data([("keeper_id", Some(who.to_string().as_str()))]);
            return Some(ServerStep::Append { by, record, kind: "yard", field: "keeping", data });
        }
        let (inspects, is_member) =
            (says(records, who, "inspects"), says(records, who, "is_member"));
        Some(ServerStep::Put(match random.below(3) {
            0 => beekeeper_row(who, !inspects, is_member),
            1 => beekeeper_row(who, inspects, !is_member),
            _ => beekeeper_row(UserId(random.uuid()), false, true),
        }))
    }
}
