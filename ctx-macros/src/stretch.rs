//! The statements of a block that see a `ctx` which the block has bound, and the state that their awaits
//! share.
//!
//! A scope or an owned context may end, or be moved away, before its function does. So its awaits have a
//! state of their own, made after the `let`, which borrows it until the first statement that may move it,
//! or until the block binds another one. As it is dropped before the context it leaves nobody's waker behind.
//!
//! A `ctx` that is itself a reference has no such state: what it refers to may be moved as soon as nobody
//! uses `ctx` any more, and by a name that says nothing of it.

use std::mem;

use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Macro, Stmt};

use crate::rewrite::Rewriter;
use crate::scope::Scope;
use crate::seat::{self, Seat};
use crate::uses::Uses;

/// Where the walk over a block's statements is.
pub(crate) struct Stretch {
    /// Where the state goes, if the stretch has not ended yet.
    open: Option<usize>,
    /// The state that the block found, and whether any await uses it.
    outer: (Seat, Option<bool>),
    /// Whether an item of the block may name another `ctx`, or move this one where nobody sees it.
    items: bool,
}

impl Stretch {
    /// A block begins. `fresh` says that it sees a `ctx` that nobody else does.
    pub(crate) fn of(rewriter: &mut Rewriter, block: &Block, fresh: bool) -> Self {
        let mut stretch = Self {
            open: None,
            outer: (rewriter.seat, None),
            items: block.stmts.iter().any(seat::item_shadows),
        };
        if stretch.items {
            rewriter.seat = Seat::Unknown;
        } else if fresh {
            stretch.begin(rewriter, 0);
        }
        stretch
    }

    /// Before a statement: ends the stretch if that may move the context away.
    pub(crate) fn before(
        &mut self,
        stmt: &mut Stmt,
        done: &mut Vec<Stmt>,
        rewriter: &mut Rewriter,
    ) {
        if self.open.is_none() || !may_move(stmt) {
            return;
        }
        self.end_early(rewriter, done);
        rewriter.seat = Seat::Unknown;
    }

    /// After a statement: begins another stretch if that may have bound another `ctx`, and says which seat
    /// that has.
    pub(crate) fn after(
        &mut self,
        bound: Option<Seat>,
        done: &mut Vec<Stmt>,
        rewriter: &mut Rewriter,
    ) {
        let Some(seat) = bound else {
            return;
        };
        // It need not have: then what follows may still move the one that was there.
        self.end_early(rewriter, done);
        if seat == Seat::Unknown || self.items {
            rewriter.seat = Seat::Unknown;
        } else {
            self.begin(rewriter, done.len());
        }
    }

    /// The block ends.
    pub(crate) fn leave(mut self, rewriter: &mut Rewriter, done: &mut Vec<Stmt>) {
        self.end(rewriter, done);
        rewriter.seat = self.outer.0;
        if let Some(seated) = self.outer.1 {
            rewriter.seated = seated;
        }
    }

    fn begin(&mut self, rewriter: &mut Rewriter, at: usize) {
        if !matches!(rewriter.scope, Scope::Async(_)) {
            rewriter.seat = Seat::Unknown;
            return;
        }
        let seated = mem::take(&mut rewriter.seated);
        self.outer.1.get_or_insert(seated);
        self.open = Some(at);
        rewriter.seat = Seat::Bound;
    }

    /// Ends the stretch before the block does.
    fn end_early(&mut self, rewriter: &mut Rewriter, done: &mut Vec<Stmt>) {
        if self.end(rewriter, done) {
            done.push(seat::drop(rewriter.runtime));
        }
    }

    /// Whether there was a stretch, and a state.
    fn end(&mut self, rewriter: &mut Rewriter, done: &mut Vec<Stmt>) -> bool {
        let Some(at) = self.open.take() else {
            return false;
        };
        let seated = mem::take(&mut rewriter.seated);
        if seated {
            seat::make_bound(done, at, rewriter.runtime);
        }
        seated
    }
}

/// Whether a statement that has not been rewritten yet may move the `ctx` in scope, or change it.
fn may_move(stmt: &mut Stmt) -> bool {
    let mut seen = Seen(Uses::default());
    seen.visit_stmt_mut(stmt);
    seen.0.moves_visibly()
}

/// A walk that changes nothing.
struct Seen(Uses);

impl VisitMut for Seen {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        self.0.see(expr);
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.0.see_tokens(&mac.tokens);
    }

    /// An item sees no variable.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
