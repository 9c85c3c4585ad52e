// rag.hpp where exceptions are off: every call that can fail gives an Expected. Argument 1 is an empty folder.
#include <rag.hpp>

#include "check.h"

#ifdef __cpp_exceptions
#error "to be compiled with -fno-exceptions"
#endif

static const std::string question = "When was the bridge opened?";
static const std::string bridge = "The stone bridge over the Velden river was opened to traffic in 1871.\n";

static void failures_are_values() {
    rag::OpenOptions options;
    options.encoder = "no-such-encoder";
    const rag::Expected<rag::KnowledgeBase> kb = rag::KnowledgeBase::open(":memory:", options);
    CHECK(!kb && !kb.has_value() && kb.error().code() == RAG_NOT_FOUND && *kb.error().what());
    CHECK(rag::Encoder::open("no-such-encoder").error().code() == RAG_NOT_FOUND);
    CHECK(rag::Generator::open("no-such-generator").error().code() == RAG_NOT_FOUND);
    CHECK(rag::KnowledgeBase::repair("/no/such/file", "/no/such/place").error().code() != RAG_OK);
}

static void every_call_gives_its_value(const rag::OpenOptions &options, const std::string &folder) {
    rag::Expected<rag::KnowledgeBase> opened = rag::KnowledgeBase::open(":memory:", options);
    if (!CHECK(opened.has_value())) return;
    rag::KnowledgeBase kb = *std::move(opened);
    CHECK(kb.add("bridge", bridge)->size() == 1);
    CHECK(kb.add("empty", "").error().code() == RAG_INVALID_ARGUMENT);
    const rag::Expected<rag::Hits> hits = kb.search(question);
    CHECK(hits && hits->size() == 1 && (*hits)[0].uri() == "bridge");
    CHECK(kb.search("").error().code() == RAG_INVALID_ARGUMENT);
    CHECK((*kb.passage((*hits)[0].passage_id()))->text == (*hits)[0].text());
    CHECK(kb.documents()->size() == 1 && kb.passages("bridge")->size() == 1 && (*kb.info())->document_count == 1);
    CHECK(kb.check()->empty() && kb.seal(RAG_SEAL_NOW) && kb.vacuum() && !kb.backup(folder + "/no/such/place"));

    rag::AskOptions ask;
    ask.abstain = RAG_ABSTAIN_NEVER;
    ask.write = [](const std::vector<rag::Turn> &, rag::Text &answer) { answer.append("It was opened in 1871."); };
    const rag::Expected<rag::Answer> answer = kb.ask(question, ask);
    CHECK(answer && answer->found() && kb.verify(*answer, 0).has_value() && !kb.verify(*answer, 99));
    CHECK(answer->to_json()->rfind("{", 0) == 0);
    rag::Expected<rag::Chat> chat = kb.chat(ask);
    CHECK(chat && chat->say(question)->found() && chat->turn_count() == 2 && kb.resume(*chat->save()));
    CHECK(chat->clear() && chat->turn_count() == 0 && !kb.resume("nonsense"));
    ask.write = [](const std::vector<rag::Turn> &, rag::Text &text) { text.fail("no network"); };
    CHECK(std::string(kb.ask(question, ask).error().what()).find("no network") != std::string::npos);

    rag::SyncOptions sync;
    sync.recognize = [](const rag::Picture &, rag::Text &text) { text.fail("out of ink"); };
    write_file(folder.c_str(), "scan.png", "\x89PNG\r\n\x1a\nand more");
    const auto report = kb.sync(folder, sync);
    CHECK(report && report->skipped().at(0).message.find("out of ink") != std::string::npos);
    CHECK(kb.sync(folder + "/nowhere").error().code() == RAG_IO);
    CHECK(*kb.remove("bridge") && !*kb.remove("bridge") && *kb.remove_where("kind = pdf") == 0);
    CHECK(kb.remove_where("nonsense").error().code() == RAG_INVALID_ARGUMENT);
}

static void encoders_are_opened(const rag::OpenOptions &options) {
    const auto encoder = rag::Encoder::open(options.encoder);
    CHECK(encoder && encoder->encode({question})->size() == encoder->dim() && *encoder->token_count("two words") == 2);
    const auto own = rag::Encoder::own("ones", 2, [](rag_text_role, const std::vector<std::string_view> &texts) {
        return std::vector<float>(texts.size() * 2, 1);
    });
    CHECK(own && (*own->encode({question}))[0] > 0.7F);
}

int main(int argc, char **argv) {
    char encoder[4096];
    if (argc != 2) return 2;
    failures_are_values();
    if (!find_model("minilm", encoder, sizeof encoder)) return finish();
    rag::OpenOptions options;
    options.encoder = encoder;
    options.llm = "none";
    every_call_gives_its_value(options, argv[1]);
    encoders_are_opened(options);
    return finish();
}
