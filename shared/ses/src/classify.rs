//! The table: what an ending means for the message. Pure.
//!
//! | ending | verdict | because |
//! |---|---|---|
//! | broken before the last byte of the request was written | deferred, provider | SES acts on complete requests only |
//! | no credentials to be had | deferred, configuration | somebody must mend them |
//! | broken after it, no status line read | unknown | SES may have acted |
//! | 2xx | accepted | |
//! | 4xx naming the daily quota, by its text | deferred, quota | the name is the same as that of a rate refused |
//! | 429, a throttling error | deferred, provider | not taken, slow down |
//! | `SendingPausedException`, `AccountSuspendedException` | deferred, configuration | lasts until somebody acts |
//! | `MailFromDomainNotVerifiedException`, `NotFoundException` | deferred, configuration | no recipient is to blame |
//! | an identity that is not verified, by its text | deferred, configuration | as before; SES calls it `MessageRejected` |
//! | `MessageRejected`, `BadRequestException`, 413 | rejected | the same message fares the same |
//! | 401, 403, an error of signature or token | deferred, configuration | SES does not know us |
//! | any other 4xx | deferred, provider | not taken; nobody knows whose fault, so no recipient pays |
//! | 408 | unknown | whoever says so, after a complete request, may have passed it on |
//! | 5xx and the rest | unknown | it may be a proxy's, or SES failed after it took the message |
//!
//! Sources: errors of `SendEmail` (Amazon SES API v2 reference), common errors of AWS APIs, "Errors related to
//! the sending quotas" (Amazon SES developer guide), statuses of `BulkEmailEntryResult` (API v2 reference).

use crate::answer::Scope;
use crate::failure::Phase;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending<'a> {
    /// Without a status line.
    Broken(Phase),
    /// With one.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's name without namespace; may be empty.
        name: &'a str,
        /// The error's text; may be empty.
        message: &'a str,
    },
}

/// What it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// SES has it.
    Accepted,
    /// SES will never take it.
    Rejected,
    /// Surely not taken for now.
    Deferred(Scope),
    /// SES may have it.
    Unknown,
}

/// The table above.
#[must_use]
pub fn classify(ending: Ending<'_>) -> Verdict {
    match ending {
        Ending::Broken(Phase::Answer) => Verdict::Unknown,
        Ending::Broken(Phase::Sign) => Verdict::Deferred(Scope::Configuration),
        Ending::Broken(Phase::Wait | Phase::Connect | Phase::Request) => Verdict::Deferred(Scope::Provider),
        Ending::Status { status: 200..=299, .. } => Verdict::Accepted,
        Ending::Status { status: 408, .. } => Verdict::Unknown,
        Ending::Status { status: status @ 400..=499, name, message } => refused(status, name, message),
        Ending::Status { .. } => Verdict::Unknown,
    }
}

fn refused(status: u16, name: &str, message: &str) -> Verdict {
    if is_daily_quota(message) {
        return Verdict::Deferred(Scope::Quota);
    }
    match (status, name) {
        (429, _) => Verdict::Deferred(Scope::Provider),
        (401 | 403, _) => Verdict::Deferred(Scope::Configuration),
        (413, _) => Verdict::Rejected,
        (_, name) if is_configuration(name) => Verdict::Deferred(Scope::Configuration),
        (_, "MessageRejected") if is_not_verified(message) => Verdict::Deferred(Scope::Configuration),
        (_, "MessageRejected" | "BadRequestException") => Verdict::Rejected,
        (_, _) => Verdict::Deferred(Scope::Provider),
    }
}

/// "Daily message quota exceeded." comes as a `ThrottlingException`, as the rate does, and may come under other names.
fn is_daily_quota(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("daily") && message.contains("quota")
}

/// "Email address is not verified. The following identities failed the check in region …".
fn is_not_verified(message: &str) -> bool {
    message.contains("not verified")
}

fn is_configuration(name: &str) -> bool {
    matches!(
        name,
        "SendingPausedException"
            | "AccountSuspendedException"
            | "MailFromDomainNotVerifiedException"
            | "NotFoundException"
            | "AccessDeniedException"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException"
            | "OptInRequired"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException"
    )
}

