/* A program that brings its own copy of SQLite (here a few of its functions, and one of zlib's) and links librag.a. */
#include <stdio.h>
#include <string.h>

#include <rag.h>

const char *sqlite3_libversion(void);
int sqlite3_open(const char *name, void **db);
int sqlite3_open_v2(const char *name, void **db, int flags, const char *vfs);
int sqlite3_prepare_v2(void *db, const char *sql, int length, void **statement, const char **tail);
int sqlite3_step(void *statement);
unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned length);
void *rust_eh_personality(void);

const char *sqlite3_libversion(void) { return "3.45.0 (the program's own)"; }
int sqlite3_open(const char *name, void **db) { return (void)name, (void)db, 21; }
int sqlite3_open_v2(const char *name, void **db, int flags, const char *vfs) { return (void)name, (void)db, (void)flags, (void)vfs, 21; }
int sqlite3_prepare_v2(void *db, const char *sql, int length, void **statement, const char **tail) {
  return (void)db, (void)sql, (void)length, (void)statement, (void)tail, 21;
}
int sqlite3_step(void *statement) { return (void)statement, 21; }
unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned length) { return (void)bytes, crc + length; }
void *rust_eh_personality(void) { return NULL; }

/* The engine's own SQLite makes, writes and reads a file, and the program's functions are still its own. */
int main(int argc, char **argv) {
  static const char text[] = "The bridge was opened in 1871.";
  rag_kb *kb = NULL;
  rag_error *error = NULL;
  rag_open_options options = RAG_OPEN_OPTIONS_INIT;
  bool removed = false;
  if (argc < 2) return 2;
  options.encoder = argv[1];
  options.llm = "none";
  rag_status status = rag_kb_open("kb.rag", &options, &kb, &error);
  if (status == RAG_OK) status = rag_kb_add(kb, "note", text, strlen(text), NULL, NULL, &error);
  if (status == RAG_OK) status = rag_kb_remove(kb, "note", &removed, &error);
  if (status != RAG_OK) fprintf(stderr, "%s\n", rag_error_message(error));
  rag_kb_close(kb);
  puts(sqlite3_libversion());
  return status != RAG_OK || !removed || strstr(sqlite3_libversion(), "own") == NULL || sqlite3_open("x", NULL) != 21;
}
