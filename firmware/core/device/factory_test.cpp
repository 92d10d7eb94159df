#include "core/device/factory_test.h"

#include <algorithm>
#include <span>

#include "core/wire/json_writer.h"

namespace stetho {
namespace {

constexpr std::array<std::string_view, kTestItems> kNames{"board",   "microphone", "display", "button",
                                                          "network", "flash",      "psram",   "battery"};

// Takes the next word off the front of `words`.
std::string_view take_word(std::string_view& words) {
    words.remove_prefix(std::min(words.size(), words.find_first_not_of(' ')));
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(word.size());
    return word;
}

}  // namespace

std::string_view to_string(TestItem item) { return kNames[static_cast<std::size_t>(item)]; }

bool FactoryTest::begin(std::string_view words, std::uint64_t now_ms) {
    only_.reset();
    is_json_ = false;
    for (std::string_view word = take_word(words); !word.empty(); word = take_word(words)) {
        const auto known = std::find(kNames.begin(), kNames.end(), word);
        if (word == "--json") {
            is_json_ = true;
        } else if (known != kNames.end()) {
            only_ = static_cast<TestItem>(known - kNames.begin());
        } else {
            print("test [ITEM] [--json]; items:");
            for (const std::string_view name : kNames) {
                print(" ");
                print(name);
            }
            print("\n");
            return false;
        }
    }
    outcomes_ = {};
    next(0, now_ms);
    return true;
}

std::optional<TestItem> FactoryTest::item() const {
    if (item_ >= kTestItems) return std::nullopt;
    return static_cast<TestItem>(item_);
}

void FactoryTest::finish_item(TestVerdict verdict, std::string_view detail, std::uint64_t now_ms) {
    if (item_ >= kTestItems) return;
    Outcome& outcome = outcomes_[item_];
    outcome.is_checked = true;
    outcome.verdict = verdict;
    outcome.detail = detail;
    if (!is_json_) write_line(static_cast<TestItem>(item_), outcome);
    next(item_ + 1, now_ms);
    if (item_ < kTestItems) return;
    if (is_json_)
        write_json();
    else
        print(has_passed() ? "PASS\n" : "FAIL\n");
}

bool FactoryTest::has_passed() const { return !first_failed(); }

std::optional<TestItem> FactoryTest::first_failed() const {
    for (std::size_t index = 0; index < kTestItems; ++index) {
        if (outcomes_[index].is_checked && outcomes_[index].verdict == TestVerdict::kFail)
            return static_cast<TestItem>(index);
    }
    return std::nullopt;
}

void FactoryTest::refuse(std::string_view why) {
    print(why);
    print("\n");
}

void FactoryTest::print(std::string_view text) {
    const std::size_t count = std::min(text.size(), output_.size() - output_size_);
    std::copy_n(text.begin(), count, output_.begin() + static_cast<std::ptrdiff_t>(output_size_));
    output_size_ += count;
}

void FactoryTest::next(std::size_t from, std::uint64_t now_ms) {
    since_ms_ = now_ms;
    item_ = from;
    if (!only_) return;
    const auto wanted = static_cast<std::size_t>(*only_);
    item_ = from <= wanted ? wanted : kTestItems;
}

void FactoryTest::write_line(TestItem item, const Outcome& outcome) {
    constexpr std::string_view kWords[] = {" ok", " FAIL", " none"};
    print(to_string(item));
    print(kWords[static_cast<std::size_t>(outcome.verdict)]);
    if (!outcome.detail.empty()) print(" ");
    print(outcome.detail);
    print("\n");
}

// Writes {"pass":false,"items":[{"item":"display","verdict":"fail","detail":"…"},…]}.
void FactoryTest::write_json() {
    constexpr std::string_view kWords[] = {"ok", "fail", "none"};
    const auto free = std::span(output_).subspan(output_size_);
    JsonWriter json({reinterpret_cast<std::uint8_t*>(free.data()), free.size()});
    json.begin_object().key("pass").boolean(has_passed()).key("items").begin_array();
    for (std::size_t index = 0; index < kTestItems; ++index) {
        const Outcome& outcome = outcomes_[index];
        if (!outcome.is_checked) continue;
        json.begin_object().key("item").string(kNames[index]);
        json.key("verdict").string(kWords[static_cast<std::size_t>(outcome.verdict)]);
        json.key("detail").string(outcome.detail).end_object();
    }
    json.end_array().end_object();
    output_size_ += json.size();
    print("\n");
}

}  // namespace stetho
