//! `#[value]` parameters: what a function reads from its context.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Error, Expr, FnArg, GenericArgument, Meta, Pat, PatType, PathArguments};
use syn::{ExprMatch, Result, Signature, Stmt, Type, parse_quote, parse_quote_spanned, token};

use crate::async_trait;
use crate::errors::Errors;
use crate::marks::{Mark, span};
use crate::runtime::Runtime;
use crate::scope::Exit;
use crate::syntax::{self, generated};

/// One parameter that has left the signature.
pub(crate) struct Value {
    attrs: Vec<Attribute>,
    pat: Pat,
    ty: Type,
    source: Source,
}

/// Where the value comes from.
enum Source {
    /// `&T`: the function cannot do without.
    Required(Expr),
    /// `Option<&T>`
    Optional(Expr),
    /// The parameter is wrong. It is still bound, so that the body names nothing unknown.
    Mistaken,
}

/// Takes the marked parameters out of a signature.
// Input:  async fn load(#[value] user: &User, key: &str) -> Result<Row, AppError>
// Output: async fn load(key: &str) -> Result<Row, AppError>
pub(crate) fn take(sig: &mut Signature, errors: &mut Errors) -> Vec<Value> {
    let mut values = Vec::new();
    for mut input in std::mem::take(&mut sig.inputs) {
        match mark(&mut input, errors) {
            None => sig.inputs.push(input),
            Some(mark) => match input {
                FnArg::Typed(parameter) => values.push(Value::read(parameter, &mark, errors)),
                FnArg::Receiver(_) => {
                    let message = "a receiver is no value of the context: remove the `#[value]`";
                    errors.at(span(&mark), message);
                    sig.inputs.push(input);
                }
            },
        }
    }
    for value in &mut values {
        async_trait::elide(&mut value.ty, sig);
    }
    values
}

/// Takes the `#[value]` off a parameter, and reports any more than one.
fn mark(input: &mut FnArg, errors: &mut Errors) -> Option<Attribute> {
    let attrs = match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    };
    let mut first = None;
    attrs.retain(|attr| {
        let is_value = Mark::of(attr) == Some(Mark::Value);
        if is_value && first.is_some() {
            let message = "`#[value]` is on this parameter twice: remove one";
            errors.at(span(attr), message);
        } else if is_value {
            first = Some(attr.clone());
        }
        !is_value
    });
    first
}

impl Value {
    fn read(parameter: PatType, mark: &Attribute, errors: &mut Errors) -> Value {
        let source = Source::read(&parameter, mark);
        let source = errors.keep(source).unwrap_or(Source::Mistaken);
        Value {
            attrs: parameter.attrs,
            pat: *parameter.pat,
            ty: *parameter.ty,
            source,
        }
    }

    /// Binds the value at the start of the body.
    // Input:
    //     #[value] user: &User, #[value(keys::LOCALE)] locale: Option<&Locale>
    //
    // Output:
    //     let user: &User = match ::ctx::__private::required(&USER, &ctx) {
    //         ::core::result::Result::Ok(__v) => __v,
    //         ::core::result::Result::Err(__m) => return ::ctx::__private::FromMissing::from_missing(__m),
    //     };
    //     let locale: Option<&Locale> = ::ctx::__private::optional(&keys::LOCALE, &ctx);
    pub(crate) fn bind(&self, exit: Exit, runtime: &Runtime) -> Stmt {
        let Value {
            attrs,
            pat,
            ty,
            source,
        } = self;
        let span = syntax::start(pat).unwrap_or_else(Span::call_site);
        let quiet = generated(span);
        let ctx = runtime.ctx(span);
        let value: Expr = match source {
            Source::Mistaken => runtime.call("mistaken", [], span),
            Source::Optional(key) => runtime.call("optional", [by_reference(key), ctx], span),
            Source::Required(key) => {
                let value = runtime.call("required", [by_reference(key), ctx], span);
                let missing = parse_quote_spanned!(quiet=> __m);
                let leave = exit.leave_missing(runtime, missing);
                // A value of another type than its key's is a mistake in the type.
                let place = syntax::start(ty).unwrap_or(span);
                let found = runtime.name("__v", place);
                let mut found: ExprMatch = parse_quote_spanned! {quiet=>
                    match #value {
                        ::core::result::Result::Ok(#found) => #found,
                        ::core::result::Result::Err(__m) => #leave,
                    }
                };
                // So it is where all of it is, or a lint takes it for a second assignment.
                found.match_token.span = generated(place);
                found.brace_token = token::Brace(generated(place));
                Expr::Match(found)
            }
        };
        parse_quote_spanned!(quiet=> #(#attrs)* let #pat: #ty = #value;)
    }
}

impl Source {
    fn read(parameter: &PatType, mark: &Attribute) -> Result<Source> {
        let Pat::Ident(pat) = &*parameter.pat else {
            return Err(Error::new_spanned(
                &parameter.pat,
                "a `#[value]` parameter is a plain name: take it by one, and destructure it in the \
                 body",
            ));
        };
        if pat.ident == "ctx" {
            return Err(Error::new_spanned(
                pat,
                "`ctx` is the context itself: give this value another name",
            ));
        }
        let key = match &mark.meta {
            Meta::Path(_) => upper_case(&pat.ident),
            written => Expr::Path(mark.parse_args().map_err(|_| no_key(written))?),
        };
        match shape(&parameter.ty) {
            Some(Shape::Reference) => Ok(Source::Required(key)),
            Some(Shape::Option) => Ok(Source::Optional(key)),
            None => Err(Error::new_spanned(
                &parameter.ty,
                "a value is borrowed from the context: take `&T`, or `Option<&T>` where it may be \
                 missing",
            )),
        }
    }
}

fn no_key(written: &Meta) -> Error {
    Error::new_spanned(
        written,
        "`#[value]` takes the path of a key, `#[value(path::KEY)]`, or nothing: then `user` reads \
         `USER`",
    )
}

/// What a `#[value]` parameter may be.
enum Shape {
    Reference,
    Option,
}

fn shape(ty: &Type) -> Option<Shape> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => Some(Shape::Reference),
        Type::Paren(_) | Type::Group(_) => shape(peeled(ty)),
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(args) = &last.arguments else {
                return None;
            };
            let GenericArgument::Type(inner) = args.args.first()? else {
                return None;
            };
            let borrows = matches!(peeled(inner), Type::Reference(it) if it.mutability.is_none());
            (last.ident == "Option" && args.args.len() == 1 && borrows).then_some(Shape::Option)
        }
        _ => None,
    }
}

/// A type without the parentheses around it, or what a `macro_rules!` has put in their place.
fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => peeled(&inner.elem),
        Type::Group(inner) => peeled(&inner.elem),
        other => other,
    }
}

/// `user` reads the key `USER`, and so does `_user`.
fn upper_case(ident: &Ident) -> Expr {
    let name = ident.to_string();
    let name = name.strip_prefix("r#").unwrap_or(&name);
    // Who does not use the value says so by a `_` in front, and means the same key.
    let name = match name.trim_start_matches('_') {
        "" => name.to_uppercase(),
        used => used.to_uppercase(),
    };
    let key = Ident::new(&name, ident.span());
    parse_quote!(#key)
}

/// `&KEY`, all of it where the key stands.
fn by_reference(key: &Expr) -> Expr {
    let span = syntax::start(key).unwrap_or_else(Span::call_site);
    parse_quote_spanned!(span=> &#key)
}
