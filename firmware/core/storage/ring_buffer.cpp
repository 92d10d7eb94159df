#include "core/storage/ring_buffer.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace stetho {
namespace {

std::uint32_t add_to_limit(std::uint32_t left, std::uint32_t right) {
    return left > std::numeric_limits<std::uint32_t>::max() - right
               ? std::numeric_limits<std::uint32_t>::max()
               : left + right;
}

}  // namespace

RingBuffer::RingBuffer(std::span<std::int16_t> memory)
    : memory_(memory.first(std::bit_floor(memory.size()))),
      mask_(static_cast<std::uint32_t>(memory_.size()) - 1) {}

void RingBuffer::write(std::span<const std::int16_t> samples) {
    const std::uint32_t written = written_.load(std::memory_order_relaxed);
    const std::size_t space = capacity() - (written - read_.load(std::memory_order_acquire));
    const std::size_t count = space != 0 && settle() ? std::min(space, samples.size()) : 0;
    const std::size_t start = written & mask_;
    const std::size_t until_edge = std::min(count, capacity() - start);
    std::copy_n(samples.begin(), until_edge, memory_.subspan(start).begin());
    std::copy_n(samples.subspan(until_edge).begin(), count - until_edge, memory_.begin());
    written_.store(written + static_cast<std::uint32_t>(count), std::memory_order_release);
    if (count < samples.size()) add_lost(static_cast<std::uint32_t>(samples.size() - count));
}

void RingBuffer::add_lost(std::uint32_t count) {
    pending_ = add_to_limit(pending_, count);
    const std::uint32_t total = lost_total_.load(std::memory_order_relaxed);
    lost_total_.store(add_to_limit(total, count), std::memory_order_relaxed);
}

bool RingBuffer::settle() {
    if (pending_ == 0) return true;
    const std::uint32_t written = gaps_written_.load(std::memory_order_relaxed);
    if (written - gaps_read_.load(std::memory_order_acquire) == kGaps) return false;
    gaps_[written % kGaps] = {written_.load(std::memory_order_relaxed), pending_};
    gaps_written_.store(written + 1, std::memory_order_release);
    pending_ = 0;
    return true;
}

const RingBuffer::Gap* RingBuffer::front_gap() const {
    const std::uint32_t read = gaps_read_.load(std::memory_order_relaxed);
    return read == gaps_written_.load(std::memory_order_acquire) ? nullptr : &gaps_[read % kGaps];
}

void RingBuffer::pop_gap() {
    gaps_read_.store(gaps_read_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

RingBuffer::ReadResult RingBuffer::read(std::span<std::int16_t> out) {
    const std::uint32_t read = read_.load(std::memory_order_relaxed);
    // Before the gaps: a gap is handed over before the samples behind it, so none of them is missed.
    std::size_t count = std::min<std::size_t>(written_.load(std::memory_order_acquire) - read, out.size());
    if (count == 0) return {};
    ReadResult result;
    const Gap* gap = front_gap();
    if (gap != nullptr && gap->at == read) {
        result.lost_before = gap->count;
        pop_gap();
        gap = front_gap();
    }
    if (gap != nullptr) count = std::min<std::size_t>(count, gap->at - read);
    const std::size_t start = read & mask_;
    const std::size_t until_edge = std::min(count, capacity() - start);
    std::copy_n(memory_.subspan(start).begin(), until_edge, out.begin());
    std::copy_n(memory_.begin(), count - until_edge, out.subspan(until_edge).begin());
    read_.store(read + static_cast<std::uint32_t>(count), std::memory_order_release);
    result.count = count;
    return result;
}

void RingBuffer::clear() {
    const std::uint32_t written = written_.load(std::memory_order_acquire);
    for (const Gap* gap = front_gap(); gap != nullptr; gap = front_gap()) {
        if (static_cast<std::int32_t>(gap->at - written) > 0) break;
        pop_gap();
    }
    read_.store(written, std::memory_order_release);
}

std::size_t RingBuffer::size() const {
    const std::uint32_t read = read_.load(std::memory_order_acquire);
    return written_.load(std::memory_order_acquire) - read;
}

}  // namespace stetho
