/* What the test programs share: a check that counts, models, and the closing line. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rag.h>

static int checks_passed, checks_failed;

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

static inline int check(int condition, const char *what, const char *file, int line) {
    if (condition) {
        checks_passed++;
    } else {
        checks_failed++;
        printf("FAIL %s:%d: %s\n", file, line, what);
    }
    return condition;
}

/* Checks the status of a call and that its error says so; frees the error and clears it for the next call. */
#define CHECK_STATUS(call, wanted) check_status((call), (wanted), &error, #call, __FILE__, __LINE__)

static inline int check_status(rag_status status, rag_status wanted, rag_error **error, const char *what,
                               const char *file, int line) {
    const int same = status == wanted && rag_error_code(*error) == status &&
                     (*rag_error_message(*error) != 0) == (status != RAG_OK);
    if (same) {
        checks_passed++;
    } else {
        checks_failed++;
        printf("FAIL %s:%d: %s: wanted %s, got %s (%s)\n", file, line, what, rag_status_name(wanted),
               rag_status_name(status), rag_error_message(*error));
    }
    rag_error_free(*error);
    *error = NULL;
    return same;
}

/* The path of a model, or 0 after a SKIP line. With RAG_REQUIRE_MODELS=1 a missing one is a failure. */
static inline int find_model(const char *name, char *path, size_t size) {
    const char *folder = getenv("RAG_TEST_MODELS"), *home = getenv("HOME"), *require = getenv("RAG_REQUIRE_MODELS");
    struct stat status;
    if (folder)
        snprintf(path, size, "%s/%s", folder, name);
    else
        snprintf(path, size, "%s/.cache/rag/models/%s", home ? home : "", name);
    if (stat(path, &status) == 0) return 1;
    if (require && strcmp(require, "1") == 0) {
        checks_failed++;
        printf("FAIL no model %s\n", path);
    } else {
        printf("SKIP no model %s\n", path);
    }
    return 0;
}

static inline void write_file(const char *folder, const char *name, const char *text) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(text, 1, strlen(text), file) != strlen(text) || fclose(file)) {
        printf("FAIL cannot write %s\n", path);
        exit(1);
    }
}

static inline int finish(void) {
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed != 0;
}

#endif
