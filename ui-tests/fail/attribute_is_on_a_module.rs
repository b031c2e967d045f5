use ctx::with_context;

#[with_context]
mod service {
    pub fn load() {}
}

fn main() {}
