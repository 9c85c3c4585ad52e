/*
 * rag: an embedded retrieval-augmented generation engine. One library, one file, cited answers.
 *
 * First program (cc first.c $(pkg-config --cflags --libs rag)): answers from the files in docs/, and says where from.
 *
 *     #include <stdio.h>
 *     #include <rag.h>
 *
 *     int main(void) {
 *         rag_kb *kb = NULL;
 *         rag_answer *answer = NULL;
 *         rag_error *error = NULL;
 *         rag_status status = rag_kb_open("kb.rag", NULL, &kb, &error);
 *         if (!status) status = rag_kb_sync(kb, "docs", NULL, NULL, &error);
 *         if (!status) status = rag_kb_ask(kb, "When was the lab founded?", NULL, &answer, &error);
 *         if (status) fprintf(stderr, "error: %s\n", rag_error_message(error));
 *         else puts(rag_answer_found(answer) ? rag_answer_text(answer, NULL) : "not found");
 *         for (size_t i = 0; i < rag_answer_citation_count(answer); i++)
 *             printf("[%zu] %s\n", rag_answer_citation_at(answer, i)->marker, rag_answer_citation_at(answer, i)->uri);
 *         rag_answer_free(answer);
 *         rag_error_free(error);
 *         rag_kb_close(kb);
 *         return (int)status;
 *     }
 *
 * Contents, in this order
 *
 *     rag_error_...       what went wrong, and what of it a person reads
 *     rag_cancel_...      what stops a call; callbacks of progress
 *     ..._options         how to open, sync, search, generate, guard, ask, load
 *     rag_kb_...          open, sync, add, search, ask, summarize, compose, chat, tables, map; backup, check, repair
 *     rag_documents_...   what a file holds; rag_info_..., rag_passage_..., rag_locations_... where it came from
 *     rag_hits_...        passages found
 *     rag_answer_...      text, citations, why there is none
 *     rag_chat_...        a conversation, its report and its memory
 *     rag_sync_report_... what a sync did
 *     rag_encoder_..., rag_reranker_..., rag_generator_...  the models by themselves
 *     rag_read_file, rag_mask, rag_version  functions that need no handle
 *
 * Results    Every call that can fail returns a rag_status, RAG_OK (0) if it did not, and takes a rag_error ** last.
 *            NULL there means that you do not want to know why. Otherwise it is set to NULL on success and to an
 *            error on failure, which you own: free it with rag_error_free. An error is not freed by the next call.
 * Outputs    Stand after the inputs. On failure those that are pointers are NULL.
 * Ownership  What comes through a `rag_x **` is yours, to be freed once with rag_x_free (rag_kb: rag_kb_close).
 *            A `const x *` that a function returns is lent, for as long as its comment says. Free functions take
 *            NULL. A handle must not be used after it was freed.
 * Texts      UTF-8. `const char *` alone ends with a NUL byte; where a size follows it may hold any byte.
 * NULL       Is refused with RAG_INVALID_ARGUMENT unless a comment allows it; nothing crashes on it.
 * Options    Begin with the macro of the type, `rag_ask_options options = RAG_ASK_OPTIONS_INIT;`. Zero is the
 *            default, RAG_ZERO is zero where a comment says so. Options that options point at begin with their own
 *            macro and are read during the call. Later versions append fields; programs built before stay valid.
 * Threads    Any thread may call any function, and threads may share a handle, except to free it. A callback runs
 *            on the thread that made the call unless its comment says more, and must not use the handle that it was called for: such calls
 *            return RAG_INVALID_ARGUMENT.
 * Panics     Do not cross into C: they come out as RAG_INTERNAL.
 *
 * The library downloads nothing, installs no signal handler and never ends the process.
 */

#ifndef RAG_H
#define RAG_H

/* Generated from rag-capi/src: edit there, then RAG_BLESS=1 cargo test -p rag-capi. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin of an options struct, in its declaration: the size is set, everything else is default. */
#ifdef __cplusplus
namespace rag {
namespace detail {
template <class Options> inline Options initial() {
    Options options = Options();
    options.struct_size = sizeof(Options);
    return options;
}
} /* namespace detail */
} /* namespace rag */
#define RAG_OPEN_OPTIONS_INIT rag::detail::initial<rag_open_options>()
#define RAG_SYNC_OPTIONS_INIT rag::detail::initial<rag_sync_options>()
#define RAG_ADD_OPTIONS_INIT rag::detail::initial<rag_add_options>()
#define RAG_SEARCH_OPTIONS_INIT rag::detail::initial<rag_search_options>()
#define RAG_ASK_OPTIONS_INIT rag::detail::initial<rag_ask_options>()
#define RAG_GUARDS_INIT rag::detail::initial<rag_guards>()
#define RAG_GENERATOR_OPTIONS_INIT rag::detail::initial<rag_generator_options>()
#define RAG_GENERATE_OPTIONS_INIT rag::detail::initial<rag_generate_options>()
#define RAG_ENCODER_OPTIONS_INIT rag::detail::initial<rag_encoder_options>()
#define RAG_RERANKER_OPTIONS_INIT rag::detail::initial<rag_reranker_options>()
#else
#define RAG_OPEN_OPTIONS_INIT { .struct_size = sizeof(rag_open_options) }
#define RAG_SYNC_OPTIONS_INIT { .struct_size = sizeof(rag_sync_options) }
#define RAG_ADD_OPTIONS_INIT { .struct_size = sizeof(rag_add_options) }
#define RAG_SEARCH_OPTIONS_INIT { .struct_size = sizeof(rag_search_options) }
#define RAG_ASK_OPTIONS_INIT { .struct_size = sizeof(rag_ask_options) }
#define RAG_GUARDS_INIT { .struct_size = sizeof(rag_guards) }
#define RAG_GENERATOR_OPTIONS_INIT { .struct_size = sizeof(rag_generator_options) }
#define RAG_GENERATE_OPTIONS_INIT { .struct_size = sizeof(rag_generate_options) }
#define RAG_ENCODER_OPTIONS_INIT { .struct_size = sizeof(rag_encoder_options) }
#define RAG_RERANKER_OPTIONS_INIT { .struct_size = sizeof(rag_reranker_options) }
#endif

/* Zero, in a field where zero is a value of its own beside the default; its comment says so. */
#define RAG_ZERO 1.17549435e-38F

/**
 * Major version of this header.
 */
#define RAG_VERSION_MAJOR 0

/**
 * Minor version of this header.
 */
#define RAG_VERSION_MINOR 1

/**
 * Patch version of this header.
 */
#define RAG_VERSION_PATCH 0

/**
 * Binary interface of this header: the number in librag.so.N. Programs built against one number
 * run with every library that has the same.
 */
#define RAG_ABI_VERSION 0

/**
 * What a call returns. Numbers are never reused or changed; later versions may add some.
 */
typedef enum {
    /**
     * Done.
     */
    RAG_OK = 0,
    /**
     * An argument is outside its documented range, NULL where it must not be, or not UTF-8.
     */
    RAG_INVALID_ARGUMENT = 1,
    /**
     * A model, document or passage with this name or number does not exist.
     */
    RAG_NOT_FOUND = 2,
    /**
     * The operating system refused a file operation.
     */
    RAG_IO = 3,
    /**
     * A document could not be read as text.
     */
    RAG_DOCUMENT = 4,
    /**
     * A model is incomplete, damaged or of a kind that this library does not run.
     */
    RAG_MODEL = 5,
    /**
     * The knowledge base was built with another encoder.
     */
    RAG_MODEL_MISMATCH = 6,
    /**
     * The knowledge base file is not ours, is damaged, or could not be written.
     */
    RAG_STORE = 7,
    /**
     * The knowledge base is newer than this library, or older and opened only to be read.
     */
    RAG_STORE_VERSION = 8,
    /**
     * Another process or thread is writing and did not finish in time.
     */
    RAG_BUSY = 9,
    /**
     * The prompt does not fit the generator: question and instructions alone exceed its context.
     */
    RAG_CONTEXT_OVERFLOW = 10,
    /**
     * The caller cancelled; what was committed before stays.
     */
    RAG_CANCELLED = 11,
    /**
     * A broken invariant of the library, or a panic that was caught. Please report it.
     */
    RAG_INTERNAL = 99,
} rag_status;

/**
 * Why there is no answer.
 */
typedef enum {
    /**
     * There is one.
     */
    RAG_REASON_NONE = 0,
    /**
     * The knowledge base holds no passage.
     */
    RAG_REASON_EMPTY = 1,
    /**
     * The best passage is no closer to the question than to unrelated ones.
     */
    RAG_REASON_BELOW_FLOOR = 2,
    /**
     * Nothing in the passages supports what the model said.
     */
    RAG_REASON_UNSUPPORTED = 3,
    /**
     * The passages found hold too few of the question's words.
     */
    RAG_REASON_UNCOVERED = 4,
} rag_not_found_reason;

/**
 * Whether a citation still stands in its source.
 */
typedef enum {
    /**
     * The source holds the quote at the cited place.
     */
    RAG_CITATION_OK = 0,
    /**
     * The source changed, and the quote stands elsewhere in it.
     */
    RAG_CITATION_MOVED = 1,
    /**
     * The source changed, and the quote is gone.
     */
    RAG_CITATION_CHANGED = 2,
    /**
     * The source cannot be read.
     */
    RAG_CITATION_MISSING = 3,
    /**
     * Nobody looked: the knowledge base is not trusted, or the source did not answer in time.
     */
    RAG_CITATION_UNVERIFIED = 4,
} rag_citation_status;

/**
 * How a question ended.
 */
typedef enum {
    /**
     * The documents hold an answer.
     */
    RAG_OUTCOME_ANSWERED = 0,
    /**
     * They do not: see rag_answer_reason.
     */
    RAG_OUTCOME_NOT_FOUND = 1,
    /**
     * A guard refused: see rag_answer_guard.
     */
    RAG_OUTCOME_REFUSED = 2,
} rag_outcome;

/**
 * Which guard refused.
 */
typedef enum {
    /**
     * None.
     */
    RAG_GUARD_NONE = 0,
    /**
     * The question is too long.
     */
    RAG_GUARD_LENGTH = 1,
    /**
     * The question matches a deny rule.
     */
    RAG_GUARD_DENY = 2,
    /**
     * The question matches no allow rule.
     */
    RAG_GUARD_ALLOW = 3,
    /**
     * The question is close to an example of what may not be asked.
     */
    RAG_GUARD_OFF_TOPIC = 4,
    /**
     * The question is close to no example of what may be asked.
     */
    RAG_GUARD_TOPIC = 5,
    /**
     * The answer matches a rule on answers.
     */
    RAG_GUARD_DENY_ANSWER = 6,
} rag_guard;

/**
 * The numbers that an encoder or a reranker multiplies. Vectors of different precisions are close,
 * not equal.
 */
typedef enum {
    /**
     * bf16 where the CPU multiplies it (AMX or AVX512-BF16), else f32.
     */
    RAG_PRECISION_AUTO = 0,
    /**
     * f32 throughout.
     */
    RAG_PRECISION_F32 = 1,
    /**
     * Weights, inputs and attention rounded to bf16, sums in f32. Slow on a CPU without
     * AVX512-BF16.
     */
    RAG_PRECISION_BF16 = 2,
    /**
     * Weights rounded to int8 for each output, inputs for each token; attention in bf16 where the
     * CPU multiplies it. Such vectors are not compared with others: the fingerprint differs.
     */
    RAG_PRECISION_INT8 = 3,
} rag_precision;

/**
 * Why a generation ended.
 */
typedef enum {
    /**
     * The model ended its turn.
     */
    RAG_STOP_END_OF_TURN = 0,
    /**
     * A stop string came up.
     */
    RAG_STOP_STRING = 1,
    /**
     * `max_new_tokens` were produced.
     */
    RAG_STOP_MAX_NEW_TOKENS = 2,
    /**
     * The context is full.
     */
    RAG_STOP_CONTEXT_FULL = 3,
    /**
     * The callback asked to stop.
     */
    RAG_STOP_CALLBACK = 4,
} rag_stop_reason;

/**
 * Whether a knowledge base may be created and written.
 */
typedef enum {
    /**
     * Read and write; create the file if it does not exist.
     */
    RAG_ACCESS_CREATE = 0,
    /**
     * Read and write; the file must exist.
     */
    RAG_ACCESS_READ_WRITE = 1,
    /**
     * Read only; the file must exist.
     */
    RAG_ACCESS_READ_ONLY = 2,
} rag_access;

