//! The arguments of `#[with_context(..)]`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, LitStr, Path, Result, Token};

use crate::errors::Errors;

/// What the author asked for in the parentheses of the attribute.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// `owned`: the context is injected by value. The span is the word's.
    pub(crate) owned: Option<Span>,
    /// `timeout = EXPR`: the body runs under `ctx.with_timeout(EXPR)`.
    pub(crate) timeout: Option<Expr>,
    /// `checkpoints = WORD`.
    pub(crate) checkpoints: Option<Mode>,
    /// `crate = path`: where the runtime crate is found.
    pub(crate) krate: Option<Path>,
}

/// What a checkpoint does with a context that ends while the future is pending.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The future is dropped.
    #[default]
    Race,
    /// The future runs to its end; the context is only looked at before it starts.
    Between,
    /// There is no checkpoint.
    None,
}

/// What the attribute takes.
const OPTIONS: &str = "it takes `owned`, `timeout = EXPR`, `checkpoints = race | between | none` and \
    `crate = path`";

const NO_COMMA: &str = "expected a comma before the next option of `#[with_context]`";

/// What the option `checkpoints` takes.
const MODES: &str = "a mode: `checkpoints = race | between | none`";

impl Options {
    /// Reads every argument that can be read, and reports the others.
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Options {
        let mut options = Options::default();
        let read = |input: ParseStream| {
            while !input.is_empty() {
                if let Err(error) = options.argument(input) {
                    errors.push(error);
                    skip_argument(input)?;
                }
                if starts_an_option(input) {
                    errors.push(input.error(NO_COMMA));
                } else if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        let outcome = read.parse2(args);
        errors.keep(outcome);
        options
    }

    fn argument(&mut self, input: ParseStream) -> Result<()> {
        let Ok(name) = input.call(Ident::parse_any) else {
            return Err(input.error(format!(
                "expected an option of `#[with_context]`: {OPTIONS}"
            )));
        };
        let twice = match name.to_string().as_str() {
            "owned" => self.owned.replace(name.span()).is_some(),
            "timeout" => {
                let after = value(&name, "a value: `timeout = EXPR`", input)?;
                self.timeout.replace(after).is_some()
            }
            "checkpoints" => {
                equals(&name, MODES, input)?;
                self.checkpoints.replace(input.call(Mode::parse)?).is_some()
            }
            "crate" => self.krate.replace(path(&name, input)?).is_some(),
            _ => return Err(unknown(&name)),
        };
        if twice {
            let message = format!("`{name}` is given twice: remove one");
            return Err(Error::new(name.span(), message));
        }
        if input.is_empty() || input.peek(Token![,]) || starts_an_option(input) {
            return Ok(());
        }
        if name == "owned" && input.peek(Token![=]) {
            let message = "`owned` takes no value: write `owned`";
            return Err(Error::new(name.span(), message));
        }
        Err(input.error(NO_COMMA))
    }

    /// The arguments of a function inside an annotated block. They replace the block's, but for
    /// the place of the runtime crate, which is the same all over a file.
    pub(crate) fn or_crate_of(mut self, block: &Options) -> Options {
        if self.krate.is_none() {
            self.krate.clone_from(&block.krate);
        }
        self
    }

    pub(crate) fn mode(&self) -> Mode {
        self.checkpoints.unwrap_or_default()
    }
}

impl Mode {
    /// Reads `race`, `between` or `none`.
    pub(crate) fn parse(input: ParseStream) -> Result<Mode> {
        let wanted = "expected `race`, `between` or `none`";
        let Ok(word) = input.call(Ident::parse_any) else {
            return Err(input.error(wanted));
        };
        match word.to_string().as_str() {
            "race" => Ok(Mode::Race),
            "between" => Ok(Mode::Between),
            "none" => Ok(Mode::None),
            _ => Err(Error::new(word.span(), wanted)),
        }
    }
}

/// `= EXPR`
fn value(name: &Ident, wanted: &str, input: ParseStream) -> Result<Expr> {
    equals(name, wanted, input)?;
    input.parse()
}

/// `= path`
fn path(name: &Ident, input: ParseStream) -> Result<Path> {
    equals(name, "a path: `crate = path`", input)?;
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let message = format!("write the path without quotes: `crate = {}`", text.value());
        return Err(Error::new(text.span(), message));
    }
    input.call(Path::parse_mod_style)
}

/// The sign after the name of an option, with something behind it.
fn equals(name: &Ident, wanted: &str, input: ParseStream) -> Result<()> {
    let sign = input.parse::<Option<Token![=]>>()?;
    if sign.is_none() || input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{name}` takes {wanted}");
        return Err(Error::new(name.span(), message));
    }
    Ok(())
}

fn unknown(name: &Ident) -> Error {
    let message = format!("`{name}` is no option of `#[with_context]`: {OPTIONS}");
    Error::new(name.span(), message)
}

/// Whether the next option follows, though no comma does. What is asked for in it holds all the same, so that
/// nobody who relies on it is told a second thing.
fn starts_an_option(input: ParseStream) -> bool {
    let word = input.fork().call(Ident::parse_any);
    word.is_ok_and(|word| {
        let names = ["owned", "timeout", "checkpoints", "crate"];
        names.iter().any(|name| word == name)
    })
}

/// Leaves the rest of a bad argument, so that the next one is still read.
fn skip_argument(input: ParseStream) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
