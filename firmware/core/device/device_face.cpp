// The device's half that is seen.
#include "core/device/device.h"

namespace stetho {
namespace {

constexpr std::uint64_t kFrameMs = 100;   // ten pictures a second are enough
constexpr std::uint64_t kLiveMs = 3'000;  // a live value that is older says nothing

}  // namespace

void Device::show() {
    if (!is_stale_ && now_ms_ - shown_at_ms_ < kFrameMs) return;
    is_stale_ = false;
    shown_at_ms_ = now_ms_;
    words_ = face();
    draw(words_, canvas_);
}

Screen Device::face() const {
    if (now_ms_ < identify_until_ms_) return identify_screen(settings_.device_id);
    switch (state()) {
        case State::kBoot:
            return boot_screen(facts_.firmware);
        case State::kProvision:
            return provision_screen(portal_ssid_, portal_password_, portal_refused_);
        case State::kConnecting:
            return connecting_screen(settings_.wifi_ssid, link_.is_network_up() ? settings_.host.view() : "");
        case State::kReady:
            return ready_screen({settings_.device_id, analysers_.any_ready(), settings_.mode == Mode::kGate,
                                 window_.held(), microphone_});
        case State::kRecording:
            return recording_face();
        case State::kSending: {
            // Of the oldest that has not left: the others wait for it.
            std::uint64_t id = recording_id_;
            for (std::size_t index = window_.held(); index-- > 0;) {
                if (!window_.is_sent(window_.id_at(index))) id = window_.id_at(index);
            }
            const auto [done, total] = window_.progress(id);
            const std::uint32_t chunk = memory_.chunk_samples;
            const std::size_t others = window_.unsent() > 0 ? window_.unsent() - 1 : 0;
            return sending_screen(done / chunk + (done == total && done % chunk > 0 ? 1 : 0),
                                  total / chunk + (total % chunk > 0 ? 1 : 0), others);
        }
        case State::kWaitResult:
            return waiting_screen(is_stored_, analysers_.any_ready());
        case State::kResult:
            return result_screen(result_.value_or(Result{}));
        case State::kError:
            return error_screen(problem_, problem_detail_);
        case State::kOffline:
            return offline_screen(window_.held(), link_.is_network_up(), link_.loss());
        case State::kUpdating:
            return updating_screen(update_percent_);
    }
    return {};
}

Screen Device::recording_face() const {
    RecordingFace facts;
    const auto* kept = buffer_.find(recording_id_);
    const std::uint64_t length = kept == nullptr ? 0 : kept->length();
    facts.elapsed_ms = static_cast<std::uint32_t>(length * 1'000 / recorder_.rate_hz());
    facts.total_ms =
        static_cast<std::uint32_t>(std::uint64_t{recording_samples_} * 1'000 / recorder_.rate_hz());
    facts.level = recorder_.level().rms;
    facts.is_online = link_.is_online();
    facts.microphone = microphone_;
    if (live_ && now_ms_ - live_at_ms_ < kLiveMs) {
        facts.bpm = live_->bpm;
        facts.hint = live_->hint;
        facts.label = live_->label;
    }
    return recording_screen(facts);
}

}  // namespace stetho
