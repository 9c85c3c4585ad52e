/* The demonstration everybody knows: a list of sentences, a question, the sentence that answers it, and an assistant
 * with a persona that answers from it. Nothing is trained and nothing is sent anywhere. */
#include <stdio.h>
#include <string.h>

#include <rag.h>

static const char *const sentences[] = {
    "Le laboratoire ERIC a été créé en 1995 à Lyon.",
    "Ses chercheurs travaillent sur la fouille de données et l'aide à la décision.",
    "La cafétéria du campus ouvre à huit heures.",
    "L'équipe compte une trentaine d'enseignants-chercheurs.",
    "Le tramway T2 s'arrête devant le bâtiment K.",
    "Les doctorants présentent leurs travaux chaque printemps.",
    "La bibliothèque prête des ordinateurs portables aux étudiants.",
    "Le prochain séminaire portera sur les réseaux de neurones.",
};
static const char question[] = "Qui es-tu et en quelle année a été créé le laboratoire ?";
static const char persona[] = "Tu es Mirabelle, l'assistante du laboratoire ERIC. Tu te présentes par ton nom.";

static int fail(rag_error *error) {
    fprintf(stderr, "error: %s\n", rag_error_message(error));
    rag_error_free(error);
    return 1;
}

static int add_sentences(rag_kb *documents) {
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        rag_error *error = NULL;
        char uri[32];
        snprintf(uri, sizeof uri, "sentence:%zu", i);
        if (rag_kb_add(documents, uri, sentences[i], strlen(sentences[i]), NULL, NULL, &error)) return fail(error);
    }
    return 0;
}

static int search(const rag_kb *documents) {
    rag_error *error = NULL;
    rag_hits *hits = NULL;
    rag_search_options nearest = RAG_SEARCH_OPTIONS_INIT;
    nearest.top_k = 1;
    if (rag_kb_search(documents, question, &nearest, &hits, &error)) return fail(error);
    const rag_hit *hit = rag_hits_at(hits, 0);
    printf("question  %s\nsentence  %s (score %.3f)\n", question, hit->text, (double)hit->score);
    rag_hits_free(hits);
    return 0;
}

static int ask(const rag_kb *documents) {
    rag_error *error = NULL;
    rag_answer *answer = NULL;
    rag_search_options best = RAG_SEARCH_OPTIONS_INIT;
    best.top_k = 1;
    rag_ask_options options = RAG_ASK_OPTIONS_INIT;
    options.search = &best;
    options.system = persona;
    if (rag_kb_ask(documents, question, &options, &answer, &error)) return fail(error);
    printf("answer    %s\n", rag_answer_text(answer, NULL));
    for (size_t i = 0; i < rag_answer_citation_count(answer); i++) {
        const rag_citation *citation = rag_answer_citation_at(answer, i);
        printf("[%zu]       %s \"%s\"\n", citation->marker, citation->uri, citation->quote);
    }
    rag_answer_free(answer);
    return 0;
}

int main(void) {
    rag_error *error = NULL;
    rag_kb *documents = NULL;
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.encoder = "e5-small";
    options.llm = "qwen2.5-0.5b";
    if (rag_kb_open(":memory:", &options, &documents, &error)) return fail(error);
    const int status = add_sentences(documents) || search(documents) || ask(documents);
    rag_kb_close(documents);
    return status;
}
