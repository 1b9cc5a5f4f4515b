//! Every state that a machine can reach, breadth first.
//!
//! From the start, each action of each state is taken once. A state is known again by a 128-bit fingerprint of
//! all it contains, so only the newest level is kept whole; how a state was first
//! reached is kept as its parent and the number of the action, from which the shortest way to it is replayed.
//!
//! Two kinds of property are checked: what has to hold in every state, and [`ENDS`]: from every state, a good
//! end can be reached *by steps that are no faults*. The second needs the whole graph: once all states are
//! known, the steps are walked backwards from the good ends, and whatever was not met is stuck.

use std::collections::BTreeMap;
use std::hash::Hash;

use crate::backwards::Steps;
use crate::fingerprint::{Known, fingerprint};

/// The property that from every state a good end can be reached without another fault.
pub const ENDS: &str = "from every state the good end can be reached without another fault";

/// Something with states and actions.
pub trait Machine {
    /// Everything there is to know at one moment.
    type State: Clone + Hash;
    /// One atomic step.
    type Action: Copy;

    /// The first state.
    fn start(&self) -> Self::State;
    /// What can happen in `state`, always in the same order.
    fn actions(&self, state: &Self::State) -> Vec<Self::Action>;
    /// The state after `action`, and what is worth remembering of the step.
    fn next(&self, state: &Self::State, action: Self::Action, sightings: &mut Sightings) -> Self::State;
    /// Whether `action` is something that nobody may count on.
    fn is_fault(&self, action: Self::Action) -> bool;
    /// Whether everything came to its good end.
    fn is_end(&self, state: &Self::State) -> bool;
    /// What has to hold in every state.
    fn properties(&self) -> &[Property<Self::State>];
    /// `action` in words, as a line of a trace.
    fn describe(&self, state: &Self::State, action: Self::Action) -> String;
}

/// What has to hold in every state.
#[derive(Debug)]
pub struct Property<S> {
    /// The property as a sentence.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: fn(&S) -> bool,
}

/// How often something worth remembering happened, by its name: whether a search is worth anything shows in
/// what it met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sightings(BTreeMap<&'static str, u64>);

impl Sightings {
    /// Remembers that `what` happened.
    pub fn see(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// How often `what` happened.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// Everything that happened, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, count)| (*what, *count))
    }
}

/// A property that does not hold, and the shortest way to where it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The property's name.
    pub property: &'static str,
    /// The steps that lead there, in words.
    pub trace: Vec<String>,
}

/// How far to search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Ends the search at the first violation of this property.
    pub until: Option<&'static str>,
    /// Ends the search, incomplete, once there are more states than this.
    pub states: Option<usize>,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Unique states.
    pub states: usize,
    /// Steps between them.
    pub steps: u64,
    /// Steps to the state that is farthest from the start.
    pub depth: usize,
    /// States that are a good end.
    pub ends: usize,
    /// Whether every reachable state was visited.
    pub complete: bool,
    /// What the steps met.
    pub sightings: Sightings,
    /// The first violation of each property.
    pub violations: Vec<Violation>,
}

impl Report {
    /// The violation of this property, if there is one.
    #[must_use]
    pub fn violation(&self, property: &str) -> Option<&Violation> {
        self.violations.iter().find(|violation| violation.property == property)
    }
}

/// Visits every state of `machine`, or as many as `limits` allow.
pub fn search<M: Machine>(machine: &M, limits: Limits) -> Report {
    let mut search = Search {
        machine,
        known: Known::default(),
        origins: Vec::new(),
        steps: Steps::default(),
        ends: Vec::new(),
        taken: 0,
        broken: Vec::new(),
        sightings: Sightings::default(),
    };
    let (depth, complete) = search.run(limits);
    search.report(depth, complete)
}

struct Search<'m, M: Machine> {
    machine: &'m M,
    known: Known,
    /// How each state was first reached: from which one, by which of its actions.
    origins: Vec<(u32, u16)>,
    steps: Steps,
    ends: Vec<u32>,
    taken: u64,
    broken: Vec<(&'static str, u32)>,
    sightings: Sightings,
}

