#include "binding/devices.h"

#include <atomic>
#include <charconv>

#include "binding/errors.h"
#ifdef GAUNTLET_WITH_CUDA
#include "cuda/runtime.h"
#endif

namespace gauntlet::binding {
namespace {

std::atomic<bool> in_use{false};

#ifdef GAUNTLET_WITH_CUDA
/// CUDA encodes versions as 1000 * major + 10 * minor.
std::string version_text(int version) {
  return version == 0 ? "" : std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}
#endif

CudaStatus look_for_cuda() {
  CudaStatus status;
#ifdef GAUNTLET_WITH_CUDA
  const cuda::Status& found = cuda::status();
  status.compiled = true;
  status.usable = found.usable;
  status.reason = found.reason;
  status.driver = version_text(found.driver_version);
  status.runtime = version_text(found.runtime_version);
#else
  status.reason = "this build of the addon has no CUDA kernels";
#endif
  return status;
}

int device_count() {
#ifdef GAUNTLET_WITH_CUDA
  return cuda::status().device_count;
#else
  return 0;
#endif
}

}  // namespace

const CudaStatus& cuda_status() {
  static const CudaStatus* status = new CudaStatus(look_for_cuda());  // leaked: finalizers may ask at exit
  if (status->usable) in_use = true;
  return *status;
}

bool cuda_in_use() { return in_use; }

Device parse_device(const std::string& id) {
  if (id == "cpu") return kHost;
  int number = -1;
  const char* end = id.data() + id.size();
  if (id.rfind("cuda:", 0) == 0) {
    const auto [stop, failure] = std::from_chars(id.data() + 5, end, number);
    if (failure != std::errc() || stop != end) number = -1;
  }
  if (number < 0) throw Error("ERR_ARGUMENT", "Expected 'cpu' or 'cuda:N' for device but received '" + id + "'");
  if (!cuda_status().usable) throw Error("ERR_DEVICE", "There is no device " + id + ": " + cuda_status().reason);
  if (number >= device_count()) {
    throw Error("ERR_DEVICE",
                "There is no device " + id + ": " + std::to_string(device_count()) + " GPU(s) were found");
  }
  return number;
}

std::string device_id(Device device) { return device == kHost ? "cpu" : "cuda:" + std::to_string(device); }

Napi::Value cuda_status_object(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guard(env, [&] {
    const CudaStatus& status = cuda_status();
    Napi::Object object = Napi::Object::New(env);
    object.Set("compiled", status.compiled);
    object.Set("usable", status.usable);
    object.Set("reason", status.reason);
    object.Set("driver", status.driver);
    object.Set("runtime", status.runtime);
    return object;
  });
}

Napi::Value cuda_device_objects(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guard(env, [&] {
    Napi::Array list = Napi::Array::New(env);
#ifdef GAUNTLET_WITH_CUDA
    if (!cuda_status().usable) return list;
    for (const cuda::DeviceInfo& device : cuda::devices()) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("id", device_id(device.index));
      object.Set("kind", "cuda");
      object.Set("name", device.name);
      object.Set("memory", static_cast<double>(device.memory));
      object.Set("computeCapability", std::to_string(device.major) + "." + std::to_string(device.minor));
      object.Set("multiprocessors", device.multiprocessors);
      object.Set("clock", device.clock_khz * 1e3);
      object.Set("memoryClock", device.memory_clock_khz * 1e3);
      object.Set("busWidth", device.bus_bits);
      list.Set(list.Length(), object);
    }
#endif
    return list;
  });
}

void wait_for_device(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    [[maybe_unused]] const Device device = parse_device(info[0].ToString().Utf8Value());
#ifdef GAUNTLET_WITH_CUDA
    if (device != kHost) cuda::synchronize(device);
#endif
  });
}

}  // namespace gauntlet::binding
