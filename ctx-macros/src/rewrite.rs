//! The walk over a body: which awaits are ours, and what they become.

use std::mem;

use proc_macro2::Span;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprBlock, ImplItemFn, Item, ItemFn, Macro, ReturnType, Stmt,
    TraitItemFn, Type, parse_quote, token,
};

use crate::awaits::Awaits;
use crate::checkpoint::{Guard, checkpoint};
use crate::definition::{self, Definitions};
use crate::errors::Errors;
use crate::macros;
use crate::marks::{self, Mark, Marks, attrs_of};
use crate::options::Mode;
use crate::runtime::Runtime;
use crate::scope::{Exit, NESTED, Scope};
use crate::seat::{self, Seat};
use crate::shield;
use crate::stretch::Stretch;
use crate::syntax::{self, generated};
use crate::uses::Uses;

/// Makes a checkpoint of every await that belongs to the function.
pub(crate) struct Rewriter<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) errors: &'a mut Errors,
    pub(crate) scope: Scope,
    pub(crate) mode: Mode,
    /// What the expression that the walk is in does to `ctx`.
    pub(crate) uses: Uses,
    /// Which `ctx` is in scope.
    pub(crate) seat: Seat,
    /// Whether some await uses the state that is in scope.
    pub(crate) seated: bool,
    /// Whether there are others to share the state with.
    pub(crate) awaits: Awaits,
    /// Whether what was generated names the function's own `ctx` where that has to outlive the call.
    pub(crate) takes_ctx: bool,
    /// Whether the next block begins with a `ctx` that nobody else sees.
    pub(crate) fresh: bool,
    /// The macros of the body that are in scope.
    pub(crate) definitions: Definitions,
}

impl VisitMut for Rewriter<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let fresh = mem::take(&mut self.fresh);
        let outer = self.definitions.count();
        let mut stretch = Stretch::of(self, block, fresh);
        for mut stmt in mem::take(&mut block.stmts) {
            let bound = seat::bound_by(&stmt, self.seat);
            stretch.before(&mut stmt, &mut block.stmts, self);
            match &mut stmt {
                Stmt::Local(local) => block.stmts.extend(self.local(local)),
                Stmt::Item(item) => self.visit_item_mut(item),
                Stmt::Expr(expr, semi) => self.statement(expr, semi.as_mut()),
                Stmt::Macro(_) => stmt = self.macro_statement(stmt),
            }
            block.stmts.push(stmt);
            stretch.after(bound, &mut block.stmts, self);
        }
        stretch.leave(self, &mut block.stmts);
        self.definitions.leave(outer);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let marks = self.marks(attrs_of(expr));
        if let Some((mark, mode)) = marks.scope {
            self.annotated(expr, mark, mode);
            if let Some(unused) = marks.unused {
                mention(&unused, expr);
            }
            return;
        }
        self.in_mode(&marks, |this| this.expression(expr));
        if let Some(mark) = marks.shield {
            self.names_ctx();
            shield::expression(expr, mark, self.runtime);
        } else if let (Some(_), Expr::Block(block)) = (marks.checkpoints, expr) {
            syntax::take_over(&mut block.block);
        }
    }

    /// A nested function is annotated for itself, or not at all.
    fn visit_item_mut(&mut self, item: &mut Item) {
        let attrs = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            other => return self.other_item(other),
        };
        if marks::annotated(attrs) {
            return self.refuse_calls(item);
        }
        self.within(Scope::Other(NESTED), |this| {
            visit_mut::visit_item_mut(this, item);
        });
    }

    fn visit_item_fn_mut(&mut self, item: &mut ItemFn) {
        if marks::annotated(&item.attrs) {
            return self.refuse_calls(item);
        }
        visit_mut::visit_item_fn_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut ImplItemFn) {
        if marks::annotated(&item.attrs) {
            return self.refuse_calls(item);
        }
        visit_mut::visit_impl_item_fn_mut(self, item);
    }

    fn visit_trait_item_fn_mut(&mut self, item: &mut TraitItemFn) {
        if marks::annotated(&item.attrs) {
            return self.refuse_calls(item);
        }
        visit_mut::visit_trait_item_fn_mut(self, item);
    }

    /// What no other part of the walk has taken has no meaning where it stands.
    fn visit_attribute_mut(&mut self, attr: &mut Attribute) {
        if let Some(mark) = Mark::of(attr) {
            self.misplaced(mark, marks::span(attr));
            marks::neutralise(attr);
        }
    }

    /// Nothing in a type can be awaited.
    fn visit_type_mut(&mut self, _: &mut Type) {}

    /// A macro in the place of a pattern, a type or an item is no expression of ours.
    fn visit_macro_mut(&mut self, _: &mut Macro) {}
}

