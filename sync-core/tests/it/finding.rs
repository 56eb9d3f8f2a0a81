//! Finding records: by parts of words, addresses and numbers; and those that may be the same as a new one.

use sync_core::ids::RecordId;
use sync_core::replica::{Likeness, Replica, Why};

use crate::kit::{World, edit, kind, replica};

fn create(device: &mut Replica, of: &str, pairs: &[(&str, &str)], env: &mut World) -> RecordId {
    device.create(kind(of), edit(kind(of), pairs), env).unwrap()
}

fn found(device: &Replica, text: &str) -> Vec<RecordId> {
    let mut ids: Vec<_> = device.search(text, 20).unwrap().iter().map(|hit| hit.id).collect();
    ids.sort_unstable();
    ids
}

/// A number is found by its last digits, by digits in its middle, and with every prefix, however it is
/// written; an address by its parts, while they are typed.
#[test]
fn records_are_found_by_parts_of_their_numbers_and_addresses() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(1);
    let mut device = replica(file.path(), 1, &mut env);
    let cafe = [
        ("name", "Café Zoë"),
        ("phones", "(518) 555-0142"),
        ("billing_address.city", "Albany"),
        ("emails", "orders@cafe-zoe.example"),
    ];
    let cafe = create(&mut device, "organization", &cafe, &mut env);
    let account = cafe.to_string();
    let kim = [
        ("first_name", "Kim"),
        ("last_name", "Lee"),
        ("organization_id", account.as_str()),
        ("phones", "+49 30 23125-101 ext. 7"),
        ("emails", "kim.lee@zoe.example"),
    ];
    let kim = create(&mut device, "contact", &kim, &mut env);
    for typed in [
        "555-0142",
        "(555) 0142",
        "5550142",
        "0142",
        "518 555 01",
        "+1 (518) 555-0142",
        "5185550142",
    ] {
        assert_eq!(found(&device, typed), [cafe], "{typed}");
    }
    for typed in ["030 23125101", "+49 30 23125 101", "0049 (30) 23125-101", "23125", "5101"] {
        assert_eq!(found(&device, typed), [kim], "{typed}");
    }
    assert_eq!(found(&device, "142"), [], "three digits are too few");
    assert_eq!(found(&device, "555-0143"), []);
    assert_eq!(found(&device, "kim.lee@z"), [kim], "as it is typed");
    assert_eq!(found(&device, "orders"), [cafe]);
    let mut both = [cafe, kim];
    both.sort_unstable();
    assert_eq!(found(&device, "zoe"), both, "a part of an address is as good as a name");
    // A number that is taken away is not found any more.
    let gone = edit(kind("organization"), &[("phones", "-5185550142"), ("phones", "207 555 0199")]);
    device.edit(cafe, gone, &mut env).unwrap();
    assert_eq!(found(&device, "0142"), []);
    assert_eq!(found(&device, "555-0199"), [cafe]);
}

/// What is found says whose it is, and where.
#[test]
fn what_is_found_is_told_apart_by_a_second_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(2);
    let mut device = replica(file.path(), 1, &mut env);
    let cafe = [("name", "Café Zoë"), ("billing_address.city", "Albany")];
    let cafe = create(&mut device, "organization", &cafe, &mut env);
    let moved = edit(kind("organization"), &[("shipping_address.city", "Troy")]);
    let account = cafe.to_string();
    let of_account = ("organization_id", account.as_str());
    let contact = [("first_name", "Kim"), ("last_name", "Lee"), of_account];
    create(&mut device, "contact", &contact, &mut env);
    create(&mut device, "opportunity", &[("name", "Oat milk"), of_account], &mut env);
    create(&mut device, "task", &[("title", "Call nobody")], &mut env);
    let line = |device: &Replica, text: &str| {
        let hit = device.search(text, 1).unwrap().remove(0);
        (hit.kind, hit.title, hit.subtitle)
    };
    let told = |kind: &str, title: &str, of: &str| (kind.into(), title.into(), of.into());
    assert_eq!(line(&device, "zoe"), told("organization", "Café Zoë", "Albany"));
    assert_eq!(line(&device, "lee"), told("contact", "Kim Lee", "Café Zoë"));
    assert_eq!(line(&device, "oat"), told("opportunity", "Oat milk", "Café Zoë"));
    assert_eq!(line(&device, "nobody"), told("task", "Call nobody", ""));
    device.edit(cafe, moved, &mut env).unwrap();
    assert_eq!(line(&device, "zoe").2, "Troy", "where its goods go");
}

