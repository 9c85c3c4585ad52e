/*
 * rag.hpp: the C interface of rag.h for C++17, with owners, ranges, strings and exceptions. Header only.
 *
 * Every failure throws rag::Error, whose code() is the rag_status. Objects own their handle: move them, do not
 * copy them. What they lend (Hit, Citation, string_view) lives as long as the object it came from. A callback may
 * throw: the call ends and the exception comes out of it. Otherwise the rules at the head of rag.h hold.
 *
 * With RAG_EXPECTED defined before the header, and always where exceptions are off, nothing throws: a call that can fail gives
 * rag::Expected<T>, the value or the Error. rag::Result<T> below is T in the one case and Expected<T> in the other. An object is then
 * opened by its static function, as its constructors throw.
 *
 * Options are plain structs: what is not set is default, and from C++20 on they are written in place,
 * `kb.ask("When?", {.search = {.top_k = 1}, .generate = {.max_new_tokens = 64}})`.
 */
#ifndef RAG_HPP
#define RAG_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "rag.h"

#ifndef __cpp_exceptions
#define RAG_EXPECTED
#endif

namespace rag {
// Two kinds of the same classes, which one program may use in different files.
#ifdef RAG_EXPECTED
inline namespace expecting {
#else
inline namespace throwing {
#endif

/// A call that failed: the message followed by its causes, and the status.
class Error : public std::runtime_error {
public:
    Error(rag_status code, const std::string &message) : std::runtime_error(message), code_(code) {}
    rag_status code() const noexcept { return code_; }

private:
    rag_status code_;
};

namespace impl {

/// Throws, where that is possible; otherwise ends the process, as the standard library does.
template <class Exception> [[noreturn]] inline void raise(const Exception &exception) {
#ifdef __cpp_exceptions
    throw exception;
#else
    std::fprintf(stderr, "%s\n", exception.what());
    std::abort();
#endif
}

} // namespace impl

/// A value, or the Error that stood in its way.
template <class T> class Expected {
public:
    Expected(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    Expected(Error error) : held_(std::in_place_index<1>, std::move(error)) {}
    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    /// The value; throws the Error if there is none, or ends the process where exceptions are off.
    T &value() & { return get(*this); }
    const T &value() const & { return get(*this); }
    T &&value() && { return std::move(get(*this)); }
    T &operator*() & { return get(*this); }
    const T &operator*() const & { return get(*this); }
    T &&operator*() && { return std::move(get(*this)); }
    T *operator->() { return &get(*this); }
    const T *operator->() const { return &get(*this); }
    /// Why there is no value; only if there is none.
    const Error &error() const { return *std::get_if<1>(&held_); }

private:
    template <class Self> static auto &get(Self &self) {
        if (!self.has_value()) impl::raise(self.error());
        return *std::get_if<0>(&self.held_);
    }
    std::variant<T, Error> held_;
};

/// Done, or the Error that stood in the way.
template <> class Expected<void> {
public:
    Expected() = default;
    Expected(Error error) : error_(std::move(error)) {}
    bool has_value() const noexcept { return !error_; }
    explicit operator bool() const noexcept { return has_value(); }
    /// Throws the Error if there is one, or ends the process where exceptions are off.
    void value() const {
        if (error_) impl::raise(*error_);
    }
    /// What went wrong; only if something did.
    const Error &error() const { return *error_; }

private:
    std::optional<Error> error_;
};

/// What a call that can fail gives: see the head of this file.
#ifdef RAG_EXPECTED
template <class T> using Result = Expected<T>;
#else
template <class T> using Result = T;
#endif

namespace impl {

/// Frees each handle with the function of its type.
struct Deleter {
    void operator()(char *text) const noexcept { rag_string_free(text); }
    void operator()(rag_answer *handle) const noexcept { rag_answer_free(handle); }
    void operator()(rag_chat *handle) const noexcept { rag_chat_free(handle); }
    void operator()(rag_check_report *handle) const noexcept { rag_check_report_free(handle); }
    void operator()(rag_documents *handle) const noexcept { rag_documents_free(handle); }
    void operator()(rag_encoder *handle) const noexcept { rag_encoder_free(handle); }
    void operator()(rag_error *handle) const noexcept { rag_error_free(handle); }
    void operator()(rag_generation *handle) const noexcept { rag_generation_free(handle); }
    void operator()(rag_generator *handle) const noexcept { rag_generator_free(handle); }
    void operator()(rag_hits *handle) const noexcept { rag_hits_free(handle); }
    void operator()(rag_info *handle) const noexcept { rag_info_free(handle); }
    void operator()(rag_kb *handle) const noexcept { rag_kb_close(handle); }
    void operator()(rag_locations *handle) const noexcept { rag_locations_free(handle); }
    void operator()(rag_passage *handle) const noexcept { rag_passage_free(handle); }
    void operator()(rag_passage_ids *handle) const noexcept { rag_passage_ids_free(handle); }
    void operator()(rag_reranker *handle) const noexcept { rag_reranker_free(handle); }
    void operator()(rag_sync_report *handle) const noexcept { rag_sync_report_free(handle); }
};
template <class T> using Handle = std::unique_ptr<T, Deleter>;

/// What a callback threw, kept until the call of C is over.
class Thrown {
public:
    /// Runs `function`; false if it throws.
    template <class Function> bool run(Function &&function) noexcept {
#ifdef __cpp_exceptions
        try {
            return function();
        } catch (...) {
            if (!first_) first_ = std::current_exception();
            return false;
        }
#else
        return function();
#endif
    }
    void rethrow() {
#ifdef __cpp_exceptions
        if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
#endif
    }

private:
    std::exception_ptr first_;
};

/// A function of C++ behind a callback of C.
template <class Function> struct Callback {
    const Function *function;
    Thrown *thrown;

    template <class... Arguments> bool run(Arguments &&...arguments) noexcept {
        return thrown->run([&] { return (*function)(std::forward<Arguments>(arguments)...); });
    }
};

/// Runs `call(&error)`: done, or why not. What a callback threw comes out first.
template <class Call> Expected<void> attempt(Call &&call, Thrown *thrown = nullptr) {
    rag_error *error = nullptr;
    const rag_status status = call(&error);
    const Handle<rag_error> owned(error);
    if (thrown) thrown->rethrow();
    if (status != RAG_OK) return Error(status, rag_error_message(error));
    return {};
}

/// Runs `call(&output, &error)` and owns the output.
template <class T, class Call> Expected<Handle<T>> make(Call &&call, Thrown *thrown = nullptr) {
    Handle<T> owned;
    const Expected<void> done = attempt(
        [&](rag_error **error) {
            T *output = nullptr;
            const rag_status status = call(&output, error);
            owned.reset(output);
            return status;
        },
        thrown);
    if (!done) return done.error();
    return Expected<Handle<T>>(std::move(owned));
}

/// What `use` makes of the value, if there is one.
template <class T, class Use> auto map(Expected<T> given, Use &&use) -> Expected<decltype(use(*std::move(given)))> {
    if (!given) return given.error();
    return use(*std::move(given));
}

/// What the caller gets: the value or the Error, or the value or an exception.
template <class T> Result<T> out(Expected<T> given) {
#ifdef RAG_EXPECTED
    return given;
#else
    return std::move(given).value();
#endif
}

/// `value`, if the call that was to fill it in is done.
template <class T> Result<T> filled(const Expected<void> &done, T value) {
    if (!done) return out<T>(done.error());
    return out<T>(std::move(value));
}

/// An object that owns what `call(&output, &error)` puts out.
template <class Owner, class T, class Call> Result<Owner> own(Call &&call, Thrown *thrown = nullptr) {
    return out(map(make<T>(std::forward<Call>(call), thrown), [](Handle<T> handle) { return Owner(handle.release()); }));
}

/// The text that `call(&text, &error)` puts out.
template <class Call> Result<std::string> text(Call &&call, Thrown *thrown = nullptr) {
    return out(map(make<char>(std::forward<Call>(call), thrown), [](Handle<char> text) { return std::string(text.get()); }));
}

/// The items of a list, each made by `make` from what `at(list, index)` lends.
template <class List, class At, class Make> auto collected(const Handle<List> &list, At at, Make make) {
    std::vector<decltype(make(*at(list.get(), 0)))> all;
    for (std::size_t i = 0; const auto *one = at(list.get(), i); i++) all.push_back(make(*one));
    return all;
}

inline std::vector<std::int64_t> numbers(const Handle<rag_passage_ids> &ids) {
    std::vector<std::int64_t> all(rag_passage_ids_count(ids.get()));
    for (std::size_t i = 0; i < all.size(); i++) all[i] = rag_passage_ids_at(ids.get(), i);
    return all;
}

inline const char *or_null(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }
inline std::string_view or_empty(const char *text) { return text ? text : ""; }

inline std::vector<const char *> pointers(const std::vector<std::string> &texts) {
    std::vector<const char *> pointers;
    for (const std::string &text : texts) pointers.push_back(text.c_str());
    return pointers;
}

/// Options by their names as C sees them; lives as long as the call.
class RawSettings {
public:
    explicit RawSettings(const std::vector<std::pair<std::string, std::string>> &settings) {
        for (const auto &[name, value] : settings) all_.push_back({name.c_str(), value.c_str()});
    }
    /// Puts them into the options of a call.
    template <class Options> void put_into(Options &raw) const {
        raw.settings = all_.data();
        raw.setting_count = all_.size();
    }

private:
    std::vector<rag_setting> all_;
};

/// Items that a handle lends by index, as a range.
template <class Owner, class Item> class Lent {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Item;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = Item;
        iterator(const Owner *owner, std::size_t index) : owner_(owner), index_(index) {}
        Item operator*() const { return Item(*Item::at(owner_, index_)); }
        iterator &operator++() {
            ++index_;
            return *this;
        }
        bool operator==(const iterator &other) const { return index_ == other.index_; }
        bool operator!=(const iterator &other) const { return index_ != other.index_; }

    private:
        const Owner *owner_;
        std::size_t index_;
    };

    Lent(const Owner *owner, std::size_t size) : owner_(owner), size_(size) {}
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    iterator begin() const { return {owner_, 0}; }
    iterator end() const { return {owner_, size_}; }
    /// Throws std::out_of_range beyond the last.
    Item at(std::size_t index) const {
        if (index >= size_) impl::raise(std::out_of_range("rag: no item " + std::to_string(index)));
        return Item(*Item::at(owner_, index));
    }
    Item operator[](std::size_t index) const { return at(index); }

private:
    const Owner *owner_;
    std::size_t size_;
};

} // namespace impl

/// The version of the library in use.
inline std::string_view version() { return rag_version(); }

/// A flag that stops calls; any thread may request. Copies share it.
class Cancel {
public:
    Cancel() : handle_(rag_cancel_new(), rag_cancel_free) {}
    void request() const noexcept { rag_cancel_request(handle_.get()); }
    bool requested() const noexcept { return rag_cancel_is_requested(handle_.get()); }
    const rag_cancel *handle() const noexcept { return handle_.get(); }

private:
    std::shared_ptr<rag_cancel> handle_;
};

namespace impl {
inline const rag_cancel *flag(const std::optional<Cancel> &cancel) {
    return cancel ? cancel->handle() : nullptr;
}
} // namespace impl

/// A passage found, lent by Hits or Answer.
class Hit {
public:
    explicit Hit(const rag_hit &hit) : hit_(&hit) {}
    std::int64_t passage_id() const { return hit_->passage_id; }
    float score() const { return hit_->score; }
    std::optional<float> cosine() const {
        return std::isnan(hit_->cosine) ? std::nullopt : std::optional<float>(hit_->cosine);
    }
    std::string_view uri() const { return hit_->uri; }
    std::string_view title() const { return impl::or_empty(hit_->title); }
    std::string_view heading() const { return impl::or_empty(hit_->heading); }
    std::string_view text() const { return {hit_->text, hit_->text_bytes}; }
    std::size_t start() const { return hit_->start; }
    std::size_t end() const { return hit_->end; }
    std::uint32_t page() const { return hit_->page; }
    /// Every field, as in rag.h.
    const rag_hit &raw() const { return *hit_; }

    static const rag_hit *at(const rag_hits *hits, std::size_t index) { return rag_hits_at(hits, index); }
    static const rag_hit *at(const rag_answer *answer, std::size_t index) {
        return rag_answer_hit_at(answer, index);
    }

private:
    const rag_hit *hit_;
};

/// What a search found, best first: a range of Hit.
class Hits {
public:
    explicit Hits(rag_hits *handle) : handle_(handle) {}
    std::size_t size() const { return rag_hits_count(handle_.get()); }
    bool empty() const { return size() == 0; }
    auto begin() const { return items().begin(); }
    auto end() const { return items().end(); }
    /// Throws std::out_of_range beyond the last.
    Hit operator[](std::size_t index) const { return items().at(index); }
    /// {"hits": [...]}
    Result<std::string> to_json() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_hits_to_json(handle_.get(), json, error);
        });
    }
    const rag_hits *handle() const { return handle_.get(); }

private:
    impl::Lent<rag_hits, Hit> items() const { return {handle_.get(), size()}; }
    impl::Handle<rag_hits> handle_;
};

