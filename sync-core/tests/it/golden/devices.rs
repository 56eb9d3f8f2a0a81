//! Files of devices open, show what they showed, and push what they would have pushed.

use super::corpus::device::{apps, shown_to};
use super::files::{folder, lacking, promised};

#[test]
fn every_file_of_a_device_shows_the_same_and_pushes_the_same() {
    for (name, golden) in folder("devices") {
        let file = std::fs::read(name.with_extension("sqlite")).unwrap();
        let name = name.display();
        let asked: Vec<_> =
            apps().into_iter().filter(|(app, _)| golden.get(app).is_some()).collect();
        assert!(!asked.is_empty(), "{name}");
        let lacks = lacking(&promised(golden), &promised(shown_to(&file, &asked)));
        assert!(lacks.is_empty(), "{name}: {}", lacks.join("\n"));
    }
}
