//! A made-up company to look at and to try things with: people, accounts round a town that is nowhere,
//! and what was done there in the last weeks. Everything is written as people would write it, as changes
//! of documents, and judged by the same commit as every edit.
//!
//! **Invariant**: the same seed as of the same moment gives the same company, whatever the machine.

mod account;
mod company;
mod days;
mod deal;
mod town;
mod visits;
mod words;
mod writer;

use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use sqlx::postgres::PgPool;
use sync_core::ids::{RecordId, UserId};
use sync_core::protocol::{Verdict, VerdictOutcome};
use sync_core::random::Random;
use sync_core::role::Role;
use sync_core::schema::Schema;
use sync_core::time::UnixMs;
use uuid::Uuid;

use super::people;
use crate::committer::Committer;
use account::slug;
use company::{Company, Rep};
use days::Days;
use town::{Place, phone};
use writer::{Draft, Writer};

/// Changes handed to the committer at once.
const AT_ONCE: usize = 512;
/// Changes after which what was written is handed over.
const TOGETHER: usize = 1500;
/// The domain of everybody's e-mail address; nobody can have it.
const DOMAIN: &str = "demo.example";
/// Reps, and where they work: a territory, and the first of its districts.
const REPS: [(&str, &str, &str, u64); 5] = [
    ("rosa", "Rosa Marchetti", "Harbor side", 0),
    ("omar", "Omar Haddad", "Harbor side", 0),
    ("lin", "Lin Nakamura", "Orchard Hill side", 2),
    ("sven", "Sven Eriksen", "Orchard Hill side", 2),
    ("tara", "Tara Quigley", "Foundry side", 4),
];
/// Where the manager works, and within it everybody.
const REGION: &str = "Larkmouth";

/// How large a company, which one, and as of when.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Accounts of customers and prospects, in all.
    pub accounts: u64,
    /// For how many weeks visits go back.
    pub weeks: u64,
    /// Another seed, another company.
    pub seed: u64,
    /// The moment that everything has led up to.
    pub now: UnixMs,
}

/// What was made up.
#[derive(Debug, Default)]
pub struct Seeded {
    /// Records, by kind.
    pub records: BTreeMap<&'static str, usize>,
    /// Changes that they are made of.
    pub changes: usize,
    /// Who may sign in, by e-mail address: an administrator, a manager and the reps, in this order.
    pub people: Vec<(String, Uuid)>,
}

/// Makes up a company in a database that has none. Says after each part how many accounts are written.
///
/// # Errors
/// When the database has accounts already, cannot be reached, or refuses something.
pub async fn seed(
    owner: &PgPool,
    committer: &Committer,
    schema: &Schema,
    wanted: &Wanted,
    mut progress: impl FnMut(u64),
) -> anyhow::Result<Seeded> {
    let has_accounts: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM public.organizations)")
        .fetch_one(owner)
        .await?;
    anyhow::ensure!(
        !has_accounts,
        "this database has accounts already, among which nobody could tell made-up ones; seed one that was \
         just created and migrated"
    );
    let mut random = Random::of(wanted.seed, &[0]);
    let mut writer = Writer::new(schema, Random::of(wanted.seed, &[1]));
    let mut seeded = Seeded::default();
    let mut company = staff(owner, wanted, &mut seeded).await?;
    partners(&mut company, &mut random, &mut writer)?;
    let mut names = HashSet::new();
    for number in 0..wanted.accounts {
        // Of each account's own, so that a larger company begins with the smaller one's accounts.
        let mut random = Random::of(wanted.seed, &[2, number]);
        account::write(&company, number, &mut names, &mut random, &mut writer)?;
        if writer.waiting() >= TOGETHER {
            hand_over(&mut writer, committer, &mut seeded).await?;
            progress(number + 1);
        }
    }
    hand_over(&mut writer, committer, &mut seeded).await?;
    progress(wanted.accounts);
    seeded.records = writer.begun;
    Ok(seeded)
}

