#include "binding/matrix_operations.h"

#include <string>
#include <vector>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/lists.h"

namespace gauntlet::binding {
namespace {

std::unique_ptr<MatrixOperations> make_matrix_operations(Device device) {
  if (device == kHost) return make_cpu_matrix_operations();
#ifdef GAUNTLET_WITH_CUDA
  return make_cuda_matrix_operations(device);
#else
  throw Error("ERR_DEVICE", cuda_status().reason);
#endif
}

/// The arguments of a call, one after another. No JavaScript runs between reading an array and using it.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, Device device) : info_(info), device_(device) {}

  Argument array() { return read_argument(info_.Env(), info_[next_++], device_); }

  /// Items of an array of arrays. Items that are given by getters come before anything else is read.
  std::vector<Argument> arrays(const std::vector<napi_value>& items) {
    std::vector<Argument> arrays;
    for (napi_value item : items) arrays.push_back(read_argument(info_.Env(), item, device_));
    return arrays;
  }

  void skip() { ++next_; }

  double number(const char* what) {
    double value;
    if (napi_get_value_double(info_.Env(), info_[next_++], &value) != napi_ok) {
      throw Error("ERR_ARGUMENT", std::string("Expected a number for ") + what);
    }
    return value;
  }

  size_t count(const char* what) {
    const double value = number(what);
    if (!(value >= 0 && value <= INT32_MAX) || value != static_cast<int32_t>(value)) {
      throw Error("ERR_ARGUMENT", std::string("Expected a whole number below 2^31 for ") + what + " but received " +
                                      std::to_string(value));
    }
    return static_cast<size_t>(value);
  }

  template <typename T>
  std::span<const T> list(napi_typedarray_type type, const char* what) {
    napi_typedarray_type found;
    size_t length;
    void* data;
    const napi_value value = info_[next_++];
    if (napi_get_typedarray_info(info_.Env(), value, &found, &length, &data, nullptr, nullptr) != napi_ok ||
        found != type) {
      throw Error("ERR_DTYPE", std::string("Expected ") +
                                   (type == napi_int32_array ? "an Int32Array" : "a Float64Array") + " for " + what);
    }
    return {static_cast<const T*>(data), length};
  }

 private:
  const Napi::CallbackInfo& info_;
  Device device_;
  size_t next_ = 0;
};

/// The items of an array, which may be any object that says to be one.
std::vector<napi_value> items_of(Napi::Env env, napi_value array) {
  bool is_array = false;
  uint32_t length = 0;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(env, array, &length) != napi_ok || length < 1 || length > kMostInputs) {
    throw Error("ERR_ARGUMENT", "Expected an array of 1 to " + std::to_string(kMostInputs) + " inputs");
  }
  std::vector<napi_value> items(length);
  for (uint32_t n = 0; n < length; ++n) {
    if (napi_get_element(env, array, n, &items[n]) != napi_ok) throw Napi::Error::New(env);
  }
  return items;
}

/// Whether bytes of `out` are any of another array's.
template <typename T>
bool overlaps(const Argument& out, std::span<const T> other) {
  const auto *first = reinterpret_cast<const char*>(out.data),
             *last = reinterpret_cast<const char*>(out.data + out.length);
  const auto *begin = reinterpret_cast<const char*>(other.data()), *end = begin + other.size_bytes();
  return out.length > 0 && !other.empty() && first < end && begin < last;
}

template <typename T>
void check_apart(const Argument& out, std::span<const T> other) {
  if (overlaps(out, other))
    throw Error("ERR_BUFFER", "Expected a result that shares no memory with what it is made of");
}
void check_apart(const Argument& out, const Argument& input) {
  check_apart(out, std::span<const float>(input.data, input.length));
}

/// How many rows of `dim` floats an argument holds.
size_t rows_of(const Argument& argument, size_t dim, const char* what) {
  const size_t rows = dim == 0 ? 0 : argument.length / dim;
  check_rows(argument, rows, dim, what);
  return rows;
}

/// Arguments of as many floats as `out`, each of which is `out` or shares nothing with it.
std::vector<Operand> operands_like(const Argument& out, const std::vector<Argument>& inputs) {
  std::vector<Operand> operands;
  for (const Argument& input : inputs) {
    check_rows(input, out.length, 1, "an input");
    if (input.data != out.data) check_apart(out, input);
    operands.push_back(operand_of(input));
  }
  return operands;
}

}  // namespace

