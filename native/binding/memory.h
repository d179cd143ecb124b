// Memory that native code owns, and what JavaScript may know of it.
//
// A reference to a JavaScript array does not keep its bytes alive: the buffer can be detached or transferred while a thread is
// reading it. Memory handed out by allocate() is ours, so a call in flight can hold it, and free() then only drops the
// holder that JavaScript is.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "binding/devices.h"

namespace gauntlet::binding {

/// `length` floats on one device, aligned to 64 bytes, released by the last holder.
class Memory {
 public:
  /// Contents are undefined.
  static std::shared_ptr<Memory> on(Device device, size_t length);
  /// Host memory filled with zeros; page-locked for CUDA where `pinned`.
  static std::shared_ptr<Memory> zeros(size_t length, bool pinned);

  /// Some of another's floats, which lives as long as this.
  static std::shared_ptr<Memory> part(std::shared_ptr<Memory> whole, size_t from, size_t length);

  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  float* data() const { return data_; }
  size_t length() const { return length_; }
  size_t bytes() const { return length_ * sizeof(float); }
  Device device() const { return device_; }
  bool is_part() const { return whole_ != nullptr; }

  void copy_from(const float* host);
  /// From memory of the same device and length.
  void copy_from(const Memory& other);
  void copy_to(float* host) const;

 private:
  Memory(Device device, size_t length) : device_(device), length_(length) {}
  void take_host(bool zeroed);

  Device device_;
  size_t length_;
  bool pinned_ = false;
  void* base_ = nullptr;
  float* data_ = nullptr;
  std::shared_ptr<Memory> whole_;  // what this is a part of
};

/// The memory behind a pointer into an allocate()d array that has not been freed; null for any other pointer.
std::shared_ptr<Memory> find_allocated(const void* pointer);

/// allocate(length, pinned?): a zero-filled Float32Array on memory of ours. `pinned` defaults to whether a GPU is in use.
Napi::Value allocate(const Napi::CallbackInfo& info);

/// free(array): detaches the array's buffer and drops JavaScript's hold on its memory.
void free_array(const Napi::CallbackInfo& info);

}  // namespace gauntlet::binding
