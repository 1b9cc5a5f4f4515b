//! What the sender needs to know: all of it is read at the start, and everything that is wrong is said at once.

use std::time::Duration;

use fanmail_domain::settings::MAX_CONNS;
use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_mailer::{Dkim, UnsubscribeLinks};
use fanmail_runtime::Secrets;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_smtp::{ServerConfig, Timeouts};

use crate::dkim::DkimKeys;

/// How long one message may take from the first command to the last reply, unless told otherwise.
const SUBMIT_TIMEOUT_S: u64 = 15;
/// Longer than any server keeps a session open; and no function works for longer.
const LONGEST_SUBMIT_S: u64 = 600;
/// What the writes after the last submission may take.
pub const WRITE_RESERVE: Duration = Duration::from_secs(3);

/// Everything the environment has to say.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) aws: AwsConfig,
    /// The way out, where the settings name none.
    pub(crate) way_out: WayOut,
    /// Connections to it at the most.
    pub(crate) max_conns: usize,
    /// How long one message may take, whatever the server.
    pub(crate) submit_timeout: Duration,
    /// What messages are signed with, where whoever carries them does not sign.
    pub(crate) dkim: Option<Dkim>,
    /// Where the links in a message lead.
    pub(crate) links: UnsubscribeLinks,
    /// No submission begins this long before the deadline: the last one may take its full time, and what
    /// came of it has to be written.
    pub(crate) reserve: Duration,
    pub(crate) metrics: Metrics,
}

/// The way out that the deployment names.
#[derive(Debug)]
pub(crate) enum WayOut {
    /// `FANMAIL_PROVIDER=ses`: Amazon SES in the function's Region, with a configuration set, at an endpoint
    /// of its own where it has one.
    Ses { configuration_set: Option<String>, endpoint: Option<String> },
    /// `FANMAIL_SMTP_URL`: one SMTP server.
    Smtp(Box<ServerConfig>),
}

impl Config {
    /// Reads the environment, and the secrets that it names.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is wrong.
    pub(crate) async fn from_vars(mut vars: Vars, secrets: &Secrets) -> Result<Self, VarsError> {
        let aws = AwsConfig::read(&mut vars);
        let way_out = WayOut::from_vars(&mut vars, secrets).await;
        let key = secrets.required(&mut vars, "FANMAIL_UNSUBSCRIBE_KEY", UnsubscribeKey::parse).await;
        let links = links(&mut vars, key.as_ref());
        let submit_timeout = vars.whole("FANMAIL_SUBMIT_TIMEOUT_S", SUBMIT_TIMEOUT_S, 1..=LONGEST_SUBMIT_S);
        let max_conns = u64::from(fanmail_domain::Settings::default().max_conns);
        let max_conns = vars.whole("FANMAIL_MAX_CONNS", max_conns, 1..=u64::from(MAX_CONNS));
        let dkim = dkim(&mut vars, secrets).await;
        let metrics = Metrics::from_vars(&vars, "sender");
        let given = way_out.zip(key.and(links));
        let (way_out, links) = vars.finish_with(given)?;
        let submit_timeout = Duration::from_secs(submit_timeout);
        let reserve = submit_timeout + WRITE_RESERVE;
        let max_conns = usize::try_from(max_conns).unwrap_or(usize::MAX);
        Ok(Self { aws, way_out, max_conns, submit_timeout, dkim, links, reserve, metrics })
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts::default().within(self.submit_timeout)
    }
}

/// The links, made with any key while there is none: what is wrong with the URL is to be said all the same.
fn links(vars: &mut Vars, key: Option<&UnsubscribeKey>) -> Option<UnsubscribeLinks> {
    let any = UnsubscribeKey::new([0; UnsubscribeKey::MIN_BYTES]);
    let key = key.or(any.as_ref())?;
    vars.required_with("FANMAIL_PUBLIC_URL", |url| UnsubscribeLinks::new(url, key.clone()))
}

