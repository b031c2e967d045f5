use ctx::{Context, Key};

fn key(ctx: &Context, key: &Key<u32>) -> Option<u32> {
    ctx.value(key).copied()
}

fn main() {}
