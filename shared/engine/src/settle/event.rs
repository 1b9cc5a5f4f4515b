//! What a provider tells of one message.
//!
//! The names are those of SES events (Amazon SES developer guide, "Contents of event data"): `eventType`, for
//! bounces `bounceType`, and the tags that the message was sent with, which name its place in the ledger.

use fanmail_domain::{BatchId, CampaignId, Evidence, LaneNo};

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// It was taken, and an attempt to deliver it follows.
    Send,
    /// The receiver's server took it.
    Delivery,
    /// It is late, but not lost.
    DeliveryDelay,
    /// It was taken, and will not be sent.
    Reject,
    /// The provider's own template could not be rendered.
    RenderingFailure,
    /// It came back for good.
    HardBounce,
    /// It came back for now, or nobody knows for how long.
    SoftBounce,
    /// The reader calls it spam.
    Complaint,
    /// It was opened.
    Open,
    /// A link in it was followed.
    Click,
}

/// One event, with the place that its tags name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The batch.
    pub batch: BatchId,
    /// The position in it.
    pub position: usize,
    /// What happened.
    pub kind: EventKind,
}

/// One event, with what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'a> {
    /// The event.
    pub event: ProviderEvent,
    /// The receiver's or the provider's words, kept with a failure; without personal data
    /// ([`fanmail_domain::redact`]).
    pub words: &'a str,
}

/// Why an event says nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// A type that says nothing about a message.
    #[error("the event's type is not known here")]
    Type,
    /// The message was not sent by a campaign.
    #[error("the event's tag {0} does not name a place in the ledger")]
    Tag(&'static str),
}

/// Tags that a message is sent with, so that its events find its place.
pub const TAGS: [&str; 4] = ["campaign", "lane", "batch", "position"];

impl ProviderEvent {
    /// An event by the provider's names: its type, for bounces their type, and the message's tags.
    ///
    /// # Errors
    ///
    /// [`NotOurs`] if it is of a type that is not known, or of a message without our tags.
    pub fn read<'a>(
        event_type: &str,
        bounce_type: Option<&str>,
        tag: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, NotOurs> {
        let kind = EventKind::from_ses(event_type, bounce_type).ok_or(NotOurs::Type)?;
        let [campaign, lane, batch, position] = TAGS;
        let batch = BatchId {
            campaign: CampaignId(number(&tag, campaign)?),
            lane: LaneNo(number(&tag, lane)?),
            seq: number(&tag, batch)?,
        };
        Ok(Self { batch, position: number(&tag, position)?, kind })
    }
}

fn number<'a, T: std::str::FromStr>(
    tag: &impl Fn(&str) -> Option<&'a str>,
    name: &'static str,
) -> Result<T, NotOurs> {
    tag(name).and_then(|text| text.parse().ok()).ok_or(NotOurs::Tag(name))
}

impl EventKind {
    /// The kind of an SES event: `eventType`, or `notificationType` in SES's older form. Only a `Permanent`
    /// bounce is a hard one: of an `Undetermined` one nobody knows.
    #[must_use]
    pub fn from_ses(event_type: &str, bounce_type: Option<&str>) -> Option<Self> {
        Some(match (event_type, bounce_type) {
            ("Send", _) => Self::Send,
            ("Delivery", _) => Self::Delivery,
            ("DeliveryDelay", _) => Self::DeliveryDelay,
            ("Reject", _) => Self::Reject,
            ("Rendering Failure", _) => Self::RenderingFailure,
            ("Bounce", Some("Permanent")) => Self::HardBounce,
            ("Bounce", _) => Self::SoftBounce,
            ("Complaint", _) => Self::Complaint,
            ("Open", _) => Self::Open,
            ("Click", _) => Self::Click,
            (_, _) => return None,
        })
    }

    /// What the event proves of the message's outcome. Whatever can only follow a `Send` proves the same.
    #[must_use]
    pub fn evidence(self) -> Evidence {
        match self {
            Self::Send
            | Self::Delivery
            | Self::DeliveryDelay
            | Self::SoftBounce
            | Self::Complaint
            | Self::Open
            | Self::Click => Evidence::Taken,
            Self::Reject | Self::RenderingFailure => Evidence::Refused,
            Self::HardBounce => Evidence::Bounced,
        }
    }

    /// Whether the subscriber must not be written to any more.
    #[must_use]
    pub fn blocklists(self) -> bool {
        matches!(self, Self::HardBounce | Self::Complaint)
    }

    /// The event's name in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Delivery => "delivery",
            Self::DeliveryDelay => "delivery delay",
            Self::Reject => "reject",
            Self::RenderingFailure => "rendering failure",
            Self::HardBounce => "hard bounce",
            Self::SoftBounce => "soft bounce",
            Self::Complaint => "complaint",
            Self::Open => "open",
            Self::Click => "click",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<'a>(name: &str) -> Option<&'a str> {
        [("campaign", "7"), ("lane", "3"), ("batch", "12"), ("position", "99")]
            .into_iter()
            .find_map(|(tag, value)| (tag == name).then_some(value))
    }

    #[test]
    fn an_event_finds_its_place_by_its_tags() {
        let event = ProviderEvent::read("Bounce", Some("Permanent"), tags).unwrap();
        let batch = BatchId { campaign: CampaignId(7), lane: LaneNo(3), seq: 12 };
        assert_eq!(event, ProviderEvent { batch, position: 99, kind: EventKind::HardBounce });
    }

    #[test]
    fn what_is_not_ours_is_named() {
        assert_eq!(ProviderEvent::read("Subscription", None, tags), Err(NotOurs::Type));
        let foreign = |name: &str| tags(name).filter(|_| name != "lane");
        assert_eq!(ProviderEvent::read("Send", None, foreign), Err(NotOurs::Tag("lane")));
        let odd = |name: &str| if name == "position" { Some("-1") } else { tags(name) };
        assert_eq!(ProviderEvent::read("Send", None, odd), Err(NotOurs::Tag("position")));
    }

    #[test]
    fn only_a_permanent_bounce_is_a_hard_one() {
        let kind = |bounce| EventKind::from_ses("Bounce", bounce).unwrap();
        let kinds = [Some("Permanent"), Some("Transient"), Some("Undetermined"), None].map(kind);
        assert_eq!(kinds.map(EventKind::blocklists), [true, false, false, false]);
        assert_eq!(kinds[1].evidence(), Evidence::Taken);
    }
}
