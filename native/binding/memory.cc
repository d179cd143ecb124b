#include "binding/memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "binding/errors.h"
#include "core/huge_pages.h"
#ifdef GAUNTLET_WITH_CUDA
#include "cuda/runtime.h"
#endif

namespace gauntlet::binding {
namespace {

constexpr size_t kAlignment = 64;         // a cache line and an AVX-512 register
constexpr size_t kLarge = 2 * kHugePage;  // from here on, rounding up to huge pages costs little

/// What an ArrayBuffer holds of its memory. Outlives free(), until the buffer's finalizer runs.
struct Allocation {
  std::shared_ptr<Memory> memory;
};

/// Every live Allocation of the process by address; worker threads share it. Leaked on purpose: threads may still be working
/// when the process exits.
class Registry {
 public:
  static Registry& instance() {
    static Registry* registry = new Registry;
    return *registry;
  }

  void add(Allocation* allocation) {
    std::lock_guard lock(mutex_);
    by_address_[address(allocation->memory->data())] = allocation;
  }

  std::shared_ptr<Memory> find(const void* pointer) {
    std::lock_guard lock(mutex_);
    Allocation* allocation = locate(pointer);
    return allocation ? allocation->memory : nullptr;
  }

  /// Drops JavaScript's hold.
  void release(const void* pointer) {
    std::shared_ptr<Memory> memory;  // declared first: what it frees is freed after the lock
    std::lock_guard lock(mutex_);
    if (Allocation* allocation = locate(pointer)) {
      memory = std::move(allocation->memory);
      by_address_.erase(address(memory->data()));
    }
  }

  /// The buffer is gone. After free() its address may belong to another allocation already, which must stay.
  void finalize(std::unique_ptr<Allocation> allocation) {
    std::lock_guard lock(mutex_);
    if (allocation->memory) by_address_.erase(address(allocation->memory->data()));
  }

 private:
  static uintptr_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

  Allocation* locate(const void* pointer) {
    auto after = by_address_.upper_bound(address(pointer));
    if (after == by_address_.begin()) return nullptr;
    const auto& [first, allocation] = *std::prev(after);
    return address(pointer) < first + allocation->memory->bytes() ? allocation : nullptr;
  }

