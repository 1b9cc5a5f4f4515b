//! How large the model is, and which of the protocols' rules it keeps.

/// Rules of the protocols that can be taken out, to see that the model misses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A write of a batch applies only where the revision that was read still stands.
    pub fencing: bool,
    /// A write of a lane's plan applies only where the revision that was read still stands.
    pub lane_fencing: bool,
    /// A fan-out sends again only the tasks of batches that its own copy of the plan contains: a frozen one may
    /// read batches that its successor wrote.
    pub own_batches: bool,
    /// Intents are written before the provider is called, not after.
    pub intent_first: bool,
    /// A lane is complete only once it is sealed.
    pub sealed_finish: bool,
    /// A sender looks whether the campaign runs before each window.
    pub look_first: bool,
    /// The sweeper looks for batches whose lease ran out.
    pub expiry: bool,
    /// The sweeper looks for batches whose messages were lost.
    pub rewinding: bool,
}

/// How often each thing that nobody can count on may happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process dies; its message is delivered again.
    pub crashes: u8,
    /// A process is frozen until its lease has ended, and then goes on.
    pub freezes: u8,
    /// A message is delivered and yet stays in the queue.
    pub duplicates: u8,
    /// A message is lost.
    pub losses: u8,
    /// The operator pauses the campaign.
    pub pauses: u8,
    /// The provider rejects, puts off, or leaves us without an answer.
    pub answers: u8,
    /// A process runs out of time in the middle and hands its work on.
    pub timeouts: u8,
}

/// How fine the steps are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Each read, each write and each call is a step of its own, as in the engine.
    Fine,
    /// Reads that follow each other are one step, and a write that is bound to be refused is refused at once.
    /// That leaves out what may happen in between, and allows a larger system to be searched.
    Coarse,
}

/// The size of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Lanes of the campaign; a power of two.
    pub lanes: u8,
    /// Batches of each lane.
    pub batches: usize,
    /// Recipients of each batch.
    pub recipients: usize,
    /// Batches that fan-out writes in one transaction.
    pub page: usize,
    /// Intents that a sender writes at once.
    pub window: usize,
    /// Sender processes.
    pub senders: usize,
    /// Fan-out processes.
    pub fan_outs: usize,
    /// Leases in a row without an end from which a batch is treated with care; `None`: never.
    pub careful_after: Option<u8>,
    /// How fine the steps are.
    pub grain: Grain,
    /// What may go wrong.
    pub faults: Faults,
}

impl Rules {
    /// The protocols as they are.
    pub const ALL: Self = Self {
        fencing: true,
        lane_fencing: true,
        own_batches: true,
        intent_first: true,
        sealed_finish: true,
        look_first: true,
        expiry: true,
        rewinding: true,
    };
}

impl Scope {
    /// One lane with one batch of one recipient, two senders and no faults.
    pub const SMALLEST: Self = Self {
        lanes: 1,
        batches: 1,
        recipients: 1,
        page: 1,
        window: 1,
        senders: 2,
        fan_outs: 1,
        careful_after: None,
        grain: Grain::Fine,
        faults: Faults {
            crashes: 0,
            freezes: 0,
            duplicates: 0,
            losses: 0,
            pauses: 0,
            answers: 0,
            timeouts: 0,
        },
    };

    /// Recipients of one lane.
    #[must_use]
    pub fn lane_size(&self) -> usize {
        self.batches * self.recipients
    }

    /// Recipients of the campaign.
    #[must_use]
    pub fn audience(&self) -> usize {
        usize::from(self.lanes) * self.lane_size()
    }
}
