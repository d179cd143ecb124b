#include "core/library.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace gauntlet {

#ifdef _WIN32

Library::Library(const std::vector<std::string>& names, bool) {
  for (const std::string& name : names) {
    handle_ = LoadLibraryA(name.c_str());
    if (handle_ != nullptr) return;
    reasons_ += "\n  " + name + ": error " + std::to_string(GetLastError());
  }
}

void* Library::address(const char* name) const {
  return handle_ ? reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name)) : nullptr;
}

#else

Library::Library(const std::vector<std::string>& names, bool global) {
  for (const std::string& name : names) {
    handle_ = dlopen(name.c_str(), RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
    if (handle_ != nullptr) return;
    const char* const reason = dlerror();
    reasons_ += std::string("\n  ") + (reason == nullptr ? name.c_str() : reason);
  }
}

void* Library::address(const char* name) const { return handle_ ? dlsym(handle_, name) : nullptr; }

#endif

}  // namespace gauntlet
