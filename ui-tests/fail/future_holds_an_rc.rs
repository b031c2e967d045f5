use ctx::{Cancelled, with_context};

async fn one() -> u32 {
    1
}

use std::rc::Rc;

#[with_context]
async fn load() -> Result<u32, Cancelled> {
    let number = Rc::new(1);
    Ok(*number + one().await)
}

fn spawn(_: impl Send) {}

#[with_context]
fn start() {
    spawn(load(ctx));
}

fn main() {}
