use ctx::with_context;

#[with_context]
unsafe extern "C" {
    fn abs(number: i32) -> i32;
}

fn main() {
    println!("{}", unsafe { abs(-1) });
}
