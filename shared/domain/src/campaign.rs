//! The campaign: one piece of content, sent once to an audience.
//!
//! ```text
//! draft ──▶ scheduled ──▶ running ⇄ paused      running ──▶ finished ──retry──▶ running
//!   └──────────start────────▲                   scheduled, running, paused ──▶ cancelled
//! ```
//!
//! Every transition adds 1 to `version`, and is one write that names the version it read: a race is lost by
//! whoever comes second, who learns what stands. Every transition into running adds 1 to `epoch`, which
//! makes the tasks of earlier runs void.

use std::fmt;

use crate::{AudienceList, CampaignId, Epoch, IllegalTransition, SettingsPatch, Timestamp};

/// Where a campaign stands; the names are listmonk's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CampaignStatus {
    /// Being written.
    Draft,
    /// Waits for its time.
    Scheduled,
    /// Being sent.
    Running,
    /// Stopped, to be continued.
    Paused,
    /// Stopped for good.
    Cancelled,
    /// Every recipient of the sealed audience came to an end.
    Finished,
}

/// Why a campaign is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusReason {
    /// Somebody asked for it.
    User,
    /// The provider took nothing from anybody for too many tries.
    ProviderUnavailable,
    /// The provider refused the credentials.
    CredentialsRefused,
}

/// The part of a campaign that transitions change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CampaignState {
    /// Where it stands.
    pub status: CampaignStatus,
    /// Why, if it is paused.
    pub reason: Option<StatusReason>,
    /// Grows with every transition.
    pub version: u32,
    /// Grows with every transition into running; 0 before the first.
    pub epoch: Epoch,
}

/// What can happen to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignEvent {
    /// It gets a time to start.
    Schedule,
    /// It starts for the first time.
    Start,
    /// It stops for now.
    Pause(StatusReason),
    /// It goes on.
    Resume,
    /// It stops for good.
    Cancel,
    /// Every recipient came to an end.
    Finish,
    /// Chosen recipients are to be tried again.
    Retry,
}

impl CampaignState {
    /// A new campaign's state.
    pub const DRAFT: Self = Self { status: CampaignStatus::Draft, reason: None, version: 0, epoch: Epoch(0) };

    /// The only way to change a campaign's state.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if this state does not know the event.
    pub fn apply(self, event: CampaignEvent) -> Result<Self, IllegalTransition> {
        use CampaignEvent as E;
        use CampaignStatus as S;

        let (status, reason) = match (self.status, event) {
            (S::Draft, E::Schedule) => (S::Scheduled, None),
            (S::Draft | S::Scheduled, E::Start) => (S::Running, None),
            (S::Running, E::Pause(reason)) => (S::Paused, Some(reason)),
            (S::Paused, E::Resume) | (S::Finished, E::Retry) => (S::Running, None),
            (S::Running, E::Finish) => (S::Finished, None),
            (S::Scheduled | S::Running | S::Paused, E::Cancel) => (S::Cancelled, None),
            (S::Draft | S::Scheduled | S::Running | S::Paused | S::Cancelled | S::Finished, event) => {
                return Err(IllegalTransition { state: self.status.name(), event: event.name() });
            }
        };
        let epoch = if status == S::Running { self.epoch.next() } else { self.epoch };
        Ok(Self { status, reason, version: self.version + 1, epoch })
    }
}

/// One campaign, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Which one.
    pub id: CampaignId,
    /// What the people who run it call it.
    pub name: String,
    /// The subject's template, as in the content that is pinned.
    pub subject: String,
    /// The From header, as in the content that is pinned.
    pub from: String,
    /// Whom it goes to.
    pub audience: Vec<AudienceList>,
    /// What it overrides of the settings.
    pub settings: SettingsPatch,
    /// Where it stands.
    pub state: CampaignState,
    /// Which content every recipient gets.
    pub content_version: u32,
    /// How many lanes it was planned in; 0 before it started.
    pub lanes: u8,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it first started; whoever joins a list later is left out.
    pub started_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Campaign {
    /// Whether tasks of `epoch` are to be worked on now.
    #[must_use]
    pub fn is_running(&self, epoch: Epoch) -> bool {
        self.state.status == CampaignStatus::Running && self.state.epoch == epoch
    }
}

impl CampaignStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Scheduled, Self::Running, Self::Paused, Self::Cancelled, Self::Finished];

    /// listmonk's name of the status.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }

    /// The status with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for CampaignStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl StatusReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::User, Self::ProviderUnavailable, Self::CredentialsRefused];

    /// The reason's name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::CredentialsRefused => "credentials_refused",
        }
    }

    /// The reason with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl CampaignEvent {
    /// The event's name in the journal and in refusals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Start => "start",
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Finish => "finish",
            Self::Retry => "retry",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVENTS: [CampaignEvent; 7] = [
        CampaignEvent::Schedule,
        CampaignEvent::Start,
        CampaignEvent::Pause(StatusReason::User),
        CampaignEvent::Resume,
        CampaignEvent::Cancel,
        CampaignEvent::Finish,
        CampaignEvent::Retry,
    ];

    #[test]
    fn the_transition_table_is_this_one() {
        let table = CampaignStatus::ALL.map(|status| {
            let state = CampaignState { status, ..CampaignState::DRAFT };
            let cells = EVENTS.map(|event| state.apply(event).map_or("-", |after| after.status.name()));
            format!("{status:9} | {}", cells.join(" "))
        });
        // schedule, start, pause, resume, cancel, finish, retry
        assert_eq!(
            table,
            [
                "draft | scheduled running - - - - -",
                "scheduled | - running - - cancelled - -",
                "running | - - paused - cancelled finished -",
                "paused | - - - running cancelled - -",
                "cancelled | - - - - - - -",
                "finished | - - - - - - running",
            ]
        );
    }

    proptest! {
        #[test]
        fn versions_count_transitions_and_epochs_count_runs(steps in prop::collection::vec(0..7_usize, 0..40)) {
            let mut state = CampaignState::DRAFT;
            let (mut transitions, mut runs) = (0, 0);
            for step in steps {
                let Ok(after) = state.apply(EVENTS[step]) else { continue };
                transitions += 1;
                runs += u32::from(after.status == CampaignStatus::Running);
                prop_assert_eq!(after.reason.is_some(), after.status == CampaignStatus::Paused);
                state = after;
            }
            prop_assert_eq!((state.version, state.epoch), (transitions, Epoch(runs)));
        }
    }

    #[test]
    fn every_name_is_read_back() {
        assert!(
            CampaignStatus::ALL
                .iter()
                .all(|status| CampaignStatus::from_name(status.name()) == Some(*status))
        );
        assert!(
            StatusReason::ALL.iter().all(|reason| StatusReason::from_name(reason.name()) == Some(*reason))
        );
        assert_eq!(CampaignStatus::from_name("done"), None);
    }
}
