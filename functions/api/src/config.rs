//! The ports from the environment: all of it is read, and everything that is wrong is said at once.

use std::time::Duration;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_engine::ports::Clock;
use fanmail_mailer::{Renderer, UnsubscribeLinks};
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_runtime::{Secrets, SystemClock};

use crate::Ports;
use crate::auth::Auth;
use crate::concurrency::Concurrency;
use crate::schedules::Schedules;

/// How long a sender works on a batch at a time, unless the environment says otherwise: its time-out of 60 s
/// without what it keeps in reserve.
const SENDER_WORKS_S: u64 = 42;
/// No function works for longer than Lambda's longest time-out.
const LONGEST_S: u64 = 900;

impl Ports {
    /// Reads the environment, and the secrets that it names.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is wrong.
    pub(crate) async fn from_vars(mut vars: Vars, secrets: Secrets) -> Result<Self, VarsError> {
        let aws = AwsConfig::read(&mut vars);
        let key = secrets.required(&mut vars, "FANMAIL_UNSUBSCRIBE_KEY", UnsubscribeKey::parse).await;
        let links = links(&mut vars, key.as_ref());
        let auth = Auth::from_vars(&mut vars);
        let concurrency = Concurrency::from_vars(&mut vars, &aws);
        let schedules = Schedules::from_vars(&mut vars);
        let works = vars.whole("FANMAIL_SENDER_WORKS_S", SENDER_WORKS_S, 0..=LONGEST_S);
        let metrics = Metrics::from_vars(&vars, "api");
        let (links, unsubscribe_key) = vars.finish_with(links.zip(key))?;
        Ok(Self {
            secrets,
            renderer: Renderer::new(links, || SystemClock::new().now()),
            store: aws.store(),
            queue: aws.queue(),
            clock: SystemClock::new(),
            auth,
            unsubscribe_key,
            concurrency,
            schedules,
            sender_works: Duration::from_secs(works),
            metrics,
        })
    }
}

/// The links, made with any key while there is none: what is wrong with the URL is to be said all the same.
fn links(vars: &mut Vars, key: Option<&UnsubscribeKey>) -> Option<UnsubscribeLinks> {
    let any = UnsubscribeKey::new([0; UnsubscribeKey::MIN_BYTES]);
    let key = key.or(any.as_ref())?;
    vars.required_with("FANMAIL_PUBLIC_URL", |url| UnsubscribeLinks::new(url, key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(pairs: &[(&str, &str)]) -> String {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let ports = Ports::from_vars(Vars::new(pairs.clone()), Secrets::new(pairs)).await;
        ports.err().expect("the environment fits").to_string()
    }

    #[tokio::test]
    async fn an_empty_environment_names_every_variable_at_once() {
        let error = refused(&[]).await;
        let named: Vec<&str> = error.split([' ', ';']).filter(|word| word.contains('_')).collect();
        assert_eq!(
            named,
            [
                "FANMAIL_LANES_QUEUE_URL",
                "FANMAIL_BATCHES_QUEUE_URL",
                "AWS_REGION",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "FANMAIL_AUDIENCE_TABLE",
                "FANMAIL_CAMPAIGNS_TABLE",
                "FANMAIL_UNSUBSCRIBE_KEY",
                "FANMAIL_PUBLIC_URL",
            ]
        );
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_what_would_be_right() {
        let error = refused(&[
            ("FANMAIL_UNSUBSCRIBE_KEY", "geheim"),
            ("FANMAIL_PUBLIC_URL", "mail.acme.example"),
            ("FANMAIL_SENDER_FUNCTION", "sender"),
            ("FANMAIL_SENDER_RESERVED", "perhaps"),
            ("FANMAIL_SENDER_WORKS_S", "901"),
            ("FANMAIL_SCHEDULE_GROUP", "mails"),
        ])
        .await;
        for sentence in [
            "FANMAIL_UNSUBSCRIBE_KEY: the key has fewer than 16 bytes",
            "FANMAIL_PUBLIC_URL: the public URL should begin with https://",
            "FANMAIL_SENDER_RESERVED: it is `on` or `off`",
            "FANMAIL_SENDER_WORKS_S is a whole number from 0 to 900",
            "FANMAIL_SCHEDULE_ROLE_ARN is not set; it goes with FANMAIL_SCHEDULE_GROUP",
            "AWS_REGION is not set",
        ] {
            assert!(error.contains(sentence), "{sentence}: {error}");
        }
        assert!(!error.contains("geheim"));
    }
}
