//! The way back: from an expansion to what the author wrote.
//!
//! Parentheses that the printer puts where they are needed, and our own attributes, are taken out of
//! both sides before they are compared.

use std::mem;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::StmtMacro;
use syn::parse::Parser;
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Attribute, Block, Expr, ExprMatch, FnArg, ItemFn, Local, Macro, Pat, Stmt};

use crate::join;
use crate::marks::{Mark, attrs_of};
use crate::select::Select;
use crate::std_macro;

/// The tokens of a function, without what differs for good reasons.
pub(super) fn canonical(mut function: ItemFn) -> String {
    function.sig.inputs.pop_punct();
    Strip::default().visit_item_fn_mut(&mut function);
    function.into_token_stream().to_string()
}

/// The tokens of an expansion without what the macro added, and how many checkpoints that were.
pub(super) fn stripped(mut function: ItemFn) -> (String, usize) {
    let receiver = usize::from(function.sig.receiver().is_some());
    let by_value: Attribute = syn::parse_quote!(#[allow(clippy::needless_pass_by_value)]);
    function.attrs.retain(|attr| {
        attr.to_token_stream().to_string() != by_value.to_token_stream().to_string()
    });
    let inputs = mem::take(&mut function.sig.inputs).into_iter().enumerate();
    let written = inputs.filter(|(at, input)| *at != receiver || !is_ctx(input));
    function.sig.inputs = written.map(|(_, input)| input).collect();
    let mut strip = Strip::default();
    strip.visit_item_fn_mut(&mut function);
    (function.into_token_stream().to_string(), strip.checkpoints)
}

fn is_ctx(input: &FnArg) -> bool {
    matches!(input, FnArg::Typed(typed) if matches!(&*typed.pat, Pat::Ident(pat) if pat.ident == "ctx"))
}

#[derive(Default)]
struct Strip {
    checkpoints: usize,
}

impl VisitMut for Strip {
    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|stmt| match stmt {
            Stmt::Local(local) => {
                let ours = names(&local.pat, "__shield") || names(&local.pat, "__body");
                !ours && !mentions_ctx(local)
            }
            Stmt::Expr(expr, _) => calls(expr) != Some("leave"),
            _ => true,
        });
        for stmt in &mut block.stmts {
            // A macro that stands as a statement is a statement again.
            if let Stmt::Macro(StmtMacro {
                attrs,
                mac,
                semi_token,
            }) = stmt
            {
                let expr = syn::ExprMacro {
                    attrs: mem::take(attrs),
                    mac: mac.clone(),
                };
                *stmt = Stmt::Expr(Expr::Macro(expr), *semi_token);
            }
            self.visit_stmt_mut(stmt);
        }
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        drop_marks(&mut local.attrs);
        visit_mut::visit_local_mut(self, local);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some(attrs) = attrs_of(expr) {
            drop_marks(attrs);
        }
        if let Some(values) = printed(expr) {
            *expr = syn::parse_quote!(dbg!(#(#values),*));
        }
        visit_mut::visit_expr_mut(self, expr);
        *expr = match mem::replace(expr, Expr::PLACEHOLDER) {
            Expr::Paren(paren) => *paren.expr,
            Expr::Match(whole) => self.unmatch(whole),
            Expr::MethodCall(mut call)
                if is_path(&call.receiver, "__slot") && call.args.len() == 1 =>
            {
                self.checkpoints += 1;
                call.args.pop().expect("the branch")
            }
            other => other,
        };
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string());
        mac.tokens = match name.as_deref() {
            Some("select") => self.select(mac),
            Some("join" | "try_join") => {
                let mut args = join::Args::parse
                    .parse2(mac.tokens.clone())
                    .expect("branches");
                args.futures
                    .iter_mut()
                    .for_each(|future| self.visit_expr_mut(future));
                args.into_tokens()
            }
            _ => {
                let mut args = std_macro::Args::of(mac)
                    .unwrap_or_else(|error| panic!("{error}: {}", mac.tokens));
                args.each(|arg| self.visit_expr_mut(arg));
                args.into_tokens()
            }
        };
    }
}

impl Strip {
    /// What stood where the macro has put a `match`.
    fn unmatch(&mut self, mut whole: ExprMatch) -> Expr {
        match &mut *whole.expr {
            Expr::Await(awaited) if is_checkpoint(&awaited.base) => {
                self.checkpoints += 1;
                let call = mem::replace(&mut *awaited.base, Expr::PLACEHOLDER);
                *awaited.base = awaited_in(call);
                *whole.expr
            }
            Expr::Reference(shield) if calls(&shield.expr) == Some("shield") => only(whole.arms),
            Expr::Reference(shield) if is_path(&shield.expr, "__shield") => only(whole.arms),
            Expr::Reference(slot) if calls(&slot.expr) == Some("slot") => match only(whole.arms) {
                Expr::Match(join) => *join.expr,
                select => select,
            },
            _ => Expr::Match(whole),
        }
    }

