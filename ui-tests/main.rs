#![allow(missing_docs)]
mod pass;
#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
