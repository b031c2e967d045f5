//! Functions as the authors of services write them, in the idioms that tokio and axum teach, each
//! annotated, run, and cancelled wherever it waits. What is asked of each stands in [`driver`].

mod app;
mod bytes;
mod driver;
mod limits;
mod refused;
mod selects;
mod shutdown;
mod state;
mod streams;
mod tasks;
mod web;
mod wire;
