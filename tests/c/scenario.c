/* Runs one scenario of tests/scenarios through the C interface:
 *
 *     python3 tests/scenarios/to_lines.py FILE | scenario FOLDER
 *
 * FOLDER is an empty folder. Models are looked up as in check.h. tests/scenarios/README.md says what each line means.
 * Ends with "ok NAME" and 0, "SKIP ..." and 0, or "FAIL ..." and 1. */
#include "scenario_lines.h"

#include <math.h>
#include <unistd.h>

#include "check.h"

enum { MAX_STEPS = 128, MAX_SPANS = 64, PATH_SIZE = 8192 };

/* What a search or an ask gave, for "same_as" and the transcript. */
struct result {
    char spans[PATH_SIZE];
    float scores[MAX_SPANS];
    size_t count;
    char *text;
};

struct run {
    char name[128], folder[4096], docs[4200], encoder[4096], llm[4096];
    rag_kb *kb;
    const struct step *step;
    struct result *results[MAX_STEPS];
    char pieces[65536];
};

static _Noreturn void fail(const struct run *run, const char *what, const char *wanted, const char *got) {
    const struct step *step = run->step;
    printf("FAIL %s: step %d: %s: wanted %s, got %s\n", run->name, step ? step->number : -1, what, wanted, got);
    exit(1);
}

static void expect_text(const struct run *run, const char *what, const char *wanted, const char *got) {
    if (strcmp(wanted, got) != 0) fail(run, what, wanted, got);
}

static void expect_number(const struct run *run, const char *what, long wanted, long got) {
    char wanted_text[32], got_text[32];
    snprintf(wanted_text, sizeof wanted_text, "%ld", wanted);
    snprintf(got_text, sizeof got_text, "%ld", got);
    expect_text(run, what, wanted_text, got_text);
}

static void expect_holds(const struct run *run, const char *what, const char *part, const char *whole) {
    if (!strstr(whole, part)) fail(run, what, part, whole);
}

/* Whether a function takes an option as an argument of its own. */
static bool is_argument(const struct step *step, const char *option) {
    return strcmp(step->action, "compose") == 0 &&
           (strcmp(option, "kind") == 0 || strcmp(option, "max_sentences") == 0);
}

/* The options of a step that are given by name. */
static size_t settings_of(const struct step *step, rag_setting settings[8]) {
    size_t count = 0;
    for (size_t i = 0; i < step->fact_count && count < 8; i++) {
        const struct fact *fact = &step->facts[i];
        if (is(fact, "option") && !is_argument(step, text_of(fact, 1)))
            settings[count++] = (rag_setting){text_of(fact, 1), text_of(fact, 2)};
    }
    return count;
}

/* What an option is given as, or `otherwise`. */
static const char *option_of(const struct step *step, const char *name, const char *otherwise) {
    for (size_t i = 0; i < step->fact_count; i++)
        if (is(&step->facts[i], "option") && strcmp(text_of(&step->facts[i], 1), name) == 0)
            return text_of(&step->facts[i], 2);
    return otherwise;
}

/* Whether a step was refused as its "refusal" says. */
static void expect_refusal(const struct run *run, const struct fact *refusal, rag_status status, const rag_error *error) {
    char wanted[512];
    expect_text(run, "status", "InvalidArgument", rag_status_name(status));
    snprintf(wanted, sizeof wanted, "invalid %s: %s", text_of(refusal, 1), text_of(refusal, 2));
    expect_text(run, "refusal", wanted, rag_error_message(error));
    printf("T\t%s\t%d\t%s\trefused\t%s\t%s\n", run->name, run->step->number, run->step->action, text_of(refusal, 1),
           text_of(refusal, 2));
}

