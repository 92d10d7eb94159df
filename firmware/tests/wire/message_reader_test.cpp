// Tests of the readers of results, control messages, commands, live values and workers' states.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "core/wire/command_reader.h"
#include "core/wire/control_reader.h"
#include "core/wire/live_reader.h"
#include "core/wire/result_reader.h"
#include "core/wire/worker_reader.h"
#include "tests/test_vector.h"

using namespace stetho;
using stetho::test::bytes_of;

namespace {

constexpr std::uint64_t kId = 0x9f0c1122aabbccdd;

std::optional<Result> result_of(std::string_view json) { return read_result(bytes_of(json)); }
std::optional<Control> control_of(std::string_view json) { return read_control(bytes_of(json)); }
std::optional<Command> command_of(std::string_view json) { return read_command(bytes_of(json)); }
std::optional<Live> live_of(std::string_view json) { return read_live(bytes_of(json)); }

// Payloads that every reader refuses.
constexpr const char* kGarbage[] = {"",
                                    "null",
                                    "[]",
                                    "{}",
                                    "\xFF\xFE\x00",
                                    "{\"recording_id\":\"9f0c1122aabbccdd\"",
                                    "{\"recording_id\":1,\"status\":2,\"type\":3,\"command\":4}",
                                    "STH1"};

// Returns a compact result of the shared vectors without its escapes: it is JSON in a JSON string.
std::vector<std::vector<std::uint8_t>> compact_results() {
    const auto file = test::read_vectors("results.json");
    std::vector<std::vector<std::uint8_t>> found;
    JsonReader reader(file);
    reader.next();
    test::read_array(reader, [&](JsonReader& item) {
        test::read_members(item, [&](std::string_view key, JsonReader& value) {
            if (key != "compact") return;
            std::array<char, 300> text;
            const auto end = text.begin() + static_cast<std::ptrdiff_t>(value.copy_string(text));
            found.emplace_back(text.begin(), end);
        });
    });
    return found;
}

}  // namespace

TEST_CASE("the compact results of the shared vectors are read") {
    const auto results = compact_results();
    REQUIRE(results.size() == 9);
    const Result sure = read_result(results[0]).value();
    CHECK(sure.recording_id == kId);
    CHECK(sure.status == ResultStatus::kOk);
    CHECK(sure.bpm == 72);
    CHECK(sure.model.view() == "heart5");
    CHECK(sure.label.view() == "normal");
    CHECK(sure.confidence_permille == 985);
    CHECK(sure.accepted);
    CHECK(sure.reason.empty());
    CHECK(sure.severity == Severity::kNone);
    CHECK(sure.text.view() == "Normal");
    CHECK(sure.note.empty());
    const Result clipped = read_result(results[3]).value();
    CHECK(clipped.status == ResultStatus::kInconclusive);
    CHECK_FALSE(clipped.bpm);
    CHECK_FALSE(clipped.accepted);
    CHECK(clipped.reason.view() == "clipped");
    const Result failed = read_result(results[6]).value();
    CHECK(failed.status == ResultStatus::kError);
    CHECK(failed.model.empty());
    CHECK(failed.reason.view() == "failed");
    const Result contradicted = read_result(results[7]).value();
    CHECK(contradicted.label.view() == "abnormal");
    CHECK(contradicted.accepted);
    const Result unanswered = read_result(results[8]).value();
    CHECK(unanswered.status == ResultStatus::kOk);
    CHECK_FALSE(unanswered.accepted);
    const std::string quiet = R"({"v":1,"recording_id":"9f0c1122aabbccdd","status":"inconclusive","reason":"too_quiet")";
    CHECK(result_of(quiet + R"(,"hears":"sound"})")->is_other_sound);
    CHECK_FALSE(result_of(quiet + R"(,"hears":"heart"})")->is_other_sound);
    CHECK_FALSE(result_of(quiet + R"(,"hears":7})")->is_other_sound);
    CHECK_FALSE(result_of(quiet + "}")->is_other_sound);
    for (const auto& result : results) {
        CHECK(read_result(result));
        for (std::size_t size = 0; size < result.size(); ++size)
            CHECK_FALSE(read_result(std::span(result).first(size)));
    }
}

TEST_CASE("garbage is no message of any kind") {
    for (const char* garbage : kGarbage) {
        CAPTURE(garbage);
        CHECK_FALSE(result_of(garbage));
        CHECK_FALSE(control_of(garbage));
        CHECK_FALSE(command_of(garbage));
        CHECK_FALSE(live_of(garbage));
        CHECK(read_worker_state(bytes_of(garbage)) == WorkerState::kUnknown);
    }
}

TEST_CASE("a result of another version, of no recording or of an unknown status is none") {
    CHECK(result_of(R"({"v":1,"recording_id":"9f0c1122aabbccdd","status":"ok"})"));
    CHECK_FALSE(result_of(R"({"v":2,"recording_id":"9f0c1122aabbccdd","status":"ok"})"));
    CHECK_FALSE(result_of(R"({"v":1,"recording_id":"9F0C1122AABBCCDD","status":"ok"})"));
    CHECK_FALSE(result_of(R"({"v":1,"recording_id":"9f0c1122aabbccdd","status":"splendid"})"));
    CHECK_FALSE(result_of(R"({"v":1,"status":"ok"})"));
}

