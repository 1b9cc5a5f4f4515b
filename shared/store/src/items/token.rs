//! The item of an API token: its hash, under the name of whoever uses it. The token itself is nowhere.

use fanmail_domain::{Timestamp, TokenHash};

use crate::attributes::{Builder, Item, Reader, bytes, number};
use crate::error::DecodeError;
use crate::keys::{self, SK};
use crate::tokens::StoredToken;

pub(crate) fn encode(token: &StoredToken) -> Item {
    Builder::new(keys::token(&token.name))
        .with("hash", bytes(token.hash.as_bytes().to_vec()))
        .with("created_at", number(token.created_at))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<StoredToken, DecodeError> {
    let reader = Reader(item);
    let name = reader.text(SK)?.parse().map_err(|_| reader.malformed(SK, "name of a token"))?;
    let hash = TokenHash::from_slice(reader.bytes("hash")?);
    Ok(StoredToken {
        name,
        hash: hash.ok_or_else(|| reader.malformed("hash", "SHA-256"))?,
        created_at: Timestamp(reader.number("created_at")?),
    })
}

#[cfg(test)]
mod tests {
    use fanmail_domain::ApiToken;

    use super::*;

    #[test]
    fn a_token_is_read_back_as_written_and_does_not_stand_there_itself() {
        let token = ApiToken::from_bytes([7; 32]);
        let stored = StoredToken {
            name: "ci.deploy-2".parse().unwrap(),
            hash: token.hash(),
            created_at: Timestamp(1_600_000_000_000),
        };
        let item = encode(&stored);
        assert!(!format!("{item:?}").contains(token.reveal()));
        assert_eq!(decode(&item), Ok(stored));
    }
}