/// A span of a passage that supports a part of an answer, lent by Answer.
class Citation {
public:
    explicit Citation(const rag_citation &citation) : citation_(&citation) {}
    std::size_t marker() const { return citation_->marker; }
    std::int64_t passage_id() const { return citation_->passage_id; }
    std::string_view uri() const { return citation_->uri; }
    std::string_view quote() const { return {citation_->quote, citation_->quote_bytes}; }
    std::size_t start() const { return citation_->start; }
    std::size_t end() const { return citation_->end; }
    std::uint32_t page() const { return citation_->page; }
    float support() const { return citation_->support; }
    rag_citation_status status() const {
        return static_cast<rag_citation_status>(citation_->status);
    }
    /// Every field, as in rag.h.
    const rag_citation &raw() const { return *citation_; }

    static const rag_citation *at(const rag_answer *answer, std::size_t index) {
        return rag_answer_citation_at(answer, index);
    }

private:
    const rag_citation *citation_;
};

/// What the documents say, or that they do not.
class Answer {
public:
    explicit Answer(rag_answer *handle) : handle_(handle) {}
    bool found() const { return rag_answer_found(handle_.get()); }
    explicit operator bool() const { return found(); }
    std::string_view text() const {
        std::size_t size = 0;
        const char *text = rag_answer_text(handle_.get(), &size);
        return {text, size};
    }
    rag_not_found_reason reason() const { return rag_answer_reason(handle_.get()); }
    rag_outcome outcome() const { return rag_answer_outcome(handle_.get()); }
    /// Which guard refused; RAG_GUARD_NONE if none did.
    rag_guard guard() const { return rag_answer_guard(handle_.get()); }
    /// Why it refused; empty if none did.
    std::string_view refusal() const {
        const char *reason = rag_answer_refusal(handle_.get());
        return reason ? reason : "";
    }
    /// How the answer came about, as one HTML page that needs nothing else.
    Result<std::string> explain_html() const {
        return impl::text([&](char **html, rag_error **error) {
            return rag_answer_explain_html(handle_.get(), html, error);
        });
    }
    impl::Lent<rag_answer, Citation> citations() const {
        return {handle_.get(), rag_answer_citation_count(handle_.get())};
    }
    impl::Lent<rag_answer, Hit> hits() const {
        return {handle_.get(), rag_answer_hit_count(handle_.get())};
    }
    /// Passages found but left out of the prompt for want of room.
    std::vector<std::int64_t> left_out() const {
        std::vector<std::int64_t> ids(rag_answer_left_out_count(handle_.get()));
        for (std::size_t i = 0; i < ids.size(); i++) ids[i] = rag_answer_left_out_at(handle_.get(), i);
        return ids;
    }
    const rag_timings &timings() const { return *rag_answer_timings(handle_.get()); }
    Result<std::string> to_json() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_answer_to_json(handle_.get(), json, error);
        });
    }
    const rag_answer *handle() const { return handle_.get(); }

private:
    impl::Handle<rag_answer> handle_;
};

/// A file that a sync passed over, and why.
struct Skipped {
    std::string path;
    std::string message;
    rag_status code;
    /// Why a document could not be read, such as "NoText"; empty for other errors.
    std::string unreadable;
};

/// A place in a file.
struct Location {
    /// A rag_place.
    std::int32_t kind;
    /// Of pages and areas, from 1.
    std::uint32_t page;
    /// Of bytes.
    std::uint64_t start;
    std::uint64_t end;
    /// Of areas: left, bottom, right, top in whole points.
    std::array<std::int32_t, 4> bounds;
    /// Of parts: "paragraph", "row", ...
    std::string unit;
    std::uint32_t number;
    std::string name;
    /// For a person.
    std::string text;
};