TEST_CASE("a result too long for the screen is cut; numbers out of range are as if not there") {
    const Result result =
        result_of(R"({"recording_id":"9f0c1122aabbccdd","status":"ok","bpm":1e9,"confidence":7,
        "model":"a model with a name that is longer than any name","label":"\u2764 caf\u00e9","accepted":"yes"})")
            .value();
    CHECK(result.model.view() == "a model with a name that is long");
    CHECK(result.label.view() == "? caf?");
    CHECK_FALSE(result.bpm);
    CHECK(result.confidence_permille == 0);
    CHECK_FALSE(result.accepted);
    CHECK(result_of(R"({"recording_id":"9f0c1122aabbccdd","status":"ok","bpm":71.5})")->bpm == 72);
    CHECK_FALSE(result_of(R"({"recording_id":"9f0c1122aabbccdd","status":"ok","bpm":0})")->bpm);
    CHECK_FALSE(result_of(R"({"recording_id":"9f0c1122aabbccdd","status":"ok","bpm":-72})")->bpm);
}

TEST_CASE("a5: missing audio is asked for by ranges") {
    const Control control = control_of(R"({"type":"missing","recording_id":"9f0c1122aabbccdd",
        "ranges":[[8192,16384],[32768,null]],"meta":true})")
                                .value();
    CHECK(control.type == ControlType::kMissing);
    CHECK(control.recording_id == kId);
    REQUIRE(control.requested_ranges().size() == 2);
    CHECK(control.requested_ranges()[0] == SampleRange{8192, 16384});
    CHECK(control.requested_ranges()[1] == SampleRange{32768, SampleRange::kToEnd});
    CHECK(control.meta);
}

TEST_CASE("malformed ranges are left out, the good ones beside them are not") {
    const Control control =
        control_of(R"({"recording_id":"9f0c1122aabbccdd","ranges":[1,[],[1],[1,2,3],[-1,2],
        [1.5,2],["1",2],[null,2],[7,7],[9,8],[[1,2],3],[{"a":1},3],[1,4294967295],[4294967296,null],{},"x",[5,6]],
        "type":"missing"})")
            .value();
    REQUIRE(control.requested_ranges().size() == 1);
    CHECK(control.requested_ranges()[0] == SampleRange{5, 6});
    CHECK_FALSE(control.meta);
    CHECK(control_of(R"({"type":"missing","recording_id":"9f0c1122aabbccdd","ranges":7})")
              ->requested_ranges()
              .empty());
    CHECK_FALSE(control_of(R"({"type":"missing","recording_id":"9f0c1122aabbccdd","ranges":[[1,2],[3)"));
}

TEST_CASE("of more ranges than are allowed the first 32 are taken") {
    FixedString<700> json(R"({"type":"missing","recording_id":"9f0c1122aabbccdd","ranges":[[0,1])");
    for (int start = 2; start < 80; start += 2) {
        json.append(",[").append_number(start).append(",").append_number(start + 1).append("]");
    }
    json.append("]}");
    REQUIRE_FALSE(json.is_cut());
    const Control control = control_of(json).value();
    CHECK(control.requested_ranges().size() == 32);
    CHECK(control.requested_ranges()[31] == SampleRange{62, 63});
}

TEST_CASE("stored and rejected are read, others are ignored") {
    CHECK(control_of(R"({"type":"stored","recording_id":"9f0c1122aabbccdd","completeness":"complete"})")
              ->complete);
    CHECK_FALSE(control_of(R"({"type":"stored","recording_id":"9f0c1122aabbccdd","completeness":"partial"})")
                    ->complete);
    CHECK_FALSE(control_of(R"({"type":"stored","recording_id":null})"));
    const Control rejected =
        control_of(R"({"type":"rejected","recording_id":null,"reason":"crc","detail":"bad"})").value();
    CHECK(rejected.type == ControlType::kRejected);
    CHECK_FALSE(rejected.recording_id);
    CHECK(rejected.reason.view() == "crc");
    CHECK(rejected.detail.view() == "bad");
    CHECK_FALSE(control_of(R"({"type":"celebrate","recording_id":"9f0c1122aabbccdd"})"));
}