/// The people and territories, those that are known by name already among them.
async fn staff(owner: &PgPool, wanted: &Wanted, seeded: &mut Seeded) -> anyhow::Result<Company> {
    let mut random = Random::of(wanted.seed, &[3]);
    let mut id = || RecordId::mint(UnixMs(wanted.now.0), random.bytes()).0;
    let region = territory(owner, id(), REGION, None).await?;
    let admin = ("ada", "Ada Whitlock", Role::Admin);
    let admin = person(owner, id(), admin, None, None).await?;
    let manager = ("mia", "Mia Okafor", Role::Manager);
    let manager = person(owner, id(), manager, None, Some(region)).await?;
    seeded.people = vec![(address("ada"), admin), (address("mia"), manager)];
    let mut reps = Vec::new();
    for (login, name, side, district) in REPS {
        let territory = territory(owner, id(), side, Some(region)).await?;
        let rep = (login, name, Role::SalesRep);
        let user = person(owner, id(), rep, Some(manager), Some(territory)).await?;
        seeded.people.push((address(login), user));
        let (principals, distributors) = (Vec::new(), Vec::new());
        reps.push(Rep { user, territory, district, principals, distributors });
    }
    let each = wanted.accounts.div_ceil(reps.len() as u64);
    let days = Days { now: wanted.now };
    Ok(Company { manager, reps, weeks: wanted.weeks, each, days })
}

fn address(login: &str) -> String {
    format!("{login}@{DOMAIN}")
}

async fn territory(
    owner: &PgPool,
    id: Uuid,
    name: &str,
    parent: Option<Uuid>,
) -> sqlx::Result<Uuid> {
    let known = sqlx::query_scalar("SELECT id FROM public.territories WHERE name = $1 ORDER BY id")
        .bind(name)
        .fetch_optional(owner)
        .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    people::add_territory_as(owner, id, name, parent).await?;
    Ok(id)
}

async fn person(
    owner: &PgPool,
    id: Uuid,
    (login, name, role): (&str, &str, Role),
    manager: Option<Uuid>,
    territory: Option<Uuid>,
) -> anyhow::Result<Uuid> {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let known = people::find_user(owner, &address(login)).await.is_ok();
    let user = people::NewUser {
        id: (!known).then_some(id),
        email: address(login),
        first_name: Some(first.to_owned()),
        last_name: Some(last.to_owned()),
        role: Some(role),
        manager,
        territory,
        ..people::NewUser::default()
    };
    people::add_user(owner, &user).await
}

/// Whose products are sold, and who delivers them. Two reps look after each, so that whoever names one
/// sees it.
fn partners(
    company: &mut Company,
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<()> {
    let principals = words::PRINCIPALS.iter().map(|name| ("principal", *name));
    let distributors = words::DISTRIBUTORS.iter().map(|name| ("distributor", *name));
    for (number, (sort, name)) in (0..).zip(principals.chain(distributors)) {
        let reps = company.reps.len();
        let (first, second) = (number % reps, (number + 2) % reps);
        let draft = partner(company, (first, second), (sort, name), random, writer)?;
        for rep in [first, second] {
            let Rep { principals, distributors, .. } = &mut company.reps[rep];
            if sort == "principal" { principals } else { distributors }.push(draft.id);
        }
    }
    Ok(())
}

fn partner(
    company: &Company,
    (first, second): (usize, usize),
    (sort, name): (&str, &str),
    random: &mut Random,
    writer: &mut Writer<'_>,
) -> anyhow::Result<Draft> {
    let district = random.below(6);
    let place = Place::draw(random, district);
    let slug = slug(name);
    let says = json!({
        "name": name,
        "organization_type": sort,
        "industry_segment": if sort == "principal" { "Manufacturer" } else { "Distribution" },
        "account_status": { "value": "active" },
        "billing_address": place.address,
        "location": place.position(random),
        "phones": [phone(random)],
        "emails": [format!("orders@{slug}.example")],
        "website": format!("https://{slug}.example"),
        "assignment": {
            "assigned_user_id": company.reps[first].user,
            "secondary_user_id": company.reps[second].user,
            "territory_id": company.reps[first].territory,
        },
    });
    let began = -(random.between(700, 1400) as i64);
    let began = company.days.worked(random, began);
    writer.create(company.assigns(), began, "organization", &says)
}

async fn hand_over(
    writer: &mut Writer<'_>,
    committer: &Committer,
    seeded: &mut Seeded,
) -> anyhow::Result<()> {
    for job in writer.pushes(AT_ONCE) {
        let UserId(user) = job.user;
        for Verdict { outcome, .. } in committer.push(job).await? {
            match outcome {
                VerdictOutcome::Accepted(_) => seeded.changes += 1,
                VerdictOutcome::Refused(refusal) => {
                    anyhow::bail!("the rules refused what {user} was to have written: {refusal}")
                }
            }
        }
    }
    Ok(())
}
