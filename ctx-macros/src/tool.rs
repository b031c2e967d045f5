//! Attributes that are for another tool than the compiler: `#[rustfmt::skip]`, `#[clippy::msrv = ".."]`.
//!
//! On a macro call nobody but rustfmt heeds them, and that has read the source. On the expression that we put in its
//! place, where that is a statement, the compiler refuses them.

use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// Those whose attributes the compiler knows by their first word.
const TOOLS: [&str; 5] = ["rustfmt", "clippy", "diagnostic", "miri", "rust_analyzer"];

/// Takes off what is for tools.
pub(crate) fn take_off(attrs: &mut Vec<Attribute>) {
    attrs.retain_mut(|attr| stays(&mut attr.meta));
}

/// Whether something is left of an attribute.
// Input:  cfg_attr(unix, allow(unused), rustfmt::skip)
// Output: cfg_attr(unix, allow(unused))
fn stays(meta: &mut Meta) -> bool {
    if is_for_a_tool(meta) {
        return false;
    }
    let Meta::List(list) = meta else {
        return true;
    };
    if !list.path.is_ident("cfg_attr") {
        return true;
    }
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let mut parts = parts.into_iter().flatten();
    let Some(condition) = parts.next() else {
        return true;
    };
    let mut rest: Vec<Meta> = parts.collect();
    rest.retain_mut(stays);
    list.tokens = quote!(#condition, #(#rest),*);
    !rest.is_empty()
}

fn is_for_a_tool(meta: &Meta) -> bool {
    let path = &meta.path().segments;
    path.len() > 1 && TOOLS.iter().any(|tool| path[0].ident == tool)
}
