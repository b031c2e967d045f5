//! From the author's tokens to the compiler's.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Stmt, parse_quote};

use crate::awaits::Awaits;
use crate::definition::Definitions;
use crate::errors::Errors;
use crate::function::Function;
use crate::item::Item;
use crate::options::Options;
use crate::parameter::{self, Parameter};
use crate::rewrite::Rewriter;
use crate::runtime::Runtime;
use crate::scope::{Exit, Scope};
use crate::seat::Seat;
use crate::uses::Uses;
use crate::value::{self, Value};
use crate::{body, future, validate};

/// The attribute. Whatever is wrong, the item comes out with its signature, and then the errors.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(args, &mut errors);
    let mut item = Item::parse(item, &mut errors);
    for (function, options) in item.functions(options, &mut errors) {
        annotate(function, &options, &mut errors);
    }
    let mut tokens = item.into_token_stream();
    tokens.extend(errors.into_tokens());
    tokens
}

/// Validates and rewrites one function.
fn annotate(function: &mut Function, options: &Options, errors: &mut Errors) {
    if validate::is_expanded(function) {
        return errors.at(function.sig.ident.span(), validate::EXPANDED);
    }
    let written = function.sig.inputs.len();
    let runtime = Runtime::new(options, function);
    let mistakes = errors.count();
    let values = value::take(&mut function.sig, errors);
    validate::signature(function, options, errors);
    let scope = if errors.count() == mistakes {
        Scope::Sync
    } else {
        // Nothing but the mistakes is worth a line on the author's screen.
        function.attrs.push(parse_quote!(#[allow(unused)]));
        Scope::Abandoned
    };
    let prologue = prologue(function, &values, options, &runtime);
    let parameter = Parameter::of(function);
    let borrows = matches!(parameter, Parameter::Injected) && options.owned.is_none();
    let mut rewriter = Rewriter {
        runtime: &runtime,
        errors,
        scope,
        mode: options.mode(),
        uses: Uses::default(),
        seat: seat(&parameter, options),
        seated: false,
        awaits: Awaits::Many,
        takes_ctx: false,
        fresh: false,
        definitions: Definitions::default(),
    };
    let used = body::rewrite(function, prologue, &mut rewriter);
    let takes_ctx = rewriter.takes_ctx;
    if let Parameter::Injected = parameter {
        parameter::inject(function, written, takes_ctx, options, &runtime);
        if !used {
            body::mention_ctx(function, &runtime);
        }
    }
    if borrows && future::is_tail(&mut function.body) {
        future::capture(&mut function.sig.output);
    }
}

/// Whether the body's `ctx` is a `&Context` for certain. A type that the author wrote may be anything.
fn seat(parameter: &Parameter, options: &Options) -> Seat {
    let by_value = options.owned.is_some() && options.timeout.is_none();
    match parameter {
        Parameter::Injected | Parameter::Root if !by_value => Seat::Own,
        _ => Seat::Unknown,
    }
}

/// What runs before the author's first statement.
fn prologue(
    function: &Function,
    values: &[Value],
    options: &Options,
    runtime: &Runtime,
) -> Vec<Stmt> {
    let exit = Exit::of(&function.sig);
    let mut prologue = Vec::new();
    if let Parameter::Root = Parameter::of(function) {
        prologue.push(parameter::root(&function.sig, options, runtime));
        prologue.push(body::mention(runtime));
    }
    prologue.extend(values.iter().map(|value| value.bind(exit, runtime)));
    if let Some(after) = &options.timeout {
        prologue.extend(body::timeout(after, runtime));
    }
    prologue
}