TEST_CASE("commands of operators are read with what they ask for") {
    const Command record =
        command_of(R"({"id":"r-1","command":"record","args":{"x":[1],"seconds":2.5,"y":{}}})").value();
    CHECK(record.type == CommandType::kRecord);
    CHECK(record.id.view() == "r-1");
    CHECK(record.length_ms == 2'500);
    CHECK_FALSE(record.stream);
    CHECK(command_of(R"({"command":"record","args":{"stream":true}})")->stream);
    CHECK(command_of(R"({"command":"stop"})")->type == CommandType::kStop);
    CHECK(command_of(R"({"command":"restart","args":null})")->type == CommandType::kRestart);
    CHECK(command_of(R"({"command":"identify","id":7,"args":[1,2]})")->type == CommandType::kIdentify);
    CHECK_FALSE(command_of(R"({"command":"explode"})"));
    CHECK(command_of(R"({"id":"a","command":"explode"})")->type == CommandType::kUnknown);
    CHECK(command_of(R"({"id":"a","command":"update"})")->type == CommandType::kUnknown);
    CHECK_FALSE(command_of(R"({"id":"a","command":"explode")"));
    CHECK_FALSE(command_of(R"({"command":"record","args":{"seconds":})"));
    CHECK(command_of(R"({"command":"stop","expires":4102444800})")->expires_s == 4'102'444'800);
    CHECK_FALSE(command_of(R"({"command":"stop","expires":"soon"})")->expires_s);
    for (const char* length : {"0", "0.05", "-4", "3601", "1e300", "\"4\"", "null"}) {
        FixedString<80> json(R"({"command":"record","args":{"seconds":)");
        json.append(length).append("}}");
        CHECK_FALSE(command_of(json)->length_ms);
    }
}

TEST_CASE("an update is a command only with a whole https address") {
    const auto of = [](std::string_view url) {
        FixedString<300> json(R"({"command":"update","args":{"url":")");
        json.append(url).append("\"}}");
        return command_of(json);
    };
    CHECK(of("https://example.org/stetho.bin")->url.view() == "https://example.org/stetho.bin");
    CHECK_FALSE(of("http://example.org/stetho.bin"));
    CHECK_FALSE(of(""));
    FixedString<200> longest("https://example.org/");
    while (longest.size() < 160) longest.append('x');
    CHECK_FALSE(of(longest));
    CHECK_FALSE(command_of(R"({"command":"update"})"));
}

TEST_CASE("live values are read; each may be null or absent") {
    const Live live = live_of(R"({"v":1,"recording_id":"9f0c1122aabbccdd","t_s":12.5,"bpm":72,"quality":0.93,
        "hint":"HR 72 good","model":"heart5","label":"normal","confidence":0.91})")
                          .value();
    CHECK(live.recording_id == kId);
    CHECK(live.time_ms == 12'500);
    CHECK(live.bpm == 72);
    CHECK(live.quality_permille == 930);
    CHECK(live.hint.view() == "HR 72 good");
    CHECK(live.label.view() == "normal");
    CHECK(live.confidence_permille == 910);
    const Live bare = live_of(R"({"recording_id":"9f0c1122aabbccdd","t_s":-3,"bpm":null,"quality":null,
        "hint":"a hint of more than one line","model":null,"confidence":2})")
                          .value();
    CHECK(bare.time_ms == 0);
    CHECK_FALSE(bare.bpm);
    CHECK_FALSE(bare.quality_permille);
    CHECK(bare.hint.view() == "a hint of more than o");
    CHECK(bare.model.empty());
    CHECK_FALSE(bare.confidence_permille);
    CHECK_FALSE(live_of(R"({"v":1,"t_s":1})"));
    CHECK_FALSE(live_of(R"({"v":3,"recording_id":"9f0c1122aabbccdd"})"));
}

TEST_CASE("the state of a worker is one of three words or unknown") {
    CHECK(read_worker_state(bytes_of(R"({"state":"ready","models":["heart5"]})")) == WorkerState::kReady);
    CHECK(read_worker_state(bytes_of(R"({"reason":"disk","state":"degraded"})")) == WorkerState::kDegraded);
    CHECK(read_worker_state(bytes_of(R"({"state":"offline"})")) == WorkerState::kOffline);
    CHECK(read_worker_state(bytes_of(R"({"state":"ready)")) == WorkerState::kUnknown);
    CHECK(read_worker_state(bytes_of(R"({"state":"ready","models":)")) == WorkerState::kUnknown);
}

TEST_CASE("an analyser is there as long as some worker is ready") {
    ReadyWorkers analysers;
    CHECK_FALSE(analysers.any_ready());
    analysers.update("stetho/v1/worker/a", WorkerState::kReady);
    analysers.update("stetho/v1/worker/a", WorkerState::kReady);
    analysers.update("stetho/v1/worker/b", WorkerState::kReady);
    analysers.update("stetho/v1/worker/a", WorkerState::kOffline);
    CHECK(analysers.any_ready());
    analysers.update("stetho/v1/worker/c", WorkerState::kOffline);
    CHECK(analysers.any_ready());
    analysers.update("stetho/v1/worker/b", WorkerState::kDegraded);
    CHECK_FALSE(analysers.any_ready());
    analysers.update("stetho/v1/worker/b", WorkerState::kReady);
    analysers.clear();
    CHECK_FALSE(analysers.any_ready());
}

TEST_CASE("more workers than can be told apart do no harm") {
    ReadyWorkers analysers;
    std::array<char, 1> name{};
    for (name[0] = 'a'; name[0] <= 'z'; ++name[0]) analysers.update({name.data(), 1}, WorkerState::kReady);
    for (name[0] = 'a'; name[0] <= 'z'; ++name[0]) analysers.update({name.data(), 1}, WorkerState::kOffline);
    CHECK_FALSE(analysers.any_ready());
}
