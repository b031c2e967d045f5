//! The injected parameter.

use proc_macro2::{Ident, Span};
use syn::{FnArg, Pat, Signature, parse_quote};

use crate::function::{Body, Function};
use crate::options::Options;
use crate::runtime::Runtime;

/// Injects `ctx` where the author has not written it.
// Input:  async fn load(&self, key: &str) -> Result<Row, AppError>
// Output: async fn load(&self, ctx: &::ctx::Context, key: &str) -> Result<Row, AppError>
pub(crate) fn inject(function: &mut Function, options: &Options, runtime: &Runtime) {
    let at = first_place(&function.sig);
    if function.sig.inputs.get(at).is_some_and(is_ctx) {
        return;
    }
    let span = Span::call_site();
    let ctx = Ident::new("ctx", span);
    let context = runtime.path(&["Context"], span);
    let allow = match function.body {
        Body::Missing(_) => None,
        _ => Some(quote::quote!(#[allow(unused_variables)])),
    };
    let parameter: FnArg = match options.owned {
        Some(_) => parse_quote!(#allow #ctx: #context),
        None => parse_quote!(#allow #ctx: &#context),
    };
    function.sig.inputs.insert(at, parameter);
}

/// The place after the receiver.
fn first_place(sig: &Signature) -> usize {
    usize::from(sig.receiver().is_some())
}

/// Whether a parameter is a context that the author wrote.
fn is_ctx(input: &FnArg) -> bool {
    let FnArg::Typed(typed) = input else { return false };
    matches!(&*typed.pat, Pat::Ident(pat) if pat.ident == "ctx")
}