/// A document that a knowledge base holds, or a file that it passed over.
struct Document {
    std::int64_t id;
    std::string uri, kind, title, lang;
    /// A JSON object of texts.
    std::string metadata_json;
    /// Why nothing of it is held; empty if something is.
    std::string skipped;
    std::uint64_t size_bytes;
    std::int64_t mtime_ns;
    std::uint64_t text_bytes;
    std::size_t passage_count;
    /// What of its source was not read, in words; empty if all was.
    std::string unread;
};

/// A document of which something was not read, and what, in words.
struct PartlyRead {
    std::string path;
    std::string unread;
};

/// What a sync did.
class SyncReport {
public:
    explicit SyncReport(rag_sync_report *handle) : handle_(handle) {}
    const rag_sync_counts &counts() const { return *rag_sync_report_counts(handle_.get()); }
    std::vector<Skipped> skipped() const {
        std::vector<Skipped> all;
        for (std::size_t i = 0; const rag_skipped *one = rag_sync_report_skipped_at(handle_.get(), i); i++)
            all.push_back({one->path, one->message, static_cast<rag_status>(one->code),
                           std::string(impl::or_empty(one->unreadable))});
        return all;
    }
    /// Documents that were kept though their file is missing.
    std::vector<std::string> missing() const {
        std::vector<std::string> all;
        for (std::size_t i = 0; const char *one = rag_sync_report_missing_at(handle_.get(), i); i++) all.push_back(one);
        return all;
    }
    /// Documents added or updated that were not read whole.
    std::vector<PartlyRead> unread() const {
        std::vector<PartlyRead> all;
        for (std::size_t i = 0; const rag_partly_read *one = rag_sync_report_unread_at(handle_.get(), i); i++)
            all.push_back({one->path, one->unread});
        return all;
    }
    Result<std::string> to_json() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_sync_report_to_json(handle_.get(), json, error);
        });
    }

private:
    impl::Handle<rag_sync_report> handle_;
};

/// One thing that a check found wrong.
struct Damage {
    std::string part;
    std::string message;
    bool repairable;
};

class Encoder;

/// Where a callback puts its text, lent for the call.
class Text {
public:
    explicit Text(rag_text *text) : text_(text) {}
    /// Adds a piece, in which characters may be cut; false if no more is wanted: the callback should then return.
    bool append(std::string_view piece) { return rag_text_append(text_, piece.data(), piece.size()); }
    /// Says why the text cannot be given.
    void fail(const std::string &reason) { rag_text_fail(text_, reason.c_str()); }

private:
    rag_text *text_;
};

/// A turn of a conversation, lent to a callback.
struct Turn {
    /// "system", "user" or "assistant".
    std::string_view role;
    std::string_view content;
};

/// A picture to be read, lent to a callback.
struct Picture {
    /// A whole picture file.
    const std::uint8_t *bytes;
    std::size_t size;
    /// Such as "image/jpeg".
    std::string_view media_type;
    /// From 1; 0 if it is not part of a document with pages.
    std::uint32_t page;
};

