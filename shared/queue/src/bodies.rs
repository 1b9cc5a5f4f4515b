//! Bodies of queue messages: versioned, strict, and made of ids alone.
//!
//! Two versions of the functions run side by side during a deployment, and a body may wait for days. So a
//! reader looks at `v` first, and says which version it does not know; within a version, a field that it does
//! not know is an error and not something to overlook.
//!
//! Version 2 is a batch task that says who the recipients are: seven bytes for each, in Base64, so that a hundred take
//! less than a kilobyte. Everything else is of version 1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo, SubscriberId};
use fanmail_engine::ports::{BatchTask, LaneTask};
use serde::{Deserialize, Serialize};

/// The version of tasks that name a lane or a batch, and nothing else.
const BARE: u64 = 1;
/// The version of batch tasks that say who the recipients are.
const WITH_RECIPIENTS: u64 = 2;

/// Why a body is no task.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No JSON, or not of this version's form.
    #[error("the body is not that of a task")]
    Malformed(#[source] serde_json::Error),
    /// The recipients are no ids.
    #[error("the recipients of the task are no subscriber ids")]
    Recipients,
    /// Written by another version of fanmail.
    #[error("version {version} is not known here")]
    Version {
        /// The version that the body names.
        version: u64,
    },
}

#[derive(Deserialize)]
struct Versioned {
    v: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LaneBody {
    v: u64,
    campaign: CampaignId,
    epoch: Epoch,
    lane: LaneNo,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    v: u64,
    campaign: CampaignId,
    epoch: Epoch,
    lane: LaneNo,
    batch: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recipients: Option<String>,
}

/// The body of a task to fan a lane out.
#[must_use]
pub fn encode_lane_task(task: &LaneTask) -> String {
    to_json(&LaneBody { v: BARE, campaign: task.campaign, epoch: task.epoch, lane: task.lane })
}

/// The body of a task to send a batch.
#[must_use]
pub fn encode_batch_task(task: &BatchTask) -> String {
    let BatchId { campaign, lane, seq } = task.batch;
    let bytes: Vec<u8> = task.recipients.iter().flat_map(|id| id.to_bytes()).collect();
    let recipients = (!bytes.is_empty()).then(|| STANDARD_NO_PAD.encode(bytes));
    let v = if recipients.is_some() { WITH_RECIPIENTS } else { BARE };
    to_json(&BatchBody { v, campaign, epoch: task.epoch, lane, batch: seq, recipients })
}

/// The task to fan a lane out in a message's body.
///
/// # Errors
///
/// [`BodyError`] says whether the body is of another version or of no form of ours. It concerns this one
/// message: the others of its delivery may be fine.
pub fn decode_lane_task(body: &str) -> Result<LaneTask, BodyError> {
    let LaneBody { campaign, epoch, lane, .. } = from_json(body, &[BARE])?;
    Ok(LaneTask { campaign, epoch, lane })
}

/// The task to send a batch in a message's body.
///
/// # Errors
///
/// As for [`decode_lane_task`].
pub fn decode_batch_task(body: &str) -> Result<BatchTask, BodyError> {
    let BatchBody { v, campaign, epoch, lane, batch, recipients } =
        from_json(body, &[BARE, WITH_RECIPIENTS])?;
    let recipients = match (v, recipients) {
        (BARE, None) => Vec::new(),
        (WITH_RECIPIENTS, Some(text)) => ids(&text).ok_or(BodyError::Recipients)?,
        _ => return Err(BodyError::Recipients),
    };
    Ok(BatchTask { epoch, batch: BatchId { campaign, lane, seq: batch }, recipients })
}

/// Some ids, at least one.
fn ids(text: &str) -> Option<Vec<SubscriberId>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    SubscriberId::all_from_bytes(&bytes).filter(|ids| !ids.is_empty())
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a struct of numbers has no key and no value that JSON lacks")
}

