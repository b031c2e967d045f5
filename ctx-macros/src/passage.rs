//! The statements of a body, of which only those are parsed that concern the macro.
//!
//! Most statements of most functions await nothing and say nothing of `ctx`. To parse them, walk them and
//! print them again is most of what the macro would cost its users at compile time. So the body is cut into
//! pieces, and one without a word that the macro looks for goes through as it came.
//!
//! 1. It is cut after each `;` that stands in no bracket, where a statement ends whatever it is; and after
//!    the block of an `if`, a loop or a `match` that begins a piece, if what follows can only begin another
//!    statement. Nothing is cut in `if { a } { b }`: the walk may put a statement of ours between two pieces.
//! 2. If a piece that is parsed makes no sense alone, the whole body is parsed.
//! 3. The last piece may be the value of the body, and is parsed. So is one that begins with an item or an
//!    attribute, since others look for these.

use std::mem;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Block, Item, Result, Stmt};

use crate::syntax;

/// The inner attributes and the statements of a body.
pub(crate) fn parse(tokens: &TokenStream) -> Result<(Vec<Attribute>, Vec<Stmt>)> {
    cut(tokens).or_else(|_| block.parse2(tokens.clone()))
}

fn block(input: ParseStream) -> Result<(Vec<Attribute>, Vec<Stmt>)> {
    let inner = input.call(Attribute::parse_inner)?;
    Ok((inner, input.call(Block::parse_within)?))
}

fn cut(tokens: &TokenStream) -> Result<(Vec<Attribute>, Vec<Stmt>)> {
    let mut passages = Passages::default();
    let mut piece = Vec::new();
    let mut ends_at_block = false;
    let mut tokens = tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if piece.is_empty() {
            ends_at_block = begins_with_block(&token);
        }
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                ends_at_block && tokens.peek().is_some_and(begins_statement)
            }
            _ => false,
        };
        piece.push(token);
        if ends && tokens.peek().is_some() {
            passages.take(mem::take(&mut piece))?;
        }
    }
    passages.concern(piece);
    passages.read()?;
    Ok((passages.inner, passages.stmts))
}

#[derive(Default)]
struct Passages {
    inner: Vec<Attribute>,
    stmts: Vec<Stmt>,
    /// What is to be parsed next, as one.
    concerning: TokenStream,
}

impl Passages {
    fn take(&mut self, piece: Vec<TokenTree>) -> Result<()> {
        if begins_specially(&piece) || piece.iter().any(concerns) {
            self.concern(piece);
            return Ok(());
        }
        self.read()?;
        let passage = piece.into_iter().collect();
        self.stmts.push(Stmt::Item(Item::Verbatim(passage)));
        Ok(())
    }

    fn concern(&mut self, piece: Vec<TokenTree>) {
        self.concerning.extend(piece);
    }

    /// Parses what concerns the macro.
    fn read(&mut self) -> Result<()> {
        if self.concerning.is_empty() {
            return Ok(());
        }
        let (inner, stmts) = block.parse2(mem::take(&mut self.concerning))?;
        self.inner.extend(inner);
        self.stmts.extend(stmts);
        Ok(())
    }
}

/// Whether the first token of a piece begins an item, or is that of an attribute.
fn begins_specially(piece: &[TokenTree]) -> bool {
    match piece.first() {
        Some(TokenTree::Ident(word)) => matches!(
            word.to_string().as_str(),
            "async"
                | "auto"
                | "const"
                | "enum"
                | "extern"
                | "fn"
                | "impl"
                | "macro_rules"
                | "mod"
                | "pub"
                | "static"
                | "struct"
                | "trait"
                | "type"
                | "union"
                | "unsafe"
                | "use"
        ),
        Some(TokenTree::Punct(punct)) => punct.as_char() == '#',
        _ => false,
    }
}

/// Whether a token begins a statement that ends with a block: a keyword, or a label.
fn begins_with_block(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => {
            matches!(
                word.to_string().as_str(),
                "for" | "if" | "loop" | "match" | "while"
            )
        }
        TokenTree::Punct(punct) => punct.as_char() == '\'',
        _ => false,
    }
}

/// Whether a token that follows a block cannot belong to it: a word, an attribute, or a label.
fn begins_statement(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(word) => !matches!(word.to_string().as_str(), "as" | "else" | "in"),
        TokenTree::Punct(punct) => matches!(punct.as_char(), '#' | '\''),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

/// Whether the macro looks for a word of a statement.
fn concerns(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.stream().into_iter().any(|token| concerns(&token)),
        TokenTree::Ident(word) => {
            let word = word.to_string();
            let word = word.strip_prefix("r#").unwrap_or(&word);
            match word {
                "await" | "ctx" | "shield" | "checkpoints" | "value" | "select"
                | "select_biased" | "join" | "try_join" | "merge" => true,
                other => other.starts_with("with_"),
            }
        }
        TokenTree::Literal(literal) => syntax::captures_ctx(literal),
        TokenTree::Punct(_) => false,
    }
}
