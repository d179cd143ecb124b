// Devices as JavaScript names them, and the one gate to CUDA: a process that never asks for a GPU never touches one.
#pragma once

#include <napi.h>

#include <string>

namespace gauntlet::binding {

/// A CUDA device number, or kHost.
using Device = int;
inline constexpr Device kHost = -1;

/// 'cpu' or 'cuda:N'. Throws ERR_DEVICE where that device cannot be used.
Device parse_device(const std::string& id);
std::string device_id(Device device);

struct CudaStatus {
  bool compiled = false;
  bool usable = false;
  std::string reason;           // why not usable
  std::string driver, runtime;  // the CUDA versions, as "12.4", that they support; empty where there is none
};

/// Looks for a GPU at its first call.
const CudaStatus& cuda_status();
/// Whether cuda_status() has been asked before and found a GPU.
bool cuda_in_use();

/// cudaStatus(), cudaDevices(), synchronize(id) of JavaScript.
Napi::Value cuda_status_object(const Napi::CallbackInfo& info);
Napi::Value cuda_device_objects(const Napi::CallbackInfo& info);
void wait_for_device(const Napi::CallbackInfo& info);

}  // namespace gauntlet::binding
