#![allow(missing_docs)]
#[test]
fn fail() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
