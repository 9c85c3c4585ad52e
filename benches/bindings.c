/* The same search from C, and what many rounds of open, search and close leave behind: bindings KB ROUNDS; see bindings.py. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rag.h>

enum { SEARCHES = 2000 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kilobytes that the process holds in memory. */
static long resident(void) {
    char line[256];
    long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0) kilobytes = strtol(line + 6, NULL, 10);
    if (file) fclose(file);
    return kilobytes;
}

static rag_kb *opened(const char *path) {
    rag_open_options options = RAG_OPEN_OPTIONS_INIT;
    options.access = RAG_ACCESS_READ_ONLY;
    rag_kb *kb = NULL;
    rag_error *error = NULL;
    if (rag_kb_open(path, &options, &kb, &error)) {
        fprintf(stderr, "error: %s\n", rag_error_message(error));
        exit(1);
    }
    return kb;
}

static void search(const rag_kb *kb) {
    rag_search_options options = RAG_SEARCH_OPTIONS_INIT;
    options.mode = RAG_MODE_LEXICAL;
    options.top_k = 10;
    rag_hits *hits = NULL;
    if (rag_kb_search(kb, "river bridge", &options, &hits, NULL) || rag_hits_count(hits) != 10) exit(1);
    rag_hits_free(hits);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    static double times[SEARCHES];
    rag_kb *kb = opened(argv[1]);
    for (int i = 0; i < SEARCHES / 10; i++) search(kb);
    for (int i = 0; i < SEARCHES; i++) {
        const double start = now();
        search(kb);
        times[i] = now() - start;
    }
    rag_kb_close(kb);
    qsort(times, SEARCHES, sizeof *times, by_size);
    printf("search_us %.2f\n", times[SEARCHES / 2]);

    const long rounds = strtol(argv[2], NULL, 10);
    long early = 0;
    for (long i = 0; i < rounds; i++) {
        rag_kb *again = opened(argv[1]);
        search(again);
        rag_kb_close(again);
        if (i == rounds / 10) early = resident();
    }
    printf("resident_kb_after_a_tenth %ld\nresident_kb_at_the_end %ld\n", early, resident());
    return 0;
}
