// Thread with the stack of a task of the chip: under AddressSanitizer, as in the tests, what would overflow there ends the
// program here. A frame takes twice the bytes that it takes on the chip, for its pointers; the sanitizer's red zones take
// what the chip has left, a quarter and more. (Measured: application 16.3 KB at most of 24.6, capture and display 12.1 of
// 16.4.) Below the stack lies memory that cannot be touched, larger than any frame. Without the sanitizer there is plenty.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <functional>

#include "hal/tasks.h"

namespace stetho::posix {

class TaskThread {
  public:
    explicit TaskThread(const hal::Task& task);
    ~TaskThread();
    TaskThread(const TaskThread&) = delete;
    TaskThread& operator=(const TaskThread&) = delete;

    // Starts to run `work`; one at a time.
    void start(std::function<void()> work);
    // Waits until it is done. Throws what ended it.
    void join();

  private:
    static void* run(void* self);

    std::size_t stack_bytes_;
    std::size_t mapped_bytes_;
    unsigned char* memory_;
    pthread_t thread_{};
    bool is_running_ = false;
    std::function<void()> work_;
    std::exception_ptr failure_;
};

}  // namespace stetho::posix
