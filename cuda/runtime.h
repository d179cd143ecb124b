// What the rest of the addon may ask of CUDA. Nothing here touches a GPU before it is called, and every failure is an
// Error("ERR_CUDA" | "ERR_DEVICE" | "ERR_MEMORY") that names the CUDA error.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gauntlet::cuda {

struct DeviceInfo {
  int index;
  std::string name;
  size_t memory;  // bytes
  int major, minor;
  int multiprocessors;
  int clock_khz;
  int memory_clock_khz;
  int bus_bits;
};

/// Whether a GPU can be used, found out once per process; `reason` says why not ("no NVIDIA driver", "driver too old", ...).
struct Status {
  bool usable = false;
  int device_count = 0;
  int driver_version = 0;  // as CUDA reports it, 0 where there is no driver
  int runtime_version = 0;
  std::string reason;
};
const Status& status();

const std::vector<DeviceInfo>& devices();

/// Throws Error("ERR_DEVICE") unless there is such a device to use.
void require_device(int device);

/// Page-locked host memory, visible to every device.
void* allocate_pinned(size_t bytes);
void free_pinned(void* pointer) noexcept;

void* allocate_device(int device, size_t bytes);
void free_device(int device, void* pointer) noexcept;

/// Waits until every call so far is complete that was made for a device.
void synchronize(int device);

/// Copies between host memory and memory of `device`, complete when they return, and within the latter, in their turn.
void copy_to_device(int device, void* to, const void* from, size_t bytes);
void copy_to_host(int device, void* to, const void* from, size_t bytes);
void copy_on_device(int device, void* to, const void* from, size_t bytes);

}  // namespace gauntlet::cuda
