//! What DynamoDB does on a busy day, and the embedded engine never: conflicts, throttles, half answers.

use std::error::Error;

use fanmail_domain::{CampaignId, FailReason, Failure, LaneNo, SubscriberId, Timestamp};
use fanmail_engine::ports::{Audience, Campaigns, Conditional, Consistency, Ledger, PortError};
use fanmail_store::{Imported, StoreError};

use crate::fixtures::{batch, count, done, leased, onto, person};
use crate::stub::Stub;

const CONFLICT: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "Transaction cancelled",
    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict", "Message": "busy"}]
}"#;
const THROTTLED: &str = r#"{
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"
}"#;
const NOTHING: &str = "{}";

fn cause(error: &PortError) -> &StoreError {
    error.source().and_then(|source| source.downcast_ref()).unwrap()
}

#[tokio::test]
async fn a_conflict_of_transactions_is_an_error_and_the_repeat_is_the_same_request() {
    let stub = Stub::new(&[(400, CONFLICT), (200, NOTHING)]).await;
    let planned = batch(CampaignId(1), 0, 3);
    let batch = done(&leased(&planned, 1));
    let count = count(&planned, &batch);
    let error = stub.store.count_batch(&batch, &count).await.unwrap_err();
    assert!(cause(&error).is_transient(), "{error}: {}", error.source);
    assert_eq!(stub.store.count_batch(&batch, &count).await.unwrap(), Conditional::Applied);
    let tokens: Vec<String> = stub.requests().iter().map(|body| token(body)).collect();
    assert!(tokens[0] == tokens[1] && tokens[0].len() == 32, "{tokens:?}");
}

#[tokio::test]
async fn different_writes_have_different_tokens() {
    let stub = Stub::new(&[(200, NOTHING), (200, NOTHING)]).await;
    let first = done(&leased(&batch(CampaignId(1), 0, 3), 1));
    let second = done(&leased(&batch(CampaignId(1), 0, 3), 2));
    let planned = batch(CampaignId(1), 0, 3);
    for batch in [first, fanmail_domain::Batch { stalls: 9, ..second }] {
        let count = count(&planned, &batch);
        assert_eq!(stub.store.count_batch(&batch, &count).await.unwrap(), Conditional::Applied);
    }
    let requests = stub.requests();
    assert_ne!(token(&requests[0]), token(&requests[1]));
}

fn token(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["ClientRequestToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_throttle_is_named_by_its_code() {
    let stub = Stub::new(&[(400, THROTTLED); 3]).await;
    let error = stub.store.campaign(CampaignId(1)).await.unwrap_err();
    assert_eq!(
        format!("{error}: {}", cause(&error)),
        "could not read a campaign: dynamodb refused the request: ProvisionedThroughputExceededException"
    );
    assert!(cause(&error).is_transient());
    assert_eq!(stub.requests().len(), 3, "the SDK asks three times");
}

#[tokio::test]
async fn a_silent_dynamodb_is_an_error_and_not_an_empty_table() {
    let stub = Stub::new(&[]).await;
    let error = stub.store.campaign(CampaignId(1)).await.unwrap_err();
    assert!(matches!(cause(&error), StoreError::NoAnswer(_)), "{:?}", error.source);
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_again() {
    let row = |id: u64| {
        format!(
            r#"{{"pk": {{"S": "S#00"}}, "sk": {{"S": "{id:016}"}}, "mailbox": {{"S": "a{id}@example.org"}},
            "standing": {{"S": "5 3:confirmed"}}}}"#
        )
    };
    let first = format!(
        r#"{{"Responses": {{"audience": [{}]}}, "UnprocessedKeys": {{"audience": {{"Keys": [
        {{"pk": {{"S": "S#00"}}, "sk": {{"S": "0000000000000002"}}}}]}}}},
        "ConsumedCapacity": [{{"TableName": "audience", "CapacityUnits": 0.5}}]}}"#,
        row(1)
    );
    let second = format!(r#"{{"Responses": {{"audience": [{}]}}}}"#, row(2));
    let stub = Stub::new(&[(200, &first), (200, &second)]).await;
    let ids = [1, 2].map(|number| SubscriberId::from_number(number).unwrap());
    let found = stub.store.subscribers(&ids, Consistency::Eventual).await.unwrap();
    assert_eq!(found.len(), 2);
    let requests = stub.requests();
    let first = "\"0000000000000001\"";
    assert!(requests[0].contains(first) && !requests[1].contains(first), "only what is left is asked again");
    assert_eq!(stub.store.usage().read_units, 0.5);
}

#[tokio::test]
async fn failures_left_unprocessed_are_written_again() {
    let left = r#"{"UnprocessedItems": {"campaigns": [{"PutRequest": {"Item": {
        "pk": {"S": "C#1#F00"}, "sk": {"S": "0000000000000002"}}}}]}}"#;
    let stub = Stub::new(&[(200, left), (200, NOTHING)]).await;
    let failure = |number| Failure {
        campaign: CampaignId(1),
        lane: LaneNo(0),
        subscriber: SubscriberId::from_number(number).unwrap(),
        reason: FailReason::Render,
        code: None,
        text: "no".into(),
        at: Timestamp(1),
    };
    stub.store.record_failures(&[failure(1), failure(2)]).await.unwrap();
    let requests = stub.requests();
    assert_eq!(requests.len(), 2);
    assert!(!requests[1].contains("0000000000000001"));
}

#[tokio::test]
async fn an_import_waits_for_a_conflict_to_pass() {
    let stub = Stub::new(&[(200, NOTHING), (400, CONFLICT), (200, NOTHING), (200, NOTHING)]).await;
    let lists = [fanmail_domain::ListId(1)];
    let outcomes = stub.store.import(&[person("ann@example.org")], &onto(&lists)).await.unwrap();
    assert_eq!((outcomes, stub.requests().len()), (vec![Imported::Created], 4));
}

#[tokio::test]
async fn a_damaged_item_is_named() {
    let damaged = r#"{"Item": {"pk": {"S": "C#1"}, "sk": {"S": "META"}, "name": {"N": "5"}}}"#;
    let stub = Stub::new(&[(200, damaged)]).await;
    let error = stub.store.campaign(CampaignId(1)).await.unwrap_err();
    let decode = cause(&error).source().unwrap().to_string();
    assert_eq!(decode, "attribute name of item C#1/META is no text");
}
