#include "posix/task_thread.h"

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STETHO_HAS_ADDRESS_SANITIZER
// Variables are on the stacks, not beside them on the heap; and what is found ends the program with a status of its own.
extern "C" const char* __asan_default_options() { return "detect_stack_use_after_return=0:exitcode=99"; }
#endif
#endif

namespace stetho::posix {
namespace {

#ifdef STETHO_HAS_ADDRESS_SANITIZER
constexpr std::size_t kPerPointer = sizeof(void*) / 4;
constexpr std::size_t kHostBytes = 4'096;  // what the C library keeps of a thread on its stack, and the sanitizer
#else
constexpr std::size_t kPerPointer = 100;
constexpr std::size_t kHostBytes = 0;
#endif
constexpr std::size_t kLeastBytes = 16'384;  // that the C library takes
constexpr std::size_t kGuardBytes = 8 << 20;

std::size_t whole_pages(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

}  // namespace

TaskThread::TaskThread(const hal::Task& task)
    : stack_bytes_(whole_pages(std::max(kLeastBytes, kHostBytes + task.stack_bytes * kPerPointer))),
      mapped_bytes_(kGuardBytes + stack_bytes_) {
    void* const memory = ::mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for a thread");
    memory_ = static_cast<unsigned char*>(memory);
    if (::mprotect(memory_ + kGuardBytes, stack_bytes_, PROT_READ | PROT_WRITE) != 0)
        throw std::runtime_error("no memory for the stack of a thread");
}

TaskThread::~TaskThread() {
    if (is_running_) pthread_join(thread_, nullptr);
    ::munmap(memory_, mapped_bytes_);
}

void TaskThread::start(std::function<void()> work) {
    work_ = std::move(work);
    failure_ = nullptr;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    const int refused = pthread_attr_setstack(&attributes, memory_ + kGuardBytes, stack_bytes_);
    const int error = refused != 0 ? refused : pthread_create(&thread_, &attributes, run, this);
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::runtime_error("a thread cannot be started");
    is_running_ = true;
}

void TaskThread::join() {
    pthread_join(thread_, nullptr);
    is_running_ = false;
    if (failure_) std::rethrow_exception(failure_);
}

void* TaskThread::run(void* self) {
    auto* const thread = static_cast<TaskThread*>(self);
    try {
        thread->work_();
    } catch (...) {
        thread->failure_ = std::current_exception();
    }
    return nullptr;
}

}  // namespace stetho::posix
