// Calls as JavaScript made them: their operands, checked.
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
  bool same_as(const Argument& other) const { return data == other.data && length == other.length; }
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

/// Whether result n of `arguments`, of which those m with is_result(m) are results, overlaps another that is not that same result.
template <typename IsResult>
bool overlaps_another(std::span<const Argument> arguments, const IsResult& is_result, size_t n) {
  for (size_t other = 0; other < arguments.size(); ++other) {
    if (is_result(other) && arguments[other].same_as(arguments[n])) continue;
    if (arguments[other].overlaps(arguments[n])) return true;
  }
  return false;
}

/// Decides where the results of a call are computed. One that overlaps another argument is computed elsewhere first, since kernels
/// may overwrite it before they have read all of their inputs.
class Placement {
 public:
  /// Fills `operands`, what a kernel is given of every argument. Results are those n with is_result(n); with `read` they are read too.
  template <typename IsResult>
  Placement(std::span<Argument> arguments, std::span<Operand> operands, const IsResult& is_result, bool read = false)
      : arguments_(arguments) {
    for (size_t n = 0; n < arguments.size(); ++n) {
      const bool away = is_result(n) && overlaps_another(arguments, is_result, n);
      operands[n] = away ? move_away(n, read) : operand_of(arguments[n]);
    }
  }
  /// Puts results where they belong.
  void deliver();

 private:
  Operand move_away(size_t n, bool read);

  std::span<Argument> arguments_;
  std::vector<std::pair<size_t, std::shared_ptr<Memory>>> elsewhere_;
};

/// What a call must fit: a plan's operands.
struct Shape {
  int32_t dim[kOperands];
  bool shared_weights;
};

/// Evaluations of a plan. Their arguments are operands of the first, of the second and so on.
struct Call {
  size_t batch;
  int operands;  // of an evaluation: 3 without weights
  std::vector<Evaluation> evaluations;
  std::vector<Argument> arguments;

  /// Reads (batch, [target, x1, x2, y, w, accumulate], ...) for an executor on `device`. Throws Error on anything a kernel must not
  /// see.
  Call(const Napi::CallbackInfo& info, const Shape& shape, Device device);

  const Evaluation& evaluation_of(size_t argument) const { return evaluations[argument / operands]; }
  bool is_result(size_t argument) const {
    return static_cast<int>(argument % operands) == evaluation_of(argument).target;
  }
  /// What kernels are given of an argument.
  void place(size_t argument, Operand operand) {
    evaluations[argument / operands].operands[argument % operands] = operand;
  }
};

/// An argument's object.
Napi::Object argument_object(const Napi::CallbackInfo& info, const Call& call, size_t argument);

}  // namespace gauntlet::binding
