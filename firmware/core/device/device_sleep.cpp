// Sleep of the device: while its display is off nothing needs the microphone, and the chip may sleep between events.
#include "core/device/device.h"

namespace stetho {

// Returns whether nobody waits for anything. A gate listens all the time.
bool Device::may_sleep() const {
    const bool is_at_rest = state() == State::kReady || state() == State::kOffline;
    return is_at_rest && !is_display_on_ && !is_button_down_ && settings_.mode != Mode::kGate &&
           !recorder_.is_recording() && !test_.item() && (window_.unsent() == 0 || !connection_.is_online());
}

// Stops the microphone and lets the chip sleep, or starts it again: the recorder waits until it has settled.
void Device::update_sleep() {
    const bool was_asleep = is_asleep_;
    is_asleep_ = hardware_.system.sleep(may_sleep());
    if (is_asleep_ == was_asleep) return;
    if (is_asleep_) return hardware_.audio.stop();
    recorder_.begin(settings_);
    audio_at_ms_ = now_ms_;
    if (!hardware_.audio.start(capture_rate_hz(settings_.sample_rate_hz))) microphone_ = MicrophoneState::kSilent;
}

}  // namespace stetho
