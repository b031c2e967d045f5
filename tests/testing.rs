//! Rules X1 to X5: cancelling at every checkpoint. `testing/` has them one by one.

#[path = "testing/bank.rs"]
mod bank;
#[path = "testing/by_hand.rs"]
mod by_hand;
#[path = "testing/counted.rs"]
mod counted;
#[path = "testing/halves.rs"]
mod halves;
#[path = "testing/hangs.rs"]
mod hangs;
#[path = "testing/helpers.rs"]
mod helpers;
#[path = "testing/steady.rs"]
mod steady;
