use ctx::{Context, ctx_value};

ctx_value! { USER: String; }

fn admin(ctx: &Context) -> Context {
    ctx.with_value(&USER, "admin")
}

fn main() {}