/* Compares the status of a step with its "error" or "refusal"; true if there is a result to look at. */
static bool succeeded(const struct run *run, rag_status status, rag_error *error) {
    const char *wanted = find_text(run->step, "error");
    const struct fact *refusal = find(run->step, "refusal");
    char got[4096];
    if (refusal) {
        expect_refusal(run, refusal, status, error);
        rag_error_free(error);
        return false;
    }
    snprintf(got, sizeof got, "%s (%s)", rag_status_name(status), rag_error_message(error));
    rag_error_free(error);
    if (strcmp(rag_status_name(status), wanted ? wanted : "Ok") != 0) fail(run, "status", wanted ? wanted : "Ok", got);
    return status == RAG_OK;
}

/* Files */

static void join(char *path, const char *folder, const char *name) {
    const int size = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    if (size < 0 || size >= PATH_SIZE) exit(2);
}

static void make_parents(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
}

/* The bytes from `start` to `end` of a file must be these. */
static void expect_slice(const struct run *run, const char *path, int64_t start, int64_t end, const char *text,
                         size_t size) {
    FILE *file = fopen(path, "rb");
    if (!file || start < 0 || end < start || (size_t)(end - start) != size) fail(run, "length of the span", text, path);
    char *bytes = malloc(size + 1);
    if (!bytes || fseek(file, (long)start, SEEK_SET) != 0 || fread(bytes, 1, size, file) != size ||
        memcmp(bytes, text, size) != 0)
        fail(run, "slice of the file", text, path);
    free(bytes);
    fclose(file);
}

static const char *relative(const struct run *run, const char *uri) {
    const size_t size = strlen(run->docs);
    return strncmp(uri, run->docs, size) == 0 && uri[size] == '/' ? uri + size + 1 : uri;
}

static void change_file(const struct run *run, const struct fact *fact) {
    char path[PATH_SIZE], other[PATH_SIZE];
    join(path, run->docs, text_of(fact, 1));
    make_parents(path);
    if (is(fact, "file")) {
        FILE *file = fopen(path, "wb");
        const struct field *content = &fact->fields[2];
        if (!file || fwrite(content->bytes, 1, content->size, file) != content->size || fclose(file))
            fail(run, "writing", path, "failure");
    } else if (is(fact, "move")) {
        join(other, run->docs, text_of(fact, 2));
        make_parents(other);
        if (rename(path, other) != 0) fail(run, "renaming", path, "failure");
    } else if (is(fact, "path")) {
        const bool make = strcmp(run->step->action, "mkdir") == 0;
        if (make ? mkdir(path, 0777) : remove(path)) fail(run, run->step->action, path, "failure");
    }
}

static void run_files(struct run *run) {
    for (size_t i = 0; i < run->step->fact_count; i++) change_file(run, &run->step->facts[i]);
}

/* Opening */

static void model_path(const struct run *run, const char *name, char *path) {
    if (strncmp(name, "$DOCS/", 6) == 0)
        join(path, run->docs, name + 6);
    else if (!find_model(name, path, PATH_SIZE))
        exit(checks_failed != 0);
}

static rag_status open_kb(struct run *run, const char *encoder, const char *llm, const char *file, rag_error **error) {
    char encoder_path[PATH_SIZE], llm_path[PATH_SIZE], path[PATH_SIZE];
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    model_path(run, encoder, encoder_path);
    options.encoder = encoder_path;
    if (*llm) {
        model_path(run, llm, llm_path);
        options.llm = llm_path;
    }
    rag_setting settings[8];
    options.settings = settings;
    options.setting_count = run->step ? settings_of(run->step, settings) : 0;
    join(path, run->folder, file);
    rag_kb_close(run->kb);
    return rag_kb_open(path, &options, &run->kb, error);
}

static void run_reopen(struct run *run) {
    const char *encoder = find_text(run->step, "use_encoder"), *llm = find_text(run->step, "use_llm");
    const char *file = find_text(run->step, "kb");
    rag_error *error = NULL;
    const rag_status status =
        open_kb(run, encoder ? encoder : run->encoder, llm ? llm : run->llm, file ? file : "kb.rag", &error);
    succeeded(run, status, error);
}

/* Sync */

