//! Turns the int8 ONNX file of a BERT, as ONNX Runtime's dynamic quantisation writes it, into
//! safetensors under the names that PyTorch gave.
//!
//! Each product of the network is there a `MatMulInteger` of a matrix of bytes, with a scale and a
//! zero point for all of it or for each column: a weight is `(byte - zero_point) * scale` (Jacob et
//! al. 2018, equation 1). The matrix itself has lost its name, but the node has kept the path of
//! its module. What rounds the activations at run time (`DynamicQuantizeLinear`) is no part of the
//! weights and left out: scores differ from ONNX Runtime's by what that rounding costs it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use half::f16;
use prost::Message;
use rag_core::{Error, Result};

use super::folder::{Dtype, Weights};

// the parts of onnx.proto that hold weights, under their numbers there

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializers: Vec<Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    inputs: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    floats: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    integers: Vec<i32>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw: Vec<u8>,
}

// TensorProto.DataType
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;

const QUANTIZED: &str = "_quantized";

/// A tensor as it is written.
struct Weight {
    shape: Vec<usize>,
    dtype: Dtype,
    values: Vec<f32>,
}

/// Writes `model.safetensors` into `folder`: matrices as f16, which holds 8 bits and a scale, the
/// rest as f32.
///
/// # Errors
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if `source` is not ONNX, or its weights are
/// quantised in another way.
pub(super) fn convert(source: &Path, folder: &Path) -> Result<()> {
    let bytes = fs::read(source).map_err(|e| Error::io(source, e))?;
    let refused = |what: String| Error::model(source, what);
    let model = Model::decode(bytes.as_slice())
        .map_err(|e| Error::model_cause(source, "not an ONNX file", e))?;
    let graph = model.graph.ok_or_else(|| refused("the ONNX file holds no graph".into()))?;
    let weights = weights(&graph).map_err(refused)?;
    if weights.is_empty() {
        return Err(refused("the ONNX file holds no weights that we know".into()));
    }
    let heads = weights.iter().map(|(name, weight)| (&**name, weight.dtype, &*weight.shape));
    let mut file = Weights::create(&folder.join("model.safetensors"), heads)?;
    for weight in weights.values() {
        for &value in &weight.values {
            match weight.dtype {
                Dtype::F16 => file.write(&f16::from_f32(value).to_le_bytes())?,
                Dtype::F32 => file.write(&value.to_le_bytes())?,
            }
        }
    }
    file.finish()
}

/// Every weight under the name that PyTorch gave.
fn weights(graph: &Graph) -> Result<BTreeMap<String, Weight>, String> {
    let tensors: HashMap<&str, &Tensor> =
        graph.initializers.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut weights = BTreeMap::new();
    for tensor in &graph.initializers {
        let is_module = tensor.name.ends_with(".weight") || tensor.name.ends_with(".bias");
        if is_module && tensor.data_type == FLOAT && !tensor.dims.is_empty() {
            let (shape, values) = (tensor.shape()?, tensor.floats()?);
            weights.insert(tensor.name.clone(), Weight { shape, dtype: Dtype::F32, values });
        }
    }
    for node in &graph.nodes {
        let Some(matrix) = node.quantized(&tensors) else { continue };
        let (shape, values) = matrix.dequantized(&tensors)?;
        let (name, shape, values) = match (node.op_type.as_str(), &*shape) {
            ("Gather", _) => (matrix.base().to_owned(), shape, values),
            (_, &[rows, columns]) => {
                (node.weight_name(), vec![columns, rows], transposed(&values, rows, columns))
            }
            _ => return Err(format!("{}: a product of {shape:?}", node.name)),
        };
        weights.insert(name, Weight { shape, dtype: Dtype::F16, values });
    }
    Ok(weights)
}

/// A product takes a matrix as rows of inputs; PyTorch keeps rows of outputs.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let row = |column: usize| values[column..].iter().step_by(columns).take(rows);
    (0..columns).flat_map(row).copied().collect()
}