/// Options by their names, each with its value as written for the shell; several of one name are a list.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// How to load an encoder; zero and empty are the defaults. See rag_encoder_options.
struct EncoderOptions {
    std::string model_dir = {};
    std::string backend = {};
    std::string level = {};
    std::size_t threads = 0;
    std::size_t truncate_dim = 0;
    rag_precision precision = RAG_PRECISION_AUTO;
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// How to load a reranker; zero and empty are the defaults. See rag_reranker_options.
struct RerankerOptions {
    std::string model_dir = {};
    std::string level = {};
    std::size_t threads = 0;
    rag_precision precision = RAG_PRECISION_AUTO;
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// How to load a generator; zero is the default.
struct GeneratorOptions {
    /// A folder of models, looked in before the usual places.
    std::string model_dir = {};
    /// A built-in chat template in place of the model's own, such as "gemma".
    std::string template_name = {};
    std::size_t threads = 0;
    rag_kv kv = RAG_KV_F16;
    /// What runs the network: "auto", "candle", or a device such as "cuda:0". Empty: "auto".
    std::string backend = {};
    /// Instructions, such as "avx2". Empty: the best that the CPU has.
    std::string level = {};
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// How to open a knowledge base; an empty string is the default.
struct OpenOptions {
    std::string encoder = {};
    std::string llm = {};
    std::string model_dir = {};
    rag_access access = RAG_ACCESS_CREATE;
    std::string reranker = {};
    /// Further knowledge bases, searched as if all were one file.
    std::vector<std::string> also = {};
    /// An encoder that is loaded already, or your own, in place of `encoder`.
    const Encoder *loaded_encoder = nullptr;
    /// Write zeros over what is removed or replaced; KnowledgeBase::purge leaves nothing at all.
    bool secure_delete = false;
    /// RAG_TRUST_UNTRUSTED for a file of somebody else's.
    rag_trust trust = RAG_TRUST_TRUSTED;
    /// How the models are loaded; the `model_dir` of each is empty.
    EncoderOptions encoder_options = {};
    GeneratorOptions generator_options = {};
    RerankerOptions reranker_options = {};
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// How to mirror a folder; zero is the default. Return false from `on_progress` to stop.
struct SyncOptions {
    std::uint64_t max_file_bytes = 0;
    std::size_t max_tokens = 0;
    rag_plan plan = RAG_PLAN_APPLY;
    rag_hidden hidden = RAG_HIDDEN_SKIP;
    std::function<bool(const rag_progress &)> on_progress = {};
    std::optional<Cancel> cancel = {};
    std::size_t hnsw_m = 0;
    std::size_t hnsw_ef_construction = 0;
    std::size_t min_tokens = 0;
    std::size_t overlap_tokens = 0;
    double max_read_seconds = 0;
    /// Globs in the syntax of .gitignore.
    std::vector<std::string> include = {};
    std::vector<std::string> exclude = {};
    /// Reads the text of a picture or a scanned page; see rag_on_recognize. Called on threads of the library's. A file is skipped for
    /// what it throws, or fails its text with.
    std::function<void(const Picture &picture, Text &text)> recognize = {};
    rag_missing missing = RAG_MISSING_GUARD;
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// What a repair kept and lost.
struct Repair {
    std::size_t kept_count = 0;
    std::size_t lost_count = 0;
};

/// How to search; zero is the default.
struct SearchOptions {
    std::size_t top_k = 0;
    rag_mode mode = RAG_MODE_HYBRID;
    rag_index index = RAG_INDEX_AUTO;
    /// Not in AskOptions, which have one of their own.
    std::optional<Cancel> cancel = {};
    std::string filter = {};
    std::size_t ef_search = 0;
    /// -1: none.
    std::int64_t rerank = 0;
    /// "convex", "convex:WEIGHT", "rrf" or "rrf:K".
    std::string fusion = {};
    /// "none", "section", or a number of passages on each side.
    std::string context = {};
    float diversity = 0;
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// How to generate; zero is the default. Return false from `on_piece` to end the text there. `prompt_kind`, `system`, `on_piece`,
/// `cancel` and `on_progress` are not for AskOptions, which have their own.
struct GenerateOptions {
    rag_prompt_kind prompt_kind = RAG_PROMPT_TEXT;
    std::string system = {};
    std::size_t max_new_tokens = 0;
    std::uint64_t seed = 0;
    float temperature = 0;
    std::size_t top_k = 0;
    float top_p = 0;
    float min_p = 0;
    float typical_p = 0;
    float repetition_penalty = 0;
    float presence_penalty = 0;
    float frequency_penalty = 0;
    /// Tokens and what is added to their logits.
    std::vector<std::pair<std::uint32_t, float>> logit_bias = {};
    /// Record log-probabilities, and of so many of the likeliest tokens beside each; see Generation::logprobs.
    std::optional<std::uint32_t> logprobs = {};
    std::size_t beams = 0;
    std::optional<float> length_penalty = {};
    bool early_stopping = false;
    rag_draft draft = RAG_DRAFT_LOOKUP;
    std::vector<std::string> stop = {};
    std::function<bool(std::string_view)> on_piece = {};
    std::optional<Cancel> cancel = {};
    /// Hold the text to a JSON value that this JSON Schema describes. Of the three, one at most.
    std::string json_schema = {};
    /// Hold the whole text to this regular expression.
    std::string regex = {};
    /// Hold the whole text to this grammar in Lark's notation.
    std::string grammar = {};
    /// Gets reports while the prompt is taken in; false stops the call.
    std::function<bool(const rag_progress &)> on_progress = {};
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// What may be asked and answered; zero and empty are the defaults. See rag_guards.
struct Guards {
    std::size_t max_question_chars = 0;
    /// Regular expressions; case and accents do not count.
    std::vector<std::string> deny = {};
    std::vector<std::string> allow = {};
    std::vector<std::string> deny_answer = {};
    /// Examples of what may, and what may not, be asked.
    std::vector<std::string> topics = {};
    std::vector<std::string> off_topics = {};
    std::optional<float> topic_min = {};
    std::optional<float> off_topic_max = {};
    rag_mask mask = RAG_MASK_OFF;
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
};

/// A question answered the way answers should be.
struct Example {
    std::vector<std::string> passages = {};
    std::string question = {};
    std::string answer = {};
};

/// An earlier turn of a conversation.
struct Message {
    /// "system", "user" or "assistant".
    std::string role = {};
    std::string content = {};
};

/// How to answer; zero is the default. Return false from `on_piece` to end the answer there.
struct AskOptions {
    /// How passages are found; `top_k` of them are offered to the prompt.
    SearchOptions search = {};
    /// How the answer is generated.
    GenerateOptions generate = {};
    Guards guards = {};
    std::string system = {};
    /// Earlier turns; a chat goes on from them.
    std::vector<Message> history = {};
    rag_abstain abstain = RAG_ABSTAIN_CALIBRATED;
    float abstain_below = 0;
    rag_explain explain = RAG_EXPLAIN_OFF;
    rag_writer writer = RAG_WRITER_GENERATOR;
    /// Of each passage, only so many sentences in a row are shown to the generator.
    std::size_t sentences = 0;
    rag_fence fence = RAG_FENCE_NUMBERED;
    rag_order order = RAG_ORDER_BEST_LAST;
    rag_rewrite rewrite = RAG_REWRITE_NONE;
    std::uint32_t variant_count = 0;
    /// Worked examples in place of ours; empty for none.
    std::optional<std::vector<Example>> examples = {};
    std::function<bool(std::string_view)> on_piece = {};
    std::optional<Cancel> cancel = {};
    /// Writes the answer in the generator's place; see rag_on_write. What it throws comes out of the call.
    std::function<void(const std::vector<Turn> &turns, Text &answer)> write = {};
    /// Further options by their names in docs/options.md, set after the fields.
    Settings settings = {};
    /// Hears that what `on_piece` was given is withdrawn. With it the setting "stream" may be "raw": pieces come as they are
    /// written, before they are checked.
    std::function<void(rag_retraction)> on_retract = {};
};

namespace impl {

using PieceCallback = Callback<std::function<bool(std::string_view)>>;
using ProgressCallback = Callback<std::function<bool(const rag_progress &)>>;
using RetractCallback = Callback<std::function<void(rag_retraction)>>;
using WriteCallback = Callback<std::function<void(const std::vector<Turn> &, Text &)>>;
using Recognize = std::function<void(const Picture &, Text &)>;
using RecognizeCallback = Callback<Recognize>;

inline bool on_piece(const char *piece, std::size_t size, void *user_data) {
    return static_cast<PieceCallback *>(user_data)->run(std::string_view(piece, size));
}

inline bool on_progress(const rag_progress *progress, void *user_data) {
    return static_cast<ProgressCallback *>(user_data)->run(*progress);
}

inline void on_retract(std::int32_t why, void *user_data) {
    const RetractCallback *callback = static_cast<RetractCallback *>(user_data);
    callback->thrown->run([&] {
        (*callback->function)(static_cast<rag_retraction>(why));
        return true;
    });
}

inline bool on_write(const rag_turn *turns, std::size_t count, rag_text *answer, void *user_data) {
    const WriteCallback *callback = static_cast<WriteCallback *>(user_data);
    return callback->thrown->run([&] {
        std::vector<Turn> lent;
        for (std::size_t i = 0; i < count; i++)
            lent.push_back({turns[i].role, {turns[i].content, turns[i].content_bytes}});
        Text text(answer);
        (*callback->function)(lent, text);
        return true;
    });
}

inline bool on_recognize(const rag_picture *picture, rag_text *text, void *user_data) {
    const auto run = [&] {
        Text recognized(text);
        const Recognize &recognize = *static_cast<const RecognizeCallback *>(user_data)->function;
        recognize({picture->bytes, picture->size, picture->media_type, picture->page}, recognized);
        return true;
    };
#ifdef __cpp_exceptions
    try {
        return run();
    } catch (const std::exception &thrown) {
        rag_text_fail(text, thrown.what());
    } catch (...) {
        rag_text_fail(text, nullptr);
    }
    return false;
#else
    return run();
#endif
}

/// A number for a field in which zero is the default: RAG_ZERO for zero, zero for none.
inline float or_zero(const std::optional<float> &value) {
    return !value ? 0 : *value == 0 ? RAG_ZERO : *value;
}

/// EncoderOptions as C sees them; lives as long as the call.
class RawEncoderOptions {
public:
    explicit RawEncoderOptions(const EncoderOptions &options) : settings_(options.settings) {
        raw_ = RAG_ENCODER_OPTIONS_INIT;
        raw_.model_dir = or_null(options.model_dir);
        raw_.backend = or_null(options.backend);
        raw_.level = or_null(options.level);
        raw_.threads = options.threads;
        raw_.truncate_dim = options.truncate_dim;
        raw_.precision = options.precision;
        settings_.put_into(raw_);
    }
    RawEncoderOptions(const RawEncoderOptions &) = delete;
    RawEncoderOptions &operator=(const RawEncoderOptions &) = delete;
    const rag_encoder_options *get() const { return &raw_; }

private:
    RawSettings settings_;
    rag_encoder_options raw_{};
};

/// RerankerOptions as C sees them; lives as long as the call.
class RawRerankerOptions {
public:
    explicit RawRerankerOptions(const RerankerOptions &options) : settings_(options.settings) {
        raw_ = RAG_RERANKER_OPTIONS_INIT;
        raw_.model_dir = or_null(options.model_dir);
        raw_.level = or_null(options.level);
        raw_.threads = options.threads;
        raw_.precision = options.precision;
        settings_.put_into(raw_);
    }
    RawRerankerOptions(const RawRerankerOptions &) = delete;
    RawRerankerOptions &operator=(const RawRerankerOptions &) = delete;
    const rag_reranker_options *get() const { return &raw_; }

private:
    RawSettings settings_;
    rag_reranker_options raw_{};
};

/// GeneratorOptions as C sees them; lives as long as the call.
class RawGeneratorOptions {
public:
    explicit RawGeneratorOptions(const GeneratorOptions &options) : settings_(options.settings) {
        raw_ = RAG_GENERATOR_OPTIONS_INIT;
        raw_.model_dir = or_null(options.model_dir);
        raw_.template_name = or_null(options.template_name);
        raw_.threads = options.threads;
        raw_.kv = options.kv;
        raw_.backend = or_null(options.backend);
        raw_.level = or_null(options.level);
        settings_.put_into(raw_);
    }
    RawGeneratorOptions(const RawGeneratorOptions &) = delete;
    RawGeneratorOptions &operator=(const RawGeneratorOptions &) = delete;
    const rag_generator_options *get() const { return &raw_; }

private:
    RawSettings settings_;
    rag_generator_options raw_{};
};

/// SearchOptions as C sees them; lives as long as the call.
class RawSearchOptions {
public:
    explicit RawSearchOptions(const SearchOptions &options) : settings_(options.settings) {
        raw_ = RAG_SEARCH_OPTIONS_INIT;
        raw_.top_k = options.top_k;
        raw_.mode = options.mode;
        raw_.index = options.index;
        raw_.cancel = flag(options.cancel);
        raw_.filter = or_null(options.filter);
        raw_.ef_search = options.ef_search;
        raw_.fusion = or_null(options.fusion);
        raw_.context = or_null(options.context);
        raw_.diversity = options.diversity;
        raw_.rerank = options.rerank;
        settings_.put_into(raw_);
    }
    RawSearchOptions(const RawSearchOptions &) = delete;
    RawSearchOptions &operator=(const RawSearchOptions &) = delete;

