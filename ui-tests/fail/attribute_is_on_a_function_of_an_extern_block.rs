use ctx::with_context;

unsafe extern "C" {
    #[with_context]
    fn abs(number: i32) -> i32;
}

fn main() {}