/**
 * Whether what a knowledge base says of places outside of it is followed. Either way only regular
 * files are opened by the paths of documents, and an encoder that the file names by a path is
 * opened only if that path leads into the model folders or was named by somebody on this machine
 * before.
 */
typedef enum {
    /**
     * Citations are verified in the files that were indexed.
     */
    RAG_TRUST_TRUSTED = 0,
    /**
     * For a file of somebody else's. Nothing outside of it is touched on its word: every citation
     * of a file is RAG_CITATION_UNVERIFIED, `also` must be empty, and a name in the file is a name
     * in the model folders, never a path.
     */
    RAG_TRUST_UNTRUSTED = 1,
} rag_trust;

/**
 * Whether a sync writes.
 */
typedef enum {
    /**
     * Read, encode and write.
     */
    RAG_PLAN_APPLY = 0,
    /**
     * Count what would be done and write nothing.
     */
    RAG_PLAN_DRY_RUN = 1,
} rag_plan;

/**
 * What a sync does with documents whose file is missing.
 */
typedef enum {
    /**
     * Removes them; but keeps those of a folder if they are all of its documents and no other file
     * is there, or more than half of ten or more, and those of a folder that is there and empty if
     * they are ten or more: an unmounted share looks just so.
     */
    RAG_MISSING_GUARD = 0,
    /**
     * Removes them all.
     */
    RAG_MISSING_REMOVE = 1,
    /**
     * Keeps them all.
     */
    RAG_MISSING_KEEP = 2,
} rag_missing;

/**
 * What to do with files and folders whose name starts with a dot.
 */
typedef enum {
    /**
     * Leave them out, silently.
     */
    RAG_HIDDEN_SKIP = 0,
    /**
     * Take them like any other.
     */
    RAG_HIDDEN_LIST = 1,
} rag_hidden;

/**
 * Which legs of a search answer.
 */
typedef enum {
    /**
     * Vectors and words, fused as the option `fusion` says; the score is the fused one.
     */
    RAG_MODE_HYBRID = 0,
    /**
     * Vectors only; the score is the cosine.
     */
    RAG_MODE_DENSE = 1,
    /**
     * Words only; the score is BM25.
     */
    RAG_MODE_LEXICAL = 2,
} rag_mode;

/**
 * How vectors are searched.
 */
typedef enum {
    /**
     * Exact below 100,000 passages, by HNSW graph above.
     */
    RAG_INDEX_AUTO = 0,
    /**
     * Always exact.
     */
    RAG_INDEX_FLAT = 1,
    /**
     * By HNSW graph wherever one exists.
     */
    RAG_INDEX_HNSW = 2,
} rag_index;

/**
 * When to say "not found" instead of answering.
 */
typedef enum {
    /**
     * Below the floor measured on this knowledge base with unrelated questions, or where the
     * passages hold less than 0.4 of what a question in their language says.
     */
    RAG_ABSTAIN_CALIBRATED = 0,
    /**
     * Below the cosine in `abstain_below`, whatever the words.
     */
    RAG_ABSTAIN_BELOW = 1,
    /**
     * Never: answer whatever was found.
     */
    RAG_ABSTAIN_NEVER = 2,
} rag_abstain;

/**
 * Whether to record how an answer came about.
 */
typedef enum {
    /**
     * No.
     */
    RAG_EXPLAIN_OFF = 0,
    /**
     * Into the "trace" of the answer's JSON.
     */
    RAG_EXPLAIN_TRACE = 1,
} rag_explain;

/**
 * How passages are told apart from the rest of a prompt.
 */
typedef enum {
    /**
     * A number before each passage.
     */
    RAG_FENCE_NUMBERED = 0,
    /**
     * A number and a word before and after each passage, so that none can close its own fence.
     */
    RAG_FENCE_MARKED = 1,
} rag_fence;

/**
 * When to build the vector index.
 */
typedef enum {
    /**
     * If the unsealed tail or the deleted part has grown large.
     */
    RAG_SEAL_IF_NEEDED = 0,
    /**
     * Now, with an HNSW graph, whatever the size.
     */
    RAG_SEAL_NOW = 1,
} rag_seal;

/**
 * What texts are to an encoder; many put another prefix before each.
 */
typedef enum {
    /**
     * Texts to be found.
     */
    RAG_TEXT_PASSAGE = 0,
    /**
     * Questions.
     */
    RAG_TEXT_QUERY = 1,
} rag_text_role;

/**
 * The part of a long call that is running.
 */
typedef enum {
    /**
     * Listing and comparing files.
     */
    RAG_STAGE_SCAN = 0,
    /**
     * Reading, splitting, encoding and storing documents; done and total count files.
     */
    RAG_STAGE_INDEX = 1,
    /**
     * Building the vector index; done and total count vectors.
     */
    RAG_STAGE_SEAL = 2,
    /**
     * Taking in a prompt; done and total count its tokens.
     */
    RAG_STAGE_PREFILL = 3,
} rag_stage;

/**
 * What a prompt is.
 */
typedef enum {
    /**
     * Text to continue as it is.
     */
    RAG_PROMPT_TEXT = 0,
    /**
     * What a person says: it goes through the model's chat template.
     */
    RAG_PROMPT_CHAT = 1,
} rag_prompt_kind;

/**
 * Whether tokens are guessed ahead, which changes the speed and no byte. Not with beams.
 */
typedef enum {
    /**
     * From what followed the last tokens earlier in prompt and answer, more or fewer as it proves
     * right.
     */
    RAG_DRAFT_LOOKUP = 0,
    /**
     * One token at a time.
     */
    RAG_DRAFT_OFF = 1,
} rag_draft;

/**
 * How keys and values are kept.
 */
typedef enum {
    /**
     * 16-bit floats.
     */
    RAG_KV_F16 = 0,
    /**
     * 8-bit integers with a scale for each 32 numbers of a head: 53 % of the memory.
     */
    RAG_KV_Q8 = 1,
} rag_kv;

/**
 * Where personal data is masked: e-mail addresses, phone numbers, IBANs, payment cards, French
 * social security numbers.
 */
typedef enum {
    /**
     * Nowhere.
     */
    RAG_MASK_OFF = 0,
    /**
     * In what the model is told of the person: question and earlier turns.
     */
    RAG_MASK_QUESTION = 1,
    /**
     * In what is handed out: the answer, its pieces, quotes and passages.
     */
    RAG_MASK_ANSWER = 2,
    /**
     * In both.
     */
    RAG_MASK_BOTH = 3,
} rag_mask;

/**
 * Who writes an answer.
 */
typedef enum {
    /**
     * The generator; nobody if the knowledge base was opened with the generator "none".
     */
    RAG_WRITER_GENERATOR = 0,
    /**
     * Nobody: the answer is the sentence of the passages that answers best, word for word. Needs
     * no generator.
     */
    RAG_WRITER_PASSAGES = 1,
} rag_writer;

/**
 * In what order a prompt shows passages. Which of them are shown does not depend on it.
 */
typedef enum {
    /**
     * The best last, next to the question: small models read that best.
     */
    RAG_ORDER_BEST_LAST = 0,
    /**
     * The best first.
     */
    RAG_ORDER_BEST_FIRST = 1,
    /**
     * As they stand in their documents, these in the order of their best passage.
     */
    RAG_ORDER_DOCUMENT = 2,
} rag_order;

/**
 * What the generator writes before a search, for it.
 */
typedef enum {
    /**
     * Nothing. A follow-up is searched together with the question before it.
     */
    RAG_REWRITE_NONE = 0,
    /**
     * A follow-up as a question that stands alone. A first question stays as it is.
     */
    RAG_REWRITE_STANDALONE = 1,
    /**
     * Other wordings of the question, each searched too; the lists are joined by rank.
     */
    RAG_REWRITE_VARIANTS = 2,
    /**
     * A passage that might answer the question: its vector is averaged with that of the question.
     */
    RAG_REWRITE_HYPOTHETICAL = 3,
} rag_rewrite;

/**
 * How a span was found to support a claim.
 */
typedef enum {
    /**
     * The claim stands in it word for word.
     */
    RAG_EVIDENCE_QUOTE = 0,
    /**
     * It holds the claim's words, names and numbers.
     */
    RAG_EVIDENCE_WORDS = 1,
    /**
     * It means the same in another language, by the encoder.
     */
    RAG_EVIDENCE_MEANING = 2,
    /**
     * The claim stands in it but for a word in ten.
     */
    RAG_EVIDENCE_NEAR = 3,
} rag_evidence;

/**
 * What a draft is to be.
 */
typedef enum {
    /**
     * What the documents say, each thing once.
     */
    RAG_DRAFT_SYNTHESIS = 0,
    /**
     * Three ways to go, each with what speaks for it, against it, and what follows.
     */
    RAG_DRAFT_SCENARIOS = 1,
    /**
     * A thesis, arguments, objections, a conclusion.
     */
    RAG_DRAFT_ARGUMENT = 2,
    /**
     * A rule as the documents have it, the facts of the case, and whether it is kept.
     */
    RAG_DRAFT_ASSESS = 3,
    /**
     * What the documents say, and the same explained.
     */
    RAG_DRAFT_EXPLAIN = 4,
    /**
     * A table of what the documents say, each row with its document.
     */
    RAG_DRAFT_TABLE = 5,
} rag_draft_kind;

/**
 * What kind of place a rag_location is. Numbers are never reused or changed; later versions may
 * add some.
 */
typedef enum {
    /**
     * Bytes of the file; of what it unpacks to, if it is compressed as a whole.
     */
    RAG_PLACE_BYTES = 0,
    /**
     * A page.
     */
    RAG_PLACE_PAGE = 1,
    /**
     * A rectangle on a page, such as a line of text in a PDF.
     */
    RAG_PLACE_AREA = 2,
    /**
     * A numbered part: a paragraph, a slide, a row of a sheet.
     */
    RAG_PLACE_PART = 3,
} rag_place;

/**
 * Why all that was handed on of an answer so far is withdrawn.
 */
typedef enum {
    /**
     * No passage supports it as an answer to the question.
     */
    RAG_RETRACTION_UNSUPPORTED = 0,
    /**
     * The generator was not sure of its words.
     */
    RAG_RETRACTION_UNSURE = 1,
    /**
     * A guard refuses it.
     */
    RAG_RETRACTION_GUARD = 2,
    /**
     * The answer is the same but for its beginning: yes or no comes first.
     */
    RAG_RETRACTION_REWORDED = 3,
} rag_retraction;

/**
 * What the documents say, or that they do not. Owned by the caller; free it once with
 * rag_answer_free. Any number of threads may read it.
 */
typedef struct rag_answer rag_answer;

/**
 * A flag that stops calls: checked per file, per batch and per token. Once requested it stays so.
 * Any thread may use it at any time until it is freed.
 */
typedef struct rag_cancel rag_cancel;

/**
 * A conversation: each turn is an ask with the turns before it. Owned by the caller; free it once
 * with rag_chat_free. It keeps its knowledge base open. Threads may share it; turns queue.
 */
typedef struct rag_chat rag_chat;

/**
 * What a check found. Owned by the caller; free it once with rag_check_report_free.
 */
typedef struct rag_check_report rag_check_report;

/**
 * Documents, by name. Owned by the caller; free it once with rag_documents_free. Any number of
 * threads may read it.
 */
typedef struct rag_documents rag_documents;

/**
 * A sentence encoder. Owned by the caller; free it once with rag_encoder_free. Any number of
 * threads may use it.
 */
typedef struct rag_encoder rag_encoder;

/**
 * Why a call failed. Owned by the caller; free it once with rag_error_free.
 */
typedef struct rag_error rag_error;

/**
 * What was generated. Owned by the caller; free it once with rag_generation_free. Any number of
 * threads may read it.
 */
typedef struct rag_generation rag_generation;

/**
 * A loaded generator. Owned by the caller; free it once with rag_generator_free. Any number of
 * threads may use it; one call generates at a time, others wait.
 */
typedef struct rag_generator rag_generator;

/**
 * What a search found, best first. Owned by the caller; free it once with rag_hits_free. Any
 * number of threads may read it.
 */
typedef struct rag_hits rag_hits;

/**
 * One knowledge base: the file, its encoder and, once asked, its generator. Any number of threads
 * may use it at once; writers queue. After a fork, open a new one in the child.
 */
typedef struct rag_kb rag_kb;

/**
 * Places, in the order of the text. Owned by the caller; free it once with rag_locations_free. Any
 * number of threads may read it.
 */
typedef struct rag_locations rag_locations;

