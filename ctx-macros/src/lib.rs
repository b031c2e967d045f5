//! The attribute macro of the crate `ctx`: every `.await` a cancellation checkpoint.

mod checkpoint;
mod errors;
mod expand;
mod function;
mod handle;
mod macros;
mod marks;
mod options;
mod parameter;
mod rewrite;
mod runtime;
mod scope;

use proc_macro::TokenStream;

/// Injects `ctx: &Context` as the first parameter and makes every `.await` a checkpoint.
#[proc_macro_attribute]
pub fn with_context(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}
