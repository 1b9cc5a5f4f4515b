//! The item of the mail servers: one for the whole system. It holds names of secrets, never a secret.

use fanmail_domain::MailServers;

use crate::attributes::{Builder, Item, Reader, number, text};
use crate::error::DecodeError;
use crate::keys;

/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "rev";

/// As JSON under listmonk's keys: nothing asks DynamoDB about what is in it.
pub(crate) fn encode(servers: &MailServers, rev: u32) -> Item {
    // Texts, numbers and lists of them always have a JSON form.
    let json = serde_json::to_string(servers).unwrap_or_default();
    Builder::new(keys::servers()).with(REV, number(rev)).with("servers", text(json)).build()
}

/// The servers and their revision.
pub(crate) fn decode(item: &Item) -> Result<(MailServers, u32), DecodeError> {
    let reader = Reader(item);
    let servers = serde_json::from_str(reader.text("servers")?)
        .map_err(|_| reader.malformed("servers", "list of mail servers"))?;
    Ok((servers, reader.number(REV)?))
}

#[cfg(test)]
mod tests {
    use fanmail_domain::{MailServer, SecretRef};

    use super::*;

    #[test]
    fn servers_are_read_back_as_written() {
        let server = MailServer {
            host: "mx.test".into(),
            password: Some(SecretRef::Ssm("/fanmail/relay".into())),
            ..MailServer::default()
        };
        let servers = MailServers { smtp: vec![server], domain_rate: 3, ..MailServers::default() };
        assert_eq!(decode(&encode(&servers, 7)), Ok((servers, 7)));
    }
}
