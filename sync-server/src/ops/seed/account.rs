//! One account of the made-up company: who it is, who works there, and what a rep did there.

use std::collections::HashSet;

use serde_json::{Value as Json, json};
use sync_core::ids::RecordId;
use sync_core::random::Random;

use super::company::{Account, Company, Rep};
use super::deal;
use super::town::{Place, phone};
use super::visits;
use super::words::{self, Trade, one};
use super::writer::{Hand, Part, Writer};

/// Names that are drawn before one is a branch of whoever has it already.
const TRIES: usize = 12;

/// Makes up an account with all that hangs from it.
pub(super) fn write(
    company: &Company,
    number: u64,
    names: &mut HashSet<String>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let reps = company.reps.len() as u64;
    let (rep, number) = (&company.reps[(number % reps) as usize], number / reps);
    let mut account = begin(company, rep, number, names, random, writer)?;
    people(&mut account, random, writer)?;
    if account.is_customer {
        finance(&account, random, writer)?;
    }
    let deal = deal::write(&account, random, writer)?;
    visits::write(&account, deal, random, writer)?;
    if random.percent(4) {
        contest(&mut account, writer)?;
    }
    Ok(())
}

fn begin<'c>(
    company: &'c Company,
    rep: &'c Rep,
    number: u64,
    names: &mut HashSet<String>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<Account<'c>> {
    let trade = trade(random);
    // A rep's accounts lie in three of the districts, so that a day has a route.
    let district = rep.district + [0, 0, 1, 1, 2][random.below(5) as usize];
    let place = Place::draw(random, district);
    let name = name(trade, &place, names, random);
    let (is_customer, priority) = (random.percent(68), priority(random));
    let by_rep = !is_customer && random.percent(35);
    let began = -(random.between(20, 900) as i64);
    let began = company.days.worked(random, began);
    let slug = slug(&name);
    let mut says = json!({
        "name": name,
        "organization_type": if is_customer { "customer" } else { "prospect" },
        "industry_segment": trade.segment,
        "business_type": trade.business,
        "employee_count": random.between(trade.employees.0, trade.employees.1),
        "account_status": { "value": "active" },
        "priority_level": priority,
        "billing_address": place.address,
        "shipping_address": place.address,
        "location": place.position(random),
        "phones": [phone(random)],
        "emails": [format!("kitchen@{slug}.example")],
        "tags": [place.district.to_lowercase()],
    });
    let mut also = |name: &str, value: Json| says[name] = value;
    if let Some(cuisine) = trade.cuisine {
        also("cuisine", json!(cuisine));
    }
    if random.percent(60) {
        also("website", json!(format!("https://{slug}.example")));
    }
    if random.percent(45) {
        also("notes", json!(one(random, words::ABOUT_ACCOUNTS)));
    }
    if is_customer {
        also("principals", ids(random, &rep.principals));
        also("distributors", ids(random, &rep.distributors));
    }
    let hand = if by_rep {
        also("needs_review", json!(true));
        Hand { user: rep.user, part: Part::Work }
    } else {
        also("assignment", json!({ "assigned_user_id": rep.user, "territory_id": rep.territory }));
        company.assigns()
    };
    let record = writer.create(hand, began, "organization", &says)?;
    let contact = None;
    Ok(Account { company, rep, number, place, began, is_customer, priority, record, contact })
}

fn trade(random: &mut Random) -> &'static Trade {
    let restaurants = words::TRADES.iter().filter(|trade| trade.business == "Independent").count();
    let (some, others) = words::TRADES.split_at(restaurants);
    let of = if random.percent(80) { some } else { others };
    random.pick(of).unwrap_or(&words::TRADES[0])
}

