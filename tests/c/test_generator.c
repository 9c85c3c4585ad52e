/* A generator on its own, through the C interface. */
#include <math.h>

#include "check.h"

struct watch {
    const rag_generator *generator;
    char text[4096];
    int calls;
    int stop_at;
    rag_status inner;
};

static bool collect(const char *piece, size_t size, void *user_data) {
    struct watch *watch = user_data;
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    strncat(watch->text, piece, size);
    watch->inner = rag_generator_generate(watch->generator, "x", 1, NULL, &generation, &error);
    rag_error_free(error);
    rag_generation_free(generation);
    return ++watch->calls != watch->stop_at;
}

static void pieces_are_the_text_and_a_callback_may_stop_but_not_reenter(const rag_generator *generator) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    struct watch watch = {generator, "", 0, 0, RAG_OK};
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    const char prompt[] = "The capital of France is";
    size_t size = 0, count = 0;
    options.max_new_tokens = 6;
    options.on_piece = collect;
    options.user_data = &watch;
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_OK);
    const char *text = rag_generation_text(generation, &size);
    CHECK(text && strlen(text) == size && strcmp(text, watch.text) == 0 && strstr(text, "Paris"));
    CHECK(watch.inner == RAG_INVALID_ARGUMENT);
    CHECK(rag_generation_token_ids(generation, &count) != NULL && count == 6);
    CHECK(rag_generation_stop_reason(generation) == RAG_STOP_MAX_NEW_TOKENS);
    CHECK(rag_generation_prompt_token_count(generation) == 5 && rag_generation_first_token_ms(generation) > 0);
    rag_generation_free(generation);

    watch.calls = 0, watch.stop_at = 2;
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_OK);
    CHECK(rag_generation_stop_reason(generation) == RAG_STOP_CALLBACK && watch.calls == 2);
    rag_generation_free(generation);
}

static void options_reach_the_sampler(const rag_generator *generator) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    const char question[] = "Say hello.";
    size_t count = 0;
    options.prompt_kind = RAG_PROMPT_CHAT;
    options.system = "You are brief.";
    options.max_new_tokens = 4;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error), RAG_OK);
    const uint32_t first = rag_generation_token_ids(generation, &count)[0];
    rag_generation_free(generation);

    const float never = -INFINITY, always = 1000;
    options.logit_bias_ids = &first;
    options.logit_bias_values = &never;
    options.logit_bias_count = 1;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error), RAG_OK);
    CHECK(rag_generation_token_ids(generation, &count)[0] != first);
    rag_generation_free(generation);
    options.logit_bias_values = &always;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error), RAG_OK);
    CHECK(rag_generation_token_ids(generation, &count)[3] == first && count == 4);
    rag_generation_free(generation);

    options.logit_bias_count = 0, options.logprobs = 3;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error), RAG_OK);
    const rag_token_logprob *token = rag_generation_logprob_at(generation, 0);
    if (CHECK(token && token->likeliest_count == 3)) {
        CHECK(token->token_id == rag_generation_token_ids(generation, &count)[0] && token->logprob <= 0);
        CHECK(token->likeliest_ids[0] == token->token_id && token->likeliest_logprobs[0] >= token->likeliest_logprobs[1]);
    }
    CHECK(rag_generation_logprob_at(generation, count) == NULL);
    rag_generation_free(generation);
    options.logprobs = 21;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
    options.logprobs = 0, options.logit_bias_count = 1;

    options.beams = 3;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
    CHECK(generation == NULL);
    options.beams = 0, options.early_stopping = 2;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
    options.early_stopping = 0, options.temperature = NAN;
    CHECK_STATUS(rag_generator_generate(generator, question, strlen(question), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
}

static void text_is_held_to_a_form(const rag_generator *generator) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    const char prompt[] = "Once upon a time";
    options.regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    options.temperature = 1.5F;
    for (options.seed = 0; options.seed < 5; options.seed++) {
        CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_OK);
        const char *text = rag_generation_text(generation, NULL);
        CHECK(text && strlen(text) == 10 && text[4] == '-' && text[7] == '-' && strspn(text, "-0123456789") == 10);
        CHECK(rag_generation_stop_reason(generation) == RAG_STOP_END_OF_TURN);
        rag_generation_free(generation);
    }
    options.json_schema = "{\"enum\": [\"a\"]}";
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
    options.regex = NULL;
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_OK);
    CHECK(strcmp(rag_generation_text(generation, NULL), "\"a\"") == 0);
    rag_generation_free(generation);
    options.json_schema = NULL, options.grammar = "start: \"yes\" | \"no\"";
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_OK);
    const char *answer = rag_generation_text(generation, NULL);
    CHECK(strcmp(answer, "yes") == 0 || strcmp(answer, "no") == 0);
    rag_generation_free(generation);
    options.grammar = "start: nowhere";
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error),
                 RAG_INVALID_ARGUMENT);
}

static bool count_reports(const rag_progress *progress, void *user_data) {
    int *reports = user_data;
    CHECK(progress->stage == RAG_STAGE_PREFILL && progress->has_total && progress->done <= progress->total);
    return ++*reports < 3;
}

