"""Writes BERT encoders as GGUF files under the names and with the vocabulary that llama.cpp's converter gives them.

    pip install torch transformers safetensors gguf
    python tests/data/encoder/make_gguf.py                          # the small files under tests/data/encoder/gguf/
    python tests/data/encoder/make_gguf.py FOLDER FILE F32|F16|Q8_0 # a folder of the shape of all-MiniLM-L6-v2

`gguf/expected.json` holds vectors that `transformers` makes in float64 from the f32 weights; `GGUF` in
rag-core/tests/encoder/gguf.rs are the tolerances.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
import torch
import transformers
from safetensors.numpy import load_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).parent / "gguf"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "the bridge river opened ##s ##ed ete uber light 19 ##02 ? , a \u6a4b \u043c \u043e ##\u043e water on".split()
TEXTS = ["", "The bridges opened on 1902, \u00c9t\u00e9?", "\u00fcber \u6a4b\u6a4b \u043c\u043e\u043e \U0001f600 [SEP]", "water " * 60]
TOP = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm": "token_embd_norm",
}
LAYER = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}


def renamed(name: str) -> str | None:
    if name in TOP:
        return TOP[name]
    stem, _, end = name.rpartition(".")
    if stem in TOP:
        return f"{TOP[stem]}.{end}"
    parts = stem.split(".")
    part = ".".join(parts[3:])
    return f"blk.{parts[2]}.{LAYER[part]}.{end}" if part in LAYER else None


def convert(folder: pathlib.Path, out: pathlib.Path, kind: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda pair: pair[1])
    control = {token["content"] for token in tokenizer["added_tokens"] if token["special"]}
    piece = lambda token: token if token in control else token[2:] if token.startswith("##") else "\u2581" + token
    out.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(out, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_token_list([piece(token) for token, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if token in control else gguf.TokenType.NORMAL for token, _ in vocabulary])
    ids = dict(vocabulary)
    writer.add_unk_token_id(ids["[UNK]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_bos_token_id(ids["[CLS]"])
    for name, values in load_file(folder / "model.safetensors").items():
        new = renamed(name.removeprefix("bert."))
        if new is None:
            continue
        values = values.astype(np.float32)
        plain = values.ndim == 1 or new in ("position_embd.weight", "token_types.weight")
        if plain or kind == "F32":
            writer.add_tensor(new, values)
        elif kind == "F16":
            writer.add_tensor(new, values.astype(np.float16))
        else:
            quantised = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(new, quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tiny(folder: pathlib.Path) -> None:
    vocabulary = SPECIALS + WORDS
    torch.manual_seed(3)
    model = BertModel(BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=40,
    ), add_pooling_layer=False).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{
            "id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True,
        } for id, token in enumerate(SPECIALS)],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": None,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {token: id for id, token in enumerate(vocabulary)},
        },
    }))
    reader = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), split_special_tokens=True)
    model = model.double()
    cases = []
    for text in TEXTS:
        ids = reader(text, truncation=True, max_length=40, split_special_tokens=True)["input_ids"]
        with torch.no_grad():
            vector = model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0)
        cases.append({"text": text, "vector": [round(x, 7) for x in (vector / vector.norm()).tolist()]})
    ROOT.mkdir(exist_ok=True)
    expected = {"transformers": transformers.__version__, "cases": cases}
    (ROOT / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        convert(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            tiny(pathlib.Path(folder))
            for kind in ("F32", "F16", "Q8_0"):
                convert(pathlib.Path(folder), ROOT / f"bert-{kind.lower()}.gguf", kind)
