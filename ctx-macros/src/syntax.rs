//! Syntax that is generated often enough to be built by hand instead of being parsed.

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::token;
use syn::{
    Arm, Expr, ExprCall, ExprPath, ExprReference, Pat, PatIdent, PatTupleStruct, Path, Token,
};

/// A span that stands at `location` and that lints know as generated.
pub(crate) fn generated(location: Span) -> Span {
    location.resolved_at(Span::mixed_site())
}

/// `::core::result::Result::NAME(BINDING) => BODY,`
pub(crate) fn result_arm(name: &str, binding: &Ident, body: Expr, span: Span) -> Arm {
    let path = absolute(&["core", "result", "Result", name], span);
    let binding = Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: binding.clone(),
        subpat: None,
    });
    Arm {
        attrs: Vec::new(),
        pat: Pat::TupleStruct(PatTupleStruct {
            attrs: Vec::new(),
            qself: None,
            path,
            paren_token: token::Paren(span),
            elems: Punctuated::from_iter([binding]),
        }),
        fat_arrow_token: Token![=>](span),
        body: Box::new(body),
        comma: Some(Token![,](span)),
    }
}

/// `::NAMES`
pub(crate) fn absolute(names: &[&str], span: Span) -> Path {
    let mut path = Path {
        leading_colon: Some(Token![::](span)),
        segments: Punctuated::new(),
    };
    extend(&mut path, names, span);
    path
}

/// Appends `::NAMES` to a path.
pub(crate) fn extend(path: &mut Path, names: &[&str], span: Span) {
    for name in names {
        if !path.segments.is_empty() {
            path.segments.push_punct(Token![::](span));
        }
        path.segments.push_value(Ident::new(name, span).into());
    }
}

/// `ctx`, which `r#ctx` is too.
pub(crate) fn is_ctx(ident: &Ident) -> bool {
    // Each comparison of an identifier makes a string of it.
    matches!(ident.to_string().as_str(), "ctx" | "r#ctx")
}

/// `PATH`
pub(crate) fn expr(path: impl Into<Path>) -> Expr {
    Expr::Path(ExprPath {
        attrs: Vec::new(),
        qself: None,
        path: path.into(),
    })
}

/// `PATH(ARGS)`, the parentheses at `span`.
pub(crate) fn call<const N: usize>(path: Path, args: [Expr; N], span: Span) -> Expr {
    Expr::Call(ExprCall {
        attrs: Vec::new(),
        func: Box::new(expr(path)),
        paren_token: token::Paren(span),
        args: args.into_iter().collect(),
    })
}

/// `&EXPR`
pub(crate) fn reference(inner: Expr, span: Span) -> Expr {
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        mutability: None,
        expr: Box::new(inner),
    })
}

/// Where an expression starts.
pub(crate) fn start_of(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Await(it) => start_of(&it.base),
        Expr::Call(it) => start_of(&it.func),
        Expr::Field(it) => start_of(&it.base),
        Expr::Index(it) => start_of(&it.expr),
        Expr::Match(it) if it.attrs.is_empty() => Some(it.match_token.span),
        Expr::MethodCall(it) => start_of(&it.receiver),
        Expr::Paren(it) => Some(it.paren_token.span.open()),
        Expr::Reference(it) => Some(it.and_token.span),
        Expr::Try(it) => start_of(&it.expr),
        other => start(other),
    }
}

/// Where some syntax starts.
pub(crate) fn start(syntax: &impl ToTokens) -> Option<Span> {
    let first = syntax.to_token_stream().into_iter().next()?;
    Some(match first {
        TokenTree::Group(group) if group.delimiter() != Delimiter::None => group.span_open(),
        other => other.span(),
    })
}
