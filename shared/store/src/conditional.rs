//! Conditional writes of one item, and the only place that sends them.
//!
//! A refused condition is an answer: it comes with the item that refused it, read in the same moment. The SDK
//! repeats a request whose answer was lost, and the repeat meets its own first write; whoever asked compares.
//! Before its first write a process looks at the version of the table ([`crate::schema`]).

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    ConsumedCapacity, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use fanmail_engine::ports::Conditional;

use crate::Store;
use crate::attributes::{Item, Reader};
use crate::error::{DecodeError, StoreError};
use crate::keys::Key;
use crate::write::{Action, Table, Write};

/// Puts the item of `write` if its condition holds.
pub(crate) async fn put_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    store.agree(write.table).await?;
    put_unseen(store, write).await
}

/// The same without a look at the version of the table: for the version itself.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn put_unseen(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let item = match write.action {
        Action::Put(item) => item,
        Action::Update | Action::Delete | Action::Check => write.key.into_item(),
    };
    let request = store.client.put_item().table_name(store.table(write.table)).set_item(Some(item));
    let request = request
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let sent = request.send().await.map(|output| output.consumed_capacity);
    answer(store, sent, |error| {
        let PutItemError::ConditionalCheckFailedException(failed) = error else { return None };
        Some(failed.item().cloned())
    })
}

/// Updates the item of `write` if its condition holds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn update_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    store.agree(write.table).await?;
    let sent = update(store, write).send().await.map(|output| output.consumed_capacity);
    answer(store, sent, |error| {
        let UpdateItemError::ConditionalCheckFailedException(failed) = error else { return None };
        Some(failed.item().cloned())
    })
}

/// Deletes the item of `write` if its condition holds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn delete_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    store.agree(write.table).await?;
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let request = store.client.delete_item().table_name(store.table(write.table));
    let request = request
        .set_key(Some(write.key.into_item()))
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let sent = request.send().await.map(|output| output.consumed_capacity);
    answer(store, sent, |error| {
        let DeleteItemError::ConditionalCheckFailedException(failed) = error else { return None };
        Some(failed.item().cloned())
    })
}

/// The attribute that a counter item counts in.
pub(crate) const COUNT: &str = "count";

/// Adds 1 to a counter and answers its new value. A repeat after a lost answer leaves a number out, which
/// nobody minds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn count_up(store: &Store, table: Table, key: Key) -> Result<u64, StoreError> {
    store.agree(table).await?;
    let request = update(store, Write::update(table, key).add(COUNT, 1));
    let sent = request.return_values(ReturnValue::AllNew).send().await;
    store.meter.asked();
    let output = sent.map_err(StoreError::from_sdk)?;
    store.meter.wrote(output.consumed_capacity());
    Ok(Reader(&output.attributes.unwrap_or_default()).number(COUNT)?)
}

/// The answer in the terms of whoever asked.
pub(crate) fn decoded<T>(
    answer: Conditional<Item>,
    decode: impl FnOnce(&Item) -> Result<T, DecodeError>,
) -> Result<Conditional<T>, StoreError> {
    Ok(match answer {
        Conditional::Applied => Conditional::Applied,
        Conditional::Rejected(current) => Conditional::Rejected(current.as_ref().map(decode).transpose()?),
    })
}

fn update(store: &Store, write: Write) -> UpdateItemFluentBuilder {
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let request = store.client.update_item().table_name(store.table(write.table));
    request
        .set_key(Some(write.key.into_item()))
        .update_expression(write.expression.text())
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
}

/// What became of a request: `refused` finds the item that a failed condition met.
fn answer<E>(
    store: &Store,
    sent: Result<Option<ConsumedCapacity>, SdkError<E>>,
    refused: impl FnOnce(&E) -> Option<Option<Item>>,
) -> Result<Conditional<Item>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    store.meter.asked();
    let error = match sent {
        Ok(consumed) => {
            store.meter.wrote(&consumed);
            return Ok(Conditional::Applied);
        }
        Err(error) => error,
    };
    match error.as_service_error().and_then(refused) {
        Some(current) => {
            store.meter.refused(1);
            Ok(Conditional::Rejected(current))
        }
        None => Err(StoreError::from_sdk(error)),
    }
}
