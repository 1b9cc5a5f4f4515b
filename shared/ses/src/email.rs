//! `SendEmail` with a raw message (API v2 reference, `SendEmail`).

use std::fmt;

use crate::json;

/// One message to one address. `Debug` shows its size alone.
#[derive(Clone, Copy)]
pub struct Email<'a> {
    /// The From address; its identity must be verified. ASCII, the domain in Punycode: SES has no SMTPUTF8.
    pub from: &'a str,
    /// To whom. ASCII, as above.
    pub to: &'a str,
    /// The whole message, header included, lines ended by CRLF and below 1,000 octets; 40 MB in base64 at most.
    pub message: &'a [u8],
    /// Names and values of `[A-Za-z0-9_-]`, up to 256 characters each. SES's events repeat them where there is a
    /// configuration set.
    pub tags: &'a [(&'a str, &'a str)],
    /// The configuration set, which says where events go.
    pub configuration_set: Option<&'a str>,
}

impl Email<'_> {
    /// The request's body. The message is encoded where it stands, without a copy in between.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.message.len().div_ceil(3) * 4 + 512);
        out.extend_from_slice(b"{\"FromEmailAddress\":");
        json::string(&mut out, self.from);
        out.extend_from_slice(b",\"Destination\":{\"ToAddresses\":[");
        json::string(&mut out, self.to);
        out.extend_from_slice(b"]},\"Content\":{\"Raw\":{\"Data\":");
        json::base64(&mut out, self.message);
        out.extend_from_slice(b"}},\"EmailTags\":");
        json::pairs(&mut out, self.tags.iter().copied());
        if let Some(name) = self.configuration_set {
            out.extend_from_slice(b",\"ConfigurationSetName\":");
            json::string(&mut out, name);
        }
        out.push(b'}');
        out
    }
}

impl fmt::Debug for Email<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({} octets)", self.message.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(email: &Email<'_>) -> Value {
        serde_json::from_slice(&email.body()).unwrap()
    }

    #[test]
    fn the_body_is_that_of_the_reference() {
        let tags = [("campaign", "7"), ("lane", "0")];
        let email = Email {
            from: "news@acme.test",
            to: "\"a b\"@rcpt.test",
            message: b"Subject: a\r\n\r\nb\r\n",
            tags: &tags,
            configuration_set: Some("fanmail"),
        };
        let expected = json!({
            "FromEmailAddress": "news@acme.test",
            "Destination": { "ToAddresses": ["\"a b\"@rcpt.test"] },
            "Content": { "Raw": { "Data": "U3ViamVjdDogYQ0KDQpiDQo=" } },
            "EmailTags": [{ "Name": "campaign", "Value": "7" }, { "Name": "lane", "Value": "0" }],
            "ConfigurationSetName": "fanmail",
        });
        assert_eq!(body(&email), expected);

        let bare = Email { tags: &[], configuration_set: None, ..email };
        assert_eq!(body(&bare)["EmailTags"], json!([]));
        assert_eq!(body(&bare).get("ConfigurationSetName"), None);
    }

    #[test]
    fn debug_shows_no_address() {
        let email =
            Email { from: "a@b.test", to: "c@d.test", message: b"x", tags: &[], configuration_set: None };
        assert_eq!(format!("{email:?}"), "Email(1 octets)");
    }
}