static long count_of(const rag_sync_counts *counts, const char *name) {
    if (strcmp(name, "added") == 0) return (long)counts->added;
    if (strcmp(name, "updated") == 0) return (long)counts->updated;
    if (strcmp(name, "removed") == 0) return (long)counts->removed;
    if (strcmp(name, "renamed") == 0) return (long)counts->renamed;
    if (strcmp(name, "unchanged") == 0) return (long)counts->unchanged;
    return strcmp(name, "skipped_count") == 0 ? (long)counts->skipped : -1;
}

static void expect_skip(const struct run *run, const rag_sync_report *report, const struct fact *fact) {
    const rag_skipped *skipped;
    for (size_t i = 0; (skipped = rag_sync_report_skipped_at(report, i)); i++) {
        if (strcmp(relative(run, skipped->path), text_of(fact, 1)) == 0) {
            expect_text(run, skipped->path, text_of(fact, 2), rag_status_name(skipped->code));
            return;
        }
    }
    fail(run, "skipped", text_of(fact, 1), "nothing");
}

static void run_sync(struct run *run) {
    const struct fact *root = find(run->step, "path");
    rag_sync_report *report = NULL;
    rag_error *error = NULL;
    char path[PATH_SIZE];
    for (size_t i = 0; i < run->step->fact_count; i++)
        if (is(&run->step->facts[i], "path") && &run->step->facts[i] != root) fail(run, "sync", "one path", "several");
    join(path, run->docs, text_of(root, 1));
    if (strcmp(text_of(root, 1), ".") == 0) snprintf(path, sizeof path, "%s", run->docs);
    rag_setting settings[8];
    rag_sync_options options = RAG_SYNC_OPTIONS_INIT;
    options.settings = settings;
    options.setting_count = settings_of(run->step, settings);
    const rag_status status = rag_kb_sync(run->kb, path, &options, &report, &error);
    if (!succeeded(run, status, error)) return;
    for (size_t i = 0; i < run->step->fact_count; i++) {
        const struct fact *fact = &run->step->facts[i];
        if (is(fact, "expect_count"))
            expect_number(run, text_of(fact, 1), atol(text_of(fact, 2)),
                          count_of(rag_sync_report_counts(report), text_of(fact, 1)));
        if (is(fact, "expect_skip")) expect_skip(run, report, fact);
    }
    rag_sync_report_free(report);
}

/* Search and ask */

static struct result *new_result(struct run *run) {
    struct result *result = calloc(1, sizeof *result);
    if (!result || run->step->number >= MAX_STEPS) exit(2);
    return run->results[run->step->number] = result;
}

static void add_span(const struct run *run, struct result *result, const char *uri, size_t start, size_t end) {
    const size_t used = strlen(result->spans);
    const int size = snprintf(result->spans + used, sizeof result->spans - used, "%s%s:%zu-%zu", used ? " " : "",
                              relative(run, uri), start, end);
    if (size < 0 || used + (size_t)size >= sizeof result->spans || result->count >= MAX_SPANS) exit(2);
}

/* The files in `uris` must be those of the facts `one`, if the step has `all`. */
static void expect_files(const struct run *run, const char *all, const char *one, const char **uris, size_t count) {
    const struct fact *number = find(run->step, all);
    size_t index = 0;
    if (!number) return;
    expect_number(run, all, atol(text_of(number, 1)), (long)count);
    for (size_t i = 0; i < run->step->fact_count; i++)
        if (is(&run->step->facts[i], one) && index < count)
            expect_text(run, one, text_of(&run->step->facts[i], 1), relative(run, uris[index++]));
}

static void expect_first_hit(const struct run *run, const rag_hit *hit) {
    const char *file = find_text(run->step, "expect_first_file"), *part = find_text(run->step, "expect_first_contains");
    const char *slice = find_text(run->step, "expect_first_slice");
    if (file) expect_text(run, "first file", file, hit ? relative(run, hit->uri) : "no hit");
    if (part) expect_holds(run, "first hit", part, hit ? hit->text : "");
    if (slice && strcmp(slice, "1") == 0) {
        if (!hit) fail(run, "first hit", "one", "none");
        expect_slice(run, hit->uri, hit->source_start, hit->source_end, hit->text, hit->text_bytes);
    }
}

