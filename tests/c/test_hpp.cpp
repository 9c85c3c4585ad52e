// rag.hpp: owners, ranges, strings and exceptions. Argument 1 is an empty folder.
#include <limits>
#include <stdexcept>
#include <type_traits>

#include <rag.hpp>

#include "check.h"

static const std::string question = "When was the bridge opened?";
static const std::string bridge = "The stone bridge over the Velden river was opened to traffic in 1871.\n";

/// The status of the rag::Error that `call` throws; RAG_OK if it throws none.
template <class Call> static rag_status thrown_by(Call &&call) {
    try {
        call();
    } catch (const rag::Error &error) {
        CHECK(std::string(error.what()) != "");
        return error.code();
    }
    return RAG_OK;
}

static_assert(!std::is_copy_constructible_v<rag::KnowledgeBase>);
static_assert(std::is_nothrow_move_constructible_v<rag::KnowledgeBase>);
static_assert(std::is_nothrow_move_constructible_v<rag::Answer>);

static void failures_are_exceptions_with_a_status(const std::string &folder) {
    rag::OpenOptions options;
    options.encoder = "no-such-encoder";
    CHECK(thrown_by([&] { rag::KnowledgeBase kb(folder + "/kb.rag", options); }) == RAG_NOT_FOUND);
    CHECK(thrown_by([&] { rag::Encoder encoder("no-such-encoder"); }) == RAG_NOT_FOUND);
    CHECK(rag::version() == rag_version());
}

static rag::OpenOptions models(const char *encoder, const char *llm) {
    rag::OpenOptions options;
    options.encoder = encoder;
    options.llm = llm;
    return options;
}

static void a_knowledge_base_can_be_moved_filled_and_searched(const rag::OpenOptions &options) {
    rag::KnowledgeBase opened(":memory:", options);
    rag::KnowledgeBase kb = std::move(opened);
    CHECK(kb.add("bridge", bridge, {{"author", "Ada"}}).size() == 1);
    CHECK(kb.add("soup", "Leek soup is made with leeks, potatoes and butter.").size() == 1);
    CHECK(thrown_by([&] { kb.add("empty", ""); }) == RAG_INVALID_ARGUMENT);

    const rag::Hits hits = kb.search(question);
    CHECK(hits.size() == 2 && hits[0].uri() == "bridge" && hits[0].text().find("1871") != std::string_view::npos);
    std::size_t count = 0;
    for (const rag::Hit &hit : hits) count += !hit.text().empty();
    CHECK(count == 2);
    bool out_of_range = false;
    try {
        hits[2];
    } catch (const std::out_of_range &) {
        out_of_range = true;
    }
    CHECK(out_of_range);
    CHECK(hits.to_json().rfind("{\"hits\":", 0) == 0);
    CHECK(std::string(kb.passage(hits[0].passage_id())->text) == hits[0].text());
    CHECK(kb.info()->document_count == 2 && kb.check().empty());
    CHECK(kb.remove("soup") && !kb.remove("soup"));
    kb.seal(RAG_SEAL_NOW);
    CHECK(kb.reindex().find("\"encoded\":0") != std::string::npos);
    kb.vacuum();
    kb.purge();
    rag::SearchOptions cancelled;
    cancelled.cancel.emplace().request();
    CHECK(thrown_by([&] { kb.search(question, cancelled); }) == RAG_CANCELLED);
    CHECK(thrown_by([&] { kb.search(""); }) == RAG_INVALID_ARGUMENT);
    rag::SearchOptions widened;
    widened.context = "1";
    widened.fusion = "convex:0.3";
    CHECK(!kb.search(question, widened).empty());
    widened.fusion = "convex:3";
    CHECK(thrown_by([&] { kb.search(question, widened); }) == RAG_INVALID_ARGUMENT);
}

