//! The operator's hand on API tokens: make one, list them, take one back.
//!
//! There is no way over HTTP: whoever may make a token may do everything, and that is whoever deploys. So the command
//! asks DynamoDB itself, with the credentials of the environment, and works as well against a stack on this machine.
//! A token is drawn here, shown once, and only its hash leaves this process.

mod config;
mod error;

use std::fs::File;
use std::io::{self, Read, Write};

use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use fanmail_domain::api_token::TOKEN_BYTES;
use fanmail_domain::{ApiToken, Timestamp, TokenName};
use fanmail_engine::ports::{Clock, Conditional};
use fanmail_runtime::SystemClock;
use fanmail_store::{Store, StoredToken};

pub use config::Place;
pub use error::TokenError;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Order {
    /// A new token for this name.
    Create(TokenName),
    /// All names.
    List,
    /// The token of this name opens nothing any more.
    Revoke(TokenName),
}

/// Carries an order out. What scripts want goes to `out`, and everything else to the standard error.
///
/// # Errors
///
/// [`TokenError`] says in one sentence what is in the way. A token that could not be shown is taken back.
pub async fn run(order: Order, place: Place, out: &mut impl Write) -> Result<(), TokenError> {
    let store = place.store()?;
    match order {
        Order::Create(name) => create(&store, &place, name, out).await,
        Order::List => list(&store, &place, out).await,
        Order::Revoke(name) => revoke(&store, &place, &name).await,
    }
}

async fn create(
    store: &Store,
    place: &Place,
    name: TokenName,
    out: &mut impl Write,
) -> Result<(), TokenError> {
    let token = ApiToken::from_bytes(random().map_err(TokenError::Random)?);
    let stored = StoredToken { name, hash: token.hash(), created_at: SystemClock::new().now() };
    let kept = store.create_token(&stored).await.map_err(|error| place.explain(error))?;
    let name = stored.name;
    if let Conditional::Rejected(stands) = kept {
        let since = stands.map(|stands| time(stands.created_at)).unwrap_or_default();
        return Err(TokenError::Taken { name, since });
    }
    if let Err(source) = writeln!(out, "{}", token.reveal()).and_then(|()| out.flush()) {
        // Nobody saw it, so nobody can use it; if it stays behind, it is in the list.
        let _ = store.revoke_token(&name).await;
        return Err(TokenError::Output(source));
    }
    eprintln!(
        "This is the token of {name}. It is not shown again: only its hash is kept.\nWithin a second it opens the whole \
         API:  curl -H \"Authorization: token {name}:TOKEN\" URL/api/profile\nTo take it back:  fanmail token revoke \
         {name} {}",
        place.arguments()
    );
    Ok(())
}

async fn list(store: &Store, place: &Place, out: &mut impl Write) -> Result<(), TokenError> {
    let tokens = store.tokens().await.map_err(|error| place.explain(error))?;
    if tokens.is_empty() {
        eprintln!("There are no tokens in {}.", place.table());
    }
    for token in tokens {
        writeln!(out, "{:<24}  {}", token.name.as_str(), time(token.created_at))
            .map_err(TokenError::Output)?;
    }
    Ok(())
}

async fn revoke(store: &Store, place: &Place, name: &TokenName) -> Result<(), TokenError> {
    if !store.revoke_token(name).await.map_err(|error| place.explain(error))? {
        return Err(TokenError::Unknown { name: name.clone(), table: place.table().to_owned() });
    }
    eprintln!("The token of {name} is taken back: within a minute it opens nothing any more.");
    Ok(())
}

/// Random bytes of the operating system.
fn random() -> io::Result<[u8; TOKEN_BYTES]> {
    let mut bytes = [0; TOKEN_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A point in time as RFC 3339 has it.
fn time(at: Timestamp) -> String {
    let at = DateTime::from_millis(i64::try_from(at.0).unwrap_or(i64::MAX));
    at.fmt(DateTimeFormat::DateTime).unwrap_or_default()
}