impl<M: Machine> Search<'_, M> {
    /// Answers how deep it went, and whether that was everything.
    fn run(&mut self, limits: Limits) -> (usize, bool) {
        let start = self.machine.start();
        let mut level = Vec::from_iter(self.meet(&start, (0, 0)).1.map(|id| (id, start)));
        let mut depth = 0;
        loop {
            let mut next = Vec::new();
            for (id, state) in &level {
                self.expand(*id, state, &mut next);
                if limits.until.is_some_and(|name| self.is_broken(name))
                    || limits.states.is_some_and(|most| self.origins.len() > most)
                {
                    return (depth + 1, false);
                }
            }
            if next.is_empty() {
                return (depth, true);
            }
            (level, depth) = (next, depth + 1);
        }
    }

    fn expand(&mut self, id: u32, state: &M::State, next: &mut Vec<(u32, M::State)>) {
        for (number, action) in self.machine.actions(state).into_iter().enumerate() {
            let after = self.machine.next(state, action, &mut self.sightings);
            self.taken += 1;
            let number = u16::try_from(number).expect("a state has fewer than 65,536 actions");
            let (to, new) = self.meet(&after, (id, number));
            if !self.machine.is_fault(action) && to != id {
                self.steps.add(id, to);
            }
            next.extend(new.map(|to| (to, after)));
        }
    }

    /// The state's number, and again if it is new.
    fn meet(&mut self, state: &M::State, origin: (u32, u16)) -> (u32, Option<u32>) {
        let (id, new) = self.known.id(fingerprint(state));
        if !new {
            return (id, None);
        }
        self.origins.push(origin);
        for property in self.machine.properties() {
            if !(property.holds)(state) && !self.is_broken(property.name) {
                self.broken.push((property.name, id));
            }
        }
        if self.machine.is_end(state) {
            self.ends.push(id);
        }
        (id, Some(id))
    }

    fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|(broken, _)| *broken == name)
    }

    fn report(mut self, depth: usize, complete: bool) -> Report {
        let states = self.origins.len();
        if complete {
            let steps = std::mem::take(&mut self.steps);
            self.broken.extend(steps.first_stuck(states, &self.ends).map(|id| (ENDS, id)));
        }
        let violation = |(property, id): &(&'static str, u32)| Violation { property, trace: self.trace(*id) };
        Report {
            states,
            steps: self.taken,
            depth,
            ends: self.ends.len(),
            complete,
            violations: self.broken.iter().map(violation).collect(),
            sightings: self.sightings,
        }
    }

    /// The shortest way to a state, replayed from the start.
    fn trace(&self, mut id: u32) -> Vec<String> {
        let mut numbers = Vec::new();
        while id != 0 {
            let (parent, number) = self.origins[id as usize];
            numbers.push(number);
            id = parent;
        }
        let mut state = self.machine.start();
        let mut lines = Vec::with_capacity(numbers.len());
        for number in numbers.into_iter().rev() {
            let action = self.machine.actions(&state)[usize::from(number)];
            lines.push(self.machine.describe(&state, action));
            state = self.machine.next(&state, action, &mut Sightings::default());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts to 9 by ones or twos; 7 is a trap, which only a fault leads into.
    struct Counter {
        trap_is_a_fault: bool,
        properties: Vec<Property<u8>>,
    }

    impl Machine for Counter {
        type State = u8;
        type Action = u8;

        fn start(&self) -> u8 {
            0
        }
        fn actions(&self, state: &u8) -> Vec<u8> {
            let steps: &[u8] = if *state == 7 || *state == 9 { &[] } else { &[1, 2] };
            steps.iter().copied().filter(|step| state + step <= 9).collect()
        }
        fn next(&self, state: &u8, action: u8, sightings: &mut Sightings) -> u8 {
            sightings.see(if action == 1 { "one" } else { "two" });
            state + action
        }
        fn is_fault(&self, action: u8) -> bool {
            self.trap_is_a_fault && action == 1
        }
        fn is_end(&self, state: &u8) -> bool {
            *state == 8
        }
        fn properties(&self) -> &[Property<u8>] {
            &self.properties
        }
        fn describe(&self, state: &u8, action: u8) -> String {
            format!("{state} + {action}")
        }
    }

    #[test]
    fn every_state_is_visited_once_and_the_way_to_a_violation_is_the_shortest() {
        let below_six = Property { name: "below six", holds: |state: &u8| *state < 6 };
        let counter = Counter { trap_is_a_fault: false, properties: vec![below_six] };
        let report = search(&counter, Limits::default());
        assert_eq!((report.states, report.steps, report.depth, report.ends), (10, 15, 5, 1));
        assert_eq!(report.violation("below six").unwrap().trace, ["0 + 2", "2 + 2", "4 + 2"]);
        assert_eq!((report.sightings.count("one"), report.sightings.count("two")), (8, 7));
    }

    #[test]
    fn the_first_state_without_a_way_to_the_end_is_found() {
        let counter = Counter { trap_is_a_fault: false, properties: Vec::new() };
        let report = search(&counter, Limits::default());
        // Both 7 and 9 are dead ends; 7 comes first.
        assert_eq!(report.violation(ENDS).unwrap().trace.last().unwrap(), "5 + 2");
    }

    #[test]
    fn faults_are_no_way_to_the_end() {
        let counter = Counter { trap_is_a_fault: true, properties: Vec::new() };
        let report = search(&counter, Limits::default());
        // Only an odd number's fault leads from there to 8.
        assert_eq!(report.violation(ENDS).unwrap().trace, ["0 + 1"]);
    }

    #[test]
    fn a_limit_ends_the_search_incomplete() {
        let counter = Counter { trap_is_a_fault: false, properties: Vec::new() };
        let report = search(&counter, Limits { states: Some(4), ..Limits::default() });
        assert!(!report.complete && report.violations.is_empty() && report.states < 10);
    }
}