  std::mutex mutex_;
  std::map<uintptr_t, Allocation*> by_address_;
};

[[noreturn]] void out_of_memory(size_t length) {
  throw Error("ERR_MEMORY", "Could not allocate " + std::to_string(length * sizeof(float)) + " bytes");
}

}  // namespace

std::shared_ptr<Memory> Memory::on(Device device, size_t length) {
  std::shared_ptr<Memory> memory(new Memory(device, length));
  if (device == kHost) {
    memory->take_host(false);
    return memory;
  }
#ifdef GAUNTLET_WITH_CUDA
  memory->base_ = cuda::allocate_device(device, memory->bytes());
  memory->data_ = static_cast<float*>(memory->base_);
#endif
  return memory;
}

std::shared_ptr<Memory> Memory::zeros(size_t length, [[maybe_unused]] bool pinned) {
  std::shared_ptr<Memory> memory(new Memory(kHost, length));
#ifdef GAUNTLET_WITH_CUDA
  if (pinned) {
    memory->base_ = cuda::allocate_pinned(memory->bytes());
    memory->data_ = static_cast<float*>(memory->base_);
    memory->pinned_ = true;
    std::memset(memory->data_, 0, memory->bytes());
    return memory;
  }
#endif
  memory->take_host(true);
  return memory;
}

std::shared_ptr<Memory> Memory::part(std::shared_ptr<Memory> whole, size_t from, size_t length) {
  std::shared_ptr<Memory> memory(new Memory(whole->device_, length));
  memory->data_ = whole->data_ + from;
  memory->whole_ = std::move(whole);
  return memory;
}

void Memory::take_host(bool zeroed) {
  // Large blocks fill whole huge pages. calloc leaves their pages untouched, where aligned_alloc and memset would claim them.
  const size_t alignment = bytes() < kLarge ? kAlignment : kHugePage;
  const size_t size = (bytes() + alignment - 1) / alignment * alignment;
  base_ = zeroed ? std::calloc(size + alignment, 1) : std::malloc(size + alignment);
  if (!base_) out_of_memory(length_);
  const uintptr_t first = (reinterpret_cast<uintptr_t>(base_) + alignment - 1) / alignment * alignment;
  data_ = reinterpret_cast<float*>(first);
  if (alignment == kHugePage) prefer_huge_pages(data_, size);
}

Memory::~Memory() {
  if (!base_) return;
#ifdef GAUNTLET_WITH_CUDA
  if (device_ != kHost) {
    cuda::free_device(device_, base_);
    return;
  }
  if (pinned_) {
    cuda::free_pinned(base_);
    return;
  }
#endif
  std::free(base_);
}

void Memory::copy_from(const float* host) {
  if (length_ == 0) return;
#ifdef GAUNTLET_WITH_CUDA
  if (device_ != kHost) return cuda::copy_to_device(device_, data_, host, bytes());
#endif
  std::memmove(data_, host, bytes());
}

void Memory::copy_from(const Memory& other) {
  if (length_ == 0) return;
#ifdef GAUNTLET_WITH_CUDA
  if (device_ != kHost) return cuda::copy_on_device(device_, data_, other.data_, bytes());
#endif
  std::memmove(data_, other.data_, bytes());
}

void Memory::copy_to(float* host) const {
  if (length_ == 0) return;
#ifdef GAUNTLET_WITH_CUDA
  if (device_ != kHost) return cuda::copy_to_host(device_, host, data_, bytes());
#endif
  std::memmove(host, data_, bytes());
}

std::shared_ptr<Memory> find_allocated(const void* pointer) { return Registry::instance().find(pointer); }

Napi::Value allocate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guard(env, [&]() -> Napi::Value {
    const auto length = static_cast<size_t>(info[0].ToNumber().Int64Value());
    const bool pinned = info[1].IsBoolean() ? info[1].As<Napi::Boolean>().Value() : cuda_in_use();
    if (pinned && !cuda_status().usable) throw Error("ERR_DEVICE", cuda_status().reason);
    if (length == 0) return Napi::Float32Array::New(env, 0);

    // No AdjustExternalMemory here: V8 counts the bytes of external buffers by itself.
    auto allocation = std::make_unique<Allocation>(Allocation{Memory::zeros(length, pinned)});
    Memory& memory = *allocation->memory;
    napi_value buffer;
    const napi_status status = napi_create_external_arraybuffer(
        env, memory.data(), memory.bytes(),
        [](napi_env, void*, void* hint) {
          Registry::instance().finalize(std::unique_ptr<Allocation>(static_cast<Allocation*>(hint)));
        },
        allocation.get(), &buffer);
    // Some hosts (Electron) keep all array memory to themselves. Asynchronous calls copy such an array.
    if (status == napi_no_external_buffers_allowed) return Napi::Float32Array::New(env, length);
    if (status != napi_ok) throw Napi::Error::New(env);
    Registry::instance().add(allocation.release());
    return Napi::Float32Array::New(env, length, Napi::ArrayBuffer(env, buffer), 0);
  });
}

void free_array(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  guard(env, [&] {
    napi_value buffer;
    void* data;
    if (napi_get_typedarray_info(env, info[0], nullptr, nullptr, &data, &buffer, nullptr) != napi_ok) {
      throw Error("ERR_ARGUMENT", "Expected an array from allocate()");
    }
    if (napi_detach_arraybuffer(env, buffer) != napi_ok) {
      throw Error("ERR_BUFFER", "This array's buffer cannot be detached");
    }
    Registry::instance().release(data);
  });
}

}  // namespace gauntlet::binding
