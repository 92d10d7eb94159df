// The push button as a level; bounce is taken out by core.
#pragma once

namespace stetho::hal {

class Button {
  public:
    virtual ~Button() = default;

    // Whether the button is down now. May bounce. Never blocks.
    virtual bool is_down() = 0;
};

}  // namespace stetho::hal