/**
 * Numbers of passages, in order. Owned by the caller; free it once with rag_passage_ids_free.
 */
typedef struct rag_passage_ids rag_passage_ids;

/**
 * A cross-encoder, or a model of late interaction: reads a question and a text and says how well
 * the one answers the other. Owned by the caller; free it once with rag_reranker_free. Any number
 * of threads may use it. To sort what a search finds, name it in rag_open_options.reranker.
 */
typedef struct rag_reranker rag_reranker;

/**
 * What a sync did. Owned by the caller; free it once with rag_sync_report_free.
 */
typedef struct rag_sync_report rag_sync_report;

/**
 * The text that a callback gives, lent to it for the call: only the thread that is called back may
 * use it.
 */
typedef struct rag_text rag_text;

/**
 * An option by its name. Any options struct takes some.
 */
typedef struct {
    /**
     * Its name in docs/options.md, such as "top_k".
     */
    const char *name;
    /**
     * Its value, written as for the shell: "3", "true", "dense". What takes a list takes a setting
     * for each item.
     */
    const char *value;
} rag_setting;

/**
 * How to load an encoder. Begin with RAG_ENCODER_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_encoder_options); set by RAG_ENCODER_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * A folder of models, looked in before the usual places. NULL: none.
     */
    const char *model_dir;
    /**
     * What runs the network: "auto" for our own kernels, "candle" for candle on the CPU; "cuda:0"
     * or "metal:0" in builds for them. NULL: "auto".
     */
    const char *backend;
    /**
     * Instructions of our own kernels: "amx", "avx512", "avx2", "neon" or "portable". NULL: the
     * best that the CPU has.
     */
    const char *level;
    /**
     * Most threads of a call. 0: as many as the machine runs at once.
     */
    size_t threads;
    /**
     * Keep the first so many floats of each vector, scaled to length 1 again, for models trained
     * so. 0: all.
     */
    size_t truncate_dim;
    /**
     * A rag_precision.
     */
    int32_t precision;
    /**
     * Zero: the struct ends at a multiple of its largest field.
     */
    int32_t reserved;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_encoder_options;

/**
 * How to load a generator. Begin with RAG_GENERATOR_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_generator_options); set by RAG_GENERATOR_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * A folder of models, looked in before the usual places. NULL: none.
     */
    const char *model_dir;
    /**
     * A built-in chat template in place of the model's own: "chatml", "completion", "gemma",
     * "llama2", "llama3", "mistral", "phi3" or "zephyr". NULL: the model's own, else the built-in
     * one that its vocabulary was made for.
     */
    const char *template_name;
    /**
     * Threads, the caller's included, to 256; candle's networks choose their own. 0: as many as
     * the machine runs at once.
     */
    size_t threads;
    /**
     * A rag_kv.
     */
    int32_t kv;
    /**
     * Zero: `backend` stands at a multiple of its size.
     */
    int32_t reserved;
    /**
     * What runs the network: "auto" for our own decoder, or candle on the CPU for families that it
     * does not run; "candle" for that alone; "cuda:0" or "metal:0" in builds for them. NULL:
     * "auto".
     */
    const char *backend;
    /**
     * Instructions: "amx", "avx512", "avx2", "neon" or "portable". NULL: the best that the CPU
     * has.
     */
    const char *level;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_generator_options;

/**
 * How to load a reranker. Begin with RAG_RERANKER_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_reranker_options); set by RAG_RERANKER_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * A folder of models, looked in before the usual places. NULL: none.
     */
    const char *model_dir;
    /**
     * Instructions: "amx", "avx512", "avx2", "neon" or "portable". NULL: the best that the CPU
     * has.
     */
    const char *level;
    /**
     * Most threads of a call. 0: as many as the machine runs at once.
     */
    size_t threads;
    /**
     * A rag_precision.
     */
    int32_t precision;
    /**
     * Zero: the struct ends at a multiple of its largest field.
     */
    int32_t reserved;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_reranker_options;

/**
 * How to open a knowledge base. Begin with RAG_OPEN_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_open_options); set by RAG_OPEN_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * Encoder: a name in the model cache, a path or a hub id already on this machine. NULL: the
     * one the file was built with, else "e5-small".
     */
    const char *encoder;
    /**
     * Generator, likewise; loaded at the first answer. "none": answers are the best sentences.
     * NULL: "qwen2.5-0.5b".
     */
    const char *llm;
    /**
     * A folder of models, looked in before the usual places. NULL: none.
     */
    const char *model_dir;
    /**
     * Reranker, likewise: a cross-encoder or a model of late interaction, which sorts the best
     * hits anew; loaded at the first search. NULL: none.
     */
    const char *reranker;
    /**
     * Further knowledge bases that are searched with this one as if all were one file, each by the
     * same encoder and only read.
     */
    const char *const *also;
    /**
     * How many.
     */
    size_t also_count;
    /**
     * An encoder that is loaded already, or is the caller's own, in place of `encoder`, which is
     * then NULL. It may be freed once the file is open. NULL: none.
     */
    const rag_encoder *loaded_encoder;
    /**
     * Write zeros over what is removed or replaced, and empty the log at the end of each call that
     * does so; rag_kb_purge leaves nothing at all. Each such call then rewrites the full-text
     * index. Zero: what is removed is marked as free.
     */
    int32_t secure_delete;
    /**
     * A rag_access.
     */
    int32_t access;
    /**
     * A rag_trust.
     */
    int32_t trust;
    /**
     * Zero: the struct ends at a multiple of its largest field.
     */
    int32_t reserved;
    /**
     * How the encoder is loaded, if it is not given loaded; its `model_dir` must be NULL. NULL:
     * the defaults.
     */
    const rag_encoder_options *encoder_options;
    /**
     * How the generator is loaded; its `model_dir` must be NULL. NULL: the defaults.
     */
    const rag_generator_options *generator_options;
    /**
     * How the reranker is loaded; its `model_dir` must be NULL. NULL: the defaults.
     */
    const rag_reranker_options *reranker_options;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_open_options;

/**
 * One report from a long call. Made by the library; later versions may append fields.
 */
typedef struct {
    /**
     * What is being counted: a rag_stage.
     */
    int32_t stage;
    /**
     * 1 if `total` is known, else 0.
     */
    int32_t has_total;
    /**
     * Units finished.
     */
    size_t done;
    /**
     * Units in all, once known; else 0.
     */
    size_t total;
    /**
     * Passages stored so far in this call.
     */
    size_t passage_count;
    /**
     * The file just finished, UTF-8; NULL if the stage does not work on files.
     */
    const char *path;
    /**
     * Bytes of the files finished; 0 if the stage does not work on files.
     */
    uint64_t done_bytes;
    /**
     * Bytes of all files.
     */
    uint64_t total_bytes;
    /**
     * Since the stage began.
     */
    double elapsed_seconds;
    /**
     * Passages stored a second since the stage began; 0 before there are any.
     */
    double passages_per_second;
    /**
     * How long the rest of the stage takes if it goes on like this; negative if that is not known
     * yet.
     */
    double remaining_seconds;
} rag_progress;

/**
 * Gets reports of a long call, on the thread that made the call; `progress` is borrowed for the
 * callback. Return false to stop: the call ends with RAG_CANCELLED and what was committed stays.
 * It must not throw, not longjmp, and not use the handle it was called for.
 */
typedef bool (*rag_on_progress)(const rag_progress *progress, void *user_data);

/**
 * A picture to be read: a file, or a part of one. Made by the library; later versions may append
 * fields.
 */
typedef struct {
    /**
     * A whole picture file.
     */
    const uint8_t *bytes;
    /**
     * How many bytes.
     */
    size_t size;
    /**
     * Its format, such as "image/jpeg"; also "image/jp2", "image/png", "image/tiff", "image/gif",
     * "image/webp", "image/bmp", "image/x-portable-anymap".
     */
    const char *media_type;
    /**
     * The page it stands on, from 1; 0 if it is not part of a document with pages.
     */
    uint32_t page;
    /**
     * Zero.
     */
    uint32_t reserved;
} rag_picture;

/**
 * Reads the text of a picture (optical character recognition, of which the engine has none) and
 * appends it to `text`, paragraphs separated by blank lines; nothing if there is none. Called on a
 * thread of the library's, one picture at a time; `picture` is borrowed for the callback. Return
 * false if it cannot, after rag_text_fail if there is something to say: the file is then skipped
 * for it. It must not throw, not longjmp, and not use the handle it was called for.
 */
typedef bool (*rag_on_recognize)(const rag_picture *picture, rag_text *text, void *user_data);

/**
 * How to mirror a folder. Begin with RAG_SYNC_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_sync_options); set by RAG_SYNC_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * Larger files are skipped with a reason. 0: 64 MiB.
     */
    uint64_t max_file_bytes;
    /**
     * Most tokens of a passage. 0: 200, or what the encoder takes if that is less.
     */
    size_t max_tokens;
    /**
     * A rag_plan.
     */
    int32_t plan;
    /**
     * A rag_hidden.
     */
    int32_t hidden;
    /**
     * Gets reports. NULL: none.
     */
    rag_on_progress on_progress;
    /**
     * Handed to `on_progress`.
     */
    void *user_data;
    /**
     * Stops the call. NULL: nothing does.
     */
    const rag_cancel *cancel;
    /**
     * Neighbours kept per node above layer 0 of the graph, twice as many on layer 0, where one is
     * built at the end (above 100,000 passages), 2 to 64. 0: 16.
     */
    size_t hnsw_m;
    /**
     * Candidates explored per insertion into it, 1 to 10,000. 0: 200.
     */
    size_t hnsw_ef_construction;
    /**
     * A section with fewer tokens shares its passages with the sections after it. 0: none does.
     */
    size_t min_tokens;
    /**
     * Tokens of the end of a passage that the next one of the same section repeats.
     */
    size_t overlap_tokens;
    /**
     * A file that takes longer to read, the time of `on_recognize` not counted, is skipped with a
     * reason. 0: 60.
     */
    double max_read_seconds;
    /**
     * Only files that match one of these globs, in the syntax of .gitignore and relative to the
     * folder. NULL: all.
     */
    const char *const *include;
    /**
     * How many.
     */
    size_t include_count;
    /**
     * No files or folders that match one of these globs.
     */
    const char *const *exclude;
    /**
     * How many.
     */
    size_t exclude_count;
    /**
     * Reads the text of pictures and scanned pages; files skipped before for want of one are tried
     * again. NULL: pictures are skipped, and so is what has nothing but scanned pages.
     */
    rag_on_recognize on_recognize;
    /**
     * Handed to `on_recognize`.
     */
    void *recognize_user_data;
    /**
     * A rag_missing.
     */
    int32_t missing;
    /**
     * Zero: the struct ends at a multiple of its largest field.
     */
    int32_t reserved;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_sync_options;

/**
 * How to add a text. Begin with RAG_ADD_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_add_options); set by RAG_ADD_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * Names of metadata, `metadata_count` of them.
     */
    const char *const *metadata_keys;
    /**
     * Their values, in the same order.
     */
    const char *const *metadata_values;
    /**
     * How many there are of each.
     */
    size_t metadata_count;
    /**
     * Stops the call. NULL: nothing does.
     */
    const rag_cancel *cancel;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_add_options;

/**
 * How to search. Begin with RAG_SEARCH_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_search_options); set by RAG_SEARCH_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * Most hits returned, to 10,000. 0: 5 for rag_kb_search; passages offered to the prompt: 3 for
     * rag_kb_ask, 10 for rag_kb_summarize.
     */
    size_t top_k;
    /**
     * A rag_mode.
     */
    int32_t mode;
    /**
     * A rag_index.
     */
    int32_t index;
    /**
     * Stops the call. NULL: nothing does. In a rag_ask_options it is NULL: those have one of their
     * own.
     */
    const rag_cancel *cancel;
    /**
     * Only passages of documents that pass, such as "kind = pdf AND year >= 2020 AND NOT lang =
     * fr". NULL: all.
     */
    const char *filter;
    /**
     * Candidates explored in the graph, where one is walked. 0: 128.
     */
    size_t ef_search;
    /**
     * How vectors and words become one order: "convex" (a weighted mean of scores),
     * "convex:WEIGHT" with the weight of the vectors from 0 to 1, "rrf" or "rrf:K" (by ranks).
     * NULL: "convex".
     */
    const char *fusion;
    /**
     * What comes with each hit, as hits beside it: "none", "section" (the passages around it under the same heading, eight on
     * each side at most), or a number of passages before and after, to 100. NULL: "none".
     */
    const char *context;
    /**
     * How much a hit must differ from those before it, from 0 to 1. 0: not at all.
     */
    float diversity;
    /**
     * Zero: `rerank` stands at a multiple of its size.
     */
    int32_t reserved;
    /**
     * How many of the best hits the reranker sorts anew. 0: 30 if there is one; -1: none.
     */
    int64_t rerank;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_search_options;

