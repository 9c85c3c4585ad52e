/* A knowledge base with real models, through the C interface. Argument 1 is an empty folder. */
#include <math.h>
#include <pthread.h>

#include "check.h"

static const char bridge[] = "The stone bridge over the Velden river was opened to traffic in 1871.\n";
static const char soup[] = "Leek soup is made with leeks, potatoes, butter and a little cream.\n";
static const char question[] = "When was the bridge opened?";

static char docs[4096], encoder_path[4096], llm_path[4096];

static rag_kb *open_memory(void) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = encoder_path;
    options.llm = llm_path;
    CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK);
    return kb;
}

static void open_errors_of_the_file_are_typed(const char *folder) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    char path[8192];
    options.encoder = encoder_path;
    options.access = RAG_ACCESS_READ_ONLY;
    snprintf(path, sizeof path, "%s/missing.rag", folder);
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_IO);
    CHECK(kb == NULL);
    snprintf(path, sizeof path, "%s/bridge.txt", docs);
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_STORE);
    options.access = RAG_ACCESS_CREATE;
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_STORE);
}

struct watch {
    rag_kb *kb;
    int calls;
    int stop_at;
    rag_status inner;
};

static bool watch_progress(const rag_progress *progress, void *user_data) {
    struct watch *watch = user_data;
    rag_info *info = NULL;
    rag_error *error = NULL;
    watch->inner = rag_kb_info(watch->kb, &info, &error);
    rag_error_free(error);
    if (progress->has_total) CHECK(progress->done <= progress->total);
    return ++watch->calls != watch->stop_at;
}

static void sync_reports_and_its_callback_may_stop_it(rag_kb *kb) {
    rag_error *error = NULL;
    rag_sync_report *report = NULL;
    struct watch watch = {kb, 0, 1, RAG_OK};
    rag_sync_options options = RAG_SYNC_OPTIONS_INIT;
    options.on_progress = watch_progress;
    options.user_data = &watch;
    CHECK_STATUS(rag_kb_sync(kb, docs, &options, &report, &error), RAG_CANCELLED);
    CHECK(report == NULL && watch.inner == RAG_INVALID_ARGUMENT);

    watch.stop_at = 0;
    if (!CHECK_STATUS(rag_kb_sync(kb, docs, &options, &report, &error), RAG_OK)) return;
    const rag_sync_counts *counts = rag_sync_report_counts(report);
    CHECK(counts->added + counts->unchanged == 2 && counts->skipped == 1 && watch.calls > 1);
    const rag_skipped *skipped = rag_sync_report_skipped_at(report, 0);
    CHECK(skipped->code == RAG_DOCUMENT && strstr(skipped->path, "broken.pdf"));
    CHECK(strcmp(skipped->unreadable, "Broken") == 0);
    CHECK(rag_sync_report_skipped_at(report, 1) == NULL);
    CHECK(counts->missing == 0 && rag_sync_report_missing_at(report, 0) == NULL);
    CHECK(counts->unread == 0 && rag_sync_report_unread_at(report, 0) == NULL);
    char *json = NULL;
    CHECK_STATUS(rag_sync_report_to_json(report, &json, &error), RAG_OK);
    CHECK(json && strstr(json, "\"code\":\"Document\""));
    rag_string_free(json);
    rag_sync_report_free(report);
    CHECK_STATUS(rag_kb_sync(kb, "/no/such/folder", NULL, NULL, &error), RAG_IO);
}

static void search_lends_whole_hits(rag_kb *kb) {
    rag_error *error = NULL;
    rag_hits *hits = NULL;
    rag_search_options options = RAG_SEARCH_OPTIONS_INIT;
    options.top_k = 1;
    if (!CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_OK)) return;
    const rag_hit *hit = rag_hits_at(hits, 0);
    if (CHECK(rag_hits_count(hits) == 1 && hit && rag_hits_at(hits, 1) == NULL)) {
        CHECK(strstr(hit->uri, "bridge.txt") && strstr(hit->text, "1871") && hit->dense_rank == 1);
        CHECK(hit->text_bytes == strlen(hit->text) && hit->end - hit->start == hit->text_bytes);
        CHECK(hit->source_start == 0 && hit->source_end == (int64_t)hit->text_bytes && hit->page == 0);
        rag_passage *passage = NULL;
        CHECK_STATUS(rag_kb_passage(kb, hit->passage_id, &passage, &error), RAG_OK);
        CHECK(passage && strcmp(passage->text, hit->text) == 0 && passage->passage_id == hit->passage_id);
        rag_passage_free(passage);
    }
    rag_hits_free(hits);
    CHECK_STATUS(rag_kb_search(kb, "", NULL, &hits, &error), RAG_INVALID_ARGUMENT);
    CHECK(hits == NULL);
    options.mode = 17;
    CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_INVALID_ARGUMENT);
    rag_passage *passage = NULL;
    CHECK_STATUS(rag_kb_passage(kb, 999999, &passage, &error), RAG_NOT_FOUND);
}

