use ctx::with_context;

#[with_context]
unsafe extern "C" {
    fn abs(number: i32) -> i32;
}

fn main() {
    // SAFETY: C's `abs` has this signature, and only the smallest number has no absolute value.
    println!("{}", unsafe { abs(-1) });
}
