use ctx::with_context;

#[with_context]
const fn limit() -> u32 {
    7
}

fn main() {}