static void a_text_is_added_replaced_and_removed(rag_kb *kb) {
    static const char tower[] = "The clock tower was restored in 2009.";
    const char *keys[] = {"author"}, *values[] = {"Ada"};
    rag_error *error = NULL;
    rag_passage_ids *ids = NULL;
    rag_add_options options = RAG_ADD_OPTIONS_INIT;
    options.metadata_keys = keys, options.metadata_values = values, options.metadata_count = 1;
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(rag_kb_add(kb, "note:1", tower, strlen(tower), &options, &ids, &error), RAG_OK);
        CHECK(rag_passage_ids_count(ids) == 1 && rag_passage_ids_at(ids, 0) > 0 && rag_passage_ids_at(ids, 1) == 0);
        rag_passage_ids_free(ids);
    }
    CHECK_STATUS(rag_kb_add(kb, "note:1", "", 0, NULL, &ids, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_add(kb, "note:1", "\xff", 1, NULL, &ids, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_add(kb, "note:1", tower, (size_t)-1, NULL, &ids, &error), RAG_INVALID_ARGUMENT);
    CHECK(ids == NULL);
    bool removed = false;
    CHECK_STATUS(rag_kb_remove(kb, "note:1", &removed, &error), RAG_OK);
    CHECK(removed);
    CHECK_STATUS(rag_kb_remove(kb, "note:1", &removed, &error), RAG_OK);
    CHECK(!removed);
}

static void info_check_seal_and_vacuum(rag_kb *kb) {
    rag_error *error = NULL;
    rag_info *info = NULL;
    if (CHECK_STATUS(rag_kb_info(kb, &info, &error), RAG_OK)) {
        CHECK(info->document_count == 2 && info->passage_count == 2 && info->skipped_count == 1 && info->dim == 384);
        CHECK(strstr(info->json, "\"passage_count\":2") && info->fingerprint && info->index);
    }
    rag_info_free(info);
    CHECK_STATUS(rag_kb_seal(kb, RAG_SEAL_NOW, NULL, &error), RAG_OK);
    CHECK_STATUS(rag_kb_seal(kb, 2, NULL, &error), RAG_INVALID_ARGUMENT);
    rag_check_report *report = NULL;
    CHECK_STATUS(rag_kb_check(kb, NULL, &report, &error), RAG_OK);
    CHECK(rag_check_report_count(report) == 0 && rag_check_report_at(report, 0) == NULL);
    rag_check_report_free(report);
    char *json = NULL;
    if (CHECK_STATUS(rag_kb_reindex(kb, NULL, &json, &error), RAG_OK)) CHECK(strstr(json, "\"encoded\":0") != NULL);
    rag_string_free(json);
    rag_sync_options options = RAG_SYNC_OPTIONS_INIT;
    options.plan = 2;
    CHECK_STATUS(rag_kb_reindex(kb, &options, &json, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_vacuum(kb, &error), RAG_OK);
    CHECK_STATUS(rag_kb_purge(kb, NULL, &error), RAG_OK);
}

static void filters_limit_and_remove(rag_kb *kb) {
    rag_error *error = NULL;
    rag_hits *hits = NULL;
    rag_search_options options = RAG_SEARCH_OPTIONS_INIT;
    options.filter = "kind = nothing";
    if (CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_OK)) CHECK(rag_hits_count(hits) == 0);
    rag_hits_free(hits);
    options.filter = "kind != nothing";
    options.ef_search = 50;
    if (CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_OK)) CHECK(rag_hits_count(hits) > 0);
    rag_hits_free(hits);
    options.rerank = -1; /* none is no fault without a reranker, some is */
    if (CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_OK)) CHECK(rag_hits_at(hits, 0)->rerank_rank == 0);
    rag_hits_free(hits);
    options.rerank = 5;
    CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_INVALID_ARGUMENT);
    options.rerank = -2;
    CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_INVALID_ARGUMENT);
    options.rerank = 0;
    options.fusion = "rrf:60";
    options.context = "section";
    options.diversity = 0.25f;
    if (CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_OK)) CHECK(rag_hits_at(hits, 0)->bm25 > 0);
    rag_hits_free(hits);
    options.fusion = "mean";
    CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_INVALID_ARGUMENT);
    options.rerank = 0;
    options.filter = "kind =";
    CHECK_STATUS(rag_kb_search(kb, question, &options, &hits, &error), RAG_INVALID_ARGUMENT);
    size_t removed = 9;
    CHECK_STATUS(rag_kb_remove_where(kb, "kind = nothing", &removed, &error), RAG_OK);
    CHECK(removed == 0);
    CHECK_STATUS(rag_kb_remove_where(kb, NULL, &removed, &error), RAG_INVALID_ARGUMENT);
}

static void *search_many(void *kb) {
    long good = 0;
    for (int i = 0; i < 20; i++) {
        rag_hits *hits = NULL;
        good += rag_kb_search(kb, question, NULL, &hits, NULL) == RAG_OK &&
                strstr(rag_hits_at(hits, 0)->text, "1871") != NULL;
        rag_hits_free(hits);
    }
    return (void *)good;
}

static void threads_share_a_handle(rag_kb *kb) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, search_many, kb) == 0);
    for (int i = 0; i < 4; i++) {
        void *good = NULL;
        CHECK(pthread_join(threads[i], &good) == 0 && (long)good == 20);
    }
}

