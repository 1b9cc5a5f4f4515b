//! Transactions over several items, and the only place that sends them.
//!
//! Either every write takes place or none does. A condition that does not hold refuses all of them, and the
//! answer says for each write whether it was its condition that failed, and what stood there instead.
//!
//! DynamoDB takes two requests with one client token for one request, for ten minutes. The SDK gives every
//! request a token of its own, so that its repeats are recognised. [`Token::Derived`] goes further: it is a
//! digest of what is written, so that a repeat by our caller is recognised too. It serves writes that name a
//! revision which never comes back; where an item can be deleted and made again, the same write can be meant
//! twice, and [`Token::Fresh`] is right.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::error::TransactionCanceledException;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};

use fanmail_engine::ports::Conditional;

use crate::Store;
use crate::attributes::Item;
use crate::error::{DecodeError, StoreError};
use crate::fingerprint::fingerprint;
use crate::write::{Action, Write};

/// The most actions of one transaction (`TransactWriteItems`, AWS API reference).
pub(crate) const MAX_ACTIONS: usize = 100;

/// How DynamoDB tells a repeat from a second request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// By what is written.
    Derived,
    /// By a token that the SDK makes for this call.
    Fresh,
}

/// Outcome of a transaction. A lost race is an answer, not an error.
#[derive(Debug)]
#[must_use = "a rejected transaction changed nothing"]
pub(crate) enum Transacted {
    Applied,
    Rejected(Refusals),
}

impl Transacted {
    /// The answer to whoever meant the first of the writes: what stands in its place. `otherwise` reads that
    /// when the first write was fine, and another one was refused.
    pub(crate) async fn first<T>(
        self,
        decode: impl FnOnce(&Item) -> Result<T, DecodeError>,
        otherwise: impl Future<Output = Result<Option<T>, StoreError>>,
    ) -> Result<Conditional<T>, StoreError> {
        let Self::Rejected(refusals) = self else { return Ok(Conditional::Applied) };
        let standing = match refusals.at(0) {
            Some(current) => current.map(decode).transpose()?,
            None => otherwise.await?,
        };
        Ok(Conditional::Rejected(standing))
    }
}

/// Why a transaction was refused, by the position of its writes.
#[derive(Debug)]
pub(crate) struct Refusals(Vec<Refusal>);

#[derive(Debug)]
enum Refusal {
    /// The condition held, or was not looked at.
    None,
    /// The condition did not hold; this stood there.
    Condition(Option<Item>),
}

impl Refusals {
    /// The refusal of a write that stood alone.
    pub(crate) fn of_one(current: Option<Item>) -> Self {
        Self(vec![Refusal::Condition(current)])
    }

    /// What stood in the way of the write at `position`; `None` if it was not this write that was refused.
    pub(crate) fn at(&self, position: usize) -> Option<Option<&Item>> {
        match self.0.get(position) {
            Some(Refusal::Condition(item)) => Some(item.as_ref()),
            Some(Refusal::None) | None => None,
        }
    }
}

/// Carries out all of `writes`, or none.
///
/// # Errors
///
/// [`StoreError::Cancelled`] if the transaction met another one or was throttled: it changed nothing, and may
/// be asked for again.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper")]
pub(crate) async fn write_all(
    store: &Store,
    token: Token,
    writes: Vec<Write>,
) -> Result<Transacted, StoreError> {
    for write in &writes {
        store.agree(write.table).await?;
    }
    let count = writes.len();
    let token = (token == Token::Derived).then(|| fingerprint(store, &writes));
    let actions = writes.into_iter().map(|write| action(store, write)).collect::<Result<_, _>>()?;
    let request = store
        .client
        .transact_write_items()
        .set_transact_items(Some(actions))
        .set_client_request_token(token)
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    store.meter.asked();
    let error = match request.send().await {
        Ok(output) => {
            store.meter.wrote(output.consumed_capacity());
            return Ok(Transacted::Applied);
        }
        Err(error) => error,
    };
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        store.meter.refused(2 * count);
        return refusals(cancelled).map(Transacted::Rejected);
    }
    Err(StoreError::from_sdk(error))
}

/// The conditions that failed, if any did; what else can cancel a transaction is an error.
fn refusals(cancelled: &TransactionCanceledException) -> Result<Refusals, StoreError> {
    let reasons = cancelled.cancellation_reasons();
    let code = |reason: &CancellationReason| reason.code().unwrap_or(NO_REASON).to_owned();
    let refusal = |reason: &CancellationReason| match reason.code() {
        Some(CONDITION_FAILED) => Refusal::Condition(reason.item().cloned()),
        _ => Refusal::None,
    };
    if reasons.iter().any(|reason| reason.code() == Some(CONDITION_FAILED)) {
        return Ok(Refusals(reasons.iter().map(refusal).collect()));
    }
    let codes: Vec<String> = reasons.iter().map(code).filter(|code| code != NO_REASON).collect();
    Err(StoreError::Cancelled { codes: codes.join(", ") })
}

/// The code of an action that had no part in the cancellation.
const NO_REASON: &str = "None";
/// The code of an action whose condition did not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

fn action(store: &Store, write: Write) -> Result<TransactWriteItem, BuildError> {
    let table = store.table(write.table);
    let (condition, names, values) = (write.condition(), write.names(), write.values());
    let action = TransactWriteItem::builder();
    let action = match write.action {
        Action::Put(item) => action.put(
            Put::builder()
                .table_name(table)
                .set_item(Some(item))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Action::Update => action.update(
            Update::builder()
                .table_name(table)
                .set_key(Some(write.key.into_item()))
                .update_expression(write.expression.text())
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Action::Delete => action.delete(
            Delete::builder()
                .table_name(table)
                .set_key(Some(write.key.into_item()))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
        Action::Check => action.condition_check(
            ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(write.key.into_item()))
                .set_condition_expression(condition)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .build()?,
        ),
    };
    Ok(action.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attributes::number;

    fn cancelled(codes: &[&str]) -> TransactionCanceledException {
        let reasons = codes.iter().map(|code| {
            let item = (*code == CONDITION_FAILED).then(|| Item::from([("rev".to_owned(), number(4))]));
            CancellationReason::builder().code(*code).set_item(item).build()
        });
        TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.collect())).build()
    }

    #[test]
    fn a_failed_condition_answers_with_the_item_at_its_position() {
        let refusals = refusals(&cancelled(&["None", "ConditionalCheckFailed"])).unwrap();
        assert!(refusals.at(0).is_none() && refusals.at(2).is_none());
        assert_eq!(refusals.at(1).flatten().map(|item| item["rev"].clone()), Some(number(4)));
    }

    #[test]
    fn a_conflict_or_a_throttle_is_an_error_worth_asking_again() {
        let error = refusals(&cancelled(&["TransactionConflict", "None", "ThrottlingError"])).unwrap_err();
        assert!(error.is_transient(), "{error}");
        assert_eq!(
            error.to_string(),
            "dynamodb cancelled the transaction: TransactionConflict, ThrottlingError"
        );
        let error = refusals(&cancelled(&["ValidationError"])).unwrap_err();
        assert!(!error.is_transient(), "{error}");
    }

    #[test]
    fn a_failed_condition_weighs_more_than_a_conflict_elsewhere() {
        let refusals = refusals(&cancelled(&["ConditionalCheckFailed", "TransactionConflict"])).unwrap();
        assert!(refusals.at(0).is_some() && refusals.at(1).is_none());
    }
}
