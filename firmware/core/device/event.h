// Event of the device: everything that can happen to it, as one small value.
//
// An interrupt, the MQTT task or the capture task puts an event, with a copy of its bytes, into the queue of
// the application task; only that task passes it to `Device::on`. The spans and views below must stay valid
// until `on` returns, no longer.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/signal/microphone_check.h"
#include "hal/mqtt.h"
#include "hal/ota.h"

namespace stetho {

enum class EventKind : std::uint8_t {
    kButton,  // is_down: the raw level has changed
    kAudio,   // samples, lost, microphone
    kNetworkUp,
    kNetworkDown,
    kMqttConnected,
    kMqttDisconnected,  // loss
    kMqttSubscribed,    // is_granted: what the broker says of a subscription
    kMqttPuback,        // token
    kMqttMessage,       // topic, payload, is_retained
    kClockSet,
    kOta,          // step, percent
    kDisplay,      // is_there: the display answers, or does not any more
    kTest,         // payload: words of the factory test (core/device/factory_test.h), from the serial console
    kProvisioned,  // payload: a form (core/storage/settings.h), from the access point or the serial console
};

struct Event {
    EventKind kind;
    bool is_down = false;
    bool is_there = false;
    bool is_retained = false;  // a retained message: it was published earlier
    bool is_granted = false;
    hal::ConnectionLoss loss = hal::ConnectionLoss::kUnreachable;
    hal::OtaStep step = hal::OtaStep::kFetching;
    MicrophoneState microphone = MicrophoneState::kOk;
    std::uint8_t percent = 0;
    int token = 0;
    std::uint32_t lost = 0;                      // samples that were lost directly before `samples`
    std::span<const std::int16_t> samples = {};  // mono, at `Settings::sample_rate_hz`
    std::string_view topic = {};
    std::span<const std::uint8_t> payload = {};

    static constexpr Event of(EventKind kind) {
        Event event{};
        event.kind = kind;
        return event;
    }

    static constexpr Event button(bool is_down) { return {.kind = EventKind::kButton, .is_down = is_down}; }

    static constexpr Event audio(std::span<const std::int16_t> samples, std::uint32_t lost,
                                 MicrophoneState microphone = MicrophoneState::kOk) {
        Event event = of(EventKind::kAudio);
        event.samples = samples;
        event.lost = lost;
        event.microphone = microphone;
        return event;
    }

    static constexpr Event disconnected(hal::ConnectionLoss loss) {
        return {.kind = EventKind::kMqttDisconnected, .loss = loss};
    }

    static constexpr Event display(bool is_there) {
        return {.kind = EventKind::kDisplay, .is_there = is_there};
    }

    static constexpr Event subscribed(bool is_granted) {
        return {.kind = EventKind::kMqttSubscribed, .is_granted = is_granted};
    }

    static constexpr Event puback(int token) { return {.kind = EventKind::kMqttPuback, .token = token}; }

    static constexpr Event message(std::string_view topic, std::span<const std::uint8_t> payload,
                                   bool is_retained = false) {
        return {
            .kind = EventKind::kMqttMessage, .is_retained = is_retained, .topic = topic, .payload = payload};
    }

    static constexpr Event ota(hal::OtaStep step, std::uint8_t percent) {
        return {.kind = EventKind::kOta, .step = step, .percent = percent};
    }

    static constexpr Event test(std::span<const std::uint8_t> words) {
        return {.kind = EventKind::kTest, .payload = words};
    }

    static constexpr Event provisioned(std::span<const std::uint8_t> form) {
        return {.kind = EventKind::kProvisioned, .payload = form};
    }
};

}  // namespace stetho
