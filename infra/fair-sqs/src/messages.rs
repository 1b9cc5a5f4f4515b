//! Operations on single messages, and receiving.

use std::time::Duration;

use rustack_sqs_core::queue::extract_queue_name;
use rustack_sqs_model::{
    error::SqsError,
    input::{
        ChangeMessageVisibilityInput, DeleteMessageInput, GetQueueAttributesInput, ReceiveMessageInput,
        SendMessageInput,
    },
    output::{ChangeMessageVisibilityOutput, DeleteMessageOutput, ReceiveMessageOutput, SendMessageOutput},
    types::Message,
};
use tokio::time::Instant;

use crate::{
    Answer, FairSqs,
    groups::{Group, Groups},
};

/// How often a long poll looks for messages whose delay or visibility timeout ended: as often as the engine does.
const LOOK: Duration = Duration::from_secs(1);
/// Most messages of one receive, here and on AWS.
const MAX_MESSAGES: i32 = 10;
/// Longest `MessageGroupId` (`SendMessage`, AWS API reference).
const MAX_GROUP_ID: usize = 128;
const GROUP_ID: &str = "MessageGroupId";
const WAIT_TIME: &str = "ReceiveMessageWaitTimeSeconds";

impl FairSqs {
    /// `SendMessage`.
    ///
    /// # Errors
    ///
    /// The engine's; and `InvalidParameterValue` if the group's id is none.
    pub async fn send_message(&self, mut input: SendMessageInput) -> Answer<SendMessageOutput> {
        let queue = self.queue(&input.queue_url);
        let mut groups = queue.groups.lock().await;
        if !is_fifo(&input.queue_url) {
            let id = input.message_group_id.take();
            check_group_id(id.as_deref())?;
            input.queue_url = self.url_of(&mut groups, id).await?;
        }
        let sent = self.engine.send_message(input).await;
        queue.changes.send_replace(());
        sent
    }

    /// `ReceiveMessage`. The future may be dropped; should messages be handed out in that very moment, they come
    /// again after their visibility timeout.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn receive_message(&self, input: ReceiveMessageInput) -> Answer<ReceiveMessageOutput> {
        let queue = self.queue(&input.queue_url);
        let mut changes = queue.changes.subscribe();
        let end = Instant::now() + self.wait_time(&input).await?;
        loop {
            changes.mark_unchanged();
            let messages = self.hand_out(&mut *queue.groups.lock().await, &input).await?;
            let now = Instant::now();
            if !messages.is_empty() || end <= now {
                return Ok(ReceiveMessageOutput { messages });
            }
            // The sender is in `queue`, so this cannot fail; late is as good as changed.
            let _ = tokio::time::timeout_at(end.min(now + LOOK), changes.changed()).await;
        }
    }

    /// `DeleteMessage`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn delete_message(&self, input: DeleteMessageInput) -> Answer<DeleteMessageOutput> {
        let queue = self.queue(&input.queue_url);
        let groups = queue.groups.lock().await;
        let (queue_url, receipt_handle) = groups.resolve(&input.receipt_handle);
        let deleted = self.engine.delete_message(DeleteMessageInput { queue_url, receipt_handle }).await;
        // A FIFO queue's next message may be visible now.
        queue.changes.send_replace(());
        deleted
    }

    /// `ChangeMessageVisibility`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn change_message_visibility(
        &self,
        input: ChangeMessageVisibilityInput,
    ) -> Answer<ChangeMessageVisibilityOutput> {
        let queue = self.queue(&input.queue_url);
        let groups = queue.groups.lock().await;
        let (queue_url, receipt_handle) = groups.resolve(&input.receipt_handle);
        let input = ChangeMessageVisibilityInput { queue_url, receipt_handle, ..input };
        let changed = self.engine.change_message_visibility(input).await;
        queue.changes.send_replace(());
        changed
    }

    /// What is visible now, group by group, each when it is its turn.
    async fn hand_out(&self, groups: &mut Groups, input: &ReceiveMessageInput) -> Answer<Vec<Message>> {
        let mut left = input.max_number_of_messages.unwrap_or(1).clamp(1, MAX_MESSAGES);
        let mut messages = Vec::new();
        for group in self.turns(groups).await? {
            let input = ReceiveMessageInput {
                queue_url: group.url.clone(),
                max_number_of_messages: Some(left),
                wait_time_seconds: Some(0),
                ..input.clone()
            };
            let wants_group = wants_group(&input);
            let received = self.engine.receive_message(input).await?.messages;
            if received.is_empty() {
                continue;
            }
            groups.serve(&group.url);
            left -= i32::try_from(received.len()).unwrap_or(left);
            messages.extend(received.into_iter().map(|message| marked(message, &group, wants_group)));
            if left <= 0 {
                break;
            }
        }
        Ok(messages)
    }

    /// How long a receive waits for messages: as it says, or as the queue does.
    async fn wait_time(&self, input: &ReceiveMessageInput) -> Answer<Duration> {
        let seconds = match input.wait_time_seconds {
            Some(seconds) => seconds,
            None => {
                let attribute_names = vec![WAIT_TIME.to_owned()];
                let input = GetQueueAttributesInput { queue_url: input.queue_url.clone(), attribute_names };
                let attributes = self.engine.get_queue_attributes(input).await?.attributes;
                attributes.get(WAIT_TIME).and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
            }
        };
        Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

fn is_fifo(url: &str) -> bool {
    extract_queue_name(url).is_some_and(|name| name.ends_with(".fifo"))
}

/// 1 to 128 letters, digits and punctuation marks (`SendMessage`, AWS API reference).
fn check_group_id(id: Option<&str>) -> Answer<()> {
    let valid =
        |id: &str| (1..=MAX_GROUP_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if id.is_none_or(valid) {
        return Ok(());
    }
    let why = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
    Err(SqsError::invalid_parameter_value(why))
}

fn wants_group(input: &ReceiveMessageInput) -> bool {
    let mut names = input.attribute_names.iter().chain(&input.message_system_attribute_names);
    names.any(|name| name == "All" || name == GROUP_ID)
}

/// A message of a group, as the client is to see it.
fn marked(mut message: Message, group: &Group, wants_group: bool) -> Message {
    if let (Some(name), Some(handle)) = (&group.name, &mut message.receipt_handle) {
        *handle = format!("{name}/{handle}");
    }
    if let Some(id) = group.id.as_ref().filter(|_| wants_group) {
        message.attributes.insert(GROUP_ID.to_owned(), id.clone());
    }
    message
}
