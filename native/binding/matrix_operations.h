// Operations on matrices, callable from JavaScript as NativeKernels; lib/tensor/kernels.ts calls them.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/devices.h"
#include "core/matrix_operations.h"

namespace gauntlet::binding {

class NativeKernels : public Napi::ObjectWrap<NativeKernels> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device)
  explicit NativeKernels(const Napi::CallbackInfo& info);

 private:
  // As in lib/runtime/native.ts.
  void fill(const Napi::CallbackInfo& info);
  void elementwise(const Napi::CallbackInfo& info);
  void combine(const Napi::CallbackInfo& info);
  void concatenate(const Napi::CallbackInfo& info);
  void adam(const Napi::CallbackInfo& info);
  void matmul(const Napi::CallbackInfo& info);
  void gather(const Napi::CallbackInfo& info);
  void scatter(const Napi::CallbackInfo& info);
  void broadcast_rows(const Napi::CallbackInfo& info);
  void sum_rows(const Napi::CallbackInfo& info);
  void columns(const Napi::CallbackInfo& info);
  void pad(const Napi::CallbackInfo& info);

  /// Reads `out`, x, dim, width and from; `from..from + narrow` are columns of the wider one.
  void move_columns(const Napi::CallbackInfo& info, bool into);

  std::unique_ptr<MatrixOperations> operations_;
  Device device_ = kHost;
};

}  // namespace gauntlet::binding