static void documents_and_their_passages_are_listed(void) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_documents *documents = NULL;
    rag_passage_ids *ids = NULL;
    rag_passage *passage = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = encoder_path;
    if (!CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK)) return;
    const char *keys[] = {"year"}, *values[] = {"2024"};
    rag_add_options dated = RAG_ADD_OPTIONS_INIT;
    dated.metadata_keys = keys, dated.metadata_values = values, dated.metadata_count = 1;
    CHECK_STATUS(rag_kb_add(kb, "b", "Bees sleep.", 11, NULL, NULL, &error), RAG_OK);
    CHECK_STATUS(rag_kb_add(kb, "a", "Ants work.", 10, &dated, NULL, &error), RAG_OK);
    if (CHECK_STATUS(rag_kb_documents(kb, NULL, &documents, &error), RAG_OK)) {
        CHECK(rag_documents_count(documents) == 2 && rag_documents_at(documents, 2) == NULL);
        const rag_document *first = rag_documents_at(documents, 0);
        CHECK(strcmp(first->uri, "a") == 0 && first->passage_count == 1 && first->text_bytes == 10);
        CHECK(strcmp(first->metadata_json, "{\"year\":\"2024\"}") == 0 && first->skipped == NULL);
        char *json = NULL;
        CHECK_STATUS(rag_documents_to_json(documents, &json, &error), RAG_OK);
        CHECK(json && strstr(json, "\"documents\":[{"));
        rag_string_free(json);
    }
    rag_documents_free(documents);
    if (CHECK_STATUS(rag_kb_documents(kb, "year = 2024", &documents, &error), RAG_OK))
        CHECK(rag_documents_count(documents) == 1);
    rag_documents_free(documents);
    CHECK_STATUS(rag_kb_documents(kb, "year =", &documents, &error), RAG_INVALID_ARGUMENT);
    if (CHECK_STATUS(rag_kb_passages(kb, "b", &ids, &error), RAG_OK)) {
        CHECK(rag_passage_ids_count(ids) == 1);
        if (CHECK_STATUS(rag_kb_passage(kb, rag_passage_ids_at(ids, 0), &passage, &error), RAG_OK))
            CHECK(strcmp(passage->text, "Bees sleep.") == 0);
        const int64_t id = rag_passage_ids_at(ids, 0);
        rag_locations *locations = NULL;
        if (CHECK_STATUS(rag_kb_locate(kb, 0, id, 5, 10, &locations, &error), RAG_OK)) {
            const rag_location *first = rag_locations_at(locations, 0);
            CHECK(rag_locations_count(locations) == 1 && first->kind == RAG_PLACE_BYTES);
            CHECK(first->start == 5 && first->end == 10 && strcmp(first->text, "bytes 5-10") == 0);
            CHECK(first->unit == NULL && first->page == 0 && rag_locations_at(locations, 1) == NULL);
        }
        rag_locations_free(locations);
        CHECK_STATUS(rag_kb_locate(kb, 0, id, 5, 12, &locations, &error), RAG_INVALID_ARGUMENT);
        CHECK_STATUS(rag_kb_locate(kb, 1, id, 0, 0, &locations, &error), RAG_INVALID_ARGUMENT);
        CHECK_STATUS(rag_kb_locate(kb, 0, 999, 0, 0, &locations, &error), RAG_NOT_FOUND);
        rag_passage_free(passage);
    }
    rag_passage_ids_free(ids);
    CHECK_STATUS(rag_kb_passages(kb, "c", &ids, &error), RAG_NOT_FOUND);
    char *json = NULL;
    const char *rows = "name\tsize\nrod\t12\nwire\t8";
    CHECK_STATUS(rag_kb_add(kb, "sizes", rows, strlen(rows), NULL, NULL, &error), RAG_OK);
    CHECK_STATUS(rag_kb_tables(kb, NULL, &json, &error), RAG_OK);
    const char *id = json ? strstr(json, "\"id\":\"") : NULL;
    CHECK(json && strstr(json, "\"name\":\"size\",\"kind\":\"integer\""));
    char name[32] = "";
    if (CHECK(id != NULL)) snprintf(name, sizeof name, "%.*s", (int)strcspn(id + 6, "\""), id + 6);
    rag_string_free(json);
    if (CHECK_STATUS(rag_kb_table(kb, name, &json, &error), RAG_OK))
        CHECK(strstr(json, "{\"text\":\"wire\",\"start\":17,\"end\":21}") != NULL);
    rag_string_free(json);
    CHECK_STATUS(rag_kb_table(kb, "9.9", &json, &error), RAG_NOT_FOUND);
    CHECK_STATUS(rag_kb_tables(kb, "year =", &json, &error), RAG_INVALID_ARGUMENT);
    const char *asked[] = {question};
    if (CHECK_STATUS(rag_kb_map(kb, NULL, asked, 1, &json, &error), RAG_OK))
        CHECK(strstr(json, "\"points\":[{\"passage_id\":") != NULL && strstr(json, "\"shares\":[") != NULL);
    rag_string_free(json);
    if (CHECK_STATUS(rag_kb_map_html(kb, NULL, NULL, 0, &json, &error), RAG_OK))
        CHECK(strncmp(json, "<!DOCTYPE html>", 15) == 0 && strstr(json, "<circle") != NULL);
    rag_string_free(json);
    CHECK_STATUS(rag_kb_map(kb, "year =", NULL, 0, &json, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_map(kb, NULL, NULL, 1, &json, &error), RAG_INVALID_ARGUMENT);
    rag_kb_close(kb);
}

