//! What a template can see: the recipient, the campaign and the link to unsubscribe.
//!
//! Values are handed out as they are asked for; nothing is serialised per recipient but the attributes, and
//! those only where a template uses them.

use std::fmt;
use std::sync::Arc;

use fanmail_domain::Subscriber;
use minijinja::value::{Object, Value};

use super::Compiled;

/// The root of all variables.
#[derive(Clone)]
pub(super) struct Scope {
    subscriber: Value,
    campaign: Campaign,
    unsubscribe_url: Value,
}

impl Scope {
    pub(super) fn new(
        compiled: &Compiled,
        subscriber: &Subscriber,
        attribs: Value,
        unsubscribe_url: &str,
    ) -> Self {
        let person = Person {
            id: subscriber.id.number().into(),
            email: subscriber.email.expose().into(),
            name: subscriber.name.as_str().into(),
            first_name: subscriber.first_name().into(),
            last_name: subscriber.last_name().into(),
            attribs,
        };
        let campaign = Campaign {
            id: compiled.campaign_id.clone(),
            name: compiled.campaign_name.clone(),
            subject: Value::UNDEFINED,
        };
        let unsubscribe_url = Value::from_safe_string(unsubscribe_url.to_owned());
        Self { subscriber: Value::from_object(person), campaign, unsubscribe_url }
    }

    /// The same with the subject, which is rendered before the parts.
    pub(super) fn with_subject(mut self, subject: &str) -> Self {
        self.campaign.subject = subject.into();
        self
    }

    pub(super) fn value(&self) -> Value {
        Value::from_object(Root {
            subscriber: self.subscriber.clone(),
            campaign: Value::from_object(self.campaign.clone()),
            unsubscribe_url: self.unsubscribe_url.clone(),
        })
    }
}

/// Declares an object of named values. `Debug` shows none of them: they are personal.
macro_rules! named_values {
    ($(#[$doc:meta])* $name:ident { $($field:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone)]
        struct $name { $($field: Value),* }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }

        impl Object for $name {
            fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
                self.get_value_by_str(key.as_str()?)
            }

            fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
                let value = match key {
                    $(stringify!($field) => &self.$field,)*
                    _ => return None,
                };
                (!value.is_undefined()).then(|| value.clone())
            }
        }
    };
}

named_values!(Root { subscriber, campaign, unsubscribe_url });
named_values!(Person { id, email, name, first_name, last_name, attribs });
named_values!(Campaign { id, name, subject });