async fn dkim(vars: &mut Vars, secrets: &Secrets) -> Option<Dkim> {
    let keys = vars.or("FANMAIL_DKIM", DkimKeys::default());
    let read = keys.read(secrets).await;
    read.map_err(|error| vars.refuse("FANMAIL_DKIM", fanmail_runtime::Chain(&*error))).ok().flatten()
}

impl WayOut {
    async fn from_vars(vars: &mut Vars, secrets: &Secrets) -> Option<Self> {
        match vars.optional("FANMAIL_PROVIDER").as_deref() {
            Some("ses") => {
                let configuration_set = vars.optional("FANMAIL_SES_CONFIGURATION_SET");
                Some(Self::Ses { configuration_set, endpoint: vars.endpoint("SESV2") })
            }
            None | Some("smtp") => {
                let server = secrets.required(vars, "FANMAIL_SMTP_URL", ServerConfig::from_url).await;
                server.map(|server| Self::Smtp(Box::new(server)))
            }
            Some(_) => {
                vars.refuse("FANMAIL_PROVIDER", "it is `ses`, or `smtp` with FANMAIL_SMTP_URL");
                None
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    async fn read(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read = Config::from_vars(Vars::new(pairs.clone()), &Secrets::new(pairs)).await;
        read.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_empty_environment_names_every_variable_at_once() {
        let error = read(&[]).await.unwrap_err();
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
                "FANMAIL_SMTP_URL",
                "FANMAIL_UNSUBSCRIBE_KEY",
                "FANMAIL_PUBLIC_URL",
            ]
        );
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_what_would_be_right() {
        let error = read(&[
            ("FANMAIL_PROVIDER", "pigeon"),
            ("FANMAIL_UNSUBSCRIBE_KEY", "geheim"),
            ("FANMAIL_PUBLIC_URL", "ftp://mail.acme.example"),
            ("FANMAIL_MAX_CONNS", "many"),
            ("FANMAIL_SUBMIT_TIMEOUT_S", "0"),
            ("FANMAIL_DKIM", "s1._domainkey.acme.example=env:NOT_THERE"),
        ])
        .await
        .unwrap_err();
        for sentence in [
            "FANMAIL_PROVIDER: it is `ses`, or `smtp` with FANMAIL_SMTP_URL",
            "FANMAIL_UNSUBSCRIBE_KEY: the key has fewer than 16 bytes",
            "FANMAIL_PUBLIC_URL: the public URL should begin with https://",
            "FANMAIL_MAX_CONNS is a whole number from 1 to ",
            "FANMAIL_SUBMIT_TIMEOUT_S is a whole number from 1 to 600",
            "FANMAIL_DKIM: the environment has no variable NOT_THERE",
        ] {
            assert!(error.contains(sentence), "{sentence}: {error}");
        }
        assert!(!error.contains("geheim"));
    }

    /// A configuration that fits.
    pub(crate) async fn good() -> Config {
        read(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("FANMAIL_AUDIENCE_TABLE", "audience"),
            ("FANMAIL_CAMPAIGNS_TABLE", "campaigns"),
            ("FANMAIL_LANES_QUEUE_URL", "lanes"),
            ("FANMAIL_BATCHES_QUEUE_URL", "batches"),
            ("FANMAIL_SMTP_URL", "env:RELAY"),
            ("RELAY", "smtp://127.0.0.1:2525"),
            ("FANMAIL_UNSUBSCRIBE_KEY", "env:KEY"),
            ("KEY", "a key that is as long as keys have to be"),
            ("FANMAIL_PUBLIC_URL", "https://mail.acme.example"),
        ])
        .await
        .expect("it fits")
    }

    #[tokio::test]
    async fn the_way_out_may_be_a_reference() {
        assert!(matches!(good().await.way_out, WayOut::Smtp(_)));
    }
}
