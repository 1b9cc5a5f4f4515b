//! Bodies of queue messages: versioned, strict, and made of ids alone.
//!
//! Two versions of the functions run side by side during a deployment, and a body may wait for days. So a
//! reader looks at `v` first, and says which version it does not know; within a version, a field that it does
//! not know is an error and not something to overlook.

use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo};
use fanmail_engine::ports::{BatchTask, LaneTask};
use serde::{Deserialize, Serialize};

/// The version that is written here, and the only one that is read.
const VERSION: u64 = 1;

/// Why a body is no task.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No JSON, or not of this version's form.
    #[error("the body is not that of a task")]
    Malformed(#[source] serde_json::Error),
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
}

/// The body of a task to fan a lane out.
#[must_use]
pub fn encode_lane_task(task: &LaneTask) -> String {
    to_json(&LaneBody { v: VERSION, campaign: task.campaign, epoch: task.epoch, lane: task.lane })
}

/// The body of a task to send a batch.
#[must_use]
pub fn encode_batch_task(task: &BatchTask) -> String {
    let BatchId { campaign, lane, seq } = task.batch;
    to_json(&BatchBody { v: VERSION, campaign, epoch: task.epoch, lane, batch: seq })
}

/// The task to fan a lane out in a message's body.
///
/// # Errors
///
/// [`BodyError`] says whether the body is of another version or of no form of ours. It concerns this one
/// message: the others of its delivery may be fine.
pub fn decode_lane_task(body: &str) -> Result<LaneTask, BodyError> {
    let LaneBody { campaign, epoch, lane, .. } = from_json(body)?;
    Ok(LaneTask { campaign, epoch, lane })
}

/// The task to send a batch in a message's body.
///
/// # Errors
///
/// As for [`decode_lane_task`].
pub fn decode_batch_task(body: &str) -> Result<BatchTask, BodyError> {
    let BatchBody { campaign, epoch, lane, batch, .. } = from_json(body)?;
    Ok(BatchTask { epoch, batch: BatchId { campaign, lane, seq: batch } })
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("a struct of numbers has no key and no value that JSON lacks")
}

fn from_json<'b, T: Deserialize<'b>>(body: &'b str) -> Result<T, BodyError> {
    let Versioned { v: version } = serde_json::from_str(body).map_err(BodyError::Malformed)?;
    if version != VERSION {
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
    };

    #[test]
    fn bodies_have_this_form() {
        // Messages wait in queues while functions are replaced: the form of a version never changes.
        assert_eq!(encode_lane_task(&LANE), r#"{"v":1,"campaign":18446744073709551615,"epoch":3,"lane":63}"#);
        assert_eq!(
            encode_batch_task(&BATCH),
            r#"{"v":1,"campaign":7,"epoch":3,"lane":2,"batch":4294967295}"#
        );
    }

    #[test]
    fn tasks_are_read_back_as_written() {
        assert_eq!(decode_lane_task(&encode_lane_task(&LANE)).unwrap(), LANE);
        assert_eq!(decode_batch_task(&encode_batch_task(&BATCH)).unwrap(), BATCH);
    }

    #[test]
    fn another_version_is_named_whatever_else_it_holds() {
        let body = r#"{"v":2,"campaign":"cmp_7","shape":{}}"#;
        assert_eq!(decode_lane_task(body).unwrap_err().to_string(), "version 2 is not known here");
        assert_eq!(decode_batch_task(body).unwrap_err().to_string(), "version 2 is not known here");
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
