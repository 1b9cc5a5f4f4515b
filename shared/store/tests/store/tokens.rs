//! API tokens: made once, listed, taken back.

use fanmail_domain::{ApiToken, Timestamp};
use fanmail_engine::ports::Conditional;
use fanmail_store::StoredToken;

use crate::fixtures::NOW;
use crate::harness::World;

fn token(name: &str, seed: u8) -> StoredToken {
    let hash = ApiToken::from_bytes([seed; 32]).hash();
    StoredToken { name: name.parse().unwrap(), hash, created_at: NOW }
}

#[tokio::test]
async fn a_name_is_given_once_and_its_token_stays() {
    let world = World::new().await;
    let (first, second) = (token("deploy", 1), token("deploy", 2));
    assert_eq!(world.store.create_token(&first).await.unwrap(), Conditional::Applied);
    assert_eq!(world.store.create_token(&second).await.unwrap(), Conditional::Rejected(Some(first.clone())));
    assert_eq!(world.store.tokens().await.unwrap(), std::slice::from_ref(&first));
    // The repeat of a request whose answer was lost.
    assert_eq!(world.store.create_token(&first).await.unwrap(), Conditional::Applied);
    let later = StoredToken { created_at: Timestamp(NOW.0 + 1), ..first.clone() };
    assert_eq!(world.store.create_token(&later).await.unwrap(), Conditional::Rejected(Some(first)));
}

#[tokio::test]
async fn what_is_taken_back_is_gone_and_its_name_is_free() {
    let world = World::new().await;
    for (name, seed) in [("zoe", 1), ("Anna", 2), ("ci-2", 3)] {
        assert_eq!(world.store.create_token(&token(name, seed)).await.unwrap(), Conditional::Applied);
    }
    let name = "ci-2".parse().unwrap();
    assert!(world.store.revoke_token(&name).await.unwrap());
    assert!(!world.store.revoke_token(&name).await.unwrap());
    assert_eq!(world.store.tokens().await.unwrap(), [token("Anna", 2), token("zoe", 1)]);
    assert_eq!(world.store.create_token(&token("ci-2", 4)).await.unwrap(), Conditional::Applied);
}
