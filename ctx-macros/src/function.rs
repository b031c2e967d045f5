//! A function as the attribute finds it: anywhere, with or without a body.

use proc_macro2::{Group, TokenStream};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream};
use syn::{AttrStyle, Attribute, Block, Result, Signature, Token, Visibility, braced, token};

use crate::passage;

/// A free function, a method, or the declaration of a method.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) default: Option<Token![default]>,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// What follows a signature.
pub(crate) enum Body {
    /// Nothing: the function is declared in a trait.
    Missing(Token![;]),
    /// A block that we understand.
    Parsed(Block),
    /// A block that we cannot parse. The compiler says why, better than we could; until then the
    /// author's editor still completes in it.
    Raw(token::Brace, TokenStream),
}

impl Parse for Function {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let default = input.parse()?;
        let sig = input.parse()?;
        let body = Body::parse(input, &mut attrs)?;
        Ok(Function {
            attrs,
            vis,
            default,
            sig,
            body,
        })
    }
}

impl Body {
    /// Inner attributes join the outer ones, as syn has it for every function.
    fn parse(input: ParseStream, attrs: &mut Vec<Attribute>) -> Result<Self> {
        if input.peek(Token![;]) {
            return input.parse().map(Body::Missing);
        }
        if !input.peek(token::Brace) {
            return Err(input.error("expected the body of a function, or `;`"));
        }
        let inside;
        let brace_token = braced!(inside in input);
        Ok(Body::read(brace_token, inside.parse()?, attrs))
    }

    fn read(brace_token: token::Brace, tokens: TokenStream, attrs: &mut Vec<Attribute>) -> Self {
        match passage::parse(&tokens) {
            Ok((inner, stmts)) => {
                attrs.extend(inner);
                Body::Parsed(Block { brace_token, stmts })
            }
            Err(_) => Body::Raw(brace_token, tokens),
        }
    }
}

impl Function {
    /// Reads the body in the place of the one that it was parsed with.
    pub(crate) fn take_body(&mut self, body: &Group) {
        let brace = token::Brace {
            span: body.delim_span(),
        };
        self.body = Body::read(brace, body.stream(), &mut self.attrs);
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let of_style = |inner: bool| {
            let wanted =
                move |attr: &&Attribute| matches!(attr.style, AttrStyle::Inner(_)) == inner;
            self.attrs.iter().filter(wanted)
        };
        tokens.append_all(of_style(false));
        self.vis.to_tokens(tokens);
        self.default.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        match &self.body {
            Body::Missing(semi) => semi.to_tokens(tokens),
            Body::Raw(brace, body) => brace.surround(tokens, |tokens| body.to_tokens(tokens)),
            Body::Parsed(block) => block.brace_token.surround(tokens, |tokens| {
                tokens.append_all(of_style(true));
                tokens.append_all(&block.stmts);
            }),
        }
    }
}
