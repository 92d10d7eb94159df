// Temporary file, removed with its object: libmosquitto reads certificates from files only.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace stetho::posix {

class TemporaryFile {
  public:
    explicit TemporaryFile(std::string_view text)
        : path_((std::filesystem::temp_directory_path() / "stetho-XXXXXX").string()) {
        const int file = ::mkstemp(path_.data());
        is_written_ =
            file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
        if (file >= 0) ::close(file);
    }
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    bool is_written() const { return is_written_; }
    const char* path() const { return path_.c_str(); }

  private:
    std::string path_;
    bool is_written_ = false;
};

}  // namespace stetho::posix
