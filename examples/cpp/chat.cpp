// A conversation about a folder: chat FOLDER [KB.rag]
//
// The answer is shown while it is written, then where each part of it stands. Follow-up questions may lean on what was
// said before. /new forgets the conversation; the end of the input ends it.
#include <iostream>
#include <string>

#include <rag.hpp>

static bool show_piece(std::string_view piece) {
    std::cout << piece << std::flush;
    return true;
}

static void show_citations(const rag::Answer &answer) {
    if (!answer) std::cout << "not found in these documents";
    std::cout << "\n";
    for (const rag::Citation &citation : answer.citations()) {
        std::cout << "  [" << citation.marker() << "] " << citation.uri();
        if (citation.page()) std::cout << ", page " << citation.page();
        if (citation.status() != RAG_CITATION_OK) std::cout << " (source is not what it was)";
        std::cout << ": \"" << citation.quote() << "\"\n";
    }
}

static void read_folder(rag::KnowledgeBase &documents, const std::string &folder) {
    const rag::SyncReport report = documents.sync(folder);
    std::cout << report.counts().added << " added, " << report.counts().updated << " updated, "
              << report.counts().removed << " removed\n";
    for (const rag::Skipped &file : report.skipped()) std::cout << "skipped " << file.message << "\n";
}

static void talk(rag::KnowledgeBase &documents) {
    rag::AskOptions options;
    options.on_piece = show_piece;
    rag::Chat chat = documents.chat(options);
    std::string line;
    while (std::cout << "> " << std::flush, std::getline(std::cin, line)) {
        if (line.empty()) continue;
        if (line == "/new") {
            chat.clear();
            continue;
        }
        try {
            show_citations(chat.say(line));
        } catch (const rag::Error &error) {
            // the conversation goes on without this question
            std::cout << "error: " << error.what() << "\n";
        }
    }
    std::cout << "\n";
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: chat FOLDER [KB.rag]\n";
        return 2;
    }
    try {
        rag::OpenOptions models;
        models.encoder = "e5-small";
        models.llm = "qwen2.5-0.5b";
        rag::KnowledgeBase documents(argc == 3 ? argv[2] : ":memory:", models);
        read_folder(documents, argv[1]);
        talk(documents);
    } catch (const rag::Error &error) {
        std::cerr << "error: " << error.what() << "\n";
        return 1;
    }
}