/**
 * Gets an answer piece by piece, on the thread that made the call; `piece` is `size` bytes of
 * whole UTF-8 characters, not NUL-terminated, borrowed for the callback. Return false to end the
 * answer there. It must not throw, not longjmp, and not use the handle it was called for.
 */
typedef bool (*rag_on_piece)(const char *piece, size_t size, void *user_data);

/**
 * How to generate. Begin with RAG_GENERATE_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_generate_options); set by RAG_GENERATE_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * What `prompt` is: a rag_prompt_kind. In a rag_ask_options it is zero.
     */
    int32_t prompt_kind;
    /**
     * 1: beam search ends as soon as `beams` continuations have ended. 0: once the greedy one and
     * `beams` others have, and none that still grows scores better.
     */
    int32_t early_stopping;
    /**
     * A rag_draft.
     */
    int32_t draft;
    /**
     * Record the log-probability of each token, and of so many of the likeliest in its place, to
     * 20; -1: of the token alone. They are the model's own, before penalties and temperature: see
     * rag_generation_logprob_at. Not with beams; answers do not hold them. 0: none.
     */
    int32_t logprobs;
    /**
     * Persona and rules before a RAG_PROMPT_CHAT prompt. NULL: none. In a rag_ask_options it is
     * NULL: those have one of their own.
     */
    const char *system;
    /**
     * Most tokens to produce. 0: 256.
     */
    size_t max_new_tokens;
    /**
     * Seed of the sampler. Same seed, same bytes.
     */
    uint64_t seed;
    /**
     * 0: greedy; otherwise logits are divided by it, to 100.
     */
    float temperature;
    /**
     * Keep the likeliest tokens that sum to this, to 1. 0: all.
     */
    float top_p;
    /**
     * Keep tokens at least this share as likely as the likeliest, to 1. 0: all.
     */
    float min_p;
    /**
     * Keep the tokens whose surprise is nearest to the mean surprise, until they sum to this, to 1. 0: all.
     */
    float typical_p;
    /**
     * Divides the positive logits of tokens already in prompt or answer, multiplies the negative
     * ones, to 10. 0: 1, off.
     */
    float repetition_penalty;
    /**
     * Subtracted from the logits of tokens already in the answer, -100 to 100.
     */
    float presence_penalty;
    /**
     * Subtracted from the logits of tokens already in the answer, once for each time, -100 to 100.
     */
    float frequency_penalty;
    /**
     * Beam search divides the log-probability of a continuation by its length to this power, -10
     * to 10: above 1 prefers long ones, RAG_ZERO compares sums. 0: 1, the mean.
     */
    float length_penalty;
    /**
     * Keep this many of the likeliest tokens. 0: all.
     */
    size_t top_k;
    /**
     * Width of beam search, to 16. Wider than 1 needs temperature 0, no penalty and no logit_bias.
     * 0: 1, off.
     */
    size_t beams;
    /**
     * Generation ends before any of these, `stop_count` of them; none may be empty.
     */
    const char *const *stop;
    /**
     * How many there are.
     */
    size_t stop_count;
    /**
     * Tokens whose logits are changed, greedy or not, `logit_bias_count` of them.
     */
    const uint32_t *logit_bias_ids;
    /**
     * What is added to each; -INFINITY forbids a token.
     */
    const float *logit_bias_values;
    /**
     * How many there are of each.
     */
    size_t logit_bias_count;
    /**
     * Gets the text as it is written. NULL: none. In a rag_ask_options it is NULL: those have one
     * of their own.
     */
    rag_on_piece on_piece;
    /**
     * Handed to `on_piece`.
     */
    void *user_data;
    /**
     * Stops the call, within one token. NULL: nothing does. In a rag_ask_options it is NULL: those
     * have one of their own.
     */
    const rag_cancel *cancel;
    /**
     * Hold the text to a JSON value that this JSON Schema describes. NULL: not. Of the three, one
     * at most.
     */
    const char *json_schema;
    /**
     * Hold the whole text to this regular expression. NULL: not.
     */
    const char *regex;
    /**
     * Hold the whole text to this grammar in Lark's notation. NULL: not.
     */
    const char *grammar;
    /**
     * Gets reports while the prompt is taken in; false stops the call. NULL: none. In a
     * rag_ask_options it is NULL.
     */
    rag_on_progress on_progress;
    /**
     * Handed to `on_progress`.
     */
    void *progress_user_data;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_generate_options;

/**
 * What may be asked and answered. Begin with RAG_GUARDS_INIT; zero in a field is its default.
 * Rules are regular expressions without look-around; case and accents do not count. A question or
 * answer that is refused gives an answer with RAG_OUTCOME_REFUSED, not an error.
 */
typedef struct {
    /**
     * sizeof(rag_guards); set by RAG_GUARDS_INIT.
     */
    size_t struct_size;
    /**
     * Longest question, in characters. 0: 100,000, which is more than most models hold.
     */
    size_t max_question_chars;
    /**
     * Questions that match one of these are refused, `deny_count` of them.
     */
    const char *const *deny;
    /**
     * How many there are.
     */
    size_t deny_count;
    /**
     * Questions that match none of these are refused, `allow_count` of them.
     */
    const char *const *allow;
    /**
     * How many there are. 0: off.
     */
    size_t allow_count;
    /**
     * Answers that match one of these are refused, `deny_answer_count` of them; `on_piece` then
     * gets the answer only when it is complete.
     */
    const char *const *deny_answer;
    /**
     * How many there are.
     */
    size_t deny_answer_count;
    /**
     * Examples of what may be asked, `topic_count` of them; questions that are like none are
     * refused.
     */
    const char *const *topics;
    /**
     * How many there are. 0: off.
     */
    size_t topic_count;
    /**
     * Examples of what may not be asked, `off_topic_count` of them; questions like them are
     * refused.
     */
    const char *const *off_topics;
    /**
     * How many there are.
     */
    size_t off_topic_count;
    /**
     * Centred cosine to the nearest of `topics` below which a question is refused, -1 to 1,
     * RAG_ZERO for zero. 0: 0.25.
     */
    float topic_min;
    /**
     * Centred cosine to the nearest of `off_topics` above which a question is refused, -1 to 1,
     * RAG_ZERO for zero. 0: 0.4.
     */
    float off_topic_max;
    /**
     * A rag_mask.
     */
    int32_t mask;
    /**
     * Zero: the struct ends at a multiple of its largest field.
     */
    int32_t reserved;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
} rag_guards;

/**
 * One turn of a conversation.
 */
typedef struct {
    /**
     * "system", "user" or "assistant".
     */
    const char *role;
    /**
     * What is said, UTF-8, followed by a NUL byte.
     */
    const char *content;
    /**
     * Bytes of `content`, the NUL byte not counted.
     */
    size_t content_bytes;
} rag_turn;

/**
 * A question answered the way answers should be.
 */
typedef struct {
    /**
     * What the answer is taken from.
     */
    const char *const *passages;
    /**
     * How many passages.
     */
    size_t passage_count;
    /**
     * The question.
     */
    const char *question;
    /**
     * The answer.
     */
    const char *answer;
} rag_example;

/**
 * Writes an answer in the generator's place, on the thread that made the call. It gets the
 * conversation as the generator would: `count` turns with instructions, worked examples, earlier
 * turns, and last the numbered passages and the question, borrowed for the callback. It appends
 * the answer to `answer`, in pieces if it likes, which go on to `on_piece`; what it writes is
 * judged, cited and masked like any answer. Return false if it cannot, after rag_text_fail if
 * there is something to say: the call ends with RAG_MODEL. It must not throw, not longjmp, and not
 * use the handle it was called for.
 */
typedef bool (*rag_on_write)(const rag_turn *turns, size_t count, rag_text *answer, void *user_data);

/**
 * Hears that every piece so far is withdrawn, on the thread that made the call; `why` is a
 * rag_retraction. The pieces of the text that takes their place follow, if there is one. It must
 * not throw, not longjmp, and not use the handle it was called for.
 */
typedef void (*rag_on_retract)(int32_t why, void *user_data);

/**
 * How to answer. Begin with RAG_ASK_OPTIONS_INIT; zero in a field is its default.
 */
typedef struct {
    /**
     * sizeof(rag_ask_options); set by RAG_ASK_OPTIONS_INIT.
     */
    size_t struct_size;
    /**
     * How passages are found; `top_k` of them are offered to the prompt. NULL: 3 passages, both
     * legs.
     */
    const rag_search_options *search;
    /**
     * How the answer is generated. NULL: greedy, 256 tokens.
     */
    const rag_generate_options *generate;
    /**
     * What may be asked and answered, and whether personal data is masked. NULL: only a limit on
     * length.
     */
    const rag_guards *guards;
    /**
     * Persona and rules, put into the system turn. NULL: none.
     */
    const char *system;
    /**
     * Earlier turns of the conversation, `history_count` of them; a chat goes on from them.
     */
    const rag_turn *history;
    /**
     * How many.
     */
    size_t history_count;
    /**
     * A rag_abstain.
     */
    int32_t abstain;
    /**
     * The cosine for RAG_ABSTAIN_BELOW.
     */
    float abstain_below;
    /**
     * A rag_explain.
     */
    int32_t explain;
    /**
     * A rag_writer.
     */
    int32_t writer;
    /**
     * A rag_fence.
     */
    int32_t fence;
    /**
     * A rag_order.
     */
    int32_t order;
    /**
     * A rag_rewrite.
     */
    int32_t rewrite;
    /**
     * How many other wordings RAG_REWRITE_VARIANTS asks for, 1 to 5. 0: 3.
     */
    uint32_t variant_count;
    /**
     * Of each passage, only so many sentences in a row are shown to the generator, those around
     * the one that answers best: small models get lost in long passages. 0: all.
     */
    size_t sentences;
    /**
     * Worked examples shown before the passages, in place of ours; not NULL and none of them: no
     * examples. NULL: two in the language of the question.
     */
    const rag_example *examples;
    /**
     * How many.
     */
    size_t example_count;
    /**
     * Gets the answer as it is written. NULL: none.
     */
    rag_on_piece on_piece;
    /**
     * Handed to `on_piece`.
     */
    void *user_data;
    /**
     * Stops the call, within one token. NULL: nothing does.
     */
    const rag_cancel *cancel;
    /**
     * Writes answers to questions in the generator's place; `writer` is then RAG_WRITER_GENERATOR.
     * No passage is left out for want of room: how many fit is yours to say with `top_k`. NULL:
     * `writer` says who does.
     */
    rag_on_write on_write;
    /**
     * Handed to `on_write`.
     */
    void *write_user_data;
    /**
     * Options by their names in docs/options.md, `setting_count` of them, set after the fields;
     * among them those that have no field here.
     */
    const rag_setting *settings;
    /**
     * How many.
     */
    size_t setting_count;
    /**
     * Hears that what `on_piece` was given is withdrawn. With it the setting "stream" may be
     * "raw": pieces come as they are written, before they are checked. NULL: they are checked
     * first.
     */
    rag_on_retract on_retract;
    /**
     * Handed to `on_retract`.
     */
    void *retract_user_data;
} rag_ask_options;

/**
 * Counts and sizes of a knowledge base. Made by rag_kb_info; later versions may append fields.
 */
typedef struct {
    /**
     * Documents held, skipped ones not counted.
     */
    size_t document_count;
    /**
     * Documents that were passed over and are remembered with their reason.
     */
    size_t skipped_count;
    /**
     * Passages held.
     */
    size_t passage_count;
    /**
     * Length of a vector; 0 if no encoder was ever bound.
     */
    size_t dim;
    /**
     * Counts seals of the vector index.
     */
    uint64_t generation;
    /**
     * Size of the file, in bytes.
     */
    uint64_t bytes;
    /**
     * Format version of the file.
     */
    uint32_t format_version;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Name of the encoder; NULL if none was ever bound.
     */
    const char *encoder;
    /**
     * Its fingerprint; NULL likewise.
     */
    const char *fingerprint;
    /**
     * How questions meet vectors now: "flat" or "hnsw".
     */
    const char *index;
    /**
     * All of it as a JSON object.
     */
    const char *json;
} rag_info;

