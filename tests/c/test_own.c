/* Callbacks in the engine's place: a writer of answers and a reader of pictures. Argument 1 is an empty folder. */
#include "check.h"

static const char bridge[] = "The stone bridge over the Velden river was opened to traffic in 1871.\n";
static const char question[] = "When was the bridge opened?";

/* What a callback does, and what it saw. */
struct plan {
    rag_kb *kb;
    const char *pieces[4];
    const char *reason;
    rag_cancel *cancel;
    size_t turn_count;
    bool saw_passage, wanted_more;
    rag_status inner;
    int pictures, page;
    char media_type[64];
};

static bool give(struct plan *plan, rag_text *text) {
    rag_hits *hits = NULL;
    plan->inner = rag_kb_search(plan->kb, question, NULL, &hits, NULL);
    if (plan->cancel) rag_cancel_request(plan->cancel);
    plan->wanted_more = true;
    for (size_t i = 0; i < 4 && plan->pieces[i] && plan->wanted_more; i++)
        plan->wanted_more = rag_text_append(text, plan->pieces[i], strlen(plan->pieces[i]));
    if (plan->reason) rag_text_fail(text, plan->reason);
    return plan->reason == NULL;
}

static bool on_write(const rag_turn *turns, size_t count, rag_text *answer, void *user_data) {
    struct plan *plan = user_data;
    const rag_turn *last = &turns[count - 1];
    plan->turn_count = count;
    plan->saw_passage = strcmp(turns[0].role, "system") == 0 && strcmp(last->role, "user") == 0 &&
                        strstr(last->content, "opened to traffic in 1871") && strstr(last->content, question) &&
                        strlen(last->content) == last->content_bytes;
    return give(plan, answer);
}

static bool on_recognize(const rag_picture *picture, rag_text *text, void *user_data) {
    struct plan *plan = user_data;
    plan->pictures++;
    plan->page = (int)picture->page;
    snprintf(plan->media_type, sizeof plan->media_type, "%s", picture->media_type);
    CHECK(picture->size > 8 && memcmp(picture->bytes, "\x89PNG", 4) == 0);
    return give(plan, text);
}

struct streamed {
    char text[256];
    int calls, stop_at;
};

static bool on_piece(const char *piece, size_t size, void *user_data) {
    struct streamed *streamed = user_data;
    strncat(streamed->text, piece, size);
    return ++streamed->calls != streamed->stop_at;
}

/* What is withdrawn is forgotten; `stop_at` then holds why. */
static void on_retract(int32_t why, void *user_data) {
    struct streamed *streamed = user_data;
    streamed->text[0] = 0;
    streamed->stop_at = -1 - why;
}

static void what_nothing_supports_is_withdrawn_from_who_listens(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct streamed streamed = {.calls = 0};
    struct plan plan = {.kb = kb, .pieces = {"It was built by two elephants ", "in 1999."}};
    const rag_setting raw = {"stream", "raw"};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_piece = on_piece;
    options.user_data = &streamed;
    options.on_write = on_write;
    options.write_user_data = &plan;
    options.settings = &raw;
    options.setting_count = 1;
    options.on_retract = on_retract;
    options.retract_user_data = &streamed;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) {
        CHECK(!rag_answer_found(answer) && streamed.calls == 2 && streamed.text[0] == 0);
        CHECK(streamed.stop_at == -1 - RAG_RETRACTION_UNSUPPORTED);
    }
    rag_answer_free(answer);

    /* one that is supported is not */
    streamed = (struct streamed){.calls = 0};
    plan.pieces[0] = "The Velden bridge was opened ", plan.pieces[1] = "in 1871.";
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK))
        CHECK(rag_answer_found(answer) && streamed.stop_at == 0 && strstr(streamed.text, "in 1871."));
    rag_answer_free(answer);
}

static void an_answer_is_streamed_cited_and_judged(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct streamed streamed = {.calls = 0};
    /* the last letter of "opened" and the second byte of an accent come late */
    struct plan plan = {.kb = kb, .pieces = {"The Velden bridge, caf\xc3", "\xa9 and all, was opene", "d in 1871."}};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_piece = on_piece;
    options.user_data = &streamed;
    options.on_write = on_write;
    options.write_user_data = &plan;
    options.abstain = RAG_ABSTAIN_NEVER;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK)) {
        CHECK(rag_answer_found(answer) && strstr(rag_answer_text(answer, NULL), "caf\xc3\xa9 and all"));
        CHECK(rag_answer_citation_count(answer) == 1 && rag_answer_citation_at(answer, 0)->quote_bytes > 10);
        CHECK(streamed.calls == 3 && strstr(streamed.text, "caf\xc3\xa9 and all, was opened in 1871."));
        CHECK(plan.saw_passage && plan.turn_count > 2 && plan.inner == RAG_INVALID_ARGUMENT);
        rag_answer_free(answer);
    }

    /* one that nothing supports */
    plan.pieces[0] = "It was built by two elephants in 1999.";
    plan.pieces[1] = NULL;
    options.abstain = RAG_ABSTAIN_CALIBRATED;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK))
        CHECK(!rag_answer_found(answer) && rag_answer_reason(answer) == RAG_REASON_UNSUPPORTED);
    rag_answer_free(answer);

    /* a reader that has enough */
    plan.pieces[0] = "It was opened in 1871.", plan.pieces[1] = " More.", plan.pieces[2] = NULL;
    streamed.calls = 0, streamed.stop_at = 1;
    if (CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_OK))
        CHECK(!plan.wanted_more && rag_answer_found(answer) && !strstr(rag_answer_text(answer, NULL), "More"));
    rag_answer_free(answer);

    options.writer = RAG_WRITER_PASSAGES;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_INVALID_ARGUMENT);
}

