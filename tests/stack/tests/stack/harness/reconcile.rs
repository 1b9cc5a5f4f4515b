//! Settling doubt with what the provider knows, as its events would.

use std::time::Duration;

use fanmail_domain::{CampaignId, RecipientState, SubscriberId};
use fanmail_engine::ports::Clock;
use fanmail_engine::settle::{EventKind, ProviderEvent, Settled, settle};
use fanmail_runtime::SystemClock;

use super::World;
use super::audit::Ledger;

impl World {
    /// The event of one recipient's message.
    pub(crate) async fn event(&self, id: CampaignId, whose: SubscriberId, kind: EventKind) -> ProviderEvent {
        event(&self.ledger(id).await, whose, kind)
    }

    /// Delivers an event.
    pub(crate) async fn deliver(&self, event: ProviderEvent) -> Settled {
        let clock = SystemClock::new();
        let until = clock.now().after(Duration::from_secs(20));
        settle(&self.stack().store, &clock, until, event).await.unwrap()
    }

    /// Settles everybody's doubt in a campaign that has ended: the provider's `Send` events tell whom it has
    /// taken, and everybody else is sent to again. Answers how many were in doubt.
    pub(crate) async fn reconcile(&self, id: CampaignId) -> usize {
        let (ledger, copies) = (self.ledger(id).await, self.copies());
        let in_doubt = ledger.in_state("in_doubt");
        for whose in in_doubt.iter().filter(|id| copies.contains_key(id)) {
            let event = event(&ledger, *whose, EventKind::Send);
            let settled = Settled::Changed { from: RecipientState::InDoubt, to: RecipientState::Accepted };
            assert_eq!(self.deliver(event).await, settled);
        }
        if in_doubt.iter().any(|id| !copies.contains_key(id)) {
            self.retry(id, "in_doubt").await;
            self.until(id, "finished").await;
        }
        in_doubt.len()
    }
}

fn event(ledger: &Ledger, whose: SubscriberId, kind: EventKind) -> ProviderEvent {
    let places = ledger.batches.iter().flat_map(|batch| {
        let entries = batch.entries.iter().enumerate();
        entries.map(|(position, entry)| (entry.subscriber, batch.id, position))
    });
    let mut place = places.filter(|(subscriber, ..)| *subscriber == whose);
    let (_, batch, position) = place.next().unwrap();
    ProviderEvent { batch, position, kind }
}