/**
 * A passage as stored. Made by rag_kb_passage; later versions may append fields.
 */
typedef struct {
    /**
     * Its number, never reused.
     */
    int64_t passage_id;
    /**
     * Number of the document it belongs to.
     */
    int64_t document_id;
    /**
     * Name of that document.
     */
    const char *uri;
    /**
     * Title of that document; NULL if it has none.
     */
    const char *title;
    /**
     * Heading path above the passage; NULL if there is none.
     */
    const char *heading;
    /**
     * The passage, UTF-8, followed by a NUL byte.
     */
    const char *text;
    /**
     * Bytes of `text`, the NUL byte not counted.
     */
    size_t text_bytes;
    /**
     * First byte in the document's text.
     */
    size_t start;
    /**
     * One past its last byte.
     */
    size_t end;
    /**
     * Its place in the document, from 0.
     */
    size_t ordinal;
    /**
     * Page on which it begins, from 1; 0 if the format has none.
     */
    uint32_t page;
    /**
     * Zero.
     */
    uint32_t reserved;
} rag_passage;

/**
 * A document as the file holds it, without its text. Lent by a rag_documents; later versions may
 * append fields.
 */
typedef struct {
    /**
     * Its number, never reused.
     */
    int64_t document_id;
    /**
     * An absolute path, or the name that added text was given.
     */
    const char *uri;
    /**
     * The format: "markdown", "pdf", ...
     */
    const char *kind;
    /**
     * NULL if it has none.
     */
    const char *title;
    /**
     * ISO 639-1 code; NULL if not known.
     */
    const char *lang;
    /**
     * What its format or the caller says of it: a JSON object of texts.
     */
    const char *metadata_json;
    /**
     * Why nothing of it is held; NULL if something is.
     */
    const char *skipped;
    /**
     * Size of the source when it was read.
     */
    uint64_t size_bytes;
    /**
     * Its time of last change when it was read, nanoseconds since 1970; 0 for added text.
     */
    int64_t mtime_ns;
    /**
     * Bytes of its text.
     */
    uint64_t text_bytes;
    /**
     * Passages it was cut into.
     */
    size_t passage_count;
    /**
     * What of its source was not read and is not held, in words: "3 pictures, 1 attachment
     * (plan.dwg)"; NULL if all was.
     */
    const char *unread;
    /**
     * The same as a JSON array of {"kind": ..., "count": ..., "names": [...]}.
     */
    const char *unread_json;
} rag_document;

/**
 * A place in a file. Lent by a rag_locations; later versions may append fields.
 */
typedef struct {
    /**
     * A rag_place.
     */
    int32_t kind;
    /**
     * Of pages and areas, from 1; else 0.
     */
    uint32_t page;
    /**
     * Of bytes: the first.
     */
    uint64_t start;
    /**
     * Of bytes: one past the last.
     */
    uint64_t end;
    /**
     * Of areas: left, bottom, right, top in whole points, in the coordinates of the page.
     */
    int32_t bounds[4];
    /**
     * Of parts: what is counted, such as "row"; else NULL.
     */
    const char *unit;
    /**
     * Of parts: what it stands in or is called, such as "sheet Budget"; NULL if it has no name.
     */
    const char *name;
    /**
     * For a person: "page 3", "sheet Budget, row 12". Never NULL.
     */
    const char *text;
    /**
     * Of parts, from 1; else 0.
     */
    uint32_t number;
    /**
     * Zero.
     */
    uint32_t reserved;
} rag_location;

/**
 * A passage found. Lent by rag_hits_at or rag_answer_hit_at until its owner is freed; later
 * versions may append fields.
 */
typedef struct {
    /**
     * The passage's number in its file, never reused.
     */
    int64_t passage_id;
    /**
     * By what the hits of one search are sorted; see rag_mode, or the reranker's score where
     * `rerank_rank` is not 0. Higher is better. Across questions compare cosines.
     */
    float score;
    /**
     * Cosine to the question; NaN where it was not computed.
     */
    float cosine;
    /**
     * Name of the document: an absolute path for files.
     */
    const char *uri;
    /**
     * Title of the document; NULL if it has none.
     */
    const char *title;
    /**
     * Heading path above the passage; NULL if there is none.
     */
    const char *heading;
    /**
     * The passage, UTF-8, followed by a NUL byte.
     */
    const char *text;
    /**
     * Bytes of `text`, the NUL byte not counted.
     */
    size_t text_bytes;
    /**
     * First byte in the document's text.
     */
    size_t start;
    /**
     * One past its last byte.
     */
    size_t end;
    /**
     * First byte in the source file; -1 where the format has none to show.
     */
    int64_t source_start;
    /**
     * One past its last byte in the source file; -1 likewise.
     */
    int64_t source_end;
    /**
     * Rank among vectors, from 1; 0 if not found there.
     */
    size_t dense_rank;
    /**
     * Rank among words, from 1; 0 if not found there.
     */
    size_t lexical_rank;
    /**
     * Page, from 1; 0 if the format has none.
     */
    uint32_t page;
    /**
     * BM25 of the question's words; NaN where it was not computed.
     */
    float bm25;
    /**
     * Rank after reranking, from 1; 0 if the hit was not reranked.
     */
    size_t rerank_rank;
    /**
     * Which file it is of: 0 for the knowledge base itself, 1 for the first of
     * rag_open_options.also.
     */
    size_t store;
} rag_hit;

/**
 * A span of a passage that supports a part of an answer. Lent by rag_answer_citation_at until the
 * answer is freed; later versions may append fields.
 */
typedef struct {
    /**
     * The number in the answer's text, from 1.
     */
    size_t marker;
    /**
     * The passage that holds the quote.
     */
    int64_t passage_id;
    /**
     * Name of the document: an absolute path for files.
     */
    const char *uri;
    /**
     * The words of the document, UTF-8, followed by a NUL byte.
     */
    const char *quote;
    /**
     * Bytes of `quote`, the NUL byte not counted.
     */
    size_t quote_bytes;
    /**
     * First byte of the quote in the document's text; for text and Markdown in UTF-8 that is the
     * file itself.
     */
    size_t start;
    /**
     * One past its last byte.
     */
    size_t end;
    /**
     * First byte in the source file; -1 where the format has none to show.
     */
    int64_t source_start;
    /**
     * One past its last byte in the source file; -1 likewise.
     */
    int64_t source_end;
    /**
     * Page, from 1; 0 if the format has none.
     */
    uint32_t page;
    /**
     * How much of the claim the quote covers, 0 to 1; for RAG_EVIDENCE_MEANING the cosine.
     */
    float support;
    /**
     * A rag_citation_status, as it was when the answer was made; see rag_kb_verify.
     */
    int32_t status;
    /**
     * A rag_evidence.
     */
    int32_t evidence;
    /**
     * Which file holds it: 0 for the knowledge base itself, 1 for the first of
     * rag_open_options.also.
     */
    size_t store;
} rag_citation;

/**
 * Where the time of an answer went. Lent by rag_answer_timings until the answer is freed; later
 * versions may append fields.
 */
typedef struct {
    /**
     * Milliseconds to load the generator, if this call did.
     */
    double load_ms;
    /**
     * Milliseconds to encode the question and search, rewriting included.
     */
    double search_ms;
    /**
     * Milliseconds to take in the prompt.
     */
    double prefill_ms;
    /**
     * Milliseconds for the tokens after the first.
     */
    double decode_ms;
    /**
     * Milliseconds from the call to the first token of the answer, loading included.
     */
    double first_token_ms;
    /**
     * Milliseconds of the whole call.
     */
    double total_ms;
    /**
     * Tokens of the prompt.
     */
    size_t prompt_token_count;
    /**
     * Tokens of the answer.
     */
    size_t answer_token_count;
} rag_timings;

/**
 * Counts of a sync. Lent by rag_sync_report_counts until the report is freed; later versions may
 * append fields.
 */
typedef struct {
    /**
     * Documents that are new.
     */
    size_t added;
    /**
     * Documents whose bytes changed.
     */
    size_t updated;
    /**
     * Documents whose file is gone.
     */
    size_t removed;
    /**
     * Documents that moved, bytes unchanged; they kept their passages.
     */
    size_t renamed;
    /**
     * Documents that are as they were.
     */
    size_t unchanged;
    /**
     * Files passed over.
     */
    size_t skipped;
    /**
     * Passages written.
     */
    size_t passage_count;
    /**
     * Wall time.
     */
    double seconds;
    /**
     * Documents that were kept though their file is missing; rag_sync_report_missing_at names
     * them.
     */
    size_t missing;
    /**
     * Documents added or updated that were not read whole; rag_sync_report_unread_at says what was
     * not.
     */
    size_t unread;
} rag_sync_counts;

/**
 * A file passed over, and why. Lent by rag_sync_report_skipped_at until the report is freed; later
 * versions may append fields.
 */
typedef struct {
    /**
     * The file.
     */
    const char *path;
    /**
     * Why, in one line.
     */
    const char *message;
    /**
     * Why, as a rag_status.
     */
    int32_t code;
    /**
     * Zero.
     */
    int32_t reserved;
    /**
     * Why a document could not be read, in a word that never changes: "NoText", "Encrypted",
     * "UndecodedFont", "Unsupported", "Broken", "TooLarge", "TooSlow" or "NotAFile"; later
     * versions may add some. NULL if `code` is not RAG_DOCUMENT.
     */
    const char *unreadable;
} rag_skipped;

/**
 * A document of which something was not read. Lent by rag_sync_report_unread_at until the report
 * is freed; later versions may append fields.
 */
typedef struct {
    /**
     * The file.
     */
    const char *path;
    /**
     * What was not read, in words: "3 pictures, 1 attachment (plan.dwg)".
     */
    const char *unread;
    /**
     * The same as a JSON array of {"kind": ..., "count": ..., "names": [...]}.
     */
    const char *unread_json;
} rag_partly_read;

/**
 * One thing found wrong. Lent by rag_check_report_at until the report is freed; later versions may
 * append fields.
 */
typedef struct {
    /**
     * Which part: "file", "document", "passage", "vector", "lexical" or "segment".
     */
    const char *part;
    /**
     * What is wrong, and with which row.
     */
    const char *message;
    /**
     * 1 if the part can be made again from what is intact, else 0.
     */
    int32_t repairable;
    /**
     * Zero.
     */
    int32_t reserved;
} rag_damage;

/**
 * Turns `count` texts into `count` rows of floats in `rows`, one row of the encoder's length for
 * each, of any length but zero: they are scaled to 1. `role` is a rag_text_role. Text `i` is
 * `sizes[i]` bytes of UTF-8 at `texts[i]`, not NUL-terminated; there are 64 at most. All are
 * borrowed for the callback, `rows` is zero before. Return false if it cannot: the call that
 * needed the vectors ends with RAG_MODEL. Several threads may call it at once, also threads of the
 * library's. It must not throw, not longjmp, and not use a knowledge base that was opened with it.
 */
typedef bool (*rag_on_encode)(int32_t role,
                              const char *const *texts,
                              const size_t *sizes,
                              size_t count,
                              float *rows,
                              void *user_data);

/**
 * A token with the logarithms of the probabilities the model gave. Lent by
 * rag_generation_logprob_at until the generation is freed; later versions may append fields.
 */
typedef struct {
    /**
     * The token.
     */
    uint32_t token_id;
    /**
     * Its natural log-probability.
     */
    float logprob;
    /**
     * The likeliest tokens in its place, likeliest first.
     */
    const uint32_t *likeliest_ids;
    /**
     * Their natural log-probabilities.
     */
    const float *likeliest_logprobs;
    /**
     * How many there are of each.
     */
    size_t likeliest_count;
} rag_token_logprob;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library in use, such as "0.1.0"; compare with RAG_VERSION_MAJOR and its like,
 * which are those of the header. A constant: never NULL, valid for ever.
 */
const char *rag_version(void);

/**
 * The binary interface of the library in use; equal to RAG_ABI_VERSION unless another library was
 * loaded.
 */
uint32_t rag_abi_version(void);

/**
 * The status of an error; RAG_OK for NULL.
 */
rag_status rag_error_code(const rag_error *error);

/**
 * The message of an error followed by its causes, in one line of UTF-8; the empty text for NULL.
 *
 * Borrowed: valid until the error is freed. Never NULL.
 */
const char *rag_error_message(const rag_error *error);

/**
 * Frees an error. NULL is allowed and does nothing.
 */
void rag_error_free(rag_error *error);

