//! How each family of encoders lays out its tensors: their names, and in which order parts stand.
//!
//! One record per family. Devlin et al. 2018 (BERT), Liu et al. 2019 (RoBERTa), Sanh et al. 2019
//! (DistilBERT), Song et al. 2020 (MPNet), Warner et al. 2024 (ModernBERT), Nussbaum et al. 2024
//! (Nomic), Guenther et al. 2023 (Jina 2), Zhang et al. 2024 (GTE).

/// Whose tensor names and order of parts a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EncoderFamily {
    /// BERT, RoBERTa, XLM-RoBERTa, CamemBERT.
    Bert,
    DistilBert,
    Mpnet,
    ModernBert,
    NomicBert,
    /// Jina embeddings 2: BERT with linear biases and a gated feed-forward.
    JinaBert,
    /// GTE 1.5 and multilingual (`model_type` `new` or `gte`).
    Gte,
}

/// The values of `model_type` that are run, for the error about another.
pub(super) const KNOWN: &str = "bert, roberta, xlm-roberta, camembert, distilbert, mpnet, modernbert, nomic_bert, new or gte, \
                                and Jina 2";

/// Where a family keeps its tensors, and in which order its parts stand.
#[derive(Debug)]
pub(crate) struct EncoderLayout {
    /// What `config.json` calls it.
    model_types: &'static [&'static str],
    /// What may stand before each name in a file; the one that fits is found.
    pub(crate) prefixes: &'static [&'static str],
    pub(crate) words: &'static str,
    pub(crate) positions: &'static str,
    pub(crate) types: &'static str,
    pub(crate) input_norm: &'static str,
    pub(crate) layer: &'static str,
    /// One tensor of all three, or queries, keys and values.
    pub(crate) qkv: &'static [&'static str],
    pub(crate) attention_out: &'static str,
    pub(crate) attention_norm: &'static str,
    /// One tensor, or the activated half and the other one.
    pub(crate) up: &'static [&'static str],
    pub(crate) down: &'static str,
    pub(crate) out_norm: &'static str,
    /// Whether the wide middle is two halves, one gating the other.
    pub(crate) is_gated: bool,
    /// Whether the gate, which is activated, comes second in the file.
    pub(crate) has_gate_last: bool,
    /// Whether norms stand before the halves of a layer, and one more after the last layer.
    pub(crate) norms_first: bool,
    pub(crate) has_biases: bool,
    /// Whether the product into the wide middle has one.
    pub(crate) has_up_bias: bool,
}

const BERT: EncoderLayout = EncoderLayout {
    model_types: &["bert", "roberta", "xlm-roberta", "camembert"],
    prefixes: &["", "bert.", "roberta.", "model."],
    words: "embeddings.word_embeddings.weight",
    positions: "embeddings.position_embeddings.weight",
    types: "embeddings.token_type_embeddings.weight",
    input_norm: "embeddings.LayerNorm",
    layer: "encoder.layer",
    qkv: &["attention.self.query", "attention.self.key", "attention.self.value"],
    attention_out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: &["intermediate.dense"],
    down: "output.dense",
    out_norm: "output.LayerNorm",
    is_gated: false,
    has_gate_last: false,
    norms_first: false,
    has_biases: true,
    has_up_bias: true,
};

const DISTILBERT: EncoderLayout = EncoderLayout {
    model_types: &["distilbert"],
    prefixes: &["", "distilbert."],
    layer: "transformer.layer",
    qkv: &["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: &["ffn.lin1"],
    down: "ffn.lin2",
    out_norm: "output_layer_norm",
    ..BERT
};

const MPNET: EncoderLayout = EncoderLayout {
    model_types: &["mpnet"],
    prefixes: &["", "mpnet."],
    qkv: &["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    attention_out: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    ..BERT
};

const JINA: EncoderLayout = EncoderLayout {
    model_types: &["jina_bert", "jina_bert_v2"],
    up: &["mlp.gated_layers"],
    down: "mlp.wo",
    out_norm: "mlp.layernorm",
    is_gated: true,
    has_up_bias: false,
    ..BERT
};

const GTE: EncoderLayout = EncoderLayout {
    model_types: &["new", "gte"],
    prefixes: &["", "new.", "gte."],
    qkv: &["attention.qkv_proj"],
    attention_out: "attention.o_proj",
    attention_norm: "attn_ln",
    up: &["mlp.up_gate_proj"],
    down: "mlp.down_proj",
    out_norm: "mlp_ln",
    is_gated: true,
    has_gate_last: true,
    has_up_bias: false,
    ..BERT
};

const NOMIC: EncoderLayout = EncoderLayout {
    model_types: &["nomic_bert"],
    prefixes: &["", "bert.", "nomic_bert.", "model."],
    input_norm: "emb_ln",
    layer: "encoder.layers",
    qkv: &["attn.Wqkv"],
    attention_out: "attn.out_proj",
    attention_norm: "norm1",
    up: &["mlp.fc12", "mlp.fc11"],
    down: "mlp.fc2",
    out_norm: "norm2",
    is_gated: true,
    has_biases: false,
    has_up_bias: false,
    ..BERT
};

const MODERN: EncoderLayout = EncoderLayout {
    model_types: &["modernbert"],
    prefixes: &["", "model."],
    words: "embeddings.tok_embeddings.weight",
    input_norm: "embeddings.norm",
    layer: "layers",
    qkv: &["attn.Wqkv"],
    attention_out: "attn.Wo",
    attention_norm: "attn_norm",
    up: &["mlp.Wi"],
    down: "mlp.Wo",
    out_norm: "mlp_norm",
    is_gated: true,
    norms_first: true,
    has_biases: false,
    has_up_bias: false,
    ..BERT
};

impl EncoderFamily {
    const ALL: [Self; 7] = [
        EncoderFamily::Bert,
        EncoderFamily::DistilBert,
        EncoderFamily::Mpnet,
        EncoderFamily::ModernBert,
        EncoderFamily::NomicBert,
        EncoderFamily::JinaBert,
        EncoderFamily::Gte,
    ];

    /// The family of a `model_type`. Jina's first configurations say `bert`: what tells them is
    /// their linear biases.
    pub(super) fn of(model_type: &str, is_alibi: bool) -> Option<Self> {
        if model_type == "bert" && is_alibi {
            return Some(EncoderFamily::JinaBert);
        }
        Self::ALL.into_iter().find(|family| family.layout().model_types.contains(&model_type))
    }

    /// Where it keeps what.
    pub(crate) fn layout(self) -> &'static EncoderLayout {
        match self {
            EncoderFamily::Bert => &BERT,
            EncoderFamily::DistilBert => &DISTILBERT,
            EncoderFamily::Mpnet => &MPNET,
            EncoderFamily::ModernBert => &MODERN,
            EncoderFamily::NomicBert => &NOMIC,
            EncoderFamily::JinaBert => &JINA,
            EncoderFamily::Gte => &GTE,
        }
    }
}
