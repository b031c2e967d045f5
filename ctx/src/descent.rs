//! How one line descends from another: what tells whether a checkpoint answers for the one around it (rule C3).

use crate::node::{Address, How, Kind, Node, address, line as line_of};
use std::{collections::HashSet, sync::Arc};

/// How one line descends from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Descent {
    /// The end of the upper one ends the lower one.
    Open,
    /// A `without_cancel` lies between them.
    Shielded,
}

/// Whether `line` is the line at `target`, or descends from it.
pub(crate) fn descent(line: &Arc<Node>, target: Address) -> Option<Descent> {
    let mut found = Descent::Open;
    let mut here = line;
    loop {
        if address(here) == target {
            return Some(found);
        }
        if here.how == How::Merge {
            return descent_through_merge(here, found, target);
        }
        if let Kind::Shield = here.kind {
            found = Descent::Shielded;
        }
        here = line_of(here.up.as_ref()?)?;
    }
}

/// The same where lines meet: every path counts, and an open one counts more than a shielded one.
///
/// No line is entered twice in the same state, so that a ladder of merges takes linear time.
fn descent_through_merge(start: &Arc<Node>, found: Descent, target: Address) -> Option<Descent> {
    let mut seen = HashSet::new();
    let mut best = None;
    let mut ahead = vec![(start, found)];
    while let Some((here, mut found)) = ahead.pop() {
        if !seen.insert((address(here), found == Descent::Open)) {
            continue;
        }
        if address(here) == target {
            if found == Descent::Open {
                return Some(found);
            }
            best = Some(found);
            continue;
        }
        if let Kind::Shield = here.kind {
            found = Descent::Shielded;
        }
        let up = here.up.as_ref().and_then(line_of);
        ahead.extend(up.into_iter().chain(here.other()).map(|next| (next, found)));
    }
    best
}