impl Node {
    /// The quantised weights that this node reads.
    fn quantized<'a>(&self, tensors: &HashMap<&str, &'a Tensor>) -> Option<&'a Tensor> {
        let input = match self.op_type.as_str() {
            "MatMulInteger" => self.inputs.get(1)?,
            "Gather" => self.inputs.first()?,
            _ => return None,
        };
        tensors.get(input.as_str()).copied().filter(|tensor| tensor.name.ends_with(QUANTIZED))
    }

    /// `/bert/pooler/dense/Gemm_MatMul_quant` is the product of `bert.pooler.dense`.
    fn weight_name(&self) -> String {
        let path = self.name.trim_start_matches('/');
        let module = path.rsplit_once('/').map_or(path, |(module, _)| module);
        format!("{}.weight", module.replace('/', "."))
    }
}

impl Tensor {
    fn shape(&self) -> Result<Vec<usize>, String> {
        let size = |&size: &i64| usize::try_from(size);
        let shape: Result<Vec<usize>, _> = self.dims.iter().map(size).collect();
        shape.map_err(|_| format!("{} has the shape {:?}", self.name, self.dims))
    }

    fn has_size(&self, found: usize) -> Result<(), String> {
        let wanted =
            self.shape()?.into_iter().try_fold(1_usize, usize::checked_mul).unwrap_or(usize::MAX);
        match wanted == found {
            true => Ok(()),
            false => Err(format!("{} has {found} numbers of {wanted}", self.name)),
        }
    }

    fn floats(&self) -> Result<Vec<f32>, String> {
        let values = match self.raw.is_empty() {
            true => self.floats.clone(),
            false => {
                self.raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
            }
        };
        self.has_size(values.len())?;
        Ok(values)
    }

    fn integers(&self) -> Result<Vec<f32>, String> {
        let values: Vec<f32> = match self.data_type {
            UINT8 | INT8 if self.raw.is_empty() => {
                self.integers.iter().map(|&value| value as f32).collect()
            }
            UINT8 => self.raw.iter().map(|&byte| f32::from(byte)).collect(),
            INT8 => self.raw.iter().map(|&byte| f32::from(byte.cast_signed())).collect(),
            other => return Err(format!("{} has numbers of the type {other}", self.name)),
        };
        self.has_size(values.len())?;
        Ok(values)
    }

    /// Its name before it was quantised.
    fn base(&self) -> &str {
        self.name.strip_suffix(QUANTIZED).unwrap_or(&self.name)
    }

