//! How the expansion names the runtime crate, and where its tokens appear to stand.
//!
//! A span has two halves. Its *location* is where errors and lints point, and where
//! `Location::caller()` says the call is. Its *hygiene* decides what a name refers to, and whether
//! lints take the token for the author's. Both are chosen for every generated token: see
//! [`Exit`](crate::scope::Exit) and [`checkpoint`](crate::checkpoint).

use proc_macro2::{Delimiter, Ident, Span, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, ExprPath, Path, Token, parse_quote_spanned, token};

use crate::options::Options;

/// The runtime crate, as one annotated item sees it.
pub(crate) struct Runtime {
    krate: Option<Path>,
    /// A `ctx` in the body means what it means next to the function's `fn`, also where the body's
    /// tokens went through a `macro_rules!`.
    hygiene: Span,
}

impl Runtime {
    pub(crate) fn new(options: &Options, fn_token: Span) -> Runtime {
        Runtime {
            krate: options.krate.clone(),
            hygiene: fn_token,
        }
    }

    /// `::ctx::NAMES`, all of it at `span`.
    pub(crate) fn path(&self, names: &[&str], span: Span) -> Path {
        let mut path = self.krate_at(span);
        for name in names {
            path.segments.push(Ident::new(name, span).into());
        }
        path
    }

    /// `::ctx::__private::NAME(ARGS)`, all but the arguments at `span`.
    pub(crate) fn call<const N: usize>(&self, name: &str, args: [Expr; N], span: Span) -> Expr {
        let path = self.path(&["__private", name], span);
        call(path, args, span)
    }

    /// The context in scope at `span`.
    pub(crate) fn ctx(&self, span: Span) -> Expr {
        let ident = Ident::new("ctx", span.resolved_at(self.hygiene));
        parse_quote_spanned!(span=> #ident)
    }

    fn krate_at(&self, span: Span) -> Path {
        let Some(written) = &self.krate else {
            let mut path = Path::from(Ident::new("ctx", span));
            path.leading_colon = Some(Token![::](span));
            return path;
        };
        let mut path = written.clone();
        for segment in &mut path.segments {
            let hygiene = segment.ident.span();
            segment.ident.set_span(span.resolved_at(hygiene));
        }
        path
    }
}

/// `PATH(ARGS)`, the parentheses at `span`.
pub(crate) fn call<const N: usize>(path: Path, args: [Expr; N], span: Span) -> Expr {
    Expr::Call(ExprCall {
        attrs: Vec::new(),
        func: Box::new(Expr::Path(ExprPath {
            attrs: Vec::new(),
            qself: None,
            path,
        })),
        paren_token: token::Paren(span),
        args: Punctuated::from_iter(args),
    })
}

/// A span that stands at `location` and that lints know as generated.
pub(crate) fn generated(location: Span) -> Span {
    location.resolved_at(Span::mixed_site())
}

/// Where some syntax starts.
pub(crate) fn start(syntax: &impl ToTokens) -> Option<Span> {
    let first = syntax.to_token_stream().into_iter().next()?;
    Some(match first {
        TokenTree::Group(group) if group.delimiter() != Delimiter::None => group.span_open(),
        other => other.span(),
    })
}
