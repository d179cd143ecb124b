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

void check_rows(const Argument& argument, size_t rows, size_t dim, const std::string& what) {
  // Divides instead of multiplying, which could overflow.
  const size_t length = argument.length;
  if (dim == 0 ? length == 0 : length % dim == 0 && length / dim == rows) return;
  throw Error("ERR_LENGTH", "Expected " + std::to_string(rows) + " x " + std::to_string(dim) + " values for " + what +
                                " but received " + std::to_string(length));
}

Operand operand_of(const Argument& argument) {
  return {argument.data, argument.device_array && argument.device_array->memory()->device() != kHost};
}

Operand operand_of(const Memory& memory) { return {memory.data(), memory.device() != kHost}; }

std::shared_ptr<Memory> memory_like(const Argument& out, bool copied) {
  std::shared_ptr<Memory> memory =
      Memory::on(out.device_array ? out.device_array->memory()->device() : kHost, out.length);
  if (!copied) return memory;
  if (out.device_array) {
    memory->copy_from(*out.device_array->memory());
  } else {
    memory->copy_from(out.data);
  }
  return memory;
}

void deliver(std::shared_ptr<Memory> result, Argument& out) {
  if (out.device_array) {
    out.device_array->replace(std::move(result));
  } else {
    result->copy_to(out.data);
  }
}

Operand Placement::move_away(size_t n, bool read) {
  for (const auto& [other, memory] : elsewhere_) {
    if (arguments_[other].same_as(arguments_[n])) return operand_of(*memory);
  }
  elsewhere_.emplace_back(n, memory_like(arguments_[n], read));
  return operand_of(*elsewhere_.back().second);
}

void Placement::deliver() {
  for (auto& [n, result] : elsewhere_) binding::deliver(std::move(result), arguments_[n]);
}

Call::Call(const Napi::CallbackInfo& info, const Shape& shape, Device device) {
  int64_t samples;
  operands = shape.dim[kWeights] > 0 ? kOperands : kOperands - 1;
  if (napi_get_value_int64(info.Env(), info[0], &samples) != napi_ok || samples < 0) {
    throw Error("ERR_ARGUMENT", "Expected a whole number for the batch");
  }
  batch = static_cast<size_t>(samples);
  for (size_t n = 1; n == 1 || n < info.Length(); ++n) {
    if (!info[n].IsArray()) throw Error("ERR_ARGUMENT", "Expected an array for an evaluation");
    const Napi::Array given = info[n].As<Napi::Array>();
    Evaluation& evaluation = evaluations.emplace_back();
    const napi_value target = given[0u], accumulate = given[1u + kOperands];
    if (napi_get_value_int32(info.Env(), target, &evaluation.target) != napi_ok || evaluation.target < 0 ||
        evaluation.target >= operands) {
      throw Error("ERR_ARGUMENT",
                  "Expected a number from 0 to " + std::to_string(operands - 1) + " for the operand to leave out");
    }
    if (napi_get_value_bool(info.Env(), accumulate, &evaluation.accumulate) != napi_ok) {
      throw Error("ERR_ARGUMENT", "Expected true or false for accumulate");
    }
    for (int o = 0; o < operands; ++o) {
      const napi_value value = given[1u + o];
      arguments.push_back(read_argument(info.Env(), value, device));
      const size_t rows = o == kWeights && shape.shared_weights ? 1 : batch;
      check_rows(arguments.back(), rows, shape.dim[o], "operand " + std::to_string(o));
    }
  }
}

Napi::Object argument_object(const Napi::CallbackInfo& info, const Call& call, size_t argument) {
  const auto evaluation = info[1 + argument / call.operands].As<Napi::Array>();
  return Napi::Value(evaluation[static_cast<uint32_t>(1 + argument % call.operands)]).As<Napi::Object>();
}

}  // namespace gauntlet::binding