    /// The pattern and the `else` of each branch; `visit_expr_mut` has seen to the rest.
    fn select(&mut self, mac: &Macro) -> TokenStream {
        let mut select = Select::parse.parse2(mac.tokens.clone()).expect("branches");
        let expanded = select.branches.iter().any(|branch| is_slot(&branch.future));
        select.each(|expr| self.visit_expr_mut(expr));
        if expanded {
            for branch in &mut select.branches {
                let Pat::TupleStruct(ok) = &mut branch.pat else {
                    panic!("a branch without `Ok`")
                };
                branch.pat = ok.elems.pop().expect("the pattern");
            }
            let Some(Expr::Match(otherwise)) = select.otherwise.take() else {
                panic!("no `else`")
            };
            let last = otherwise.arms.into_iter().next_back().expect("`None`");
            let written =
                !matches!(&*last.body, Expr::Macro(it) if it.mac.path.leading_colon.is_some());
            select.otherwise = written.then_some(*last.body);
        }
        select.into_tokens(Span::call_site())
    }
}

/// `let _ = ctx;`
fn mentions_ctx(local: &Local) -> bool {
    let init = local.init.as_ref().map(|init| &*init.expr);
    let ctx = init.is_some_and(|init| is_path(init, "ctx"));
    ctx && matches!(local.pat, Pat::Wild(_))
}

fn is_slot(future: &Expr) -> bool {
    matches!(future, Expr::MethodCall(call) if is_path(&call.receiver, "__slot"))
}

/// The values that an expanded `dbg!` prints.
fn printed(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Tuple(all) if !all.elems.is_empty() => {
            let values: Option<Vec<_>> = all.elems.iter().map(printed).collect();
            Some(values?.into_iter().flatten().collect())
        }
        Expr::Call(call) if calls(expr) == Some("dbg") => {
            call.args.last().cloned().map(|it| vec![it])
        }
        _ => None,
    }
}

/// The name of a function of the hidden module, if that is what an expression calls.
fn calls(expr: &Expr) -> Option<&'static str> {
    let Expr::Call(call) = expr else { return None };
    // A path of the author's is in parentheses.
    let function = match &*call.func {
        Expr::Paren(it) => &it.expr,
        other => other,
    };
    let Expr::Path(function) = function else {
        return None;
    };
    let mut names = function
        .path
        .segments
        .iter()
        .rev()
        .map(|segment| segment.ident.to_string());
    let (last, module) = (names.next()?, names.next()?);
    let known = [
        "race",
        "between",
        "race_in",
        "between_in",
        "race_on",
        "between_on",
        "leave",
        "handle",
        "borrow",
        "dbg",
        "shield",
        "slot",
    ];
    known
        .into_iter()
        .find(|name| *name == last && module == "__private")
}

/// Whether it is what a checkpoint awaits.
fn is_checkpoint(expr: &Expr) -> bool {
    match expr {
        Expr::MethodCall(call) => {
            let method = call.method.to_string();
            method.starts_with("__race") || method.starts_with("__between")
        }
        _ => matches!(
            calls(expr),
            Some("race" | "between" | "race_in" | "between_in" | "race_on" | "between_on")
        ),
    }
}

/// The awaited expression, which stands behind a handle or in front of the function's state.
fn awaited_in(call: Expr) -> Expr {
    let args = match call {
        Expr::MethodCall(call) => call.args,
        Expr::Call(call) => call.args,
        _ => unreachable!("it is a call"),
    };
    let is_ours = |arg: &Expr| match arg {
        Expr::Reference(it) => is_path(&it.expr, "__body"),
        other => matches!(calls(other), Some("handle" | "borrow")),
    };
    let mut args = args.into_iter().filter(|arg| !is_ours(arg));
    args.next().expect("the awaited expression")
}

fn only(arms: Vec<Arm>) -> Expr {
    *arms.into_iter().next().expect("an arm").body
}

fn is_path(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident(name))
}

fn names(pat: &Pat, name: &str) -> bool {
    matches!(pat, Pat::Ident(pat) if pat.ident == name)
}

fn drop_marks(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| Mark::of(attr).is_none());
}
