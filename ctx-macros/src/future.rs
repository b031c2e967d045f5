//! Functions that are not `async` and return a future all the same.

use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{CapturedParam, Expr, ExprAsync, GenericArgument, Lifetime, Path, PathArguments};
use syn::{PathSegment, PreciseCapture, ReturnType, Stmt, Type, TypeParamBound};

use crate::function::{Body, Function};
use crate::syntax::generated;

/// The block of a function that ends in `async {}` or `Box::pin(async {})`.
pub(crate) fn tail(stmts: &mut [Stmt]) -> Option<&mut ExprAsync> {
    match stmts.last_mut()? {
        Stmt::Expr(Expr::Async(block), None) => Some(block),
        Stmt::Expr(Expr::Call(call), None) => {
            let Expr::Path(function) = &*call.func else {
                return None;
            };
            match call.args.first_mut()? {
                Expr::Async(block) if is_box_pin(&function.path) => Some(block),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a body ends so.
pub(crate) fn is_tail(body: &mut Body) -> bool {
    match body {
        Body::Parsed(block) => tail(&mut block.stmts).is_some(),
        Body::Missing(_) | Body::Raw(..) => false,
    }
}

/// Whether a function returns a future that cannot borrow the context: `Pin<Box<dyn Future>>`.
pub(crate) fn is_static(function: &mut Function) -> bool {
    function.sig.asyncness.is_none()
        && matches!(borrows(&function.sig.output), Some(Borrows::Nothing))
        && (matches!(function.body, Body::Missing(_)) || is_tail(&mut function.body))
}

/// What a boxed future borrows whose type is another name for `Pin<Box<..>>`: by the only lifetime that it is given. What it
/// may where that is not the only place for one nobody can tell.
pub(crate) fn behind_a_name(output: &ReturnType) -> Option<Borrows> {
    let PathArguments::AngleBracketed(args) = &name(output)?.arguments else {
        return None;
    };
    let mut lifetimes = args.args.iter().filter_map(|arg| match arg {
        GenericArgument::Lifetime(lifetime) => Some(lifetime),
        _ => None,
    });
    match (lifetimes.next(), lifetimes.next()) {
        (Some(only), None) => Some(of_lifetime(only)),
        _ => None,
    }
}

/// The last word of a type's path, or of that in `Pin<Box<..>>`.
fn name(output: &ReturnType) -> Option<&PathSegment> {
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    let mut ty = &**ty;
    loop {
        ty = match ty {
            Type::Paren(it) => &it.elem,
            Type::Group(it) => &it.elem,
            Type::Path(it) if ends_in(&it.path, &["Pin", "Box"]) => first_type(&it.path)?,
            Type::Path(it) => return it.path.segments.last(),
            _ => return None,
        }
    }
}

fn first_type(path: &Path) -> Option<&Type> {
    let PathArguments::AngleBracketed(args) = &path.segments.last()?.arguments else {
        return None;
    };
    match args.args.first()? {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Lets an `impl Future` that says nothing of what it borrows borrow the context too: it captures every lifetime of
/// the function. So it does in edition 2024 anyway, and in a trait. Which edition a type is of the compiler reads
/// off its `impl`, and so this is given the edition of these macros.
pub(crate) fn capture(output: &mut ReturnType) {
    if let Some(Borrows::Anything) = borrows(output) {
        if let ReturnType::Type(_, ty) = output {
            Opaque.visit_type_mut(ty);
        }
    }
}

/// A walk to the outermost `impl`.
struct Opaque;

impl VisitMut for Opaque {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let Type::ImplTrait(opaque) = ty else {
            return visit_mut::visit_type_mut(self, ty);
        };
        let mut tokens: Vec<TokenTree> = opaque.to_token_stream().into_iter().collect();
        // From a token of the author's to one of ours there is no span that has both, and what the compiler proposes
        // for the type stands behind its last one.
        for token in tokens.iter_mut().take(1) {
            token.set_span(generated(token.span()));
        }
        if let Some(last) = tokens.last_mut() {
            last.set_span(generated(last.span()));
        }
        *ty = Type::Verbatim(tokens.into_iter().collect());
    }
}

/// What a returned future may borrow.
pub(crate) enum Borrows {
    /// `+ 'a`
    For(Lifetime),
    /// `+ '_`
    Elided,
    /// Nothing: a boxed future without a lifetime, or `+ 'static`.
    Nothing,
    /// Whatever it likes, or nobody can tell.
    Anything,
}

/// Whether some type is a future that one can see to be one: `impl Future`, `Pin<Box<dyn Future>>`,
/// `BoxFuture`.
pub(crate) fn borrows(output: &ReturnType) -> Option<Borrows> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => of_type(ty),
    }
}

fn of_type(ty: &Type) -> Option<Borrows> {
    match ty {
        Type::ImplTrait(ty) => of_bounds(ty.bounds.iter(), Borrows::Anything),
        Type::TraitObject(ty) => of_bounds(ty.bounds.iter(), Borrows::Nothing),
        Type::Paren(ty) => of_type(&ty.elem),
        Type::Group(ty) => of_type(&ty.elem),
        Type::Path(ty) => of_path(&ty.path),
        _ => None,
    }
}

fn of_bounds<'a>(
    bounds: impl Iterator<Item = &'a TypeParamBound>,
    otherwise: Borrows,
) -> Option<Borrows> {
    let (mut future, mut found) = (false, otherwise);
    for bound in bounds {
        match bound {
            TypeParamBound::Trait(bound) => future |= ends_in(&bound.path, &["Future"]),
            TypeParamBound::Lifetime(lifetime) => found = of_lifetime(lifetime),
            TypeParamBound::PreciseCapture(capture) => found = of_captures(capture),
            _ => {}
        }
    }
    future.then_some(found)
}

/// `use<'a, T>`: with one of its lifetimes the future may borrow the context, too.
fn of_captures(capture: &PreciseCapture) -> Borrows {
    let lifetime = capture.params.iter().find_map(|param| match param {
        CapturedParam::Lifetime(lifetime) => Some(lifetime),
        _ => None,
    });
    lifetime.map_or(Borrows::Nothing, of_lifetime)
}

/// `Pin<..>` and `Box<..>` around a future, or `BoxFuture<'a, T>`.
fn of_path(path: &Path) -> Option<Borrows> {
    let PathArguments::AngleBracketed(args) = &path.segments.last()?.arguments else {
        return None;
    };
    match args.args.first()? {
        GenericArgument::Type(inner) if ends_in(path, &["Pin", "Box"]) => of_type(inner),
        GenericArgument::Lifetime(lifetime) if ends_in(path, &["BoxFuture", "LocalBoxFuture"]) => {
            Some(of_lifetime(lifetime))
        }
        _ => None,
    }
}

fn of_lifetime(lifetime: &Lifetime) -> Borrows {
    match lifetime.ident.to_string().as_str() {
        "_" => Borrows::Elided,
        "static" => Borrows::Nothing,
        _ => Borrows::For(lifetime.clone()),
    }
}

fn ends_in(path: &Path, names: &[&str]) -> bool {
    path.segments
        .last()
        .is_some_and(|last| names.iter().any(|name| last.ident == name))
}

/// `Box::pin`, by whatever path.
fn is_box_pin(path: &Path) -> bool {
    let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
    names.next().is_some_and(|name| name == "pin") && names.next().is_some_and(|name| name == "Box")
}