    fn dequantized(
        &self,
        tensors: &HashMap<&str, &Tensor>,
    ) -> Result<(Vec<usize>, Vec<f32>), String> {
        let find = |suffix: &str| {
            let name = format!("{}{suffix}", self.base());
            tensors.get(name.as_str()).copied().ok_or_else(|| format!("there is no {name}"))
        };
        let (scales, zero_points) = (find("_scale")?.floats()?, find("_zero_point")?.integers()?);
        let (shape, bytes) = (self.shape()?, self.integers()?);
        let columns = shape.last().copied().unwrap_or(1);
        let fits = |count: usize| count == 1 || count == columns;
        if !fits(scales.len()) || scales.len() != zero_points.len() {
            let (scales, zeros) = (scales.len(), zero_points.len());
            return Err(format!("{}: {scales} scales and {zeros} zero points", self.name));
        }
        // one scale for all, or one for each column: rows repeat them either way
        let terms = scales.iter().zip(&zero_points).cycle();
        let values = bytes.iter().zip(terms).map(|(byte, (scale, zero))| (byte - zero) * scale);
        Ok((shape, values.collect()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tensor(name: &str, dims: &[i64], data_type: i32) -> Tensor {
        Tensor { name: name.into(), dims: dims.into(), data_type, ..Tensor::default() }
    }

    fn graph() -> Graph {
        let quantized = |name: &str, dims: &[i64], data_type: i32, raw: &[u8], zero: i32| {
            [
                Tensor { raw: raw.into(), ..tensor(&format!("{name}_quantized"), dims, data_type) },
                Tensor { floats: vec![0.5], ..tensor(&format!("{name}_scale"), &[], FLOAT) },
                Tensor {
                    integers: vec![zero],
                    ..tensor(&format!("{name}_zero_point"), &[], data_type)
                },
            ]
        };
        let bias: Vec<u8> = [1.0_f32, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut initializers = vec![Tensor { raw: bias, ..tensor("a.dense.bias", &[2], FLOAT) }];
        initializers.extend(quantized("onnx::MatMul_7", &[3, 2], INT8, &[1, 2, 3, 255, 254, 0], 0));
        initializers.extend(quantized("words.weight", &[1, 2], UINT8, &[130, 126], 128));
        let node = |op_type: &str, name: &str, inputs: &[&str]| Node {
            op_type: op_type.into(),
            name: name.into(),
            inputs: inputs.iter().map(|&input| input.into()).collect(),
        };
        let nodes = vec![
            node("MatMulInteger", "/a/dense/MatMul_quant", &["x", "onnx::MatMul_7_quantized"]),
            node("MatMulInteger", "/a/scores/MatMul_quant", &["x", "y"]),
            node("Gather", "/words/Gather", &["words.weight_quantized", "ids"]),
        ];
        Graph { nodes, initializers }
    }

    #[test]
    fn weights_get_their_scale_their_name_and_pytorchs_order() {
        let bytes = Model { graph: Some(graph()) }.encode_to_vec();
        let read = Model::decode(bytes.as_slice()).unwrap().graph.unwrap();
        let weights = weights(&read).unwrap();
        let names: Vec<&str> = weights.keys().map(String::as_str).collect();
        assert_eq!(names, ["a.dense.bias", "a.dense.weight", "words.weight"]);
        let dense = &weights["a.dense.weight"];
        assert_eq!((&*dense.shape, dense.dtype), (&[2, 3][..], Dtype::F16));
        assert_eq!(dense.values, [0.5, 1.5, -1.0, 1.0, -0.5, 0.0]);
        assert_eq!(weights["words.weight"].values, [1.0, -1.0]);
        assert_eq!(weights["a.dense.bias"].values, [1.0, -2.0]);
    }

    #[test]
    fn columns_may_have_scales_of_their_own_and_other_ways_are_refused() {
        let mut short = graph();
        short.initializers[1].raw.pop();
        assert_eq!(weights(&short).err().unwrap(), "onnx::MatMul_7_quantized has 5 numbers of 6");
        let mut many = graph();
        many.initializers[2] =
            Tensor { floats: vec![0.5; 3], ..tensor("onnx::MatMul_7_scale", &[3], FLOAT) };
        assert_eq!(
            weights(&many).err().unwrap(),
            "onnx::MatMul_7_quantized: 3 scales and 1 zero points"
        );
        let mut each = graph();
        each.initializers[2] =
            Tensor { floats: vec![0.5, 2.0], ..tensor("onnx::MatMul_7_scale", &[2], FLOAT) };
        each.initializers[3] =
            Tensor { integers: vec![0, 1], ..tensor("onnx::MatMul_7_zero_point", &[2], INT8) };
        let dense = weights(&each).unwrap().remove("a.dense.weight").unwrap();
        assert_eq!(dense.values, [0.5, 1.5, -1.0, 2.0, -4.0, -2.0]);
        let mut less = graph();
        less.initializers.remove(3);
        assert_eq!(weights(&less).err().unwrap(), "there is no onnx::MatMul_7_zero_point");
        let mut huge = graph();
        huge.initializers[1].dims = vec![i64::MAX, i64::MAX];
        assert!(weights(&huge).err().unwrap().contains("numbers of"));
    }

    #[test]
    fn what_is_no_onnx_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("model.onnx");
        for bytes in [&b""[..], b"not protobuf", &[0x3a, 0xff]] {
            fs::write(&source, bytes).unwrap();
            assert!(convert(&source, folder.path()).is_err());
            assert!(!folder.path().join("model.safetensors").exists());
        }
    }
}
