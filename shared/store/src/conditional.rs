//! Conditional writes of one item, and the only place that sends them.
//!
//! A refused condition is an answer: it comes with the item that refused it, read in the same moment. The SDK
//! repeats a request whose answer was lost, and the repeat meets its own first write; whoever asked compares.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use fanmail_engine::ports::Conditional;

use crate::Store;
use crate::attributes::{Item, Reader};
use crate::error::{DecodeError, StoreError};
use crate::keys::Key;
use crate::write::{Action, Table, Write};

/// Puts the item of `write` if its condition holds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn put_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let item = match write.action {
        Action::Put(item) => item,
        Action::Update(_) | Action::Delete | Action::Check => write.key.into_item(),
    };
    let request = store.client.put_item().table_name(store.table(write.table)).set_item(Some(item));
    let request = request
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    store.meter.asked();
    let error = match request.send().await {
        Ok(output) => {
            store.meter.wrote(output.consumed_capacity());
            return Ok(Conditional::Applied);
        }
        Err(error) => error,
    };
    if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return Ok(refused(store, failed.item()));
    }
    Err(StoreError::from_sdk(error))
}

/// Updates the item of `write` if its condition holds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn update_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let request = store
        .client
        .update_item()
        .table_name(store.table(write.table))
        .set_key(Some(write.key.into_item()))
        .set_update_expression(expression(&write.action))
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    store.meter.asked();
    let error = match request.send().await {
        Ok(output) => {
            store.meter.wrote(output.consumed_capacity());
            return Ok(Conditional::Applied);
        }
        Err(error) => error,
    };
    if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return Ok(refused(store, failed.item()));
    }
    Err(StoreError::from_sdk(error))
}

/// Deletes the item of `write` if its condition holds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn delete_if(store: &Store, write: Write) -> Result<Conditional<Item>, StoreError> {
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let request = store
        .client
        .delete_item()
        .table_name(store.table(write.table))
        .set_key(Some(write.key.into_item()))
        .set_condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(OnFailure::AllOld)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    store.meter.asked();
    let error = match request.send().await {
        Ok(output) => {
            store.meter.wrote(output.consumed_capacity());
            return Ok(Conditional::Applied);
        }
        Err(error) => error,
    };
    if let Some(DeleteItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return Ok(refused(store, failed.item()));
    }
    Err(StoreError::from_sdk(error))
}

/// Adds 1 to a counter and answers its new value. A repeat after a lost answer leaves a number out, which
/// nobody minds.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn count_up(store: &Store, table: Table, key: Key) -> Result<u64, StoreError> {
    let write = Write::update(table, key.clone()).add(COUNT, 1);
    let request = store
        .client
        .update_item()
        .table_name(store.table(table))
        .set_key(Some(key.into_item()))
        .set_update_expression(expression(&write.action))
        .set_expression_attribute_names(write.names())
        .set_expression_attribute_values(write.values())
        .return_values(ReturnValue::AllNew)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    store.meter.asked();
    let output = request.send().await.map_err(StoreError::from_sdk)?;
    store.meter.wrote(output.consumed_capacity());
    Ok(Reader(&output.attributes.unwrap_or_default()).number(COUNT)?)
}

/// The attribute that a counter item counts in.
pub(crate) const COUNT: &str = "count";

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

fn refused(store: &Store, current: Option<&Item>) -> Conditional<Item> {
    store.meter.refused(1);
    Conditional::Rejected(current.cloned())
}

fn expression(action: &Action) -> Option<String> {
    match action {
        Action::Update(expression) => Some(expression.text()),
        Action::Put(_) | Action::Delete | Action::Check => None,
    }
}
