/* Reads the lines of tests/scenarios/to_lines.py: percent-escaped fields, one fact a line, a step at a time. */
#ifndef SCENARIO_LINES_H
#define SCENARIO_LINES_H

#define _XOPEN_SOURCE 700

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
    char *bytes; /* followed by a NUL byte */
    size_t size;
};

/* A line: its word and what stands after it. */
struct fact {
    struct field fields[4];
    int count;
};

struct step {
    int number;
    const char *action;
    struct fact facts[256];
    size_t fact_count;
};

static inline int hex_digit(char digit) {
    return digit <= '9' ? digit - '0' : digit - 'A' + 10;
}

/* Decodes in place. */
static inline struct field unescape(char *text) {
    struct field field = {text, 0};
    if (strcmp(text, "-") == 0) text++;
    while (*text) {
        if (*text == '%' && text[1] && text[2]) {
            field.bytes[field.size++] = (char)(hex_digit(text[1]) * 16 + hex_digit(text[2]));
            text += 3;
        } else {
            field.bytes[field.size++] = *text++;
        }
    }
    field.bytes[field.size] = 0;
    return field;
}

/* The next line; false at the end. The fact owns the memory of its first field. */
static inline bool read_fact(FILE *file, struct fact *fact) {
    char *line = NULL;
    size_t room = 0;
    if (getline(&line, &room, file) < 0) {
        free(line);
        return false;
    }
    line[strcspn(line, "\n")] = 0;
    fact->count = 0;
    for (char *word = line, *next; word && fact->count < 4; word = next) {
        next = strchr(word, ' ');
        if (next) *next++ = 0;
        fact->fields[fact->count++] = unescape(word);
    }
    return true;
}

static inline bool is(const struct fact *fact, const char *word) {
    return strcmp(fact->fields[0].bytes, word) == 0;
}

/* The text after the word of a fact; the empty text if there is none. */
static inline const char *text_of(const struct fact *fact, int index) {
    return index < fact->count ? fact->fields[index].bytes : "";
}

/* The next step after a "step" line was read into `fact`; false if its "end" is missing. */
static inline bool read_step(FILE *file, const struct fact *fact, struct step *step) {
    step->number = atoi(text_of(fact, 1));
    step->action = text_of(fact, 2);
    step->fact_count = 0;
    while (step->fact_count < sizeof step->facts / sizeof *step->facts) {
        struct fact *next = &step->facts[step->fact_count];
        if (!read_fact(file, next)) return false;
        if (is(next, "end")) {
            free(next->fields[0].bytes);
            return true;
        }
        step->fact_count++;
    }
    return false;
}

static inline void free_step(struct step *step) {
    for (size_t i = 0; i < step->fact_count; i++) free(step->facts[i].fields[0].bytes);
}

/* The fact with this word; NULL if the step has none. */
static inline const struct fact *find(const struct step *step, const char *word) {
    for (size_t i = 0; i < step->fact_count; i++)
        if (is(&step->facts[i], word)) return &step->facts[i];
    return NULL;
}

static inline const char *find_text(const struct step *step, const char *word) {
    const struct fact *fact = find(step, word);
    return fact ? text_of(fact, 1) : NULL;
}

#endif