/// Of many accounts those are told that may be the same, the likeliest first, and why.
#[test]
fn accounts_that_may_be_the_same_are_told_with_why() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(3);
    let mut device = replica(file.path(), 1, &mut env);
    let joes = [
        ("name", "Joe’s Diner"),
        ("billing_address.postal_code", "12207"),
        ("billing_address.city", "Albany"),
    ];
    let joes = create(&mut device, "organization", &joes, &mut env);
    let elsewhere = [("name", "Joes diner, Inc."), ("billing_address.postal_code", "04101")];
    let elsewhere = create(&mut device, "organization", &elsewhere, &mut env);
    let caller = [("name", "Bella Napoli"), ("phones", "+1 518 555 0142")];
    let caller = create(&mut device, "organization", &caller, &mut env);
    let neighbour =
        [("name", "Ramen Ya"), ("location.lat", "42.6526"), ("location.lng", "-73.7562")];
    let neighbour = create(&mut device, "organization", &neighbour, &mut env);
    let far = [("name", "Thai House"), ("location.lat", "42.6626"), ("location.lng", "-73.7562")];
    create(&mut device, "organization", &far, &mut env);
    let of = Likeness {
        name: "JOE'S DINER".into(),
        phones: vec!["(518) 555-0142".into()],
        postal_code: Some("12207".into()),
        position: Some((42.6530, -73.7562)),
    };
    let all = device.duplicates(kind("organization"), &of, 10).unwrap();
    let told: Vec<_> = all.iter().map(|one| (one.id, one.why.clone())).collect();
    assert_eq!(
        told,
        [
            (caller, vec![Why::SamePhone]),
            (joes, vec![Why::SameName, Why::SamePostalCode]),
            (elsewhere, vec![Why::SameName]),
            (neighbour, vec![Why::Near]),
        ]
    );
    assert_eq!(
        all.iter().map(|one| one.is_likely()).collect::<Vec<_>>(),
        [true, true, true, false]
    );
    assert_eq!(all[1].subtitle, "Albany");
    let metres = all[3].metres.unwrap();
    assert!((40.0..50.0).contains(&metres), "{metres}");
    assert_eq!(device.duplicates(kind("organization"), &of, 1).unwrap().len(), 1);
    device.commit(&[sync_core::replica::GroupEdit::Delete { id: joes }], &mut env).unwrap();
    let left = device.duplicates(kind("organization"), &of, 10).unwrap();
    assert!(left.iter().all(|one| one.id != joes), "what is deleted is no double");
    assert_eq!(device.duplicates(kind("task"), &of, 10).unwrap(), []);
}

/// The same is asked of an edit that is about to begin a record.
#[test]
fn an_edit_says_what_its_record_will_be_like() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut env = World::new(4);
    let device = replica(file.path(), 1, &mut env);
    let of = [
        ("name", "Café Zoë"),
        ("phones", "518-555-0142"),
        ("shipping_address.postal_code", "12207"),
        ("location.lat", "42.65"),
        ("location.lng", "-73.75"),
    ];
    let likeness =
        device.likeness(kind("organization"), &edit(kind("organization"), &of), &mut env);
    let said = Likeness {
        name: "Café Zoë".into(),
        phones: vec!["5185550142".into()],
        postal_code: Some("12207".into()),
        position: Some((42.65, -73.75)),
    };
    assert_eq!(likeness, Some(said));
    let task = edit(kind("task"), &[("title", "Call")]);
    assert_eq!(device.likeness(kind("task"), &task, &mut env), None);
}
