use ctx::with_context;

#[with_context]
extern crate std as standard;

fn main() {
    standard::println!("1");
}
