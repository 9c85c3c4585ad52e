// Options of rag.hpp written in place, as C++20 allows; compiled only.
#include <rag.hpp>

rag::Answer in_place(const rag::KnowledgeBase &kb, const rag::Generator &generator) {
    rag::KnowledgeBase other(":memory:", {.encoder = "minilm", .generator_options = {.threads = 4}, .settings = {{"encoder_level", "portable"}}});
    kb.search("When?", {.top_k = 3, .filter = "kind = pdf"});
    generator.generate("It was", {.temperature = 0.7F, .logit_bias = {{5, -1.0F}}, .logprobs = 3, .regex = "[0-9]+"});
    return kb.ask("When?", {.search = {.top_k = 1, .ef_search = 64},
                            .generate = {.max_new_tokens = 64, .length_penalty = 0},
                            .guards = {.deny = {"ferry"}, .topic_min = 0},
                            .history = {{.role = "user", .content = "Which bridge?"}},
                            .explain = RAG_EXPLAIN_TRACE,
                            .settings = {{"fence", "true"}}});
}
