//! The body of one function.

use std::mem;

use proc_macro2::{Ident, Span};
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, Item, Stmt, Token, parse_quote_spanned};

use crate::awaits::Awaits;
use crate::definition;
use crate::function::{Body, Function};
use crate::future;
use crate::parameter;
use crate::rewrite::Rewriter;
use crate::runtime::Runtime;
use crate::scope::{Exit, Scope};
use crate::seat::{self, Seat};
use crate::syntax::{self, generated, start_of};

/// Puts the prologue in front of the part that runs under the context, and rewrites that part. Returns whether
/// what was generated uses the parameter for certain.
pub(crate) fn rewrite(
    function: &mut Function,
    prologue: Vec<Stmt>,
    rewriter: &mut Rewriter,
) -> bool {
    let Body::Parsed(block) = &mut function.body else {
        return true;
    };
    let exit = Scope::Async(Exit::of(&function.sig));
    if function.sig.asyncness.is_some() {
        let fresh = rewriter.seat == Seat::Unknown;
        walk(block, prologue, exit, fresh, rewriter)
    } else if future::tail(&mut block.stmts).is_some() {
        returned_future(block, prologue, exit, rewriter)
    } else {
        walk(block, prologue, Scope::Sync, false, rewriter)
    }
}

/// Silences the lint where nobody may use the parameter: by a use, as an `allow` may be forbidden. Where an item hides
/// the parameter there is no other way.
pub(crate) fn mention_ctx(function: &mut Function, runtime: &Runtime) {
    let Body::Parsed(block) = &mut function.body else {
        return;
    };
    if block.stmts.iter().any(seat::item_may_shadow) {
        parameter::allow_unused(&mut function.sig);
    } else {
        seat::insert(&mut block.stmts, mention(runtime));
    }
}

/// `let _ = ctx;`, which neither moves nor borrows it: what is borrowed is stored in the future.
pub(crate) fn mention(runtime: &Runtime) -> Stmt {
    let ctx = runtime.name("ctx", Span::call_site());
    parse_quote_spanned!(generated(Span::call_site())=> let _ = #ctx;)
}

/// The body of a function that returns an `async` block. The block outlives the call, so it takes
/// the context along.
// Input:
//     fn load(&self) -> impl Future<Output = Result<Row, AppError>> {
//         let pool = self.pool.clone();
//         async { pool.get().await }
//     }
//
// Output:
//     fn load(&self, ctx: &::ctx::Context) -> impl Future<Output = Result<Row, AppError>> {
//         let pool = self.pool.clone();
//         async move { match ::ctx::__private::race(.., pool.get()).await { .. } }
//     }
fn returned_future(
    block: &mut Block,
    prologue: Vec<Stmt>,
    exit: Scope,
    rewriter: &mut Rewriter,
) -> bool {
    let Some(mut last) = block.stmts.pop() else {
        return false;
    };
    let mut seated = false;
    let items = block.stmts.iter().any(seat::item_shadows);
    let shadowed = items || seat::any_binds(&block.stmts, rewriter.seat);
    walk(block, Vec::new(), Scope::Sync, false, rewriter);
    refuse_hidden_awaits(&block.stmts, exit, rewriter);
    rewriter.shadowed(shadowed);
    // What the block takes along nobody else sees, but for what the items make of it.
    let fresh = rewriter.seat == Seat::Unknown && !items;
    if let Some(future) = future::tail(std::slice::from_mut(&mut last)) {
        let span = future.async_token.span;
        future.capture.get_or_insert(Token![move](span));
        seated = walk(&mut future.block, prologue, exit, fresh, rewriter);
    }
    block.stmts.push(last);
    seated
}

/// Refuses the awaits of macros that the block behind these statements may call: there they are ours.
fn refuse_hidden_awaits(stmts: &[Stmt], exit: Scope, rewriter: &mut Rewriter) {
    if matches!(rewriter.scope, Scope::Abandoned) {
        return;
    }
    let outer = mem::replace(&mut rewriter.scope, exit);
    for stmt in stmts {
        if let Stmt::Item(Item::Macro(item)) = stmt {
            definition::refuse_awaits(item, rewriter);
        }
    }
    rewriter.scope = outer;
}

/// Walks a body, and returns whether the awaits in it share the function's state. `fresh` says that it begins with a
/// `ctx` that is its own.
fn walk(
    block: &mut Block,
    prologue: Vec<Stmt>,
    scope: Scope,
    fresh: bool,
    rewriter: &mut Rewriter,
) -> bool {
    if !matches!(rewriter.scope, Scope::Abandoned) {
        rewriter.scope = scope;
    }
    let seat = mem::replace(&mut rewriter.seat, Seat::Unknown);
    let mut first = Block {
        brace_token: block.brace_token,
        stmts: prologue,
    };
    rewriter.visit_block_mut(&mut first);
    rewriter.seat = seat;
    rewriter.fresh = fresh;
    rewriter.awaits = Awaits::of(block);
    rewriter.visit_block_mut(block);
    let seated = mem::take(&mut rewriter.seated);
    if seated {
        seat::make(&mut block.stmts, rewriter.awaits, rewriter.runtime);
    }
    seat::begin(&mut block.stmts, first.stmts);
    seated
}

/// The statements that put the rest of a body under a deadline.
// Input:
//     #[with_context(timeout = AFTER)]
//
// Output:
//     let __scope = ::ctx::Context::with_timeout(&ctx, AFTER);
//     let ctx: &::ctx::Context = &__scope;
//     let _ = ctx;
// where the author has named the crate, the first of them is
//     let __scope = ctx.with_timeout(AFTER);
pub(crate) fn timeout(after: &Expr, names: &Runtime) -> [Stmt; 3] {
    let span = start_of(after).unwrap_or_else(Span::call_site);
    let quiet = generated(span);
    let inner = names.name("ctx", Span::call_site());
    let context = names.path(&["Context"], quiet);
    let scope = if names.may_be_missing() {
        let with_timeout = Ident::new("with_timeout", span);
        syntax::method(names.name("ctx", span), with_timeout, [after.clone()])
    } else {
        let with_timeout = names.path(&["Context", "with_timeout"], span);
        syntax::call(with_timeout, [names.ctx(span), after.clone()], span)
    };
    [
        parse_quote_spanned!(quiet=> let __scope = #scope;),
        parse_quote_spanned!(quiet=> let #inner: &#context = &__scope;),
        mention(names),
    ]
}
