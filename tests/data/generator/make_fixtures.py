"""Writes small random models of each generator family and the logits that `transformers` computes with them.

    pip install torch transformers safetensors gguf && python tests/data/generator/make_fixtures.py [NAME...]

The folders under `tests/data/generator/families/` are what `save_pretrained` writes: bf16 in one file, but `qwen2` in f32
and in parts and `qwen3` in f16. `expected.json` holds the logits after some tokens of a prompt that is longer than every
window and page, made in float64 from the rounded weights by the version of `transformers` named in it, the ids of
texts and of a conversation, and a greedy continuation of the first text. `tiny.gguf` is a Llama in Q8_0 whose logits are those of its dequantised weights. Weights are as large as a trained model's, so that attention is not flat.
`TOLERANCE` in rag-core/src/generate/decoder/families.rs says how close ours must come.

The folders under `candle/` are the same for families that run on candle's networks, but smaller.
"""

import json
import pathlib
import shutil
import sys

import gguf
import torch
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).parent / "families"
PROMPT_LEN, POSITIONS = 150, [9, 39, 149]
CORPUS = ["the bridge over the river was built in 1902", "le pont sur la rivière fut bâti en 1902", "the lab and the bridge"] * 3
TEXTS = ["the bridge", " the  river\n\n", "été 2024 \U0001f600", "<s></s><|end|> it's", "1902"]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TURNS = (
    "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
SPECIALS = ["<unk>", "<s>", "</s>", "<|turn|>", "<|end|>", "<pad>"]
SIZES = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 16, "max_position_embeddings": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 5,
}
SLIDING = {"sliding_window": 16}
LOCAL = ["sliding_attention", "full_attention"]
FAMILIES = {
    "llama": ("llama", "llama3", torch.bfloat16, {"rope_parameters": {
        "rope_type": "llama3", "rope_theta": 5000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    }}),
    "mistral": ("mistral", "metaspace", torch.bfloat16, SLIDING),
    "smollm3": ("smollm3", "llama3", torch.bfloat16, {"no_rope_layers": [1, 0], "tie_word_embeddings": True}),
    "qwen2": ("qwen2", "qwen2", torch.float32, {"num_hidden_layers": 1, "layer_types": ["full_attention"]}),
    "qwen3": ("qwen3", "qwen2", torch.float16, {"use_sliding_window": True, **SLIDING, "layer_types": LOCAL[::-1], "max_window_layers": 1}),
    "gemma": ("gemma", "gemma", torch.bfloat16, {"num_key_value_heads": 1}),
    "gemma2": ("gemma2", "gemma", torch.bfloat16, {
        **SLIDING, "layer_types": LOCAL, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0,
    }),
    "gemma3": ("gemma3_text", "gemma", torch.bfloat16, {
        **SLIDING, "layer_types": LOCAL, "query_pre_attn_scalar": 20, "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0},
        },
    }),
    "phi3": ("phi3", "legacy", torch.bfloat16, {
        **SLIDING, "max_position_embeddings": 2048, "original_max_position_embeddings": 512, "rope_parameters": {
            "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "original_max_position_embeddings": 512,
            "short_factor": [1.0, 1.1, 1.5, 2.5], "long_factor": [1.0, 2.0, 8.0, 20.0],
        },
    }),
}  # fmt: skip

