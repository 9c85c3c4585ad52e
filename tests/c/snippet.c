/* The shortest program: what the design and the README show. Argument 1 is an encoder, 2 a generator. It runs in a
 * folder that holds docs/. */
#include <stdio.h>

#include <rag.h>

static int fail(rag_error *error) {
    fprintf(stderr, "error: %s\n", rag_error_message(error));
    rag_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    rag_error *error = NULL; rag_kb *kb = NULL; rag_answer *answer = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT; options.encoder = argv[1]; options.llm = argv[2];
    if (rag_kb_open("kb.rag", &options, &kb, &error)) return fail(error);
    if (rag_kb_sync(kb, "docs", NULL, NULL, &error)) return fail(error);
    if (rag_kb_ask(kb, "When was the lab founded?", NULL, &answer, &error)) return fail(error);
    for (size_t i = 0; i < rag_answer_citation_count(answer); i++) {
        printf("%s\n", rag_answer_citation_at(answer, i)->quote);
    }
    rag_answer_free(answer);
    rag_kb_close(kb);
    return 0;
}
