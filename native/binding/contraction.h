// A product of many factors, or a derivative of one, callable from JavaScript; lib/product/contraction.ts is its public face.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "binding/devices.h"
#include "core/contraction.h"

namespace gauntlet::binding {

class NativeContraction : public Napi::ObjectWrap<NativeContraction> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, integers: Int32Array, reals: Float64Array)
  explicit NativeContraction(const Napi::CallbackInfo& info);

 private:
  struct Shape {
    size_t dim;  // floats of a node, or of all weights
    bool weights, result;
  };

  void run(const Napi::CallbackInfo& info);  // (elements: Int32Array, ...operands: Float32Array | DeviceArray)
  void dispose(const Napi::CallbackInfo& info);

  std::unique_ptr<Contraction> contraction_;
  Device device_ = kHost;
  int32_t elements_ = 0;  // how many kinds
  std::vector<Shape> shapes_;
};

}  // namespace gauntlet::binding
