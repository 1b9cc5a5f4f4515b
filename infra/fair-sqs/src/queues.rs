//! Operations on queues as a whole, the hidden ones with them.

use rustack_sqs_model::{
    input::{
        CreateQueueInput, DeleteQueueInput, GetQueueAttributesInput, GetQueueUrlInput, ListQueuesInput,
        PurgeQueueInput, SetQueueAttributesInput,
    },
    output::{
        CreateQueueOutput, DeleteQueueOutput, GetQueueAttributesOutput, GetQueueUrlOutput, ListQueuesOutput,
        PurgeQueueOutput, SetQueueAttributesOutput,
    },
};

use crate::{
    Answer, FairSqs,
    groups::{COUNTS, Groups},
    is_hidden,
};

impl FairSqs {
    /// `CreateQueue`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn create_queue(&self, input: CreateQueueInput) -> Answer<CreateQueueOutput> {
        self.engine.create_queue(input).await
    }

    /// `GetQueueUrl`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn get_queue_url(&self, input: GetQueueUrlInput) -> Answer<GetQueueUrlOutput> {
        self.engine.get_queue_url(input).await
    }

    /// The URL of the queue with an ARN of the engine's account and region.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn queue_url_for_arn(&self, arn: &str) -> Answer<String> {
        self.engine.queue_url_for_arn(arn)
    }

    /// `ListQueues`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn list_queues(&self, input: ListQueuesInput) -> Answer<ListQueuesOutput> {
        let mut listed = self.engine.list_queues(input).await?;
        listed.queue_urls.retain(|url| !is_hidden(url));
        Ok(listed)
    }

    /// `GetQueueAttributes`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn get_queue_attributes(
        &self,
        input: GetQueueAttributesInput,
    ) -> Answer<GetQueueAttributesOutput> {
        let queue = self.queue(&input.queue_url);
        let groups = queue.groups.lock().await;
        let mut output = self.engine.get_queue_attributes(input).await?;
        for group in groups.hidden() {
            let counts = self.counts(&group.url).await?;
            for (name, count) in COUNTS.iter().zip(counts) {
                if let Some(sum) = output.attributes.get_mut(*name) {
                    *sum = (sum.parse().unwrap_or(0) + count).to_string();
                }
            }
        }
        Ok(output)
    }

    /// `SetQueueAttributes`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn set_queue_attributes(
        &self,
        input: SetQueueAttributesInput,
    ) -> Answer<SetQueueAttributesOutput> {
        let queue = self.queue(&input.queue_url);
        let groups = queue.groups.lock().await;
        let output = self.engine.set_queue_attributes(input.clone()).await?;
        for group in groups.hidden() {
            let input = SetQueueAttributesInput { queue_url: group.url.clone(), ..input.clone() };
            self.engine.set_queue_attributes(input).await?;
        }
        Ok(output)
    }

    /// `PurgeQueue`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn purge_queue(&self, input: PurgeQueueInput) -> Answer<PurgeQueueOutput> {
        let queue = self.queue(&input.queue_url);
        let mut groups = queue.groups.lock().await;
        let output = self.engine.purge_queue(input).await?;
        self.delete_hidden(&mut groups).await?;
        Ok(output)
    }

    /// `DeleteQueue`.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub async fn delete_queue(&self, input: DeleteQueueInput) -> Answer<DeleteQueueOutput> {
        let queue = self.queue(&input.queue_url);
        let mut groups = queue.groups.lock().await;
        self.delete_hidden(&mut groups).await?;
        self.engine.delete_queue(input).await
    }

    /// Stops every queue; what is on them is gone.
    pub async fn shutdown_all(&self) {
        self.engine.shutdown_all().await;
    }

    async fn delete_hidden(&self, groups: &mut Groups) -> Answer<()> {
        for group in groups.take_hidden() {
            self.engine.delete_queue(DeleteQueueInput { queue_url: group.url }).await?;
        }
        Ok(())
    }
}
