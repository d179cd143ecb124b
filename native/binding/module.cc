// The addon's entry. Every environment (the main thread, each worker) has its own Addon;
// the thread pool, the registry of allocated memory and CUDA are shared by the process.
#include <napi.h>

#include <string>
#include <vector>

#include "binding/communicator.h"
#include "binding/contraction.h"
#include "binding/convolution.h"
#include "binding/device_array.h"
#include "binding/devices.h"
#include "binding/edge_function.h"
#include "binding/errors.h"
#include "binding/executor.h"
#include "binding/graph.h"
#include "binding/matrix_operations.h"
#include "binding/memory.h"
#include "core/build_info.h"
#include "cpu/cores.h"
#include "cpu/kernels.h"
#include "cpu/machine.h"
#include "cpu/pool.h"

namespace gauntlet::binding {
namespace {

Napi::Array strings(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, values[i]));
  return array;
}

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceMethod("buildInfo", &Addon::build_info),
                             InstanceMethod("cpuInfo", &Addon::cpu_info),
                             InstanceMethod("cudaStatus", &Addon::cuda_status),
                             InstanceMethod("cudaDevices", &Addon::cuda_devices),
                             InstanceMethod("synchronize", &Addon::synchronize),
                             InstanceMethod("setNumThreads", &Addon::set_threads),
                             InstanceMethod("getNumThreads", &Addon::get_threads),
                             InstanceMethod("allocate", &Addon::allocate),
                             InstanceMethod("free", &Addon::free),
                             InstanceMethod("measureMachine", &Addon::measure),
                             InstanceMethod("joinRanks", &Addon::join),
                             InstanceMethod("sumOverRanks", &Addon::sum),
                             InstanceMethod("broadcastFrom", &Addon::broadcast),
                             InstanceMethod("leaveRanks", &Addon::leave),
                             InstanceMethod("abortRanks", &Addon::abort),
                         });
    exports.Set("NativeExecutor", NativeExecutor::define(env));
    exports.Set("NativeConvolution", NativeConvolution::define(env));
    exports.Set("NativeGraph", NativeGraph::define(env));
    exports.Set("NativeContraction", NativeContraction::define(env));
    exports.Set("NativeKernels", NativeKernels::define(env));
    exports.Set("NativeEdgeFunction", NativeEdgeFunction::define(env));
    exports.Set("NativeDeviceArray", DeviceArray::define(env));
  }

 private:
  Napi::Value build_info(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const BuildInfo build = gauntlet::build_info();
    Napi::Object object = Napi::Object::New(env);
    object.Set("version", build.version);
    object.Set("napiVersion", NAPI_VERSION);
    object.Set("compiler", build.compiler);
    object.Set("isaLevels", strings(env, build.isa_levels));
    if (build.cuda_version.empty()) {
      object.Set("cuda", env.Null());
    } else {
      Napi::Object cuda = Napi::Object::New(env);
      cuda.Set("version", build.cuda_version);
      cuda.Set("architectures", strings(env, build.cuda_architectures));
      object.Set("cuda", cuda);
    }
    return object;
  }

  Napi::Value cpu_info(const Napi::CallbackInfo& info) {
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("isa", kernels().name);
    object.Set("cores", physical_cores());
    return object;
  }

  Napi::Value cuda_status(const Napi::CallbackInfo& info) { return cuda_status_object(info); }
  Napi::Value cuda_devices(const Napi::CallbackInfo& info) { return cuda_device_objects(info); }

  void synchronize(const Napi::CallbackInfo& info) { wait_for_device(info); }

  void set_threads(const Napi::CallbackInfo& info) { set_num_threads(info[0].ToNumber().Int32Value()); }
  Napi::Value get_threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), num_threads()); }

  Napi::Value allocate(const Napi::CallbackInfo& info) { return binding::allocate(info); }
  void free(const Napi::CallbackInfo& info) { free_array(info); }

  Napi::Value join(const Napi::CallbackInfo& info) { return join_ranks(info); }
  void sum(const Napi::CallbackInfo& info) { sum_over_ranks(info); }
  void broadcast(const Napi::CallbackInfo& info) { broadcast_from(info); }
  void leave(const Napi::CallbackInfo& info) { leave_ranks(info); }
  void abort(const Napi::CallbackInfo& info) { abort_ranks(info); }

  Napi::Value measure(const Napi::CallbackInfo& info) {
    return guard(info.Env(), [&] {
      const MachineRates rates = measure_machine(info[0].ToNumber().Int32Value(), info[1].ToNumber().DoubleValue());
      Napi::Object object = Napi::Object::New(info.Env());
      object.Set("peakFlops", rates.flops);
      object.Set("bandwidth", rates.bandwidth);
      return object;
    });
  }
};

}  // namespace

NODE_API_ADDON(Addon)

}  // namespace gauntlet::binding