static const struct result *earlier(const struct run *run, const char *number) {
    const int index = atoi(number);
    if (index < 0 || index >= MAX_STEPS || !run->results[index]) fail(run, "same_as", number, "no such result");
    return run->results[index];
}

static void expect_same_hits(const struct run *run, const struct result *result) {
    const char *same = find_text(run->step, "expect_same_as");
    if (!same) return;
    const struct result *other = earlier(run, same);
    expect_text(run, "hits of the earlier step", other->spans, result->spans);
    for (size_t i = 0; i < result->count; i++)
        if (fabsf(other->scores[i] - result->scores[i]) > 1e-6F) fail(run, "score", "the earlier one", result->spans);
}

static rag_search_options search_options(const struct step *step) {
    rag_search_options options = RAG_SEARCH_OPTIONS_INIT;
    const char *top_k = find_text(step, "top_k"), *mode = find_text(step, "mode");
    if (top_k) options.top_k = (size_t)atol(top_k);
    /* In C zero means default, so that the smallest number out of range is at the other end. */
    if (top_k && options.top_k == 0) options.top_k = 10001;
    if (mode && strcmp(mode, "dense") == 0) options.mode = RAG_MODE_DENSE;
    if (mode && strcmp(mode, "lexical") == 0) options.mode = RAG_MODE_LEXICAL;
    return options;
}

static void run_search(struct run *run) {
    rag_search_options options = search_options(run->step);
    rag_setting settings[8];
    options.settings = settings;
    options.setting_count = settings_of(run->step, settings);
    rag_hits *hits = NULL;
    rag_error *error = NULL;
    const char *question = find_text(run->step, "question");
    const rag_status status = rag_kb_search(run->kb, question, &options, &hits, &error);
    if (!succeeded(run, status, error)) return;
    struct result *result = new_result(run);
    const char *uris[MAX_SPANS];
    for (const rag_hit *hit; (hit = rag_hits_at(hits, result->count)); result->count++) {
        add_span(run, result, hit->uri, hit->start, hit->end);
        uris[result->count] = hit->uri;
        result->scores[result->count] = hit->score;
    }
    printf("T\t%s\t%d\tsearch\t%s\n", run->name, run->step->number, result->spans);
    const struct fact *count = find(run->step, "expect_count");
    if (count) expect_number(run, "count", atol(text_of(count, 2)), (long)result->count);
    expect_files(run, "expect_files", "expect_file", uris, result->count);
    expect_first_hit(run, rag_hits_at(hits, 0));
    expect_same_hits(run, result);
    rag_hits_free(hits);
}

static bool keep_piece(const char *piece, size_t size, void *user_data) {
    struct run *run = user_data;
    const size_t used = strlen(run->pieces);
    if (used + size < sizeof run->pieces) {
        memcpy(run->pieces + used, piece, size);
        run->pieces[used + size] = 0;
    }
    return true;
}

static void forget_pieces(int32_t why, void *user_data) {
    (void)why;
    ((struct run *)user_data)->pieces[0] = 0;
}

static unsigned long next_code_point(const unsigned char **text) {
    const unsigned char *p = *text;
    const int extra = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
    unsigned long code = extra == 0 ? *p : *p & (0x3fU >> extra);
    for (int i = 1; i <= extra; i++) code = code << 6 | (p[i] & 0x3fU);
    *text = p + extra + 1;
    return code;
}

/* Prints a JSON string in ASCII, as Python's json.dumps does. */
static void print_json(const char *text) {
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const unsigned long code = next_code_point(&p);
        const char *escape = code < 0x80 ? strchr(from, (int)code) : NULL;
        if (escape)
            printf("\\%c", to[escape - from]);
        else if (code >= 0x10000)
            printf("\\u%04lx\\u%04lx", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
        else if (code < 0x20 || code >= 0x7f + 1)
            printf("\\u%04lx", code);
        else
            putchar((int)code);
    }
    putchar('"');
}

