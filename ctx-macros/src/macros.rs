//! Macro calls, whose arguments are tokens until they are expanded.

use std::mem;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit_mut::VisitMut;
use syn::{Expr, ExprMacro, Macro, Path};

use crate::join::{self, Join};
use crate::rewrite::Rewriter;
use crate::{definition, marks, namesake, select, std_macro};

/// What we know of a macro by its path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The standard library evaluates the arguments where they stand.
    Std,
    /// `tokio::select!`
    Select,
    /// `tokio::join!`, `futures::join!`
    Join,
    /// `tokio::try_join!`, `futures::try_join!`
    TryJoin,
    /// `futures::select!`, whose branches cannot be disabled.
    FuturesSelect,
    /// One of these names, by a path that does not say whose it is.
    Namesake,
    /// It may do anything with an await: put it into a closure, or repeat it.
    Unknown,
}

/// Rewrites the awaits in a macro call that belong to the function, or says why it cannot.
pub(crate) fn rewrite(expr: &mut Expr, rewriter: &mut Rewriter) {
    let Expr::Macro(ExprMacro { attrs, mac }) = expr else {
        return;
    };
    for attr in attrs.iter_mut() {
        rewriter.visit_attribute_mut(attr);
    }
    let ours = rewriter.exit().is_some();
    let walk = ours || has_attributes(&mac.tokens);
    if ours && definition::refuse_call(&mac.path, rewriter) {
        return;
    }
    let rewritten = match Kind::of(&mac.path) {
        Kind::Std if walk => std_macro::rewrite(mac, rewriter),
        Kind::Select if walk => select::rewrite(mac, rewriter),
        Kind::Join if walk => join::rewrite(mac, Join::All, rewriter),
        Kind::TryJoin if walk => join::rewrite(mac, Join::Try, rewriter),
        Kind::FuturesSelect if ours => Err(foreign_select(mac)),
        Kind::Namesake if ours && namesake::may_await(mac) => Err(refuse_namesake(mac)),
        Kind::Unknown | Kind::Namesake if ours => refuse_unknown(mac, rewriter),
        _ => return,
    };
    match rewritten {
        Ok(Some(other)) => {
            let attrs = mem::take(attrs);
            *expr = other;
            marks::put_back(attrs, expr);
        }
        Ok(None) => {}
        Err(error) => rewriter.errors.push(error),
    }
}

/// Refuses an await in syntax that syn hands over as tokens.
pub(crate) fn refuse_unknown_syntax(tokens: &TokenStream, rewriter: &mut Rewriter) {
    if let (Some(_), Some(span)) = (rewriter.exit(), rewriter.first_await(tokens)) {
        rewriter.errors.at(
            span,
            "this await stands in syntax that `#[with_context]` does not know, so it cannot become \
             a checkpoint: take it out with a `let` before, or put the expression under \
             `#[checkpoints(none)]`",
        );
    }
}

impl Kind {
    fn of(path: &Path) -> Kind {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let mut of: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some(name) = of.pop() else {
            return Kind::Unknown;
        };
        // A crate may be reached by way of another one, which has it as `tokio` then.
        if is_of_std(&of, name) {
            return Kind::Std;
        }
        match (of.last().copied(), name) {
            (None | Some("tokio"), "select") => Kind::Select,
            (None | Some("tokio" | "futures" | "futures_util"), "join") => Kind::Join,
            (None | Some("tokio" | "futures" | "futures_util"), "try_join") => Kind::TryJoin,
            (Some("futures" | "futures_util"), "select" | "select_biased")
            | (None, "select_biased") => Kind::FuturesSelect,
            _ if awaits_by_name(name) => Kind::Namesake,
            _ => Kind::Unknown,
        }
    }
}

/// Whether a macro of this name awaits without saying so.
fn awaits_by_name(name: &str) -> bool {
    matches!(name, "select" | "select_biased" | "join" | "try_join")
}

/// Whether a macro evaluates its arguments where they stand, as the standard library's do, and binds nothing. A
/// `pin!` that does not say whose it is may be tokio's, which binds anew the variables that it is given.
pub(crate) fn evaluates_in_place(path: &Path) -> bool {
    let may_bind = path.get_ident().is_some_and(|name| name == "pin");
    Kind::of(path) == Kind::Std && !may_bind
}

