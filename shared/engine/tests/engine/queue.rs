//! A queue that loses, repeats and reorders.

use fanmail_domain::CampaignStatus;
use fanmail_testkit::World;

#[tokio::test]
async fn every_task_delivered_three_times_sends_each_message_once() {
    let world = World::new(60, 6);
    world.start().await;
    world.multiply_queue(3);
    while world.count_calls("write_page") == 0 {
        world.step().await.unwrap();
    }
    world.multiply_queue(3);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn a_purged_queue_is_filled_again_from_the_ledger() {
    for steps in [0, 1, 2, 4, 7] {
        let world = World::new(60, 6);
        world.start().await;
        for _ in 0..steps {
            world.step().await.unwrap();
        }
        world.purge_queue();
        world.drive().await;
        let outcome = world.check();
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60), "{steps}");
    }
}

#[tokio::test]
async fn sweeping_in_the_middle_of_normal_work_changes_nothing() {
    let world = World::new(60, 6);
    world.start().await;
    while world.step().await.unwrap() {
        let report = world.sweep().await.unwrap().unwrap();
        assert_eq!(report, fanmail_engine::sweep::SweepReport::default());
    }
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn sweeping_twice_mends_once() {
    let world = World::new(60, 6);
    world.start().await;
    world.step().await.unwrap();
    world.purge_queue();
    let first = world.sweep().await.unwrap().unwrap();
    let second = world.sweep().await.unwrap().unwrap();
    assert_eq!((first.lanes_rewound, second.lanes_rewound), (1, 0));
}