impl Rewriter<'_> {
    /// How an await here leaves, if it is to become a checkpoint.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.scope {
            Scope::Async(exit) if self.mode != Mode::None => Some(exit),
            _ => None,
        }
    }

    /// An item without a body: nothing in it is ours, and nothing of ours goes on it.
    fn other_item(&mut self, item: &mut Item) {
        let attrs = match item {
            Item::Const(item) => &mut item.attrs,
            Item::Enum(item) => &mut item.attrs,
            Item::Macro(item) => {
                definition::refuse_awaits(item, self);
                &mut item.attrs
            }
            Item::Mod(item) => &mut item.attrs,
            Item::Static(item) => &mut item.attrs,
            Item::Struct(item) => &mut item.attrs,
            Item::Type(item) => &mut item.attrs,
            Item::Use(item) => &mut item.attrs,
            _ => return,
        };
        for attr in attrs {
            self.visit_attribute_mut(attr);
        }
    }

    fn expression(&mut self, expr: &mut Expr) {
        // A reference stays where it is, whatever is done to it.
        if self.seat != Seat::Own {
            self.uses.see(expr);
        }
        match expr {
            Expr::Async(_) => self.other("an `async` block", expr),
            Expr::Closure(_) => self.other("a closure", expr),
            Expr::Const(_) => self.other("a `const` block", expr),
            Expr::Await(_) => self.await_(expr),
            Expr::Macro(_) => macros::rewrite(expr, self),
            Expr::Verbatim(tokens) => macros::refuse_unknown_syntax(tokens, self),
            Expr::Paren(paren) => {
                // The author needs them for his attribute, and a lint would take them off with it.
                if marks::any(&mut paren.expr) {
                    let span = paren.paren_token.span.join();
                    paren.paren_token = token::Paren(generated(span));
                }
                visit_mut::visit_expr_paren_mut(self, paren);
            }
            _ => {
                let outer = self.seat;
                self.shadowed(seat::binds_within(expr));
                visit_mut::visit_expr_mut(self, expr);
                self.seat = outer;
            }
        }
    }

    fn await_(&mut self, expr: &mut Expr) {
        let seated = mem::take(&mut self.seated);
        let uses = self.uses_of(|this| visit_mut::visit_expr_mut(this, expr));
        let nested = mem::replace(&mut self.seated, seated);
        self.seated |= nested;
        let name = match self.mode {
            Mode::Race => "race",
            Mode::Between => "between",
            Mode::None => return,
        };
        let Scope::Async(exit) = self.scope else {
            return;
        };
        let (runtime, seat, count) = (self.runtime, self.seat, self.awaits);
        self.names_ctx();
        self.seated |= seat != Seat::Unknown;
        *expr = match mem::replace(expr, Expr::PLACEHOLDER) {
            Expr::Await(await_) => checkpoint(await_, exit, runtime, |base, span| match seat {
                Seat::Own if count == Awaits::One => {
                    Guard::Only(seat::own(name, nested, base, runtime, span))
                }
                Seat::Own => Guard::Seated(seat::own(name, nested, base, runtime, span)),
                Seat::Bound => Guard::Seated(seat::bound(name, nested, base, runtime, span)),
                Seat::Unknown => {
                    let handle = runtime.handle(uses, span);
                    Guard::Alone(runtime.call(name, [handle, base], span))
                }
            }),
            other => other,
        };
    }

    /// What is generated here names `ctx`.
    pub(crate) fn names_ctx(&mut self) {
        self.uses.see_borrow();
        self.takes_ctx |= self.seat == Seat::Own && matches!(self.scope, Scope::Async(_));
    }

    /// From here on the `ctx` in scope may be another one.
    pub(crate) fn shadowed(&mut self, shadowed: bool) {
        if shadowed {
            self.seat = Seat::Unknown;
        }
    }

    /// Walks a part of the expression that the walk is in, and says what that part does to `ctx`.
    pub(crate) fn uses_of(&mut self, walk: impl FnOnce(&mut Self)) -> Uses {
        let before = mem::take(&mut self.uses);
        walk(self);
        let uses = self.uses;
        self.uses = before.and(uses);
        uses
    }

    /// Walks an expression whose inside is not the function's.
    fn other(&mut self, name: &'static str, expr: &mut Expr) {
        self.within(Scope::Other(name), |this| {
            visit_mut::visit_expr_mut(this, expr);
        });
    }

    /// Walks an `async` block or closure that is annotated for itself.
    fn annotated(&mut self, expr: &mut Expr, mark: Span, mode: Mode) {
        let outer = mem::replace(&mut self.mode, mode);
        let seat = mem::replace(&mut self.seat, Seat::Unknown);
        match expr {
            Expr::Async(block) => {
                let exit = Exit::at(&ReturnType::Default, block.async_token.span);
                self.within(Scope::Async(exit), |this| {
                    this.fresh = true;
                    this.visit_block_mut(&mut block.block);
                });
            }
            Expr::Closure(closure) if matches!(*closure.body, Expr::Async(_)) => {
                self.annotated(&mut closure.body, mark, mode);
            }
            Expr::Closure(closure) if closure.asyncness.is_some() => {
                let exit = Exit::at(&closure.output, mark);
                self.within(Scope::Async(exit), |this| {
                    if let Expr::Block(_) = *closure.body {
                        this.fresh = true;
                    }
                    this.visit_expr_mut(&mut closure.body);
                });
            }
            _ => {
                self.no_scope(expr, mark);
                self.expression(expr);
            }
        }
        (self.mode, self.seat) = (outer, seat);
    }

    pub(crate) fn in_mode(&mut self, marks: &Marks, walk: impl FnOnce(&mut Self)) {
        let mode = marks.checkpoints.map_or(self.mode, |(_, mode)| mode);
        let outer = (mem::replace(&mut self.mode, mode), self.seat);
        self.shadowed(marks.shield.is_some());
        walk(self);
        (self.mode, self.seat) = outer;
    }

    fn within(&mut self, scope: Scope, walk: impl FnOnce(&mut Self)) {
        // Whatever there is in a nested function, it is that which the author has to annotate.
        if let (Scope::Abandoned, _) | (Scope::Other(NESTED), Scope::Other(_)) = (self.scope, scope)
        {
            return walk(self);
        }
        let outer = mem::replace(&mut self.scope, scope);
        walk(self);
        self.scope = outer;
    }
}

/// Puts a block around an expression, which names all that another one does.
// Input:  EXPR
// Output: { let _ = || (UNUSED); EXPR }
fn mention(unused: &Expr, expr: &mut Expr) {
    let mut block: ExprBlock = parse_quote!({ let _ = || (#unused); });
    let inside = mem::replace(expr, Expr::PLACEHOLDER);
    block.block.stmts.push(Stmt::Expr(inside, None));
    *expr = Expr::Block(block);
}
