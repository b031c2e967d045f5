//! The attribute macro of the crate `ctx`: every `.await` a cancellation checkpoint.
//!
//! The macro is a pipeline ([`expand`]): parse the arguments and the item, validate each signature,
//! rewrite each body, print all of it, and then what was wrong.

mod body;
mod checkpoint;
mod errors;
mod expand;
mod function;
mod future;
mod item;
mod join;
mod lifetime;
mod macros;
mod marks;
mod misplaced;
mod neighbour;
mod options;
mod parameter;
mod rewrite;
mod runtime;
mod scope;
mod select;
mod shield;
mod slot;
mod statement;
mod std_macro;
mod syntax;
mod temporary;
mod validate;
#[cfg(test)]
mod tests;
mod uses;
mod value;

use proc_macro::TokenStream;

/// Injects `ctx: &Context` as the first parameter and makes every `.await` a checkpoint.
#[proc_macro_attribute]
pub fn with_context(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), item.into()).into()
}
