//! Judging servers before they are stored.

use std::collections::BTreeSet;

use super::{AuthProtocol, MailServer, MailServers, TlsType};
use crate::length;
use crate::settings::MAX_CONNS;

/// What is to be said about the servers, in sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServersReview {
    /// With these they cannot be used.
    pub errors: Vec<String>,
    /// What they cost, and stops nothing.
    pub warnings: Vec<String>,
}

impl MailServers {
    /// Judges the servers, each alone and all together.
    #[must_use]
    pub fn review(&self) -> ServersReview {
        let mut review = ServersReview::default();
        for (at, server) in self.smtp.iter().enumerate() {
            let label = server.label(at);
            review.errors.extend(server.errors().map(|wrong| format!("{label}: {wrong}")));
            review.warnings.extend(server.warnings().map(|cost| format!("{label}: {cost}")));
        }
        review.errors.extend(self.twice());
        if !self.smtp.is_empty() && self.enabled().next().is_none() {
            review.errors.push("no server is enabled: nothing could be sent".to_owned());
        }
        review
    }

    fn twice(&self) -> impl Iterator<Item = String> {
        let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for server in self.enabled() {
            if !seen.insert((&server.host, server.port, &server.username)) {
                twice.insert(&server.host);
            }
        }
        let sentence =
            |host| format!("{host} is there twice with the same port and user: raise its max_conns");
        twice.into_iter().map(sentence).collect::<Vec<_>>().into_iter()
    }
}

impl MailServer {
    /// How findings name it: by its place, and by its name where it has one.
    fn label(&self, at: usize) -> String {
        if self.name.is_empty() { format!("smtp[{at}]") } else { format!("smtp[{at}] ({})", self.name) }
    }

    fn errors(&self) -> impl Iterator<Item = String> {
        let name = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let length = |text: &str| length::seconds(text).is_some_and(|seconds| seconds > 0);
        let authenticates = self.auth_protocol != AuthProtocol::None;
        let checks = [
            (!self.host.is_empty() && name(&self.host), "host is a name or an address"),
            (name(&self.hello_hostname), "hello_hostname is a host name"),
            (self.port > 0, "port is a number from 1 to 65535"),
            ((1..=MAX_CONNS).contains(&self.max_conns), "max_conns is a number from 1 to 500"),
            (self.weight > 0, "weight is a number from 1 on"),
            (length(&self.idle_timeout), "idle_timeout is a length of time: \"15s\" or \"1m\""),
            (length(&self.wait_timeout), "wait_timeout is a length of time: \"5s\""),
            (self.email_headers.is_empty(), "email_headers belong to a campaign: give them there as headers"),
            (
                !authenticates || !self.username.is_empty(),
                "a username is missing, or auth_protocol is \"none\"",
            ),
            (
                !authenticates || self.password.is_some(),
                "a password is missing, or auth_protocol is \"none\"",
            ),
            (!self.username.contains(char::is_control), "username has no control characters"),
        ];
        checks.into_iter().filter(|(holds, _)| !holds).map(|(_, rule)| rule.to_owned())
    }

    fn warnings(&self) -> impl Iterator<Item = String> {
        let clear = matches!(self.tls_type, TlsType::None | TlsType::Opportunistic);
        let checks = [
            (
                clear && self.auth_protocol != AuthProtocol::None && self.auth_protocol != AuthProtocol::Cram,
                "the password may travel unencrypted: set tls_type to STARTTLS or TLS",
            ),
            (
                self.tls_skip_verify && self.tls_type != TlsType::None,
                "the certificate is not checked: anybody on the way can read along",
            ),
        ];
        checks.into_iter().filter(|(applies, _)| *applies).map(|(_, sentence)| sentence.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::SecretRef;
    use super::*;

    fn good() -> MailServer {
        MailServer {
            host: "mx.test".into(),
            username: "fan".into(),
            password: Some(SecretRef::Env("PASSWORD".into())),
            ..MailServer::default()
        }
    }

    fn review(smtp: Vec<MailServer>) -> ServersReview {
        MailServers { smtp, ..MailServers::default() }.review()
    }

    #[test]
    fn good_servers_pass_without_a_word() {
        let other = MailServer { port: 465, tls_type: TlsType::Tls, ..good() };
        assert_eq!(review(vec![good(), other]), ServersReview::default());
        assert_eq!(review(Vec::new()), ServersReview::default());
    }

    #[test]
    fn each_rule_has_its_sentence() {
        let table: [(MailServer, &str); 9] = [
            (MailServer { host: "mx test".into(), ..good() }, "host is"),
            (MailServer { port: 0, ..good() }, "port is"),
            (MailServer { max_conns: 0, ..good() }, "max_conns is"),
            (MailServer { max_conns: MAX_CONNS + 1, ..good() }, "max_conns is"),
            (MailServer { weight: 0, ..good() }, "weight is"),
            (MailServer { idle_timeout: "soon".into(), ..good() }, "idle_timeout is"),
            (MailServer { wait_timeout: "0s".into(), ..good() }, "wait_timeout is"),
            (MailServer { username: String::new(), ..good() }, "a username is missing"),
            (MailServer { password: None, ..good() }, "a password is missing"),
        ];
        for (server, sentence) in table {
            let errors = review(vec![server]).errors;
            assert!(
                errors.len() == 1 && errors[0].starts_with(&format!("smtp[0]: {sentence}")),
                "{errors:?}"
            );
        }
        assert!(format!("1 to {MAX_CONNS}").ends_with("500"), "the sentence names the limit");
    }

    #[test]
    fn servers_are_judged_together() {
        assert!(review(vec![good(), good()]).errors[0].starts_with("mx.test is there twice"));
        let off = MailServer { enabled: false, ..good() };
        assert_eq!(review(vec![off.clone()]).errors, ["no server is enabled: nothing could be sent"]);
        assert_eq!(review(vec![good(), off]), ServersReview::default());
    }

    #[test]
    fn what_travels_in_the_clear_is_said() {
        let clear = MailServer { name: "old".into(), tls_type: TlsType::None, ..good() };
        assert!(review(vec![clear]).warnings[0].starts_with("smtp[0] (old): the password may travel"));
        let unchecked = MailServer { tls_skip_verify: true, ..good() };
        assert!(review(vec![unchecked]).warnings[0].contains("not checked"));
    }
}
