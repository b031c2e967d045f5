//! How many awaits a body has: an only one, which nothing comes to again, leaves nothing to a next one, and so needs
//! less of a state (see `private/only` in the runtime).
//!
//! Where that is not certain there is a state that many can share. It costs a little time, and nothing else. Nor does it
//! matter if an only one is come to again all the same, as the guard of a pattern with an `|` is: it has another state then.

use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Macro};

use crate::macros;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    One,
    /// Or none, or one that may be come to again.
    Many,
}

impl Awaits {
    pub(crate) fn of(body: &mut Block) -> Self {
        let mut seen = Seen::default();
        seen.visit_block_mut(body);
        if seen.awaits == 1 && !seen.again {
            Self::One
        } else {
            Self::Many
        }
    }
}

/// A walk that changes nothing.
#[derive(Default)]
struct Seen {
    awaits: usize,
    loops: usize,
    /// Whether one may be come to again.
    again: bool,
}

impl VisitMut for Seen {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let repeats = match expr {
            // These awaits are not the function's.
            Expr::Async(_) | Expr::Closure(_) | Expr::Const(_) => return,
            Expr::ForLoop(_) | Expr::Loop(_) | Expr::While(_) => 1,
            Expr::Await(_) => {
                self.awaits += 1;
                self.again |= self.loops > 0;
                0
            }
            _ => 0,
        };
        self.loops += repeats;
        visit_mut::visit_expr_mut(self, expr);
        self.loops -= repeats;
    }

    /// Nobody knows how often it evaluates what it is given.
    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        self.again |= macros::first_await(&mac.tokens).is_some();
    }

    /// An item's awaits are its own.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
