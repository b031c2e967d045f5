//! Macros.
use proc_macro2::Ident;
pub(crate) fn is_std(ident: &Ident) -> bool {
    STD.iter().any(|name| ident == name)
}
const STD: [&str; 1] = ["println"];
