//! Larkmouth, a town that is nowhere: its districts, streets and telephone numbers.

use serde_json::{Value as Json, json};
use sync_core::random::Random;

use super::words::one;

/// A part of the town: its name, its middle, its postal code and its streets.
struct District {
    name: &'static str,
    lat: f64,
    lng: f64,
    postal_code: &'static str,
    streets: &'static [&'static str],
}

/// One after another round the harbour, none more than a quarter of an hour from the next.
const DISTRICTS: [District; 6] = [
    District {
        name: "Harbor",
        lat: 42.652,
        lng: -73.742,
        postal_code: "12990",
        streets: &["Quay Street", "Ropewalk", "Fishmarket Lane", "Anchor Row", "Pilot Street"],
    },
    District {
        name: "Old Town",
        lat: 42.658,
        lng: -73.757,
        postal_code: "12991",
        streets: &[
            "Tinker Street",
            "Church Hill",
            "Mill Yard",
            "Lantern Street",
            "Bellfounder Lane",
        ],
    },
    District {
        name: "Orchard Hill",
        lat: 42.673,
        lng: -73.781,
        postal_code: "12992",
        streets: &["Quince Avenue", "Russet Road", "Cider Lane", "Pippin Street"],
    },
    District {
        name: "Millrace",
        lat: 42.638,
        lng: -73.771,
        postal_code: "12993",
        streets: &["Weir Street", "Sluice Road", "Paper Mill Drive", "Heron Way"],
    },
    District {
        name: "Eastbank",
        lat: 42.646,
        lng: -73.716,
        postal_code: "12994",
        streets: &["Ferry Road", "Osier Street", "Tannery Row", "Kingfisher Avenue"],
    },
    District {
        name: "Foundry Park",
        lat: 42.683,
        lng: -73.739,
        postal_code: "12995",
        streets: &["Crucible Way", "Hammer Street", "Boilermaker Road", "Depot Avenue"],
    },
];
/// How far an address may lie from its district's middle: a good kilometre.
const REACH_DEGREES: f64 = 0.011;

/// Where a company is.
pub(super) struct Place {
    /// Its part of the town.
    pub(super) district: &'static str,
    /// Its postal address.
    pub(super) address: Json,
    pub(super) lat: f64,
    pub(super) lng: f64,
}

impl Place {
    /// A place in the part of the town with this number; they go round.
    pub(super) fn draw(random: &mut Random, district: u64) -> Self {
        let which = usize::try_from(district).unwrap_or_default() % DISTRICTS.len();
        let District { name, lat, lng, postal_code, streets } = &DISTRICTS[which];
        let street = format!("{} {}", random.between(1, 240), one(random, streets));
        Self {
            district: name,
            address: json!({
                "street": street, "city": "Larkmouth", "state": "NY", "postal_code": postal_code,
                "country": "US",
            }),
            lat: rounded(lat + off(random)),
            lng: rounded(lng + off(random)),
        }
    }

    /// Where it stands, as a telephone says that found it.
    pub(super) fn position(&self, random: &mut Random) -> Json {
        json!({ "lat": self.lat, "lng": self.lng, "accuracy_m": random.between(4, 30) })
    }
}

/// More often little than far: the mean of two draws.
fn off(random: &mut Random) -> f64 {
    let draw = |random: &mut Random| random.below(2001) as f64 / 1000.0 - 1.0;
    (draw(random) + draw(random)) / 2.0 * REACH_DEGREES
}

/// To a metre or so.
fn rounded(degrees: f64) -> f64 {
    (degrees * 100_000.0).round() / 100_000.0
}

/// A telephone number that nobody has: 555-0100 to 555-0199 are kept for inventions.
pub(super) fn phone(random: &mut Random) -> String {
    let area = one(random, &["518", "838", "607", "315", "680", "716", "585", "914", "845"]);
    format!("+1 {area} 555 01{:02}", random.below(100))
}
