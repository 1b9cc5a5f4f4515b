//! SES as the provider: a server that plays it, and what it took.

use std::collections::HashMap;

use fanmail_ses::stub::Stub;
use serde_json::Value;

use super::World;

impl World {
    /// A stack whose senders call SES, with a configuration set.
    pub(crate) async fn on_ses() -> Self {
        let ses = Stub::start().unwrap();
        let env = [
            ("FANMAIL_PROVIDER", "ses".to_owned()),
            ("FANMAIL_SES_CONFIGURATION_SET", "campaigns".to_owned()),
            ("AWS_ENDPOINT_URL_SESV2", ses.url()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value));
        let mut world = Self::with(|config| config.sender_env.extend(env)).await;
        world.ses = Some(ses);
        world
    }
}

/// The bodies of the requests to send that SES answered with a yes.
pub(crate) fn sent(ses: &Stub) -> Vec<Value> {
    let seen = ses.seen();
    let taken = seen.iter().filter(|it| it.complete && it.status == Some(200) && !it.body.is_empty());
    taken.map(|it| serde_json::from_slice(&it.body).unwrap()).collect()
}

/// Copies of each address.
pub(super) fn recipients(ses: &Stub) -> HashMap<String, u32> {
    let mut copies = HashMap::new();
    for body in sent(ses) {
        let address = body["Destination"]["ToAddresses"][0].as_str().unwrap().to_owned();
        *copies.entry(address).or_default() += 1;
    }
    copies
}
