//! What made-up companies, people and visits are called and say.

use sync_core::random::Random;

/// One of some words.
pub(super) fn one(random: &mut Random, of: &[&'static str]) -> &'static str {
    random.pick(of).copied().unwrap_or_default()
}

/// A sort of company: what is cooked there, its segment, what it calls itself, and how many work there.
pub(super) struct Trade {
    pub(super) cuisine: Option<&'static str>,
    pub(super) segment: &'static str,
    pub(super) business: &'static str,
    /// Names, in which `*` stands for a family's.
    pub(super) names: &'static [&'static str],
    pub(super) employees: (u64, u64),
}

const fn restaurant(cuisine: &'static str, names: &'static [&'static str]) -> Trade {
    Trade {
        cuisine: Some(cuisine),
        segment: "Casual dining",
        business: "Independent",
        names,
        employees: (4, 45),
    }
}

/// Restaurants first, since there are most of them.
pub(super) const TRADES: &[Trade] = &[
    restaurant(
        "Italian",
        &["Trattoria *", "Osteria del Molo", "*'s Red Sauce", "La Lanterna", "Forno *"],
    ),
    restaurant(
        "Diner",
        &["*'s Diner", "The Ropewalk Diner", "Blue Kettle", "Second Cup *", "Eggs on Quay"],
    ),
    restaurant(
        "Seafood",
        &["The Salt Locker", "*'s Fish House", "Low Tide", "Pilot & Oyster", "The Mackerel"],
    ),
    restaurant("Thai", &["Basil & Lime", "Chai Yo *", "Little Chiang Mai", "Tamarind Door"]),
    restaurant("Mexican", &["Taquería *", "Casa *", "El Farolito del Puerto", "Three Chiles"]),
    restaurant(
        "Bakery",
        &["*'s Bakehouse", "Crumb & Ember", "Pippin Bakery", "Maison *", "The Proving Room"],
    ),
    restaurant(
        "Barbecue",
        &["Hammer & Smoke", "*'s Smokehouse", "Low & Slow *", "Tannery Barbecue"],
    ),
    restaurant("Japanese", &["Sushi *", "Kappa Ramen", "Izakaya Lantern", "Nori Street"]),
    restaurant("Indian", &["Cardamom House", "*'s Tiffin", "The Tandoor Yard", "Saffron & Slate"]),
    restaurant(
        "Café",
        &["Café Zoë", "Quince & Co.", "The Weir Café", "Heron Coffee", "Kingfisher Espresso"],
    ),
    restaurant(
        "Bistro",
        &["Bistro *", "The Bellfounder", "Chez *", "The Copper Ladle", "Table Nine"],
    ),
    Trade {
        cuisine: None,
        segment: "Schools",
        business: "Institution",
        names: &["* Elementary School", "* High School", "Larkmouth Academy", "St. * School"],
        employees: (30, 160),
    },
    Trade {
        cuisine: None,
        segment: "Healthcare",
        business: "Institution",
        names: &[
            "* Memorial Hospital",
            "Larkmouth General",
            "* House Care Home",
            "Orchard Hill Clinic",
        ],
        employees: (80, 900),
    },
    Trade {
        cuisine: Some("Hotel"),
        segment: "Lodging",
        business: "Chain",
        names: &["The * Hotel", "Harbor Lights Inn", "Ferry House Hotel", "* Suites"],
        employees: (25, 220),
    },
    Trade {
        cuisine: None,
        segment: "Business dining",
        business: "Contract caterer",
        names: &["* Works Canteen", "Foundry Park Catering", "* & Daughters Catering"],
        employees: (10, 90),
    },
];

pub(super) const PRINCIPALS: &[&str] = &[
    "Tall Oat Dairy-Free",
    "Brine & Barrel Pickles",
    "Morrow Flour Mills",
    "Red Hen Poultry",
    "Cold Harbor Seafoods",
    "Sunmill Oils",
];
pub(super) const DISTRIBUTORS: &[&str] = &[
    "Larkmouth Provision Co.",
    "Three Rivers Foodservice",
    "Northway Cash & Carry",
    "Eastbank Produce",
];

pub(super) const FAMILIES: &[&str] = &[
    "Abara",
    "Alvarez",
    "Amsel",
    "Bellamy",
    "Brandt",
    "Castellano",
    "Chen",
    "Corrigan",
    "Dabrowski",
    "Delacroix",
    "Eriksen",
    "Falkner",
    "Ferreira",
    "Galanis",
    "Greenwood",
    "Haddad",
    "Hollis",
    "Ibarra",
    "Iwata",
    "Jansen",
    "Kaplan",
    "Kowalski",
    "Lindqvist",
    "Lombardi",
    "Marchetti",
    "Mbeki",
    "Moreau",
    "Nakamura",
    "Novak",
    "O'Rourke",
    "Okafor",
    "Papadakis",
    "Petrov",
    "Quigley",
    "Ramirez",
    "Rosenthal",
    "Santos",
    "Sørensen",
    "Tanaka",
    "Thibault",
    "Umar",
    "Vasquez",
    "Vogel",
    "Whitlock",
    "Yilmaz",
    "Zielinski",
];
pub(super) const GIVEN: &[&str] = &[
    "Ana", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ivy", "Jamal", "Kim",
    "Luca", "Maya", "Nora", "Owen", "Priya", "Quentin", "Renée", "Sam", "Tomás", "Uma", "Viktor",
    "Wendy", "Yuki",
];
/// What somebody is, and whether they decide what is bought.
pub(super) const JOBS: &[(&str, &str, bool)] = &[
    ("Owner", "Management", true),
    ("Head chef", "Kitchen", true),
    ("Purchasing manager", "Purchasing", true),
    ("Sous-chef", "Kitchen", false),
    ("General manager", "Management", true),
    ("Dietitian", "Kitchen", false),
    ("Bar manager", "Bar", false),
    ("Pastry chef", "Kitchen", false),
];
pub(super) const INTERESTS: &[&str] = &[
    "fishing",
    "the Larkmouth Gulls",
    "sourdough",
    "her boat",
    "jazz",
    "cycling",
    "gardening",
    "old motorbikes",
];
pub(super) const ABOUT_ACCOUNTS: &[&str] = &[
    "Deliveries before ten, at the back door.",
    "Buys by the case; ask about the freezer before offering more.",
    "Changes the menu with the seasons: best to come in March and September.",
    "The chef decides, the owner signs. See both.",
    "Parking is in the yard behind the bakery.",
    "Closed on Mondays. Quiet between two and four.",
    "Tried a competitor's oil last year and came back.",
    "Two kitchens, one order: the second is next door.",
];

/// What visits and calls are about.
pub(super) const SUBJECTS: &[&str] = &[
    "Spring menu",
    "Tasting of new sauces",
    "Reorder",
    "Price for the quarter",
    "Complaint about a late delivery",
    "Oat drink for the bar",
    "Frozen fries against fresh",
    "Gluten-free bread",
    "Introduction",
    "Stock check",
];
/// What came of it, as the app calls that, with a word on it and what is to be done next.
pub(super) const OUTCOMES: &[(&str, &str, &str)] = &[
    ("order", "Took the usual and two cases on top.", "Check that the delivery came."),
    ("order", "Ordered for the whole month, since the freezer is being repaired next week.", ""),
    (
        "sample_left",
        "Left three jars; the kitchen tries them on Thursday.",
        "Ask how the samples went.",
    ),
    (
        "sample_left",
        "Liked the smell, wants to see it hold up in the fryer.",
        "Call after the weekend.",
    ),
    (
        "interested",
        "Asked for a price at forty cases. Competitor is at 31.50.",
        "Send the price list.",
    ),
    ("interested", "Wants it on the summer menu if the chef agrees.", "Meet the chef."),
    ("not_now", "Too busy until the school year is over.", "Come back in a month."),
    ("not_now", "Budget is spent; good talk all the same.", ""),
    ("not_in", "Owner was at the market. Left a card.", "Try again in the morning."),
    (
        "problem",
        "Two boxes came thawed. Was annoyed, and right to be.",
        "Credit note, and an apology.",
    ),
];

pub(super) const DEALS: &[(&str, &str)] = &[
    ("Oat drink for the coffee bar", "New placement"),
    ("Pickles on every burger", "Menu change"),
    ("House flour, all sites", "Conversion"),
    ("Chicken programme", "New placement"),
    ("Fish on Fridays", "Menu change"),
    ("Fryer oil contract", "Renewal"),
    ("Catering season", "Reorder"),
    ("Breakfast range", "New placement"),
    ("School lunches, autumn term", "Tender"),
];
pub(super) const SOURCES: &[&str] =
    &["Referral", "Trade fair", "Cold call", "Distributor", "Web site"];
pub(super) const COMPETITORS: &[&str] = &[
    "Northfield quotes 31.50 a case.",
    "Happy with their present supplier, but delivery is slow.",
    "A cousin sells something like it.",
    "Nobody else has shown a sample yet.",
];
pub(super) const LOST: &[&str] = &[
    "Too dear",
    "Stayed with their supplier",
    "Changed the menu",
    "Closed for the season",
    "No answer any more",
];
pub(super) const WON: &[&str] =
    &["Liked the tasting", "Better price", "Delivery twice a week", "Chef insisted"];
pub(super) const NEXT: &[&str] = &[
    "Send the price list",
    "Bring a sample",
    "Call the chef",
    "Agree on the delivery day",
    "Show the numbers",
];

pub(super) const TASKS: &[(&str, &str)] = &[
    ("Send the price list", "email"),
    ("Bring a sample of the new sauce", "sample"),
    ("Call about the order", "call"),
    ("Ask for the next tasting", "call"),
    ("Look in before the weekend", "visit"),
    ("Update the contact list", "other"),
];
