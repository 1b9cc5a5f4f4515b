//! Deciding on recipients: who they are, whether they may receive the message, and what it says.
//!
//! Everything that may go wrong with a recipient happens before the first intent is written: the subscribers
//! are read, and all messages of the batch are rendered. So between an intent and its result there is nothing
//! but the provider. Only a batch that seems to kill its senders goes recipient by recipient, each marked
//! *preparing* before it is rendered; the results of the one before are saved by the same write.

use fanmail_domain::pacing::window;
use fanmail_domain::{Change, FailReason, RecipientEvent, SkipReason, Subscriber, SubscriberId};

use super::run::{Rendered, Run};
use crate::commit::retry;
use crate::ports::{
    Audience, Campaigns, Clock, Consistency, Ledger, Mailer, PortError, Recipient, RenderError, Tasks,
    Windows,
};

impl<S, Q, M, C> Run<'_, '_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Reads who the pending recipients are. Whoever looks absent or unwilling is read again, strongly: a
    /// person is skipped only for what surely stands.
    pub(super) async fn load_subscribers(&mut self) -> Result<(), PortError> {
        let ids: Vec<_> = self.batch.pending().map(|at| self.batch.entries[at].subscriber).collect();
        self.read(&ids, Consistency::Eventual).await?;
        let doubtful: Vec<_> = ids.into_iter().filter(|id| self.may_receive(*id).is_err()).collect();
        self.read(&doubtful, Consistency::Strong).await
    }

    async fn read(&mut self, ids: &[SubscriberId], consistency: Consistency) -> Result<(), PortError> {
        if !ids.is_empty() {
            let read = || self.ports.store.subscribers(ids, consistency);
            let found = retry(self.ports.clock, self.invocation.deadline, read).await?;
            self.subscribers.extend(found);
        }
        Ok(())
    }

    fn may_receive(&self, id: SubscriberId) -> Result<&Subscriber, SkipReason> {
        let subscriber = self.subscribers.get(&id).ok_or(SkipReason::Gone)?;
        subscriber.may_receive(&self.view.campaign.audience)?;
        Ok(subscriber)
    }

    /// Skips who may not receive the message, and renders it for everybody else.
    pub(super) fn prepare(&mut self) -> Result<(), PortError> {
        let waiting: Vec<usize> = self.batch.pending().collect();
        let mut ends = Vec::new();
        for position in waiting {
            let may = self.may_receive(self.batch.entries[position].subscriber).map(|_| ());
            match may {
                Err(reason) => ends.push(Change { position, event: RecipientEvent::Skip(reason) }),
                Ok(()) if self.careful => self.waiting.push_back(position),
                Ok(()) => ends.extend(self.render(position)),
            }
        }
        self.record(&ends)
    }

    /// The next messages to submit, marked so. `None` if the lease was lost on the way.
    pub(super) async fn next_window(&mut self) -> Result<Option<Vec<Rendered<M>>>, PortError> {
        let mut size = window(self.rate(), self.view.settings.max_conns as usize).min(self.shares.left());
        if self.careful {
            size = 1;
            if !self.prepare_next().await? {
                return Ok(None);
            }
        }
        let messages: Vec<_> = self.rendered.drain(..size.min(self.rendered.len())).collect();
        let intent =
            |(position, _): &Rendered<M>| Change { position: *position, event: RecipientEvent::Submit };
        self.record(&messages.iter().map(intent).collect::<Vec<_>>())?;
        Ok(Some(messages))
    }

    /// Marks and renders recipients until one has a message. Answers whether the batch is still ours.
    async fn prepare_next(&mut self) -> Result<bool, PortError> {
        while self.rendered.is_empty() {
            let Some(position) = self.waiting.pop_front() else { break };
            self.record(&[Change { position, event: RecipientEvent::Prepare }])?;
            if !self.save().await? {
                return Ok(false);
            }
            if let Some(end) = self.render(position) {
                self.record(&[end])?;
            }
        }
        Ok(true)
    }

    /// Renders for one recipient; their end, if that fails.
    fn render(&mut self, position: usize) -> Option<Change> {
        match self.try_render(position) {
            Ok(message) => self.rendered.push_back((position, message)),
            Err(error) => return Some(self.failure(position, FailReason::Render, None, &error.text)),
        }
        None
    }

    fn try_render(&self, position: usize) -> Result<M::Message, RenderError> {
        let gone = |what: &str| RenderError { text: format!("the {what} is gone") };
        let content = self.content.as_deref().ok_or_else(|| gone("campaign's content"))?;
        let id = self.batch.entries[position].subscriber;
        let subscriber = self.subscribers.get(&id).ok_or_else(|| gone("subscriber"))?;
        self.ports.mailer.render(content, Recipient { subscriber, batch: self.batch.id, position })
    }
}
