#include "core/wire/line_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace stetho;

namespace {

// Feeds `text` and returns the lines that end in it; "!" for one that is too long.
std::vector<std::string> lines_of(LineReader& reader, std::string_view text) {
    std::vector<std::string> lines;
    for (const char letter : text) {
        const LineEvent event = reader.take(letter);
        if (event == LineEvent::kLine) lines.emplace_back(reader.line());
        if (event == LineEvent::kTooLong) lines.emplace_back("!");
    }
    return lines;
}

}  // namespace

TEST_CASE("CR, LF and both of them end a line, once") {
    std::array<char, 16> memory{};
    LineReader reader(memory);
    CHECK(lines_of(reader, "one\ntwo\rthree\r\n\r\n\nfour\n") ==
          std::vector<std::string>{"one", "two", "three", "", "", "four"});
    CHECK(lines_of(reader, "half") == std::vector<std::string>{});
    CHECK(reader.is_within_line());
    CHECK(lines_of(reader, " and half\r") == std::vector<std::string>{"half and half"});
    CHECK_FALSE(reader.is_within_line());
    CHECK(lines_of(reader, "\nnext\n") == std::vector<std::string>{"next"});
}

TEST_CASE("a line that is too long is dropped whole, and the next one is read") {
    std::array<char, 4> memory{};
    LineReader reader(memory);
    CHECK(lines_of(reader, "1234\n12345\n1\n") == std::vector<std::string>{"1234", "!", "1"});
    CHECK(lines_of(reader, "12345678") == std::vector<std::string>{});
    CHECK(reader.is_within_line());
    reader.clear();
    CHECK_FALSE(reader.is_within_line());
    CHECK(lines_of(reader, "ab\n") == std::vector<std::string>{"ab"});
}

TEST_CASE("the longest line comes whole, whatever the pieces") {
    static std::array<char, kMaxLineBytes> memory;
    LineReader reader(memory);
    std::string line = "set ca=";
    while (line.size() < kMaxLineBytes) line.push_back(static_cast<char>('!' + line.size() % 90));
    for (const std::size_t piece : {1U, 7U, 127U, 128U, 129U, 4'096U, 8'191U}) {
        std::vector<std::string> lines;
        const std::string text = line + "\r\n";
        for (std::size_t at = 0; at < text.size(); at += piece)
            for (std::string& each : lines_of(reader, std::string_view(text).substr(at, piece)))
                lines.push_back(std::move(each));
        CHECK(lines == std::vector<std::string>{line});
    }
    CHECK(lines_of(reader, line + "x\nok\n") == std::vector<std::string>{"!", "ok"});
}
