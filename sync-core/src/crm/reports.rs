//! What management asks for. Each report is one statement, which runs unchanged in a view of the server and on
//! a device: the tables have the same names on both sides, and so have the few functions that the statements
//! call (`migrations/0009_reports.up.sql`, `replica/store/functions.rs`).

use crate::schema::Report;

/// The reports, in the order in which they are listed.
pub const REPORTS: &[Report] = &[
    Report {
        name: "pipeline",
        about: "Open deals by territory and stage; value in minor units of each currency, weighted by probability.",
        sql: include_str!("reports/pipeline.sql"),
        on_device: "",
    },
    Report {
        name: "activity",
        about: "Completed interactions by rep, ISO week in the rep's time zone, and type.",
        sql: include_str!("reports/activity.sql"),
        on_device: "",
    },
    Report {
        name: "overdue_follow_ups",
        about: "Open tasks whose day has passed where their assignee works.",
        sql: include_str!("reports/overdue_follow_ups.sql"),
        on_device: "",
    },
    Report {
        name: "priority_a_not_visited",
        about: "Priority A accounts without a completed visit or demo for 30 days; never visited ones first.",
        sql: include_str!("reports/priority_a_not_visited.sql"),
        on_device: "",
    },
    Report {
        name: "forecast",
        about: "Open deals by expected month of closing, weighted by probability, in minor units and cases a week; past dates apart.",
        sql: include_str!("reports/forecast.sql"),
        on_device: "",
    },
    Report {
        name: "win_rate",
        about: "Won and lost deals by rep, quarter of closing and currency; those that are won and lost at once are left out.",
        sql: include_str!("reports/win_rate.sql"),
        on_device: "",
    },
    Report {
        name: "coverage",
        about: "Accounts by rep and priority, and how many of them had a visit or demo within the days that the priority sets.",
        sql: include_str!("reports/coverage.sql"),
        on_device: "",
    },
    Report {
        name: "reps",
        about: "Active sales reps with accounts: how many, how many of priority A were visited within 30 days, visits of the last 7 days, overdue tasks and open deals.",
        sql: include_str!("reports/reps.sql"),
        on_device: "",
    },
    Report {
        name: "trust",
        about: "How far to trust the numbers: how many of the reader's reps synced within 24 hours, the oldest last sync among them, and what is contested.",
        sql: include_str!("reports/trust.sql"),
        on_device: include_str!("reports/team_of_device.sql"),
    },
];
