// One call as JavaScript made it: its operands, checked.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <span>

#include "binding/device_array.h"
#include "core/error.h"
#include "core/executor.h"

namespace gauntlet::binding {

/// The two arrays that tables come in.
template <typename T>
std::span<const T> read_array(Napi::Env env, napi_value value, napi_typedarray_type wanted) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok || type != wanted) {
    throw Error("ERR_ARGUMENT", "Expected an Int32Array and a Float64Array for the tables");
  }
  return {static_cast<const T*>(data), length};
}

/// A Float32Array or DeviceArray that was passed as an operand.
struct Argument {
  float* data = nullptr;
  size_t length = 0;
  DeviceArray* device_array = nullptr;  // null for a Float32Array

  bool overlaps(const Argument& other) const {
    return length > 0 && other.length > 0 && data < other.data + other.length && other.data < data + length;
  }
};

/// Throws Error for anything but a Float32Array or a DeviceArray on `device`.
Argument read_argument(Napi::Env env, napi_value value, Device device);

/// What a kernel is given of an argument, and of memory.
Operand operand_of(const Argument& argument);
Operand operand_of(const Memory& memory);

/// Where a result can be computed instead, when it cannot be computed in place; with `copied`, what `out` holds is there.
std::shared_ptr<Memory> memory_like(const Argument& out, bool copied = false);
/// Puts a result computed in such memory where it belongs.
void deliver(std::shared_ptr<Memory> result, Argument& out);

/// What a call must fit: a plan's operands.
struct Shape {
  int32_t dim[kOperands];
  bool shared_weights;
};

struct Call {
  int target;
  size_t batch;
  bool accumulate;
  int operands;  // 3 without weights
  Argument arguments[kOperands];

  /// Reads (target, x1, x2, y, w, batch, accumulate) for an executor on `device`. Throws Error on anything a kernel must not see.
  Call(const Napi::CallbackInfo& info, const Shape& shape, Device device);

  Argument& out() { return arguments[target]; }
  /// Where in the arguments of the call `out` is.
  int out_position() const { return 1 + target; }
  /// Kernels may overwrite `out` before they have read all of their inputs.
  bool out_overlaps_input() const;
};

}  // namespace gauntlet::binding