/**
 * The name of a status, such as "ModelMismatch", as it also stands in JSON; "Ok" for 0 and
 * "Unknown" for a number that this version does not know.
 *
 * A constant of the library: never NULL, valid for ever.
 */
const char *rag_status_name(int32_t status);

/**
 * Frees a text that a function handed over as `char **`. NULL is allowed and does nothing.
 */
void rag_string_free(char *string);

/**
 * A new flag, not requested. Owned by the caller; free it with rag_cancel_free.
 */
rag_cancel *rag_cancel_new(void);

/**
 * Asks every call that was given this flag to stop at its next check. NULL does nothing. Safe from
 * any thread; from a signal handler too, as it only stores to an atomic.
 */
void rag_cancel_request(const rag_cancel *cancel);

/**
 * Whether rag_cancel_request was called; false for NULL.
 */
bool rag_cancel_is_requested(const rag_cancel *cancel);

/**
 * Frees a flag. NULL does nothing. Calls already running with it keep what they need of it.
 */
void rag_cancel_free(rag_cancel *cancel);

/**
 * Adds `size` bytes of UTF-8 at the end of a text; characters may be cut between calls. Returns
 * false if no more is wanted, because the answer was ended, the call cancelled, or the text is not
 * UTF-8, NULL with a size, or was failed: the callback should then return.
 */
bool rag_text_append(rag_text *text, const char *piece, size_t size);

/**
 * Says why the text cannot be given, for the error that the callback ends with; only the first
 * reason counts. `reason` may be NULL, else it is NUL-terminated.
 */
void rag_text_fail(rag_text *text, const char *reason);

/**
 * Opens or creates the knowledge base at `path` (UTF-8); ":memory:" keeps it in memory.
 *
 * Models are looked up as paths, then by name in `model_dir` and in the places that the
 * environment variables RAG_MODELS, RAG_CACHE, XDG_CACHE_HOME, HF_HUB_CACHE, HF_HOME and HOME
 * give; nothing is ever downloaded. `options` may be NULL. On success `*kb` is owned by the
 * caller: free it once with rag_kb_close. On failure `*kb` is NULL.
 *
 * Models are loaded when they are first needed; only the encoder of a file that already has one is
 * loaded here.
 *
 * RAG_NOT_FOUND: a model is not on this machine. RAG_MODEL: the encoder is damaged.
 * RAG_MODEL_MISMATCH: the file was built with another encoder, or one of `also` was. RAG_STORE,
 * RAG_STORE_VERSION, RAG_IO, RAG_BUSY: the file.
 */
rag_status rag_kb_open(const char *path,
                       const rag_open_options *options,
                       rag_kb **kb,
                       rag_error **error);

/**
 * Closes a knowledge base. NULL is allowed and does nothing. Results, chats and errors made from
 * it stay valid. No other thread may use the handle during the call or after it.
 */
void rag_kb_close(rag_kb *kb);

/**
 * Makes the knowledge base mirror `path`, a folder or a file: adds, updates, renames, removes.
 *
 * Documents from elsewhere stay. Each document is one transaction: a kill or cancel loses none
 * that was reported. A file that cannot be read is skipped and stands in the report; it costs only
 * itself. `options` may be NULL; `report` may be NULL, else `*report` is owned by the caller: free
 * it with rag_sync_report_free.
 *
 * RAG_IO: `path` does not exist. RAG_CANCELLED: by the flag or the callback. RAG_NOT_FOUND,
 * RAG_MODEL: the encoder cannot be loaded. RAG_STORE, RAG_BUSY: the file.
 */
rag_status rag_kb_sync(rag_kb *kb,
                       const char *path,
                       const rag_sync_options *options,
                       rag_sync_report **report,
                       rag_error **error);

/**
 * Adds one text of `size` bytes of UTF-8 under the name `uri`, in place of any with the same name.
 *
 * `options` may be NULL. `ids` may be NULL, else `*ids` holds the numbers of its passages in order
 * and is owned by the caller: free it with rag_passage_ids_free.
 *
 * RAG_INVALID_ARGUMENT: an empty text or name. RAG_NOT_FOUND, RAG_MODEL: the encoder cannot be
 * loaded. RAG_STORE, RAG_BUSY: the file.
 */
rag_status rag_kb_add(rag_kb *kb,
                      const char *uri,
                      const char *text,
                      size_t size,
                      const rag_add_options *options,
                      rag_passage_ids **ids,
                      rag_error **error);

/**
 * Removes the document named `uri`. `removed` may be NULL, else it says whether there was one.
 */
rag_status rag_kb_remove(rag_kb *kb, const char *uri, bool *removed, rag_error **error);

/**
 * Finds the passages that answer `question` best, best first.
 *
 * `options` may be NULL. On success `*hits` is owned by the caller: free it with rag_hits_free.
 *
 * RAG_INVALID_ARGUMENT: an empty question, `top_k` out of range, or `rerank` without a reranker.
 * RAG_NOT_FOUND, RAG_MODEL: the encoder or the reranker cannot be loaded.
 */
rag_status rag_kb_search(const rag_kb *kb,
                         const char *question,
                         const rag_search_options *options,
                         rag_hits **hits,
                         rag_error **error);

/**
 * Answers `question` from the documents, with verified citations, or says that they do not know.
 *
 * `options` may be NULL. On success `*answer` is owned by the caller: free it with
 * rag_answer_free. That the documents do not know is a success: see rag_answer_found. The first
 * call loads the generator.
 *
 * RAG_INVALID_ARGUMENT: an empty question. RAG_CONTEXT_OVERFLOW: it alone exceeds the generator.
 * RAG_CANCELLED: by the flag, within one token. RAG_NOT_FOUND, RAG_MODEL: the generator cannot be
 * loaded.
 */
rag_status rag_kb_ask(const rag_kb *kb,
                      const char *question,
                      const rag_ask_options *options,
                      rag_answer **answer,
                      rag_error **error);

/**
 * The prompt that rag_kb_ask would give the generator for `question`, without generating, as a
 * JSON object: messages, text, token_ids, template, shown_count (passages), history_count (turns).
 * `options` may be NULL. On success `*json` is owned by the caller: free it with rag_string_free.
 *
 * Errors: as rag_kb_ask.
 */
rag_status rag_kb_prompt(const rag_kb *kb,
                         const char *question,
                         const rag_ask_options *options,
                         char **json,
                         rag_error **error);

/**
 * Summarizes the document with the uri `document`, or what the documents say about `question`, in
 * at most `max_sentences` sentences (0: 5), with verified citations. `question` or `document` may
 * be NULL, and one of the two must be.
 *
 * The summary is an answer: its sentences carry markers, and it is not found if no passage
 * supports any of them. `options` may be NULL; 10 passages are read for a question unless `top_k`
 * says how many. A long document is read part by part. On success `*answer` is owned by the
 * caller: free it with rag_answer_free.
 *
 * RAG_INVALID_ARGUMENT: an empty question, or options out of range. RAG_NOT_FOUND: there is no
 * such document, or no generator. RAG_CONTEXT_OVERFLOW: not even one passage fits the generator.
 * RAG_CANCELLED: by the flag, within one token.
 */
rag_status rag_kb_summarize(const rag_kb *kb,
                            const char *question,
                            const char *document,
                            size_t max_sentences,
                            const rag_ask_options *options,
                            rag_answer **answer,
                            rag_error **error);

/**
 * Builds the vector index; `when` is a rag_seal. `cancel` may be NULL.
 */
rag_status rag_kb_seal(rag_kb *kb, int32_t when, const rag_cancel *cancel, rag_error **error);

/**
 * Looks at every row of the file. On success `*report` holds every damage, none if the file is
 * sound, and is owned by the caller: free it with rag_check_report_free. `cancel` may be NULL.
 */
rag_status rag_kb_check(const rag_kb *kb,
                        const rag_cancel *cancel,
                        rag_check_report **report,
                        rag_error **error);

/**
 * Takes all that was ever removed from the file or replaced in it out of its pages, its full-text
 * index, its vector index and its log; rewrites the file. `cancel` may be NULL, and stops the
 * building of a vector index.
 *
 * RAG_BUSY: another process writes, or still reads from before.
 */
rag_status rag_kb_purge(rag_kb *kb, const rag_cancel *cancel, rag_error **error);

/**
 * Rewrites the file without its unused space.
 */
rag_status rag_kb_vacuum(rag_kb *kb, rag_error **error);

/**
 * Encodes the passages again that were encoded without the titles of their documents, in a file
 * begun before titles were read; no other file is read.
 *
 * Passages keep their numbers. Others may search and write meanwhile. A kill or cancel loses
 * nothing that was written, and the next call goes on there. `options` may be NULL; of them only
 * `plan`, `on_progress`, `user_data` and `cancel` count. On success `*json` is a JSON object and
 * owned by the caller: free it with rag_string_free. It has passage_count (passages that were
 * looked at), encoded (those to which a title gives something new) and seconds (with
 * RAG_PLAN_DRY_RUN how long it would take, measured on some of the passages).
 *
 * RAG_CANCELLED: by the flag or the callback. RAG_NOT_FOUND, RAG_MODEL: the encoder cannot be
 * loaded. RAG_STORE, RAG_BUSY: the file.
 */
rag_status rag_kb_reindex(rag_kb *kb,
                          const rag_sync_options *options,
                          char **json,
                          rag_error **error);

/**
 * Writes a draft for `task` from the documents, as a JSON object: kind, found, text (Markdown,
 * with `[1]` behind what a document supports and `[*]` behind what is the model's own), sections
 * (each with part, heading and sentences; each of these with text, origin and markers), verdict,
 * citations, conflicts, unwritten, reason, outcome, refusal, searches, hits, timings.
 *
 * `kind` is a rag_draft_kind; each part has at most `max_sentences` sentences (0: 5). `options`
 * may be NULL; 6 passages are read for each search unless `top_k` says how many. `on_piece` gets
 * each part when it is written and checked. A draft of which the documents hold nothing is no
 * error: `found` is false and `reason` says why. On success `*json` is owned by the caller: free
 * it with rag_string_free.
 *
 * RAG_INVALID_ARGUMENT: an empty task, or options out of range. RAG_NOT_FOUND: there is no
 * generator of this name. RAG_CONTEXT_OVERFLOW: the task does not fit the generator.
 * RAG_CANCELLED: by the flag, within one token.
 */
rag_status rag_kb_compose(const rag_kb *kb,
                          const char *task,
                          int32_t kind,
                          size_t max_sentences,
                          const rag_ask_options *options,
                          char **json,
                          rag_error **error);

/**
 * Writes a copy of the file to `to` (UTF-8), which must not exist, as it stands now. Others may go
 * on working. `cancel` may be NULL.
 *
 * RAG_INVALID_ARGUMENT: `to` exists. RAG_IO, RAG_STORE: it cannot be written; nothing is left of
 * it then.
 */
rag_status rag_kb_backup(const rag_kb *kb,
                         const char *to,
                         const rag_cancel *cancel,
                         rag_error **error);

/**
 * Removes every document that passes `filter`, in one transaction: see rag_search_options.
 * `removed_count` may be NULL, else it says how many there were.
 *
 * RAG_INVALID_ARGUMENT: the filter cannot be read.
 */
rag_status rag_kb_remove_where(rag_kb *kb,
                               const char *filter_text,
                               size_t *removed_count,
                               rag_error **error);

/**
 * Makes a new file `to` of what is intact in the damaged file `from`, which is only read.
 * Documents keep their ids and come over whole or not at all; vectors that are lost are encoded
 * again.
 *
 * `encoder` is for a file that no longer says which one it was built with. NULL: the one the file
 * names. `lost_count` counts documents and settings. `encoder` may be NULL, `kept_count` may be
 * NULL, `lost_count` may be NULL and `cancel` may be NULL.
 *
 * RAG_INVALID_ARGUMENT: `to` exists. RAG_STORE: `from` is no database at all.
 */
rag_status rag_kb_repair(const char *from,
                         const char *to,
                         const char *encoder,
                         size_t *kept_count,
                         size_t *lost_count,
                         const rag_cancel *cancel,
                         rag_error **error);

/**
 * Puts a copy of the knowledge base `backup` in the place of the file `to`, whose own data and log
 * go. The backup is checked before; the copy appears whole. `cancel` may be NULL.
 *
 * RAG_STORE: the backup is damaged, or `to` is open or is no knowledge base; it is as it was then.
 */
rag_status rag_kb_restore(const char *backup,
                          const char *to,
                          const rag_cancel *cancel,
                          rag_error **error);