/// The same for one entry of a bulk call, by its status. `FAILED` does not say at which step, and a status that
/// is not known here says nothing: both stay unknown.
#[must_use]
pub fn classify_entry(status: &str) -> Verdict {
    match status {
        "SUCCESS" => Verdict::Accepted,
        "MESSAGE_REJECTED" | "INVALID_PARAMETER" => Verdict::Rejected,
        "ACCOUNT_DAILY_QUOTA_EXCEEDED" => Verdict::Deferred(Scope::Quota),
        "ACCOUNT_THROTTLED" | "TRANSIENT_FAILURE" => Verdict::Deferred(Scope::Provider),
        "MAIL_FROM_DOMAIN_NOT_VERIFIED"
        | "CONFIGURATION_SET_NOT_FOUND"
        | "CONFIGURATION_SET_DOES_NOT_EXIST"
        | "CONFIGURATION_SET_SENDING_PAUSED"
        | "TEMPLATE_NOT_FOUND"
        | "TEMPLATE_DOES_NOT_EXIST"
        | "ACCOUNT_SUSPENDED"
        | "ACCOUNT_SENDING_PAUSED"
        | "INVALID_SENDING_POOL_NAME" => Verdict::Deferred(Scope::Configuration),
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: Verdict = Verdict::Deferred(Scope::Provider);
    const CONFIGURATION: Verdict = Verdict::Deferred(Scope::Configuration);
    const QUOTA: Verdict = Verdict::Deferred(Scope::Quota);

    #[test]
    fn each_answer_has_its_verdict() {
        let daily = "Daily message quota exceeded.";
        for (status, name, message, verdict) in [
            (200, "", "", Verdict::Accepted),
            (429, "TooManyRequestsException", "Maximum sending rate exceeded.", PROVIDER),
            (400, "ThrottlingException", "Maximum sending rate exceeded.", PROVIDER),
            (400, "ThrottlingException", daily, QUOTA),
            (400, "LimitExceededException", daily, QUOTA),
            (429, "TooManyRequestsException", daily, QUOTA),
            (400, "LimitExceededException", "Too many instances", PROVIDER),
            (400, "SendingPausedException", "", CONFIGURATION),
            (400, "AccountSuspendedException", "", CONFIGURATION),
            (400, "MailFromDomainNotVerifiedException", "", CONFIGURATION),
            (404, "NotFoundException", "Configuration set <x> does not exist.", CONFIGURATION),
            (400, "MessageRejected", "Email address is not verified. The following", CONFIGURATION),
            (400, "MessageRejected", "Message contains a virus", Verdict::Rejected),
            (400, "BadRequestException", "Domain contains illegal character", Verdict::Rejected),
            (413, "", "", Verdict::Rejected),
            (403, "SignatureDoesNotMatch", "", CONFIGURATION),
            (403, "ExpiredTokenException", "", CONFIGURATION),
            (400, "ExpiredTokenException", "", CONFIGURATION),
            (403, "", "", CONFIGURATION),
            (401, "", "", CONFIGURATION),
            (400, "", "", PROVIDER),
            (400, "SomethingNewException", "", PROVIDER),
            (404, "", "", PROVIDER),
            (408, "", "", Verdict::Unknown),
            (500, "InternalFailure", "", Verdict::Unknown),
            (502, "", "", Verdict::Unknown),
            (503, "ServiceUnavailable", daily, Verdict::Unknown),
            (504, "", "", Verdict::Unknown),
            (302, "", "", Verdict::Unknown),
        ] {
            assert_eq!(
                classify(Ending::Status { status, name, message }),
                verdict,
                "{status} {name} {message}"
            );
        }
    }

    #[test]
    fn only_an_ending_after_the_last_byte_is_unknown() {
        for (phase, verdict) in [
            (Phase::Wait, PROVIDER),
            (Phase::Sign, CONFIGURATION),
            (Phase::Connect, PROVIDER),
            (Phase::Request, PROVIDER),
            (Phase::Answer, Verdict::Unknown),
        ] {
            assert_eq!(classify(Ending::Broken(phase)), verdict, "{phase}");
        }
    }

    #[test]
    fn each_status_of_an_entry_has_its_verdict() {
        for (status, verdict) in [
            ("SUCCESS", Verdict::Accepted),
            ("MESSAGE_REJECTED", Verdict::Rejected),
            ("INVALID_PARAMETER", Verdict::Rejected),
            ("MAIL_FROM_DOMAIN_NOT_VERIFIED", CONFIGURATION),
            ("CONFIGURATION_SET_NOT_FOUND", CONFIGURATION),
            ("TEMPLATE_NOT_FOUND", CONFIGURATION),
            ("ACCOUNT_SUSPENDED", CONFIGURATION),
            ("ACCOUNT_THROTTLED", PROVIDER),
            ("ACCOUNT_DAILY_QUOTA_EXCEEDED", QUOTA),
            ("INVALID_SENDING_POOL_NAME", CONFIGURATION),
            ("ACCOUNT_SENDING_PAUSED", CONFIGURATION),
            ("CONFIGURATION_SET_SENDING_PAUSED", CONFIGURATION),
            ("TRANSIENT_FAILURE", PROVIDER),
            ("FAILED", Verdict::Unknown),
            ("A_STATUS_OF_NEXT_YEAR", Verdict::Unknown),
            ("", Verdict::Unknown),
        ] {
            assert_eq!(classify_entry(status), verdict, "{status}");
        }
    }
}