static void what_a_callback_throws_comes_out_of_the_call(const rag::OpenOptions &options, const std::string &docs) {
    rag::KnowledgeBase kb(":memory:", options);
    rag::SyncOptions sync;
    sync.on_progress = [](const rag_progress &) -> bool { throw std::logic_error("enough"); };
    std::string what;
    try {
        kb.sync(docs, sync);
    } catch (const std::logic_error &error) {
        what = error.what();
    }
    CHECK(what == "enough");
    std::size_t reports = 0;
    sync.on_progress = [&](const rag_progress &progress) {
        CHECK(progress.done_bytes <= progress.total_bytes && progress.total_bytes > 0);
        CHECK(progress.elapsed_seconds >= 0 && progress.remaining_seconds >= 0);
        return ++reports > 0;
    };
    sync.hnsw_m = 65;
    CHECK(thrown_by([&] { kb.sync(docs, sync); }) == RAG_INVALID_ARGUMENT);
    sync.hnsw_m = 8;
    sync.hnsw_ef_construction = 50;
    const rag::SyncReport report = kb.sync(docs, sync);
    CHECK(report.counts().added + report.counts().unchanged == 1 && reports > 0);
    const auto skipped = report.skipped();
    CHECK(skipped.size() == 1 && skipped[0].code == RAG_DOCUMENT && !skipped[0].unreadable.empty());
    sync.on_progress = nullptr;
    sync.exclude = {"*"};
    CHECK(kb.sync(docs, sync).counts().removed == 1);
    sync.exclude = {};
    sync.min_tokens = 10;
    sync.overlap_tokens = 20;
    sync.max_read_seconds = 5;
    CHECK(kb.sync(docs, sync).counts().added == 1);
    const auto passages = kb.passages(kb.documents()[0].skipped.empty() ? kb.documents()[0].uri : kb.documents()[1].uri);
    const auto places = kb.locate(passages[0]);
    CHECK(places.size() == 1 && places[0].kind == RAG_PLACE_BYTES && places[0].text.rfind("bytes 0-", 0) == 0);
    sync.max_read_seconds = -1;
    CHECK(thrown_by([&] { kb.sync(docs, sync); }) == RAG_INVALID_ARGUMENT);
}

static void pictures_are_read_by_a_function(const rag::OpenOptions &options, const std::string &docs) {
    rag::KnowledgeBase kb(":memory:", options);
    write_file(docs.c_str(), "scan.png", "\x89PNG\r\n\x1a\nand more");
    rag::SyncOptions sync;
    sync.include = {"*.png"};
    sync.recognize = [](const rag::Picture &, rag::Text &) { throw std::runtime_error("out of ink"); };
    const auto skipped = kb.sync(docs, sync).skipped();
    CHECK(skipped.size() == 1 && skipped[0].message.find("out of ink") != std::string::npos);
    write_file(docs.c_str(), "scan.png", "\x89PNG\r\n\x1a\nand yet more");
    sync.recognize = [](const rag::Picture &picture, rag::Text &text) {
        CHECK(picture.size > 8 && picture.media_type == "image/png" && picture.page == 0);
        CHECK(text.append("The harbour master ") && text.append("has the key."));
    };
    CHECK(kb.sync(docs, sync).counts().added == 1);
    CHECK(kb.search("Who has the key?")[0].text() == "The harbour master has the key.");
}

static void what_nothing_supports_is_withdrawn(const rag::OpenOptions &options) {
    rag::KnowledgeBase kb(":memory:", options);
    kb.add("bridge", bridge);
    std::string streamed;
    int withdrawn = 0;
    rag::AskOptions ask;
    ask.settings = {{"stream", "raw"}};
    ask.on_piece = [&](std::string_view piece) {
        streamed += piece;
        return true;
    };
    ask.write = [](const std::vector<rag::Turn> &, rag::Text &answer) { answer.append("It was built by two elephants in 1999."); };
    ask.on_retract = [&](rag_retraction why) {
        withdrawn += why == RAG_RETRACTION_UNSUPPORTED && !streamed.empty();
        streamed.clear();
    };
    CHECK(!kb.ask(question, ask).found() && withdrawn == 1 && streamed.empty());
    // who does not listen gets what a writer says as it comes, and hears no more of it
    ask.on_retract = {};
    CHECK(!kb.ask(question, ask).found() && withdrawn == 1 && !streamed.empty());
}

static void answers_are_written_by_a_function(const rag::OpenOptions &options) {
    rag::KnowledgeBase kb(":memory:", options);
    kb.add("bridge", bridge);
    rag::AskOptions ask;
    std::string streamed;
    std::size_t turn_count = 0;
    ask.abstain = RAG_ABSTAIN_NEVER;
    ask.on_piece = [&](std::string_view piece) {
        streamed += piece;
        return streamed.size() < 30;
    };
    ask.write = [&](const std::vector<rag::Turn> &turns, rag::Text &answer) {
        turn_count = turns.size();
        CHECK(turns[0].role == "system" && turns.back().content.find(question) != std::string_view::npos);
        CHECK(answer.append("The bridge was opened "));
        CHECK(!answer.append("in 1871.") && !answer.append(" And closed."));
    };
    const rag::Answer answer = kb.ask(question, ask);
    CHECK(answer.found() && answer.text() == "The bridge was opened in 1871 [1]." && streamed.size() == 30);
    CHECK(turn_count > 2);
    streamed.clear();
    rag::Chat chat = kb.chat(ask);
    CHECK(chat.say(question).found() && chat.turn_count() == 2);

    ask.write = [](const std::vector<rag::Turn> &, rag::Text &) { throw std::logic_error("offline"); };
    std::string what;
    try {
        kb.ask(question, ask);
    } catch (const std::logic_error &error) {
        what = error.what();
    }
    CHECK(what == "offline");
    ask.write = [](const std::vector<rag::Turn> &, rag::Text &text) { text.fail("no network"); };
    try {
        kb.ask(question, ask);
    } catch (const rag::Error &error) {
        what = error.what();
        CHECK(error.code() == RAG_MODEL);
    }
    CHECK(what.find("no network") != std::string::npos);
}

