#pragma once

#include <stdexcept>
#include <string>

namespace gauntlet {

/// What native code throws; `code` is one of lib/runtime/errors.ts.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const noexcept { return code_; }

 private:
  const char* code_;
};

}  // namespace gauntlet
