//! Fields and parts that several kinds have.

use crate::limits;
use crate::schema::{Part, PartType, part};

/// An amount in minor units with its currency.
pub(super) const MONEY: &[Part] = &[
    part("minor", PartType::Int { min: 0, max: limits::MONEY_MINOR }),
    part("currency", PartType::Currency),
];
/// A postal address.
pub(super) const ADDRESS: &[Part] = &[
    part("street", PartType::Str { max: 255 }),
    part("city", PartType::Str { max: 100 }),
    part("state", PartType::Str { max: 100 }),
    part("postal_code", PartType::Str { max: 20 }),
    part("country", PartType::Str { max: 100 }),
];
/// A position: degrees, and accuracy in metres.
pub(super) const POSITION: &[Part] = &[
    part("lat", LATITUDE),
    part("lng", LONGITUDE),
    // Up to half of the earth's girth: whoever is less sure than that knows nothing.
    part("accuracy_m", PartType::Float { min: 0, max: 20_100_000 }),
];
const LATITUDE: PartType = PartType::Float { min: -90, max: 90 };
const LONGITUDE: PartType = PartType::Float { min: -180, max: 180 };
/// A presence check: where and when.
pub(super) const CHECK: &[Part] =
    &[part("at_ms", PartType::Moment), part("lat", LATITUDE), part("lng", LONGITUDE)];
/// The state of an account with the reason for it.
pub(super) const ACCOUNT_STATUS: &[Part] = &[
    part("value", PartType::Choice(&["active", "inactive", "on_hold", "lost"])),
    part("reason", PartType::Str { max: 255 }),
];
/// Whether and when a proposal was handed in.
pub(super) const PROPOSAL: &[Part] =
    &[part("submitted", PartType::Choice(&["yes", "no"])), part("date", PartType::Date)];
/// What happens next, and when.
pub(super) const NEXT_ACTION: &[Part] =
    &[part("what", PartType::Str { max: 255 }), part("date", PartType::Date)];

/// Fields that every kind of document begins with.
macro_rules! with_common {
    ($($field:expr),* $(,)?) => {
        vec![
            instant("created_at").immutable().required().initially_now()
                .doc("When the device says it was created."),
            link("created_by", "user").immutable().required().initially_author()
                .doc("Who created it; the author of the creating change."),
            $($field,)*
            set("tags", SetOf::Words).doc("Free labels."),
            fields("custom_fields").doc("Further values by name, for a customer's own needs."),
            log("life", &LIFE)
                .doc("Tombstones and restores; a record is never removed."),
        ]
    };
}
pub(super) use with_common;