static void an_encoder_fills_the_rows_it_is_given(void) {
    const char *texts[] = {question, soup};
    rag_error *error = NULL;
    rag_encoder *encoder = NULL;
    float rows[2 * 384];
    if (!CHECK_STATUS(rag_encoder_open(encoder_path, &encoder, &error), RAG_OK)) return;
    CHECK(rag_encoder_dim(encoder) == 384 && rag_encoder_max_tokens(encoder) >= 128);
    CHECK(rag_encoder_precision(encoder) != RAG_PRECISION_AUTO && strlen(rag_encoder_level(encoder)) > 0);
    size_t tokens = 0;
    CHECK_STATUS(rag_encoder_token_count(encoder, "two words", &tokens, &error), RAG_OK);
    CHECK(tokens == 2);
    CHECK_STATUS(rag_encoder_encode(encoder, RAG_TEXT_QUERY, texts, 2, rows, 2 * 384, NULL, &error), RAG_OK);
    for (int row = 0; row < 2; row++) {
        float sum = 0;
        for (int i = 0; i < 384; i++) sum += rows[row * 384 + i] * rows[row * 384 + i];
        CHECK(sum > 0.999F && sum < 1.001F);
    }
    CHECK_STATUS(rag_encoder_encode(encoder, RAG_TEXT_QUERY, texts, 2, rows, 384, NULL, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_encoder_encode(encoder, 9, texts, 2, rows, 2 * 384, NULL, &error), RAG_INVALID_ARGUMENT);
    rag_encoder_free(encoder);
    rag_encoder_options options = RAG_ENCODER_OPTIONS_INIT;
    options.backend = "candle";
    if (!CHECK_STATUS(rag_encoder_open_with(encoder_path, &options, &encoder, &error), RAG_OK)) return;
    CHECK(rag_encoder_dim(encoder) == 384);
    rag_encoder_free(encoder);
    options.backend = "abacus";
    CHECK_STATUS(rag_encoder_open_with(encoder_path, &options, &encoder, &error), RAG_INVALID_ARGUMENT);
}

static void an_encoder_takes_its_options(void) {
    const char *texts[] = {question};
    rag_error *error = NULL;
    rag_encoder *whole = NULL, *cut = NULL, *other = NULL;
    float row[384], first[128];
    rag_encoder_options options = RAG_ENCODER_OPTIONS_INIT;
    options.precision = RAG_PRECISION_F32;
    options.level = "portable";
    options.threads = 1;
    if (!CHECK_STATUS(rag_encoder_open_with(encoder_path, &options, &whole, &error), RAG_OK)) return;
    CHECK(rag_encoder_precision(whole) == RAG_PRECISION_F32 && strcmp(rag_encoder_level(whole), "portable") == 0);
    CHECK_STATUS(rag_encoder_encode(whole, RAG_TEXT_QUERY, texts, 1, row, 384, NULL, &error), RAG_OK);
    options.truncate_dim = 128;
    if (CHECK_STATUS(rag_encoder_open_with(encoder_path, &options, &cut, &error), RAG_OK)) {
        CHECK(rag_encoder_dim(cut) == 128);
        CHECK(strcmp(rag_encoder_fingerprint(cut), rag_encoder_fingerprint(whole)) != 0);
        CHECK_STATUS(rag_encoder_encode(cut, RAG_TEXT_QUERY, texts, 1, first, 128, NULL, &error), RAG_OK);
        float length = 0;
        for (int i = 0; i < 128; i++) length += row[i] * row[i];
        for (int i = 0; i < 128; i++) {
            const float difference = first[i] * first[i] * length - row[i] * row[i];
            CHECK(difference < 1e-5F && difference > -1e-5F && first[i] * row[i] >= 0);
        }
    }
    rag_encoder_options wrong = RAG_ENCODER_OPTIONS_INIT;
    wrong.level = "abacus";
    CHECK_STATUS(rag_encoder_open_with(encoder_path, &wrong, &other, &error), RAG_INVALID_ARGUMENT);
    wrong = (rag_encoder_options)RAG_ENCODER_OPTIONS_INIT;
    wrong.precision = 9;
    CHECK_STATUS(rag_encoder_open_with(encoder_path, &wrong, &other, &error), RAG_INVALID_ARGUMENT);
    wrong.precision = RAG_PRECISION_AUTO;
    wrong.truncate_dim = 4096;
    CHECK_STATUS(rag_encoder_open_with(encoder_path, &wrong, &other, &error), RAG_INVALID_ARGUMENT);
    CHECK(other == NULL);
    rag_encoder_free(whole);
    rag_encoder_free(cut);
}

static void a_file_is_opened_with_the_options_of_its_models(void) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_info *info = NULL;
    rag_encoder_options encoder = RAG_ENCODER_OPTIONS_INIT;
    encoder.truncate_dim = 128;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = encoder_path;
    options.llm = "none";
    options.encoder_options = &encoder;
    if (!CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK)) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    if (CHECK_STATUS(rag_kb_info(kb, &info, &error), RAG_OK)) CHECK(info->dim == 128);
    rag_info_free(info);
    rag_kb_close(kb);
    kb = NULL;
    rag_setting threads = {"generator_threads", "1000"};
    options.settings = &threads;
    options.setting_count = 1;
    CHECK(rag_kb_open(":memory:", &options, &kb, &error) == RAG_INVALID_ARGUMENT && kb == NULL);
    CHECK(strstr(rag_error_message(error), "generator_threads: 1000 is outside 1 to 256") != NULL);
    rag_error_free(error);
}

