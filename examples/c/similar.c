/* The encoder alone, without a knowledge base: similar ENCODER < LINES
 *
 * Prints each line with the line that means most nearly the same, and their cosine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rag.h>

enum { MAX_LINES = 1000, LINE_BYTES = 4096 };

static int fail(rag_error *error) {
    fprintf(stderr, "error: %s\n", rag_error_message(error));
    rag_error_free(error);
    return 1;
}

/* Lines that are not empty, without their ends; to be freed. */
static size_t read_lines(char **lines) {
    static char buffer[LINE_BYTES];
    size_t count = 0;
    while (count < MAX_LINES && fgets(buffer, sizeof buffer, stdin)) {
        buffer[strcspn(buffer, "\r\n")] = '\0';
        const size_t size = strlen(buffer) + 1;
        if (size == 1 || !(lines[count] = malloc(size))) continue;
        memcpy(lines[count++], buffer, size);
    }
    return count;
}

static float cosine(const float *a, const float *b, size_t dim) {
    float sum = 0;
    for (size_t i = 0; i < dim; i++) sum += a[i] * b[i];
    return sum;
}

static void show(char *const *lines, const float *rows, size_t count, size_t dim) {
    for (size_t i = 0; i < count; i++) {
        size_t nearest = i;
        float best = -2;
        for (size_t j = 0; j < count; j++) {
            const float value = i == j ? -2 : cosine(rows + i * dim, rows + j * dim, dim);
            if (value > best) best = value, nearest = j;
        }
        printf("%.3f  %s  |  %s\n", (double)best, lines[i], lines[nearest]);
    }
}

static int compare(const rag_encoder *encoder, char **lines, size_t count) {
    rag_error *error = NULL;
    const size_t dim = rag_encoder_dim(encoder);
    float *rows = malloc(count * dim * sizeof *rows);
    if (!rows) return fprintf(stderr, "error: no memory for %zu vectors\n", count), 1;
    int status = 0;
    if (rag_encoder_encode(encoder, RAG_TEXT_QUERY, (const char *const *)lines, count, rows, count * dim, NULL, &error))
        status = fail(error);
    else
        show(lines, rows, count, dim);
    free(rows);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: similar ENCODER < LINES\n");
        return 2;
    }
    rag_error *error = NULL;
    rag_encoder *encoder = NULL;
    if (rag_encoder_open(argv[1], &encoder, &error)) return fail(error);
    fprintf(stderr, "%zu floats a vector, %zu tokens a text, %s kernels\n", rag_encoder_dim(encoder),
            rag_encoder_max_tokens(encoder), rag_encoder_level(encoder));

    static char *lines[MAX_LINES];
    const size_t count = read_lines(lines);
    int status = 2;
    if (count < 2)
        fprintf(stderr, "error: there must be two lines or more on the standard input\n");
    else
        status = compare(encoder, lines, count);
    for (size_t i = 0; i < count; i++) free(lines[i]);
    rag_encoder_free(encoder);
    return status;
}
