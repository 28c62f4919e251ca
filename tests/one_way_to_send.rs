//! Nothing outside the session can send: neither a slot nor a journaled request can be made elsewhere, and the client
//! takes nothing less. Each file in `compile_fail` tries one way, and must not compile.

#[test]
fn what_goes_past_the_session_does_not_compile() {
    let tries = trybuild::TestCases::new();
    tries.compile_fail("tests/compile_fail/*.rs");
}