/* Counts letters: near enough to meaning for these texts. */
static bool count_letters(int32_t role, const char *const *texts, const size_t *sizes, size_t count, float *rows,
                          void *user_data) {
    int *calls = user_data;
    *calls += 1;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < sizes[i]; at++) {
            const char letter = texts[i][at];
            if (letter >= 'a' && letter <= 'z') rows[i * 26 + (size_t)(letter - 'a')] += 1;
            if (letter == '!') return false;
        }
    return role == RAG_TEXT_PASSAGE || role == RAG_TEXT_QUERY;
}

static void an_encoder_of_ones_own_builds_and_searches(void) {
    int calls = 0;
    rag_error *error = NULL;
    rag_encoder *encoder = NULL;
    rag_kb *kb = NULL;
    CHECK_STATUS(rag_encoder_own("letters", 0, 0, count_letters, &calls, &encoder, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_encoder_own("letters", 26, 0, NULL, &calls, &encoder, &error), RAG_INVALID_ARGUMENT);
    if (!CHECK_STATUS(rag_encoder_own("letters", 26, 0, count_letters, &calls, &encoder, &error), RAG_OK)) return;
    CHECK(rag_encoder_dim(encoder) == 26 && strcmp(rag_encoder_level(encoder), "own") == 0);
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.loaded_encoder = encoder;
    if (CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK)) {
        rag_encoder_free(encoder);
        encoder = NULL;
        CHECK_STATUS(rag_kb_add(kb, "b", "banana", 6, NULL, NULL, &error), RAG_OK);
        CHECK_STATUS(rag_kb_add(kb, "z", "zebra zoo", 9, NULL, NULL, &error), RAG_OK);
        rag_search_options search = RAG_SEARCH_OPTIONS_INIT;
        search.mode = RAG_MODE_DENSE;
        rag_hits *hits = NULL;
        if (CHECK_STATUS(rag_kb_search(kb, "zebras in a zoo", &search, &hits, &error), RAG_OK))
            CHECK(strcmp(rag_hits_at(hits, 0)->uri, "z") == 0);
        rag_hits_free(hits);
        CHECK_STATUS(rag_kb_search(kb, "stop!", &search, &hits, &error), RAG_MODEL);
        CHECK(calls == 4);
        rag_kb_close(kb);
    }
    rag_encoder_free(encoder);
    options.encoder = encoder_path;
    options.loaded_encoder = NULL;
    if (!CHECK_STATUS(rag_encoder_open(encoder_path, &encoder, &error), RAG_OK)) return;
    options.loaded_encoder = encoder;
    CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_INVALID_ARGUMENT);
    options.encoder = NULL;
    if (CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK)) rag_kb_close(kb);
    rag_encoder_free(encoder);
}

struct pieces {
    rag_kb *kb;
    rag_chat *chat;
    char text[4096];
    size_t size;
    int calls, stop_at;
    rag_status inner;
};

static bool keep_piece(const char *piece, size_t size, void *user_data) {
    struct pieces *pieces = user_data;
    rag_hits *hits = NULL;
    pieces->inner = rag_kb_search(pieces->kb, question, NULL, &hits, NULL);
    if (pieces->chat) CHECK(rag_chat_turn_count(pieces->chat) == 0);
    if (pieces->size + size < sizeof pieces->text) {
        memcpy(pieces->text + pieces->size, piece, size);
        pieces->size += size;
    }
    return ++pieces->calls != pieces->stop_at;
}

static void ask_streams_cites_and_verifies(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct pieces pieces = {.kb = kb};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_piece = keep_piece;
    options.user_data = &pieces;
    options.explain = RAG_EXPLAIN_TRACE;
    if (!CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) return;
    size_t size = 0;
    const char *text = rag_answer_text(answer, &size);
    CHECK(rag_answer_found(answer) && rag_answer_reason(answer) == RAG_REASON_NONE);
    CHECK(strstr(text, "1871") && size == strlen(text));
    CHECK(strstr(pieces.text, "1871") && pieces.calls >= 1 && pieces.inner == RAG_INVALID_ARGUMENT);
    if (CHECK(rag_answer_citation_count(answer) >= 1)) {
        const rag_citation *citation = rag_answer_citation_at(answer, 0);
        CHECK(strstr(citation->uri, "bridge.txt") && citation->marker == 1);
        CHECK(strncmp(bridge + citation->source_start, citation->quote, citation->quote_bytes) == 0);
        rag_citation_status status = RAG_CITATION_MISSING;
        CHECK_STATUS(rag_kb_verify(kb, answer, 0, &status, &error), RAG_OK);
        CHECK(status == RAG_CITATION_OK);
    }
    rag_citation_status status;
    const size_t beyond = rag_answer_citation_count(answer);
    CHECK_STATUS(rag_kb_verify(kb, answer, beyond, &status, &error), RAG_INVALID_ARGUMENT);
    CHECK(rag_answer_citation_at(answer, beyond) == NULL && rag_answer_hit_count(answer) >= 1);
    CHECK(rag_answer_hit_at(answer, 0) != NULL && rag_answer_timings(answer)->prompt_token_count > 0);
    char *json = NULL;
    CHECK_STATUS(rag_answer_to_json(answer, &json, &error), RAG_OK);
    CHECK(json && strstr(json, "\"found\":true") && strstr(json, "\"trace\":{"));
    rag_string_free(json);
    rag_answer_free(answer);
}

