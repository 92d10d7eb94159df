// Text of `stethoscope-posix --help`.
#pragma once

namespace stetho::posix {

extern const char* const kHelpText;

}  // namespace stetho::posix
