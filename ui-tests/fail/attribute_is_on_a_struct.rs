use ctx::with_context;

#[with_context]
struct Service {
    name: String,
}

fn main() {}