/* A sentence is held until it is checked; from who wants any answer nothing is held. */
static void what_is_not_checked_comes_piece_by_piece(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct pieces pieces = {.kb = kb};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.abstain = RAG_ABSTAIN_NEVER;
    options.on_piece = keep_piece;
    options.user_data = &pieces;
    if (!CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) return;
    CHECK(pieces.calls > 1 && strstr(pieces.text, "1871"));
    rag_answer_free(answer);
    struct pieces stopped = {.kb = kb, .stop_at = 2};
    options.user_data = &stopped;
    if (!CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) return;
    CHECK(stopped.calls == 2 && stopped.size < pieces.size);
    rag_answer_free(answer);
}

static void asking_can_be_stopped_and_cancelled(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct pieces pieces = {.kb = kb, .stop_at = 1};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_piece = keep_piece;
    options.user_data = &pieces;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK);
    CHECK(pieces.calls == 1);
    rag_answer_free(answer);

    rag_cancel *cancel = rag_cancel_new();
    rag_cancel_request(cancel);
    options.cancel = cancel;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_CANCELLED);
    CHECK(answer == NULL);
    rag_cancel_free(cancel);
    options.cancel = NULL;
    rag_generate_options generate = RAG_GENERATE_OPTIONS_INIT;
    options.generate = &generate;
    generate.temperature = -1.0F;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    generate.temperature = 0;
    generate.on_piece = keep_piece; /* for rag_generator_generate: an ask has its own */
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
}

/* What a search and a generation take, an ask takes too. */
static void an_ask_takes_the_options_of_search_and_generation(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    rag_search_options search = RAG_SEARCH_OPTIONS_INIT;
    rag_generate_options generate = RAG_GENERATE_OPTIONS_INIT;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.search = &search, options.generate = &generate;
    options.abstain = RAG_ABSTAIN_NEVER;
    search.top_k = 1, search.ef_search = 64;
    generate.max_new_tokens = 2, generate.logprobs = -1;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) {
        CHECK(rag_answer_hit_count(answer) == 1 && rag_answer_timings(answer)->answer_token_count == 2);
        rag_answer_free(answer);
    }
    generate.regex = "In [0-9]{4}\\.";
    generate.max_new_tokens = 12;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) {
        char *json = NULL;
        CHECK_STATUS(rag_answer_to_json(answer, &json, &error), RAG_OK);
        CHECK(json && strstr(json, "In 1"));
        rag_string_free(json);
        rag_answer_free(answer);
    }
    const float nan_bias = NAN;
    const uint32_t token = 1;
    generate.logit_bias_ids = &token, generate.logit_bias_values = &nan_bias, generate.logit_bias_count = 1;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    generate.logit_bias_count = 0;
    const rag_turn earlier[] = {{"user", "Was it opened in 1900?", 22}, {"assistant", "No.", 3}};
    char *prompt = NULL;
    options.history = earlier, options.history_count = 2;
    CHECK_STATUS(rag_kb_prompt(kb, question, &options, &prompt, &error), RAG_OK);
    CHECK(prompt && strstr(prompt, "Was it opened in 1900?") && strstr(prompt, "\"history_count\":2"));
    rag_string_free(prompt);
    const rag_turn nobody = {"nobody", "No.", 3};
    options.history = &nobody, options.history_count = 1;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
}

