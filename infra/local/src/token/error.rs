//! What can be in the way of a token, in words for the person at the terminal.

use std::io;

use fanmail_domain::TokenName;
use fanmail_engine::ports::PortError;
use fanmail_runtime::vars::VarsError;

/// What is in the way of a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The environment has no credentials.
    #[error(
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: eval \"$(aws configure export-credentials --format env)\" takes them from your AWS profile"
    )]
    NoCredentials,
    /// The environment has no region.
    #[error("AWS_REGION is not set: it is where the stack is deployed, such as eu-west-1")]
    NoRegion,
    /// The environment does not fit otherwise.
    #[error("cannot be configured")]
    Vars(#[source] VarsError),
    /// AWS does not know the credentials, or not any more.
    #[error(
        "AWS does not take these credentials, they may have expired: eval \"$(aws configure export-credentials --format env)\" takes new ones from your AWS profile"
    )]
    Credentials(#[source] PortError),
    /// There is no such table.
    #[error(
        "there is no table {table} in {region}: is this the stack's name, is it deployed there, and is it your account?"
    )]
    NoTable {
        /// The Campaigns table.
        table: String,
        /// Where it was looked for.
        region: String,
    },
    /// The credentials do not reach so far.
    #[error(
        "these credentials may not do that: they need dynamodb:GetItem, Query, PutItem and DeleteItem on table {table}"
    )]
    Denied {
        /// The Campaigns table.
        table: String,
        /// What DynamoDB said.
        #[source]
        source: PortError,
    },
    /// The name has a token.
    #[error("{name} has a token already, since {since}: revoke it first, or choose another name")]
    Taken {
        /// Whose.
        name: TokenName,
        /// When it was made.
        since: String,
    },
    /// The name has no token.
    #[error("{name} has no token in {table}")]
    Unknown {
        /// Whose.
        name: TokenName,
        /// The Campaigns table.
        table: String,
    },
    /// DynamoDB did not do it for another reason.
    #[error("the token's table cannot be used")]
    Store(#[source] PortError),
    /// The system gives no random bytes.
    #[error("cannot read random bytes")]
    Random(#[source] io::Error),
    /// The answer could not be written.
    #[error("cannot write to the standard output")]
    Output(#[source] io::Error),
}

impl TokenError {
    /// Whether the command was asked for something that cannot be, and nothing was tried.
    #[must_use]
    pub fn is_wrong_input(&self) -> bool {
        matches!(self, Self::NoCredentials | Self::NoRegion | Self::Vars(_))
    }
}
