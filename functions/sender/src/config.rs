//! What the sender needs to know.

use std::time::Duration;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_smtp::{ServerConfig, Timeouts};

use crate::dkim::DkimKeys;

/// How long one message may take from the first command to the last reply, unless told otherwise.
const SUBMIT_TIMEOUT_S: u64 = 15;
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
    pub(crate) dkim: DkimKeys,
    /// Where the links in a message lead.
    pub(crate) public_url: String,
    pub(crate) unsubscribe_key: UnsubscribeKey,
    /// No submission begins this long before the deadline: the last one may take its full time, and what
    /// came of it has to be written.
    pub(crate) reserve: Duration,
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
    pub(crate) fn from_env() -> Result<Self, VarsError> {
        let mut vars = Vars::from_env();
        let way_out = WayOut::from_vars(&mut vars);
        let public_url = vars.required("FANMAIL_PUBLIC_URL");
        let key = vars.required_with("FANMAIL_UNSUBSCRIBE_KEY", UnsubscribeKey::parse);
        let submit_timeout = Duration::from_secs(vars.or("FANMAIL_SUBMIT_TIMEOUT_S", SUBMIT_TIMEOUT_S));
        let max_conns = vars.or("FANMAIL_MAX_CONNS", fanmail_domain::Settings::default().max_conns as usize);
        let dkim = vars.or("FANMAIL_DKIM", DkimKeys::default());
        let (way_out, unsubscribe_key) = vars.finish_with(way_out.zip(key))?;
        let reserve = submit_timeout + WRITE_RESERVE;
        let aws = AwsConfig::from_env()?;
        Ok(Self { aws, way_out, max_conns, submit_timeout, dkim, public_url, unsubscribe_key, reserve })
    }

    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts::default().within(self.submit_timeout)
    }
}

impl WayOut {
    fn from_vars(vars: &mut Vars) -> Option<Self> {
        if vars.optional("FANMAIL_PROVIDER").as_deref() != Some("ses") {
            let server = vars.required_with("FANMAIL_SMTP_URL", ServerConfig::from_url);
            return server.map(|server| Self::Smtp(Box::new(server)));
        }
        let configuration_set = vars.optional("FANMAIL_SES_CONFIGURATION_SET");
        Some(Self::Ses { configuration_set, endpoint: vars.optional("AWS_ENDPOINT_URL_SESV2") })
    }
}
