mod keys {
    ctx::ctx_value! {
        USER: u32;
    }
}

fn user(ctx: &ctx::Context) -> Option<&u32> {
    ctx.value(&keys::USER)
}

fn main() {}
