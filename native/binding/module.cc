// The addon's entry: one per JavaScript environment (the main thread and every worker).
#include <napi.h>

#include <string>
#include <vector>

#include "core/build_info.h"

namespace {

Napi::Array strings(Napi::Env env, const std::vector<std::string>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, values[i]));
  return array;
}

Napi::Value build_info(const Napi::CallbackInfo& call) {
  const Napi::Env env = call.Env();
  const gauntlet::BuildInfo info = gauntlet::build_info();
  Napi::Object result = Napi::Object::New(env);
  result.Set("version", info.version);
  result.Set("napiVersion", NAPI_VERSION);
  result.Set("compiler", info.compiler);
  result.Set("isaLevels", strings(env, info.isa_levels));
  if (info.cuda_version.empty()) {
    result.Set("cuda", env.Null());
  } else {
    Napi::Object cuda = Napi::Object::New(env);
    cuda.Set("version", info.cuda_version);
    cuda.Set("architectures", strings(env, info.cuda_architectures));
    result.Set("cuda", cuda);
  }
  return result;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("buildInfo", Napi::Function::New(env, build_info, "buildInfo"));
  return exports;
}

}  // namespace

NODE_API_MODULE(gauntlet, initialize)
