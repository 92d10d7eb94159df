#include "core/wire/line_reader.h"

namespace stetho {

LineEvent LineReader::take(char letter) {
    const bool is_second_half = letter == '\n' && was_return_;
    was_return_ = letter == '\r';
    if (is_second_half) return LineEvent::kNone;
    if (letter == '\r' || letter == '\n') {
        const LineEvent event = is_too_long_ ? LineEvent::kTooLong : LineEvent::kLine;
        line_bytes_ = size_;
        size_ = 0;
        is_too_long_ = false;
        return event;
    }
    if (size_ < memory_.size())
        memory_[size_++] = letter;
    else
        is_too_long_ = true;
    return LineEvent::kNone;
}

void LineReader::clear() {
    size_ = 0;
    is_too_long_ = false;
}

}  // namespace stetho
