// A convolution on a device, callable from JavaScript; lib/product/convolution.ts is its public face.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/devices.h"
#include "core/convolution.h"

namespace gauntlet::binding {

class NativeConvolution : public Napi::ObjectWrap<NativeConvolution> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, integers: Int32Array, reals: Float64Array)
  explicit NativeConvolution(const Napi::CallbackInfo& info);

 private:
  /// (target, x1, x2, y, w, graph: NativeGraph on the same device, accumulate)
  void evaluate(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);

  std::unique_ptr<Convolution> convolution_;
  Device device_ = kHost;
  size_t dim_[kOperands] = {};
};

}  // namespace gauntlet::binding
