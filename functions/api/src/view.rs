//! How things look in JSON: listmonk's field names, and fanmail's own beside them.

use std::collections::BTreeMap;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use fanmail_domain::retry::class_name;
use fanmail_domain::{Campaign, Lane, List, RecipientState, Retry, Tally, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A point in time as RFC 3339 has it.
pub(crate) fn time(at: Timestamp) -> String {
    let at = DateTime::from_millis(i64::try_from(at.0).unwrap_or(i64::MAX));
    at.fmt(Format::DateTime).unwrap_or_default()
}

/// Who asks, in the form of a user of listmonk.
pub(crate) fn profile(actor: &str) -> Value {
    json!({ "username": actor, "name": actor, "type": "api", "status": "enabled" })
}

/// The uuid of a thing that is known by a number: derived (RFC 9562, version 8), so it is never stored.
pub(crate) fn uuid(kind: &str, id: u64) -> String {
    let digest = Sha256::digest(format!("{kind}:{id}"));
    let mut bytes: Vec<u8> = digest.iter().take(16).copied().collect();
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// One list.
pub(crate) fn list(list: &List) -> Value {
    json!({
        "id": list.id,
        "uuid": uuid("list", list.id.0),
        "name": list.name,
        "type": "private",
        "optin": list.optin.name(),
        "tags": [],
        "subscriber_count": list.subscribers,
        "created_at": time(list.created_at),
        "updated_at": time(list.created_at),
    })
}

/// One campaign, with what its lanes have counted so far.
pub(crate) fn campaign(campaign: &Campaign, lanes: &[Lane]) -> Value {
    let progress = Progress::of(campaign, lanes);
    json!({
        "id": campaign.id,
        "uuid": uuid("campaign", campaign.id.0),
        "name": campaign.name,
        "subject": campaign.subject,
        "from_email": campaign.from,
        "type": "regular",
        "content_type": "html",
        "messenger": "email",
        "tags": [],
        "lists": campaign.audience.iter().map(|to| json!({ "id": to.list })).collect::<Vec<_>>(),
        "status": campaign.state.status.name(),
        "status_reason": campaign.state.reason.map(fanmail_domain::StatusReason::name),
        "to_send": progress.audience,
        "sent": progress.tally.named("accepted"),
        "audience": progress.audience,
        "audience_sealed": progress.sealed,
        "states": progress.states(),
        "reasons": progress.reasons(),
        "settings": campaign.settings,
        "until": campaign.state.until.map(time),
        "send_at": campaign.schedule.map(|at| time(at.send_at)),
        "not_after": campaign.schedule.map(|at| time(at.not_after)),
        "content_version": campaign.content_version,
        "retry": campaign.retry.as_ref().map(retry),
        "version": campaign.state.version,
        "epoch": campaign.state.epoch,
        "created_at": time(campaign.created_at),
        "started_at": campaign.started_at.map(time),
        "updated_at": time(campaign.updated_at),
    })
}

/// The newest retry.
fn retry(retry: &Retry) -> Value {
    json!({
        "epoch": retry.epoch,
        "classes": retry.states.iter().map(|state| class_name(*state)).collect::<Vec<_>>(),
        "recipients": retry.only,
    })
}

/// How far a campaign is, summed over its lanes.
struct Progress {
    audience: u64,
    sealed: bool,
    tally: Tally,
}

impl Progress {
    fn of(campaign: &Campaign, lanes: &[Lane]) -> Self {
        let mut tally = Tally::default();
        for lane in lanes {
            tally.add_all(&lane.tally);
        }
        Self {
            audience: lanes.iter().map(|lane| lane.plan.recipients).sum(),
            sealed: campaign.lanes > 0 && lanes.iter().all(|lane| lane.plan.sealed),
            tally,
        }
    }

    fn states(&self) -> BTreeMap<&'static str, u64> {
        let mut states: BTreeMap<_, _> = ["accepted", "failed", "skipped", "in_doubt"]
            .into_iter()
            .map(|name| (name, self.tally.named(name)))
            .collect();
        states.insert("pending", self.audience.saturating_sub(self.tally.total()));
        states
    }

    fn reasons(&self) -> BTreeMap<String, u64> {
        let named = |state: RecipientState| Some(format!("{}:{}", state.name(), state.reason()?));
        self.tally.iter().filter_map(|(state, count)| Some((named(state)?, count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_derived_and_differ_by_kind_and_number() {
        let one = uuid("campaign", 1);
        assert_eq!((one.len(), &one[14..15], one.clone()), (36, "8", uuid("campaign", 1)));
        assert!(one != uuid("list", 1) && one != uuid("campaign", 2));
    }

    #[test]
    fn times_are_written_as_rfc_3339() {
        assert_eq!(time(Timestamp(1_600_000_000_000)), "2020-09-13T12:26:40Z");
    }
}