/**
 * What was found as the file was opened and its user should know, as a JSON list of sentences: a
 * log of other data that was set aside, commits that are missing. Empty for most files. On success
 * `*json` is owned by the caller: free it with rag_string_free.
 */
rag_status rag_kb_notices(const rag_kb *kb, char **json, rag_error **error);

/**
 * Counts and sizes of a knowledge base. On success `*info` is owned by the caller: free it with
 * rag_info_free.
 */
rag_status rag_kb_info(const rag_kb *kb, rag_info **info, rag_error **error);

/**
 * Frees what rag_kb_info made. NULL is allowed and does nothing.
 */
void rag_info_free(rag_info *info);

/**
 * The passage with this number. On success `*passage` is owned by the caller: free it with
 * rag_passage_free.
 *
 * RAG_NOT_FOUND: there is none.
 */
rag_status rag_kb_passage(const rag_kb *kb,
                          int64_t passage_id,
                          rag_passage **passage,
                          rag_error **error);

/**
 * Frees what rag_kb_passage made. NULL is allowed and does nothing.
 */
void rag_passage_free(rag_passage *passage);

/**
 * The documents that pass `filter`, such as "kind = pdf AND year >= 2020", by name; all, and the
 * files that were skipped too, if it is NULL. `filter` may be NULL. On success `*documents` is
 * owned by the caller: free it with rag_documents_free.
 *
 * RAG_INVALID_ARGUMENT: the filter.
 */
rag_status rag_kb_documents(const rag_kb *kb,
                            const char *filter,
                            rag_documents **documents,
                            rag_error **error);

/**
 * How many there are; 0 for NULL.
 */
size_t rag_documents_count(const rag_documents *documents);

/**
 * The document at `index`, from 0, lent until `documents` is freed; NULL beyond the last and for
 * NULL.
 */
const rag_document *rag_documents_at(const rag_documents *documents, size_t index);

/**
 * All as the JSON object {"documents": [...]}. On success `*json` is owned by the caller: free it
 * with rag_string_free.
 */
rag_status rag_documents_to_json(const rag_documents *documents, char **json, rag_error **error);

/**
 * Frees documents. NULL is allowed and does nothing.
 */
void rag_documents_free(rag_documents *documents);

/**
 * The numbers of the passages of the document named `uri`, in their order, for rag_kb_passage;
 * none for a file that was skipped. On success `*ids` is owned by the caller: free it with
 * rag_passage_ids_free.
 *
 * RAG_NOT_FOUND: there is no such document.
 */
rag_status rag_kb_passages(const rag_kb *kb,
                           const char *uri,
                           rag_passage_ids **ids,
                           rag_error **error);

/**
 * The tables of the documents that pass `filter`, as the JSON object {"tables": [{"id", "uri",
 * "title", "columns": [{"name", "kind", "unit", "note"}], "row_count", "start", "end", "notes"}]}.
 * A kind is "text", "integer", "number", "percent", "currency" or "date". `filter` may be NULL:
 * those of all documents. On success `*json` is owned by the caller: free it with rag_string_free.
 *
 * RAG_INVALID_ARGUMENT: the filter.
 */
rag_status rag_kb_tables(const rag_kb *kb, const char *filter, char **json, rag_error **error);

/**
 * The table that rag_kb_tables calls `id`, as the same JSON object with "rows": for each row its
 * cells, each {"text", "start", "end"} in bytes of the document's text. On success `*json` is
 * owned by the caller: free it with rag_string_free.
 *
 * RAG_NOT_FOUND: there is no such table; those of a document that changed have new ids.
 */
rag_status rag_kb_table(const rag_kb *kb, const char *id, char **json, rag_error **error);

/**
 * The passages of the documents that pass `filter` in two dimensions, near ones saying like
 * things, as the JSON object {"points": [{"passage_id", "uri", "title", "page", "text", "x",
 * "y"}], "questions": [{"text", "x", "y"}], "passage_count", "shares": [along x, along y]}.
 * `filter` may be NULL: those of all documents. `questions` are `count` texts that are put among
 * them, which loads the encoder; NULL with 0 for none. 5,000 passages at most are points, spread
 * over the file. On success `*json` is owned by the caller: free it with rag_string_free.
 *
 * RAG_INVALID_ARGUMENT: the filter. RAG_NOT_FOUND, RAG_MODEL, RAG_MODEL_MISMATCH: the encoder.
 */
rag_status rag_kb_map(const rag_kb *kb,
                      const char *filter,
                      const char *const *questions,
                      size_t count,
                      char **json,
                      rag_error **error);

/**
 * As rag_kb_map, drawn as one HTML page that needs nothing else; `filter` may be NULL. On success
 * `*html` is owned by the caller: free it with rag_string_free.
 */
rag_status rag_kb_map_html(const rag_kb *kb,
                           const char *filter,
                           const char *const *questions,
                           size_t count,
                           char **html,
                           rag_error **error);

/**
 * Every place in its file that a passage came from: bytes to open an editor at, pages with the
 * rectangle of each line, paragraphs, rows, slides, chapters.
 *
 * `store` is the `store` of the hit or citation, 0 for this file. `start` and `end` choose a part
 * of the passage in bytes of the document's text, such as those of a citation; both 0 for all of
 * it. On success `*locations` is owned by the caller: free it with rag_locations_free.
 *
 * RAG_NOT_FOUND: there is no such passage. RAG_INVALID_ARGUMENT: no such store, or a range that is
 * not in the passage.
 */
rag_status rag_kb_locate(const rag_kb *kb,
                         size_t store,
                         int64_t passage_id,
                         size_t start,
                         size_t end,
                         rag_locations **locations,
                         rag_error **error);

/**
 * How many there are; 0 for NULL.
 */
size_t rag_locations_count(const rag_locations *locations);

/**
 * The place at `index`, from 0, lent until `locations` is freed; NULL beyond the last and for
 * NULL.
 */
const rag_location *rag_locations_at(const rag_locations *locations, size_t index);

/**
 * Frees places. NULL is allowed and does nothing.
 */
void rag_locations_free(rag_locations *locations);

/**
 * How many hits there are; 0 for NULL.
 */
size_t rag_hits_count(const rag_hits *hits);

/**
 * The hit at `index`, from 0, lent until `hits` is freed; NULL beyond the last and for NULL.
 */
const rag_hit *rag_hits_at(const rag_hits *hits, size_t index);

/**
 * All hits as the JSON object {"hits": [...]}. On success `*json` is owned by the caller: free it
 * with rag_string_free.
 */
rag_status rag_hits_to_json(const rag_hits *hits, char **json, rag_error **error);

/**
 * Frees hits. NULL is allowed and does nothing.
 */
void rag_hits_free(rag_hits *hits);

/**
 * How many numbers there are; 0 for NULL.
 */
size_t rag_passage_ids_count(const rag_passage_ids *ids);

/**
 * The number at `index`, from 0; 0, which is never a passage, beyond the last and for NULL.
 */
int64_t rag_passage_ids_at(const rag_passage_ids *ids, size_t index);

/**
 * Frees numbers of passages. NULL is allowed and does nothing.
 */
void rag_passage_ids_free(rag_passage_ids *ids);

/**
 * Whether the documents hold an answer; false for NULL.
 */
bool rag_answer_found(const rag_answer *answer);

/**
 * Whether the text is sentences of the passages, word for word: without a generator, or where the
 * generator was not sure of its words or no passage supported them; false for NULL.
 */
bool rag_answer_quoted(const rag_answer *answer);

/**
 * The answer in UTF-8 with [1]-style markers placed by the engine; empty when not found; NULL for
 * NULL.
 *
 * Followed by a NUL byte and lent until the answer is freed. `size` may be NULL, else it gets the
 * bytes before the NUL byte.
 */
const char *rag_answer_text(const rag_answer *answer, size_t *size);

/**
 * Why there is no answer; RAG_REASON_NONE if there is one and for NULL.
 */
rag_not_found_reason rag_answer_reason(const rag_answer *answer);

/**
 * How many citations the answer has; 0 for NULL.
 */
size_t rag_answer_citation_count(const rag_answer *answer);

/**
 * The citation at `index`, from 0, in order of first use, lent until the answer is freed; NULL
 * beyond the last and for NULL.
 */
const rag_citation *rag_answer_citation_at(const rag_answer *answer, size_t index);

/**
 * How many passages were put into the prompt, or, when not found, were the nearest ones; 0 for
 * NULL.
 */
size_t rag_answer_hit_count(const rag_answer *answer);

/**
 * The passage at `index`, from 0, lent until the answer is freed; NULL beyond the last and for
 * NULL.
 */
const rag_hit *rag_answer_hit_at(const rag_answer *answer, size_t index);

/**
 * How many passages were found but left out of the prompt for want of room; 0 for NULL.
 */
size_t rag_answer_left_out_count(const rag_answer *answer);

/**
 * Number of the passage left out at `index`, from 0; 0, which is never a passage, beyond the last
 * and for NULL.
 */
int64_t rag_answer_left_out_at(const rag_answer *answer, size_t index);

/**
 * Where the time went, lent until the answer is freed; NULL for NULL.
 */
const rag_timings *rag_answer_timings(const rag_answer *answer);

/**
 * The whole answer as a JSON object: found, text, citations, reason, hits, left_out, timings,
 * outcome, refusal and, if they were asked for, trace and masked; conflicts (other documents that
 * give another figure or date for what is cited) if there are any, and table (id, uri, title,
 * plan, words, figure, row_count) if it was computed from one, and told_by (kind, quote) if the
 * persona or the user told it and no document. On success `*json` is owned by the caller: free it
 * with rag_string_free.
 */
rag_status rag_answer_to_json(const rag_answer *answer, char **json, rag_error **error);

/**
 * Frees an answer. NULL is allowed and does nothing.
 */
void rag_answer_free(rag_answer *answer);

/**
 * Re-reads the file behind citation `index` of `answer` and says in `*status` whether the quote
 * still stands.
 *
 * RAG_INVALID_ARGUMENT: there is no such citation.
 */
rag_status rag_kb_verify(const rag_kb *kb,
                         const rag_answer *answer,
                         size_t index,
                         rag_citation_status *status,
                         rag_error **error);

/**
 * How the question ended; RAG_OUTCOME_NOT_FOUND for NULL.
 */
rag_outcome rag_answer_outcome(const rag_answer *answer);

/**
 * Which guard refused; RAG_GUARD_NONE if none did and for NULL.
 */
rag_guard rag_answer_guard(const rag_answer *answer);

/**
 * Why the guard refused, for whoever set it up: it names the rule or the nearest example. Lent
 * until the answer is freed; NULL if none refused and for NULL.
 */
const char *rag_answer_refusal(const rag_answer *answer);

/**
 * How the answer came about, as one HTML page that needs nothing else: question, answer with its
 * cited spans, ranks, what the prompt and the time were spent on, the prompt. Ask with
 * RAG_EXPLAIN_TRACE, or most of it is missing.
 *
 * On success `*html` is owned by the caller: free it with rag_string_free.
 */
rag_status rag_answer_explain_html(const rag_answer *answer, char **html, rag_error **error);

/**
 * Starts a conversation over `kb`.
 *
 * `options` may be NULL; it is copied, but the callbacks and their data in it must stay valid
 * until the chat is freed, and `cancel` in it must be NULL: each turn takes its own. On success
 * `*chat` is owned by the caller.
 */
rag_status rag_kb_chat(const rag_kb *kb,
                       const rag_ask_options *options,
                       rag_chat **chat,
                       rag_error **error);

/**
 * Goes on with a conversation that rag_chat_save wrote: `saved_bytes` bytes at `saved`. Its turns
 * may have been said in any knowledge base.
 *
 * `options` may be NULL; it and ownership are as for rag_kb_chat. RAG_INVALID_ARGUMENT: it is no
 * saved conversation, or one of a newer version, or beyond 16 MiB or 10,000 turns.
 */
rag_status rag_chat_resume(const rag_kb *kb,
                           const char *saved,
                           size_t saved_bytes,
                           const rag_ask_options *options,
                           rag_chat **chat,
                           rag_error **error);

/**
 * Says something. On success `*answer` is owned by the caller: free it with rag_answer_free;
 * question and answer join the turns if the answer was found. On failure the turns are as before.
 * `cancel` may be NULL.
 *
 * Fails as rag_kb_ask does.
 */
rag_status rag_chat_say(rag_chat *chat,
                        const char *text,
                        const rag_cancel *cancel,
                        rag_answer **answer,
                        rag_error **error);

