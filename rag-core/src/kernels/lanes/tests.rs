use super::*;

/// Applies a function of this module to sixteen numbers.
struct Apply {
    values: [f32; LANES],
    tanh: bool,
}

impl Work for Apply {
    type Out = [f32; LANES];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [f32; LANES] {
        let mut out = [0.0; LANES];
        // SAFETY: both arrays hold sixteen elements.
        unsafe {
            let values = lanes.load(self.values.as_ptr());
            let values = if self.tanh { tanh(lanes, values) } else { exp(lanes, values) };
            lanes.store(out.as_mut_ptr(), values);
        }
        out
    }
}

#[test]
fn exp_and_tanh_are_exact_to_a_few_units_in_the_last_place() {
    for proof in Proof::available() {
        for step in 0..10_000 {
            let x = step as f32 / 10_000.0 * 170.0 - 85.0;
            let found = proof.run(Apply { values: [x; LANES], tanh: false });
            let exact = f64::from(x).exp();
            assert!((f64::from(found[7]) / exact - 1.0).abs() < 3e-7, "{proof:?} {x}");
            let x = x / 8.0;
            let found = proof.run(Apply { values: [x; LANES], tanh: true });
            assert!((f64::from(found[15]) - f64::from(x).tanh()).abs() < 3e-7, "{proof:?} {x}");
        }
        let zero = proof.run(Apply { values: [-1000.0; LANES], tanh: false });
        assert!(zero[0] < 1e-37);
    }
}

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
