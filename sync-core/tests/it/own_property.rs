use proptest::prelude::*;
use sync_core::crm;
use sync_core::testing::{Random, Writers};

proptest! {
    /// Whoever hears of them in whatever order: of due dates that several people gave a task at once,
    /// the earliest is shown.
    #[test]
    fn of_concurrent_due_dates_the_earliest_is_shown(
        days in prop::collection::vec(1..=28, 1..5),
        seed: u64,
    ) {
        let schema = crm::schema();
        let kind = schema.kind("task").unwrap();
        let mut writers = Writers::begin(kind, &[("title", "Call")], days.len());
        for (writer, day) in days.iter().enumerate() {
            writers.edit(writer, &[("due_date", &format!("2026-03-{day:02}"))]);
        }
        let shown = writers.merge(&mut Random::new(seed));
        let earliest = format!("2026-03-{:02}", days.iter().min().unwrap());
        prop_assert_eq!(shown.text("due_date"), Some(&*earliest));
    }
}
