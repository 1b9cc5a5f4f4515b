//! One event of Amazon SES, as far as it concerns us.
//!
//! The form is that of the SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS";
//! `notificationType` is what `eventType` is called in notifications of an identity ("Amazon SNS notification
//! contents"), which carry no tags. Whatever else an event holds is not read: SES adds members as it goes on.

use std::collections::HashMap;

use fanmail_domain::redact::redact;
use fanmail_engine::settle::{NotOurs, ProviderEvent};
use serde::Deserialize;

/// Types of events, as the log names them; whatever else a body calls itself is foreign text.
const TYPES: [&str; 11] = [
    "Send",
    "Delivery",
    "DeliveryDelay",
    "Bounce",
    "Complaint",
    "Reject",
    "Rendering Failure",
    "Open",
    "Click",
    "Subscription",
    "AmazonSnsSubscriptionSucceeded",
];

/// An event of SES. Not `Debug`: it is full of people.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SesEvent {
    #[serde(alias = "notificationType")]
    event_type: String,
    #[serde(default)]
    mail: Mail,
    #[serde(default)]
    bounce: Bounce,
    #[serde(default)]
    reject: Reject,
    #[serde(default)]
    failure: Failure,
}

#[derive(Deserialize, Default)]
struct Mail {
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: Option<String>,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<BouncedRecipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BouncedRecipient {
    #[serde(default)]
    diagnostic_code: String,
}

#[derive(Deserialize, Default)]
struct Reject {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(default)]
    error_message: String,
}

impl SesEvent {
    /// The event, by the place that its tags name.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] if it is of a type that says nothing of a message, or of a message without our tags.
    pub(crate) fn read(&self) -> Result<ProviderEvent, NotOurs> {
        let tag = |name: &str| self.mail.tags.get(name)?.first().map(String::as_str);
        ProviderEvent::read(&self.event_type, self.bounce.bounce_type.as_deref(), tag)
    }

    /// Its type, if it is one of SES's.
    pub(crate) fn known_type(&self) -> Option<&'static str> {
        TYPES.into_iter().find(|known| *known == self.event_type)
    }

    /// What the receiver or SES said of a failure, without addresses and their local parts.
    pub(crate) fn words(&self) -> String {
        let diagnostics = self.bounce.bounced_recipients.iter().map(|it| it.diagnostic_code.as_str());
        let said = [&*self.bounce.bounce_sub_type, &*self.reject.reason, &*self.failure.error_message];
        let said: Vec<_> = said.into_iter().chain(diagnostics).filter(|text| !text.is_empty()).collect();
        let whole = self.mail.destination.iter().map(String::as_str);
        let local = whole.clone().filter_map(|address| address.split('@').next());
        redact(&said.join(": "), &whole.chain(local).collect::<Vec<_>>())
    }
}