Napi::Function NativeKernels::define(Napi::Env env) {
  return DefineClass(
      env, "NativeKernels",
      {InstanceMethod("fill", &NativeKernels::fill), InstanceMethod("elementwise", &NativeKernels::elementwise),
       InstanceMethod("combine", &NativeKernels::combine), InstanceMethod("concatenate", &NativeKernels::concatenate),
       InstanceMethod("adam", &NativeKernels::adam), InstanceMethod("matmul", &NativeKernels::matmul),
       InstanceMethod("gather", &NativeKernels::gather), InstanceMethod("scatter", &NativeKernels::scatter),
       InstanceMethod("broadcastRows", &NativeKernels::broadcast_rows),
       InstanceMethod("sumRows", &NativeKernels::sum_rows), InstanceMethod("columns", &NativeKernels::columns),
       InstanceMethod("pad", &NativeKernels::pad)});
}

NativeKernels::NativeKernels(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeKernels>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    operations_ = make_matrix_operations(device_);
  });
}

void NativeKernels::fill(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array();
    operations_->fill(operand_of(out), out.length, static_cast<float>(arguments.number("value")));
  });
}

void NativeKernels::elementwise(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    const std::vector<napi_value> items = items_of(info.Env(), info[4]);
    Arguments arguments(info, device_);
    const Argument out = arguments.array();
    const double scale = arguments.number("scale"), family = arguments.number("family");
    const auto coefficients = arguments.list<double>(napi_float64_array, "coefficients");
    const auto inputs = arguments.arrays(items);
    check_apart(out, coefficients);
    const int32_t known = family >= -1 && family <= 3 ? static_cast<int32_t>(family) : -2;
    operations_->elementwise(operand_of(out), out.length, scale, decode_scalar_function(known, coefficients),
                             operands_like(out, inputs));
  });
}

void NativeKernels::combine(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    const std::vector<napi_value> items = items_of(info.Env(), info[2]);
    Arguments arguments(info, device_);
    const Argument out = arguments.array();
    const auto factors = arguments.list<double>(napi_float64_array, "factors");
    const auto inputs = arguments.arrays(items);
    if (factors.size() != inputs.size()) {
      throw Error("ERR_LENGTH", "Expected " + std::to_string(inputs.size()) + " factors but received " +
                                    std::to_string(factors.size()));
    }
    check_apart(out, factors);
    operations_->combine(operand_of(out), out.length, factors, operands_like(out, inputs));
  });
}

void NativeKernels::concatenate(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    const std::vector<napi_value> items = items_of(info.Env(), info[2]);
    Arguments arguments(info, device_);
    const Argument out = arguments.array();
    const auto starts = arguments.list<int32_t>(napi_int32_array, "starts");
    const auto inputs = arguments.arrays(items);
    if (out.length > INT32_MAX) throw Error("ERR_LENGTH", "Expected a result of fewer than 2^31 floats");
    if (starts.size() != inputs.size()) {
      throw Error("ERR_LENGTH", "Expected " + std::to_string(inputs.size()) + " starts but received " +
                                    std::to_string(starts.size()));
    }
    check_apart(out, starts);
    std::vector<Piece> pieces;
    std::vector<Operand> operands;
    int64_t end = 0;
    for (size_t n = 0; n < inputs.size(); ++n) {
      check_apart(out, inputs[n]);
      if (starts[n] < end || starts[n] + inputs[n].length > out.length) {
        throw Error("ERR_ARGUMENT", "Expected pieces within the result that do not overlap for starts");
      }
      end = static_cast<int64_t>(starts[n] + inputs[n].length);
      pieces.push_back({starts[n], static_cast<int32_t>(inputs[n].length)});
      operands.push_back(operand_of(inputs[n]));
    }
    operations_->concatenate(operand_of(out), out.length, pieces, operands);
  });
}

void NativeKernels::adam(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const bool amsgrad = !info[5].IsUndefined();
    const Argument values = arguments.array(), gradient = arguments.array(), decay = arguments.array(),
                   mean = arguments.array(), square = arguments.array();
    const Argument largest = amsgrad ? arguments.array() : Argument{};
    if (!amsgrad) arguments.skip();
    const auto numbers = arguments.list<double>(napi_float64_array, "numbers");
    if (numbers.size() != 6) throw Error("ERR_LENGTH", "Expected 6 numbers of a step");
    const Argument* const changed[] = {&values, &mean, &square, &largest};
    const Argument* const all[] = {&values, &mean, &square, &largest, &gradient, &decay};
    for (const Argument* array : all) {
      if (array != &largest || amsgrad) check_rows(*array, values.length, 1, "an array of a step");
      for (const Argument* other : changed) {
        if (other != array) check_apart(*other, *array);
      }
    }
    const AdamArrays<Operand> arrays{operand_of(values), operand_of(gradient), operand_of(decay),
                                     operand_of(mean),   operand_of(square),   operand_of(largest)};
    operations_->adam(arrays, values.length, {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]});
  });
}

