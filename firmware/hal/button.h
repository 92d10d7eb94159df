// Interface to the push button, as a raw level; core debounces it.
#pragma once

namespace stetho::hal {

class Button {
  public:
    virtual ~Button() = default;

    // Returns whether the button is down now. May bounce. Never blocks.
    virtual bool is_down() = 0;
};

}  // namespace stetho::hal