static void a_writer_may_fail_and_be_cancelled(rag_kb *kb) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    struct plan plan = {.kb = kb, .pieces = {"half of it"}, .reason = "the line is gone"};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_write = on_write;
    options.write_user_data = &plan;
    CHECK(rag_kb_ask(kb, question, &options, &answer, &error) == RAG_MODEL && answer == NULL);
    CHECK(strstr(rag_error_message(error), "the line is gone") != NULL);
    rag_error_free(error);
    error = NULL;

    plan.reason = NULL;
    plan.pieces[0] = "not \xff UTF-8";
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_MODEL);
    CHECK(!plan.wanted_more);
    plan.pieces[0] = "cut \xc3";
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_MODEL);

    plan.pieces[0] = "The bridge was opened in 1871.";
    plan.cancel = rag_cancel_new();
    options.cancel = plan.cancel;
    CHECK_STATUS(rag_kb_ask(kb, question, &options, &answer, &error), RAG_CANCELLED);
    CHECK(!plan.wanted_more && answer == NULL);
    rag_cancel_free(plan.cancel);
}

static void a_chat_keeps_its_writer(rag_kb *kb) {
    rag_error *error = NULL;
    rag_chat *chat = NULL;
    struct plan plan = {.kb = kb, .pieces = {"The bridge was opened in 1871."}};
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_write = on_write;
    options.write_user_data = &plan;
    options.abstain = RAG_ABSTAIN_NEVER;
    if (!CHECK_STATUS(rag_kb_chat(kb, &options, &chat, &error), RAG_OK)) return;
    size_t turn_counts[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        rag_answer *answer = NULL;
        if (CHECK_STATUS(rag_chat_say(chat, question, NULL, &answer, &error), RAG_OK)) CHECK(rag_answer_found(answer));
        rag_answer_free(answer);
        turn_counts[i] = plan.turn_count;
    }
    CHECK(rag_chat_turn_count(chat) == 4 && turn_counts[1] == turn_counts[0] + 2);
    rag_chat_free(chat);
}

static void pictures_are_read_by_the_callback(rag_kb *kb, const char *folder) {
    rag_error *error = NULL;
    rag_sync_report *report = NULL;
    struct plan plan = {.kb = kb, .reason = "no such language"};
    rag_sync_options options = RAG_SYNC_OPTIONS_INIT;
    write_file(folder, "scan.png", "\x89PNG\r\n\x1a\nand then nothing");
    if (CHECK_STATUS(rag_kb_sync(kb, folder, NULL, &report, &error), RAG_OK))
        CHECK(rag_sync_report_counts(report)->added == 0 && rag_sync_report_skipped_at(report, 0));
    rag_sync_report_free(report);

    options.on_recognize = on_recognize;
    options.recognize_user_data = &plan;
    if (CHECK_STATUS(rag_kb_sync(kb, folder, &options, &report, &error), RAG_OK) &&
        CHECK(rag_sync_report_skipped_at(report, 0) != NULL))
        CHECK(strstr(rag_sync_report_skipped_at(report, 0)->message, "no such language") != NULL);
    rag_sync_report_free(report);

    write_file(folder, "scan.png", "\x89PNG\r\n\x1a\nand then something else");
    plan.reason = NULL;
    plan.pieces[0] = "The harbour master keeps ", plan.pieces[1] = "the key of the lighthouse.";
    if (CHECK_STATUS(rag_kb_sync(kb, folder, &options, &report, &error), RAG_OK))
        CHECK(rag_sync_report_counts(report)->added == 1 && !rag_sync_report_skipped_at(report, 0));
    rag_sync_report_free(report);
    CHECK(plan.pictures == 2 && plan.page == 0 && strcmp(plan.media_type, "image/png") == 0);
    CHECK(plan.inner == RAG_INVALID_ARGUMENT);
    rag_hits *hits = NULL;
    if (CHECK_STATUS(rag_kb_search(kb, "Who has the key?", NULL, &hits, &error), RAG_OK))
        CHECK(strstr(rag_hits_at(hits, 0)->text, "key of the lighthouse") != NULL);
    rag_hits_free(hits);
}

int main(int argc, char **argv) {
    char encoder_path[4096];
    if (argc != 2) return 2;
    if (!find_model("minilm", encoder_path, sizeof encoder_path)) return finish();
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = encoder_path;
    options.llm = "none";
    rag_kb *kb = NULL;
    rag_error *error = NULL;
    if (!CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK)) return finish();
    CHECK_STATUS(rag_kb_add(kb, "bridge", bridge, sizeof bridge - 1, NULL, NULL, &error), RAG_OK);
    an_answer_is_streamed_cited_and_judged(kb);
    what_nothing_supports_is_withdrawn_from_who_listens(kb);
    a_writer_may_fail_and_be_cancelled(kb);
    a_chat_keeps_its_writer(kb);
    pictures_are_read_by_the_callback(kb, argv[1]);
    rag_kb_close(kb);
    return finish();
}