void NativeKernels::matmul(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), a = arguments.array(), b = arguments.array();
    const size_t transposed = arguments.count("transposed");
    if (transposed > 2) throw Error("ERR_ARGUMENT", "Expected 0, 1 or 2 for what is transposed");
    MatrixProduct product{static_cast<Transposed>(transposed), arguments.count("rows"), arguments.count("columns"), 0,
                          arguments.number("scale")};
    const auto [rows, columns] = std::pair(product.rows, product.columns);
    product.sums = rows > 0 ? a.length / rows : columns > 0 ? b.length / columns : 0;
    if (product.sums > INT32_MAX) throw Error("ERR_LENGTH", "Expected sums of fewer than 2^31 terms");
    check_rows(out, rows, columns, "out");
    check_rows(a, product.sums, rows, "a");
    check_rows(b, product.sums, columns, "b");
    check_apart(out, a);
    check_apart(out, b);
    operations_->matmul(operand_of(out), operand_of(a), operand_of(b), product);
  });
}

void NativeKernels::gather(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), x = arguments.array();
    const size_t dim = arguments.count("dim");
    const auto of = arguments.list<int32_t>(napi_int32_array, "of");
    const size_t rows = rows_of(x, dim, "x");
    check_rows(out, of.size(), dim, "out");
    check_apart(out, x);
    check_apart(out, of);
    if (dim == 0) return;
    check_indices(of, rows, "of");
    operations_->gather(operand_of(out), operand_of(x), rows, dim, of);
  });
}

void NativeKernels::scatter(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), x = arguments.array();
    const size_t dim = arguments.count("dim");
    const SegmentLists segments{arguments.list<int32_t>(napi_int32_array, "start"),
                                arguments.list<int32_t>(napi_int32_array, "order")};
    check_starts(segments.start, segments.order);
    const size_t rows = rows_of(x, dim, "x");
    check_rows(out, segments.start.size() - 1, dim, "out");
    check_apart(out, x);
    check_apart(out, segments.start);
    check_apart(out, segments.order);
    if (dim == 0) return;
    check_indices(segments.order, rows, "order");
    operations_->scatter(operand_of(out), operand_of(x), rows, dim, segments);
  });
}

void NativeKernels::broadcast_rows(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), x = arguments.array();
    const size_t dim = arguments.count("dim"), rows = rows_of(out, dim, "out");
    check_rows(x, 1, dim, "x");
    check_apart(out, x);
    operations_->broadcast_rows(operand_of(out), operand_of(x), rows, dim);
  });
}

void NativeKernels::sum_rows(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), x = arguments.array();
    const size_t dim = arguments.count("dim"), rows = rows_of(x, dim, "x");
    check_rows(out, 1, dim, "out");
    check_apart(out, x);
    if (dim > 0) operations_->sum_rows(operand_of(out), operand_of(x), rows, dim);
  });
}

void NativeKernels::columns(const Napi::CallbackInfo& info) { move_columns(info, false); }
void NativeKernels::pad(const Napi::CallbackInfo& info) { move_columns(info, true); }

void NativeKernels::move_columns(const Napi::CallbackInfo& info, bool into) {
  guard(info.Env(), [&] {
    Arguments arguments(info, device_);
    const Argument out = arguments.array(), x = arguments.array();
    const size_t dim = arguments.count("dim"), width = arguments.count("width"), from = arguments.count("from");
    const auto [wide, narrow] = into ? std::pair(dim, width) : std::pair(width, dim);
    if (from + narrow > wide) {
      throw Error("ERR_ARGUMENT", "Expected columns within " + std::to_string(wide) + " but received " +
                                      std::to_string(from) + " to " + std::to_string(from + narrow));
    }
    // Of the two, the wider one says how many rows there are: the other may have no columns.
    const size_t rows = rows_of(into ? out : x, wide, into ? "out" : "x");
    check_rows(into ? x : out, rows, narrow, into ? "x" : "out");
    check_apart(out, x);
    const ColumnRange range{rows, wide, narrow, from};
    if (into) {
      operations_->pad(operand_of(out), operand_of(x), range);
    } else {
      operations_->columns(operand_of(out), operand_of(x), range);
    }
  });
}

}  // namespace gauntlet::binding
