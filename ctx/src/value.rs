//! Typed keys, and the values that a context carries under them.

use crate::{context::Context, layer};
use std::{
    any::Any,
    error::Error,
    fmt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

/// How a value is printed, for a key that opted in by `#[ctx(show)]`.
type Show<T> = fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result;

/// What a value is found by: a `static` made by [`ctx_value!`](crate::ctx_value).
///
/// Two keys are never the same key, whatever their names, types, modules or crates: a key is itself. The
/// type of the value is part of the key, so reading needs no downcast.
///
/// # Examples
///
/// ```
/// ctx::ctx_value! {
///     /// Who asked.
///     pub REQUEST_ID: u64;
///     LOCALE: &'static str = "en";
/// }
///
/// let ctx = ctx::Context::background().with_value(&REQUEST_ID, 7);
/// assert_eq!(ctx.value(&REQUEST_ID), Some(&7));
/// assert_eq!(LOCALE.get(&ctx), Some(&"en"));
/// assert_eq!(REQUEST_ID.name(), "REQUEST_ID");
/// ```
pub struct Key<T: 'static> {
    name: &'static str,
    /// Zero until the first use.
    number: AtomicU32,
    /// The key that got its number before this one did, once this has one.
    before: OnceLock<Option<&'static dyn AnyKey>>,
    default: Option<fn() -> T>,
    /// The default, once it was needed. Its type is forgotten, so that a key may be shared whatever `T`
    /// is, and a `T` that may not be is refused in our words, by the bound on [`Value`].
    made_default: OnceLock<Box<dyn Any + Send + Sync>>,
    show: Option<Show<T>>,
}

impl<T> std::panic::UnwindSafe for Key<T> {}
impl<T> std::panic::RefUnwindSafe for Key<T> {}

/// The key that got its number last.
static NEWEST: Mutex<Option<&'static dyn AnyKey>> = Mutex::new(None);

/// What a context may carry. Every type that can be is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a context cannot carry a `{Self}`",
    label = "this type is not `Send + Sync`",
    note = "a context's values are shared between threads: use a type that is `Send + Sync`, such as `Arc<_>` for `Rc<_>` and `Mutex<_>` for `RefCell<_>`"
)]
pub trait Value: Send + Sync + 'static {}

// Without this rustc would speak of `Send` and of `Sync`, in two errors.
#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Value for T {}

/// The name that an identifier stands for: `type` for `r#type`.
const fn plain(ident: &'static str) -> &'static str {
    let [b'r', b'#', name @ ..] = ident.as_bytes() else {
        return ident;
    };
    match std::str::from_utf8(name) {
        Ok(name) => name,
        Err(_) => ident,
    }
}

/// A key. It is a function with a parameter of its own, so that a type which cannot be a value's is what the compiler
/// points at.
#[must_use]
pub const fn key<T: Value + 'static>(name: &'static str, default: Option<fn() -> T>) -> Key<T> {
    Key::make(name, default, None)
}

/// One whose value `Debug` may print.
#[must_use]
pub const fn shown_key<T: Value + fmt::Debug + 'static>(
    name: &'static str,
    default: Option<fn() -> T>,
) -> Key<T> {
    Key::make(name, default, Some(<T as fmt::Debug>::fmt))
}

impl<T: 'static> Key<T> {
    const fn make(name: &'static str, default: Option<fn() -> T>, show: Option<Show<T>>) -> Self {
        Self {
            name: plain(name),
            number: AtomicU32::new(0),
            before: OnceLock::new(),
            default,
            made_default: OnceLock::new(),
            show,
        }
    }
}

impl<T: Send + Sync + 'static> Key<T> {
    /// The name it was declared by.
    ///
    /// # Examples
    ///
    /// ```
    /// ctx::ctx_value! { TENANT: u32; }
    /// assert_eq!(TENANT.name(), "TENANT");
    /// ```
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The nearest value that `ctx` carries under this key, else the key's default; the same as
    /// [`Context::value`].
    ///
    /// # Examples
    ///
    /// ```
    /// ctx::ctx_value! { TENANT: u32; }
    /// let ctx = ctx::Context::background().with_value(&TENANT, 7);
    /// assert_eq!(TENANT.get(&ctx), Some(&7));
    /// ```
    pub fn get<'c>(&'static self, ctx: &'c Context) -> Option<&'c T> {
        let found = match ctx.node() {
            Some(node) => layer::find(node, self.number()),
            None => None,
        };
        match found {
            Some(value) => value.downcast_ref(),
            None => self.default_value(self.default?),
        }
    }

    /// From one on, in the order of first use.
    #[inline]
    pub(crate) fn number(&'static self) -> u32 {
        // Relaxed, here and below: a number guards no data, it is only compared.
        let known = self.number.load(Ordering::Relaxed);
        if known == 0 {
            return self.first_number();
        }
        known
    }

    #[cold]
    fn first_number(&'static self) -> u32 {
        let mut newest = newest();
        let known = self.number.load(Ordering::Relaxed);
        if known != 0 {
            // Another thread was faster.
            return known;
        }
        let number = newest.map_or(0, AnyKey::number) + 1;
        // It is empty: whoever fills it sets the number too, under this lock.
        let _ = self.before.set(*newest);
        self.number.store(number, Ordering::Relaxed);
        *newest = Some(self);
        number
    }

    #[inline(never)]
    fn default_value(&'static self, default: fn() -> T) -> Option<&'static T> {
        let made = self.made_default.get_or_init(|| Box::new(default()));
        made.downcast_ref()
    }
}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