/// What nobody else is called yet. Some are branches, which go by their part of the town.
fn name(trade: &Trade, place: &Place, names: &mut HashSet<String>, random: &mut Random) -> String {
    let mut plain = String::new();
    for _ in 0..TRIES {
        plain = one(random, trade.names).replace('*', one(random, words::FAMILIES));
        if !names.contains(&plain) || random.percent(12) {
            break;
        }
    }
    let with_place = format!("{plain} {}", place.district);
    let numbered = (2..).map(|number| format!("{with_place} {number}"));
    let all = [plain, with_place.clone()].into_iter().chain(numbered);
    let free = all.into_iter().find(|name| !names.contains(name)).unwrap_or_default();
    names.insert(free.clone());
    free
}

fn priority(random: &mut Random) -> &'static str {
    match random.below(100) {
        0..12 => "A",
        12..37 => "B",
        37..80 => "C",
        _ => "D",
    }
}

/// One or two of some.
fn ids(random: &mut Random, of: &[RecordId]) -> Json {
    let count = random.between(1, 2) as usize;
    let first = random.below(of.len() as u64) as usize;
    let some = of.iter().cycle().skip(first).take(count.min(of.len()));
    some.map(ToString::to_string).collect()
}

/// A name as it stands in an address of the web.
pub(super) fn slug(name: &str) -> String {
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    plain.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Mostly one, sometimes several; the first is asked first.
fn people(
    account: &mut Account<'_>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let count = [1, 1, 1, 1, 1, 2, 2, 2, 3, 4][random.below(10) as usize];
    for number in 0..count {
        let (given, family) = (one(random, words::GIVEN), one(random, words::FAMILIES));
        let (job, department, decides) = *random.pick(words::JOBS).unwrap_or(&words::JOBS[0]);
        let mail = format!("{}.{}@kitchen.example", slug(given), slug(family));
        let mut says = json!({
            "organization_id": account.id(),
            "first_name": given,
            "last_name": family,
            "job_title": job,
            "department": department,
            "is_decision_maker": decides,
            "authority_level": random.between(if decides { 3 } else { 1 }, 5),
            "preferred_contact_method": one(random, &["phone", "email", "text", "in_person"]),
            "preferred_contact_time": one(random, &["Mornings", "Between two and four", "After service"]),
            "phones": [phone(random)],
            "emails": [mail],
        });
        if random.percent(30) {
            says["interests"] = json!([one(random, words::INTERESTS)]);
        }
        if number > 0 && random.percent(6) {
            says["do_not_contact"] = json!(true);
        }
        let at = account.company.days.later(account.began, 5 + number);
        let contact = writer.create(account.works(), at, "contact", &says)?;
        if account.contact.is_none() {
            account.contact = Some(contact.id);
            let at = account.company.days.later(at, 1);
            let says = json!({ "primary_contact_id": contact.id.to_string() });
            let hand = account.works();
            writer.edit(&mut account.record, hand, at, &says)?;
        }
    }
    Ok(())
}

fn finance(
    account: &Account<'_>,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let revenue = random.between(20, 400) * 1_000_000;
    let says = json!({
        "organization_id": account.id(),
        "annual_revenue": { "minor": revenue, "currency": "USD" },
        "credit_limit": { "minor": random.between(2, 40) * 100_000, "currency": "USD" },
        "payment_terms": one(random, &["net_30", "net_30", "net_60", "cod", "2_10_net_30"]),
    });
    let at = account.company.days.later(account.began, 60);
    writer.create(account.company.manages(), at, "organization_finance", &says)?;
    Ok(())
}

/// Rep and manager change the same thing without having heard of each other, yesterday.
fn contest(account: &mut Account<'_>, writer: &mut Writer<'_>) -> anyhow::Result<()> {
    let (days, company) = (account.company.days, account.company);
    let (rep, mut other) = (account.works(), account.record.clone());
    let slug = slug(account.place.district);
    let by_rep = json!({ "employee_count": 18, "website": format!("https://{slug}-eats.example") });
    let by_manager =
        json!({ "employee_count": 24, "website": format!("https://eat-{slug}.example") });
    writer.edit(&mut account.record, rep, days.at(-1, 95), &by_rep)?;
    writer.edit(&mut other, company.manages(), days.at(-1, 140), &by_manager)
}
