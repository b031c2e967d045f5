use ctx::with_context;

unsafe extern "C" {
    #[with_context]
    pub safe fn abs(number: i32) -> i32;
}

fn main() {
    println!("{}", abs(-1));
}
