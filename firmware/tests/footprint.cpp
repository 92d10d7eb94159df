// How large the objects of the core are on a chip: the size of each symbol is the size of the object. For
// cross.sh.
#include "core/capture.h"
#include "core/device.h"
#include "core/ring.h"

extern "C" {
char footprint_device[sizeof(stetho::Device)];
char footprint_capture[sizeof(stetho::Capture) + sizeof(stetho::Ring)];
}
