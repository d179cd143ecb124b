#include "binding/device_array.h"

#include "binding/errors.h"

namespace gauntlet::binding {
namespace {

/// Tells our objects from any other that wraps native memory.
constexpr napi_type_tag kTag = {0x6d7a1f0c52e94b83, 0x9c3e8d1b7a604f25};

}  // namespace

Napi::Function DeviceArray::define(Napi::Env env) {
  return DefineClass(env, "NativeDeviceArray",
                     {InstanceMethod("write", &DeviceArray::write), InstanceMethod("read", &DeviceArray::read),
                      InstanceMethod("dispose", &DeviceArray::dispose)});
}

DeviceArray::DeviceArray(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceArray>(info) {
  guard(info.Env(), [&] {
    memory_ = make_memory(info);
    info.This().As<Napi::Object>().TypeTag(&kTag);
    if (memory_->is_part()) return;
    // The collector sees a tiny object; GPU memory counts too, since only the collector gives forgotten arrays back.
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), static_cast<int64_t>(memory_->bytes()));
  });
}

std::shared_ptr<Memory> DeviceArray::make_memory(const Napi::CallbackInfo& info) const {
  const DeviceArray* const whole = from(info.Env(), info[0]);
  if (!whole) {
    return Memory::on(parse_device(info[0].ToString().Utf8Value()),
                      static_cast<size_t>(info[1].ToNumber().Int64Value()));
  }
  const int64_t first = info[1].ToNumber().Int64Value(), length = info[2].ToNumber().Int64Value();
  const auto all = static_cast<int64_t>(whole->memory()->length());
  if (first < 0 || length < 0 || first > all || length > all - first) {
    throw Error("ERR_ARGUMENT", "Expected a part of " + std::to_string(all) + " floats");
  }
  return Memory::part(whole->memory(), static_cast<size_t>(first), static_cast<size_t>(length));
}

void DeviceArray::replace(std::shared_ptr<Memory> memory) {
  if (memory_->is_part() || memory_.use_count() > 1) {
    memory_->copy_from(*memory);  // others see the same floats
  } else {
    memory_ = std::move(memory);
  }
}

void DeviceArray::Finalize(Napi::BasicEnv env) {
  if (memory_ && !memory_->is_part())
    Napi::MemoryManagement::AdjustExternalMemory(env, -static_cast<int64_t>(memory_->bytes()));
}

DeviceArray* DeviceArray::from(Napi::Env env, napi_value value) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object) return nullptr;
  bool tagged = false;
  if (napi_check_object_type_tag(env, value, &kTag, &tagged) != napi_ok || !tagged) return nullptr;
  return Unwrap(Napi::Object(env, value));
}

const std::shared_ptr<Memory>& DeviceArray::memory() const {
  if (!memory_) throw Error("ERR_DISPOSED", "This DeviceArray was disposed of");
  return memory_;
}

float* DeviceArray::same_length(const Napi::CallbackInfo& info) const {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(info.Env(), info[0], &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float32_array) {
    throw Error("ERR_DTYPE", "Expected a Float32Array");
  }
  if (length != memory()->length()) {
    throw Error("ERR_LENGTH",
                "Expected " + std::to_string(memory_->length()) + " values but received " + std::to_string(length));
  }
  return static_cast<float*>(data);
}

void DeviceArray::write(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] { memory()->copy_from(same_length(info)); });
}

void DeviceArray::read(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] { memory()->copy_to(same_length(info)); });
}

void DeviceArray::dispose(const Napi::CallbackInfo& info) {
  Finalize(info.Env());
  memory_.reset();
}

}  // namespace gauntlet::binding
