// A plan on a device, callable from JavaScript. lib/runtime/execute.ts gives it names, irreps and friendlier messages; what is
// checked here is what keeps a kernel inside its memory.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/call.h"
#include "binding/devices.h"
#include "core/executor.h"

namespace gauntlet::binding {

class NativeExecutor : public Napi::ObjectWrap<NativeExecutor> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, integers: Int32Array, reals: Float64Array)
  explicit NativeExecutor(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

 private:
  /// (batch, [target, x1, x2, y, w, accumulate], ...): Float32Arrays or DeviceArrays, of which that of `target` is written.
  void evaluate(const Napi::CallbackInfo& info);
  /// The same off the event loop -> Promise<void>. Memory from allocate() is used in place, any other array is copied.
  Napi::Value evaluate_async(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  const std::shared_ptr<Executor>& executor() const;

  std::shared_ptr<Executor> executor_;  // calls in flight hold it too
  Device device_ = kHost;
  Shape shape_{};
  int64_t external_bytes_ = 0;
};

}  // namespace gauntlet::binding
