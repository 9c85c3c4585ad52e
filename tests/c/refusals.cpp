// Runs the steps of tests/scenarios/options.json through rag.hpp, and expects that each is refused in just these words:
//
//     python3 tests/scenarios/to_lines.py FILE | refusals FOLDER
//
// FOLDER is an empty folder. Prints the transcript that tests/scenarios/README.md describes.
#include <string>

#include <rag.hpp>

#include "scenario_lines.h"

#include "check.h"

namespace {

rag::Settings settings_of(const step &step) {
    rag::Settings settings;
    for (std::size_t i = 0; i < step.fact_count; i++)
        if (is(&step.facts[i], "option")) settings.emplace_back(text_of(&step.facts[i], 1), text_of(&step.facts[i], 2));
    return settings;
}

/// What a step does, given its options.
void run(const step &step, const std::string &folder, const std::string &encoder) {
    const std::string action = step.action;
    const char *asked = find_text(&step, "question");
    const std::string question = asked ? asked : "";
    rag::OpenOptions open;
    open.encoder = encoder;
    if (action == "reopen") open.settings = settings_of(step);
    rag::KnowledgeBase kb(folder + "/kb.rag", open);
    if (action == "sync") {
        rag::SyncOptions options;
        options.settings = settings_of(step);
        kb.sync(folder, options);
    } else if (action == "search") {
        rag::SearchOptions options;
        options.settings = settings_of(step);
        kb.search(question, options);
    } else if (action == "ask") {
        rag::AskOptions options;
        options.settings = settings_of(step);
        kb.ask(question, options);
    }
}

/// Runs a step; whether it was refused as it says.
bool refused(const std::string &name, const step &step, const std::string &folder, const std::string &encoder) {
    const fact *refusal = find(&step, "refusal");
    const std::string wanted = refusal ? std::string("invalid ") + text_of(refusal, 1) + ": " + text_of(refusal, 2) : "";
    std::string got;
    try {
        run(step, folder, encoder);
    } catch (const rag::Error &error) {
        got = error.what();
        if (error.code() != RAG_INVALID_ARGUMENT) got = std::string(rag_status_name(error.code())) + ": " + got;
    }
    if (got != wanted) {
        std::printf("FAIL %s step %d: wanted \"%s\", got \"%s\"\n", name.c_str(), step.number, wanted.c_str(), got.c_str());
        return false;
    }
    if (refusal)
        std::printf("T\t%s\t%d\t%s\trefused\t%s\t%s\n", name.c_str(), step.number, step.action, text_of(refusal, 1), text_of(refusal, 2));
    return true;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    static step step;
    fact fact;
    std::string name, encoder;
    bool ok = true;
    while (read_fact(stdin, &fact) && !is(&fact, "done")) {
        char path[4096];
        if (is(&fact, "scenario")) name = text_of(&fact, 1);
        if (is(&fact, "encoder")) {
            if (!find_model(text_of(&fact, 1), path, sizeof path)) return finish();
            encoder = path;
        }
        if (is(&fact, "step")) {
            if (!read_step(stdin, &fact, &step)) return 2;
            ok &= refused(name, step, argv[1], encoder);
            free_step(&step);
        }
        std::free(fact.fields[0].bytes);
    }
    return ok ? 0 : 1;
}
