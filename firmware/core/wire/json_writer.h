// Writer of JSON into memory of the caller. It never writes past the end: `ok` returns whether everything
// fitted. One thread per writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/wire/bytes.h"

namespace stetho {

class JsonWriter {
  public:
    explicit JsonWriter(WritableBytes out) : out_(out) {}

    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);
    JsonWriter& string(std::string_view text);  // escaped; what is not ASCII becomes '?'
    JsonWriter& integer(std::int64_t value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();

    bool ok() const { return ok_; }
    // Returns the length of the document in bytes; 0 if it did not fit: half a document is useless.
    std::size_t size() const { return ok_ ? size_ : 0; }

  private:
    void separate();
    void put(char character);
    void put(std::string_view text);

    WritableBytes out_;
    std::size_t size_ = 0;
    bool ok_ = true;
    bool needs_comma_ = false;
};

}  // namespace stetho
