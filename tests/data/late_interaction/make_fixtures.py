"""Writes small random models of late interaction, and the scores that PyLate and sentence-transformers compute.

    pip install pylate==1.6.0                && python tests/data/late_interaction/make_fixtures.py pylate
    pip install sentence-transformers==6.2.0 && python tests/data/late_interaction/make_fixtures.py multi-vector

The folders are what each library saves, with a tokenizer of the family's kind; Stanford's is put together from its parts
and read by PyLate. `expected.json` holds, for each pair, the token ids of the question and of the passage and the score,
made in float64 from the saved float16 weights by the version of the library named in it. Weights are large for an
untrained model, so that attention is not flat. `COMPARE` in rag-core/src/rerank/late_interaction/tests.rs is the tolerance.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).parent
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
WORDS = "when was the bridge opened river in 1902 a light ete water ##s ##d u ber query : . , ? ! -".split()
VOCABULARY = SPECIALS + WORDS
QUESTION = "When was the bridge opened ?"
PAIRS = [
    (QUESTION, "the bridge opened in 1902."),
    (QUESTION, ""),
    ("", "the bridge"),
    (QUESTION, "..., - !"),
    (QUESTION, " ".join(WORDS[(i * 7 + i // 5) % 12] for i in range(60))),
    (" ".join(WORDS[i % 9] for i in range(30)), "the river, the light"),
    ("\u00c9t\u00e9", "\u00fcbers bridged \U0001f600"),
]
SIZES = {
    "vocab_size": len(VOCABULARY), "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 48,
}
BERT = ("bert", {**SIZES, "pad_token_id": 0})
MODERN = (
    "modernbert",
    {**SIZES, "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3,
     "global_attn_every_n_layers": 2, "local_attention": 48},
)
XLM_ROBERTA = ("xlm-roberta", {**SIZES, "pad_token_id": 0, "type_vocab_size": 1, "max_position_embeddings": 50})


def tokenizer(kind: str) -> dict:
    special = lambda id: {
        "id": id, "content": VOCABULARY[id], "single_word": False, "lstrip": False, "rstrip": False,
        "normalized": False, "special": True,
    }
    if kind == "unigram":
        normalizer = {"type": "NFKC"}
        pre_tokenizer = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
        pieces = [piece if id < len(SPECIALS) or piece.startswith("##") else "\u2581" + piece for id, piece in enumerate(VOCABULARY)]
        model = {"type": "Unigram", "unk_id": 1, "vocab": [[piece, 0.0 if id < len(SPECIALS) else -1.0 - id / 8] for id, piece in enumerate(pieces)]}
    else:
        normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
        pre_tokenizer = {"type": "BertPreTokenizer"}
        model = {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {word: id for id, word in enumerate(VOCABULARY)},
        }
    # as in BERT's own file, the unused tokens are words that no text is split into
    added = [special(id) for id in range(5)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": None, "model": model,
    }


def write(path: pathlib.Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def base(folder: pathlib.Path, seed: int, family: tuple[str, dict], kind: str) -> AutoModel:
    """A random transformer with its tokenizer, saved into `folder`."""
    torch.manual_seed(seed)
    model = AutoModel.from_config(AutoConfig.for_model(family[0], **family[1])).eval()
    noisy(model)
    model.half().save_pretrained(folder)
    write(folder / "tokenizer.json", tokenizer(kind))
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    write(folder / "tokenizer_config.json", {"model_max_length": 48, "tokenizer_class": "PreTrainedTokenizerFast", **names})
    return model


def noisy(model: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.4)


def max_sim(question: np.ndarray, passage: np.ndarray) -> float:
    if not len(passage):
        return -float(len(question))
    return float((question @ passage.T).max(axis=1).sum())


def clean(folder: pathlib.Path) -> None:
    for path in [*folder.rglob("README.md"), *folder.rglob("special_tokens_map.json")]:
        path.unlink()
    for path in folder.rglob("*.json"):
        write(path, json.loads(path.read_text()))


def expect(folder: pathlib.Path, library: str, ids, encode) -> None:
    cases = []
    for question, passage in PAIRS:
        vectors = encode(question, True), encode(passage, False)
        cases.append({
            "question": question, "passage": passage, "question_ids": ids(question, True), "passage_ids": ids(passage, False),
            "score": round(max_sim(*vectors), 7),
        })
    write(folder / "expected.json", {"library": library, "cases": cases})


def with_pylate() -> None:
    import pylate
    from pylate import models

    def expect_pylate(folder: pathlib.Path) -> None:
        # loaded as float16, rotary frequencies would be rounded to that
        model = models.ColBERT(str(folder), device="cpu", model_kwargs={"dtype": torch.float64})
        ids = lambda text, is_query: model.tokenize([text], is_query=is_query)["input_ids"][0].tolist()
        encode = lambda text, is_query: model.encode([text], is_query=is_query, show_progress_bar=False)[0]
        expect(folder, f"pylate {pylate.__version__}", ids, encode)

    folder = ROOT / "stanford"
    shutil.rmtree(folder, ignore_errors=True)
    model = base(folder, 1, BERT, "word_piece")
    from safetensors.torch import load_file, save_file

    tensors = {f"bert.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    tensors["linear.weight"] = torch.randn(8, 16).half()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    write(folder / "config.json", {**config, "architectures": ["HF_ColBERT"]})
    write(folder / "artifact.metadata", {
        "query_token_id": "[unused0]", "doc_token_id": "[unused1]", "query_token": "[Q]", "doc_token": "[D]", "similarity": "cosine",
        "query_maxlen": 12, "attend_to_mask_tokens": False, "interaction": "colbert", "dim": 8, "doc_maxlen": 20, "mask_punctuation": True,
    })
    expect_pylate(folder)

    settings = {
        "pylate": (BERT, {"query_length": 12, "document_length": 20, "skiplist_words": [".", "-"]}),
        "pylate-modernbert": (MODERN, {"query_length": 14, "document_length": 24, "attend_to_expansion_tokens": True, "skiplist_words": [".", ",", "?"]}),
        "pylate-no-expansion": (BERT, {"query_length": 12, "document_length": 20, "skiplist_words": ["!"], "do_query_expansion": False, "query_prefix": "[unused0]", "document_prefix": ""}),
    }
    for seed, (name, (family, options)) in enumerate(settings.items(), 2):
        folder = ROOT / name
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as place:
            base(pathlib.Path(place), seed, family, "word_piece")
            model = models.ColBERT(place, embedding_size=8, device="cpu", **options)
            noisy(model[1])
            model.half().save(str(folder))
        clean(folder)
        expect_pylate(folder)


def with_sentence_transformers() -> None:
    import sentence_transformers
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    folder = ROOT / "multi-vector"
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        base(pathlib.Path(place), 5, XLM_ROBERTA, "unigram")
        transformer = Transformer(place, query_expansion={"strategy": "min", "length": 10, "attend": False}, query_length=16, document_length=20)
        linear = lambda depth, width: Dense(depth, width, bias=depth == 16, activation_function=torch.nn.Identity(), module_input_name="token_embeddings")
        modules = [transformer, linear(16, 12), linear(12, 8), MultiVectorMask(["\u2581.", "\u2581,", "nowhere"]), Normalize("token_embeddings")]
        model = MultiVectorEncoder(modules=modules, prompts={"query": "query: ", "document": ""}, device="cpu")
        noisy(model[1]), noisy(model[2])
        model.half().save_pretrained(str(folder))
    clean(folder)
    model = MultiVectorEncoder(str(folder), device="cpu").double()

    def ids(text: str, is_query: bool) -> list[int]:
        task = "query" if is_query else "document"
        return model.preprocess([text], prompt=model.prompts[task], task=task)["input_ids"][0].tolist()

    def encode(text: str, is_query: bool) -> np.ndarray:
        run = model.encode_query if is_query else model.encode_document
        return np.asarray(run([text], show_progress_bar=False)[0])

    expect(folder, f"sentence-transformers {sentence_transformers.__version__}", ids, encode)


if __name__ == "__main__":
    {"pylate": with_pylate, "multi-vector": with_sentence_transformers}[sys.argv[1]]()
