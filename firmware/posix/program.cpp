#include "posix/program.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace stetho::posix {
namespace {

constexpr auto kTurn = std::chrono::milliseconds(10);
constexpr std::uint64_t kPressMs = 0;  // it is let go once the device has seen it
constexpr std::uint64_t kHoldMs = 3'500;
constexpr std::uint64_t kGraceMs = 500;  // retained states of workers arrive directly after the subscription
constexpr std::uint64_t kConnectMs = 10'000;  // --once, real time: no broker after it
constexpr std::uint64_t kSeenMs = 500;        // --once: how long the display shows the result
constexpr std::uint64_t kSettledMs = 500;     // before, the device discards samples: a microphone settles
constexpr std::size_t kBlockSamples = 4'096;
constexpr std::uint32_t kPreRollMs = 250;

void check_rates(std::uint32_t microphone_hz, std::uint32_t rate_hz) {
    std::array<std::int16_t, 2> memory{};
    RingBuffer ring(memory);
    if (!Capture(ring).begin({microphone_hz, rate_hz, 1}))
        throw std::runtime_error("sound of " + std::to_string(microphone_hz) + " Hz cannot be recorded at " +
                                 std::to_string(rate_hz) +
                                 " Hz; a file has 44100, 16000 or 4000 Hz, and --rate is the same, or 4000");
}

// Takes so many bytes of the stack, as a frame that is too large does.
[[gnu::noinline]] void take_stack(std::size_t bytes) {
    auto* const frame = static_cast<volatile char*>(__builtin_alloca(bytes));
    for (std::size_t at = bytes; at > 0; --at) frame[at - 1] = 1;
}

// Returns the name of the firmware: of the image that runs, else of this program.
std::string firmware(const std::string& version) { return "stetho " + (version.empty() ? STETHO_VERSION : version); }

std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Program::Program(Arguments arguments, Wav wav)
    : arguments_(std::move(arguments)),
      clock_(arguments_.clock_after_s, arguments_.pace),
      random_(arguments_.seed),
      ota_(events_, arguments_.slots),
      firmware_(firmware(ota_.version())),
      storage_(arguments_.settings_dir),
      flash_(arguments_.flash),
      mqtt_(events_, arguments_.ask),
      network_(events_, mqtt_, arguments_.portal_port),
      microphone_(std::move(wav.samples), wav.rate_hz, arguments_.bpm, arguments_.pace),
      display_(arguments_.oled_dir, arguments_.is_quiet),
      ring_memory_(arguments_.ring_samples),
      samples_(arguments_.memory_samples),
      links_(arguments_.memory_samples / RecordingBuffer::kBlockSamples),
      pre_roll_(arguments_.settings.sample_rate_hz * kPreRollMs / 1000),
      message_(std::max<std::size_t>(32 + 2 * arguments_.chunk_samples, hal::kMaxValueBytes)),
      block_(kBlockSamples),
      ring_(ring_memory_),
      capture_(ring_),
      sample_rate_hz_(arguments_.settings.sample_rate_hz),
      device_({samples_, links_, pre_roll_, message_, arguments_.chunk_samples, 8},
              {microphone_, mqtt_, network_, storage_, clock_, random_, ota_, system_, battery_, flash_},
              BuildInfo{firmware_, "linux"}) {
    check_rates(microphone_.rate_hz(), arguments_.settings.sample_rate_hz);
    capture_task_.start([this] { capture(); });
}

Program::~Program() {
    is_capturing_ = false;
    capture_task_.join();
}

int Program::run() {
    application_task_.start([this] { run_device(); });
    application_task_.join();
    return exit_status_.value_or(0);
}

void Program::run_device() {
    for (const double at_s : arguments_.presses_s) button_.press(static_cast<std::uint64_t>(at_s * 1000), kPressMs);
    device_.begin(arguments_.settings_dir.empty() ? &arguments_.settings : nullptr);
    while (!exit_status_ && !is_stopped_) run_once();
    device_.end();
    display_.show(device_, clock_.now_ms());
}

void Program::capture() {
    std::uint32_t rate_hz = 0;
    bool has_filter = false;
    while (is_capturing_) {
        if (rate_hz != sample_rate_hz_) {
            rate_hz = sample_rate_hz_;
            has_filter = capture_.begin({microphone_.rate_hz(), rate_hz, 1});
        }
        if (!has_filter) {  // between the two rates: the device shows that there is no sound
            std::this_thread::sleep_for(kTurn);
            continue;
        }
        microphone_.process_block(capture_);
        microphone_state_ = capture_.microphone();
    }
}

void Program::run_once() {
    const bool knew_time = clock_.utc_ms().has_value();
    auto wait = kTurn;
    while (const auto event = events_.take(wait)) {
        handle_event(*event);
        wait = std::chrono::milliseconds(0);
    }
    if (!knew_time && clock_.utc_ms()) device_.on(Event::of(EventKind::kClockSet));
    while (const auto line = console_.line()) run_command(*line);
    read_audio();
    if (const auto is_down = button_.change(clock_.now_ms())) device_.on(Event::button(*is_down));
    const std::uint64_t looks_ms = clock_.now_ms();
    device_.tick();
    button_.seen(looks_ms);
    sample_rate_hz_ = device_.settings().sample_rate_hz;
    on_state_change();
    if (arguments_.is_once) check_once();
    show();
    print();
}

// Prints what a line asked for: JSON, like that of a result, on stdout.
void Program::print() {
    const std::string_view text = device_.console();
    if (text.empty()) return;
    std::FILE* const out = text.starts_with('{') ? stdout : stderr;
    std::fwrite(text.data(), 1, text.size(), out);
    std::fflush(out);
    device_.printed();
}

// Shows the screen; tells the device, and a person, when the display went or came.
void Program::show() {
    display_.show(device_, clock_.now_ms());
    const std::optional<bool> is_there = display_.is_there();
    if (!is_there || is_there == was_display_there_) return;
    if (!*is_there || was_display_there_)
        std::fprintf(stderr, "stethoscope-posix: the display %s\n",
                     *is_there ? "answers" : "does not answer: check its wires");
    was_display_there_ = is_there;
    device_.on(Event::display(*is_there));
}

void Program::handle_event(const Event& event) {
    if (event.kind == EventKind::kMqttMessage && event.topic.ends_with("/down/result"))
        result_.assign(event.payload.begin(), event.payload.end());
    if (event.kind == EventKind::kMqttDisconnected) loss_ = event.loss;
    if (event.kind == EventKind::kMqttSubscribed && !event.is_granted) loss_ = hal::ConnectionLoss::kDeaf;
    device_.on(event);
    was_online_ = was_online_ || device_.is_online();
}

void Program::read_audio() {
    for (;;) {
        const RingBuffer::ReadResult taken = ring_.read(block_);
        if (taken.count == 0 && taken.lost_before == 0) return;
        device_.on(Event::audio(std::span(block_).first(taken.count), taken.lost_before, microphone_state_));
    }
}

void Program::run_command(const std::string& line) {
    const std::uint64_t now = clock_.now_ms();
    if (line == "press" || line.empty()) return button_.press(now, kPressMs);
    if (line == "hold") return button_.press(now, kHoldMs);
    if (line == "play") return microphone_.play();
    if (line == "quit") return finish(0, nullptr);
    if (run_fault(line)) return;
    if (line.starts_with("set ")) return device_.on(Event::provisioned(bytes_of(line).subspan(4)));
    if (line == "test" || line.starts_with("test ")) return device_.on(Event::test(bytes_of(line).subspan(4)));
    std::fprintf(stderr, "stethoscope-posix: '%s' is no command; --help lists them\n", line.c_str());
}

// Runs a line that changes the world of the device; false: it is none.
bool Program::run_fault(const std::string& line) {
    if (line == "display in" || line == "display out")
        display_.plug(line == "display in");
    else if (line == "microphone in" || line == "microphone out")
        microphone_.plug(line == "microphone in");
    else if (line == "plug" || line == "unplug")
        network_.plug(line == "plug");
    else if (line.starts_with("battery "))
        set_battery(line.substr(8));
    else if (line.starts_with("stall "))
        std::this_thread::sleep_for(std::chrono::duration<double>(std::atof(line.c_str() + 6)));
    else if (line.starts_with("skip "))
        clock_.skip(std::atof(line.c_str() + 5));
    else if (line.starts_with("deep "))
        take_stack(static_cast<std::size_t>(std::atol(line.c_str() + 5)));
    else if (line == "crash")
        reset("panic");
    else
        return false;
    return true;
}

// Sets the battery: its millivolts, then "charging" or nothing; or "none".
void Program::set_battery(const std::string& words) {
    if (words == "none") return battery_.set(std::nullopt);
    const int millivolts = std::atoi(words.c_str());
    const auto charging = words.ends_with(" charging") ? hal::Charging::kYes : hal::Charging::kNo;
    battery_.set(hal::BatteryReading{static_cast<std::uint16_t>(millivolts), charging});
}

// Plays the file when a recording starts; prints a result.
void Program::on_state_change() {
    const State now = device_.state();
    if (is_file_due_ && clock_.now_ms() > kSettledMs) {
        is_file_due_ = false;
        microphone_.play();
    }
    if (now == state_) return;
    state_ = now;
    state_since_ms_ = clock_.now_ms();
    if (now == State::kRecording && device_.settings().mode != Mode::kGate) is_file_due_ = true;
    if (now == State::kResult) {
        std::printf("%s\n", result_.c_str());
        std::fflush(stdout);
    }
}

void Program::check_once() {
    const std::uint64_t real = clock_.real_ms();  // what others need takes no fraction of its time
    const bool may_pass = loss_ == hal::ConnectionLoss::kUnreachable || loss_ == hal::ConnectionLoss::kDeaf;
    if (!was_online_ && (!may_pass || real > kConnectMs))
        return finish(
            2, loss_ == hal::ConnectionLoss::kRefused     ? "the broker refuses this device id and password"
               : loss_ == hal::ConnectionLoss::kUntrusted ? "no TLS with the broker; check --cafile"
               : loss_ == hal::ConnectionLoss::kNotFound  ? "no broker announces itself; name it with --host"
               : loss_ == hal::ConnectionLoss::kDeaf ? "the broker refuses what this device subscribes to"
                                                     : "no broker there; check --host and --port");
    if (!is_begun_) return start_once();
    const auto record_ms = static_cast<std::uint64_t>(arguments_.settings.record_ms / arguments_.pace);
    if (state_ == State::kResult && clock_.now_ms() > state_since_ms_ + kSeenMs)
        return finish(device_.result() && device_.result()->status == ResultStatus::kError ? 1 : 0, nullptr);
    if (state_ == State::kError) return finish(1, "the display says what is wrong");
    if (real > begun_at_ms_ + timeout_ms() + record_ms) finish(1, "no result in time");
}

void Program::start_once() {
    const std::uint64_t now = clock_.now_ms();
    if (state_ != State::kReady || now < state_since_ms_ + kGraceMs) return;
    if (device_.screen().contains("no analyser")) {
        if (clock_.real_ms() > timeout_ms()) finish(1, "no analyser came online in time");
        return;
    }
    is_begun_ = true;
    begun_at_ms_ = clock_.real_ms();
    if (device_.settings().mode == Mode::kGate) return microphone_.play();
    button_.press(now, kPressMs);
    if (device_.settings().mode == Mode::kStream) button_.press(now + device_.settings().record_ms, kPressMs);
}

void Program::finish(int status, const char* why) {
    if (why != nullptr) std::fprintf(stderr, "stethoscope-posix: %s\n", why);
    exit_status_ = status;
}

}  // namespace stetho::posix
