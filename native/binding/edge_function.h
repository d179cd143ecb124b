// A function of edges on a device, callable from JavaScript; lib/edge is its public face.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/devices.h"
#include "core/edge_function.h"

namespace gauntlet::binding {

class NativeEdgeFunction : public Napi::ObjectWrap<NativeEdgeFunction> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, integers: Int32Array, reals: Float64Array)
  explicit NativeEdgeFunction(const Napi::CallbackInfo& info);

 private:
  /// Float32Arrays or DeviceArrays, as core/edge_function.h names them.
  void forward(const Napi::CallbackInfo& info);          // (x, values, rows)
  void backward(const Napi::CallbackInfo& info);         // (gradOut, x, grad, rows)
  void double_backward(const Napi::CallbackInfo& info);  // (v, gradOut, x, grad, values, rows)
  void dispose(const Napi::CallbackInfo& info);

  void run(const Napi::CallbackInfo& info, Pass pass);

  std::unique_ptr<EdgeFunction> function_;
  Device device_ = kHost;
  size_t inputs_ = 0, values_ = 0;  // floats of a row
};

}  // namespace gauntlet::binding
