//! What `std` prints for an expression: its tokens, as the author has spaced them.
//!
//! A token that went through an attribute does not remember whether a space follows it, and `stringify!` would
//! put one behind every sign. But it still says where it stands.

use proc_macro2::{Delimiter, Group, LineColumn, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Ident;

use crate::macros::has_attributes;

/// The words for an expression, as an expression.
// Input:  !load(key).await
// Output: "!load(key).await"
// or, where nobody knows where the tokens stand:
//         ::core::stringify!(!load(key).await)
pub(crate) fn of(expr: &impl ToTokens, quiet: Span) -> TokenStream {
    let tokens = expr.to_token_stream();
    let mut words = Words::default();
    if has_attributes(&tokens) || words.print(&tokens).is_none() {
        return quote_spanned!(quiet=> ::core::stringify!(#tokens));
    }
    let text = words.text;
    quote_spanned!(quiet=> #text)
}

#[derive(Default)]
struct Words {
    text: String,
    last: Option<Last>,
}

/// The token that was printed last.
struct Last {
    end: LineColumn,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The first of two signs, or of a sign and a name, that are one.
    Joint,
    Dot,
    Sign,
    Name,
    Keyword,
    Literal,
    Open,
    Close,
}

impl Words {
    /// `None` if a token does not stand behind the one before it.
    fn print(&mut self, tokens: &TokenStream) -> Option<()> {
        for token in tokens.clone() {
            match token {
                TokenTree::Group(group) => self.group(&group)?,
                TokenTree::Punct(punct) => {
                    let kind = match (punct.spacing(), punct.as_char()) {
                        (Spacing::Joint, _) => Kind::Joint,
                        (Spacing::Alone, '.') if !self.is_glued() => Kind::Dot,
                        (Spacing::Alone, _) => Kind::Sign,
                    };
                    self.token(&punct.as_char().to_string(), kind, punct.span())?;
                }
                TokenTree::Ident(ident) => {
                    let is_name = syn::parse2::<Ident>(ident.to_token_stream()).is_ok();
                    let kind = if is_name { Kind::Name } else { Kind::Keyword };
                    self.token(&ident.to_string(), kind, ident.span())?;
                }
                TokenTree::Literal(literal) => {
                    self.token(&literal.to_string(), Kind::Literal, literal.span())?;
                }
            }
        }
        Some(())
    }

    fn group(&mut self, group: &Group) -> Option<()> {
        let (open, close, padding) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")", ""),
            Delimiter::Bracket => ("[", "]", ""),
            Delimiter::Brace if group.stream().is_empty() => ("{", "}", ""),
            Delimiter::Brace => ("{", "}", " "),
            Delimiter::None => return self.print(&group.stream()),
        };
        self.token(open, Kind::Open, group.span_open())?;
        self.text.push_str(padding);
        self.print(&group.stream())?;
        self.text.push_str(padding);
        self.token(close, Kind::Close, group.span_close())
    }

    /// Whether the next token is a part of the last one.
    fn is_glued(&self) -> bool {
        self.last
            .as_ref()
            .is_some_and(|last| last.kind == Kind::Joint)
    }

    fn token(&mut self, text: &str, kind: Kind, span: Span) -> Option<()> {
        let (start, end) = place(kind, span);
        if start.line == 0 {
            return None;
        }
        if let Some(last) = &self.last {
            let glued = self.is_glued();
            if start < last.end && !glued {
                return None;
            }
            if !glued
                && (start > last.end || both_are_words(last.kind, kind))
                && spaced(last.kind, text, kind)
            {
                self.text.push(' ');
            }
        }
        self.text.push_str(text);
        self.last = Some(Last { end, kind });
        Some(())
    }
}

/// From where to where a token stands. To syn a bracket does where all of its group does.
fn place(kind: Kind, span: Span) -> (LineColumn, LineColumn) {
    let (mut start, mut end) = (span.start(), span.end());
    match kind {
        Kind::Open => {
            end = start;
            end.column += 1;
        }
        Kind::Close => {
            start = end;
            start.column = start.column.saturating_sub(1);
        }
        Kind::Joint | Kind::Dot | Kind::Sign | Kind::Name | Kind::Keyword | Kind::Literal => {}
    }
    (start, end)
}

/// Tokens of two files may seem to touch.
fn both_are_words(last: Kind, next: Kind) -> bool {
    let is_word = |kind| matches!(kind, Kind::Name | Kind::Keyword | Kind::Literal);
    is_word(last) && is_word(next)
}

/// Whether a space is printed where the author wrote one, or began a line: the rule of rustc's `stringify!`.
fn spaced(last: Kind, text: &str, next: Kind) -> bool {
    match (last, text) {
        (Kind::Open | Kind::Dot, _) | (Kind::Name, "(") => false,
        (_, ")" | "]" | "}") if next == Kind::Close => false,
        (Kind::Sign, "," | ";" | ".") => true,
        (_, ".") => next == Kind::Joint,
        (_, "," | ";") => false,
        _ => true,
    }
}
