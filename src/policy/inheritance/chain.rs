//! Ways through the graph: loops, and chains that are too long.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Party;
use super::graph::Graph;

/// The shortest way along waits from one of `starts` to `goal`, with both ends; none where there is none.
/// Each party that the starts wait for, directly or not, is visited once at most.
pub(super) fn way(graph: &Graph, starts: &[Party], goal: &Party) -> Option<Vec<Party>> {
    let mut came_from: BTreeMap<&Party, Option<&Party>> = starts.iter().map(|start| (start, None)).collect();
    let mut next: VecDeque<&Party> = starts.iter().collect();
    while let Some(party) = next.pop_front() {
        if party == goal {
            let back = std::iter::successors(Some(party), |at| came_from.get(at).copied().flatten());
            let mut way: Vec<Party> = back.cloned().collect();
            way.reverse();
            return Some(way);
        }
        for to in graph.waits_for(party) {
            if !came_from.contains_key(to) {
                came_from.insert(to, Some(party));
                next.push_back(to);
            }
        }
    }
    None
}

/// Dependencies in the longest chain that would lead through `task` if it depended on `parents`; counting
/// ends beyond `max`. Keys are passed over: a key is waited for only by what depends on nothing unfinished, and its holder
/// runs. Each party is visited once per length of a chain that leads to it.
pub(super) fn length(graph: &Graph, task: &Party, parents: &[Party], max: usize) -> usize {
    let above = levels(BTreeSet::from([task]), |party| graph.heirs(party).collect(), max) - 1;
    let below = levels(
        parents.iter().collect(),
        |party| graph.waits_for(party).collect(),
        max,
    );
    above + below
}

/// How often `step` can be taken from `level` to tasks until none is left, and once more for `level` itself.
fn levels<'a>(mut level: BTreeSet<&'a Party>, step: impl Fn(&Party) -> Vec<&'a Party>, max: usize) -> usize {
    let mut count = 0;
    while !level.is_empty() && count <= max + 1 {
        count += 1;
        level = level
            .into_iter()
            .flat_map(&step)
            .filter(|party| matches!(party, Party::Task(_)))
            .collect();
    }
    count
}
