#include "core/device/start_guard.h"

#include <doctest/doctest.h>

#include "tests/fake_storage.h"

using namespace stetho;
using namespace stetho::test;

namespace {

StartGuard started(FakeStorage& storage, std::string_view reason) {
    StartGuard guard(storage);
    guard.begin(reason);
    return guard;
}

}  // namespace

TEST_CASE("three starts in a row that ended in a crash, of whatever kind, make the next one safe") {
    FakeStorage storage;
    CHECK_FALSE(started(storage, "power-on").is_safe_mode());
    CHECK_FALSE(started(storage, "panic").is_safe_mode());
    CHECK_FALSE(started(storage, "watchdog").is_safe_mode());
    const StartGuard guard = started(storage, "brownout");
    CHECK(guard.is_safe_mode());
    CHECK(guard.failed() == 3);
    CHECK_FALSE(guard.is_broker_left_out());
    CHECK(started(storage, "panic").is_broker_left_out());
    for (int start = 0; start < 20; ++start) started(storage, "panic");
    CHECK(started(storage, "panic").is_safe_mode());
    CHECK_FALSE(started(storage, "software").is_safe_mode());
}

TEST_CASE("a device that works, and one that is switched off and on, is never in safe mode, and writes nothing") {
    FakeStorage storage;
    for (int start = 0; start < 10; ++start) CHECK_FALSE(started(storage, "power-on").is_safe_mode());
    CHECK(storage.values.empty());
    for (int start = 0; start < 10; ++start) {
        StartGuard guard = started(storage, "watchdog");
        CHECK_FALSE(guard.is_safe_mode());
        guard.tick(StartGuard::kUpMs / 2, StartGuard::kOnlineMs);  // then it works
    }
    for (int start = 0; start < 10; ++start) {
        StartGuard guard = started(storage, "watchdog");
        CHECK_FALSE(guard.is_safe_mode());
        guard.tick(StartGuard::kUpMs, 0);  // out of reach of the broker
    }
}

TEST_CASE("a count that is no count, or cannot be stored, keeps no device from starting") {
    FakeStorage storage;
    storage.values["failed_starts"] = "x";
    CHECK_FALSE(started(storage, "panic").is_safe_mode());
    storage.is_worn_out = true;
    for (int start = 0; start < 10; ++start) CHECK_FALSE(started(storage, "panic").is_safe_mode());
}
