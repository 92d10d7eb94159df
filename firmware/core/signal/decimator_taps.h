// Coefficients of the decimator's filters, written by decimator_taps_generator.py.
#pragma once

#include "core/signal/decimator.h"

namespace stetho {

extern const FirDesign kFrom44100To6300;
extern const FirDesign kFrom6300To4000;
extern const FirDesign kFrom16000To4000;

}  // namespace stetho
