//! Subscribers one at a time: finding them, and what they or an operator ask for.
//!
//! Each change reads the row, decides, and writes on the condition that the row still stands; a lost race
//! reads again. Asking twice changes nothing twice.

use fanmail_domain::{
    EmailAddress, ListId, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp,
};
use fanmail_engine::ports::PortError;

use crate::Store;
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::items::subscriber::Row;
use crate::keys;
use crate::read::{TRIES, back_off};
use crate::rows::{RowChange, erase, replace};
use crate::transaction::Transacted;
use crate::write::Table;

impl Store {
    /// One subscriber, strongly consistent.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or the row cannot be read.
    pub async fn subscriber(&self, id: SubscriberId) -> Result<Option<Subscriber>, PortError> {
        Ok(self.row(id).await.during("read a subscriber")?.map(|row| row.subscriber))
    }

    /// The subscriber with this address: walks the sequence of ids that the address derives, past those that
    /// other addresses took, until the address matches or nobody is there.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a row cannot be read.
    pub async fn find_subscriber(&self, address: &EmailAddress) -> Result<Option<Subscriber>, PortError> {
        self.walk(address).await.during("find a subscriber")
    }

    /// The ids under which a campaign may know this address: the row's own, or, where there is no row any more,
    /// every id of the address's sequence that nobody has now. A deleted person's is among them.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a row cannot be read.
    pub async fn ids_of(&self, address: &EmailAddress) -> Result<Vec<SubscriberId>, PortError> {
        self.walk_ids(address).await.during("find the ids of an address")
    }

    async fn walk_ids(&self, address: &EmailAddress) -> Result<Vec<SubscriberId>, StoreError> {
        let mut free = Vec::new();
        for salt in 0.. {
            let id = (self.derive)(address, salt);
            let Some(item) = self.get(Table::Audience, keys::subscriber(id)).await? else {
                free.push(id);
                break;
            };
            match items::subscriber::decode(&item)? {
                Some(row) if row.subscriber.email == *address => return Ok(vec![id]),
                Some(_) => {}
                None => free.push(id),
            }
        }
        Ok(free)
    }

    async fn walk(&self, address: &EmailAddress) -> Result<Option<Subscriber>, StoreError> {
        for salt in 0.. {
            let key = keys::subscriber((self.derive)(address, salt));
            let Some(item) = self.get(Table::Audience, key).await? else { break };
            let row = items::subscriber::decode(&item)?;
            if let Some(row) = row.filter(|row| row.subscriber.email == *address) {
                return Ok(Some(row.subscriber));
            }
        }
        Ok(None)
    }

    /// Says whether somebody may be written to at all. Answers the subscriber as they stand then, or `None`
    /// if there is no such subscriber. Memberships stay, so that nobody drops out of a running campaign's
    /// count: senders look at the status.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or others keep changing the row. Asking again is safe.
    pub async fn set_subscriber_status(
        &self,
        id: SubscriberId,
        status: SubscriberStatus,
    ) -> Result<Option<Subscriber>, PortError> {
        let changed = self.change_row(id, Timestamp(0), |subscriber| subscriber.status = status).await;
        changed.during("set the status of a subscriber")
    }

    /// Ends subscriptions: the standing becomes *unsubscribed*, and the memberships go, in one transaction.
    /// No import brings them back. `None` if there is no such subscriber.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or others keep changing the row. Asking again is safe.
    pub async fn unsubscribe(
        &self,
        id: SubscriberId,
        lists: &[ListId],
    ) -> Result<Option<Subscriber>, PortError> {
        let changed = self.change_row(id, Timestamp(0), stand(lists, SubscriptionStatus::Unsubscribed)).await;
        changed.during("unsubscribe a subscriber")
    }

    /// Subscribes somebody, or confirms a subscription: for what subscribers themselves ask, so it also brings
    /// back whom an import must not. Who joins a list joins it at `now`. `None` if there is no such
    /// subscriber.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or others keep changing the row. Asking again is safe.
    pub async fn subscribe(
        &self,
        id: SubscriberId,
        lists: &[ListId],
        standing: SubscriptionStatus,
        now: Timestamp,
    ) -> Result<Option<Subscriber>, PortError> {
        let changed = self.change_row(id, now, stand(lists, standing)).await;
        changed.during("subscribe a subscriber")
    }

    /// Deletes somebody: the row with all personal data, and the memberships. Answers whether there was
    /// anybody.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or others keep changing the row. Asking again is safe.
    pub async fn delete_subscriber(&self, id: SubscriberId) -> Result<bool, PortError> {
        let deleted = self.rewrite(id, |before| Some(((), erase(before)))).await;
        Ok(deleted.during("delete a subscriber")?.is_some())
    }

    async fn change_row(
        &self,
        id: SubscriberId,
        now: Timestamp,
        edit: impl Fn(&mut Subscriber),
    ) -> Result<Option<Subscriber>, StoreError> {
        let step = |before: &Row| {
            let mut after = before.clone();
            edit(&mut after.subscriber);
            if after == *before {
                return None;
            }
            after.subscriber.rev += 1;
            let change = replace(Some(before), &after, now);
            Some((after.subscriber, change))
        };
        match self.rewrite(id, step).await? {
            None => Ok(None),
            Some(Rewritten::Already(before)) => Ok(Some(before.subscriber)),
            Some(Rewritten::Changed(after)) => Ok(Some(after)),
        }
    }

    /// Reads a row and carries out what `step` makes of it, until nobody is in the way; `None` if there is no
    /// row.
    async fn rewrite<T>(
        &self,
        id: SubscriberId,
        step: impl Fn(&Row) -> Option<(T, RowChange)>,
    ) -> Result<Option<Rewritten<T>>, StoreError> {
        for attempt in 0..TRIES {
            back_off(attempt).await;
            let Some(before) = self.row(id).await? else { return Ok(None) };
            let Some((after, change)) = step(&before) else { return Ok(Some(Rewritten::Already(before))) };
            match self.write_rows(change.writes).await {
                Ok(Transacted::Applied) => {
                    self.count_moves(&change.moves).await;
                    return Ok(Some(Rewritten::Changed(after)));
                }
                Ok(Transacted::Rejected(_)) => {}
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Contended)
    }
}

/// What became of a row.
enum Rewritten<T> {
    /// There was nothing to change.
    Already(Row),
    Changed(T),
}

fn stand(lists: &[ListId], standing: SubscriptionStatus) -> impl Fn(&mut Subscriber) + '_ {
    move |subscriber| subscriber.lists.extend(lists.iter().map(|list| (*list, standing)))
}
