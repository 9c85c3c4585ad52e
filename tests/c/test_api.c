/* What needs no model: versions, statuses, errors, options, flags. Argument 1 is an empty folder. */
#include "check.h"

static void versions_agree(void) {
    char numbers[32];
    snprintf(numbers, sizeof numbers, "%d.%d.%d", RAG_VERSION_MAJOR, RAG_VERSION_MINOR, RAG_VERSION_PATCH);
    CHECK(strcmp(numbers, rag_version()) == 0);
    CHECK(rag_abi_version() == RAG_ABI_VERSION);
}

static void statuses_have_names(void) {
    static const struct {
        rag_status status;
        int number;
        const char *name;
    } all[] = {
        {RAG_OK, 0, "Ok"},
        {RAG_INVALID_ARGUMENT, 1, "InvalidArgument"},
        {RAG_NOT_FOUND, 2, "NotFound"},
        {RAG_IO, 3, "Io"},
        {RAG_DOCUMENT, 4, "Document"},
        {RAG_MODEL, 5, "Model"},
        {RAG_MODEL_MISMATCH, 6, "ModelMismatch"},
        {RAG_STORE, 7, "Store"},
        {RAG_STORE_VERSION, 8, "StoreVersion"},
        {RAG_BUSY, 9, "Busy"},
        {RAG_CONTEXT_OVERFLOW, 10, "ContextOverflow"},
        {RAG_CANCELLED, 11, "Cancelled"},
        {RAG_INTERNAL, 99, "Internal"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK((int)all[i].status == all[i].number);
        CHECK(strcmp(rag_status_name(all[i].number), all[i].name) == 0);
    }
    CHECK(strcmp(rag_status_name(-1), "Unknown") == 0);
    CHECK(strcmp(rag_status_name(12345), "Unknown") == 0);
}

static void no_error_is_ok(void) {
    CHECK(rag_error_code(NULL) == RAG_OK);
    CHECK(strcmp(rag_error_message(NULL), "") == 0);
}

static void open_errors_are_typed(const char *folder) {
    rag_error *error = NULL;
    rag_kb *kb = (rag_kb *)&error;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    char path[8192];

    snprintf(path, sizeof path, "%s/kb.rag", folder);
    options.encoder = "no-such-encoder";
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_NOT_FOUND);
    CHECK(kb == NULL);

    CHECK_STATUS(rag_kb_open("\xff\xfe", &options, &kb, &error), RAG_INVALID_ARGUMENT);

    options.access = 3;
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_INVALID_ARGUMENT);
    options.access = -1;
    CHECK_STATUS(rag_kb_open(path, &options, &kb, &error), RAG_INVALID_ARGUMENT);
}

static void an_options_struct_that_was_not_begun_is_refused(void) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    CHECK(options.struct_size == sizeof options && options.encoder == NULL && options.access == RAG_ACCESS_CREATE);
    const size_t sizes[] = {0, 1, 12, 1 << 20, (size_t)-1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        options.struct_size = sizes[i];
        CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_INVALID_ARGUMENT);
    }
}

static void a_newer_options_struct_is_taken_unless_it_asks_for_more(void) {
    struct {
        rag_open_options known;
        void *added;
    } newer = {RAG_OPEN_OPTIONS_INIT, NULL};
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    newer.known.struct_size = sizeof newer;
    newer.known.encoder = "no-such-encoder";
    CHECK_STATUS(rag_kb_open(":memory:", &newer.known, &kb, &error), RAG_NOT_FOUND);
    newer.added = &kb;
    CHECK_STATUS(rag_kb_open(":memory:", &newer.known, &kb, &error), RAG_INVALID_ARGUMENT);
}

static void an_older_options_struct_is_not_read_beyond_its_end(void) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    struct {
        size_t struct_size;
        const char *encoder;
    } *older = malloc(sizeof *older); /* on the heap, so that a checker of memory sees a read too far */
    if (!CHECK(older != NULL)) return;
    older->struct_size = sizeof *older;
    older->encoder = "no-such-encoder";
    CHECK_STATUS(rag_kb_open(":memory:", (const rag_open_options *)older, &kb, &error), RAG_NOT_FOUND);
    free(older);
}

static void a_folder_that_is_no_model_is_refused_when_it_is_needed(const char *folder) {
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = folder;
    CHECK_STATUS(rag_kb_open(":memory:", &options, &kb, &error), RAG_OK);
    CHECK_STATUS(rag_kb_add(kb, "note", "words", 5, NULL, NULL, &error), RAG_MODEL);
    rag_kb_close(kb);
}

static void an_encoder_that_is_not_there_is_not_found(const char *folder) {
    rag_error *error = NULL;
    rag_encoder *encoder = NULL;
    CHECK_STATUS(rag_encoder_open("no-such-encoder", &encoder, &error), RAG_NOT_FOUND);
    CHECK_STATUS(rag_encoder_open(folder, &encoder, &error), RAG_MODEL);
    CHECK(encoder == NULL);
}

static void a_flag_stays_requested(void) {
    rag_cancel *cancel = rag_cancel_new();
    CHECK(!rag_cancel_is_requested(cancel));
    rag_cancel_request(cancel);
    rag_cancel_request(cancel);
    CHECK(rag_cancel_is_requested(cancel));
    rag_cancel_free(cancel);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    versions_agree();
    statuses_have_names();
    no_error_is_ok();
    open_errors_are_typed(argv[1]);
    an_options_struct_that_was_not_begun_is_refused();
    a_newer_options_struct_is_taken_unless_it_asks_for_more();
    an_older_options_struct_is_not_read_beyond_its_end();
    a_folder_that_is_no_model_is_refused_when_it_is_needed(argv[1]);
    an_encoder_that_is_not_there_is_not_found(argv[1]);
    a_flag_stays_requested();
    return finish();
}
