//! From where an end can be reached.
//!
//! The steps are walked backwards from the ends. They are grouped by where they lead first (a counting sort),
//! for there are some ten times as many of them as states.

/// Steps between states, by the states' numbers.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<(u32, u32)>);

impl Steps {
    /// Adds the step from `from` to `to`.
    pub(crate) fn add(&mut self, from: u32, to: u32) {
        self.0.push((from, to));
    }

    /// The first of `states` states from which none of the `ends` can be reached.
    pub(crate) fn first_stuck(self, states: usize, ends: &[u32]) -> Option<u32> {
        let (starts, sources) = self.by_target(states);
        let mut reaches = vec![false; states];
        let mut open = ends.to_vec();
        while let Some(id) = open.pop() {
            let id = id as usize;
            if !std::mem::replace(&mut reaches[id], true) {
                open.extend(&sources[starts[id]..starts[id + 1]]);
            }
        }
        reaches.iter().position(|reaches| !reaches).and_then(|id| u32::try_from(id).ok())
    }

    /// Where the sources of each state's incoming steps begin, and all sources.
    fn by_target(self, states: usize) -> (Vec<usize>, Vec<u32>) {
        let mut starts = vec![0; states + 1];
        for (_, to) in &self.0 {
            starts[*to as usize + 1] += 1;
        }
        for id in 0..states {
            starts[id + 1] += starts[id];
        }
        let mut places = starts.clone();
        let mut sources = vec![0; self.0.len()];
        for (from, to) in self.0 {
            let place = &mut places[to as usize];
            sources[*place] = from;
            *place += 1;
        }
        (starts, sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_without_an_exit_is_stuck() {
        let mut steps = Steps::default();
        for (from, to) in [(0, 1), (1, 2), (1, 3), (3, 4), (4, 3)] {
            steps.add(from, to);
        }
        assert_eq!(steps.first_stuck(5, &[2]), Some(3));
    }

    #[test]
    fn a_circle_with_an_exit_is_not() {
        let mut steps = Steps::default();
        for (from, to) in [(0, 1), (1, 0), (1, 2)] {
            steps.add(from, to);
        }
        assert_eq!(steps.first_stuck(3, &[2]), None);
    }
}
