//! SES's events: what it publishes of messages that it took, put on the queue as SNS would.

use serde_json::{Value, json};

use super::World;
use super::ses::address;

/// What SES tells of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Send,
    Delivery,
    HardBounce,
    /// A permanent bounce without an attempt: the address is on the account's suppression list.
    Suppressed,
    SoftBounce,
    Complaint,
}

/// How SNS delivers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Raw,
    Envelope,
}

impl World {
    /// Publishes an event of the message in a request that SES took.
    pub(crate) async fn publish(&self, request: &Value, told: Told, by: By) {
        let event = event(request, told).to_string();
        let body = match by {
            By::Raw => event,
            By::Envelope => json!({
                "Type": "Notification",
                "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
                "TopicArn": "arn:aws:sns:eu-west-1:000000000000:fanmail-events",
                "Subject": "Amazon SES Email Event Notification",
                "Message": event,
                "Timestamp": "2026-11-20T09:12:47.402Z",
            })
            .to_string(),
        };
        self.put("feedback", &body).await;
    }
}

/// The event, in the form of the SES developer guide ("Contents of event data that Amazon SES publishes to Amazon
/// SNS"), with the tags of the request.
fn event(request: &Value, told: Told) -> Value {
    let to = address(request);
    let tag = |tag: &Value| (tag["Name"].as_str().unwrap().to_owned(), json!([tag["Value"]]));
    let tags: serde_json::Map<_, _> = request["EmailTags"].as_array().unwrap().iter().map(tag).collect();
    let (kind, member, details) = match told {
        Told::Send => ("Send", "send", json!({})),
        Told::Delivery => ("Delivery", "delivery", json!({ "recipients": [to], "smtpResponse": "250 ok" })),
        Told::HardBounce => {
            let said = format!("smtp; 550 5.1.1 <{to}>: user unknown");
            ("Bounce", "bounce", bounce("Permanent", "General", to, &said))
        }
        Told::Suppressed => {
            let said = "Amazon SES did not send the message to this address";
            ("Bounce", "bounce", bounce("Permanent", "OnAccountSuppressionList", to, said))
        }
        Told::SoftBounce => ("Bounce", "bounce", bounce("Transient", "MailboxFull", to, "smtp; 552 full")),
        Told::Complaint => {
            let who = json!([{ "emailAddress": to }]);
            (
                "Complaint",
                "complaint",
                json!({ "complainedRecipients": who, "complaintFeedbackType": "abuse" }),
            )
        }
    };
    json!({
        "eventType": kind,
        member: details,
        "mail": {
            "messageId": "0102019a3b7c45de-5f1c2a77-2b1e-4a3c-9a54-8f0e6d2c1b3a-000000",
            "destination": [to],
            "commonHeaders": { "to": [to], "subject": "News" },
            "tags": tags,
        },
    })
}

fn bounce(kind: &str, sub_type: &str, to: &str, said: &str) -> Value {
    let whose = json!([{ "emailAddress": to, "action": "failed", "diagnosticCode": said }]);
    json!({ "bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": whose })
}
