//! Parameters that are read from the context.

use crate::{
    context::Context,
    value::{Key, MissingValue},
};

/// How a function says that a value it needs is missing.
#[diagnostic::on_unimplemented(
    message = "a missing value cannot be returned as `{Self}`",
    label = "a `#[value]` parameter returns early where the context carries no such value",
    note = "return `Result<_, E>` where `E: From<ctx::MissingValue>`, or take an `Option<&T>`"
)]
pub trait FromMissing {
    /// The value that tells the caller.
    fn from_missing(missing: MissingValue) -> Self;
}

// Without this rustc would speak of `E: From<MissingValue>`, and our text above would not be shown.
#[diagnostic::do_not_recommend]
impl<T, E: From<MissingValue>> FromMissing for Result<T, E> {
    fn from_missing(missing: MissingValue) -> Self {
        Err(missing.into())
    }
}

/// The same as a method, for who reaches this crate by a name of his own.
#[doc(hidden)]
impl MissingValue {
    #[must_use]
    pub fn __leave<R: FromMissing>(self) -> R {
        R::from_missing(self)
    }
}

/// The value of a key, or which one is missing.
///
/// # Errors
///
/// If the context carries no such value.
pub fn required<'c, T: Send + Sync + 'static>(
    key: &'static Key<T>,
    ctx: &'c Context,
) -> Result<&'c T, MissingValue> {
    key.get(ctx).ok_or_else(|| MissingValue::of(key.name()))
}

/// The value of a key, if there is one.
pub fn optional<'c, T: Send + Sync + 'static>(
    key: &'static Key<T>,
    ctx: &'c Context,
) -> Option<&'c T> {
    key.get(ctx)
}

/// Stands for a value that the macro has reported an error about: it has every type and is never called.
///
/// # Panics
///
/// Always.
#[must_use]
pub const fn mistaken<T>() -> T {
    panic!("this program does not compile")
}
