/* Indexes a folder and answers one question from it, with citations: ask_folder FOLDER QUESTION */
#include <stdio.h>

#include <rag.h>

static int fail(rag_error *error) {
    fprintf(stderr, "error: %s\n", rag_error_message(error));
    rag_error_free(error);
    return 1;
}

static bool show_piece(const char *piece, size_t size, void *user_data) {
    (void)user_data;
    fwrite(piece, 1, size, stdout);
    fflush(stdout);
    return true;
}

static void show_report(const rag_sync_report *report) {
    const rag_sync_counts *counts = rag_sync_report_counts(report);
    printf("%zu added, %zu updated, %zu removed\n", counts->added, counts->updated, counts->removed);
    for (size_t i = 0; i < counts->skipped; i++)
        printf("skipped %s\n", rag_sync_report_skipped_at(report, i)->message);
}

static void show_citations(const rag_answer *answer) {
    printf("\n");
    if (!rag_answer_found(answer)) printf("not found\n");
    for (size_t i = 0; i < rag_answer_citation_count(answer); i++) {
        const rag_citation *citation = rag_answer_citation_at(answer, i);
        const char *note = citation->status == RAG_CITATION_OK ? "" : " (source is not what it was)";
        printf("[%zu] %s %zu..%zu%s: \"%s\"\n", citation->marker, citation->uri, citation->start, citation->end, note,
               citation->quote);
    }
}

static int ask_folder(rag_kb *kb, const char *folder, const char *question) {
    rag_error *error = NULL;
    rag_sync_report *report = NULL;
    if (rag_kb_sync(kb, folder, NULL, &report, &error)) return fail(error);
    show_report(report);
    rag_sync_report_free(report);

    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.on_piece = show_piece;
    rag_answer *answer = NULL;
    if (rag_kb_ask(kb, question, &options, &answer, &error)) return fail(error);
    show_citations(answer);
    rag_answer_free(answer);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: ask_folder FOLDER QUESTION\n");
        return 2;
    }
    rag_error *error = NULL;
    rag_kb *kb = NULL;
    if (rag_kb_open("folder.rag", NULL, &kb, &error)) return fail(error);
    const int status = ask_folder(kb, argv[1], argv[2]);
    rag_kb_close(kb);
    return status;
}
