//! How a node goes: it leaves its parents' lists, and gives its ancestors up without recursion (rule T8).
//!
//! 1. Every link of a node but `up`, and but `other` of an annex, points at an ancestor that these two still
//!    hold (node invariant 1). So they are dropped first, and free nothing.
//! 2. What `up` and `other` point at may go with them. It is moved out of its `Arc` by whoever gave the last
//!    handle up, so each node of a chain is taken apart by the same loop, and none by a drop within a drop.
//! 3. A node is in a parent's list until it goes, and nobody can reach it there any more when it does.
//!
//! Nearly always somebody else holds the node above, and then a scope's end is a handful of instructions.

use crate::{
    few::Few,
    node::{How, Kind, Node},
};
use std::sync::Arc;

impl Drop for Node {
    #[inline]
    fn drop(&mut self) {
        if self.state.load().listed() {
            self.leave_parents_at_last();
        }
        if self.how == How::Not {
            self.drop_aside();
        } else if let Some(up) = self.up.take() {
            // While `up` is held this is not the last handle of a layer.
            self.near = None;
            release(up);
        }
    }
}

/// Gives one handle up. If it was the last one, what is above goes by a loop, and not by drops that call
/// each other.
#[inline]
fn release(node: Arc<Node>) {
    // Nearly always somebody else holds it, and this is all.
    if let Some(node) = Arc::into_inner(node) {
        release_chain(node);
    }
}

#[cold]
fn release_chain(mut node: Node) {
    // Few, since a merge has two links: its end is to allocate nothing (rule S1).
    let mut ahead = Few::new();
    loop {
        let mut next = node.take_apart(&mut ahead);
        drop(node);
        node = loop {
            let Some(above) = next.take().or_else(|| ahead.pop()) else {
                return;
            };
            if let Some(last) = Arc::into_inner(above) {
                break last;
            }
        };
    }
}

impl Node {
    #[inline(never)]
    fn drop_aside(&mut self) {
        let Some(up) = self.up.take() else { return };
        self.near = None;
        if let Kind::Layer(layer) = &mut self.kind {
            layer.forget_ancestors();
        } else if let Kind::Annex(annex) = &mut self.kind {
            annex.other.take().into_iter().for_each(release);
        }
        release(up);
    }

    /// Takes the links that may be the last ones of what they point at: one is returned, and a further one
    /// is added to `ahead`. The others go with the node, while these still hold their targets.
    fn take_apart(&mut self, ahead: &mut Few<Arc<Node>>) -> Option<Arc<Node>> {
        if self.state.load().listed() {
            self.leave_parents_at_last();
        }
        if let Kind::Annex(annex) = &mut self.kind {
            ahead.extend(annex.other.take());
        }
        self.up.take()
    }
}
