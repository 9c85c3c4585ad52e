"""Writes small random models of each encoder family and the vectors that `transformers` computes with them.

    pip install torch transformers safetensors && python tests/data/encoder/make_fixtures.py

The folders under `tests/data/encoder/families/` are what `save_pretrained` writes, with a word-level tokenizer and
sentence-transformers' `modules.json`. `expected.json` holds, for each text, the pooled state scaled to length 1, made
in float64 by the version of `transformers` named in it. Weights are four times as large as an untrained model's, so
that attention is not flat. `COMPARE` in rag-core/tests/encoder/families.rs is the tolerance.
"""

import json
import pathlib

import torch
import transformers
from transformers import AutoConfig, AutoModel

ROOT = pathlib.Path(__file__).parent / "families"
SPECIALS = ["<pad0>", "<pad1>", "<s>", "</s>", "<unk>"]
WORDS = "one two three four five six seven eight nine ten water bridge river stone light été über мост 橋".split()
VOCABULARY = SPECIALS + WORDS
TEXTS = [
    "",
    "one",
    "bridge over the river",
    "été über мост 橋 \u0000 e\u0301 \U0001f600",
    " ".join(WORDS[(i * 7 + i // 5) % len(WORDS)] for i in range(36)),
]
SIZES = {
    "vocab_size": len(VOCABULARY), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 48,
}
FAMILIES = {
    "bert": ("bert", {**SIZES, "pad_token_id": 0}, "mean"),
    "roberta": ("roberta", {**SIZES, "pad_token_id": 1, "type_vocab_size": 1}, "cls_token"),
    "camembert": ("camembert", {**SIZES, "pad_token_id": 1, "type_vocab_size": 1}, "mean_tokens"),
    "xlm-roberta": ("xlm-roberta", {**SIZES, "pad_token_id": 1, "type_vocab_size": 1, "hidden_act": "gelu_new"}, "mean_sqrt_len_tokens"),
    "distilbert": (
        "distilbert",
        {"vocab_size": len(VOCABULARY), "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 48},
        "max_tokens",
    ),
    "mpnet": ("mpnet", {**SIZES, "pad_token_id": 1}, "mean_tokens"),
    "modernbert": (
        "modernbert", {**SIZES, "num_hidden_layers": 4, "local_attention": 8, "pad_token_id": 0}, "mean_tokens",
    ),
    "nomic_bert": ("nomic_bert", {**SIZES, "pad_token_id": 0}, "lasttoken"),
    "gte": ("gte", {**SIZES, "pad_token_id": 0}, "weightedmean_tokens"),
}


def tokenizer() -> dict:
    special = lambda id: {
        "id": id, "content": VOCABULARY[id], "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [special(id) for id in range(len(SPECIALS))],
        "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2]},
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: id for id, word in enumerate(VOCABULARY)}, "unk_token": "<unk>"},
    }


def ids(text: str) -> list[int]:
    words = [VOCABULARY.index(word) if word in WORDS else SPECIALS.index("<unk>") for word in text.split()]
    return [2, *words, 3]


def pooled(states: torch.Tensor, mode: str) -> torch.Tensor:
    count = len(states)
    weights = torch.arange(1, count + 1, dtype=states.dtype)[:, None]
    vector = {
        "mean": lambda: states.mean(0),
        "mean_tokens": lambda: states.mean(0),
        "mean_sqrt_len_tokens": lambda: states.sum(0) / count**0.5,
        "cls_token": lambda: states[0],
        "max_tokens": lambda: states.max(0).values,
        "lasttoken": lambda: states[-1],
        "weightedmean_tokens": lambda: (states * weights).sum(0) / weights.sum(),
    }[mode]()
    return vector / vector.norm()


def write(path: pathlib.Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def make(name: str, model_type: str, sizes: dict, mode: str) -> None:
    torch.manual_seed(len(name))
    config = AutoConfig.for_model(model_type, **sizes)
    model = AutoModel.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    folder = ROOT / name
    model.save_pretrained(folder)
    write(folder / "tokenizer.json", tokenizer())
    write(folder / "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ])
    flag = mode if mode.endswith(("token", "tokens")) else f"{mode}_tokens"
    write(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 16, f"pooling_mode_{flag}": True})
    model = model.double()
    vectors = []
    for text in TEXTS:
        with torch.no_grad():
            vectors.append(pooled(model(input_ids=torch.tensor([ids(text)])).last_hidden_state[0], mode).tolist())
    cases = [{"text": text, "vector": [round(x, 7) for x in vector]} for text, vector in zip(TEXTS, vectors)]
    write(folder / "expected.json", {"transformers": transformers.__version__, "pooling": mode, "cases": cases})


if __name__ == "__main__":
    for name, (model_type, sizes, mode) in FAMILIES.items():
        make(name, model_type, sizes, mode)