static void a_repair_says_what_it_kept(const rag::OpenOptions &options, const std::string &folder) {
    const std::string from = folder + "/sound.rag", to = folder + "/repaired.rag";
    {
        rag::KnowledgeBase kb(from, options);
        kb.add("bridge", bridge);
    }
    const rag::Repair report = rag::KnowledgeBase::repair(from, to);
    CHECK(report.kept_count == 1 && report.lost_count == 0);
    CHECK(rag::KnowledgeBase(to, options).search(question).size() == 1);
    CHECK(thrown_by([&] { rag::KnowledgeBase::repair(from, to); }) == RAG_INVALID_ARGUMENT);
    rag::Cancel cancel;
    cancel.request();
    CHECK(thrown_by([&] { rag::KnowledgeBase::repair(from, to + "2", "", cancel); }) == RAG_CANCELLED);
    rag::KnowledgeBase::restore(from, to + "3");
    const rag::KnowledgeBase restored(to + "3", options);
    CHECK(restored.notices() == "[]");
    CHECK(thrown_by([&] { rag::KnowledgeBase::restore(from, to + "3"); }) == RAG_STORE);
}

static void an_encoder_gives_unit_rows(const rag::OpenOptions &options) {
    const rag::Encoder encoder(options.encoder);
    const std::vector<float> rows = encoder.encode({question, bridge}, RAG_TEXT_QUERY);
    CHECK(rows.size() == 2 * encoder.dim());
    float cosine = 0;
    for (std::size_t i = 0; i < encoder.dim(); i++) cosine += rows[i] * rows[encoder.dim() + i];
    CHECK(cosine > 0.3F && cosine < 1.0F);
    CHECK(encoder.token_count("two words") == 2 && encoder.max_tokens() > 2 && !encoder.level().empty());
    rag::EncoderOptions shorter;
    shorter.truncate_dim = 64, shorter.precision = RAG_PRECISION_F32, shorter.threads = 1;
    const rag::Encoder cut(options.encoder, shorter);
    CHECK(cut.dim() == 64 && cut.precision() == RAG_PRECISION_F32 && cut.fingerprint() != encoder.fingerprint());
}

static void a_reranker_scores_and_a_file_is_read(const std::string &folder) {
    const rag::Reranker reranker("tests/data/reranker/bert");
    const std::vector<float> scores = reranker.score("one bridge", {"a bridge", "soup"});
    CHECK(scores.size() == 2 && reranker.max_tokens() > 2 && reranker.score("one bridge", {"soup"})[0] == scores[1]);
    CHECK(thrown_by([&] { rag::Reranker encoder("tests/data/encoder/families/bert"); }) == RAG_MODEL);
    rag::RerankerOptions plain;
    plain.level = "portable";
    plain.threads = 1;
    CHECK(rag::Reranker("tests/data/reranker/bert", plain).max_tokens() == reranker.max_tokens());
    plain.level = "abacus";
    CHECK(thrown_by([&] { rag::Reranker wrong("tests/data/reranker/bert", plain); }) == RAG_INVALID_ARGUMENT);
    const std::string json = rag::read_file(folder + "/docs/bridge.txt");
    CHECK(json.find("\"kind\":\"text\"") != std::string::npos && json.find("1871") != std::string::npos);
    CHECK(thrown_by([&] { rag::read_file(folder + "/docs/broken.pdf"); }) == RAG_DOCUMENT);
    CHECK(thrown_by([&] { rag::read_file(folder + "/nowhere"); }) == RAG_IO);
    CHECK(thrown_by([&] { rag::read_file(folder + "/docs/bridge.txt", -1); }) == RAG_INVALID_ARGUMENT);
    CHECK(rag::mask_text("Write to jo@site.fr.") == "Write to [EMAIL].");
}