static void a_document_and_a_question_are_summarized(void) {
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    rag_answer *answer = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.writer = RAG_WRITER_PASSAGES;
    CHECK_STATUS(rag_kb_summarize(kb, NULL, "bridge", 1, &options, &answer, &error), RAG_OK);
    if (CHECK(rag_answer_found(answer) && rag_answer_citation_count(answer) == 1)) {
        const rag_citation *citation = rag_answer_citation_at(answer, 0);
        CHECK(strcmp(citation->uri, "bridge") == 0 && citation->store == 0);
        CHECK(citation->evidence == RAG_EVIDENCE_QUOTE);
    }
    rag_answer_free(answer);
    CHECK_STATUS(rag_kb_summarize(kb, question, NULL, 0, &options, &answer, &error), RAG_OK);
    CHECK(strstr(rag_answer_text(answer, NULL), "1871") != NULL);
    rag_answer_free(answer);
    CHECK_STATUS(rag_kb_summarize(kb, question, "bridge", 0, NULL, &answer, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_summarize(kb, NULL, "bridge", 51, NULL, &answer, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_summarize(kb, NULL, "nowhere", 0, NULL, &answer, &error), RAG_NOT_FOUND);
    rag_kb_close(kb);
}

static void a_draft_says_whose_words_it_holds(void) {
    static const char task[] = "Write a synthesis on the bridge.";
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    char *json = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.writer = RAG_WRITER_PASSAGES;
    CHECK_STATUS(rag_kb_compose(kb, task, RAG_DRAFT_SYNTHESIS, 0, &options, &json, &error), RAG_OK);
    if (CHECK(json != NULL)) {
        CHECK(strstr(json, "\"found\":true") != NULL && strstr(json, "1871") != NULL);
        CHECK(strstr(json, "\"origin\":\"cited\"") != NULL);
    }
    rag_string_free(json);
    CHECK_STATUS(rag_kb_compose(kb, " ", RAG_DRAFT_SYNTHESIS, 0, NULL, &json, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_compose(kb, task, 6, 0, NULL, &json, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_kb_compose(kb, task, RAG_DRAFT_TABLE, 21, NULL, &json, &error), RAG_INVALID_ARGUMENT);
    rag_kb_close(kb);
}

static void several_files_are_searched_as_one(const char *folder) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_hits *hits = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    char first[8192], second[8192];
    const char *also[] = {second};
    snprintf(first, sizeof first, "%s/first.rag", folder);
    snprintf(second, sizeof second, "%s/second.rag", folder);
    options.encoder = encoder_path;
    CHECK_STATUS(rag_kb_open(second, &options, &kb, &error), RAG_OK);
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    rag_kb_close(kb);
    options.also = also;
    options.also_count = 1;
    if (!CHECK_STATUS(rag_kb_open(first, &options, &kb, &error), RAG_OK)) return;
    CHECK_STATUS(rag_kb_add(kb, "soup", soup, strlen(soup), NULL, NULL, &error), RAG_OK);
    if (CHECK_STATUS(rag_kb_search(kb, question, NULL, &hits, &error), RAG_OK)) {
        CHECK(rag_hits_count(hits) == 2);
        CHECK(rag_hits_at(hits, 0)->store == 1 && rag_hits_at(hits, 1)->store == 0);
    }
    rag_hits_free(hits);
    rag_kb_close(kb);
    also[0] = first;
    CHECK_STATUS(rag_kb_open(first, &options, &kb, &error), RAG_INVALID_ARGUMENT);
    options.also = NULL;
    CHECK_STATUS(rag_kb_open(first, &options, &kb, &error), RAG_INVALID_ARGUMENT);
}

static void the_prompt_takes_examples_and_an_order(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    char *json = NULL;
    const char *passages[] = {"Tilia means linden."};
    const rag_example example = {passages, 1, "What is Tilia?", "A linden."};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.explain = RAG_EXPLAIN_TRACE;
    options.abstain = RAG_ABSTAIN_NEVER;
    rag_generate_options generate = RAG_GENERATE_OPTIONS_INIT;
    generate.max_new_tokens = 4;
    options.generate = &generate;
    options.examples = &example;
    options.example_count = 1;
    options.order = RAG_ORDER_BEST_FIRST;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK);
    CHECK_STATUS(rag_answer_to_json(answer, &json, &error), RAG_OK);
    CHECK(json && strstr(json, "Tilia means linden.") && !strstr(json, "lighthouse"));
    rag_string_free(json);
    rag_answer_free(answer);
    CHECK_STATUS(rag_kb_prompt(kb, question, &options, &json, &error), RAG_OK);
    CHECK(json && strstr(json, "Tilia means linden.") && strstr(json, "\"shown_count\":"));
    rag_string_free(json);
    options.example_count = 0;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK);
    CHECK_STATUS(rag_answer_to_json(answer, &json, &error), RAG_OK);
    CHECK(json && !strstr(json, "Tilia") && !strstr(json, "lighthouse"));
    rag_string_free(json);
    rag_answer_free(answer);
    options.examples = NULL;
    options.example_count = 1;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    options.example_count = 0;
    options.order = 9;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    options.order = 0;
    options.rewrite = RAG_REWRITE_VARIANTS;
    options.variant_count = 9;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
}

static void a_chat_remembers_and_outlives_the_handle(void) {
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    rag_chat *chat = NULL;
    rag_answer *answer = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.abstain = RAG_ABSTAIN_NEVER;
    CHECK_STATUS(rag_kb_chat(kb, &options, &chat, &error), RAG_OK);
    rag_kb_close(kb);
    CHECK_STATUS(rag_chat_say(chat, question, NULL, &answer, &error), RAG_OK);
    CHECK(strstr(rag_answer_text(answer, NULL), "1871") != NULL);
    rag_answer_free(answer);
    CHECK(rag_chat_turn_count(chat) == 2);
    char *json = NULL;
    CHECK_STATUS(rag_chat_to_json(chat, &json, &error), RAG_OK);
    CHECK(json && strstr(json, "\"role\":\"user\"") && strstr(json, question));
    rag_string_free(json);
    CHECK_STATUS(rag_chat_say(chat, "", NULL, &answer, &error), RAG_INVALID_ARGUMENT);
    CHECK(rag_chat_turn_count(chat) == 2 && answer == NULL);
    CHECK_STATUS(rag_chat_clear(chat, &error), RAG_OK);
    CHECK(rag_chat_turn_count(chat) == 0);
    rag_chat_free(chat);
}

static bool close_in_callback(const char *piece, size_t size, void *user_data) {
    (void)piece, (void)size;
    rag_kb **kb = user_data;
    rag_kb_close(*kb);
    *kb = NULL;
    return false;
}

static void closing_from_a_callback_waits_for_the_call(void) {
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    rag_answer *answer = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.abstain = RAG_ABSTAIN_NEVER;
    options.on_piece = close_in_callback;
    options.user_data = &kb;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK);
    CHECK(kb == NULL);
    rag_answer_free(answer);
}

