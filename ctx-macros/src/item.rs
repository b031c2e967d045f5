//! What the attribute was put on.

use std::mem;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, Ident, ImplItem, Meta, Result, Token, TraitItem, Visibility, token};

use crate::errors::Errors;
use crate::foreign;
use crate::function::Function;
use crate::future;
use crate::marks::{self, Mark, annotated};
use crate::options::Options;

/// A function, or a block of them.
pub(crate) enum Item {
    Function(Box<Function>),
    /// An `impl` or a `trait`.
    Block(Block),
    /// Anything else, as it came.
    Other(TokenStream),
}

pub(crate) struct Block {
    kind: Kind,
    /// All that stands before the braces.
    head: TokenStream,
    brace: token::Brace,
    members: Vec<Member>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Impl,
    Trait,
}

enum Member {
    Function(Box<Function>),
    /// Inner attributes, constants, types and macros.
    Other(TokenStream),
}

impl Item {
    /// Reads an item. What cannot be read is kept as it came: if the attribute may stand there, the
    /// compiler cannot read it either, and says so itself.
    pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Item {
        let read = |input: ParseStream| {
            let kind = kind(input);
            let Some(kind) = errors.keep(kind) else {
                return input.parse().map(Item::Other);
            };
            match kind {
                Some(kind) => Block::parse(kind, input, errors).map(Item::Block),
                None => input
                    .parse()
                    .map(|function| Item::Function(Box::new(function))),
            }
        };
        if let Some((head, body)) = split(&item) {
            if let Ok(mut function) = syn::parse2::<Function>(head) {
                function.take_body(&body);
                return Item::Function(Box::new(function));
            }
        }
        read.parse2(item.clone()).unwrap_or(Item::Other(item))
    }

    /// The functions to annotate, each with its options.
    pub(crate) fn functions(
        &mut self,
        options: Options,
        errors: &mut Errors,
    ) -> Vec<(&mut Function, Options)> {
        match self {
            Item::Function(function) => {
                foreign::keep_out(function);
                vec![(function, options)]
            }
            Item::Block(block) => block.functions(&options, errors),
            Item::Other(_) => Vec::new(),
        }
    }
}

/// A function without its body, and that body: most of it is read otherwise (see `passage`), and what syn is
/// given it reads whole.
fn split(item: &TokenStream) -> Option<(TokenStream, Group)> {
    let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
    let is_function = head
        .iter()
        .any(|token| matches!(token, TokenTree::Ident(word) if word == "fn"));
    let Some(TokenTree::Group(body)) = head.last_mut() else {
        return None;
    };
    if !is_function || body.delimiter() != Delimiter::Brace {
        return None;
    }
    let empty = Group::new(Delimiter::Brace, TokenStream::new());
    let body = mem::replace(body, empty);
    Some((head.into_iter().collect(), body))
}

impl Block {
    fn parse(kind: Kind, input: ParseStream, errors: &mut Errors) -> Result<Block> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        marks::refuse_second(&mut attrs, "block", errors);
        let mut head = TokenStream::new();
        head.append_all(attrs);
        loop {
            match input.parse()? {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let brace = token::Brace {
                        span: group.delim_span(),
                    };
                    let read = |inside: ParseStream| members(kind, inside);
                    let members = read.parse2(group.stream())?;
                    return Ok(Block {
                        kind,
                        head,
                        brace,
                        members,
                    });
                }
                other => head.append(other),
            }
        }
    }

    /// Every function that returns a future, and every function with an attribute of its own, whose
    /// arguments replace the block's.
    fn functions(&mut self, block: &Options, errors: &mut Errors) -> Vec<(&mut Function, Options)> {
        let mut functions = Vec::new();
        for member in &mut self.members {
            let Member::Function(function) = member else {
                continue;
            };
            let own = own_attribute(&mut function.attrs);
            if let Some(own) = own {
                let options = Options::parse(own, errors).or_crate_of(block);
                functions.push((&mut **function, options));
            } else if returns_future(self.kind, function) {
                functions.push((&mut **function, block.clone()));
            }
        }
        functions
    }
}

fn returns_future(kind: Kind, function: &mut Function) -> bool {
    function.sig.asyncness.is_some()
        || future::is_tail(&mut function.body)
        || kind == Kind::Trait && future::borrows(&function.sig.output).is_some()
}

/// Takes `#[with_context(ARGS)]` off a function, and returns ARGS.
fn own_attribute(attrs: &mut Vec<Attribute>) -> Option<TokenStream> {
    if !annotated(attrs) {
        return None;
    }
    let at = attrs
        .iter()
        .position(|attr| Mark::of(attr) == Some(Mark::WithContext))?;
    match attrs.remove(at).meta {
        Meta::List(list) => Some(list.tokens),
        _ => Some(TokenStream::new()),
    }
}

/// Looks at what the attributes and the visibility stand in front of.
fn kind(input: ParseStream) -> Result<Option<Kind>> {
    let ahead = input.fork();
    ahead.call(Attribute::parse_outer)?;
    ahead.parse::<Visibility>()?;
    ahead.parse::<Option<Token![default]>>()?;
    let block = ahead.fork();
    block.parse::<Option<Token![unsafe]>>()?;
    block.parse::<Option<Token![auto]>>()?;
    if block.peek(Token![impl]) {
        return Ok(Some(Kind::Impl));
    }
    if block.peek(Token![trait]) {
        return Ok(Some(Kind::Trait));
    }
    if let Some(error) = foreign::refuse(&ahead) {
        return Err(error);
    }
    if !is_function(&ahead) {
        return Err(Error::new(ahead.span(), foreign::NO_FUNCTION));
    }
    Ok(None)
}

/// Whether a function may start so. What is wrong with it, syn says better.
fn is_function(ahead: ParseStream) -> bool {
    ahead.peek(Token![const]) && !ahead.peek3(Token![:])
        || ahead.peek(Token![async])
        || ahead.peek(Token![unsafe])
        || ahead.peek(Token![extern])
        || ahead.peek(Token![fn])
        || ahead.peek(Ident) && ahead.peek2(Token![fn])
}

fn members(kind: Kind, inside: ParseStream) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for attr in inside.call(Attribute::parse_inner)? {
        members.push(Member::Other(attr.into_token_stream()));
    }
    while !inside.is_empty() {
        let ahead = inside.fork();
        if let Ok(function) = ahead.parse() {
            inside.advance_to(&ahead);
            members.push(Member::Function(Box::new(function)));
            continue;
        }
        members.push(Member::Other(match kind {
            Kind::Impl => inside.parse::<ImplItem>()?.into_token_stream(),
            Kind::Trait => inside.parse::<TraitItem>()?.into_token_stream(),
        }));
    }
    Ok(members)
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Item::Function(function) => function.to_tokens(tokens),
            Item::Block(block) => {
                block.head.to_tokens(tokens);
                block
                    .brace
                    .surround(tokens, |tokens| tokens.append_all(&block.members));
            }
            Item::Other(item) => item.to_tokens(tokens),
        }
    }
}

impl ToTokens for Member {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Member::Function(function) => function.to_tokens(tokens),
            Member::Other(other) => other.to_tokens(tokens),
        }
    }
}
