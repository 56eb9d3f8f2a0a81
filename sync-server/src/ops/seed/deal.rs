//! A deal of a made-up account: how it began, went from stage to stage, and ended or did not.

use serde_json::json;
use sync_core::ids::RecordId;
use sync_core::random::Random;

use super::company::Account;
use super::words::{self, one};
use super::writer::Writer;

/// How far deals come, and how many of a hundred.
const ENDS: [(&[&str], u64); 6] = [
    (&[], 24),
    (&["qualification"], 20),
    (&["qualification", "proposal"], 18),
    (&["qualification", "proposal", "negotiation"], 14),
    (&["qualification", "proposal", "negotiation", "closed-won"], 14),
    (&["qualification", "closed-lost"], 10),
];

/// Makes up a deal or none, sometimes two; returns one that is open.
pub(super) fn write(
    account: &Account<'_>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<Option<RecordId>> {
    let count = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2][random.below(10) as usize];
    let mut open = None;
    for _ in 0..count {
        let stages = stages(random);
        let deal = begin(account, stages, random, writer)?;
        if !stages.last().is_some_and(|stage| stage.starts_with("closed-")) {
            open = Some(deal);
        }
    }
    Ok(open)
}

fn stages(random: &mut Random) -> &'static [&'static str] {
    let mut drawn = random.below(ENDS.iter().map(|(_, weight)| weight).sum());
    for (stages, weight) in ENDS {
        if drawn < weight {
            return stages;
        }
        drawn -= weight;
    }
    &[]
}

fn begin(
    account: &Account<'_>,
    stages: &[&str],
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<RecordId> {
    let days = account.company.days;
    let (name, sort) = *random.pick(words::DEALS).unwrap_or(&words::DEALS[0]);
    let began = account.day_since(random, 150).min(-1);
    let cases = random.between(2, 60);
    let closes = random.between(0, 130) as i64 - 12;
    let says = json!({
        "organization_id": account.id(),
        "name": name,
        "opportunity_type": sort,
        "lead_source": one(random, words::SOURCES),
        "priority": one(random, &["high", "medium", "medium", "low"]),
        "decision_timeline": one(random, &["This month", "Before summer", "When the contract ends"]),
        "cases_per_week": cases,
        // A case is some thirty dollars, and a deal is for a year.
        "estimated_value": { "minor": cases * 52 * random.between(24, 42) * 100, "currency": "USD" },
        "estimated_close_date": days.day(closes),
        "principal_organization_id": random.pick(&account.rep.principals).map(ToString::to_string),
        "distributor_organization_id": random.pick(&account.rep.distributors).map(ToString::to_string),
        "need_confirmed": true,
        "contacts": account.contact.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "competitor_info": one(random, words::COMPETITORS),
        "next_action": { "what": one(random, words::NEXT), "date": days.day(random.between(0, 14) as i64) },
    });
    let at = days.worked(random, began);
    let mut deal = writer.create(account.works(), at, "opportunity", &says)?;
    let steps = stages.len() as i64;
    for (step, stage) in (1..).zip(stages) {
        let day = began - began * step / (steps + 1);
        let at = days.later(days.worked(random, day), u64::try_from(step).unwrap_or_default());
        let event = match *stage {
            "closed-won" => {
                json!({ "stage": stage, "reason": one(random, words::WON), "close_date": days.day(day) })
            }
            "closed-lost" => {
                json!({ "stage": stage, "reason": one(random, words::LOST), "close_date": days.day(day) })
            }
            _ => json!({ "stage": stage }),
        };
        let mut says = json!({ "stage_log": event });
        match *stage {
            "qualification" => says["budget_confirmed"] = json!(random.percent(70)),
            "proposal" => says["proposal"] = json!({ "submitted": "yes", "date": days.day(day) }),
            "negotiation" => says["authority_confirmed"] = json!(true),
            _ => {}
        }
        writer.edit(&mut deal, account.works(), at, &says)?;
    }
    Ok(deal.id)
}
