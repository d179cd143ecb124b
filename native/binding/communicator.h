// Data parallelism as JavaScript sees it: functions on float arrays of all processes.
#pragma once

#include <napi.h>

namespace gauntlet::binding {

/// (library) -> { rank, size }
Napi::Value join_ranks(const Napi::CallbackInfo& info);
/// (array): a Float32Array, Float64Array or DeviceArray, summed over all processes in place.
void sum_over_ranks(const Napi::CallbackInfo& info);
/// (root, array): a Float32Array, overwritten with that of process `root`.
void broadcast_from(const Napi::CallbackInfo& info);
void leave_ranks(const Napi::CallbackInfo& info);
/// (code): ends all processes.
void abort_ranks(const Napi::CallbackInfo& info);

}  // namespace gauntlet::binding
