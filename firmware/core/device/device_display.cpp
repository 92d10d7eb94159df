// Display of the device: which screen it shows, and when.
#include "core/device/device.h"
#include "core/display/canvas_renderer.h"
#include "core/display/result_screen.h"

namespace stetho {
namespace {

constexpr std::uint64_t kRefreshMs = 100;  // ten updates a second are enough
constexpr std::uint64_t kLiveMs = 3'000;   // a live value that is older is not shown
constexpr std::uint64_t kNoticeMs = 5'000;  // after the start

}  // namespace

void Device::update_display() {
    if (!is_stale_ && now_ms_ - shown_at_ms_ < kRefreshMs) return;
    is_stale_ = false;
    shown_at_ms_ = now_ms_;
    screen_ = current_screen();
    screen_.battery(battery_.level());
    if (is_test_shown_ && test_.item() == TestItem::kDisplay)
        draw_pattern(screen_, canvas_);
    else
        draw(screen_, canvas_);
}

Screen Device::current_screen() const {
    if (is_test_shown_) return current_test_screen();
    if (now_ms_ < identify_until_ms_) return identify_screen(settings_.device_id);
    if (build_info_.lacks_psram && state() != State::kRecording && now_ms_ - begun_at_ms_ < kNoticeMs)
        return no_psram_screen();
    switch (state()) {
        case State::kBoot:
            return boot_screen(build_info_.firmware);
        case State::kProvision:
            return hardware_.network.has_access_point()
                       ? provision_screen(portal_ssid_, portal_password_, portal_refused_)
                       : console_screen(portal_refused_);
        case State::kConnecting:
            return connecting_screen(settings_.wifi_ssid,
                                     connection_.is_network_up() ? settings_.host.view() : "",
                                     {connection_.loss(), hardware_.clock.utc_ms().has_value()});
        case State::kReady:
            return ready_screen({settings_.device_id, ready_workers_.any_ready(),
                                 settings_.mode == Mode::kGate, keeper_.unstored(), microphone_,
                                 battery_.state()});
        case State::kRecording:
            return current_recording_screen();
        case State::kSending: {
            // Shows the progress of the oldest that was not sent: the others wait for it.
            std::uint64_t id = recording_id_;
            for (std::size_t index = window_.held(); index-- > 0;) {
                if (!window_.is_sent(window_.id_at(index))) id = window_.id_at(index);
            }
            const auto [done, total] = window_.progress(id);
            const std::uint32_t chunk = memory_.chunk_samples;
            const std::size_t waiting = window_.unsent() + keeper_.unstored() - window_.held();
            const std::size_t others = waiting > 0 ? waiting - 1 : 0;
            return sending_screen(done / chunk + (done == total && done % chunk > 0 ? 1 : 0),
                                  total / chunk + (total % chunk > 0 ? 1 : 0), others);
        }
        case State::kWaitResult:
            return waiting_screen(is_stored_, ready_workers_.any_ready());
        case State::kResult:
            return result_screen(result_.value_or(Result{}), result_ && result_->recording_id != recording_id_);
        case State::kError:
            return error_screen(problem_, problem_detail_);
        case State::kOffline:
            return offline_screen(keeper_.unstored(), connection_.is_network_up(),
                                  {connection_.loss(), hardware_.clock.utc_ms().has_value()}, battery_.state());
        case State::kUpdating:
            return updating_screen(update_percent_);
        case State::kSafeMode: {
            const std::string_view reason = hardware_.system.reset_reason();
            return safe_mode_screen(start_guard_.failed(), reason);
        }
    }
    return {};
}

Screen Device::current_test_screen() const {
    if (const auto item = test_.item())
        return test_screen(to_string(*item), *item == TestItem::kDisplay || *item == TestItem::kButton);
    const auto failed = test_.first_failed();
    return test_verdict_screen(failed ? to_string(*failed) : "");
}

Screen Device::current_recording_screen() const {
    RecordingStatus status;
    const auto* recording = buffer_.find(recording_id_);
    const std::uint64_t length = recording == nullptr ? 0 : recording->length();
    status.elapsed_ms = static_cast<std::uint32_t>(length * 1'000 / recorder_.rate_hz());
    status.total_ms =
        static_cast<std::uint32_t>(std::uint64_t{recording_samples_} * 1'000 / recorder_.rate_hz());
    status.level = recorder_.level().rms;
    status.is_online = connection_.is_online();
    status.microphone = microphone_;
    if (live_ && now_ms_ - live_at_ms_ < kLiveMs) {
        status.bpm = live_->bpm;
        status.hint = live_->hint;
        status.label = live_->label;
    }
    return recording_screen(status);
}

}  // namespace stetho
