use super::*;

#[test]
fn levels_have_names() {
    for level in KernelLevel::ALL {
        assert_eq!(KernelLevel::parse(level.name()).ok(), Some(level));
    }
    assert!(KernelLevel::parse("sse9").is_err());
    assert!(KernelLevel::Portable.is_available());
    assert_eq!(Isa::detect().level(), KernelLevel::detect());
    assert_eq!(Isa::detect_vectors().level(), Isa::detect().vectors().level());
    for isa in Isa::available() {
        assert!(isa.level().is_available(), "{isa:?}");
        let same = Isa::of(Some(isa.level())).map(Isa::level);
        assert_eq!(same, Some(isa.level()));
    }
}
