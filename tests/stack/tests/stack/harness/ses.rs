//! SES as the provider: a server that plays it, and what it took.

use std::collections::HashMap;

use fanmail::stack::StackConfig;
use fanmail_ses::stub::Stub;
use serde_json::Value;

use super::World;

impl World {
    /// A stack whose senders call SES, with a configuration set.
    pub(crate) async fn on_ses() -> Self {
        Self::on_ses_with(|_| ()).await
    }

    /// The same, changed by `change`.
    pub(crate) async fn on_ses_with(change: impl FnOnce(&mut StackConfig)) -> Self {
        let ses = Stub::start().unwrap();
        let env = [
            ("FANMAIL_PROVIDER", "ses".to_owned()),
            ("FANMAIL_SES_CONFIGURATION_SET", "campaigns".to_owned()),
            ("AWS_ENDPOINT_URL_SESV2", ses.url()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value));
        let change = |config: &mut StackConfig| {
            config.sender_env.extend(env);
            change(config);
        };
        let mut world = Self::with(change).await;
        world.ses = Some(ses);
        world
    }
}

/// The bodies of the requests to send that SES answered with a yes.
pub(crate) fn sent(ses: &Stub) -> Vec<Value> {
    bodies(ses, |status| status == Some(200))
}

/// The same, and of those that it took without an answer: its events will tell.
pub(crate) fn taken(ses: &Stub) -> Vec<Value> {
    bodies(ses, |status| matches!(status, Some(200) | None))
}

fn bodies(ses: &Stub, with: impl Fn(Option<u16>) -> bool) -> Vec<Value> {
    let seen = ses.seen();
    let whole = seen.iter().filter(|it| it.complete && with(it.status) && !it.body.is_empty());
    whole.map(|it| serde_json::from_slice(&it.body).unwrap()).collect()
}

/// Where a request's message goes.
pub(crate) fn address(request: &Value) -> &str {
    request["Destination"]["ToAddresses"][0].as_str().unwrap()
}

/// Copies of each address.
pub(super) fn recipients(ses: &Stub) -> HashMap<String, u32> {
    let mut copies = HashMap::new();
    for request in taken(ses) {
        *copies.entry(address(&request).to_owned()).or_default() += 1;
    }
    copies
}
