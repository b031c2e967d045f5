//! Rules C1 to C4 and C6 to C8: what a checkpoint does, alone, around others, and when futures move.

mod again;
mod alone;
mod away;
mod ending;
mod fair;
mod held;
mod helpers;
mod innermost;
mod joined;
mod left;
mod moved;
mod panics;
mod random;
mod relied;
mod reused;
mod needless;
mod seats;
mod shields;
mod short;
mod timed;
mod turning;
mod woken;
