#include "binding/call.h"

#include <string>
#include <utility>

#include "binding/errors.h"

namespace gauntlet::binding {

Argument read_argument(Napi::Env env, napi_value value, Device device) {
  napi_typedarray_type type;
  void* data;
  Argument argument;
  if (napi_get_typedarray_info(env, value, &type, &argument.length, &data, nullptr, nullptr) == napi_ok) {
    if (type != napi_float32_array)
      throw Error("ERR_DTYPE", "Expected a Float32Array or DeviceArray for every operand");
    argument.data = static_cast<float*>(data);
    return argument;
  }
  argument.device_array = DeviceArray::from(env, value);
  if (!argument.device_array) throw Error("ERR_DTYPE", "Expected a Float32Array or DeviceArray for every operand");
  const Memory& memory = *argument.device_array->memory();
  if (memory.device() != device) {
    throw Error("ERR_DEVICE", "Expected a DeviceArray on " + device_id(device) +
                                  ", where this works, but received one on " + device_id(memory.device()));
  }
  argument.data = memory.data();
  argument.length = memory.length();
  return argument;
}

Operand operand_of(const Argument& argument) {
  return {argument.data, argument.device_array && argument.device_array->memory()->device() != kHost};
}

Operand operand_of(const Memory& memory) { return {memory.data(), memory.device() != kHost}; }

std::shared_ptr<Memory> memory_like(const Argument& out) {
  return Memory::on(out.device_array ? out.device_array->memory()->device() : kHost, out.length);
}

void deliver(std::shared_ptr<Memory> result, Argument& out) {
  if (out.device_array) {
    out.device_array->replace(std::move(result));
  } else {
    result->copy_to(out.data);
  }
}

Call::Call(const Napi::CallbackInfo& info, const int32_t (&dim)[3], Device device) {
  int64_t samples;
  if (napi_get_value_int32(info.Env(), info[0], &target) != napi_ok || target < 0 || target > 2) {
    throw Error("ERR_ARGUMENT", "Expected 0, 1 or 2 for the operand to leave out");
  }
  if (napi_get_value_int64(info.Env(), info[4], &samples) != napi_ok || samples < 0) {
    throw Error("ERR_ARGUMENT", "Expected a whole number for the batch");
  }
  batch = static_cast<size_t>(samples);
  arguments[target == 0 ? 1 : 0] = read_argument(info.Env(), info[1], device);
  arguments[target == 2 ? 1 : 2] = read_argument(info.Env(), info[2], device);
  arguments[target] = read_argument(info.Env(), info[3], device);
  for (int o = 0; o < 3; ++o) {
    const size_t length = arguments[o].length;
    // Divides instead of multiplying, which could overflow.
    const bool fits = dim[o] == 0 ? length == 0 : length % dim[o] == 0 && length / dim[o] == batch;
    if (!fits) {
      throw Error("ERR_LENGTH", "Expected " + std::to_string(batch) + " x " + std::to_string(dim[o]) +
                                    " values for operand " + std::to_string(o) + " but received " +
                                    std::to_string(length));
    }
  }
}

bool Call::out_overlaps_input() const {
  const Argument& out = arguments[target];
  for (int o = 0; o < 3; ++o) {
    if (o != target && out.overlaps(arguments[o])) return true;
  }
  return false;
}

}  // namespace gauntlet::binding
