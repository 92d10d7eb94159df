// Sizes of the objects of core on a chip, for cross.sh: the size of each symbol is the size of the object.
#include "core/device/capture.h"
#include "core/device/device.h"
#include "core/storage/ring_buffer.h"

extern "C" {
char footprint_device[sizeof(stetho::Device)];
char footprint_capture[sizeof(stetho::Capture) + sizeof(stetho::RingBuffer)];
}
