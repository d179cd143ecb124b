// How native failures become JavaScript errors: an Error with a stable `code`, which lib/runtime turns into a GauntletError.
#pragma once

#include <napi.h>

#include <new>
#include <string>
#include <utility>

#include "core/error.h"

namespace gauntlet::binding {

struct Failure {
  const char* code = nullptr;  // null: none
  std::string message;
};

/// Inside a catch block: what is being handled.
inline Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const std::bad_alloc&) {
    return {"ERR_MEMORY", "The memory for this operation could not be allocated"};
  } catch (const std::exception& error) {
    return {"ERR_ARGUMENT", error.what()};
  }
}

inline Napi::Error to_js(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Set("code", failure.code);
  return error;
}

/// Every entry from JavaScript runs inside this, so that no C++ exception but Napi::Error reaches Node-API.
template <typename Body>
auto guard(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_js(env, current_failure());
  }
}

}  // namespace gauntlet::binding