    const rag_search_options *get() const { return &raw_; }

private:
    RawSettings settings_;
    rag_search_options raw_{};
};

/// GenerateOptions as C sees them; lives as long as the call.
class RawGenerateOptions {
public:
    RawGenerateOptions(const GenerateOptions &options, Thrown &thrown)
        : stop_(pointers(options.stop)), settings_(options.settings), piece_{&options.on_piece, &thrown}, progress_{&options.on_progress, &thrown} {
        for (const auto &[id, value] : options.logit_bias) ids_.push_back(id), values_.push_back(value);
        raw_ = RAG_GENERATE_OPTIONS_INIT;
        raw_.prompt_kind = options.prompt_kind;
        raw_.early_stopping = options.early_stopping;
        raw_.draft = options.draft;
        if (options.logprobs) raw_.logprobs = *options.logprobs == 0 ? -1 : static_cast<std::int32_t>(*options.logprobs);
        raw_.system = or_null(options.system);
        raw_.max_new_tokens = options.max_new_tokens;
        raw_.seed = options.seed;
        raw_.temperature = options.temperature;
        raw_.top_p = options.top_p;
        raw_.min_p = options.min_p;
        raw_.typical_p = options.typical_p;
        raw_.repetition_penalty = options.repetition_penalty;
        raw_.presence_penalty = options.presence_penalty;
        raw_.frequency_penalty = options.frequency_penalty;
        raw_.length_penalty = or_zero(options.length_penalty);
        raw_.top_k = options.top_k;
        raw_.beams = options.beams;
        raw_.stop = stop_.data();
        raw_.stop_count = stop_.size();
        raw_.logit_bias_ids = ids_.data();
        raw_.logit_bias_values = values_.data();
        raw_.logit_bias_count = ids_.size();
        if (options.on_piece) raw_.on_piece = on_piece;
        raw_.user_data = &piece_;
        raw_.cancel = flag(options.cancel);
        raw_.json_schema = or_null(options.json_schema);
        raw_.regex = or_null(options.regex);
        raw_.grammar = or_null(options.grammar);
        if (options.on_progress) raw_.on_progress = on_progress;
        raw_.progress_user_data = &progress_;
        settings_.put_into(raw_);
    }
    RawGenerateOptions(const RawGenerateOptions &) = delete;
    RawGenerateOptions &operator=(const RawGenerateOptions &) = delete;

    const rag_generate_options *get() const { return &raw_; }

private:
    std::vector<std::uint32_t> ids_;
    std::vector<float> values_;
    std::vector<const char *> stop_;
    RawSettings settings_;
    PieceCallback piece_;
    ProgressCallback progress_;
    rag_generate_options raw_{};
};

/// Guards as C sees them; lives as long as the call.
class RawGuards {
public:
    explicit RawGuards(const Guards &guards)
        : deny_(pointers(guards.deny)), allow_(pointers(guards.allow)),
          deny_answer_(pointers(guards.deny_answer)), topics_(pointers(guards.topics)),
          off_topics_(pointers(guards.off_topics)), settings_(guards.settings) {
        raw_ = RAG_GUARDS_INIT;
        raw_.max_question_chars = guards.max_question_chars;
        raw_.deny = deny_.data();
        raw_.deny_count = deny_.size();
        raw_.allow = allow_.data();
        raw_.allow_count = allow_.size();
        raw_.deny_answer = deny_answer_.data();
        raw_.deny_answer_count = deny_answer_.size();
        raw_.topics = topics_.data();
        raw_.topic_count = topics_.size();
        raw_.off_topics = off_topics_.data();
        raw_.off_topic_count = off_topics_.size();
        raw_.topic_min = or_zero(guards.topic_min);
        raw_.off_topic_max = or_zero(guards.off_topic_max);
        raw_.mask = guards.mask;
        settings_.put_into(raw_);
    }
    RawGuards(const RawGuards &) = delete;
    RawGuards &operator=(const RawGuards &) = delete;

    const rag_guards *get() const { return &raw_; }

private:
    std::vector<const char *> deny_;
    std::vector<const char *> allow_;
    std::vector<const char *> deny_answer_;
    std::vector<const char *> topics_;
    std::vector<const char *> off_topics_;
    RawSettings settings_;
    rag_guards raw_{};
};

/// AskOptions as C sees them; lives as long as the call.
class RawAskOptions {
public:
    explicit RawAskOptions(const AskOptions &options)
        : search_(options.search), generate_(options.generate, thrown_), guards_(options.guards),
          settings_(options.settings), piece_{&options.on_piece, &thrown_}, write_{&options.write, &thrown_},
          retract_{&options.on_retract, &thrown_} {
        raw_ = RAG_ASK_OPTIONS_INIT;
        raw_.search = search_.get();
        raw_.generate = generate_.get();
        raw_.guards = guards_.get();
        raw_.system = or_null(options.system);
        for (const Message &message : options.history)
            history_.push_back({message.role.c_str(), message.content.c_str(), message.content.size()});
        raw_.history = history_.data();
        raw_.history_count = history_.size();
        raw_.abstain = options.abstain;
        raw_.abstain_below = options.abstain_below;
        raw_.explain = options.explain;
        raw_.writer = options.writer;
        raw_.fence = options.fence;
        raw_.order = options.order;
        raw_.rewrite = options.rewrite;
        raw_.variant_count = options.variant_count;
        raw_.sentences = options.sentences;
        if (options.on_piece) raw_.on_piece = on_piece;
        raw_.user_data = &piece_;
        raw_.cancel = flag(options.cancel);
        if (options.write) raw_.on_write = on_write;
        raw_.write_user_data = &write_;
        if (options.on_retract) raw_.on_retract = on_retract;
        raw_.retract_user_data = &retract_;
        settings_.put_into(raw_);
        if (options.examples) {
            for (const Example &example : *options.examples) {
                passages_.push_back(pointers(example.passages));
                examples_.push_back({passages_.back().data(), passages_.back().size(),
                                     example.question.c_str(), example.answer.c_str()});
            }
            // not NULL, even if there are none
            examples_.push_back({});
            raw_.examples = examples_.data();
            raw_.example_count = options.examples->size();
        }
    }
    RawAskOptions(const RawAskOptions &) = delete;
    RawAskOptions &operator=(const RawAskOptions &) = delete;

    rag_ask_options *get() { return &raw_; }
    Thrown *thrown() { return &thrown_; }

private:
    std::vector<rag_turn> history_;
    std::vector<std::vector<const char *>> passages_;
    std::vector<rag_example> examples_;
    Thrown thrown_;
    RawSearchOptions search_;
    RawGenerateOptions generate_;
    RawGuards guards_;
    RawSettings settings_;
    PieceCallback piece_;
    WriteCallback write_;
    RetractCallback retract_;
    rag_ask_options raw_{};
};

} // namespace impl

/// A conversation: each turn is an ask with the turns before it. Keeps its knowledge base open.
class Chat {
public:
    /// Begins one.
    static Result<Chat> start(const rag_kb *kb, AskOptions options) {
        return make(std::move(options), [&](const rag_ask_options *raw, rag_chat **chat, rag_error **error) {
            return rag_kb_chat(kb, raw, chat, error);
        });
    }
    /// Goes on with a conversation that `save` wrote.
    static Result<Chat> resume(const rag_kb *kb, const std::string &saved, AskOptions options) {
        return make(std::move(options), [&](const rag_ask_options *raw, rag_chat **chat, rag_error **error) {
            return rag_chat_resume(kb, saved.data(), saved.size(), raw, chat, error);
        });
    }
    Result<Answer> say(const std::string &text) {
        const auto call = [&](rag_answer **out, rag_error **error) {
            return rag_chat_say(handle_.get(), text.c_str(), impl::flag(options_->cancel), out, error);
        };
        return impl::own<Answer, rag_answer>(call, raw_->thrown());
    }
    /// Asks the last question again; the new answer takes the place of the old one.
    Result<Answer> regenerate(std::uint64_t seed) {
        const auto call = [&](rag_answer **out, rag_error **error) {
            return rag_chat_regenerate(handle_.get(), seed, impl::flag(options_->cancel), out, error);
        };
        return impl::own<Answer, rag_answer>(call, raw_->thrown());
    }
    /// The conversation as JSON, to go on with later.
    Result<std::string> save() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_chat_save(handle_.get(), json, error);
        });
    }
    std::size_t turn_count() const { return rag_chat_turn_count(handle_.get()); }
    Result<void> clear() {
        return impl::out(impl::attempt([&](rag_error **error) { return rag_chat_clear(handle_.get(), error); }));
    }
    /// [{"role", "content"}, ...]
    Result<std::string> to_json() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_chat_to_json(handle_.get(), json, error);
        });
    }

private:
    explicit Chat(AskOptions options)
        : options_(std::make_unique<AskOptions>(std::move(options))),
          raw_(std::make_unique<impl::RawAskOptions>(*options_)) {}
    /// A chat over the handle that `call(options, &handle, &error)` puts out.
    template <class Call> static Result<Chat> make(AskOptions options, Call &&call) {
        Chat chat(std::move(options));
        // each turn takes its own
        chat.raw_->get()->cancel = nullptr;
        auto made = impl::make<rag_chat>(
            [&](rag_chat **out, rag_error **error) { return call(chat.raw_->get(), out, error); });
        return impl::out(impl::map(std::move(made), [&](impl::Handle<rag_chat> handle) {
            chat.handle_ = std::move(handle);
            return std::move(chat);
        }));
    }

