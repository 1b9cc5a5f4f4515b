//! Rendering for everybody, sending to nobody.

use std::time::Duration;

use fanmail_domain::{Holder, SkipReason, Subscriber, SubscriberId, SubscriberStatus};
use fanmail_engine::Invocation;
use fanmail_engine::dry_render::{DryPage, DryRange, dry_render};
use fanmail_engine::ports::{Campaigns, Clock, RenderError};
use fanmail_testkit::{CAMPAIGN, World};

async fn page(world: &World, range: DryRange, fails: &[SubscriberId]) -> DryPage {
    let campaign = world.campaign_now(CAMPAIGN);
    let content = world.content(CAMPAIGN, 1).await.unwrap().unwrap();
    let until = world.now().after(Duration::from_secs(60));
    let invocation = Invocation { holder: Holder(1), stop_at: until, deadline: until };
    let render = |_: &_, subscriber: &Subscriber| match fails.contains(&subscriber.id) {
        true => Err(RenderError { text: "no city".into() }),
        false => Ok(()),
    };
    dry_render((world, world, &invocation), (&campaign, &content), range, render).await.unwrap()
}

const ALL: DryRange = DryRange { after: None, recipients: 1_000, failures: 100 };

#[tokio::test]
async fn who_would_fail_and_who_would_be_skipped_is_told_before_anything_is_sent() {
    let world = World::new(300, 10);
    let ids = world.subscriber_ids();
    world.set_status(ids[3], SubscriberStatus::Blocklisted);
    world.set_status(ids[9], SubscriberStatus::Blocklisted);
    let found = page(&world, ALL, &[ids[7], ids[200], ids[3]]).await;
    let failed: Vec<_> = found.failed.iter().map(|(who, error)| (who.id, error.text.as_str())).collect();
    assert_eq!(failed, [(ids[7], "no city"), (ids[200], "no city")]);
    assert_eq!((found.rendered, found.next), (296, None));
    assert_eq!(found.skipped, [(SkipReason::Blocklisted, 2)]);
    assert_eq!((world.count_calls("submit"), world.batches().len()), (0, 0));
}

#[tokio::test]
async fn pages_meet_everybody_once() {
    let world = World::new(250, 10);
    let fails = world.subscriber_ids();
    let (mut after, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let found = page(&world, DryRange { after, recipients: 70, failures: 40 }, &fails).await;
        assert!(found.failed.len() <= 70);
        seen.extend(found.failed.into_iter().map(|(who, _)| who.id));
        pages += 1;
        after = match found.next {
            Some(next) => Some(next),
            None => break,
        };
    }
    assert_eq!(seen, fails);
    assert!((4..=5).contains(&pages), "{pages}");
}
