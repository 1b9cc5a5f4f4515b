//! Lists and campaigns as people handle them.

use fanmail_domain::{CampaignId, ListId, Optin};

use crate::fixtures::{NOW, draft};
use crate::harness::World;

#[tokio::test]
async fn lists_count_up_and_are_found_again() {
    let world = World::new().await;
    let first = world.store.create_list("News", Optin::Single, NOW).await.unwrap();
    let second = world.store.create_list("Offers", Optin::Double, NOW).await.unwrap();
    assert_eq!((first.id, second.id), (ListId(1), ListId(2)));
    assert_eq!(world.store.list(second.id).await.unwrap().as_ref(), Some(&second));
    assert_eq!(world.store.lists().await.unwrap(), [first, second]);
    assert_eq!(world.store.list(ListId(3)).await.unwrap(), None);
}

#[tokio::test]
async fn campaigns_are_listed_newest_first_in_pages() {
    let world = World::new().await;
    assert_eq!(world.store.list_campaigns(None, 10).await.unwrap(), []);
    for _ in 0..7 {
        world.store.create_campaign(&draft(), NOW).await.unwrap();
    }
    let ids = |before, limit| {
        let store = &world.store;
        async move {
            let page = store.list_campaigns(before, limit).await.unwrap();
            page.iter().map(|campaign| campaign.id.0).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids(None, 3).await, [7, 6, 5]);
    assert_eq!(ids(Some(CampaignId(5)), 3).await, [4, 3, 2]);
    assert_eq!(ids(Some(CampaignId(2)), 3).await, [1]);
    assert!(ids(Some(CampaignId(1)), 3).await.is_empty());
    assert_eq!(ids(Some(CampaignId(500)), 2).await, [7, 6]);
    assert_eq!(world.store.newest_campaign().await.unwrap(), 7);
}
