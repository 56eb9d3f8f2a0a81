//! A deal in the making.

use super::common::*;
use super::logs;
use crate::cell::Cell;
use crate::schema::*;

pub(super) fn opportunity() -> KindDeclaration {
    KindDeclaration {
        name: "opportunity",
        table: "opportunities",
        scope: Scope::Follows { column: "organization_id", or_user: "created_by" },
        storage: Storage::Document,
        doc: said("A deal: something an organization may come to buy."),
        title: Some("name"),
        subtitle: None,
        alike: None,
        fields: with_common![
            link("organization_id", "organization").immutable().required().doc("Who would buy."),
            text("name", 255).required().searchable().doc("What the deal is called."),
            text("opportunity_type", 100).doc("Such as new placement, reorder, menu change."),
            text("lead_source", 100).doc("Where it came from."),
            choice("priority", &["high", "medium", "low"]).doc("How urgent it is."),
            text("decision_timeline", 100).doc("When they mean to decide."),
            int("probability_override", 0, 100).doc("The rep's own estimate, in percent."),
            int("cases_per_week", 0, 1_000_000).doc("Expected volume."),
            date("estimated_close_date").doc("When it should close."),
            whole("estimated_value", MONEY)
                .rule(Rule::WholeLowerShown)
                .doc("What it is worth; while contested, the lower is shown."),
            link("principal_organization_id", "organization").doc("Whose product."),
            link("distributor_organization_id", "organization").doc("Who would deliver."),
            log("stage_log", &logs::STAGE).doc("Every move from stage to stage."),
            flag("budget_confirmed").rule(Rule::RegisterFalseWins).doc("They have the money."),
            flag("authority_confirmed")
                .rule(Rule::RegisterFalseWins)
                .doc("We speak to who decides."),
            flag("need_confirmed").rule(Rule::RegisterFalseWins).doc("They need it."),
            flag("timeline_confirmed").rule(Rule::RegisterFalseWins).doc("They said when."),
            whole("proposal", PROPOSAL).doc("Whether and when a proposal was handed in."),
            whole("next_action", NEXT_ACTION).doc("What happens next, and when."),
            long_text("description").doc("The deal in words."),
            long_text("competitor_info").doc("Who else is bidding."),
            long_text("decision_criteria").doc("What they will judge by."),
            long_text("lessons_learned").doc("What to do differently."),
            set("contacts", SetOf::Ids).doc("People involved."),
            log("owner", &logs::OWNER)
                .server_only()
                .doc("Whose deal it is; at first its creator's."),
        ],
        derived: vec![
            derived("probability", ColumnType::Int, |row| {
                probability(row).map_or(Cell::Null, Cell::Int)
            })
            .doc("By `stage`: prospecting 10, qualification 25, proposal 50, negotiation 75, closed-lost 0, closed-won 100; `probability_override` instead where there is one and the stage does not begin with `closed-`; NULL when `stage` is."),
            derived("weighted_value_minor", ColumnType::Int, weighted)
                .doc("`estimated_value_minor` × `probability` / 100, cut off towards 0; NULL when either is."),
        ],
    }
}

/// Chance of closing by stage, in percent.
fn probability_of(stage: &str) -> i64 {
    match stage {
        "closed-won" => 100,
        "negotiation" => 75,
        "proposal" => 50,
        "qualification" => 25,
        "prospecting" => 10,
        _ => 0,
    }
}

/// By stage, unless the rep has an estimate of their own and the deal is open.
fn probability(row: &RowView<'_>) -> Option<i64> {
    let stage = row.text("stage")?;
    match (stage, row.int("probability_override")) {
        (open, Some(own)) if !open.starts_with("closed-") => Some(own),
        _ => Some(probability_of(stage)),
    }
}

fn weighted(row: &RowView<'_>) -> Cell {
    let (Some(minor), Some(percent)) = (row.int("estimated_value_minor"), probability(row)) else {
        return Cell::Null;
    };
    // 128 bits, so that no amount overflows on the way; a percent of an i64 is an i64 again.
    let weighted = i128::from(minor) * i128::from(percent) / 100;
    i64::try_from(weighted).map_or(Cell::Null, Cell::Int)
}
