//! Rendering for everybody, sending to nobody.
//!
//! Before a campaign starts, its messages can be made for the whole audience as it stands, to find whom they
//! would fail for: an attribute that is missing, an address that cannot stand in an envelope. Nothing is written
//! and nothing leaves. It goes page by page, each begun where the last one ended, so that an audience of any size
//! fits into invocations of any length. What it finds holds for the audience of that moment.

use fanmail_domain::{Campaign, Content, Shard, SkipReason, Subscriber, SubscriberId};

use crate::Invocation;
use crate::commit::retry;
use crate::fan_out::Merge;
use crate::ports::{Audience, Clock, Consistency, PortError, RenderError};

/// Subscribers read at a time: as many as one request of the store takes.
const CHUNK: usize = 100;

/// What one page of a dry render found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DryPage {
    /// Messages that could be made.
    pub rendered: u64,
    /// Who would fail, and why.
    pub failed: Vec<(Subscriber, RenderError)>,
    /// How many would be skipped, by reason.
    pub skipped: Vec<(SkipReason, u64)>,
    /// Where the next page begins; `None` if everybody was looked at.
    pub next: Option<SubscriberId>,
}

/// Who is looked at.
#[derive(Debug, Clone, Copy)]
pub struct DryRange {
    /// Only those behind this one.
    pub after: Option<SubscriberId>,
    /// A page ends when so many were looked at.
    pub recipients: usize,
    /// A page ends when so many failed.
    pub failures: usize,
}

/// Renders `content` for a page of the audience of `campaign`, until `invocation` is to stop.
///
/// # Errors
///
/// [`PortError`] if the store stays silent until the deadline.
pub async fn dry_render(
    (store, clock, invocation): (&impl Audience, &impl Clock, &Invocation),
    (campaign, content): (&Campaign, &Content),
    range: DryRange,
    render: impl Fn(&Content, &Subscriber) -> Result<(), RenderError>,
) -> Result<DryPage, PortError> {
    // Who is on the lists now would get it if it started now.
    let campaign = Campaign { started_at: Some(clock.now()), ..campaign.clone() };
    let mut merge = Merge::new(&campaign, (Shard(0), Shard::LAST), range.after);
    let (mut page, mut looked_at) = (DryPage::default(), 0);
    while looked_at < range.recipients && page.failed.len() < range.failures {
        let ids = merge.next(store, clock, invocation, CHUNK.min(range.recipients - looked_at)).await?;
        page.add(store, clock, invocation, (&campaign, content), &ids, &render).await?;
        looked_at += ids.len();
        if merge.is_at_end() {
            return Ok(page);
        }
        if ids.is_empty() {
            break;
        }
    }
    page.next = merge.passed();
    Ok(page)
}

impl DryPage {
    async fn add(
        &mut self,
        store: &impl Audience,
        clock: &impl Clock,
        invocation: &Invocation,
        (campaign, content): (&Campaign, &Content),
        ids: &[SubscriberId],
        render: impl Fn(&Content, &Subscriber) -> Result<(), RenderError>,
    ) -> Result<(), PortError> {
        let read = || store.subscribers(ids, Consistency::Eventual);
        let subscribers = retry(clock, invocation.deadline, read).await?;
        for id in ids {
            let subscriber = subscribers.get(id).ok_or(SkipReason::Gone);
            let may = subscriber.and_then(|it| it.may_receive(&campaign.audience).map(|_| it));
            match may.map(|subscriber| (subscriber, render(content, subscriber))) {
                Ok((_, Ok(()))) => self.rendered += 1,
                Ok((subscriber, Err(error))) => self.failed.push((subscriber.clone(), error)),
                Err(reason) => self.skip(reason),
            }
        }
        Ok(())
    }

    fn skip(&mut self, reason: SkipReason) {
        match self.skipped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.skipped.push((reason, 1)),
        }
    }
}
