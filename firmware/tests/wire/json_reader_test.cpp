#include "core/wire/json_reader.h"

#include <doctest/doctest.h>

#include <array>

#include "tests/test_vector.h"

using namespace stetho;

namespace {

// Returns the tokens of `json` as one letter each: { } [ ] k s n t f 0, then . (complete) or ! (malformed).
FixedString<64> tokens_of(std::string_view json) {
    JsonReader reader(test::bytes_of(json));
    FixedString<64> tokens;
    while (true) {
        const JsonToken token = reader.next();
        tokens.append("{}[]ksntf0.!"[static_cast<std::size_t>(token)]);
        if (token == JsonToken::kEnd || token == JsonToken::kError) return tokens;
    }
}

bool is_whole(std::string_view json) { return tokens_of(json).view().ends_with('.'); }

std::optional<std::int32_t> thousandths_of(std::string_view json) {
    JsonReader reader(test::bytes_of(json));
    reader.next();
    return reader.thousandths();
}

std::optional<std::int64_t> integer_of(std::string_view json) {
    JsonReader reader(test::bytes_of(json));
    reader.next();
    return reader.integer();
}

FixedString<12> string_of(std::string_view json) {
    JsonReader reader(test::bytes_of(json));
    reader.next();
    FixedString<12> text;
    read_text(reader, text);
    return text;
}

}  // namespace

TEST_CASE("documents are read token by token") {
    CHECK(tokens_of("{}").view() == "{}.");
    CHECK(tokens_of("[]").view() == "[].");
    CHECK(tokens_of(" 1 ").view() == "n.");
    CHECK(tokens_of(R"({"a":1,"b":[true,false,null,"x",{}],"c":{"d":-1.5e+3}})").view() ==
          "{kn"
          "k[tf0s{}]"
          "k{kn}}.");
    CHECK(tokens_of("{ \"a\" :\t[ 1 , 2 ]\r\n}").view() == "{k[nn]}.");
}

TEST_CASE("what is malformed is refused") {
    for (const char* wrong :
         {"",         " ",        "{",         "}",       "[1",         "[1,]",        "[,1]",      "[1 2]",
          "{\"a\"}",  "{\"a\":}", "{\"a\",1}", "{1:2}",   "{\"a\":1,}", "[1}",         "{\"a\":1]", "1 2",
          "01",       "-",        "1.",        ".5",      "1e",         "+1",          "nul",       "tru",
          "True",     "NaN",      "'a'",       "\"a",     "\"\\x\"",    "\"\\u12g4\"", "\"\\u12",   "\"\\",
          "\"a\nb\"", "[1]]",     "{}{}",      "Infinity"}) {
        CAPTURE(wrong);
        CHECK_FALSE(is_whole(wrong));
    }
}

TEST_CASE("a document that is cut off anywhere is not whole") {
    const std::string_view whole = R"({"a":[1,{"b":"c\u0041"}],"d":null})";
    REQUIRE(is_whole(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(is_whole(whole.substr(0, size)));
}

TEST_CASE("sixteen levels are read, seventeen are refused") {
    const std::string_view opening = "[[[[[[[[[[[[[[[[[";
    const std::string_view closing = "]]]]]]]]]]]]]]]]]";
    for (const std::size_t depth : {16U, 17U}) {
        FixedString<64> json;
        json.append(opening.substr(0, depth)).append(closing.substr(0, depth));
        CHECK(is_whole(json) == (depth == 16));
    }
}

TEST_CASE("whole numbers of 64 bits are read as such") {
    CHECK(integer_of("0") == 0);
    CHECK(integer_of("-9223372036854775808") == INT64_MIN);
    for (const char* other : {"9223372036854775808", "1.0", "1e3", "\"1\"", "null"})
        CHECK_FALSE(integer_of(other));
}

TEST_CASE("decimal numbers are read as thousandths, rounded and cut") {
    CHECK(thousandths_of("0.985") == 985);
    CHECK(thousandths_of("-0.0005") == -1);
    CHECK(thousandths_of("0.00049999999999999999999999") == 0);
    CHECK(thousandths_of("72") == 72'000);
    CHECK(thousandths_of("71.5") == 71'500);
    CHECK(thousandths_of("9.3e-1") == 930);
    CHECK(thousandths_of("9.3E+1") == 93'000);
    CHECK(thousandths_of("123456789012345678901234567890e-29") == 1'235);
    CHECK(thousandths_of("1e999999999999") == INT32_MAX);
    CHECK(thousandths_of("-1e999999999999") == -INT32_MAX);
    CHECK(thousandths_of("1e-999999999999") == 0);
    CHECK(thousandths_of("0e999999999999") == 0);
    CHECK_FALSE(thousandths_of("true"));
}

TEST_CASE("strings are unescaped, cut, and reduced to what the font has") {
    CHECK(string_of(R"("HR 72 good")").view() == "HR 72 good");
    CHECK(string_of(R"("a\"b\\c\/d\u0041")").view() == "a\"b\\c/dA");
    CHECK(string_of(R"("a\nb\tc\u00e9d")").view() == "a b c?d");
    CHECK(string_of("\"\xC3\xA9|\xE2\x82\xAC|\xF0\x9F\x92\x93|\xFF\"").view() == "?|?|?|?");
    CHECK(string_of("\"\xF0\"").view() == "?");
    CHECK(string_of(R"("0123456789abcdef")").view() == "0123456789ab");
    CHECK(string_of("12").empty());
}

TEST_CASE("members that are not of use are passed over, whatever they hold") {
    int sum = 0;
    const auto json = test::bytes_of(R"({"x":[[1,{"a":2}],{}],"a":3,"y":{"a":4},"z":"a","a":5})");
    CHECK(read_object(json, [&](std::string_view key, JsonReader& value) {
        if (key == "a") sum += static_cast<int>(value.integer().value_or(0));
    }));
    CHECK(sum == 8);
}

TEST_CASE("only an object is an object, and only to its end") {
    const auto ignore = [](std::string_view, JsonReader&) {};
    CHECK(read_object(test::bytes_of(" {} "), ignore));
    for (const char* other : {"", "[]", "1", "{} 1", "{\"a\":1", "{\"a\":[1}", "{\"a\":1}}"}) {
        CHECK_FALSE(read_object(test::bytes_of(other), ignore));
    }
}
