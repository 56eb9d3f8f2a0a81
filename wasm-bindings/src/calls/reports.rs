//! Reports over the records that are here.

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync_core::replica::{Replica, Table};

use crate::env::WorkerEnv;
use crate::failure::{Answer, Failure};

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

/// The reports there are.
pub(super) fn list(replica: &Replica) -> Json {
    let all = replica.reports().iter();
    all.map(|report| json!({ "name": report.name, "about": report.about })).collect()
}

/// The rows of a report.
pub(super) fn run(replica: &Replica, args: &Named) -> Answer {
    let table = table(replica, args)?;
    Ok(json!({ "columns": table.columns, "rows": table.rows }))
}

/// The same as CSV.
pub(super) fn csv(replica: &Replica, args: &Named) -> Answer {
    let table = table(replica, args)?;
    Ok(sync_core::csv::csv(&table.columns, &table.rows).into())
}

fn table(replica: &Replica, args: &Named) -> Result<Table, Failure> {
    Ok(replica.report(&args.name, WorkerEnv.local_time())?)
}
