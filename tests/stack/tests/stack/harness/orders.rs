//! Orders, given to the engine on the stack's own store and queue, as the functions give them.

use std::time::Duration;

use bytes::Bytes;
use fanmail_domain::{Campaign, CampaignId, Retry, Settings, StatusReason};
use fanmail_engine::control::{self, Controlled, Order};
use fanmail_engine::ports::{Campaigns, Clock, Conditional, JournalEntry};
use fanmail_runtime::SystemClock;
use serde_json::Value;

use super::{PATIENCE, World, eventually};

/// An order of somebody who looks at the campaign as it stands.
pub(crate) fn order(campaign: CampaignId) -> Order<'static> {
    let until = SystemClock::new().now().after(Duration::from_secs(20));
    Order { campaign, actor: "user", note: "", version: None, until }
}

impl World {
    /// The campaign as it is stored.
    pub(crate) async fn campaign(&self, id: CampaignId) -> Campaign {
        self.stack().store.campaign(id).await.unwrap().unwrap()
    }

    /// Pauses; acknowledged when this returns.
    pub(crate) async fn pause(&self, id: CampaignId) -> Campaign {
        let clock = SystemClock::new();
        done(control::pause(&self.stack().store, &clock, &order(id), StatusReason::User, None).await.unwrap())
    }

    /// Lets a paused campaign go on.
    pub(crate) async fn resume(&self, id: CampaignId) -> Campaign {
        done(self.try_resume(&order(id)).await)
    }

    /// Asks for it, as seen by whoever orders it.
    pub(crate) async fn try_resume(&self, order: &Order<'_>) -> Controlled {
        let stack = self.stack();
        control::resume(&stack.store, &stack.queue, &SystemClock::new(), order).await.unwrap()
    }

    /// Cancels; acknowledged when this returns.
    pub(crate) async fn cancel(&self, id: CampaignId) -> Campaign {
        let stack = self.stack();
        let cancelled = control::cancel(&stack.store, &stack.queue, &SystemClock::new(), &order(id)).await;
        done(cancelled.unwrap())
    }

    /// Tries everybody of a class again.
    pub(crate) async fn retry(&self, id: CampaignId, class: &str) -> Campaign {
        let (stack, states, clock) = (self.stack(), Retry::class(class).unwrap(), SystemClock::new());
        let (order, everybody) = (order(id), [].into());
        let retried = control::retry(&stack.store, &stack.queue, &clock, &order, &states, &everybody).await;
        done(retried.unwrap())
    }

    /// Lets a pause that ends by itself end now.
    pub(crate) async fn end_pause(&self, id: CampaignId) {
        let (mut after, now) = (self.campaign(id).await, SystemClock::new().now());
        assert!(after.state.until.is_some_and(|until| until > now), "the pause does not end by itself");
        after.state.version += 1;
        (after.state.until, after.updated_at) = (Some(now), now);
        let key = format!("v{}", after.state.version);
        let entry =
            JournalEntry { campaign: id, at: now, key, actor: "user".into(), text: "a new day".into() };
        let moved = self.stack().store.transition(&after, &entry).await.unwrap();
        assert_eq!(moved, Conditional::Applied);
    }

    /// Changes the settings that stand.
    pub(crate) async fn tune(&self, change: impl FnOnce(&mut Settings)) {
        let store = &self.stack().store;
        let (mut settings, seen) = store.settings_with_rev().await.unwrap();
        change(&mut settings);
        assert_eq!(store.replace_settings(&settings, seen).await.unwrap(), Conditional::Applied);
    }

    /// Waits until nobody of a cancelled campaign waits any more.
    pub(crate) async fn until_closed(&self, id: CampaignId) {
        eventually(&format!("campaign {id} is closed"), PATIENCE, async || {
            let active = self.stack().store.active().await.unwrap();
            if active.contains(&id) { Err(self.view(id).await) } else { Ok(()) }
        })
        .await;
    }

    /// Everything that the journal says.
    pub(crate) async fn journal(&self, id: CampaignId) -> Vec<JournalEntry> {
        self.stack().store.journal_page(id, None, 1_000).await.unwrap().entries
    }

    /// Sweeps once, in a process of its own, and answers what it did.
    pub(crate) async fn sweep(&self) -> Value {
        let swept = self.stack().host.invoke("sweeper", Bytes::from_static(b"{}")).await.unwrap();
        serde_json::from_slice(&swept).unwrap()
    }
}

/// The campaign after an order that has to be carried out.
pub(crate) fn done(controlled: Controlled) -> Campaign {
    match controlled {
        Controlled::Done(campaign) => campaign,
        Controlled::Refused(..) | Controlled::Stale(_) | Controlled::Unknown => panic!("{controlled:?}"),
    }
}
