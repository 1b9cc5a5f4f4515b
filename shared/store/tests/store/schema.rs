//! The tables and the version they name.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use fanmail_store::{SCHEMA_VERSION, SchemaCheck};

use crate::harness::World;

#[tokio::test]
async fn tables_are_created_once_and_name_their_version() {
    let world = World::without_tables();
    assert!(world.store.check_schema().await.is_err(), "there are no tables yet");
    world.store.create_tables().await.unwrap();
    world.store.create_tables().await.unwrap();
    assert_eq!(world.store.check_schema().await.unwrap(), SchemaCheck::Matches);
}

#[tokio::test]
async fn tables_of_another_version_are_recognised_and_left_alone() {
    let world = World::new().await;
    let text = |text: &str| AttributeValue::S(text.into());
    let item = HashMap::from([
        ("pk".to_owned(), text("SCHEMA")),
        ("sk".to_owned(), text("SCHEMA")),
        ("version".to_owned(), AttributeValue::N("7".into())),
    ]);
    let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
    let write = WriteRequest::builder().put_request(put).build();
    world.client.batch_write_item().request_items(&world.tables.campaigns, vec![write]).send().await.unwrap();
    world.store.create_tables().await.unwrap();
    let differs = SchemaCheck::Differs { found: Some(7), expected: SCHEMA_VERSION };
    assert_eq!(world.store.check_schema().await.unwrap(), differs);
}