static void a_prompt_tells_how_much_is_taken_in(const rag_generator *generator) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    int reports = 0;
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    options.max_new_tokens = 1;
    options.on_progress = count_reports, options.progress_user_data = &reports;
    CHECK_STATUS(rag_generator_generate(generator, "The bridge", 10, &options, &generation, &error), RAG_OK);
    rag_generation_free(generation), generation = NULL;
    CHECK(reports == 2);
    char prompt[8192];
    memset(prompt, 0, sizeof prompt);
    for (size_t at = 0; at + 6 < sizeof prompt; at += 6) memcpy(prompt + at, "river ", 6);
    CHECK_STATUS(rag_generator_generate(generator, prompt, strlen(prompt), &options, &generation, &error), RAG_CANCELLED);
    CHECK(reports == 3 && generation == NULL);
}

static void a_generator_takes_its_template_and_precision(const char *path, const rag_generator *plain) {
    rag_error *error = NULL;
    rag_generator *generator = NULL;
    rag_generation *generation = NULL;
    rag_generator_options options = RAG_GENERATOR_OPTIONS_INIT;
    CHECK(strcmp(rag_generator_template(plain), "model") == 0);
    options.template_name = "completion", options.kv = RAG_KV_Q8, options.threads = 1;
    if (!CHECK_STATUS(rag_generator_open_with(path, &options, &generator, &error), RAG_OK)) return;
    CHECK(strcmp(rag_generator_template(generator), "completion") == 0);
    const size_t kept = rag_generator_kv_bytes_per_token(plain);
    CHECK(kept > 0 && 100 * rag_generator_kv_bytes_per_token(generator) <= 54 * kept);
    rag_generate_options asked = RAG_GENERATE_OPTIONS_INIT;
    asked.prompt_kind = RAG_PROMPT_CHAT, asked.max_new_tokens = 1;
    CHECK_STATUS(rag_generator_generate(generator, "Hi", 2, &asked, &generation, &error), RAG_OK);
    rag_generation_free(generation);
    rag_generator_free(generator);
    options.template_name = "gemma";
    CHECK_STATUS(rag_generator_open_with(path, &options, &generator, &error), RAG_INVALID_ARGUMENT);
    options.template_name = NULL;
    options.backend = "gpu";
    CHECK_STATUS(rag_generator_open_with(path, &options, &generator, &error), RAG_INVALID_ARGUMENT);
    options.backend = NULL;
    options.template_name = "none";
    CHECK_STATUS(rag_generator_open_with(path, &options, &generator, &error), RAG_INVALID_ARGUMENT);
    options.template_name = NULL, options.kv = 2;
    CHECK_STATUS(rag_generator_open_with(path, &options, &generator, &error), RAG_INVALID_ARGUMENT);
    CHECK(generator == NULL);
}

static void a_flag_cancels_and_errors_are_typed(const rag_generator *generator) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    rag_generator *missing = NULL;
    rag_cancel *cancel = rag_cancel_new();
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    options.cancel = cancel;
    rag_cancel_request(cancel);
    CHECK_STATUS(rag_generator_generate(generator, "x", 1, &options, &generation, &error), RAG_CANCELLED);
    rag_cancel_free(cancel);
    CHECK_STATUS(rag_generator_generate(generator, "", 0, NULL, &generation, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_generator_generate(generator, "\xff", 1, NULL, &generation, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_generator_open("no-such-model", &missing, &error), RAG_NOT_FOUND);
    CHECK(missing == NULL);

    const size_t size = 6 * rag_generator_context_len(generator);
    char *prompt = malloc(size);
    for (size_t i = 0; i < size; i++) prompt[i] = "a b c "[i % 6];
    CHECK_STATUS(rag_generator_generate(generator, prompt, size, NULL, &generation, &error), RAG_CONTEXT_OVERFLOW);
    free(prompt);
}

static void a_transformers_folder_is_a_generator(void) {
    rag_error *error = NULL;
    rag_generation *generation = NULL;
    rag_generator *generator = NULL;
    rag_generate_options options = RAG_GENERATE_OPTIONS_INIT;
    size_t count = 0;
    options.max_new_tokens = 3;
    if (!CHECK_STATUS(rag_generator_open("tests/data/generator/families/llama", &generator, &error), RAG_OK)) return;
    CHECK(rag_generator_context_len(generator) == 512);
    CHECK_STATUS(rag_generator_generate(generator, "the bridge", 10, &options, &generation, &error), RAG_OK);
    CHECK(rag_generation_token_ids(generation, &count) != NULL && count == 3);
    rag_generation_free(generation);
    rag_generator_free(generator);
}

int main(void) {
    char path[4096];
    rag_error *error = NULL;
    rag_generator *generator = NULL;
    a_transformers_folder_is_a_generator();
    if (!find_model("smollm2", path, sizeof path)) return finish();
    if (!CHECK_STATUS(rag_generator_open(path, &generator, &error), RAG_OK)) return finish();
    pieces_are_the_text_and_a_callback_may_stop_but_not_reenter(generator);
    options_reach_the_sampler(generator);
    text_is_held_to_a_form(generator);
    a_prompt_tells_how_much_is_taken_in(generator);
    a_generator_takes_its_template_and_precision(path, generator);
    a_flag_cancels_and_errors_are_typed(generator);
    rag_generator_free(generator);
    return finish();
}
