// One call as JavaScript made it: its operands, checked.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

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

/// Throws Error("ERR_LENGTH") unless the argument holds so many rows of `dim` floats. `what`: what messages call it.
void check_rows(const Argument& argument, size_t rows, size_t dim, const std::string& what);

/// What a kernel is given of an argument, and of memory.
Operand operand_of(const Argument& argument);
Operand operand_of(const Memory& memory);

/// Where a result can be computed instead, when it cannot be computed in place; with `copied`, what `out` holds is there.
std::shared_ptr<Memory> memory_like(const Argument& out, bool copied = false);
/// Puts a result computed in such memory where it belongs.
void deliver(std::shared_ptr<Memory> result, Argument& out);

/// Decides where the results of a call are computed. One that overlaps another argument is computed elsewhere first, since kernels
/// may overwrite it before they have read all of their inputs.
class Placement {
 public:
  /// Fills `operands`, what a kernel is given of every argument. Results are those n with is_result(n); with `read` they are read too.
  template <typename IsResult>
  Placement(std::span<Argument> arguments, std::span<Operand> operands, const IsResult& is_result, bool read = false)
      : arguments_(arguments) {
    for (size_t n = 0; n < arguments.size(); ++n) {
      operands[n] = is_result(n) && overlaps_another(n) ? move_away(n, read) : operand_of(arguments[n]);
    }
  }
  /// Puts results where they belong.
  void deliver();

 private:
  bool overlaps_another(size_t n) const;
  Operand move_away(size_t n, bool read);

  std::span<Argument> arguments_;
  std::vector<std::pair<size_t, std::shared_ptr<Memory>>> elsewhere_;
};

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
  bool out_overlaps_input() const;
};

}  // namespace gauntlet::binding
