//! The campaign: one piece of content, sent once to an audience.
//!
//! ```text
//! draft ⇄ scheduled ──▶ running ⇄ paused      running ──▶ finished
//!   └───────start────────▲                    scheduled, running, paused ──▶ cancelled
//!        scheduled ──miss──▶ paused           paused, finished, cancelled ──retry──▶ running
//! ```
//!
//! Every transition adds 1 to `version`, and is one write that names the version it read: a race is lost by
//! whoever comes second, who learns what stands. Every transition into running adds 1 to `epoch`, which
//! makes the tasks of earlier runs void; so does cancelling what has run, for its open batches are then
//! closed, lane by lane, as they were fanned out before.

use std::fmt;

use crate::{AudienceList, CampaignId, Epoch, IllegalTransition, Retry, SettingsPatch, Timestamp};

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
    /// As many recipients failed as the settings allow.
    TooManyErrors,
    /// The provider's quota of the day is used up.
    DailyQuota,
    /// Its time to start passed, and nobody started it.
    MissedSchedule,
}

/// The part of a campaign that transitions change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CampaignState {
    /// Where it stands.
    pub status: CampaignStatus,
    /// Why, if it is paused.
    pub reason: Option<StatusReason>,
    /// When it goes on by itself, if it is paused and does.
    pub until: Option<Timestamp>,
    /// Grows with every transition.
    pub version: u32,
    /// Grows with every transition into running, and when what has run is cancelled; 0 before the first.
    pub epoch: Epoch,
}

/// What can happen to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignEvent {
    /// It gets a time to start.
    Schedule,
    /// It loses its time to start.
    Unschedule,
    /// It starts for the first time.
    Start,
    /// Nobody started it in time.
    Miss,
    /// It stops for now.
    Pause {
        /// Why.
        reason: StatusReason,
        /// When it goes on by itself, if it does.
        until: Option<Timestamp>,
    },
    /// It goes on.
    Resume,
    /// It stops for good.
    Cancel,
    /// Every recipient came to an end.
    Finish,
    /// Chosen recipients are to be tried again.
    Retry,
    /// It says something else from now on.
    Edit,
}

impl CampaignState {
    /// A new campaign's state.
    pub const DRAFT: Self =
        Self { status: CampaignStatus::Draft, reason: None, until: None, version: 0, epoch: Epoch(0) };

    /// The only way to change a campaign's state.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if this state does not know the event.
    pub fn apply(self, event: CampaignEvent) -> Result<Self, IllegalTransition> {
        use CampaignEvent as E;
        use CampaignStatus as S;

        let ran = self.epoch > Epoch(0);
        let (status, pause) = match (self.status, event) {
            (S::Draft, E::Schedule) => (S::Scheduled, None),
            (S::Scheduled, E::Unschedule) => (S::Draft, None),
            (S::Draft | S::Scheduled, E::Start) | (S::Paused, E::Resume) => (S::Running, None),
            (S::Scheduled, E::Miss) => (S::Paused, Some((StatusReason::MissedSchedule, None))),
            (S::Running, E::Pause { reason, until }) => (S::Paused, Some((reason, until))),
            // Somebody's word outweighs a pause that ends by itself.
            (S::Paused, E::Pause { reason: StatusReason::User, until }) => {
                (S::Paused, Some((StatusReason::User, until)))
            }
            (S::Paused | S::Finished | S::Cancelled, E::Retry) if ran => (S::Running, None),
            (S::Running, E::Finish) => (S::Finished, None),
            (S::Scheduled | S::Running | S::Paused, E::Cancel) => (S::Cancelled, None),
            (S::Draft | S::Scheduled | S::Paused | S::Finished, E::Edit) => {
                (self.status, self.reason.map(|reason| (reason, self.until)))
            }
            (S::Draft | S::Scheduled | S::Running | S::Paused | S::Cancelled | S::Finished, event) => {
                return Err(IllegalTransition { state: self.status.name(), event: event.name() });
            }
        };
        let new_run = status == S::Running || (status == S::Cancelled && ran);
        Ok(Self {
            status,
            reason: pause.map(|(reason, _)| reason),
            until: pause.and_then(|(_, until)| until),
            version: self.version + 1,
            epoch: if new_run { self.epoch.next() } else { self.epoch },
        })
    }
}

