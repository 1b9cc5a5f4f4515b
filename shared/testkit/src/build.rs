//! Worlds to begin with.

use std::collections::BTreeMap;

use fanmail_domain::{
    AudienceList, Campaign, CampaignId, CampaignState, Content, EmailAddress, Extras, ListId, Optin,
    Settings, SettingsPatch, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp,
};
use fanmail_engine::ports::Member;

use crate::World;

/// The campaign that every world has, as a draft.
pub const CAMPAIGN: CampaignId = CampaignId(1);
/// The campaign that [`World::add_second_campaign`] adds.
pub const SECOND: CampaignId = CampaignId(2);
/// The list that its audience is on.
pub const LIST: ListId = ListId(1);
/// A second list of the same campaign.
pub const OTHER_LIST: ListId = ListId(2);

/// The address of the `n`-th subscriber.
///
/// # Panics
///
/// Never: the text is an address.
#[must_use]
pub fn address(n: u64) -> EmailAddress {
    EmailAddress::parse(&format!("person{n}@example.org")).unwrap()
}

impl World {
    /// A draft campaign to `recipients` people, in batches of `batch_size`, at 20 messages per second of one
    /// sender, in windows of 4.
    #[must_use]
    pub fn new(recipients: u64, batch_size: u32) -> Self {
        let world = Self::default();
        world.state().now_ns = 1_000_000_000_000;
        world.add_campaign(CAMPAIGN, batch_size);
        for n in 0..recipients {
            world.add_subscriber(n, LIST);
        }
        world
    }

    /// A second draft to the same people, in batches of `batch_size` at the same pace.
    pub fn add_second_campaign(&self, batch_size: u32) {
        self.add_campaign(SECOND, batch_size);
    }

    fn add_campaign(&self, id: CampaignId, batch_size: u32) {
        let audience = [LIST, OTHER_LIST].map(|list| AudienceList { list, optin: Optin::Single });
        let settings = SettingsPatch {
            batch_size: Some(batch_size),
            message_rate: Some(20),
            max_conns: Some(2),
            ..SettingsPatch::default()
        };
        let mut state = self.state();
        let now = state.now();
        let campaign = Campaign {
            id,
            name: "News".into(),
            subject: "News".into(),
            from: "news@acme.example".into(),
            audience: audience.into(),
            settings,
            state: CampaignState::DRAFT,
            schedule: None,
            retry: None,
            failed_before: 0,
            content_version: 1,
            lanes: 0,
            created_at: now,
            started_at: None,
            updated_at: now,
        };
        let content = Content {
            campaign: id,
            version: 1,
            campaign_name: "News".into(),
            subject: "News".into(),
            from: "news@acme.example".into(),
            html: "<p>News</p>".into(),
            text: None,
            extras: Extras::default(),
        };
        state.campaigns.insert(id, campaign);
        state.contents.insert((id, 1), content);
    }

    /// Adds the `n`-th subscriber to `list`, or a subscription to a subscriber that exists.
    pub fn add_subscriber(&self, n: u64, list: ListId) -> SubscriberId {
        let email = address(n);
        let id = SubscriberId::derive(&email, 0);
        let mut state = self.state();
        let joined_at = state.now();
        state.members.insert((list, id), Member { id, joined_at });
        let subscriber = state.subscribers.entry(id).or_insert_with(|| blank(id, email, joined_at));
        subscriber.lists.insert(list, SubscriptionStatus::Confirmed);
        id
    }

    /// Lets the lists claim to have so many subscriptions: the number of lanes follows from it.
    pub fn claim_size(&self, subscriptions: u64) {
        self.state().claimed_size = Some(subscriptions);
    }

    /// Sets whether somebody may be written to at all.
    ///
    /// # Panics
    ///
    /// If there is no such subscriber.
    pub fn set_status(&self, id: SubscriberId, status: SubscriberStatus) {
        self.state().subscribers.get_mut(&id).unwrap().status = status;
    }

    /// Ends somebody's subscription.
    ///
    /// # Panics
    ///
    /// If there is no such subscriber.
    pub fn unsubscribe(&self, id: SubscriberId, list: ListId) {
        let mut state = self.state();
        state.members.remove(&(list, id));
        state.subscribers.get_mut(&id).unwrap().lists.insert(list, SubscriptionStatus::Unsubscribed);
    }

    /// Hides somebody's row from eventually consistent reads, as if it had just been written.
    pub fn hide_from_eventual_reads(&self, id: SubscriberId) {
        self.state().unseen.insert(id);
    }

    /// Removes somebody altogether.
    pub fn delete_subscriber(&self, id: SubscriberId) {
        let mut state = self.state();
        state.subscribers.remove(&id);
        state.members.retain(|(_, member), _| *member != id);
    }

    /// Changes how somebody stands on a list.
    ///
    /// # Panics
    ///
    /// If there is no such subscriber.
    pub fn set_subscription(&self, id: SubscriberId, list: ListId, status: SubscriptionStatus) {
        self.state().subscribers.get_mut(&id).unwrap().lists.insert(list, status);
    }

    /// Makes the campaign's lists ask for a double opt-in.
    pub fn make_double_optin(&self) {
        for to in &mut self.state().campaigns.get_mut(&CAMPAIGN).unwrap().audience {
            to.optin = Optin::Double;
        }
    }

    /// Removes the campaign's content.
    pub fn delete_content(&self) {
        self.state().contents.clear();
    }

    /// Overrides the campaign's settings from now on.
    pub fn set_settings(&self, settings: SettingsPatch) {
        self.set_settings_of(CAMPAIGN, settings);
    }

    /// Overrides a campaign's settings from now on.
    ///
    /// # Panics
    ///
    /// If there is no such campaign.
    pub fn set_settings_of(&self, id: CampaignId, settings: SettingsPatch) {
        self.state().campaigns.get_mut(&id).unwrap().settings = settings;
    }

    /// Changes the settings of the whole system from now on.
    pub fn set_system_settings(&self, settings: Settings) {
        self.state().settings = settings;
    }

    /// Every subscriber's id, in order.
    pub fn subscriber_ids(&self) -> Vec<SubscriberId> {
        self.state().subscribers.keys().copied().collect()
    }
}

fn blank(id: SubscriberId, email: EmailAddress, created_at: Timestamp) -> Subscriber {
    Subscriber {
        id,
        email,
        name: "Ann Lee".into(),
        attribs: "{}".into(),
        status: SubscriberStatus::Enabled,
        lists: BTreeMap::new(),
        rev: 0,
        created_at,
    }
}