static void an_encoder_of_ones_own_is_a_function() {
    const rag::Encoder::Function lengths = [](rag_text_role, const std::vector<std::string_view> &texts) {
        std::vector<float> rows;
        for (const std::string_view text : texts) rows.push_back(1), rows.push_back(static_cast<float>(text.size()));
        if (texts.at(0) == "throw") throw std::runtime_error("as asked");
        return rows;
    };
    const rag::Encoder encoder("lengths", 2, lengths);
    rag::OpenOptions options;
    options.loaded_encoder = &encoder;
    rag::KnowledgeBase kb(":memory:", options);
    kb.add("short", "a b");
    kb.add("long", "a text that is a good deal longer than the other one");
    rag::SearchOptions search;
    search.mode = RAG_MODE_DENSE;
    CHECK(kb.search("a c", search)[0].uri() == "short");
    CHECK(thrown_by([&] { kb.search("throw", search); }) == RAG_MODEL);
}

static void answers_stream_cite_and_chat(const rag::OpenOptions &options) {
    rag::KnowledgeBase kb(":memory:", options);
    kb.add("bridge", bridge);
    std::string streamed;
    rag::AskOptions ask;
    ask.abstain = RAG_ABSTAIN_NEVER;
    ask.on_piece = [&](std::string_view piece) {
        streamed += piece;
        return true;
    };
    const rag::Answer answer = kb.ask(question, ask);
    CHECK(answer && answer.text().find("1871") != std::string_view::npos);
    CHECK(streamed.find("1871") != std::string::npos);
    CHECK(answer.citations().size() >= 1 && answer.hits().size() == 1 && answer.left_out().empty());
    for (const rag::Citation &citation : answer.citations())
        CHECK(citation.quote() == bridge.substr(citation.start(), citation.end() - citation.start()));

    streamed.clear();
    rag::Chat chat = kb.chat(ask);
    rag::Chat moved = std::move(chat);
    CHECK(moved.say(question).found() && streamed.find("1871") != std::string::npos);
    CHECK(moved.turn_count() == 2 && moved.to_json().find("assistant") != std::string::npos);
    CHECK(moved.regenerate(2).outcome() == RAG_OUTCOME_ANSWERED && moved.turn_count() == 2);
    CHECK(kb.resume(moved.save(), ask).save() == moved.save());
    moved.clear();
    CHECK(moved.turn_count() == 0);
    rag::AskOptions extracted;
    extracted.writer = RAG_WRITER_PASSAGES;
    CHECK(kb.ask(question, extracted).found());
    CHECK(kb.summarize_document("bridge", 1, extracted).citations().size() == 1);
    CHECK(kb.summarize(question, 0, extracted).text().find("1871") != std::string_view::npos);
    CHECK(thrown_by([&] { kb.summarize_document("nowhere"); }) == RAG_NOT_FOUND);
    const std::string draft = kb.compose(question, RAG_DRAFT_TABLE, 0, extracted);
    CHECK(draft.find("1871") != std::string::npos && draft.find("\"kind\":\"table\"") != std::string::npos);
    rag::SearchOptions named;
    named.settings = {{"top_k", "1"}, {"mode", "lexical"}};
    CHECK(kb.search(question, named).size() == 1);
    named.settings = {{"topk", "1"}};
    CHECK(thrown_by([&] { kb.search(question, named); }) == RAG_INVALID_ARGUMENT);
    CHECK(kb.prompt(question).find("\"token_ids\":[") != std::string::npos);
    rag::AskOptions shown;
    shown.explain = RAG_EXPLAIN_TRACE;
    shown.generate.max_new_tokens = 4;
    shown.examples = {{{"Tilia means linden."}, "What is Tilia?", "A linden."}};
    CHECK(kb.ask(question, shown).to_json().find("Tilia means linden.") != std::string::npos);
    rag::OpenOptions twice = options;
    twice.also = {"/no/such.rag"};
    CHECK(thrown_by([&] { rag::KnowledgeBase(":memory:", twice); }) == RAG_IO);
    rag::AskOptions guarded;
    guarded.guards.deny = {"ferry", "bridge"};
    const rag::Answer refused = kb.ask(question, guarded);
    CHECK(refused.outcome() == RAG_OUTCOME_REFUSED && refused.guard() == RAG_GUARD_DENY);
    CHECK(!refused.refusal().empty() && answer.refusal().empty());
    CHECK(answer.explain_html().find("1871") != std::string::npos);

    ask.on_piece = [](std::string_view) -> bool { throw std::logic_error("enough"); };
    bool thrown = false;
    try {
        kb.ask(question, ask);
    } catch (const std::logic_error &) {
        thrown = true;
    }
    CHECK(thrown);
}

