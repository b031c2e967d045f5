use ctx::{Context, ctx_value, with_context};

ctx_value! { USER: u32; }

#[with_context]
fn load(other: &Context) -> bool {
    let both = &ctx.merge(other).with_value(&USER, 7);
    both.is_cancelled()
}

fn main() {}
