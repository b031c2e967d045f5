//! Rules G1 to G4: tasks that belong to a context.

mod blocking;
mod ending;
mod failing;
mod helpers;
mod queue;
mod stress;
mod waiting;
