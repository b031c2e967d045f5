use ctx::{Cancelled, with_context};

#[with_context]
async fn load() -> Result<u32, Cancelled>;

fn main() {}