/**
 * Asks the last question again with another seed; the new answer takes the place of the old one in
 * the turns. Greedy options would give the same answer again, so such a turn is sampled at a
 * temperature of 0.7.
 *
 * On success `*answer` is owned by the caller: free it with rag_answer_free. On failure the turns
 * are as before. `cancel` may be NULL. RAG_INVALID_ARGUMENT: nothing was said yet. Fails else as
 * rag_kb_ask does.
 */
rag_status rag_chat_regenerate(rag_chat *chat,
                               uint64_t seed,
                               const rag_cancel *cancel,
                               rag_answer **answer,
                               rag_error **error);

/**
 * The conversation as JSON, for rag_chat_resume; options are not in it. On success `*json` is
 * owned by the caller: free it with rag_string_free.
 */
rag_status rag_chat_save(const rag_chat *chat, char **json, rag_error **error);

/**
 * How many turns there are, the person's and the model's counted apart; 0 for NULL and inside a
 * callback.
 */
size_t rag_chat_turn_count(const rag_chat *chat);

/**
 * The turns as a JSON array of {"role", "content"}. On success `*json` is owned by the caller:
 * free it with rag_string_free.
 */
rag_status rag_chat_to_json(const rag_chat *chat, char **json, rag_error **error);

/**
 * Forgets the turns so far.
 */
rag_status rag_chat_clear(rag_chat *chat, rag_error **error);

/**
 * Ends a conversation. NULL is allowed and does nothing. Not from inside a callback of the same
 * chat.
 */
void rag_chat_free(rag_chat *chat);

/**
 * The counts of a sync, lent until the report is freed; NULL for NULL.
 */
const rag_sync_counts *rag_sync_report_counts(const rag_sync_report *report);

/**
 * The skipped file at `index`, from 0, lent until the report is freed; NULL beyond the last and
 * for NULL.
 */
const rag_skipped *rag_sync_report_skipped_at(const rag_sync_report *report, size_t index);

/**
 * The name of the document at `index`, from 0, that was kept though its file is missing, lent
 * until the report is freed; NULL beyond the last and for NULL.
 */
const char *rag_sync_report_missing_at(const rag_sync_report *report, size_t index);

/**
 * The document at `index`, from 0, that was added or updated and not read whole, lent until the
 * report is freed; NULL beyond the last and for NULL.
 */
const rag_partly_read *rag_sync_report_unread_at(const rag_sync_report *report, size_t index);

/**
 * The report as a JSON object. On success `*json` is owned by the caller: free it with
 * rag_string_free.
 */
rag_status rag_sync_report_to_json(const rag_sync_report *report, char **json, rag_error **error);

/**
 * Frees a report. NULL is allowed and does nothing.
 */
void rag_sync_report_free(rag_sync_report *report);

/**
 * How many damages were found; 0 is a sound file, and for NULL.
 */
size_t rag_check_report_count(const rag_check_report *report);

/**
 * The damage at `index`, from 0, lent until the report is freed; NULL beyond the last and for
 * NULL.
 */
const rag_damage *rag_check_report_at(const rag_check_report *report, size_t index);

/**
 * Frees a report. NULL is allowed and does nothing.
 */
void rag_check_report_free(rag_check_report *report);

/**
 * Loads the encoder `name`: a name in the model cache, a path or a hub id already on this machine,
 * looked up as by rag_kb_open. On success `*encoder` is owned by the caller.
 *
 * RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
 * library does not run.
 */
rag_status rag_encoder_open(const char *name, rag_encoder **encoder, rag_error **error);

/**
 * As rag_encoder_open, with options; `options` may be NULL.
 *
 * RAG_INVALID_ARGUMENT: this CPU does not have the level asked for, the backend's device is not
 * there, or candle does not run the family or the precision.
 */
rag_status rag_encoder_open_with(const char *name,
                                 const rag_encoder_options *options,
                                 rag_encoder **encoder,
                                 rag_error **error);

/**
 * Makes an encoder of the caller's own, which `on_encode` runs. Pass it in
 * rag_open_options.loaded_encoder each time the file is opened: the file keeps `name` alone. On
 * success `*encoder` is owned by the caller; `user_data` must live until every knowledge base that
 * was opened with it is closed, and every chat freed.
 *
 * `name` stands for the vectors: a file is only searched by an encoder of the name, `dim` and
 * `max_tokens` it was built with. `dim` is the length of a vector, 1 to 4096; `max_tokens` the
 * most words of a passage, 64 or more, 0 for 200. `user_data` may be NULL.
 *
 * RAG_INVALID_ARGUMENT: an empty name, or a number out of range.
 */
rag_status rag_encoder_own(const char *name,
                           size_t dim,
                           size_t max_tokens,
                           rag_on_encode on_encode,
                           void *user_data,
                           rag_encoder **encoder,
                           rag_error **error);

/**
 * Length of its vectors; 0 for NULL.
 */
size_t rag_encoder_dim(const rag_encoder *encoder);

/**
 * Most tokens of a text, special tokens and prefix included; the rest of a longer one is left out.
 * 0 for NULL.
 */
size_t rag_encoder_max_tokens(const rag_encoder *encoder);

/**
 * What makes vectors comparable: encoders with the same fingerprint may stand in for each other.
 * Lent until the encoder is freed; NULL for NULL.
 */
const char *rag_encoder_fingerprint(const rag_encoder *encoder);

/**
 * The numbers it multiplies, never RAG_PRECISION_AUTO; that for NULL.
 */
rag_precision rag_encoder_precision(const rag_encoder *encoder);

/**
 * The instructions it runs, as in rag_encoder_options; "candle" where candle chooses, "own" for
 * one of the caller's own. Lent until the encoder is freed; NULL for NULL.
 */
const char *rag_encoder_level(const rag_encoder *encoder);

/**
 * Counts the tokens of `text`, without special tokens and prefix, into `*count`.
 */
rag_status rag_encoder_token_count(const rag_encoder *encoder,
                                   const char *text,
                                   size_t *count,
                                   rag_error **error);

/**
 * Encodes `count` NUL-terminated texts into `vectors`, one unit row of rag_encoder_dim floats for
 * each.
 *
 * `role` is a rag_text_role. `vectors` must have room for `vector_floats` floats, exactly `count`
 * rows. A text longer than the encoder takes is encoded by its beginning. `cancel` may be NULL. On
 * failure `vectors` is unchanged.
 *
 * RAG_INVALID_ARGUMENT: `vector_floats` is not `count` rows. RAG_CANCELLED: between batches.
 */
rag_status rag_encoder_encode(const rag_encoder *encoder,
                              int32_t role,
                              const char *const *texts,
                              size_t count,
                              float *vectors,
                              size_t vector_floats,
                              const rag_cancel *cancel,
                              rag_error **error);

/**
 * Frees an encoder. NULL is allowed and does nothing.
 */
void rag_encoder_free(rag_encoder *encoder);

/**
 * Loads the reranker `name`, looked up as by rag_kb_open. `options` may be NULL.
 * On success `*reranker` is owned by the caller.
 *
 * RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
 * library does not run, such as an encoder. RAG_INVALID_ARGUMENT: this CPU does not have the level
 * asked for.
 */
rag_status rag_reranker_open(const char *name,
                             const rag_reranker_options *options,
                             rag_reranker **reranker,
                             rag_error **error);

/**
 * Most tokens of a question and a text together, in late interaction of a text; the rest of a
 * longer text is left out. 0 for NULL.
 */
size_t rag_reranker_max_tokens(const rag_reranker *reranker);

/**
 * Says in `scores`, room for `count` floats, how well each of `count` NUL-terminated texts answers
 * `question`; higher is better: from 0 to 1, or any number where the model gives its logit as it
 * is or a sum of cosines. A score depends on its question and text alone.
 *
 * `cancel` may be NULL. On failure `scores` is unchanged. RAG_CANCELLED: between batches.
 */
rag_status rag_reranker_score(const rag_reranker *reranker,
                              const char *question,
                              const char *const *texts,
                              size_t count,
                              float *scores,
                              const rag_cancel *cancel,
                              rag_error **error);

/**
 * Frees a reranker. NULL is allowed and does nothing.
 */
void rag_reranker_free(rag_reranker *reranker);

/**
 * Loads the generator `name`: a name in the model cache, a path or a hub id already on this
 * machine, looked up as by rag_kb_open. A path leads to a GGUF file, or to a folder as
 * `transformers` saves it. On success `*generator` is owned by the caller.
 *
 * RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
 * library does not run.
 */
rag_status rag_generator_open(const char *name, rag_generator **generator, rag_error **error);

/**
 * As rag_generator_open, with options. `options` may be NULL.
 *
 * RAG_INVALID_ARGUMENT: an option is unknown, or the template needs tokens that the model does not
 * have.
 */
rag_status rag_generator_open_with(const char *name,
                                   const rag_generator_options *options,
                                   rag_generator **generator,
                                   rag_error **error);

/**
 * What writes conversations down: "model" for its own template, else the name of a built-in one.
 * Lent until the generator is freed; NULL for NULL.
 */
const char *rag_generator_template(const rag_generator *generator);

/**
 * Bytes that the keys and values of a token take; 0 for NULL.
 */
size_t rag_generator_kv_bytes_per_token(const rag_generator *generator);

/**
 * Tokens it can hold, prompt and answer together; 0 for NULL.
 */
size_t rag_generator_context_len(const rag_generator *generator);

/**
 * Continues `prompt`, `size` bytes of UTF-8. No text in it can become a control token. `options`
 * may be NULL. On success `*generation` is owned by the caller.
 *
 * RAG_INVALID_ARGUMENT: an empty prompt, an option out of range, or a malformed schema, expression
 * or grammar. RAG_CONTEXT_OVERFLOW: the prompt leaves no room for a token. RAG_CANCELLED: by the
 * flag, within one token.
 */
rag_status rag_generator_generate(const rag_generator *generator,
                                  const char *prompt,
                                  size_t size,
                                  const rag_generate_options *options,
                                  rag_generation **generation,
                                  rag_error **error);

/**
 * The text in UTF-8, stop string left out; NULL for NULL.
 *
 * Followed by a NUL byte and lent until the generation is freed. `size` may be NULL, else it gets
 * the bytes before the NUL byte.
 */
const char *rag_generation_text(const rag_generation *generation, size_t *size);

/**
 * Its tokens, lent until the generation is freed; NULL for NULL. `count` may be NULL, else it gets
 * their number.
 */
const uint32_t *rag_generation_token_ids(const rag_generation *generation, size_t *count);

/**
 * The log-probabilities of the token at `index`, from 0, in the order of rag_generation_token_ids,
 * lent until the generation is freed; NULL beyond the last, for NULL, and if `logprobs` of the
 * options did not ask for them.
 */
const rag_token_logprob *rag_generation_logprob_at(const rag_generation *generation, size_t index);

/**
 * Why it ended; RAG_STOP_END_OF_TURN for NULL.
 */
rag_stop_reason rag_generation_stop_reason(const rag_generation *generation);

/**
 * Tokens of the prompt; 0 for NULL.
 */
size_t rag_generation_prompt_token_count(const rag_generation *generation);

/**
 * Milliseconds until the first token; 0 for NULL.
 */
double rag_generation_first_token_ms(const rag_generation *generation);

/**
 * Frees a generation. NULL is allowed and does nothing.
 */
void rag_generation_free(rag_generation *generation);

/**
 * Frees a generator. NULL is allowed and does nothing. No other thread may use the handle during
 * the call or after it.
 */
void rag_generator_free(rag_generator *generator);

/**
 * Reads the document at `path` as rag_kb_sync does. On success `*json` is a JSON object: kind,
 * title, lang, text, blocks (what each stretch of the text is), source_map, metadata; it is owned
 * by the caller: free it with rag_string_free.
 *
 * `max_read_seconds` is the longest time it may take, 0 for 60. `cancel` may be NULL.
 *
 * RAG_IO: there is no such file. RAG_DOCUMENT: it is a folder, a pipe or a device, or cannot be
 * read; the message says why. RAG_CANCELLED: by the flag.
 */
rag_status rag_read_file(const char *path,
                         double max_read_seconds,
                         const rag_cancel *cancel,
                         char **json,
                         rag_error **error);

/**
 * Masks personal data in `text`: e-mail addresses, phone numbers, IBANs, payment cards and French
 * social security numbers become "[EMAIL]", "[PHONE]" and so on. On success `*masked` is owned by
 * the caller: free it with rag_string_free.
 */
rag_status rag_mask_text(const char *text, char **masked, rag_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RAG_H */
