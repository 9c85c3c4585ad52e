use super::*;

#[test]
fn levels_have_names() {
    for level in KernelLevel::ALL {
        assert_eq!(KernelLevel::parse(level.name()).ok(), Some(level));
    }
    assert!(KernelLevel::parse("sse9").is_err());
    assert!(KernelLevel::Portable.is_available());
    let best = match KernelLevel::detect() {
        // tiles are the encoder's
        KernelLevel::Amx => KernelLevel::Avx512,
        other => other,
    };
    assert_eq!(Proof::detect().level(), best);
}