static void guards_refuse_with_a_reason(void) {
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    rag_answer *answer = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    rag_guards guards = RAG_GUARDS_INIT;
    const char *deny[] = {"(v\xc3\xa9lden|bridge)"};
    const char *broken[] = {"(a"};
    char *html = NULL;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.guards = &guards;
    options.explain = RAG_EXPLAIN_TRACE;
    guards.deny = deny;
    guards.deny_count = 1;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK);
    CHECK(rag_answer_outcome(answer) == RAG_OUTCOME_REFUSED && !rag_answer_found(answer));
    CHECK(rag_answer_guard(answer) == RAG_GUARD_DENY && strstr(rag_answer_refusal(answer), "bridge"));
    CHECK_STATUS(rag_answer_explain_html(answer, &html, &error), RAG_OK);
    CHECK(html && strstr(html, "refused"));
    rag_string_free(html);
    rag_answer_free(answer);
    guards.deny = broken;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    guards.deny_count = 0;
    guards.mask = 9;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
    CHECK(answer == NULL && rag_answer_guard(NULL) == RAG_GUARD_NONE && !rag_answer_refusal(NULL));
    rag_kb_close(kb);
}

static void a_chat_is_saved_resumed_and_answered_again(void) {
    rag_error *error = NULL;
    rag_kb *kb = open_memory();
    rag_chat *chat = NULL, *resumed = NULL;
    rag_answer *answer = NULL;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    char *saved = NULL, *again = NULL;
    if (!kb) return;
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, strlen(bridge), NULL, NULL, &error), RAG_OK);
    options.abstain = RAG_ABSTAIN_NEVER;
    CHECK_STATUS(rag_kb_chat(kb, &options, &chat, &error), RAG_OK);
    CHECK_STATUS(rag_chat_regenerate(chat, 1, NULL, &answer, &error), RAG_INVALID_ARGUMENT);
    CHECK_STATUS(rag_chat_say(chat, question, NULL, &answer, &error), RAG_OK);
    rag_answer_free(answer);
    CHECK_STATUS(rag_chat_regenerate(chat, 1, NULL, &answer, &error), RAG_OK);
    CHECK(rag_answer_outcome(answer) == RAG_OUTCOME_ANSWERED);
    rag_answer_free(answer);
    CHECK_STATUS(rag_chat_save(chat, &saved, &error), RAG_OK);
    CHECK_STATUS(rag_chat_resume(kb, saved, strlen(saved), &options, &resumed, &error), RAG_OK);
    CHECK(rag_chat_turn_count(resumed) == 2);
    CHECK_STATUS(rag_chat_save(resumed, &again, &error), RAG_OK);
    CHECK(saved && again && strcmp(saved, again) == 0);
    rag_chat_free(resumed);
    CHECK_STATUS(rag_chat_resume(kb, saved, 9, &options, &resumed, &error), RAG_INVALID_ARGUMENT);
    CHECK(resumed == NULL);
    rag_string_free(saved);
    rag_string_free(again);
    rag_chat_free(chat);
    rag_kb_close(kb);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    if (!find_model("minilm", encoder_path, sizeof encoder_path)) return finish();
    const int can_ask = find_model("qwen2.5-0.5b", llm_path, sizeof llm_path);
    snprintf(docs, sizeof docs, "%s/docs", argv[1]);
    CHECK(mkdir(docs, 0777) == 0);
    write_file(docs, "bridge.txt", bridge);
    write_file(docs, "soup.txt", soup);
    write_file(docs, "broken.pdf", "%PDF-1.7\nthis is where the download stopped");
    open_errors_of_the_file_are_typed(argv[1]);
    documents_and_their_passages_are_listed();
    an_encoder_fills_the_rows_it_is_given();
    an_encoder_takes_its_options();
    a_file_is_opened_with_the_options_of_its_models();
    an_encoder_of_ones_own_builds_and_searches();
    rag_kb *kb = open_memory();
    if (!kb) return finish();
    sync_reports_and_its_callback_may_stop_it(kb);
    search_lends_whole_hits(kb);
    a_text_is_added_replaced_and_removed(kb);
    info_check_seal_and_vacuum(kb);
    filters_limit_and_remove(kb);
    threads_share_a_handle(kb);
    if (can_ask) {
        ask_streams_cites_and_verifies(kb);
        what_is_not_checked_comes_piece_by_piece(kb);
        asking_can_be_stopped_and_cancelled(kb);
        the_prompt_takes_examples_and_an_order(kb);
        an_ask_takes_the_options_of_search_and_generation(kb);
        a_document_and_a_question_are_summarized();
        a_draft_says_whose_words_it_holds();
        several_files_are_searched_as_one(argv[1]);
        a_chat_remembers_and_outlives_the_handle();
        guards_refuse_with_a_reason();
        a_chat_is_saved_resumed_and_answered_again();
        closing_from_a_callback_waits_for_the_call();
    }
    rag_kb_close(kb);
    return finish();
}
