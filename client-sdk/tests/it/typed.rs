//! Typed records, and the files that they are written to.

use client_sdk::core::crm;
use client_sdk::core::ids::UserId;
use client_sdk::records::{
    CheckOut, EstimatedValue, InteractionEdit, InteractionError, InteractionField, InteractionType,
    OpportunityEdit, OpportunityError, OpportunityField, OrganizationEdit, PriorityLevel, Stage,
    TaskEdit,
};
use client_sdk::{Client, ListOptions};

use crate::generate;

fn client() -> (tempfile::TempDir, Client) {
    let directory = tempfile::tempdir().unwrap();
    let user = UserId(uuid::Uuid::from_u128(7));
    let client = Client::open(&directory.path().join("a.db"), Some(user)).unwrap();
    (directory, client)
}

/// The generated files are what the declarations give today.
#[test]
fn the_typed_records_are_those_of_the_declarations() {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, text) in generate::files(&crm::schema()) {
        let there = std::fs::read_to_string(src.join(&file)).unwrap_or_default();
        assert!(
            there == text,
            "{file} is stale; run `cargo run -p client-sdk --example records` and commit it"
        );
    }
}

/// Every sort of field goes in and comes out with its type.
#[test]
fn every_sort_of_field_is_written_and_read_with_its_type() {
    let (_directory, client) = client();
    let account = client.organizations().create(OrganizationEdit::default().name("Grand")).unwrap();
    let value = EstimatedValue { minor: Some(125_000), currency: Some("USD".into()) };
    let edit = OpportunityEdit::default()
        .organization_id(account)
        .name("New menu")
        .probability_override(60)
        .estimated_close_date("2026-03-01".parse().unwrap())
        .estimated_value(value.clone())
        .budget_confirmed(true)
        .description("They taste on Monday.")
        .add_to_tags("spring")
        .set_in_custom_fields("colour", "blue")
        .stage(Stage::Proposal);
    let id = client.opportunities().create(edit).unwrap();
    let deal = client.opportunities().get(id).unwrap().unwrap();
    assert_eq!(deal.organization_id, Some(account));
    assert_eq!(deal.probability_override, Some(60));
    assert_eq!(deal.estimated_close_date.unwrap().to_string(), "2026-03-01");
    assert_eq!(deal.estimated_value, Some(value));
    assert_eq!(deal.budget_confirmed, Some(true));
    assert_eq!(deal.description.as_deref(), Some("They taste on Monday."));
    assert_eq!((deal.tags, deal.custom_fields["colour"].as_str()), (vec!["spring".into()], "blue"));
    assert_eq!(deal.stage, Some(Stage::Proposal));
    assert!(deal.created_at.is_some() && !deal.is_deleted);
    let lost = OpportunityEdit::default().closed(Stage::ClosedLost, "too dear");
    client.opportunities().update(id, lost.remove_from_tags("spring")).unwrap();
    let deal = client.opportunities().get(id).unwrap().unwrap();
    assert_eq!((deal.stage, deal.tags), (Some(Stage::ClosedLost), Vec::new()));
    assert_eq!(deal.close_reason.as_deref(), Some("too dear"));
}

/// A mistake names the field as a value, and nothing is written.
#[test]
fn a_mistake_names_its_field() {
    let (_directory, client) = client();
    let account = client.organizations().create(OrganizationEdit::default().name("Grand")).unwrap();
    let nameless = OpportunityEdit::default().organization_id(account);
    assert!(matches!(
        client.opportunities().create(nameless.clone()),
        Err(OpportunityError::Missing(OpportunityField::Name))
    ));
    let too_sure = nameless.name("Deal").probability_override(101);
    let error = client.opportunities().create(too_sure).unwrap_err();
    assert!(
        matches!(
            error,
            OpportunityError::Value { field: OpportunityField::ProbabilityOverride, .. }
        ),
        "{error:?}"
    );
    let id = client
        .opportunities()
        .create(OpportunityEdit::default().organization_id(account).name("Deal"))
        .unwrap();
    let moved = OpportunityEdit::default().organization_id(account);
    assert!(matches!(
        client.opportunities().update(id, moved),
        Err(OpportunityError::Immutable(OpportunityField::OrganizationId))
    ));
    let visit = InteractionEdit::default()
        .organization_id(account)
        .interaction_type(InteractionType::Visit);
    let visit = client.interactions().create(visit).unwrap();
    let left = |at_ms| {
        let at = CheckOut { at_ms: Some(at_ms), ..CheckOut::default() };
        client.interactions().update(visit, InteractionEdit::default().check_out(at))
    };
    left(1_500_000_000_001).unwrap();
    left(1_500_000_000_001).unwrap();
    assert!(matches!(
        left(1_500_000_000_002),
        Err(InteractionError::Written(InteractionField::CheckOut))
    ));
    let cleared = OpportunityEdit::default().clear(OpportunityField::Name);
    assert!(client.opportunities().update(id, cleared).is_err());
    assert_eq!(client.opportunities().list(&ListOptions::default()).unwrap().len(), 1);
    let unknown = client.mint_id();
    assert!(matches!(
        client.opportunities().update(unknown, OpportunityEdit::default().name("x")),
        Err(OpportunityError::UnknownRecord(id)) if id == unknown
    ));
}

/// A word that this version does not declare is kept as it is.
#[test]
fn an_unknown_word_is_kept() {
    let word: PriorityLevel = "Z".parse().unwrap();
    assert_eq!(word, PriorityLevel::Other("Z".into()));
    assert_eq!(word.as_str(), "Z");
}

/// Added, changed, removed; a record that no longer meets the condition is removed.
#[tokio::test]
async fn a_live_list_tells_what_becomes_of_it() {
    let (_directory, client) = client();
    let open = ListOptions { filter: Some("NOT is_completed".into()), ..ListOptions::default() };
    let mut list = client.tasks().live(open).unwrap();
    assert_eq!(list.records(), []);
    let call = client.tasks().create(TaskEdit::default().title("Call")).unwrap();
    let mail = client.tasks().create(TaskEdit::default().title("Mail")).unwrap();
    assert_eq!(list.next().await.added[0].id, call);
    assert_eq!(list.next().await.added[0].id, mail);
    client.tasks().update(call, TaskEdit::default().title("Call again")).unwrap();
    let change = list.next().await;
    assert_eq!(change.changed[0].title.as_deref(), Some("Call again"));
    assert!(change.added.is_empty() && change.removed.is_empty());
    client.tasks().update(mail, TaskEdit::default().completed(true)).unwrap();
    assert_eq!(list.next().await.removed, [mail]);
    // What another kind's records do is no business of this list.
    client.organizations().create(OrganizationEdit::default().name("Grand")).unwrap();
    assert_eq!(list.try_next(), None);
    assert_eq!(list.records().len(), 1);
}