    std::unique_ptr<AskOptions> options_;
    std::unique_ptr<impl::RawAskOptions> raw_;
    impl::Handle<rag_chat> handle_;
};

/// A sentence encoder without a knowledge base.
class Encoder {
public:
    /// Turns texts into rows of `dim` numbers, row after row; rows may have any length but zero.
    using Function =
        std::function<std::vector<float>(rag_text_role role, const std::vector<std::string_view> &texts)>;

    /// Loads the encoder `name`.
    static Result<Encoder> open(const std::string &name, const EncoderOptions &options = {}) {
        const impl::RawEncoderOptions raw(options);
        return impl::own<Encoder, rag_encoder>([&](rag_encoder **out, rag_error **error) {
            return rag_encoder_open_with(name.c_str(), raw.get(), out, error);
        });
    }
    /// An encoder of your own; see rag_encoder_own. Several threads may call `encode` at once. If it throws, the call that needed
    /// the vectors fails with RAG_MODEL. It must outlive every KnowledgeBase that is opened with it.
    static Result<Encoder> own(const std::string &name, std::size_t dim, Function encode,
                               std::size_t max_tokens = 200) {
        auto function = std::make_unique<Own>(Own{std::move(encode), dim});
        auto made = impl::make<rag_encoder>([&](rag_encoder **out, rag_error **error) {
            return rag_encoder_own(name.c_str(), dim, max_tokens, run_own, function.get(), out, error);
        });
        return impl::out(impl::map(std::move(made), [&](impl::Handle<rag_encoder> handle) {
            Encoder encoder(handle.release());
            encoder.own_ = std::move(function);
            return encoder;
        }));
    }
#ifndef RAG_EXPECTED
    /// As open.
    explicit Encoder(const std::string &name, const EncoderOptions &options = {}) : Encoder(open(name, options)) {}
    /// As own.
    Encoder(const std::string &name, std::size_t dim, Function encode, std::size_t max_tokens = 200)
        : Encoder(own(name, dim, std::move(encode), max_tokens)) {}
#endif
    /// Takes over a handle of rag.h.
    explicit Encoder(rag_encoder *handle) : handle_(handle) {}
    std::size_t dim() const { return rag_encoder_dim(handle_.get()); }
    std::size_t max_tokens() const { return rag_encoder_max_tokens(handle_.get()); }
    std::string fingerprint() const { return rag_encoder_fingerprint(handle_.get()); }
    rag_precision precision() const { return rag_encoder_precision(handle_.get()); }
    std::string level() const { return rag_encoder_level(handle_.get()); }
    /// Tokens of a text, without special tokens and prefix.
    Result<std::size_t> token_count(const std::string &text) const {
        std::size_t count = 0;
        const auto done = impl::attempt(
            [&](rag_error **error) { return rag_encoder_token_count(handle_.get(), text.c_str(), &count, error); });
        return impl::filled(done, count);
    }
    /// One unit row of dim() floats for each text, row after row.
    Result<std::vector<float>> encode(const std::vector<std::string> &texts,
                                      rag_text_role role = RAG_TEXT_PASSAGE) const {
        const std::vector<const char *> raw = impl::pointers(texts);
        std::vector<float> vectors(texts.size() * dim());
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_encoder_encode(handle_.get(), role, raw.data(), raw.size(), vectors.data(),
                                      vectors.size(), nullptr, error);
        });
        return impl::filled(done, std::move(vectors));
    }

    const rag_encoder *handle() const { return handle_.get(); }

private:
    struct Own {
        Function encode;
        std::size_t dim;
    };
    static bool run_own(std::int32_t role, const char *const *texts, const std::size_t *sizes, std::size_t count,
                        float *rows, void *user_data) {
        // what it throws has nowhere to go: several threads may call at once
        impl::Thrown thrown;
        return thrown.run([&] {
            const Own &own = *static_cast<const Own *>(user_data);
            std::vector<std::string_view> views;
            for (std::size_t i = 0; i < count; i++) views.emplace_back(texts[i], sizes[i]);
            const std::vector<float> given = own.encode(static_cast<rag_text_role>(role), views);
            if (given.size() != count * own.dim) return false;
            std::copy(given.begin(), given.end(), rows);
            return true;
        });
    }
    std::unique_ptr<Own> own_;
    impl::Handle<rag_encoder> handle_;
};

/// A reranker without a knowledge base.
class Reranker {
public:
    /// Loads the reranker `name`.
    static Result<Reranker> open(const std::string &name, const RerankerOptions &options = {}) {
        const impl::RawRerankerOptions raw(options);
        return impl::own<Reranker, rag_reranker>([&](rag_reranker **out, rag_error **error) {
            return rag_reranker_open(name.c_str(), raw.get(), out, error);
        });
    }
#ifndef RAG_EXPECTED
    /// As open.
    explicit Reranker(const std::string &name, const RerankerOptions &options = {}) : Reranker(open(name, options)) {}
#endif
    /// Takes over a handle of rag.h.
    explicit Reranker(rag_reranker *handle) : handle_(handle) {}
    std::size_t max_tokens() const { return rag_reranker_max_tokens(handle_.get()); }
    /// How well each text answers the question; higher is better.
    Result<std::vector<float>> score(const std::string &question, const std::vector<std::string> &texts) const {
        const std::vector<const char *> raw = impl::pointers(texts);
        std::vector<float> scores(texts.size());
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_reranker_score(handle_.get(), question.c_str(), raw.data(), raw.size(), scores.data(), nullptr,
                                      error);
        });
        return impl::filled(done, std::move(scores));
    }

private:
    impl::Handle<rag_reranker> handle_;
};

/// Reads a document as `sync` does: a JSON object with its text, blocks, places and metadata. 0 seconds: 60.
inline Result<std::string> read_file(const std::string &path, double max_read_seconds = 0) {
    return impl::text([&](char **json, rag_error **error) {
        return rag_read_file(path.c_str(), max_read_seconds, nullptr, json, error);
    });
}

/// A text with its personal data masked.
inline Result<std::string> mask_text(const std::string &text) {
    return impl::text([&](char **masked, rag_error **error) { return rag_mask_text(text.c_str(), masked, error); });
}

/// One knowledge base. Threads may share it.
class KnowledgeBase {
public:
    using Info = impl::Handle<rag_info>;
    using Passage = impl::Handle<rag_passage>;

    /// Opens or creates the file at `path`; ":memory:" keeps it in memory.
    static Result<KnowledgeBase> open(const std::string &path, const OpenOptions &options = {}) {
        rag_open_options raw = RAG_OPEN_OPTIONS_INIT;
        raw.encoder = impl::or_null(options.encoder);
        raw.llm = impl::or_null(options.llm);
        raw.model_dir = impl::or_null(options.model_dir);
        raw.access = options.access;
        raw.reranker = impl::or_null(options.reranker);
        const auto also = impl::pointers(options.also);
        raw.also = also.data();
        raw.also_count = also.size();
        raw.loaded_encoder = options.loaded_encoder ? options.loaded_encoder->handle() : nullptr;
        raw.secure_delete = options.secure_delete;
        raw.trust = options.trust;
        const impl::RawEncoderOptions encoder(options.encoder_options);
        raw.encoder_options = encoder.get();
        const impl::RawGeneratorOptions generator(options.generator_options);
        raw.generator_options = generator.get();
        const impl::RawRerankerOptions reranker(options.reranker_options);
        raw.reranker_options = reranker.get();
        const impl::RawSettings settings(options.settings);
        settings.put_into(raw);
        return impl::own<KnowledgeBase, rag_kb>([&](rag_kb **out, rag_error **error) {
            return rag_kb_open(path.c_str(), &raw, out, error);
        });
    }
#ifndef RAG_EXPECTED
    /// As open.
    explicit KnowledgeBase(const std::string &path, const OpenOptions &options = {})
        : KnowledgeBase(open(path, options)) {}
#endif
    /// Takes over a handle of rag.h.
    explicit KnowledgeBase(rag_kb *handle) : handle_(handle) {}

