//! API tokens: one item each, under the name of whoever uses it.
//!
//! A token is made once and taken back by deleting its item; it is never changed, so that a name that was taken is not
//! taken over in silence. They are few and small: the API reads all of them at once.

use fanmail_domain::{Timestamp, TokenHash, TokenName};
use fanmail_engine::ports::{Conditional, PortError};

use crate::Store;
use crate::conditional::{decoded, delete_if, put_if};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys::{self, TOKENS};
use crate::read::Range;
use crate::write::{Table, Write};

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Who uses it.
    pub name: TokenName,
    /// What it is known by.
    pub hash: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Keeps a new token. A rejection holds the token that has its name.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. The token may have been kept: make another under another name.
    pub async fn create_token(&self, token: &StoredToken) -> Result<Conditional<StoredToken>, PortError> {
        let put = Write::put(Table::Campaigns, items::token::encode(token)).if_absent();
        let answer = put_if(self, put).await;
        let answer = answer.and_then(|answer| decoded(answer, items::token::decode));
        Ok(match answer.during("keep a token")? {
            // The SDK's repeat met its own first try.
            Conditional::Rejected(Some(stands)) if stands == *token => Conditional::Applied,
            Conditional::Applied => Conditional::Applied,
            Conditional::Rejected(stands) => Conditional::Rejected(stands),
        })
    }

    /// All tokens, in order of their names.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a token cannot be read.
    pub async fn tokens(&self) -> Result<Vec<StoredToken>, PortError> {
        self.read_tokens().await.during("read the tokens")
    }

    async fn read_tokens(&self) -> Result<Vec<StoredToken>, StoreError> {
        let items = self.all(Table::Campaigns, TOKENS.to_owned(), Range::All).await?;
        Ok(items.iter().map(items::token::decode).collect::<Result<_, _>>()?)
    }

    /// Takes a token back. Answers whether there was one of this name.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. Asking again is safe.
    pub async fn revoke_token(&self, name: &TokenName) -> Result<bool, PortError> {
        let delete = Write::delete(Table::Campaigns, keys::token(name)).if_present();
        let answer = delete_if(self, delete).await.during("take a token back")?;
        Ok(matches!(answer, Conditional::Applied))
    }
}
