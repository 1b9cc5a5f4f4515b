//! What the sender needs to know.

use std::time::Duration;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::{Vars, VarsError};
use fanmail_smtp::ServerConfig;

/// How long one message may take from the first command to the last reply, unless told otherwise.
const SUBMIT_TIMEOUT_S: u64 = 15;
/// What the writes after the last submission may take.
pub const WRITE_RESERVE: Duration = Duration::from_secs(3);

/// Everything the environment has to say.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) aws: AwsConfig,
    /// The relay.
    pub(crate) server: ServerConfig,
    /// Where the links in a message lead.
    pub(crate) public_url: String,
    pub(crate) unsubscribe_key: UnsubscribeKey,
    /// No submission begins this long before the deadline: the last one may take its full time, and what
    /// came of it has to be written.
    pub(crate) reserve: Duration,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, VarsError> {
        let mut vars = Vars::from_env();
        let server = vars.required_with("FANMAIL_SMTP_URL", ServerConfig::from_url);
        let public_url = vars.required("FANMAIL_PUBLIC_URL");
        let key = vars.required_with("FANMAIL_UNSUBSCRIBE_KEY", UnsubscribeKey::parse);
        let submit_timeout = Duration::from_secs(vars.or("FANMAIL_SUBMIT_TIMEOUT_S", SUBMIT_TIMEOUT_S));
        let max_conns = vars.or("FANMAIL_MAX_CONNS", fanmail_domain::Settings::default().max_conns as usize);
        let (mut server, unsubscribe_key) = vars.finish_with(server.zip(key))?;
        server.max_conns = max_conns;
        server.timeouts = server.timeouts.within(submit_timeout);
        let reserve = submit_timeout + WRITE_RESERVE;
        Ok(Self { aws: AwsConfig::from_env()?, server, public_url, unsubscribe_key, reserve })
    }
}