/// A key whose type is forgotten.
pub(crate) trait AnyKey: Send + Sync {
    fn number(&self) -> u32;
    fn before(&self) -> Option<&'static dyn AnyKey>;
    /// Prints the name, and the value if the key opted in (rule V4).
    fn describe(&self, value: &dyn Any, f: &mut dyn fmt::Write) -> fmt::Result;
}

impl<T: Send + Sync + 'static> AnyKey for Key<T> {
    fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    fn before(&self) -> Option<&'static dyn AnyKey> {
        *self.before.get()?
    }

    fn describe(&self, value: &dyn Any, f: &mut dyn fmt::Write) -> fmt::Result {
        f.write_str(self.name)?;
        if let (Some(show), Some(value)) = (self.show, value.downcast_ref::<T>()) {
            write!(f, " = {:?}", Shown(value, show))?;
        }
        Ok(())
    }
}

fn newest() -> MutexGuard<'static, Option<&'static dyn AnyKey>> {
    // No panic leaves it half changed.
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The key that has this number. A walk over all of them, for a value is printed seldom.
pub(crate) fn numbered(number: u32) -> Option<&'static dyn AnyKey> {
    let newest = *newest();
    std::iter::successors(newest, |key| key.before()).find(|key| key.number() == number)
}

struct Shown<'a, T>(&'a T, Show<T>);

impl<T> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)(self.0, f)
    }
}

/// A value that a function needs was not in its context: what `#[value]` parameters report.
///
/// # Examples
///
/// ```
/// use ctx::{Context, MissingValue, ctx_value, with_context};
///
/// ctx_value! { USER: String; }
///
/// #[with_context]
/// fn greet(#[value] user: &String) -> Result<String, MissingValue> {
///     Ok(format!("hello, {user}"))
/// }
///
/// let missing = greet(&Context::background()).unwrap_err();
/// assert_eq!(missing.to_string(), "the context carries no value for USER");
/// ```
#[derive(Clone, Debug)]
pub struct MissingValue {
    key: &'static str,
}

impl MissingValue {
    pub(crate) fn of(key: &'static str) -> Self {
        Self { key }
    }

    /// The name of the key.
    ///
    /// # Examples
    ///
    /// ```
    /// use ctx::{Context, MissingValue, ctx_value, with_context};
    ///
    /// ctx_value! { USER: String; }
    ///
    /// #[with_context]
    /// fn length(#[value(USER)] name: &String) -> Result<usize, MissingValue> {
    ///     Ok(name.len())
    /// }
    ///
    /// assert_eq!(length(&Context::background()).unwrap_err().key(), "USER");
    /// ```
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.key
    }
}

impl fmt::Display for MissingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the context carries no value for {}", self.key)
    }
}

impl Error for MissingValue {}

