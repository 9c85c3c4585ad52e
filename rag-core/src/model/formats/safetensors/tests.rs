use super::*;
use crate::ErrorCode;

fn file(header: &str, data: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn refusal(header: &str, data: &[u8]) -> String {
    let (_dir, path) = file(header, data);
    let error = Tensors::read(&path).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model);
    error.line()
}

#[test]
fn three_types_read_as_f32() {
    let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
        "b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"c":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]},
        "d":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}"#;
    let mut data = [1.5f32, -2.0].map(f32::to_le_bytes).concat();
    data.extend([f16::from_f32(0.25), f16::from_f32(-4.0)].map(f16::to_le_bytes).concat());
    data.extend([bf16::from_f32(3.0), bf16::from_f32(0.5)].map(bf16::to_le_bytes).concat());
    data.extend(7i64.to_le_bytes());
    let (_dir, path) = file(header, &data);
    let mut tensors = Tensors::read(&path).unwrap();
    assert_eq!(tensors.hash, blake3::hash(&std::fs::read(&path).unwrap()));
    assert_eq!(tensors.take_f32("a", &[1, 2]).unwrap(), [1.5, -2.0]);
    assert_eq!(tensors.take_f32("b", &[2]).unwrap(), [0.25, -4.0]);
    assert_eq!(tensors.take_f32("c", &[2]).unwrap(), [3.0, 0.5]);
    assert!(!tensors.contains("d"));
}

#[test]
fn wrong_shape_and_missing_tensor_are_named() {
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let (_dir, path) = file(header, &[0; 4]);
    let mut tensors = Tensors::read(&path).unwrap();
    assert!(tensors.take("b", &[1]).unwrap_err().line().contains("tensor b is missing"));
    assert!(tensors.take("a", &[2]).unwrap_err().line().contains("tensor a has shape [1]"));
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    let cases =
        [("F32", f32::NAN.to_le_bytes().to_vec()), ("F16", f16::INFINITY.to_le_bytes().to_vec())];
    for (dtype, data) in cases {
        let end = data.len();
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,{end}]}}}}"#);
        assert!(refusal(&header, &data).contains("tensor w holds NaN"));
    }
}

#[test]
fn hostile_headers_are_refused() {
    for header in [
        "",
        "[]",
        "{",
        r#"{"a":1}"#,
        r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,40]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    ] {
        refusal(header, &[0; 4]);
    }
}

#[test]
fn every_truncation_is_refused() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let (_dir, path) = file(header, &[0; 8]);
    let whole = std::fs::read(&path).unwrap();
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(Tensors::read(&path).unwrap_err().code(), ErrorCode::Model, "{len} bytes");
    }
    let mut lying = whole;
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, &lying).unwrap();
    assert_eq!(Tensors::read(&path).unwrap_err().code(), ErrorCode::Model);
}
