//! Shares of the sliding windows: permission to submit so many messages, soon.
//!
//! A window that cannot be read or written lets nobody through: the run ends with the port's error. It is
//! asked only as long as new work may begin, so that there is time to write down what is known by then.

use fanmail_domain::window::{Ask, usable};
use fanmail_domain::{Share, SlidingWindow, Timestamp};

use super::run::Run;
use crate::commit::{Committed, commit, retry};
use crate::ports::{Audience, Campaigns, Clock, Ledger, Mailer, PortError, Tasks, WindowKey, Windows};
use crate::watch::View;

/// What may be submitted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shares {
    /// As much as the pacing lets through: no window applies.
    Unlimited,
    /// So many, each before `use_by`.
    Some {
        /// How many.
        left: u32,
        /// When they are void.
        use_by: Timestamp,
    },
}

impl Shares {
    /// What is known before a window was asked.
    pub(super) fn of(view: &View) -> Self {
        if windows(view).is_empty() { Self::Unlimited } else { Self::NONE }
    }

    const NONE: Self = Self::Some { left: 0, use_by: Timestamp(0) };

    pub(super) fn left(self) -> usize {
        match self {
            Self::Unlimited => usize::MAX,
            Self::Some { left, .. } => left as usize,
        }
    }

    /// Whether a message may begin now.
    pub(super) fn is_valid(self, now: Timestamp) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Some { use_by, .. } => now <= use_by,
        }
    }

    pub(super) fn spend(&mut self, messages: usize) {
        if let Self::Some { left, .. } = self {
            *left = left.saturating_sub(u32::try_from(messages).unwrap_or(u32::MAX));
        }
    }
}

/// The windows that a campaign is subject to: its own, and that of the whole system.
fn windows(view: &View) -> Vec<(WindowKey, SlidingWindow)> {
    let own = view.campaign.settings.sliding_window;
    let own = own.map(|limit| (WindowKey::Campaign(view.campaign.id), limit));
    let system = view.settings.sliding_window.map(|limit| (WindowKey::System, limit));
    own.into_iter().chain(system).collect()
}

impl<S, Q, M, C> Run<'_, '_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Sees to it that there are shares. Answers the time of our turn if there are none.
    pub(super) async fn take_shares(&mut self) -> Result<Option<Timestamp>, PortError> {
        let windows = windows(&self.view);
        if windows.is_empty() {
            self.shares = Shares::Unlimited;
            return Ok(None);
        }
        let now = self.ports.clock.now();
        if self.shares.left() > 0 && self.shares.is_valid(now) && !matches!(self.shares, Shares::Unlimited) {
            return Ok(None);
        }
        self.give_back_void().await?;
        // A share that is taken before the pacing's turn may be void by then, every time.
        let turn = self.pacer().turn(self.ports.clock.monotonic_ns());
        self.ports.clock.sleep_until_ns(turn).await;
        let mut taken: Vec<Taken> = Vec::new();
        for (key, limit) in windows {
            let want = taken.last().map_or_else(|| self.want(limit), |earlier| earlier.shares);
            match self.take(key, limit, want).await? {
                Share::Granted { shares, bucket, use_by } => {
                    taken.push(Taken { key, shares, bucket, use_by });
                }
                Share::Wait { turn } => {
                    self.give_back(&taken, 0).await?;
                    return Ok(Some(turn));
                }
            }
        }
        let left = taken.iter().map(|it| it.shares).min().unwrap_or_default();
        let use_by = taken.iter().map(|it| it.use_by).min().unwrap_or_default();
        self.give_back(&taken, left).await?;
        self.shares = Shares::Some { left, use_by };
        self.taken = taken.into_iter().map(|it| Taken { shares: left, ..it }).collect();
        Ok(None)
    }

    /// Gives back what was not used in its time, so that others can.
    async fn give_back_void(&mut self) -> Result<(), PortError> {
        let left = std::mem::replace(&mut self.shares, Shares::NONE).left();
        for it in std::mem::take(&mut self.taken) {
            let left = u32::try_from(left).unwrap_or(u32::MAX).min(it.shares);
            self.give_back(&[it], it.shares - left).await?;
        }
        Ok(())
    }

    /// As many as can be used before they are void.
    fn want(&self, limit: SlidingWindow) -> u32 {
        let within = u64::from(self.rate()) * usable(limit).as_millis() as u64 / 1_000;
        let pending = self.batch.pending().count() as u64;
        u32::try_from(within.min(pending)).unwrap_or(u32::MAX).max(1)
    }

    async fn take(&self, key: WindowKey, limit: SlidingWindow, want: u32) -> Result<Share, PortError> {
        let ask = Ask { campaign: self.task.batch.campaign, want, writer: self.invocation.holder };
        let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.stop_at);
        loop {
            let log = retry(clock, until, || store.window(key)).await?;
            let now = clock.now();
            if now >= until {
                // Who slept so long may know a limit that is not in force any more, and forget by it what still counts.
                return Ok(Share::Wait { turn: now });
            }
            let (after, share) = log.take(limit, ask, now);
            if let Committed::Stands =
                commit(clock, until, &after, || store.write_window(key, &after)).await?
            {
                return Ok(share);
            }
        }
    }

    /// Gives back what is beyond `used` of each window's shares, with one try. If its answer is lost or it is
    /// refused, it may have taken place: a second try could give back what others took. So the shares are
    /// lost then, which lets through too little and never too much.
    async fn give_back(&self, taken: &[Taken], used: u32) -> Result<(), PortError> {
        let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.stop_at);
        for it in taken.iter().filter(|it| it.shares > used) {
            let log = retry(clock, until, || store.window(it.key)).await?;
            let after = log.give_back(self.invocation.holder, it.shares - used, it.bucket);
            let _ = store.write_window(it.key, &after).await;
        }
        Ok(())
    }
}

/// Shares of one window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    key: WindowKey,
    shares: u32,
    bucket: Timestamp,
    use_by: Timestamp,
}
