#include "binding/communicator.h"

#include <vector>

#include "binding/device_array.h"
#include "binding/errors.h"
#include "core/communicator.h"
#ifdef GAUNTLET_WITH_CUDA
#include "cuda/nccl.h"
#endif

namespace gauntlet::binding {
namespace {

struct Floats {
  napi_typedarray_type type;
  void* data;
  size_t length;
};

Floats read_floats(Napi::Env env, napi_value value) {
  Floats floats;
  if (napi_get_typedarray_info(env, value, &floats.type, &floats.length, &floats.data, nullptr, nullptr) != napi_ok ||
      (floats.type != napi_float32_array && floats.type != napi_float64_array)) {
    throw Error("ERR_DTYPE", "Expected a Float32Array or Float64Array");
  }
  return floats;
}

/// Between GPUs if they can, else by way of host memory.
void sum_memory(Memory& memory) {
  if (memory.device() == kHost) return gauntlet::sum_over_ranks(memory.data(), memory.length());
#ifdef GAUNTLET_WITH_CUDA
  if (cuda::sum_by_nccl(memory.device(), memory.data(), memory.length())) return;
#endif
  std::vector<float> host(memory.length());
  memory.copy_to(host.data());
  gauntlet::sum_over_ranks(host.data(), host.size());
  memory.copy_from(host.data());
}

}  // namespace

Napi::Value join_ranks(const Napi::CallbackInfo& info) {
  return guard(info.Env(), [&] {
    const Ranks ranks = join_communicator(info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "");
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("rank", ranks.rank);
    object.Set("size", ranks.size);
    return object;
  });
}

void sum_over_ranks(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    if (DeviceArray* const array = DeviceArray::from(info.Env(), info[0])) return sum_memory(*array->memory());
    const Floats floats = read_floats(info.Env(), info[0]);
    if (floats.type == napi_float32_array) {
      gauntlet::sum_over_ranks(static_cast<float*>(floats.data), floats.length);
    } else {
      gauntlet::sum_over_ranks(static_cast<double*>(floats.data), floats.length);
    }
  });
}

void broadcast_from(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    const Floats floats = read_floats(info.Env(), info[1]);
    if (floats.type != napi_float32_array) throw Error("ERR_DTYPE", "Expected a Float32Array");
    gauntlet::broadcast_from(info[0].ToNumber().Int32Value(), static_cast<float*>(floats.data), floats.length);
  });
}

void leave_ranks(const Napi::CallbackInfo&) { leave_communicator(); }

void abort_ranks(const Napi::CallbackInfo& info) { abort_communicator(info[0].ToNumber().Int32Value()); }

}  // namespace gauntlet::binding
