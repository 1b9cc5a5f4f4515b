//! Names of what a search may meet.

/// A campaign was finished.
pub const FINISHED: &str = "a campaign was finished";
/// A campaign was finished, and some of its recipients are in doubt.
pub const FINISHED_WITH_DOUBT: &str = "a campaign was finished with doubt";
/// A campaign was finished after it had been resumed.
pub const FINISHED_IN_A_LATER_RUN: &str = "a campaign was finished in a later run";
/// An end was refused, for it may be the last of its lane.
pub const END_MAY_BE_THE_LAST: &str = "an end was refused as perhaps the last of its lane";
/// The write that finishes was refused.
pub const FINISH_REFUSED: &str = "a write that finishes was refused";
/// A sender took a batch whose lease had ended.
pub const TAKEN_OVER: &str = "a sender took a batch over";
/// The sweeper took a batch whose lease had ended.
pub const LEASE_EXPIRED: &str = "the sweeper took a batch whose lease had ended";
/// The sweeper had a lane's tasks sent again.
pub const REWOUND: &str = "the sweeper had a lane's tasks sent again";
/// A message met a batch that is held, and comes again.
pub const HELD_COMES_AGAIN: &str = "a message met a held batch and came again";
/// A sender took a message at its word, and its first write was refused.
pub const UNREAD_REFUSED: &str = "a message was taken at its word, and its batch had moved on";
/// A message for a batch that is done was dropped.
pub const DUPLICATE_DROPPED: &str = "a duplicate message was dropped";
/// A message of another run was dropped.
pub const VOID_DROPPED: &str = "a message of another run was dropped";
/// A sender that had lost its lease was refused a write.
pub const HOLDER_FENCED: &str = "a holder without its lease was refused a write";
/// Two senders read the same batch, and the second one's first write was refused.
pub const LEASE_RACE_LOST: &str = "a race for a lease was lost";
/// A fan-out that had lost its lane was refused a write.
pub const LANE_RACE_LOST: &str = "a fan-out without its lane was refused a write";
/// A recipient of a batch that had stalled was prepared alone.
pub const PREPARED_WITH_CARE: &str = "a recipient was prepared with care";