    /// Makes the knowledge base mirror a folder or a file.
    Result<SyncReport> sync(const std::string &path, const SyncOptions &options = {}) {
        impl::Thrown thrown;
        impl::ProgressCallback callback{&options.on_progress, &thrown};
        rag_sync_options raw = RAG_SYNC_OPTIONS_INIT;
        raw.max_file_bytes = options.max_file_bytes;
        raw.max_tokens = options.max_tokens;
        raw.plan = options.plan;
        raw.hidden = options.hidden;
        if (options.on_progress) raw.on_progress = impl::on_progress;
        raw.user_data = &callback;
        impl::RecognizeCallback recognize{&options.recognize, nullptr};
        if (options.recognize) raw.on_recognize = impl::on_recognize;
        raw.recognize_user_data = &recognize;
        raw.cancel = impl::flag(options.cancel);
        raw.hnsw_m = options.hnsw_m;
        raw.hnsw_ef_construction = options.hnsw_ef_construction;
        raw.min_tokens = options.min_tokens;
        raw.overlap_tokens = options.overlap_tokens;
        raw.max_read_seconds = options.max_read_seconds;
        const auto include = impl::pointers(options.include);
        const auto exclude = impl::pointers(options.exclude);
        raw.include = include.data();
        raw.include_count = include.size();
        raw.exclude = exclude.data();
        raw.exclude_count = exclude.size();
        raw.missing = options.missing;
        const impl::RawSettings settings(options.settings);
        settings.put_into(raw);
        const auto call = [&](rag_sync_report **report, rag_error **error) {
            return rag_kb_sync(handle_.get(), path.c_str(), &raw, report, error);
        };
        return impl::own<SyncReport, rag_sync_report>(call, &thrown);
    }

    /// Encodes passages again that were encoded without the titles of their documents, as the JSON of rag_kb_reindex. Of the
    /// options, plan, on_progress and cancel count.
    Result<std::string> reindex(const SyncOptions &options = {}) {
        impl::Thrown thrown;
        impl::ProgressCallback callback{&options.on_progress, &thrown};
        rag_sync_options raw = RAG_SYNC_OPTIONS_INIT;
        raw.plan = options.plan;
        if (options.on_progress) raw.on_progress = impl::on_progress;
        raw.user_data = &callback;
        raw.cancel = impl::flag(options.cancel);
        const auto call = [&](char **json, rag_error **error) {
            return rag_kb_reindex(handle_.get(), &raw, json, error);
        };
        return impl::text(call, &thrown);
    }

    /// Adds one text under a name, in place of any with the same name. Returns its passages' numbers.
    Result<std::vector<std::int64_t>> add(const std::string &uri, std::string_view text,
                                          const std::map<std::string, std::string> &metadata = {},
                                          const std::optional<Cancel> &cancel = {}) {
        std::vector<const char *> keys, values;
        for (const auto &[key, value] : metadata) {
            keys.push_back(key.c_str());
            values.push_back(value.c_str());
        }
        rag_add_options raw = RAG_ADD_OPTIONS_INIT;
        raw.metadata_keys = keys.data();
        raw.metadata_values = values.data();
        raw.metadata_count = keys.size();
        raw.cancel = impl::flag(cancel);
        return impl::out(impl::map(impl::make<rag_passage_ids>([&](rag_passage_ids **out, rag_error **error) {
                                       return rag_kb_add(handle_.get(), uri.c_str(), text.data(), text.size(), &raw,
                                                         out, error);
                                   }),
                                   impl::numbers));
    }