fn from_json<'b, T: Deserialize<'b>>(body: &'b str, versions: &[u64]) -> Result<T, BodyError> {
    let Versioned { v: version } = serde_json::from_str(body).map_err(BodyError::Malformed)?;
    if !versions.contains(&version) {
        return Err(BodyError::Version { version });
    }
    serde_json::from_str(body).map_err(BodyError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: LaneTask = LaneTask { campaign: CampaignId(u64::MAX), epoch: Epoch(3), lane: LaneNo(63) };
    const BATCH: BatchTask = BatchTask {
        epoch: Epoch(3),
        batch: BatchId { campaign: CampaignId(7), lane: LaneNo(2), seq: u32::MAX },
        recipients: Vec::new(),
    };

    fn with_recipients() -> BatchTask {
        let ids = [1, 0xff_0000_0002].map(|number| SubscriberId::from_number(number).unwrap());
        BatchTask { recipients: ids.to_vec(), ..BATCH }
    }

    #[test]
    fn bodies_have_this_form() {
        // Messages wait in queues while functions are replaced: the form of a version never changes.
        assert_eq!(encode_lane_task(&LANE), r#"{"v":1,"campaign":18446744073709551615,"epoch":3,"lane":63}"#);
        assert_eq!(
            encode_batch_task(&BATCH),
            r#"{"v":1,"campaign":7,"epoch":3,"lane":2,"batch":4294967295}"#
        );
        assert_eq!(
            encode_batch_task(&with_recipients()),
            r#"{"v":2,"campaign":7,"epoch":3,"lane":2,"batch":4294967295,"recipients":"AAAAAAAAAQAA/wAAAAI"}"#
        );
    }

    #[test]
    fn tasks_are_read_back_as_written() {
        assert_eq!(decode_lane_task(&encode_lane_task(&LANE)).unwrap(), LANE);
        for task in [BATCH, with_recipients()] {
            assert_eq!(decode_batch_task(&encode_batch_task(&task)).unwrap(), task);
        }
    }

    #[test]
    fn a_hundred_recipients_take_less_than_a_kilobyte() {
        let task = BatchTask { recipients: vec![SubscriberId::MAX; 100], ..BATCH };
        assert!(encode_batch_task(&task).len() <= 1_024);
    }

    #[test]
    fn recipients_that_are_no_ids_are_refused() {
        let body = encode_batch_task(&with_recipients());
        let with = |text: &str| body.replace("AAAAAAAAAQAA/wAAAAI", text);
        let bare = body.replace("\"v\":2", "\"v\":1");
        let nobody = encode_batch_task(&BATCH).replace("\"v\":1", "\"v\":2");
        for body in [with(""), with("AAAA"), with("/////////w"), with("A B"), bare, nobody] {
            assert!(matches!(decode_batch_task(&body), Err(BodyError::Recipients)), "{body}");
        }
    }

    #[test]
    fn another_version_is_named_whatever_else_it_holds() {
        let body = r#"{"v":3,"campaign":"cmp_7","shape":{}}"#;
        assert_eq!(decode_lane_task(body).unwrap_err().to_string(), "version 3 is not known here");
        assert_eq!(decode_batch_task(body).unwrap_err().to_string(), "version 3 is not known here");
    }

    #[test]
    fn what_is_no_task_is_refused() {
        for body in [
            "",
            "hello",
            "{}",
            r#"{"v":1}"#,
            r#"{"v":1,"campaign":7,"epoch":3}"#,
            r#"{"v":1,"campaign":7,"epoch":3,"lane":300}"#,
            r#"{"v":1,"campaign":7,"epoch":3,"lane":2,"colour":"red"}"#,
        ] {
            assert!(matches!(decode_lane_task(body), Err(BodyError::Malformed(_))), "{body}");
        }
        assert!(matches!(decode_lane_task(&encode_batch_task(&BATCH)), Err(BodyError::Malformed(_))));
        assert!(matches!(decode_batch_task(&encode_lane_task(&LANE)), Err(BodyError::Malformed(_))));
    }
}
