//! The groups of one queue: where their messages are, and whose turn it is.

use std::collections::HashMap;

use rustack_sqs_model::input::{CreateQueueInput, DeleteQueueInput, GetQueueAttributesInput};
use tokio::sync::{Mutex, watch};

use crate::{Answer, FairSqs};

/// The attributes that a hidden queue has from the queue it belongs to: all that decide about messages.
const INHERITED: [&str; 5] =
    ["DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "RedrivePolicy", "VisibilityTimeout"];
const WAITING: &str = "ApproximateNumberOfMessages";
const IN_FLIGHT: &str = "ApproximateNumberOfMessagesNotVisible";
const DELAYED: &str = "ApproximateNumberOfMessagesDelayed";
/// Every place where a message of a queue can be.
pub(crate) const COUNTS: [&str; 3] = [WAITING, IN_FLIGHT, DELAYED];

/// One queue of the clients.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Held while a message is put into a group, so that a group is not deleted under it.
    pub(crate) groups: Mutex<Groups>,
    /// Told whenever a message may have become visible.
    pub(crate) changes: watch::Sender<()>,
}

/// The groups that hold something, and the messages without one, which are always the first.
#[derive(Debug)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    /// How many times a group was served.
    served: u64,
}

/// One queue of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// The `MessageGroupId`.
    pub(crate) id: Option<String>,
    /// The hidden queue's name, which marks its receipt handles.
    pub(crate) name: Option<String>,
    pub(crate) url: String,
    /// When it was served last, in servings of the queue.
    served: u64,
}

impl Queue {
    pub(crate) fn new(url: &str) -> Self {
        let ungrouped = Group { id: None, name: None, url: url.to_owned(), served: 0 };
        let groups = Groups { groups: vec![ungrouped], served: 0 };
        Self { groups: Mutex::new(groups), changes: watch::Sender::new(()) }
    }
}

impl Groups {
    /// Where the messages without a group are: the queue that the client made.
    pub(crate) fn own_url(&self) -> &str {
        &self.groups[0].url
    }

    /// The hidden queues.
    pub(crate) fn hidden(&self) -> &[Group] {
        &self.groups[1..]
    }

    /// Takes the hidden queues away.
    pub(crate) fn take_hidden(&mut self) -> Vec<Group> {
        self.groups.split_off(1)
    }

    /// The engine's queue that a receipt handle is of, and its handle there.
    pub(crate) fn resolve(&self, handle: &str) -> (String, String) {
        let marked = handle.split_once('/').and_then(|(name, handle)| {
            let group = self.hidden().iter().find(|group| group.name.as_deref() == Some(name))?;
            Some((group.url.clone(), handle.to_owned()))
        });
        marked.unwrap_or_else(|| (self.own_url().to_owned(), handle.to_owned()))
    }

    /// Notes that a group was served.
    pub(crate) fn serve(&mut self, url: &str) {
        self.served += 1;
        if let Some(group) = self.groups.iter_mut().find(|group| group.url == url) {
            group.served = self.served;
        }
    }
}

impl FairSqs {
    /// The engine's queue for messages of a group, made if there is none yet.
    pub(crate) async fn url_of(&self, groups: &mut Groups, id: Option<String>) -> Answer<String> {
        if let Some(group) = groups.groups.iter().find(|group| group.id == id) {
            return Ok(group.url.clone());
        }
        let attribute_names = INHERITED.map(str::to_owned).into();
        let input = GetQueueAttributesInput { queue_url: groups.own_url().to_owned(), attribute_names };
        let attributes = self.engine.get_queue_attributes(input).await?.attributes;
        let name = self.hidden_name();
        let input = CreateQueueInput { queue_name: name.clone(), attributes, tags: HashMap::new() };
        let url = self.engine.create_queue(input).await?.queue_url.unwrap_or_default();
        groups.groups.push(Group { id, name: Some(name), url: url.clone(), served: 0 });
        Ok(url)
    }

    /// The groups in the order in which they are to be served. Those that hold nothing any more are deleted.
    pub(crate) async fn turns(&self, groups: &mut Groups) -> Answer<Vec<Group>> {
        let (mut turns, mut drained) = (Vec::new(), Vec::new());
        for group in &groups.groups {
            let [waiting, in_flight, delayed] = self.counts(&group.url).await?;
            if group.name.is_some() && waiting + in_flight + delayed == 0 {
                drained.push(group.url.clone());
            } else {
                turns.push((in_flight, group.served, group.clone()));
            }
        }
        groups.groups.retain(|group| !drained.contains(&group.url));
        for url in drained {
            self.engine.delete_queue(DeleteQueueInput { queue_url: url }).await?;
        }
        turns.sort_by_key(|(in_flight, served, _)| (*in_flight, *served));
        Ok(turns.into_iter().map(|(_, _, group)| group).collect())
    }

    /// Messages of one of the engine's queues: waiting, in flight, delayed.
    pub(crate) async fn counts(&self, url: &str) -> Answer<[u64; 3]> {
        let attribute_names = COUNTS.map(str::to_owned).into();
        let input = GetQueueAttributesInput { queue_url: url.to_owned(), attribute_names };
        let attributes = self.engine.get_queue_attributes(input).await?.attributes;
        Ok(COUNTS.map(|name| attributes.get(name).and_then(|count| count.parse().ok()).unwrap_or(0)))
    }
}
