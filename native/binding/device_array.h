// Floats that stay on a device between calls; lib/runtime/device-array.ts is their public face.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/memory.h"

namespace gauntlet::binding {

class DeviceArray : public Napi::ObjectWrap<DeviceArray> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, length), or new (whole, from, length) for some of another's floats
  explicit DeviceArray(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

  /// Null where `value` is no DeviceArray.
  static DeviceArray* from(Napi::Env env, napi_value value);

  bool disposed() const { return !memory_; }
  /// Throws ERR_DISPOSED after dispose().
  const std::shared_ptr<Memory>& memory() const;
  /// Puts other memory of the same device and length in place of this; calls in flight keep the old one.
  void replace(std::shared_ptr<Memory> memory);

 private:
  void write(const Napi::CallbackInfo& info);    // (from: Float32Array)
  void read(const Napi::CallbackInfo& info);     // (into: Float32Array)
  void dispose(const Napi::CallbackInfo& info);  // ()

  std::shared_ptr<Memory> make_memory(const Napi::CallbackInfo& info) const;
  float* same_length(const Napi::CallbackInfo& info) const;

  std::shared_ptr<Memory> memory_;
};

}  // namespace gauntlet::binding
