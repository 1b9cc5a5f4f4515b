//! The tables and the version they name.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use fanmail_domain::{CampaignId, Optin};
use fanmail_engine::ports::{Campaigns, PortError};
use fanmail_store::{SCHEMA_VERSION, SchemaCheck, Store, StoreError};

use crate::fixtures::{NOW, draft};
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
async fn nothing_is_written_to_tables_of_another_version() {
    for version in [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1] {
        let world = World::new().await;
        for table in [&world.tables.campaigns, &world.tables.audience] {
            world.write(table, put_version(version)).await;
        }
        let store = world.new_process();
        let differs = SchemaCheck::Differs { found: Some(version), expected: SCHEMA_VERSION };
        assert_eq!(store.check_schema().await.unwrap(), differs);
        let sentence = |table: &str| {
            format!(
                "table {table} is of version {version}, and this fanmail reads and writes version \
                 {SCHEMA_VERSION}: deploy the fanmail that fits it"
            )
        };
        assert_eq!(refusal(store.create_tables().await), sentence(&world.tables.audience));
        assert_eq!(
            refusal(store.create_list("News", Optin::Single, NOW).await),
            sentence(&world.tables.audience)
        );
        assert_eq!(refusal(store.create_campaign(&draft(), NOW).await), sentence(&world.tables.campaigns));
        assert_eq!((store.lists().await.unwrap().len(), store.newest_campaign().await.unwrap()), (0, 0));
    }
}

#[tokio::test]
async fn whoever_writes_first_to_a_new_table_names_its_version() {
    let world = World::new().await;
    for table in [&world.tables.campaigns, &world.tables.audience] {
        world.write(table, delete_version()).await;
    }
    let store = world.new_process();
    assert_eq!(store.campaign(CampaignId(1)).await.unwrap(), None, "a read needs no version");
    let absent = SchemaCheck::Differs { found: None, expected: SCHEMA_VERSION };
    assert_eq!(store.check_schema().await.unwrap(), absent);
    store.create_campaign(&draft(), NOW).await.unwrap();
    assert_eq!(store.check_schema().await.unwrap(), absent, "the other table is still new");
    store.create_list("News", Optin::Single, NOW).await.unwrap();
    assert_eq!(store.check_schema().await.unwrap(), SchemaCheck::Matches);
}

#[tokio::test]
async fn a_process_looks_at_a_table_once() {
    let world = World::new().await;
    let store = world.new_process();
    store.create_list("News", Optin::Single, NOW).await.unwrap();
    let first = store.take_usage();
    store.clone().create_list("Offers", Optin::Single, NOW).await.unwrap();
    let second = store.take_usage();
    assert_eq!((first.requests, second.requests), (second.requests + 1, 2));
}

/// Why nothing was written.
#[track_caller]
fn refusal<T: std::fmt::Debug>(answer: Result<T, PortError>) -> String {
    let error = answer.unwrap_err();
    let cause = error.source().and_then(|source| source.downcast_ref::<StoreError>()).unwrap();
    assert!(matches!(cause, StoreError::Version { .. }) && !cause.is_transient(), "{cause:?}");
    cause.to_string()
}

impl World {
    /// A store as another process has it, which looked at nothing yet.
    fn new_process(&self) -> Store {
        Store::new(self.client.clone(), self.tables.clone())
    }

    async fn write(&self, table: &str, write: WriteRequest) {
        self.client.batch_write_item().request_items(table, vec![write]).send().await.unwrap();
    }
}

fn key() -> HashMap<String, AttributeValue> {
    let schema = AttributeValue::S("SCHEMA".into());
    HashMap::from([("pk".to_owned(), schema.clone()), ("sk".to_owned(), schema)])
}

fn put_version(version: u32) -> WriteRequest {
    let mut item = key();
    item.insert("version".to_owned(), AttributeValue::N(version.to_string()));
    let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
    WriteRequest::builder().put_request(put).build()
}

fn delete_version() -> WriteRequest {
    let delete = DeleteRequest::builder().set_key(Some(key())).build().unwrap();
    WriteRequest::builder().delete_request(delete).build()
}
