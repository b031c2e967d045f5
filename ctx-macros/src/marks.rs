//! The attributes that mean something inside an annotated body.

use proc_macro2::{Span, TokenTree};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Meta, parse_quote};

use crate::errors::Errors;
use crate::options::{Mode, Options};

/// What the author marked one block, `let` or expression with.
#[derive(Default)]
pub(crate) struct Marks {
    /// `#[shield]`
    pub(crate) shield: Option<Span>,
    /// `#[checkpoints(MODE)]`
    pub(crate) checkpoints: Option<(Span, Mode)>,
    /// `#[with_context]`, `#[with_context(checkpoints = MODE)]`
    pub(crate) scope: Option<(Span, Mode)>,
    /// A timeout, which a block does not take. The error about it is the only one if what it names
    /// stays in use.
    pub(crate) unused: Option<Expr>,
}

/// Which of our attributes this is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Shield,
    Checkpoints,
    Value,
    WithContext,
}

impl Mark {
    /// The three small ones are words of ours, never imported. The big one is an import, which may
    /// be written with its path.
    pub(crate) fn of(attr: &Attribute) -> Option<Mark> {
        let path = attr.path();
        if path.segments.last()?.ident == "with_context" {
            return Some(Mark::WithContext);
        }
        match path.get_ident()?.to_string().as_str() {
            "shield" => Some(Mark::Shield),
            "checkpoints" => Some(Mark::Checkpoints),
            "value" => Some(Mark::Value),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Mark::Shield => "shield",
            Mark::Checkpoints => "checkpoints",
            Mark::Value => "value",
            Mark::WithContext => "with_context",
        }
    }
}

impl Marks {
    /// Takes our attributes off an expression or a statement, and leaves the others.
    pub(crate) fn take(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Marks {
        let mut marks = Marks::default();
        attrs.retain(|attr| {
            let span = attr.path().span();
            match Mark::of(attr) {
                Some(Mark::Shield) => marks.shield = errors.keep(bare(attr)),
                Some(Mark::Checkpoints) => {
                    let mode = errors.keep(only_mode(attr));
                    marks.checkpoints = mode.map(|mode| (span, mode));
                }
                Some(Mark::WithContext) => {
                    let options = scope_options(attr, errors);
                    marks.scope = Some((span, options.mode()));
                    marks.unused = options.timeout;
                }
                Some(Mark::Value) | None => return true,
            }
            false
        });
        marks
    }

    /// Where the first of the marks stands, with its name.
    pub(crate) fn first(&self) -> Option<(Span, Mark)> {
        let shield = self.shield.map(|span| (span, Mark::Shield));
        let checkpoints = self.checkpoints.map(|(span, _)| (span, Mark::Checkpoints));
        shield.or(checkpoints)
    }
}

/// Whether a function, or a block of functions, is annotated for itself.
pub(crate) fn annotated(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|attr| Mark::of(attr) == Some(Mark::WithContext))
}

/// Whether an expression is marked.
pub(crate) fn any(expr: &mut Expr) -> bool {
    attrs_of(expr).is_some_and(|attrs| attrs.iter().any(|attr| Mark::of(attr).is_some()))
}

/// Takes off every other `#[with_context]`, which would make every checkpoint twice.
pub(crate) fn refuse_second(attrs: &mut Vec<Attribute>, of: &str, errors: &mut Errors) {
    attrs.retain(|attr| {
        let hidden = is_conditional(attr);
        let second = hidden || Mark::of(attr) == Some(Mark::WithContext);
        if second {
            let message = if hidden {
                format!(
                    "this `#[with_context]` would come on top of another one: choose by `#[cfg(..)]` \
                     between two such {of}s"
                )
            } else {
                format!("`#[with_context]` is on this {of} twice: remove one")
            };
            errors.at(span(attr), message);
        }
        !second
    });
}

/// `#[cfg_attr(CONDITION, with_context)]`
fn is_conditional(attr: &Attribute) -> bool {
    let Meta::List(list) = &attr.meta else {
        return false;
    };
    let mut tokens = list.tokens.clone().into_iter();
    let names_it = |token| matches!(token, TokenTree::Ident(word) if word == "with_context");
    list.path.is_ident("cfg_attr") && tokens.any(names_it)
}

/// Where an attribute stands.
pub(crate) fn span(attr: &Attribute) -> Span {
    attr.path().span()
}

/// Makes an attribute that has no meaning where it stands harmless to the compiler, which would
/// report it once more.
pub(crate) fn neutralise(attr: &mut Attribute) {
    attr.meta = parse_quote!(allow(unused_attributes));
}

fn bare(attr: &Attribute) -> syn::Result<Span> {
    match &attr.meta {
        Meta::Path(path) => Ok(path.span()),
        other => Err(syn::Error::new_spanned(
            other,
            "`#[shield]` takes no arguments: write `#[shield]`",
        )),
    }
}

/// `#[checkpoints(MODE)]`
fn only_mode(attr: &Attribute) -> syn::Result<Mode> {
    let wrong = || {
        syn::Error::new_spanned(
            &attr.meta,
            "`#[checkpoints]` takes a mode: `#[checkpoints(race | between | none)]`",
        )
    };
    let Meta::List(list) = &attr.meta else {
        return Err(wrong());
    };
    if list.tokens.clone().into_iter().count() != 1 {
        return Err(wrong());
    }
    list.parse_args_with(Mode::parse)
}

/// An annotated block takes `checkpoints`, and nothing that belongs to a signature.
fn scope_options(attr: &Attribute, errors: &mut Errors) -> Options {
    let Meta::List(list) = &attr.meta else {
        return Options::default();
    };
    let options = Options::parse(list.tokens.clone(), errors);
    if options.owned.is_some() || options.timeout.is_some() || options.krate.is_some() {
        errors.at(
            attr.path().span(),
            "`#[with_context]` on a block takes `checkpoints = race | between | none` and nothing \
             else: the other options belong to the function",
        );
    }
    options
}

/// Puts attributes of the author's on what has taken the place of their expression. They hold for all of it:
/// a `cfg` that fails removes what was generated, too.
pub(crate) fn put_back(attrs: Vec<Attribute>, expr: &mut Expr) {
    if let Some(place) = attrs_of(expr) {
        place.splice(0..0, attrs);
    }
}

/// The attributes of an expression, for every kind that has them.
pub(crate) fn attrs_of(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    macro_rules! attrs {
        ($($kind:ident)*) => {
            match expr {
                $(Expr::$kind(inner) => Some(&mut inner.attrs),)*
                _ => None,
            }
        };
    }
    attrs! {
        Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop
        Group If Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr Reference
        Repeat Return Struct Try TryBlock Tuple Unary Unsafe While Yield
    }
}
