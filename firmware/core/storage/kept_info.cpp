#include "core/storage/kept_info.h"

#include <algorithm>
#include <limits>

#include "core/storage/byte_order.h"

namespace stetho {
namespace {

constexpr std::uint8_t kStream = 1;
constexpr unsigned kBatteryShift = 1;  // above it the level of the battery, from 1 on; 0: none, as before it was kept
constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

enum At : std::size_t {
    kId = 0,
    kStarted = 8,
    kCaptured = 16,
    kRate = 24,
    kBoot = 28,
    kFlags = 32,
    kAmplification = 33,
    kSiteSize = 34,
    kModelsSize = 35,
    kSite = 36,
    kModels = 52,
};
static_assert(kModels + decltype(RecordingInfo::models)::capacity() == kInfoBytes);

template <std::size_t N>
void put_text(const FixedString<N>& text, WritableBytes out, std::size_t size_at, std::size_t at) {
    out[size_at] = static_cast<std::uint8_t>(text.size());
    std::copy_n(text.view().begin(), text.size(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

std::string_view get_text(Bytes bytes, std::size_t size_at, std::size_t at, std::size_t capacity) {
    const std::size_t size = std::min<std::size_t>(bytes[size_at], capacity);
    return {reinterpret_cast<const char*>(bytes.data() + at), size};
}

}  // namespace

void write_kept_info(const RecordingInfo& info, WritableBytes out) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    put(out, kId, info.recording_id);
    put(out, kStarted, info.started_ms);
    put(out, kCaptured, info.captured_unix_ms.value_or(kNoTime));
    put(out, kRate, info.sample_rate_hz);
    put(out, kBoot, info.boot);
    const unsigned battery = info.battery_percent ? *info.battery_percent + 1U : 0U;
    out[kFlags] = static_cast<std::uint8_t>((info.is_stream ? kStream : 0U) | battery << kBatteryShift);
    out[kAmplification] = info.amplification;
    put_text(info.site, out, kSiteSize, kSite);
    put_text(info.models, out, kModelsSize, kModels);
}

RecordingInfo read_kept_info(Bytes bytes) {
    RecordingInfo info;
    info.recording_id = get<std::uint64_t>(bytes, kId);
    info.started_ms = get<std::uint64_t>(bytes, kStarted);
    const auto captured = get<std::int64_t>(bytes, kCaptured);
    if (captured != kNoTime) info.captured_unix_ms = captured;
    info.sample_rate_hz = get<std::uint32_t>(bytes, kRate);
    info.boot = get<std::uint32_t>(bytes, kBoot);
    info.is_stream = (bytes[kFlags] & kStream) != 0;
    const unsigned battery = bytes[kFlags] >> kBatteryShift;
    if (battery > 0) info.battery_percent = static_cast<std::uint8_t>(battery - 1);
    info.amplification = bytes[kAmplification];
    info.site = get_text(bytes, kSiteSize, kSite, info.site.capacity());
    info.models = get_text(bytes, kModelsSize, kModels, info.models.capacity());
    return info;
}

}  // namespace stetho
