//! People made up for the purpose.

use fanmail_domain::{EmailAddress, ListId, Optin, SubscriberId, SubscriberStatus, SubscriptionStatus};
use fanmail_engine::ports::Clock as _;
use fanmail_runtime::SystemClock;
use fanmail_store::{Import, NewSubscriber, Overwrite, Store};

use super::SoakError;

/// Rows imported at a time.
const CHUNK: usize = 1_000;

/// `count` people at a domain that belongs to nobody (RFC 2606).
pub(super) fn made_up(count: u32) -> Vec<NewSubscriber> {
    let addresses = (0..count).map(|number| format!("soak-{number:07}@example.org"));
    // Digits and letters before a domain are an address, so none is left out.
    let addresses = addresses.filter_map(|address| EmailAddress::parse(&address).ok());
    addresses
        .map(|email| NewSubscriber {
            email,
            name: "Ann Example".to_owned(),
            attribs: "{}".to_owned(),
            status: SubscriberStatus::Enabled,
        })
        .collect()
}

/// The id that the ledger knows somebody by.
pub(super) fn id_of(person: &NewSubscriber) -> SubscriberId {
    SubscriberId::derive(&person.email, 0)
}

/// Puts them on a new list, and answers which.
pub(super) async fn import(store: &Store, people: &[NewSubscriber]) -> Result<ListId, SoakError> {
    let now = SystemClock::new().now();
    let list = store.create_list("soak", Optin::Single, now).await?.id;
    let how =
        Import { lists: &[list], standing: SubscriptionStatus::Confirmed, overwrite: Overwrite::No, now };
    for chunk in people.chunks(CHUNK) {
        store.import(chunk, &how).await?;
    }
    Ok(list)
}
