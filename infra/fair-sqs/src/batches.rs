//! Requests with up to ten entries: each entry on its own, as the engine does it.

use std::collections::HashSet;

use rustack_sqs_model::{
    error::SqsError,
    input::{
        ChangeMessageVisibilityBatchInput, ChangeMessageVisibilityInput, DeleteMessageBatchInput,
        DeleteMessageInput, SendMessageBatchInput, SendMessageInput,
    },
    output::{ChangeMessageVisibilityBatchOutput, DeleteMessageBatchOutput, SendMessageBatchOutput},
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchResultEntry,
        SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
    },
};

use crate::{Answer, FairSqs};

/// Most entries of one request, here and on AWS.
const MAX_ENTRIES: usize = 10;

impl FairSqs {
    /// `SendMessageBatch`.
    ///
    /// # Errors
    ///
    /// `InvalidParameterValue` and its kin if the entries are none, too many or of the same id.
    pub async fn send_message_batch(&self, input: SendMessageBatchInput) -> Answer<SendMessageBatchOutput> {
        check(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = SendMessageBatchOutput::default();
        for entry in input.entries {
            let id = entry.id.clone();
            match self.send_message(one_message(&input.queue_url, entry)).await {
                Ok(sent) => output.successful.push(SendMessageBatchResultEntry {
                    id,
                    message_id: sent.message_id.unwrap_or_default(),
                    md5_of_message_body: sent.md5_of_message_body.unwrap_or_default(),
                    md5_of_message_attributes: sent.md5_of_message_attributes,
                    sequence_number: sent.sequence_number,
                }),
                Err(error) => output.failed.push(failure(id, error)),
            }
        }
        Ok(output)
    }

    /// `DeleteMessageBatch`.
    ///
    /// # Errors
    ///
    /// As for [`send_message_batch`](Self::send_message_batch).
    pub async fn delete_message_batch(
        &self,
        input: DeleteMessageBatchInput,
    ) -> Answer<DeleteMessageBatchOutput> {
        check(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = DeleteMessageBatchOutput::default();
        for entry in input.entries {
            let queue_url = input.queue_url.clone();
            let one = DeleteMessageInput { queue_url, receipt_handle: entry.receipt_handle };
            match self.delete_message(one).await {
                Ok(_) => output.successful.push(DeleteMessageBatchResultEntry { id: entry.id }),
                Err(error) => output.failed.push(failure(entry.id, error)),
            }
        }
        Ok(output)
    }

    /// `ChangeMessageVisibilityBatch`.
    ///
    /// # Errors
    ///
    /// As for [`send_message_batch`](Self::send_message_batch).
    pub async fn change_message_visibility_batch(
        &self,
        input: ChangeMessageVisibilityBatchInput,
    ) -> Answer<ChangeMessageVisibilityBatchOutput> {
        check(input.entries.iter().map(|entry| entry.id.as_str()))?;
        let mut output = ChangeMessageVisibilityBatchOutput::default();
        for entry in input.entries {
            let one = ChangeMessageVisibilityInput {
                queue_url: input.queue_url.clone(),
                receipt_handle: entry.receipt_handle,
                visibility_timeout: entry.visibility_timeout,
            };
            match self.change_message_visibility(one).await {
                Ok(_) => output.successful.push(ChangeMessageVisibilityBatchResultEntry { id: entry.id }),
                Err(error) => output.failed.push(failure(entry.id, error)),
            }
        }
        Ok(output)
    }
}

fn check<'e>(ids: impl ExactSizeIterator<Item = &'e str>) -> Answer<()> {
    let count = ids.len();
    if count == 0 {
        return Err(SqsError::empty_batch_request());
    }
    if MAX_ENTRIES < count {
        return Err(SqsError::too_many_entries_in_batch());
    }
    if ids.collect::<HashSet<_>>().len() < count {
        return Err(SqsError::batch_entry_ids_not_distinct());
    }
    Ok(())
}

fn one_message(queue_url: &str, entry: SendMessageBatchRequestEntry) -> SendMessageInput {
    SendMessageInput {
        queue_url: queue_url.to_owned(),
        message_body: entry.message_body,
        delay_seconds: entry.delay_seconds,
        message_deduplication_id: entry.message_deduplication_id,
        message_group_id: entry.message_group_id,
        message_attributes: entry.message_attributes,
        message_system_attributes: entry.message_system_attributes,
    }
}

fn failure(id: String, error: SqsError) -> BatchResultErrorEntry {
    BatchResultErrorEntry {
        id,
        sender_fault: error.code.is_sender_fault(),
        code: error.code.error_type().to_owned(),
        message: Some(error.message),
    }
}
