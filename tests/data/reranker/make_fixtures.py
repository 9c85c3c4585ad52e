"""Writes small random cross-encoders and the logits that `transformers` computes with them.

    pip install torch transformers safetensors && python tests/data/reranker/make_fixtures.py

The folders are what `save_pretrained` writes, with a tokenizer of the family's kind. `expected.json` holds, for each
pair, the token ids (question whole, passage cut) and the logits, made in float64 from the saved float16 weights by
the version of `transformers` named in it. Weights are large for an untrained model, so that attention is not flat.
`COMPARE` in rag-core/src/rerank/tests.rs is the tolerance.
"""

import json
import pathlib

import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).parent
SPECIALS = ["[PAD]", "<pad>", "<s>", "</s>", "<unk>"]
WORDS = "when was the bridge opened river in 1902 a light ete water ? ##s ##d u ber \u6a4b \u043c".split()
VOCABULARY = SPECIALS + WORDS
MAX_TOKENS = 40
QUESTION = "When was the bridge opened ?"
PAIRS = [
    (QUESTION, "the bridge opened in 1902"),
    (QUESTION, ""),
    ("", "the bridge"),
    ("", ""),
    (QUESTION, "  \t\n"),
    (QUESTION, " ".join(WORDS[(i * 7 + i // 5) % 13] for i in range(60))),
    ("\u00c9t\u00e9 \u6a4b", "\u00fcbers bridged \u0000 e\u0301t\u00e9 \u6a4b\u6a4b \U0001f600 \u043c\u0301"),
    ("the", "the"),
]
SIZES = {
    "vocab_size": len(VOCABULARY), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 48,
}
NO_TYPES = {"pad_token_id": 1, "type_vocab_size": 1}
# name: model_type, sizes, labels, tokenizer, what stands in config.json of the last function
MODELS = {
    "bert": ("bert", {**SIZES, "pad_token_id": 0}, 1, "word_piece", {}),
    "bert-two-labels": ("bert", {**SIZES, "pad_token_id": 0}, 2, "word_piece", {}),
    "xlm-roberta": (
        "xlm-roberta", {**SIZES, **NO_TYPES}, 1, "unigram",
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "5.1.0"}},
    ),
    "camembert": ("camembert", {**SIZES, **NO_TYPES}, 1, "roberta", {}),
    "distilbert": (
        "distilbert",
        {"vocab_size": len(VOCABULARY), "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 48},
        1, "word_piece", {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
    ),
    "modernbert": (
        "modernbert",
        {**SIZES, "pad_token_id": 0, "classifier_pooling": "mean", "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
        1, "word_piece", {},
    ),
    "gte": ("gte", {**SIZES, "pad_token_id": 0}, 1, "unigram", {}),
}


def processor(kind: str) -> dict:
    special = lambda id, kind: {"SpecialToken": {"id": id, "type_id": kind}}
    text = lambda id, kind: {"Sequence": {"id": id, "type_id": kind}}
    if kind == "word_piece":
        return {"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2]}
    if kind == "roberta":
        return {"type": "RobertaProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2], "trim_offsets": True, "add_prefix_space": False}
    return {
        "type": "TemplateProcessing",
        "single": [special("<s>", 0), text("A", 0), special("</s>", 0)],
        "pair": [special("<s>", 0), text("A", 0), special("</s>", 0), special("</s>", 0), text("B", 0), special("</s>", 0)],
        "special_tokens": {word: {"id": word, "ids": [id], "tokens": [word]} for word, id in [("<s>", 2), ("</s>", 3)]},
    }


def tokenizer(kind: str) -> dict:
    special = lambda id: {
        "id": id, "content": VOCABULARY[id], "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }
    if kind == "unigram":
        normalizer = {"type": "NFKC"}
        pre_tokenizer = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
        pieces = [piece if id < len(SPECIALS) or piece.startswith("##") else "\u2581" + piece for id, piece in enumerate(VOCABULARY)]
        model = {"type": "Unigram", "unk_id": 4, "vocab": [[piece, 0.0 if id < 5 else -1.0 - id / 8] for id, piece in enumerate(pieces)]}
    else:
        normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
        pre_tokenizer = {"type": "BertPreTokenizer"}
        model = {
            "type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {word: id for id, word in enumerate(VOCABULARY)},
        }
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(id) for id in range(len(SPECIALS))],
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": processor(kind), "decoder": None, "model": model,
    }


def write(path: pathlib.Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def make(name: str, model_type: str, sizes: dict, labels: int, kind: str, last: dict) -> None:
    torch.manual_seed(len(name))
    config = AutoConfig.for_model(model_type, **sizes, num_labels=labels)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.4)
    model = model.half()
    folder = ROOT / name
    model.save_pretrained(folder)
    saved = json.loads((folder / "config.json").read_text())
    write(folder / "config.json", {**saved, **last})
    write(folder / "tokenizer.json", tokenizer(kind))
    write(folder / "tokenizer_config.json", {"model_max_length": MAX_TOKENS, "tokenizer_class": "PreTrainedTokenizerFast"})
    reader = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    model = model.double()
    has_types = getattr(config, "type_vocab_size", 0) > 1
    cases = []
    for question, passage in PAIRS:
        # lists, since an empty second text alone is taken for none
        pair = reader([question], [passage], truncation="only_second", max_length=MAX_TOKENS, return_token_type_ids=True)
        types = {"token_type_ids": torch.tensor(pair["token_type_ids"])} if has_types else {}
        with torch.no_grad():
            logits = model(input_ids=torch.tensor(pair["input_ids"]), **types).logits[0]
        cases.append({
            "question": question, "passage": passage, "ids": pair["input_ids"][0],
            "logits": [round(x, 7) for x in logits.tolist()],
        })
    write(folder / "expected.json", {"transformers": transformers.__version__, "cases": cases})


if __name__ == "__main__":
    for name, settings in MODELS.items():
        make(name, *settings)