/// When a campaign starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Its time.
    pub send_at: Timestamp,
    /// From here on it is too late: somebody has to confirm.
    pub not_after: Timestamp,
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
    /// When it is to start by itself.
    pub schedule: Option<Schedule>,
    /// The newest retry; its run takes back the ends that it names.
    pub retry: Option<Retry>,
    /// Failed recipients when this run began: they do not count against `max_send_errors` again.
    pub failed_before: u64,
    /// Which content everybody gets who has none yet.
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

    /// Whether its lanes are to be fanned out in the run `epoch`: given to the senders or, once it is
    /// cancelled, closed.
    #[must_use]
    pub fn is_fanning_out(&self, epoch: Epoch) -> bool {
        self.is_running(epoch) || (self.is_cancelled() && self.state.epoch == epoch)
    }

    /// Whether it was stopped for good.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.status == CampaignStatus::Cancelled
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
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::ProviderUnavailable,
        Self::CredentialsRefused,
        Self::TooManyErrors,
        Self::DailyQuota,
        Self::MissedSchedule,
    ];

    /// The reason's name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::CredentialsRefused => "credentials_refused",
            Self::TooManyErrors => "too_many_errors",
            Self::DailyQuota => "daily_quota",
            Self::MissedSchedule => "missed_schedule",
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
            Self::Unschedule => "go back to draft",
            Self::Start => "start",
            Self::Miss => "miss its time",
            Self::Pause { .. } => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Finish => "finish",
            Self::Retry => "retry",
            Self::Edit => "be edited",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAUSE: CampaignEvent = CampaignEvent::Pause { reason: StatusReason::User, until: None };

    const EVENTS: [CampaignEvent; 10] = [
        CampaignEvent::Schedule,
        CampaignEvent::Unschedule,
        CampaignEvent::Start,
        CampaignEvent::Miss,
        PAUSE,
        CampaignEvent::Resume,
        CampaignEvent::Cancel,
        CampaignEvent::Finish,
        CampaignEvent::Retry,
        CampaignEvent::Edit,
    ];

    #[test]
    fn the_transition_table_is_this_one() {
        let table = CampaignStatus::ALL.map(|status| {
            let state = CampaignState { status, epoch: Epoch(1), ..CampaignState::DRAFT };
            let cells = EVENTS.map(|event| state.apply(event).map_or("-", |after| after.status.name()));
            format!("{status:9} | {}", cells.join(" "))
        });
        // schedule, unschedule, start, miss, pause, resume, cancel, finish, retry, edit
        assert_eq!(
            table,
            [
                "draft | scheduled - running - - - - - - draft",
                "scheduled | - draft running paused - - cancelled - - scheduled",
                "running | - - - - paused - cancelled finished - -",
                "paused | - - - - paused running cancelled - running paused",
                "cancelled | - - - - - - - - running -",
                "finished | - - - - - - - - running finished",
            ]
        );
    }

    #[test]
    fn a_pause_that_ends_by_itself_yields_to_a_person_and_to_nobody_else() {
        let running = CampaignState { status: CampaignStatus::Running, ..CampaignState::DRAFT };
        let quota = CampaignEvent::Pause { reason: StatusReason::DailyQuota, until: Some(Timestamp(9)) };
        let paused = running.apply(quota).unwrap();
        assert_eq!((paused.reason, paused.until), (Some(StatusReason::DailyQuota), Some(Timestamp(9))));
        assert!(paused.apply(quota).is_err());
        let by_user = paused.apply(PAUSE).unwrap();
        assert_eq!((by_user.reason, by_user.until), (Some(StatusReason::User), None));
        assert_eq!(paused.apply(CampaignEvent::Edit).unwrap().until, Some(Timestamp(9)));
    }

    #[test]
    fn what_never_ran_has_nobody_to_try_again() {
        let missed = CampaignState { status: CampaignStatus::Paused, ..CampaignState::DRAFT };
        assert!(missed.apply(CampaignEvent::Retry).is_err());
        assert_eq!(missed.apply(CampaignEvent::Cancel).unwrap().epoch, Epoch(0));
    }

    proptest! {
        #[test]
        fn versions_count_transitions_and_epochs_count_runs(steps in prop::collection::vec(0..10_usize, 0..40)) {
            let mut state = CampaignState::DRAFT;
            let (mut transitions, mut runs) = (0, 0);
            for step in steps {
                let Ok(after) = state.apply(EVENTS[step]) else { continue };
                transitions += 1;
                let cancelled_run = after.status == CampaignStatus::Cancelled && runs > 0;
                runs += u32::from(after.status == CampaignStatus::Running || cancelled_run);
                prop_assert_eq!(after.reason.is_some(), after.status == CampaignStatus::Paused);
                state = after;
            }
            prop_assert_eq!((state.version, state.epoch), (transitions, Epoch(runs)));
        }
    }

    fn campaign(status: CampaignStatus) -> Campaign {
        Campaign {
            id: CampaignId(1),
            name: String::new(),
            subject: String::new(),
            from: String::new(),
            audience: Vec::new(),
            settings: SettingsPatch::default(),
            state: CampaignState { status, epoch: Epoch(2), ..CampaignState::DRAFT },
            schedule: None,
            retry: None,
            failed_before: 0,
            content_version: 1,
            lanes: 1,
            created_at: Timestamp(0),
            started_at: None,
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn only_the_newest_run_of_a_running_campaign_sends_and_of_a_cancelled_one_closes() {
        let table = CampaignStatus::ALL.map(|status| {
            let it = campaign(status);
            let of = |epoch| (it.is_running(Epoch(epoch)), it.is_fanning_out(Epoch(epoch)));
            (of(1), of(2), it.is_cancelled())
        });
        let neither = ((false, false), (false, false), false);
        let runs = ((false, false), (true, true), false);
        let closes = ((false, false), (false, true), true);
        // draft, scheduled, running, paused, cancelled, finished
        assert_eq!(table, [neither, neither, runs, neither, closes, neither]);
    }

    #[test]
    fn a_refusal_names_the_state_and_the_event() {
        let refused = |event| CampaignState::DRAFT.apply(event).unwrap_err().to_string();
        assert_eq!(refused(PAUSE), "draft cannot pause");
        assert_eq!(refused(CampaignEvent::Unschedule), "draft cannot go back to draft");
        assert_eq!(refused(CampaignEvent::Retry), "draft cannot retry");
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
