// Factory test: checks the parts of a board one after the other, for those who build several of them. It is
// started by a line on the serial console, and prints one line for each part:
//
//   test [ITEM] [--json]
//   microphone ok level 312, floor 4
//   display FAIL does not answer: check SDA, SCL
//   battery none
//   FAIL
//
// The last line is PASS where no part failed. With --json there is one line instead, an object. This is the
// book-keeping; `Device` does the checks (device_factory_test.cpp). One task.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho {

enum class TestItem : std::uint8_t {
    kBoard,
    kMicrophone,
    kDisplay,
    kButton,
    kNetwork,
    kFlash,
    kPsram,
    kBattery,
};
inline constexpr std::size_t kTestItems = 8;

std::string_view to_string(TestItem item);

enum class TestVerdict : std::uint8_t {
    kOk,
    kFail,
    kNone,  // the board has no such part: no failure
};

class FactoryTest {
  public:
    using Detail = FixedString<72>;

    // Starts the test that `words` ask for, those after "test". False: they ask for none; the output says
    // what there is.
    bool begin(std::string_view words, std::uint64_t now_ms);

    // Returns the part that is checked now; nothing: no test is running.
    std::optional<TestItem> item() const;

    // Returns when the check of the part began.
    std::uint64_t since_ms() const { return since_ms_; }

    // Ends the check of the part, and begins that of the next one.
    void finish_item(TestVerdict verdict, std::string_view detail, std::uint64_t now_ms);

    // Returns whether all parts that were checked last passed.
    bool has_passed() const;

    // Returns the first part of the last test that failed; nothing: none.
    std::optional<TestItem> first_failed() const;

    // Adds a line to the output, in place of a test.
    void refuse(std::string_view why);

    // Returns what is to be printed: whole lines, each with its end. It is cleared by `printed`.
    std::string_view output() const { return {output_.data(), output_size_}; }
    void printed() { output_size_ = 0; }

  private:
    struct Outcome {
        bool is_checked = false;
        TestVerdict verdict = TestVerdict::kNone;
        Detail detail;
    };

    void print(std::string_view text);
    void next(std::size_t from, std::uint64_t now_ms);
    void write_line(TestItem item, const Outcome& outcome);
    void write_json();

    std::array<Outcome, kTestItems> outcomes_{};
    std::size_t item_ = kTestItems;  // kTestItems: none
    std::optional<TestItem> only_;   // nothing: all of them
    bool is_json_ = false;
    std::uint64_t since_ms_ = 0;
    std::array<char, 1'280> output_{};
    std::size_t output_size_ = 0;
};

}  // namespace stetho
