//! From the author's tokens to the compiler's, in five lines.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit_mut::VisitMut;

use crate::errors::Errors;
use crate::function::{Body, Function};
use crate::options::Options;
use crate::parameter;
use crate::rewrite::Rewriter;
use crate::runtime::Runtime;
use crate::scope::{Exit, Scope};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(args, &mut errors);
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let mut tokens = item;
            tokens.extend(errors.into_tokens());
            return tokens;
        }
    };
    let runtime = Runtime::new(&options, function.sig.fn_token.span);
    let scope = match function.sig.asyncness {
        Some(_) => Scope::Async(Exit::of(&function.sig)),
        None => Scope::Sync,
    };
    parameter::inject(&mut function, &options, &runtime);
    if let Body::Parsed(block) = &mut function.body {
        let mut rewriter = Rewriter { runtime: &runtime, errors: &mut errors, scope, mode: options.mode() };
        rewriter.visit_block_mut(block);
    }
    let mut tokens = function.into_token_stream();
    tokens.extend(errors.into_tokens());
    tokens
}