static void expect_citations_ok(const struct run *run, const rag_answer *answer) {
    const char *wanted = find_text(run->step, "expect_all_citations_ok");
    const rag_citation *citation;
    if (!wanted || strcmp(wanted, "1") != 0) return;
    if (rag_answer_citation_count(answer) == 0) fail(run, "citations", "some", "none");
    for (size_t i = 0; (citation = rag_answer_citation_at(answer, i)); i++) {
        rag_citation_status status = RAG_CITATION_MISSING;
        expect_number(run, "status of the citation", RAG_CITATION_OK, citation->status);
        expect_number(run, "verifying", RAG_OK, (long)rag_kb_verify(run->kb, answer, i, &status, NULL));
        expect_number(run, "verified status", RAG_CITATION_OK, (long)status);
        expect_slice(run, citation->uri, citation->source_start, citation->source_end, citation->quote,
                     citation->quote_bytes);
    }
}

/* The cited files without repeats must be those of "expect_cites". */
static void expect_cites(const struct run *run, const rag_answer *answer) {
    const char *uris[MAX_SPANS];
    size_t count = 0;
    const rag_citation *citation;
    for (size_t i = 0; (citation = rag_answer_citation_at(answer, i)) && count < MAX_SPANS; i++) {
        size_t seen = 0;
        while (seen < count && strcmp(uris[seen], citation->uri) != 0) seen++;
        if (seen == count) uris[count++] = citation->uri;
    }
    expect_files(run, "expect_cites", "expect_cite", uris, count);
}

static void expect_answer(const struct run *run, const rag_answer *answer, const struct result *result) {
    const char *found = find_text(run->step, "expect_found"), *same = find_text(run->step, "expect_same_as");
    const char *pieces = find_text(run->step, "expect_pieces_contain");
    if (found) expect_number(run, "found", atol(found), rag_answer_found(answer));
    for (size_t i = 0; i < run->step->fact_count; i++)
        if (is(&run->step->facts[i], "expect_contains"))
            expect_holds(run, "answer", text_of(&run->step->facts[i], 1), result->text);
    if (same) expect_text(run, "answer of the earlier step", earlier(run, same)->text, result->text);
    if (pieces) expect_holds(run, "pieces", pieces, run->pieces);
    expect_cites(run, answer);
    expect_citations_ok(run, answer);
}

static void run_ask(struct run *run) {
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    rag_generate_options generate = RAG_GENERATE_OPTIONS_INIT;
    rag_answer *answer = NULL;
    rag_error *error = NULL;
    const char *seed = find_text(run->step, "seed");
    generate.seed = seed ? strtoull(seed, NULL, 10) : 0;
    options.generate = &generate;
    options.system = find_text(run->step, "system");
    options.user_data = run;
    rag_setting settings[8];
    options.settings = settings;
    options.setting_count = settings_of(run->step, settings);
    if (find(run->step, "stream")) options.on_piece = keep_piece;
    options.on_retract = forget_pieces;
    options.retract_user_data = run;
    run->pieces[0] = 0;
    const char *question = find_text(run->step, "question");
    const rag_status status = rag_kb_ask(run->kb, question, &options, &answer, &error);
    if (!succeeded(run, status, error)) return;
    struct result *result = new_result(run);
    const rag_citation *citation;
    for (; (citation = rag_answer_citation_at(answer, result->count)); result->count++)
        add_span(run, result, citation->uri, citation->start, citation->end);
    result->text = strdup(rag_answer_text(answer, NULL));
    const char *state = rag_answer_found(answer) ? "found" : "not_found";
    printf("T\t%s\t%d\task\t%s\t%s\t", run->name, run->step->number, state, result->spans);
    print_json(result->text);
    putchar('\n');
    expect_answer(run, answer, result);
    rag_answer_free(answer);
}

