//! The injected parameter.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, Lifetime, Pat, Signature, Stmt, Type};
use syn::{parse_quote, parse_quote_spanned};

use crate::function::{Body, Function};
use crate::future::{self, Borrows};
use crate::options::Options;
use crate::runtime::Runtime;
use crate::seat::{self, Seat};
use crate::{async_trait, lifetime, neighbour, syntax};

/// How many parameters clippy bears.
const MANY: usize = 7;

/// How a function comes by its context.
pub(crate) enum Parameter {
    /// The author wrote it, though maybe in the wrong place.
    Written,
    /// It is injected.
    Injected,
    /// Nobody calls the function: it makes the context itself.
    Root,
}

impl Parameter {
    pub(crate) fn of(function: &Function) -> Parameter {
        let sig = &function.sig;
        let first = sig.inputs.get(first_place(sig));
        if first.is_some_and(is_ctx) || misplaced(sig).is_some() {
            Parameter::Written
        } else if neighbour::is_entry_point(function) {
            Parameter::Root
        } else {
            Parameter::Injected
        }
    }
}

/// Injects `ctx` behind the receiver. The body is rewritten by then: it may be seen that the returned future `takes_ctx`
/// along.
// Input:  async fn load(&self, key: &str) -> Result<Row, AppError>
// Output: async fn load(&self, ctx: &::ctx::Context, key: &str) -> Result<Row, AppError>
pub(crate) fn inject(
    function: &mut Function,
    written: usize,
    takes_ctx: bool,
    options: &Options,
    runtime: &Runtime,
) {
    let span = name_span(&function.sig);
    let context = runtime.context(Span::call_site());
    let ctx = Ident::new("ctx", span);
    if options.owned.is_none() && future::is_static(function) {
        bind_mistaken(&mut function.body, runtime);
    }
    let context = syntax::path_type(context);
    let ty = if options.owned.is_some() {
        context
    } else {
        syntax::reference_type(lifetime(function, takes_ctx), context, Span::call_site())
    };
    let parameter = syntax::parameter(ctx, ty, Span::call_site());
    if options.owned.is_some() && function.sig.asyncness.is_none() {
        // That it is taken by value is what `owned` asks for, used up or not.
        function
            .attrs
            .push(parse_quote!(#[allow(clippy::needless_pass_by_value)]));
    }
    let sig = &mut function.sig;
    sig.inputs.insert(first_place(sig), parameter);
    if sig.inputs.len() > MANY && written <= MANY {
        function
            .attrs
            .push(parse_quote!(#[allow(clippy::too_many_arguments)]));
    }
}

/// Lets nobody use the parameter.
pub(crate) fn allow_unused(sig: &mut Signature) {
    let place = first_place(sig);
    if let Some(FnArg::Typed(ctx)) = sig.inputs.get_mut(place) {
        ctx.attrs.push(parse_quote!(#[allow(unused_variables)]));
    }
}

/// The context of a function that nobody calls.
pub(crate) fn root(sig: &Signature, options: &Options, runtime: &Runtime) -> Stmt {
    let span = Span::call_site();
    let ctx = Ident::new("ctx", name_span(sig));
    let background = runtime.path(&["Context", "background"], span);
    match options.owned {
        Some(_) => parse_quote!(let #ctx = #background();),
        None => parse_quote!(let #ctx = &#background();),
    }
}

/// The span of the name `ctx`: the author's body sees it where the body and the `fn` were written in one
/// place, be the attribute from another `macro_rules!`.
fn name_span(sig: &Signature) -> Span {
    Span::call_site().resolved_at(sig.fn_token.span)
}

/// Keeps the error that a future cannot borrow the context from becoming two: one for its callers, were the
/// parameter to live for ever, or one in its body, where that names a `ctx` which does not.
// Output: let ctx: &'static ::ctx::Context = ::ctx::__private::mistaken();
fn bind_mistaken(body: &mut Body, runtime: &Runtime) {
    let Body::Parsed(block) = body else {
        return;
    };
    let quiet = syntax::generated(Span::call_site());
    let ctx = runtime.name("ctx", Span::call_site());
    let context = runtime.path(&["Context"], quiet);
    let mistaken = runtime.call("mistaken", [], quiet);
    let bind = parse_quote_spanned!(quiet=> let #ctx: &'static #context = #mistaken;);
    block.stmts.insert(0, bind);
}

/// The lifetime of the reference, where it cannot be left to the compiler.
fn lifetime(function: &mut Function, takes_ctx: bool) -> Option<Lifetime> {
    let sig = &mut function.sig;
    if async_trait::has_expanded(sig) {
        lifetime::keep_elision(sig);
        return Some(async_trait::name(sig));
    }
    if sig.asyncness.is_none() {
        let known = future::borrows(&function.sig.output);
        let borrows = match known {
            None if takes_ctx => future::behind_a_name(&function.sig.output),
            known => known,
        };
        match borrows {
            Some(Borrows::For(lifetime)) => return Some(lifetime),
            Some(Borrows::Elided) => return lifetime::name_elided(&mut function.sig),
            _ => {}
        }
    }
    lifetime::keep_elision(&mut function.sig);
    None
}

/// A parameter that binds `ctx` where it is not the author's context.
pub(crate) fn misplaced(sig: &Signature) -> Option<Span> {
    let mut inputs = sig.inputs.iter().skip(first_place(sig)).peekable();
    inputs.next_if(|first| is_ctx(first));
    inputs.find_map(|input| match input {
        FnArg::Typed(typed) => names_ctx(typed.pat.to_token_stream()),
        FnArg::Receiver(_) => None,
    })
}

fn names_ctx(pat: TokenStream) -> Option<Span> {
    pat.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => syntax::is_ctx(&ident).then(|| ident.span()),
        TokenTree::Group(group) => names_ctx(group.stream()),
        _ => None,
    })
}

/// The place behind the receiver.
fn first_place(sig: &Signature) -> usize {
    usize::from(sig.receiver().is_some())
}

/// Where the author wrote the context, which may have come to a `macro_rules!` by another way than the `fn`.
pub(crate) fn written(sig: &Signature) -> Option<Span> {
    sig.inputs.get(first_place(sig)).and_then(ctx_of)
}

/// Where the author wrote a `ctx` of a type that takes arguments, as none of ours does: `&tera::Context<'_>`. One that
/// the body binds may be a context for all that.
pub(crate) fn foreign(function: &Function) -> Option<Span> {
    let Function { sig, body, .. } = function;
    if matches!(body, Body::Parsed(block) if seat::any_binds(&block.stmts, Seat::Unknown)) {
        return None;
    }
    let first = sig.inputs.get(first_place(sig))?;
    let written = ctx_of(first)?;
    let FnArg::Typed(typed) = first else {
        return None;
    };
    let mut ty = &*typed.ty;
    loop {
        ty = match ty {
            Type::Reference(it) => &it.elem,
            Type::Paren(it) => &it.elem,
            Type::Group(it) => &it.elem,
            Type::Path(it) => {
                let last = it.path.segments.last()?;
                return (!last.arguments.is_empty()).then_some(written);
            }
            _ => return None,
        }
    }
}

/// Whether a parameter is a context that the author wrote.
fn is_ctx(input: &FnArg) -> bool {
    ctx_of(input).is_some()
}

fn ctx_of(input: &FnArg) -> Option<Span> {
    let FnArg::Typed(typed) = input else {
        return None;
    };
    match &*typed.pat {
        Pat::Ident(pat) if syntax::is_ctx(&pat.ident) => Some(pat.ident.span()),
        _ => None,
    }
}