CANDLE = ROOT.parent / "candle"
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8}
EXPERTS = {"moe_intermediate_size": 24, "num_experts": 4, "num_experts_per_tok": 2}
ON_CANDLE = {
    "falcon": ("falcon", {"head_dim": "none", "new_decoder_architecture": False, "multi_query": True, "parallel_attn": True, "bias": False, "alibi": False}),
    "glm4": ("glm4", {"attention_bias": True, "rope_parameters": {
        "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5,
    }}),
    "helium": ("helium", {"tie_word_embeddings": False}),
    "mixtral": ("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "olmo": ("olmo", {"clip_qkv": 1.5}),
    "olmo2": ("olmo2", {}),
    "phi": ("phi", {"partial_rotary_factor": 0.5}),
    "qwen2_moe": ("qwen2_moe", {**EXPERTS, "shared_expert_intermediate_size": 40, "mlp_only_layers": [], "decoder_sparse_step": 1}),
    "qwen3_moe": ("qwen3_moe", {**EXPERTS, "mlp_only_layers": [], "decoder_sparse_step": 1, "norm_topk_prob": True}),
    "stablelm": ("stablelm", {"use_qkv_bias": True, "rope_parameters": {
        "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25,
    }}),
    "starcoder2": ("starcoder2", {"sliding_window": None, "use_bias": True}),
}  # fmt: skip


def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    if kind == "unigram":
        return unigram()
    special = [AddedToken(name, special=True, normalized=False) for name in SPECIALS]
    bytes_as_text = kind in ("metaspace", "gemma", "legacy")
    opening = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    if bytes_as_text:
        made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
        made.post_processor = opening
        if kind == "metaspace":
            made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
        elif kind == "gemma":
            made.normalizer = normalizers.Replace(" ", "▁")
            made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        else:
            made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        made = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
        pattern = LLAMA3 if kind == "llama3" else LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
        split = pre_tokenizers.Split(Regex(pattern), "isolated")
        made.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        made.decoder = decoders.ByteLevel()
        if kind == "llama3":
            made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), opening])
        else:
            made.normalizer = normalizers.NFC()
            made.post_processor = processors.ByteLevel(trim_offsets=False)
    fallback = [f"<0x{byte:02X}>" for byte in range(256)] if bytes_as_text else []
    trainer = trainers.BpeTrainer(
        vocab_size=len(SPECIALS) + 256 + 56, special_tokens=special + fallback, show_progress=False,
        initial_alphabet=[] if bytes_as_text else pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(CORPUS, trainer)
    made = without_special(made, set(fallback))
    runs = [AddedToken("\n\n", special=False, normalized=False)] if kind == "gemma" else []
    made.add_tokens([*runs, AddedToken("<think>", special=False, normalized=False)])
    bos = {} if kind == "qwen2" else {"bos_token": "<s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=made, **bos, eos_token="</s>", pad_token="<pad>", unk_token="<unk>", chat_template=TURNS
    )


def unigram() -> PreTrainedTokenizerFast:
    """Pieces chosen by probability, with bytes for characters that are in none."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=SPECIALS, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(CORPUS, trainer)
    found = json.loads(made.to_str())
    found["model"]["byte_fallback"] = True
    pieces = found["model"]["vocab"]
    found["model"]["vocab"] = pieces[: len(SPECIALS)] + [[name, 0.0] for name in bytes_] + pieces[len(SPECIALS) :]
    made = Tokenizer.from_str(json.dumps(found))
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    made.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    made.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>", chat_template=TURNS
    )


def without_special(made: Tokenizer, names: set[str]) -> Tokenizer:
    """The byte tokens are plain vocabulary: the trainer only takes them as special ones."""
    found = json.loads(made.to_str())
    found["added_tokens"] = [token for token in found["added_tokens"] if token["content"] not in names]
    return Tokenizer.from_str(json.dumps(found))


def logits(model: torch.nn.Module, ids: list[int]) -> dict:
    with torch.no_grad():
        found = model(input_ids=torch.tensor([ids])).logits[0]
    rounded = {position: [float(f"{x:.6g}") for x in found[position].tolist()] for position in POSITIONS}
    return {"transformers": transformers.__version__, "token_ids": ids, "logits": rounded}


def make_gguf() -> None:
    """A Llama of one layer with a byte-level vocabulary, in Q8_0."""
    torch.manual_seed(0)
    words = tokenizer("qwen2")
    names = [words.convert_ids_to_tokens(id) for id in range(len(words))]
    config = AutoConfig.for_model("llama", vocab_size=len(words), **{**SIZES, "num_hidden_layers": 1})
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    writer = gguf.GGUFWriter(ROOT.parent / "tiny.gguf", "llama")
    for add, value in [
        (writer.add_context_length, 512), (writer.add_embedding_length, 64), (writer.add_block_count, 1),
        (writer.add_feed_forward_length, 96), (writer.add_head_count, 4), (writer.add_head_count_kv, 2),
        (writer.add_rope_dimension_count, 16), (writer.add_layer_norm_rms_eps, config.rms_norm_eps),
        (writer.add_rope_freq_base, 10000.0), (writer.add_tokenizer_model, "gpt2"), (writer.add_tokenizer_pre, "qwen2"),
        (writer.add_token_list, names), (writer.add_token_types, [3 if name in SPECIALS else 1 for name in names]),
        (writer.add_token_merges, [" ".join(pair) for pair in json.loads(words.backend_tokenizer.to_str())["model"]["merges"]]),
        (writer.add_eos_token_id, 2), (writer.add_chat_template, TURNS),
    ]:  # fmt: skip
        add(value)
    parts = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    q8_0 = gguf.GGMLQuantizationType.Q8_0
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
            name = name.removesuffix(".weight")
            blocks, layer = ("", name) if name in parts else ("blk.0.", name.removeprefix("model.layers.0."))
            values, kind = parameter.numpy(), None
            if values.ndim == 2:
                kind, packed = q8_0, gguf.quants.quantize(values, q8_0)
                parameter.copy_(torch.tensor(gguf.quants.dequantize(packed, q8_0)))
                if layer in ("self_attn.q_proj", "self_attn.k_proj"):
                    # GGUF rotates neighbours, transformers halves
                    packed = packed.reshape(-1, 2, 8, packed.shape[1]).swapaxes(1, 2).reshape(packed.shape)
                values = packed
            writer.add_tensor(f"{blocks}{parts[layer]}.weight", values, raw_dtype=kind)
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        write_part()
    ids = [(position * position * 7 + position) % len(words) for position in range(PROMPT_LEN)]
    (ROOT.parent / "tiny.json").write_text(json.dumps(logits(model.double(), ids), separators=(",", ":")) + "\n")


def make(root: pathlib.Path, name: str, model_type: str, kind: str, dtype: torch.dtype, changes: dict) -> None:
    torch.manual_seed(len(name))
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    words = tokenizer(kind)
    sizes = {key: value for key, value in {**SIZES, **changes}.items() if value != "none"}
    config = AutoConfig.for_model(model_type, vocab_size=len(words) + 3, **sizes)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model = model.to(dtype)
    model.save_pretrained(folder, max_shard_size="100KB" if name == "qwen2" else "1GB")
    words.save_pretrained(folder)
    # read again: a cast would have rounded the speeds of rotation too
    plain = {"attn_implementation": "eager", "experts_implementation": "eager"}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, **plain).eval()
    ids = [(position * position * 7 + position) % len(words) for position in range(PROMPT_LEN)]
    greedy = words(TEXTS[0])["input_ids"]
    start = len(greedy)
    while len(greedy) < start + 8:
        with torch.no_grad():
            greedy.append(int(model(input_ids=torch.tensor([greedy])).logits[0, -1].argmax()))
    # here `tokenizers` takes the names of control tokens in a text for them, which we never do
    texts = [text for text in TEXTS if kind != "unigram" or "<s>" not in text]
    chat = [{"role": "system", "content": "the lab"}, {"role": "user", "content": "the bridge?"}]
    expected = {
        **logits(model, ids),
        "texts": [
            {"text": text, "ids": words(text, add_special_tokens=True, split_special_tokens=True)["input_ids"]} for text in texts
        ],
        "greedy": greedy[start:],
        "chat": words.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"],
    }
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")
    for unused in ("special_tokens_map.json", "added_tokens.json"):
        (folder / unused).unlink(missing_ok=True)


if __name__ == "__main__":
    wanted = sys.argv[1:] or [*FAMILIES, *ON_CANDLE, "tiny.gguf"]
    for name, (model_type, kind, dtype, changes) in FAMILIES.items():
        if name in wanted:
            make(ROOT, name, model_type, kind, dtype, changes)
    for name, (model_type, changes) in ON_CANDLE.items():
        if name in wanted:
            make(CANDLE, name, model_type, "unigram" if name == "helium" else "qwen2", torch.bfloat16, {**SMALL, **changes})
    if "tiny.gguf" in wanted:
        make_gguf()
