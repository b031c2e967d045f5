//! What `#[async_trait]` has made of a signature, where it went first.
//!
//! It has named every lifetime that was elided, in the order of the parameters, and each of them is a parameter of
//! the function. A trait and its impl have to agree on these. So that the two attributes may stand in one order on
//! the trait and in the other on the impl, or a trait may write its `ctx` by hand, the signature becomes what
//! `#[async_trait]` would have made of it with the context in it and without the values.

use proc_macro2::Span;
use syn::parse_quote;
use syn::visit_mut::{self, VisitMut};
use syn::{GenericParam, Lifetime, LifetimeParam, Signature, Type, TypeReference, WherePredicate};

use crate::lifetime;

/// Whether the attribute has been here.
pub(crate) fn has_expanded(sig: &Signature) -> bool {
    sig.generics
        .lifetimes()
        .any(|param| is_bound(&param.lifetime))
}

/// Names the lifetime of the context, which stands behind those of the receiver.
// Input:
//     fn load<'life0, 'life1, 'async_trait>(&'life0 self, key: &'life1 str) -> ..
//     where 'life0: 'async_trait, 'life1: 'async_trait
//
// Output:
//     fn load<'life0, 'life_ctx, 'life1, 'async_trait>(
//         &'life0 self, ctx: &'life_ctx ::ctx::Context, key: &'life1 str) -> ..
//     where 'life0: 'async_trait, 'life1: 'async_trait, 'life_ctx: 'async_trait
pub(crate) fn name(sig: &mut Signature) -> Lifetime {
    let of_receiver = lifetime::of_receiver(sig);
    let name = Lifetime::new("'life_ctx", Span::mixed_site());
    let params = &mut sig.generics.params;
    let behind = params.iter().position(|param| match param {
        GenericParam::Lifetime(LifetimeParam { lifetime, .. }) => {
            is_bound(lifetime) || is_generated(lifetime) && !of_receiver.contains(lifetime)
        }
        _ => false,
    });
    let param = GenericParam::Lifetime(LifetimeParam::new(name.clone()));
    params.insert(behind.unwrap_or(params.len()), param);
    let bounds = &mut sig.generics.make_where_clause().predicates;
    bounds.push(parse_quote!(#name: 'async_trait));
    name
}

/// Takes the lifetimes that the attribute has given to a parameter off its type, and out of the signature.
// Input:  &'life1 User
// Output: &User
pub(crate) fn elide(ty: &mut Type, sig: &mut Signature) {
    if !has_expanded(sig) {
        return;
    }
    let mut elided = Elided(Vec::new());
    elided.visit_type_mut(ty);
    let Elided(gone) = elided;
    let params = std::mem::take(&mut sig.generics.params).into_iter();
    let stays = |param: &GenericParam| match param {
        GenericParam::Lifetime(param) => !gone.contains(&param.lifetime),
        _ => true,
    };
    sig.generics.params = params.filter(stays).collect();
    if let Some(clause) = &mut sig.generics.where_clause {
        let bounds = std::mem::take(&mut clause.predicates).into_iter();
        let stays = |bound: &WherePredicate| match bound {
            WherePredicate::Lifetime(bound) => !gone.contains(&bound.lifetime),
            _ => true,
        };
        clause.predicates = bounds.filter(stays).collect();
    }
}

/// A walk over a type that elides what was elided before, and gathers it.
struct Elided(Vec<Lifetime>);

impl VisitMut for Elided {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if let Some(lifetime) = reference.lifetime.take_if(|it| is_generated(it)) {
            self.0.push(lifetime);
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if is_generated(lifetime) {
            let elided = Lifetime::new("'_", lifetime.span());
            self.0.push(std::mem::replace(lifetime, elided));
        }
    }
}

/// `'async_trait`, which the future lives for.
fn is_bound(lifetime: &Lifetime) -> bool {
    lifetime.ident == "async_trait"
}

/// `'life0` and its like.
fn is_generated(lifetime: &Lifetime) -> bool {
    let name = lifetime.ident.to_string();
    let number = name.strip_prefix("life").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}
