//! `GetAccount`: what may be sent, and how fast (API v2 reference, `GetAccount`).

use serde::Deserialize;

use crate::failure::Failure;

/// The account in one Region. Quota and rate count recipients, not calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Account {
    /// Recipients per 24 hours; `None` is unlimited.
    pub max_24_hour_send: Option<f64>,
    /// Recipients per second.
    pub max_send_rate: f64,
    /// Recipients in the last 24 hours.
    pub sent_last_24_hours: f64,
    /// Not paused.
    pub sending_enabled: bool,
    /// Out of the sandbox, in which only verified addresses get mail.
    pub production_access: bool,
    /// What SES thinks of the account.
    pub enforcement_status: Enforcement,
}

/// What SES thinks of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// No trouble.
    Healthy,
    /// Under review; it may still send.
    Probation,
    /// It may not send any more.
    Shutdown,
    /// A word that is not known here.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountBody {
    send_quota: SendQuota,
    #[serde(default)]
    sending_enabled: bool,
    #[serde(default)]
    production_access_enabled: bool,
    #[serde(default)]
    enforcement_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendQuota {
    max24_hour_send: f64,
    max_send_rate: f64,
    sent_last24_hours: f64,
}

impl Account {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let body: AccountBody =
            serde_json::from_slice(body).map_err(|_| Failure::Protocol("it is no account"))?;
        let quota = body.send_quota;
        Ok(Self {
            max_24_hour_send: Some(quota.max24_hour_send).filter(|quota| *quota >= 0.0),
            max_send_rate: quota.max_send_rate,
            sent_last_24_hours: quota.sent_last24_hours,
            sending_enabled: body.sending_enabled,
            production_access: body.production_access_enabled,
            enforcement_status: Enforcement::parse(&body.enforcement_status),
        })
    }
}

impl Enforcement {
    fn parse(text: &str) -> Self {
        match text {
            "HEALTHY" => Self::Healthy,
            "PROBATION" => Self::Probation,
            "SHUTDOWN" => Self::Shutdown,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_as_ses_writes_it() {
        let body = br#"{"DedicatedIpAutoWarmupEnabled":true,"EnforcementStatus":"PROBATION","ProductionAccessEnabled":true,
            "SendQuota":{"Max24HourSend":50000.0,"MaxSendRate":14.0,"SentLast24Hours":3.0},"SendingEnabled":true}"#;
        let account = Account::parse(body).unwrap();
        assert_eq!(
            (account.max_24_hour_send, account.max_send_rate, account.sent_last_24_hours),
            (Some(5e4), 14.0, 3.0)
        );
        assert_eq!(account.enforcement_status, Enforcement::Probation);
        assert!(account.sending_enabled && account.production_access);
    }

    #[test]
    fn minus_one_is_no_quota() {
        let body = br#"{"SendQuota":{"Max24HourSend":-1,"MaxSendRate":1,"SentLast24Hours":0}}"#;
        let account = Account::parse(body).unwrap();
        assert_eq!(account.max_24_hour_send, None);
        assert!(!account.sending_enabled && account.enforcement_status == Enforcement::Other);
        assert!(Account::parse(b"{}").is_err());
    }
}
