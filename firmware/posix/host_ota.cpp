#include "posix/host_ota.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "posix/reset.h"
#include "posix/temporary_file.h"

namespace stetho::posix {
namespace {

// Starts curl, which writes what it fetches to `sink`, and ends with this thread, as when the power goes. Returns its
// process; 0: there is none.
pid_t start_curl(const std::string& url, const char* ca_path, int sink) {
    std::array<const char*, 18> words{
        {"curl", "--silent", "--show-error", "--fail", "--location", "--proto", "=https", "--cacert", ca_path,
         "--connect-timeout", "10", "--speed-limit", "70", "--speed-time", "120", "--", url.c_str(), nullptr}};
    const pid_t process = ::fork();
    if (process != 0) return std::max(process, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(sink, STDOUT_FILENO);
    ::execvp(words[0], const_cast<char**>(words.data()));
    ::_exit(1);
}

// Reads until `block` is full or the source ends. Returns how much there is.
std::size_t read_block(int source, std::span<char> block) {
    std::size_t count = 0;
    while (count < block.size()) {
        const ssize_t more = ::read(source, block.data() + count, block.size() - count);
        if (more <= 0) break;
        count += static_cast<std::size_t>(more);
    }
    return count;
}

}  // namespace

HostOta::~HostOta() {
    if (const pid_t curl = curl_; curl != 0) ::kill(curl, SIGTERM);
    if (thread_.joinable()) thread_.join();
}

bool HostOta::start(std::string_view url, std::string_view ca_pem) {
    const bool is_usable = url.starts_with("https://") && !ca_pem.empty() && slots_.are_there() && !is_on_trial();
    if (!is_usable || is_busy_.exchange(true)) return false;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this, url = std::string(url), ca = std::string(ca_pem)] {
        const bool is_ready = fetch(url, ca) && slots_.select_spare();
        is_busy_ = false;
        events_.post(Event::ota(is_ready ? hal::OtaStep::kReady : hal::OtaStep::kFailed, is_ready ? 100 : 0));
    });
    return true;
}

bool HostOta::fetch(const std::string& url, const std::string& ca_pem) {
    const TemporaryFile ca_file(ca_pem);
    std::array<int, 2> ends{};
    if (!ca_file.is_written() || ::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    const pid_t curl = curl_ = start_curl(url, ca_file.path(), ends[1]);
    ::close(ends[1]);
    const bool is_received = curl != 0 && receive(ends[0]);
    ::close(ends[0]);  // ends a curl that has more
    int status = -1;
    if (curl != 0) ::waitpid(curl, &status, 0);
    curl_ = 0;
    return is_received && status == 0;
}

bool HostOta::receive(int source) {
    std::ofstream slot(slots_.spare(), std::ios::binary | std::ios::trunc);
    std::array<char, kBlockBytes> block{};
    std::optional<ImageHead> head;
    std::size_t got = 0;
    while (const std::size_t count = read_block(source, block)) {
        if (got == 0) head = read_image_head({block.data(), count});
        got += count;
        if (!head || got > head->bytes) {
            std::fputs("stethoscope-posix: no update: this is no image of this firmware\n", stderr);
            return false;
        }
        slot.write(block.data(), static_cast<std::streamsize>(count)).flush();
        events_.post(Event::ota(hal::OtaStep::kFetching, static_cast<std::uint8_t>(got * 100 / head->bytes)));
    }
    return head && got == head->bytes && slot.good();
}

void HostOta::roll_back() {
    if (!is_on_trial()) return;
    slots_.give_up();
    reset("software");
}

}  // namespace stetho::posix