static void a_generator_continues_and_streams(const std::string &name) {
    const rag::Generator generator(name);
    std::string streamed;
    rag::GenerateOptions options;
    options.max_new_tokens = 4;
    options.on_piece = [&](std::string_view piece) {
        streamed += piece;
        return true;
    };
    const rag::Generation plain = generator.generate("The capital of France is", options);
    CHECK(plain.text() == streamed && plain.token_ids().size() == 4 && plain.prompt_token_count() > 0);
    CHECK(plain.stop_reason() == RAG_STOP_MAX_NEW_TOKENS && plain.first_token_ms() > 0);
    options.logit_bias = {{plain.token_ids()[0], -std::numeric_limits<float>::infinity()}};
    CHECK(generator.generate("The capital of France is", options).token_ids()[0] != plain.token_ids()[0]);
    CHECK(thrown_by([&] { generator.generate(""); }) == RAG_INVALID_ARGUMENT);

    options.logit_bias.clear();
    options.logprobs = 2;
    std::size_t reports = 0;
    options.on_progress = [&](const rag_progress &progress) { return progress.stage == RAG_STAGE_PREFILL && ++reports > 0; };
    const rag::Generation recorded = generator.generate("The capital of France is", options);
    CHECK(recorded.logprobs().size() == 4 && recorded.logprobs()[0]->likeliest_count == 2 && reports > 0);
    CHECK(recorded.logprobs()[0]->token_id == plain.token_ids()[0] && plain.logprobs().empty());

    rag::GenerateOptions held;
    held.regex = "[0-9]{4}";
    CHECK(generator.generate("The year was", held).text().find_first_not_of("0123456789") == std::string::npos);
    CHECK(generator.generate("The year was", held).text().size() == 4);
    held.regex = "(";
    CHECK(thrown_by([&] { generator.generate("The year was", held); }) == RAG_INVALID_ARGUMENT);
    rag::GeneratorOptions load;
    load.kv = RAG_KV_Q8;
    load.template_name = "chatml";
    const rag::Generator other(name, load);
    CHECK(generator.template_name() == "model" && other.template_name() == "chatml");
    CHECK(other.kv_bytes_per_token() > 0 && other.kv_bytes_per_token() < generator.kv_bytes_per_token());
}

static void models_are_loaded_as_the_file_is_opened(rag::OpenOptions options) {
    options.encoder_options.truncate_dim = 128;
    options.settings = {{"generator_threads", "1"}};
    rag::KnowledgeBase kb(":memory:", options);
    kb.add("bridge", bridge);
    CHECK(kb.info()->dim == 128);
    options.generator_options.template_name = "no-such";
    CHECK(thrown_by([&] { rag::KnowledgeBase(":memory:", options); }) == RAG_INVALID_ARGUMENT);
}

static void run(const std::string &folder) {
    const std::string docs = folder + "/docs";
    failures_are_exceptions_with_a_status(folder);
    char encoder[4096], llm[4096];
    if (!find_model("minilm", encoder, sizeof encoder)) return;
    const bool can_ask = find_model("qwen2.5-0.5b", llm, sizeof llm);
    CHECK(mkdir(docs.c_str(), 0777) == 0);
    write_file(docs.c_str(), "bridge.txt", bridge.c_str());
    write_file(docs.c_str(), "broken.pdf", "%PDF-1.7\nthis is where the download stopped");
    const rag::OpenOptions options = models(encoder, llm);
    a_knowledge_base_can_be_moved_filled_and_searched(options);
    what_a_callback_throws_comes_out_of_the_call(options, docs);
    pictures_are_read_by_a_function(options, docs);
    answers_are_written_by_a_function(options);
    what_nothing_supports_is_withdrawn(options);
    a_repair_says_what_it_kept(options, folder);
    a_reranker_scores_and_a_file_is_read(folder);
    an_encoder_of_ones_own_is_a_function();
    models_are_loaded_as_the_file_is_opened(options);
    an_encoder_gives_unit_rows(options);
    if (can_ask) a_generator_continues_and_streams(llm);
    if (can_ask) answers_stream_cite_and_chat(options);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    try {
        run(argv[1]);
    } catch (const rag::Error &error) {
        printf("FAIL uncaught: %s\n", error.what());
        checks_failed++;
    }
    return finish();
}
