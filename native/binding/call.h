// One call as JavaScript made it: its operands, checked.
#pragma once

#include <napi.h>

#include <cstdint>

#include "binding/device_array.h"
#include "core/executor.h"

namespace gauntlet::binding {

/// A Float32Array or DeviceArray that was passed as an operand.
struct Argument {
  float* data = nullptr;
  size_t length = 0;
  DeviceArray* device_array = nullptr;  // null for a Float32Array

  bool overlaps(const Argument& other) const {
    return length > 0 && other.length > 0 && data < other.data + other.length && other.data < data + length;
  }
};

struct Call {
  int target;
  size_t batch;
  Argument arguments[3];

  /// Reads (target, a, b, out, batch) for an executor on `device`. Throws Error on anything a kernel must not see.
  Call(const Napi::CallbackInfo& info, const int32_t (&dim)[3], Device device);

  Argument& out() { return arguments[target]; }
  /// Kernels may overwrite `out` before they have read all of their inputs.
  bool out_overlaps_input() const;
};

}  // namespace gauntlet::binding
