"""Writes a BERT folder as ONNX in f32 and, quantised per channel, in dynamic int8.

    python benches/peers/encode/export_onnx.py MODEL_FOLDER OUT_FOLDER

The f32 graph is the one torch exports; ONNX Runtime's transformer optimiser then fuses attention, GELU and layer
norm, as its users do. The int8 graph is `quantize_dynamic(per_channel=True, reduce_range=False)` of the fused one.
"""

import pathlib
import sys

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from transformers import AutoConfig, AutoModel


class Positional(torch.nn.Module):
    """The model with its inputs by position, as the exporter passes them."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids, mask, types):
        return self.model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state


def export(folder: str, path: str) -> None:
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    ids = torch.ones(2, 16, dtype=torch.int64)
    inputs = (ids, torch.ones_like(ids), torch.zeros_like(ids))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "sequence"} for name in [*names, "last_hidden_state"]}
    torch.onnx.export(
        Positional(model), inputs, path, input_names=names, output_names=["last_hidden_state"], dynamic_axes=axes,
        opset_version=17, dynamo=False,
    )


def main() -> None:
    folder, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    plain, fused, int8 = (str(out / name) for name in ("plain.onnx", "f32.onnx", "int8.onnx"))
    export(folder, plain)
    config = AutoConfig.from_pretrained(folder)
    options = FusionOptions("bert")
    options.enable_gelu_approximation = False
    model = optimizer.optimize_model(
        plain, "bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size, optimization_options=options
    )
    print(model.get_fused_operator_statistics())
    model.save_model_to_file(fused)
    quantize_dynamic(
        fused,
        int8,
        per_channel=True,
        reduce_range=False,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


if __name__ == "__main__":
    main()
