//! Syntax that is generated often enough to be built by hand instead of being parsed.

use proc_macro2::{Delimiter, Ident, Literal, Span, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::token;
use syn::{
    Arm, Block, Expr, ExprCall, ExprMethodCall, ExprParen, ExprPath, ExprReference, FnArg,
    Lifetime, Local, LocalInit, LocalModifiers, Pat, PatIdent, PatTupleStruct, PatType, PatWild,
    Path, Stmt, Token, Type, TypePath, TypeReference,
};

/// A span that stands at `location` and that lints know as generated.
pub(crate) fn generated(location: Span) -> Span {
    location.resolved_at(Span::mixed_site())
}

/// `::core::KIND(BINDING) => BODY,`
pub(crate) fn arm(kind: [&str; 3], binding: &Ident, body: Expr, span: Span) -> Arm {
    let [module, of, name] = kind;
    let path = absolute(&["core", module, of, name], span);
    let pat = Pat::TupleStruct(PatTupleStruct {
        attrs: Vec::new(),
        qself: None,
        path,
        paren_token: token::Paren(span),
        elems: Punctuated::from_iter([self::binding(binding.clone(), None)]),
    });
    arm_of(pat, body, span)
}

/// `_ => BODY,`
pub(crate) fn other_arm(body: Expr, span: Span) -> Arm {
    let wild = PatWild {
        attrs: Vec::new(),
        underscore_token: Token![_](span),
    };
    arm_of(Pat::Wild(wild), body, span)
}

fn arm_of(pat: Pat, body: Expr, span: Span) -> Arm {
    Arm {
        attrs: Vec::new(),
        pat,
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

/// Whether a literal may be a format string that names `ctx` by itself, as in `format!("{ctx:?}")`.
pub(crate) fn captures_ctx(literal: &Literal) -> bool {
    literal.to_string().contains("{ctx")
}

/// Makes the braces of a block ours, which no lint takes for one pair too many.
pub(crate) fn take_over(block: &mut Block) {
    // They are of the author's edition, on which the life of temporaries depends.
    let span = block.brace_token.span.join();
    block.brace_token = token::Brace(span.resolved_at(Span::call_site()));
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
///
/// A call stands where its first token does, and a path of the author's begins elsewhere: `(PATH)(ARGS)`.
pub(crate) fn call<const N: usize>(path: Path, args: [Expr; N], span: Span) -> Expr {
    let begins_elsewhere = path.leading_colon.is_none();
    let mut function = expr(path);
    if begins_elsewhere {
        function = Expr::Paren(ExprParen {
            attrs: Vec::new(),
            paren_token: token::Paren(span),
            expr: Box::new(function),
        });
    }
    Expr::Call(ExprCall {
        attrs: Vec::new(),
        func: Box::new(function),
        paren_token: token::Paren(span),
        args: args.into_iter().collect(),
    })
}

/// `RECEIVER.METHOD(ARGS)`, the parentheses at the method.
pub(crate) fn method<const N: usize>(receiver: Ident, method: Ident, args: [Expr; N]) -> Expr {
    let span = method.span();
    Expr::MethodCall(ExprMethodCall {
        attrs: Vec::new(),
        receiver: Box::new(expr(receiver)),
        dot_token: Token![.](span),
        method,
        turbofish: None,
        paren_token: token::Paren(span),
        args: args.into_iter().collect(),
    })
}

/// `let NAME = INIT;`, or `let mut NAME = INIT;`
pub(crate) fn let_(name: Ident, mutable: bool, init: Expr, span: Span) -> Stmt {
    let pat = binding(name, mutable.then(|| Token![mut](span)));
    Stmt::Local(Local {
        attrs: Vec::new(),
        let_token: Token![let](span),
        modifiers: LocalModifiers::default(),
        pat,
        init: Some(LocalInit {
            eq_token: Token![=](span),
            expr: Box::new(init),
            diverge: None,
        }),
        semi_token: Token![;](span),
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

/// `NAME: TYPE`
pub(crate) fn parameter(name: Ident, ty: Type, span: Span) -> FnArg {
    FnArg::Typed(PatType {
        attrs: Vec::new(),
        pat: Box::new(binding(name, None)),
        colon_token: Token![:](span),
        ty: Box::new(ty),
    })
}

/// `PATH`, as a type.
pub(crate) fn path_type(path: Path) -> Type {
    Type::Path(TypePath {
        attrs: Vec::new(),
        qself: None,
        path,
    })
}

/// `&LIFETIME TYPE`
pub(crate) fn reference_type(lifetime: Option<Lifetime>, ty: Type, span: Span) -> Type {
    Type::Reference(TypeReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        lifetime,
        mutability: None,
        elem: Box::new(ty),
    })
}

fn binding(name: Ident, mutability: Option<Token![mut]>) -> Pat {
    Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability,
        ident: name,
        subpat: None,
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

/// Where some syntax ends.
pub(crate) fn end(syntax: &impl ToTokens) -> Option<Span> {
    let last = syntax.to_token_stream().into_iter().last()?;
    Some(match last {
        TokenTree::Group(group) => group.span_close(),
        other => other.span(),
    })
}
