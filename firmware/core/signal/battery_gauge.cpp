#include "core/signal/battery_gauge.h"

#include <array>

namespace stetho {
namespace {

constexpr std::uint32_t kLeastMillivolts = 2'500;  // of a LiPo cell: its protection opens
constexpr std::uint32_t kMostMillivolts = 4'500;   // while it is charged
constexpr std::uint32_t kWeight = 8;               // of the mean: one measurement counts an eighth

// Limits; the second of each ends the state, so that it does not come and go.
constexpr std::uint8_t kLowPercent = 15;
constexpr std::uint8_t kNoLongerLowPercent = 20;
constexpr std::uint32_t kEmptyMillivolts = 3'300;  // a regulator of 3.3 V has nothing left
constexpr std::uint32_t kNoLongerEmptyMillivolts = 3'500;

struct Point {
    std::uint16_t millivolts;
    std::uint8_t percent;
};

// Open-circuit voltage over charge of a single cell (LiCoO2, 4.2 V), discharged slowly, as the charts of
// makers of cells agree on; between two points it is a line.
constexpr std::array<Point, 11> kCurve{{{3'270, 0},
                                        {3'610, 5},
                                        {3'690, 10},
                                        {3'730, 20},
                                        {3'770, 30},
                                        {3'800, 40},
                                        {3'840, 50},
                                        {3'870, 60},
                                        {3'950, 70},
                                        {4'020, 80},
                                        {4'200, 100}}};

}  // namespace

std::uint8_t lipo_percent(std::uint32_t millivolts) {
    if (millivolts <= kCurve.front().millivolts) return 0;
    for (std::size_t index = 1; index < kCurve.size(); ++index) {
        const Point& below = kCurve[index - 1];
        const Point& above = kCurve[index];
        if (millivolts > above.millivolts) continue;
        const std::uint32_t part = millivolts - below.millivolts;
        const auto rise = static_cast<std::uint32_t>(above.percent - below.percent);
        const auto width = static_cast<std::uint32_t>(above.millivolts - below.millivolts);
        return static_cast<std::uint8_t>(below.percent + (part * rise + width / 2) / width);
    }
    return 100;
}

void BatteryGauge::update(const std::optional<hal::BatteryReading>& reading) {
    if (!reading || reading->millivolts < kLeastMillivolts || reading->millivolts > kMostMillivolts) {
        *this = BatteryGauge();
        return;
    }
    mean_mv_ = mean_mv_ == 0 ? reading->millivolts
                             : (mean_mv_ * (kWeight - 1) + reading->millivolts + kWeight / 2) / kWeight;
    charging_ = reading->charging;
    state_ = next_state();
}

std::optional<BatteryLevel> BatteryGauge::level() const {
    if (mean_mv_ == 0) return std::nullopt;
    return BatteryLevel{lipo_percent(mean_mv_), static_cast<std::uint16_t>(mean_mv_), charging_};
}

BatteryState BatteryGauge::next_state() const {
    if (charging_ == hal::Charging::kYes) return BatteryState::kOk;
    const bool was_empty = state_ == BatteryState::kEmpty;
    if (mean_mv_ < (was_empty ? kNoLongerEmptyMillivolts : kEmptyMillivolts)) return BatteryState::kEmpty;
    const std::uint8_t percent = lipo_percent(mean_mv_);
    const bool was_low = state_ != BatteryState::kOk;
    return percent < (was_low ? kNoLongerLowPercent : kLowPercent) ? BatteryState::kLow : BatteryState::kOk;
}

}  // namespace stetho