static int32_t draft_kind(const struct run *run, const char *name) {
    static const char *const names[] = {"synthesis", "scenarios", "argument", "assess", "explain", "table"};
    for (int32_t kind = 0; kind < 6; kind++)
        if (strcmp(names[kind], name) == 0) return kind;
    fail(run, "kind", "one of a draft", name);
}

static void run_compose(struct run *run) {
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    rag_generate_options generate = RAG_GENERATE_OPTIONS_INIT;
    rag_error *error = NULL;
    char *json = NULL;
    const char *seed = find_text(run->step, "seed"), *found = find_text(run->step, "expect_found");
    generate.seed = seed ? strtoull(seed, NULL, 10) : 0;
    options.generate = &generate;
    rag_setting settings[8];
    options.settings = settings;
    options.setting_count = settings_of(run->step, settings);
    const int32_t kind = draft_kind(run, option_of(run->step, "kind", "synthesis"));
    const size_t max_sentences = (size_t)atol(option_of(run->step, "max_sentences", "0"));
    const char *task = find_text(run->step, "question");
    const rag_status status = rag_kb_compose(run->kb, task, kind, max_sentences, &options, &json, &error);
    if (!succeeded(run, status, error)) return;
    const bool is_found = strstr(json, "\"found\":true") != NULL;
    printf("T\t%s\t%d\tcompose\t%s\n", run->name, run->step->number, is_found ? "found" : "not_found");
    if (found) expect_number(run, "found", atol(found), is_found);
    for (size_t i = 0; i < run->step->fact_count; i++)
        if (is(&run->step->facts[i], "expect_contains"))
            expect_holds(run, "draft", text_of(&run->step->facts[i], 1), json);
    rag_string_free(json);
}

static void run_step(struct run *run, const struct step *step) {
    run->step = step;
    if (strcmp(step->action, "reopen") == 0)
        run_reopen(run);
    else if (strcmp(step->action, "sync") == 0)
        run_sync(run);
    else if (strcmp(step->action, "search") == 0)
        run_search(run);
    else if (strcmp(step->action, "ask") == 0)
        run_ask(run);
    else if (strcmp(step->action, "compose") == 0)
        run_compose(run);
    else
        run_files(run);
}

static void need_model(const char *name) {
    char path[PATH_SIZE];
    if (!find_model(name, path, sizeof path)) exit(checks_failed != 0);
}

static void open_first(struct run *run) {
    rag_error *error = NULL;
    if (open_kb(run, run->encoder, run->llm, "kb.rag", &error)) fail(run, "opening", "Ok", rag_error_message(error));
}

int main(int argc, char **argv) {
    static struct run run;
    static struct step step;
    struct fact fact;
    if (argc != 2 || !realpath(argv[1], run.folder)) return 2;
    snprintf(run.docs, sizeof run.docs, "%s/docs", run.folder);
    if (mkdir(run.docs, 0777) != 0) return 2;
    while (read_fact(stdin, &fact) && !is(&fact, "done")) {
        if (is(&fact, "scenario")) snprintf(run.name, sizeof run.name, "%s", text_of(&fact, 1));
        if (is(&fact, "need")) need_model(text_of(&fact, 1));
        if (is(&fact, "encoder")) snprintf(run.encoder, sizeof run.encoder, "%s", text_of(&fact, 1));
        if (is(&fact, "llm")) snprintf(run.llm, sizeof run.llm, "%s", text_of(&fact, 1));
        if (is(&fact, "step")) {
            if (!run.kb && run.step == NULL) open_first(&run);
            if (!read_step(stdin, &fact, &step)) fail(&run, "lines", "end", "the end of the file");
            run_step(&run, &step);
            free_step(&step);
        }
        free(fact.fields[0].bytes);
    }
    for (int i = 0; i < MAX_STEPS; i++) {
        if (run.results[i]) free(run.results[i]->text);
        free(run.results[i]);
    }
    rag_kb_close(run.kb);
    printf("ok %s\n", run.name);
    return 0;
}
