//! The macro as a function of tokens: what it expands to, and that nothing makes it panic.

mod fuzz;
mod garbage;
mod generate;
mod random;
mod snapshots;
mod strip;
