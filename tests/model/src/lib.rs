//! The protocols on small numbers, every state of them searched.
//!
//! The simulation runs the real engine through many histories; this model runs a small copy of its protocols
//! through *all* of them. One campaign with a few recipients is started, fanned out, sent, swept, paused and
//! finished by processes that may be interrupted between any two of their steps, by each other or by a fault,
//! and [`properties`] are checked in every state that can come of it. What decides is not copied: campaign,
//! lane, batch and recipient are those of `fanmail-domain`, and only their `apply` functions change them.
//!
//! # The story
//!
//! 1. The campaign and its lanes are written, running, in epoch 1. Whoever did it sends the lanes' tasks, or
//!    dies before.
//! 2. A fan-out gets a lane's task, looks whether the campaign runs, takes the lane's lease, sends again what
//!    was perhaps not sent, and writes page by page of batches, each with the advanced plan in one write that
//!    names the plan's revision; then it sends the page's tasks. The page that is not full seals the lane.
//! 3. A sender gets a batch's task, looks whether the campaign runs, reads the batch and leases it (by a write
//!    of its own if somebody may have tried before). Window by window it looks again, writes the intents, and
//!    only then calls the provider. Each write names the batch's revision; who is refused one stops. The last
//!    write ends the batch and adds to the lane's counters.
//! 4. Whoever ends a batch or seals a lane looks whether everything is done, and the write that finishes the
//!    campaign demands it.
//! 5. The sweeper does what was left behind: lanes without a holder, leases that ended, tasks that were lost,
//!    a campaign that only has to be finished.
//! 6. The operator pauses and resumes; the new epoch voids the messages of the old one, and the lanes' tasks
//!    are sent again.
//!
//! Each read, write, send and call of the provider is one step ([`scope::Grain::Fine`]). For larger systems
//! reads in a row are one step, and a write that is bound to be refused is refused at once
//! ([`scope::Grain::Coarse`]).
//!
//! # What may go wrong
//!
//! By budgets ([`scope::Faults`]), at any moment: a process dies and its message comes back; a holder freezes
//! until its lease has ended, and goes on all the same; a message is delivered twice or lost; a sender uses a
//! view of the campaign that is outdated by less than a second; the provider rejects, takes nothing, or takes
//! a message and leaves us without an answer; time runs out in the middle. Time itself is abstract: a lease
//! runs or has ended, and it ends whenever its holder is gone.
//!
//! # What is checked
//!
//! Safety, in every state: [`properties::PROPERTIES`]. Liveness, for every state: the finished campaign with
//! empty queues can be reached by steps that are no faults ([`search::ENDS`]), so no history leads into a
//! corner from which the system does not get out by itself, or by the operator's resuming. That is weaker than
//! "it ends on every fair schedule", which is not checked. [`scope::Rules`] can be taken out one by one, and
//! the tests show which property breaks without it.
//!
//! # What is not modelled
//!
//! Cancelling, retrying, schedules, settings and several campaigns; a sender that pauses the campaign itself;
//! skipped recipients and messages that cannot be rendered; journal and failure texts. A write stands or is
//! refused: that its answer may be lost and it is asked again is left to the simulation, as are outdated
//! answers of the queue about its emptiness and clocks that differ. Equal messages that wait at the same time
//! are one; both being worked on at once is what the duplicates' budget is for.
//!
//! # Why not a ready-made checker
//!
//! `stateright` 0.31 (MIT) was considered. It has no features to switch off its web explorer (`tiny_http`,
//! `serde_json`), and its `eventually` does not see a circle that never leads to the end, by its own
//! documentation; that "from every state the end can be reached" cannot be asked at all. The search here is
//! small, keeps the graph that this question needs, and replays the shortest way to a violation.

pub mod action;
mod backwards;
pub mod cli;
mod fan_out;
mod fingerprint;
mod finish;
mod happenings;
pub mod model;
mod moves;
pub mod properties;
pub mod scope;
pub mod search;
mod sender;
pub mod sights;
mod sweeper;
pub mod world;
