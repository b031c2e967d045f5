//! Other attributes on the same function.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, Local, Pat, Stmt};

use crate::function::{Body, Function};

/// Whether nobody calls this function: it is a test, or the `main` that an attribute starts. Such a
/// function takes no parameters, so its context is the root of a tree.
pub(crate) fn is_entry_point(function: &Function) -> bool {
    // In the wrong order the attribute is gone, and `main` is still `main`.
    if function.sig.inputs.is_empty() && starts_a_runtime(function) {
        return true;
    }
    function.attrs.iter().any(|attr| {
        let path = attr.path();
        let last = path
            .segments
            .last()
            .map(|segment| segment.ident.to_string());
        match last.as_deref() {
            Some("test") => true,
            Some("main") => function.sig.ident == "main",
            _ => false,
        }
    })
}

/// An attribute that has already moved the body to where no `return` leaves the function.
pub(crate) fn moved_by(function: &Function) -> Option<&'static str> {
    let Body::Parsed(block) = &function.body else {
        return None;
    };
    if block.stmts.iter().any(binds_a_span) {
        return Some("#[tracing::instrument]");
    }
    starts_a_runtime(function).then_some("#[tokio::main]` or `#[tokio::test]")
}

/// Whether tokio has made a synchronous function of an asynchronous one.
fn starts_a_runtime(function: &Function) -> bool {
    let Body::Parsed(block) = &function.body else {
        return false;
    };
    function.sig.asyncness.is_none()
        && block.stmts.first().is_some_and(binds_async_body)
        && block.stmts.last().is_some_and(blocks_on)
}

/// Whether another attribute has written the return type: its tokens stand where they are not read.
/// So does `#[async_recursion]`, which boxes the future.
pub(crate) fn wrote_output(function: &Function) -> bool {
    let output = function.sig.output.to_token_stream();
    output.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => {
            let written = ident.span().source_text();
            // The identifier of a lifetime stands where all of the lifetime does.
            written.is_some_and(|text| ident != text.trim_start_matches('\''))
        }
        _ => false,
    })
}

/// `let __tracing_attr_span = ..;`
fn binds_a_span(stmt: &Stmt) -> bool {
    let Stmt::Local(Local {
        pat: Pat::Ident(pat),
        ..
    }) = stmt
    else {
        return false;
    };
    pat.ident.to_string().starts_with("__tracing_")
}

/// `let body = async { .. };`
fn binds_async_body(stmt: &Stmt) -> bool {
    let Stmt::Local(Local {
        pat: Pat::Ident(pat),
        init: Some(init),
        ..
    }) = stmt
    else {
        return false;
    };
    pat.ident == "body" && matches!(*init.expr, Expr::Async(_))
}

/// `return tokio::runtime::Builder::new_multi_thread()…block_on(body);`
fn blocks_on(stmt: &Stmt) -> bool {
    names(stmt.to_token_stream(), "block_on")
}

fn names(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => names(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        _ => false,
    })
}
