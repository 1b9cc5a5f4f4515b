//! People to write to.

use fanmail_domain::{EmailAddress, ListId, Optin, SubscriberId, SubscriberStatus, SubscriptionStatus};
use fanmail_engine::ports::Clock;
use fanmail_store::{Import, NewSubscriber, Overwrite};

use super::{DOMAIN, World};

/// `count` people; different names for different audiences keep their copies apart.
pub(crate) fn people(name: &str, count: usize) -> Vec<NewSubscriber> {
    (0..count).map(|number| person(&format!("{name}-{number:05}{DOMAIN}"))).collect()
}

fn person(address: &str) -> NewSubscriber {
    NewSubscriber {
        email: EmailAddress::parse(address).unwrap(),
        name: String::new(),
        attribs: r#"{"city":"Ulm"}"#.to_owned(),
        status: SubscriberStatus::Enabled,
    }
}

/// The id that the ledger knows somebody by.
pub(crate) fn id_of(person: &NewSubscriber) -> SubscriberId {
    SubscriberId::derive(&person.email, 0)
}

/// Where somebody's mail goes.
pub(crate) fn address_of(person: &NewSubscriber) -> String {
    person.email.expose().to_owned()
}

/// The same people in the order in which fan-out plans them.
pub(crate) fn by_id(mut people: Vec<NewSubscriber>) -> Vec<NewSubscriber> {
    people.sort_by_key(id_of);
    people
}

impl World {
    /// A new list with everybody of `people` on it, confirmed.
    pub(crate) async fn list_of(&self, people: &[NewSubscriber]) -> ListId {
        let list = self.list(Optin::Single).await;
        self.subscribe(list, people, SubscriptionStatus::Confirmed).await;
        list
    }

    /// A new, empty list.
    pub(crate) async fn list(&self, optin: Optin) -> ListId {
        let now = fanmail_runtime::SystemClock::new().now();
        self.stack().store.create_list("people", optin, now).await.unwrap().id
    }

    /// Puts people on a list, and keeps who is there as they are.
    pub(crate) async fn subscribe(
        &self,
        list: ListId,
        people: &[NewSubscriber],
        standing: SubscriptionStatus,
    ) {
        let now = fanmail_runtime::SystemClock::new().now();
        let how = Import { lists: &[list], standing, overwrite: Overwrite::No, now };
        for chunk in people.chunks(1_000) {
            self.stack().store.import(chunk, &how).await.unwrap();
        }
    }

    /// Blocklists somebody.
    pub(crate) async fn set_status(&self, person: &NewSubscriber, status: SubscriberStatus) {
        let changed = self.stack().store.set_subscriber_status(id_of(person), status).await.unwrap();
        assert!(changed.is_some(), "there is no such subscriber");
    }
}
