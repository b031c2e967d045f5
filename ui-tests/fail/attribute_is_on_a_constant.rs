use ctx::with_context;

#[with_context]
const LIMIT: u32 = 7;

fn main() {}