    /// Removes a document; false if there was none.
    Result<bool> remove(const std::string &uri) {
        bool removed = false;
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_kb_remove(handle_.get(), uri.c_str(), &removed, error);
        });
        return impl::filled(done, removed);
    }

    /// Finds the passages that answer a question best, best first.
    Result<Hits> search(const std::string &question, const SearchOptions &options = {}) const {
        const impl::RawSearchOptions raw(options);
        return impl::own<Hits, rag_hits>([&](rag_hits **hits, rag_error **error) {
            return rag_kb_search(handle_.get(), question.c_str(), raw.get(), hits, error);
        });
    }

    /// Answers a question from the documents, with citations, or says that they do not know.
    Result<Answer> ask(const std::string &question, const AskOptions &options = {}) const {
        impl::RawAskOptions raw(options);
        const auto call = [&](rag_answer **out, rag_error **error) {
            return rag_kb_ask(handle_.get(), question.c_str(), raw.get(), out, error);
        };
        return impl::own<Answer, rag_answer>(call, raw.thrown());
    }

    /// The prompt that `ask` would give the generator, as JSON.
    Result<std::string> prompt(const std::string &question, const AskOptions &options = {}) const {
        impl::RawAskOptions raw(options);
        return impl::text([&](char **json, rag_error **error) {
            return rag_kb_prompt(handle_.get(), question.c_str(), raw.get(), json, error);
        });
    }

    /// Summarizes what the documents say about a question, in at most so many sentences (0: 5), with citations.
    Result<Answer> summarize(const std::string &question, std::size_t max_sentences = 0,
                     const AskOptions &options = {}) const {
        return summarize(question.c_str(), nullptr, max_sentences, options);
    }
    /// Summarizes a document by its uri.
    Result<Answer> summarize_document(const std::string &uri, std::size_t max_sentences = 0,
                              const AskOptions &options = {}) const {
        return summarize(nullptr, uri.c_str(), max_sentences, options);
    }

    /// Writes a draft for a task from the documents, in parts of at most so many sentences (0: 5), as the JSON of
    /// rag_kb_compose.
    Result<std::string> compose(const std::string &task, rag_draft_kind kind = RAG_DRAFT_SYNTHESIS,
                                std::size_t max_sentences = 0, const AskOptions &options = {}) const {
        impl::RawAskOptions raw(options);
        const auto call = [&](char **json, rag_error **error) {
            return rag_kb_compose(handle_.get(), task.c_str(), kind, max_sentences, raw.get(), json, error);
        };
        return impl::text(call, raw.thrown());
    }

    Result<Chat> chat(AskOptions options = {}) const { return Chat::start(handle_.get(), std::move(options)); }
    Result<Chat> resume(const std::string &saved, AskOptions options = {}) const {
        return Chat::resume(handle_.get(), saved, std::move(options));
    }

    /// Re-reads the cited file and says whether the quote still stands.
    Result<rag_citation_status> verify(const Answer &answer, std::size_t index) const {
        rag_citation_status status = RAG_CITATION_MISSING;
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_kb_verify(handle_.get(), answer.handle(), index, &status, error);
        });
        return impl::filled(done, status);
    }

    /// The passage with this number; throws RAG_NOT_FOUND if there is none.
    Result<Passage> passage(std::int64_t passage_id) const {
        return impl::out(impl::make<rag_passage>([&](rag_passage **out, rag_error **error) {
            return rag_kb_passage(handle_.get(), passage_id, out, error);
        }));
    }

    /// The documents that pass a filter, by name; all, and the files that were skipped, if it is empty.
    Result<std::vector<Document>> documents(const std::string &filter = {}) const {
        auto list = impl::make<rag_documents>([&](rag_documents **out, rag_error **error) {
            return rag_kb_documents(handle_.get(), impl::or_null(filter), out, error);
        });
        const auto document = [](const rag_document &one) {
            return Document{one.document_id, one.uri, one.kind, std::string(impl::or_empty(one.title)),
                            std::string(impl::or_empty(one.lang)), one.metadata_json,
                            std::string(impl::or_empty(one.skipped)), one.size_bytes, one.mtime_ns,
                            one.text_bytes, one.passage_count,
                            std::string(impl::or_empty(one.unread))};
        };
        return impl::out(impl::map(std::move(list), [&](const impl::Handle<rag_documents> &all) {
            return impl::collected(all, rag_documents_at, document);
        }));
    }
    /// The tables of the documents that pass a filter, of all if it is empty, without rows: {"tables": [...]}.
    Result<std::string> tables(const std::string &filter = {}) const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_kb_tables(handle_.get(), impl::or_null(filter), json, error);
        });
    }
    /// The table with this id, rows and all.
    Result<std::string> table(const std::string &id) const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_kb_table(handle_.get(), id.c_str(), json, error);
        });
    }
    /// The passages in two dimensions, near ones saying like things, with questions among them: as JSON.
    Result<std::string> map(const std::string &filter = {}, const std::vector<std::string> &questions = {}) const {
        const auto texts = impl::pointers(questions);
        return impl::text([&](char **json, rag_error **error) {
            return rag_kb_map(handle_.get(), impl::or_null(filter), texts.data(), texts.size(), json, error);
        });
    }
    /// As map(), drawn as one HTML page.
    Result<std::string> map_html(const std::string &filter = {}, const std::vector<std::string> &questions = {}) const {
        const auto texts = impl::pointers(questions);
        return impl::text([&](char **html, rag_error **error) {
            return rag_kb_map_html(handle_.get(), impl::or_null(filter), texts.data(), texts.size(), html, error);
        });
    }
    /// The numbers of a document's passages, in their order, for passage().
    Result<std::vector<std::int64_t>> passages(const std::string &uri) const {
        return impl::out(impl::map(impl::make<rag_passage_ids>([&](rag_passage_ids **out, rag_error **error) {
                                       return rag_kb_passages(handle_.get(), uri.c_str(), out, error);
                                   }),
                                   impl::numbers));
    }
    /// Every place in its file that a passage came from, or a part of it in bytes of the document's text.
    Result<std::vector<Location>> locate(std::int64_t passage_id, std::size_t start = 0, std::size_t end = 0,
                                         std::size_t store = 0) const {
        auto list = impl::make<rag_locations>([&](rag_locations **out, rag_error **error) {
            return rag_kb_locate(handle_.get(), store, passage_id, start, end, out, error);
        });
        const auto location = [](const rag_location &one) {
            return Location{one.kind, one.page, one.start, one.end,
                            {one.bounds[0], one.bounds[1], one.bounds[2], one.bounds[3]},
                            std::string(impl::or_empty(one.unit)), one.number,
                            std::string(impl::or_empty(one.name)), one.text};
        };
        return impl::out(impl::map(std::move(list), [&](const impl::Handle<rag_locations> &all) {
            return impl::collected(all, rag_locations_at, location);
        }));
    }
    Result<Info> info() const {
        return impl::out(impl::make<rag_info>([&](rag_info **info, rag_error **error) {
            return rag_kb_info(handle_.get(), info, error);
        }));
    }

    /// Every damage in the file; empty if it is sound.
    Result<std::vector<Damage>> check() const {
        auto report = impl::make<rag_check_report>([&](rag_check_report **out, rag_error **error) {
            return rag_kb_check(handle_.get(), nullptr, out, error);
        });
        const auto damage = [](const rag_damage &one) { return Damage{one.part, one.message, one.repairable != 0}; };
        return impl::out(impl::map(std::move(report), [&](const impl::Handle<rag_check_report> &all) {
            return impl::collected(all, rag_check_report_at, damage);
        }));
    }

    Result<void> seal(rag_seal when = RAG_SEAL_IF_NEEDED) {
        return impl::out(
            impl::attempt([&](rag_error **error) { return rag_kb_seal(handle_.get(), when, nullptr, error); }));
    }
    /// Removes every document that passes the filter; how many there were.
    Result<std::size_t> remove_where(const std::string &filter) {
        std::size_t removed = 0;
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_kb_remove_where(handle_.get(), filter.c_str(), &removed, error);
        });
        return impl::filled(done, removed);
    }
    /// Writes a copy of the file, which must not exist yet.
    Result<void> backup(const std::string &to) const {
        return impl::out(impl::attempt(
            [&](rag_error **error) { return rag_kb_backup(handle_.get(), to.c_str(), nullptr, error); }));
    }
    /// Puts a copy of a backup in the place of a file, whose own data and log go. The backup is checked before.
    static Result<void> restore(const std::string &backup, const std::string &to,
                                const std::optional<Cancel> &cancel = {}) {
        return impl::out(impl::attempt([&](rag_error **error) {
            return rag_kb_restore(backup.c_str(), to.c_str(), impl::flag(cancel), error);
        }));
    }
    /// What was found as the file was opened and its user should know, as a JSON list of sentences.
    Result<std::string> notices() const {
        return impl::text([&](char **json, rag_error **error) {
            return rag_kb_notices(handle_.get(), json, error);
        });
    }
    /// Makes a new file of what is intact in a damaged one, which is only read. `encoder` is for a file that no longer
    /// says which one it was built with.
    static Result<Repair> repair(const std::string &from, const std::string &to, const std::string &encoder = "",
                                 const std::optional<Cancel> &cancel = {}) {
        Repair report;
        const auto done = impl::attempt([&](rag_error **error) {
            return rag_kb_repair(from.c_str(), to.c_str(), impl::or_null(encoder), &report.kept_count,
                                 &report.lost_count, impl::flag(cancel), error);
        });
        return impl::filled(done, report);
    }
    /// Takes all that was ever removed out of the file, its indexes and its log.
    Result<void> purge(const std::optional<Cancel> &cancel = {}) {
        return impl::out(
            impl::attempt([&](rag_error **error) { return rag_kb_purge(handle_.get(), impl::flag(cancel), error); }));
    }
    Result<void> vacuum() {
        return impl::out(impl::attempt([&](rag_error **error) { return rag_kb_vacuum(handle_.get(), error); }));
    }

    rag_kb *handle() const { return handle_.get(); }

private:
    Result<Answer> summarize(const char *question, const char *document, std::size_t max_sentences,
                     const AskOptions &options) const {
        impl::RawAskOptions raw(options);
        const auto call = [&](rag_answer **out, rag_error **error) {
            return rag_kb_summarize(handle_.get(), question, document, max_sentences, raw.get(), out, error);
        };
        return impl::own<Answer, rag_answer>(call, raw.thrown());
    }

    impl::Handle<rag_kb> handle_;
};

/// What was generated.
class Generation {
public:
    /// Takes over a handle of rag.h.
    explicit Generation(rag_generation *handle) : handle_(handle) {}
    std::string_view text() const {
        std::size_t size = 0;
        const char *text = rag_generation_text(handle_.get(), &size);
        return std::string_view(text ? text : "", size);
    }
    std::vector<std::uint32_t> token_ids() const {
        std::size_t count = 0;
        const std::uint32_t *ids = rag_generation_token_ids(handle_.get(), &count);
        return std::vector<std::uint32_t>(ids, ids + count);
    }
    /// Log-probabilities of token_ids(), if the options asked for them; lent until the generation is gone.
    std::vector<const rag_token_logprob *> logprobs() const {
        std::vector<const rag_token_logprob *> all;
        while (const rag_token_logprob *one = rag_generation_logprob_at(handle_.get(), all.size())) all.push_back(one);
        return all;
    }
    rag_stop_reason stop_reason() const { return rag_generation_stop_reason(handle_.get()); }
    std::size_t prompt_token_count() const { return rag_generation_prompt_token_count(handle_.get()); }
    double first_token_ms() const { return rag_generation_first_token_ms(handle_.get()); }

private:
    impl::Handle<rag_generation> handle_;
};

/// A generator without a knowledge base.
class Generator {
public:
    /// Loads the generator `name`.
    static Result<Generator> open(const std::string &name, const GeneratorOptions &options = {}) {
        const impl::RawGeneratorOptions raw(options);
        return impl::own<Generator, rag_generator>([&](rag_generator **out, rag_error **error) {
            return rag_generator_open_with(name.c_str(), raw.get(), out, error);
        });
    }
#ifndef RAG_EXPECTED
    /// As open.
    explicit Generator(const std::string &name, const GeneratorOptions &options = {})
        : Generator(open(name, options)) {}
#endif
    /// Takes over a handle of rag.h.
    explicit Generator(rag_generator *handle) : handle_(handle) {}
    std::size_t context_len() const { return rag_generator_context_len(handle_.get()); }
    /// Bytes that the keys and values of a token take.
    std::size_t kv_bytes_per_token() const { return rag_generator_kv_bytes_per_token(handle_.get()); }
    /// What writes conversations down: "model", or the name of a built-in template.
    std::string template_name() const { return rag_generator_template(handle_.get()); }
    /// Continues a prompt; no text in it can become a control token.
    Result<Generation> generate(std::string_view prompt, const GenerateOptions &options = {}) const {
        impl::Thrown thrown;
        const impl::RawGenerateOptions raw(options, thrown);
        const auto call = [&](rag_generation **out, rag_error **error) {
            return rag_generator_generate(handle_.get(), prompt.data() ? prompt.data() : "", prompt.size(), raw.get(),
                                          out, error);
        };
        return impl::own<Generation, rag_generation>(call, &thrown);
    }

private:
    impl::Handle<rag_generator> handle_;
};

} // namespace expecting or throwing
} // namespace rag

#endif // RAG_HPP