/// Declares keys, as `thread_local!` declares its variables: any number, each a `static` [`Key`].
///
/// With `= default` the key always has a value; the expression is evaluated once, when it is first
/// needed. `#[ctx(show)]` lets `Debug` of a context print the value, which it never does otherwise. Docs
/// and other attributes stay on the static.
///
/// # Examples
///
/// ```
/// ctx::ctx_value! {
///     /// Who asked.
///     pub USER: String;
///     pub(crate) LOCALE: &'static str = "en";
///     #[ctx(show)]
///     TENANT: u32;
/// }
///
/// let ctx = ctx::Context::background()
///     .with_value(&USER, "ada".to_owned())
///     .with_value(&TENANT, 7);
/// assert_eq!(ctx.value(&LOCALE), Some(&"en"));
/// assert_eq!(format!("{ctx:?}"), "Background.with_value(USER).with_value(TENANT = 7)");
/// ```
#[macro_export]
macro_rules! ctx_value {
    // Side by side, as macros within each other may be 128 deep.
    ($($(#[$($attribute:tt)*])* $vis:vis $name:ident : $type:ty $(= $default:expr)?;)*) => {
        $($crate::__ctx_value! {
            @attributes [] [] $(#[$($attribute)*])* $vis $name : $type $(= $default)?
        })*
    };
    // The last one may have no semicolon.
    ($($(#[$($attribute:tt)*])* $vis:vis $name:ident : $type:ty $(= $default:expr)?);+) => {
        $crate::ctx_value! {
            $($(#[$($attribute)*])* $vis $name : $type $(= $default)?;)+
        }
    };
    // Something is wrong, which is told one by one.
    ($($declarations:tt)+) => {
        $crate::__ctx_value! { @attributes [] [] $($declarations)+ }
    };
}

/// Sorts the attributes of one declaration, emits it, and goes on with the next.
#[doc(hidden)]
#[macro_export]
macro_rules! __ctx_value {
    (@attributes [$($kept:tt)*] [$($shown:tt)*]) => {};
    (@attributes [$($kept:tt)*] [] #[ctx(show)] $($rest:tt)+) => {
        $crate::__ctx_value! { @attributes [$($kept)*] [show] $($rest)+ }
    };
    (@attributes [$($kept:tt)*] [show] #[ctx(show)] $($rest:tt)+) => {
        $crate::__private::mistake! { [] [$($rest)+] "`#[ctx(show)]` once is enough" }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] #[ctx $($option:tt)*] $($rest:tt)+) => {
        $crate::__private::mistake! {
            [$($option)*] [$($rest)+] "unknown option `#[ctx{}]`; a key takes `#[ctx(show)]`"
        }
    };
    // The lines of a doc comment, several at once.
    (@attributes [$($kept:tt)*] [$($shown:tt)*]
        #[doc $($a:tt)*] #[doc $($b:tt)*] #[doc $($c:tt)*] #[doc $($d:tt)*]
        #[doc $($e:tt)*] #[doc $($f:tt)*] #[doc $($g:tt)*] #[doc $($h:tt)*]
        $($rest:tt)+
    ) => {
        $crate::__ctx_value! {
            @attributes [
                $($kept)*
                #[doc $($a)*] #[doc $($b)*] #[doc $($c)*] #[doc $($d)*]
                #[doc $($e)*] #[doc $($f)*] #[doc $($g)*] #[doc $($h)*]
            ] [$($shown)*] $($rest)+
        }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] #[$($attribute:tt)*] $($rest:tt)+) => {
        $crate::__ctx_value! { @attributes [$($kept)* #[$($attribute)*]] [$($shown)*] $($rest)+ }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $vis:vis static $($rest:tt)*) => {
        $crate::__private::mistake! { [$($rest)*] "a key is a static by itself: leave `static` out" }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $vis:vis $name:ident : $type:ty) => {
        $crate::__ctx_value! { @static [$($kept)*] [$($shown)*] $vis $name $type, ::core::option::Option::None }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $vis:vis $name:ident : $type:ty ; $($rest:tt)*) => {
        $crate::__ctx_value! { @static [$($kept)*] [$($shown)*] $vis $name $type, ::core::option::Option::None }
        $crate::ctx_value! { $($rest)* }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $vis:vis $name:ident : $type:ty = $default:expr) => {
        $crate::__ctx_value! { @static [$($kept)*] [$($shown)*] $vis $name $type, ::core::option::Option::Some(|| $default) }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $vis:vis $name:ident : $type:ty = $default:expr ; $($rest:tt)*) => {
        $crate::__ctx_value! { @static [$($kept)*] [$($shown)*] $vis $name $type, ::core::option::Option::Some(|| $default) }
        $crate::ctx_value! { $($rest)* }
    };
    (@attributes [$($kept:tt)*] [$($shown:tt)*] $($rest:tt)*) => {
        $crate::__private::mistake! {
            [$($rest)*] "a key is declared as `pub NAME: Type;` or as `pub NAME: Type = default;`"
        }
    };
    (@static [$($kept:tt)*] [] $vis:vis $name:ident $type:ty, $default:expr) => {
        $($kept)*
        $vis static $name: $crate::Key<$type> =
            $crate::__private::key::<$type>(::core::stringify!($name), $default);
    };
    (@static [$($kept:tt)*] [show] $vis:vis $name:ident $type:ty, $default:expr) => {
        $($kept)*
        $vis static $name: $crate::Key<$type> =
            $crate::__private::shown_key::<$type>(::core::stringify!($name), $default);
    };
}