/// Whether a macro of this name in `of` is the standard library's. There is a crate `assert_matches`, too, whose
/// macros do with the value and the pattern what those of `std` do.
fn is_of_std(of: &[&str], name: &str) -> bool {
    match of {
        [] => is_std_name(name) || is_in_a_module(name),
        ["std" | "core" | "alloc"] => is_std_name(name) || is_assert_matches(name),
        ["assert_matches"] | ["std" | "core", "assert_matches"] => is_assert_matches(name),
        ["std" | "core", "pin"] => name == "pin",
        _ => false,
    }
}

/// Whether a macro of this name is in a module of the standard library.
fn is_in_a_module(name: &str) -> bool {
    name == "pin" || is_assert_matches(name)
}

fn is_assert_matches(name: &str) -> bool {
    matches!(name, "assert_matches" | "debug_assert_matches")
}

fn is_std_name(name: &str) -> bool {
    matches!(
        name,
        "print"
            | "println"
            | "eprint"
            | "eprintln"
            | "format"
            | "format_args"
            | "write"
            | "writeln"
            | "panic"
            | "unreachable"
            | "unimplemented"
            | "todo"
            | "assert"
            | "assert_eq"
            | "assert_ne"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
            | "dbg"
            | "vec"
            | "matches"
    )
}

/// Whether one of our attributes may stand in some tokens, whatever scope they are in.
pub(crate) fn has_attributes(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => has_attributes(&group.stream()),
        TokenTree::Punct(sign) => sign.as_char() == '#',
        _ => false,
    })
}

/// The first `.await` in some tokens, or the first macro that is an await itself.
pub(crate) fn first_await(tokens: &TokenStream) -> Option<Span> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens
        .iter()
        .enumerate()
        .find_map(|(at, token)| match token {
            TokenTree::Group(group) => first_await(&group.stream()),
            TokenTree::Ident(ident) => {
                let preceded =
                    at > 0 && matches!(&tokens[at - 1], TokenTree::Punct(p) if p.as_char() == '.');
                let awaits = ident == "await" && preceded
                    || is_call(&tokens[at + 1..]) && awaits_by_name(&ident.to_string());
                awaits.then(|| ident.span())
            }
            _ => None,
        })
}

/// Whether a macro's name is followed by these, and so is called: `!(..)`.
pub(crate) fn is_call(after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Punct(sign), TokenTree::Group(_), ..] => sign.as_char() == '!',
        _ => false,
    }
}

/// The error for an await in a macro that we do not know.
pub(crate) fn unknown(mac: &Macro, span: Span) -> syn::Error {
    let name = &mac
        .path
        .segments
        .last()
        .map(|segment| segment.ident.to_string())
        .unwrap_or_default();
    let message = format!(
        "`#[with_context]` cannot see what `{name}!` does with this await, so it cannot make it a \
         checkpoint: take it out (`let value = ….await;` before the macro), or put the macro under \
         `#[checkpoints(none)]`"
    );
    syn::Error::new(span, message)
}

fn refuse_unknown(mac: &Macro, rewriter: &Rewriter) -> syn::Result<Option<Expr>> {
    match rewriter.first_await(&mac.tokens) {
        Some(span) => Err(unknown(mac, span)),
        None => Ok(None),
    }
}

/// The error for a macro that may be one of those which await, and may not.
fn refuse_namesake(mac: &Macro) -> syn::Error {
    let segments = mac.path.segments.iter();
    let names: Vec<String> = segments.map(|it| it.ident.to_string()).collect();
    let path = names.join("::");
    let name = names
        .last()
        .map_or("", |name| name.trim_end_matches("_biased"));
    let message = format!(
        "`#[with_context]` cannot see whether `{path}!` is tokio's, whose branches become checkpoints: \
         if it is, write `tokio::{name}!`; if not, put it under `#[checkpoints(none)]`"
    );
    syn::Error::new_spanned(&mac.path, message)
}

/// The error for a `select!` that is not tokio's.
pub(crate) fn foreign_select(mac: &Macro) -> syn::Error {
    let message = "`#[with_context]` makes checkpoints of the branches of `tokio::select!` only: use \
        that one, or put this one under `#[checkpoints(none)]`";
    syn::Error::new_spanned(&mac.path, message)
}
