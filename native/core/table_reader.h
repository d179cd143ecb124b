// Tables as lib/ encodes them: integers and reals, each in the order in which they were written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace gauntlet {

/// Takes numbers one after another. What is out of range, or not there, is Error("ERR_ARGUMENT"), before anything of a size that only the
/// table claims is made.
class TableReader {
 public:
  /// @param what messages call the table: "plan"
  TableReader(const char* what, std::span<const int32_t> integers, std::span<const double> reals)
      : what_(what), integers_(integers), reals_(reals) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error("ERR_ARGUMENT", "Malformed " + std::string(what_) + ": " + why);
  }

  int32_t integer() {
    if (integers_.empty()) refuse("it ends early");
    const int32_t value = integers_.front();
    integers_ = integers_.subspan(1);
    return value;
  }
  /// least <= value < end
  int32_t within(int64_t least, int64_t end) {
    const int32_t value = integer();
    if (value < least || value >= end) {
      refuse(std::to_string(value) + " where numbers from " + std::to_string(least) + " below " + std::to_string(end) +
             " are allowed");
    }
    return value;
  }
  int32_t count() { return within(0, kMost); }
  int32_t size() { return within(1, kMost); }
  int32_t index(int64_t end) { return within(0, end); }
  bool flag() { return within(0, 2) == 1; }
  /// How many items follow, of at least one integer each.
  int32_t items() { return within(0, static_cast<int64_t>(integers_.size())); }

  std::vector<int32_t> indices(size_t n, int64_t end) {
    if (n > integers_.size()) refuse("it ends early");
    std::vector<int32_t> values(n);
    for (int32_t& value : values) value = index(end);
    return values;
  }
  double real() { return reals(1)[0]; }
  std::vector<double> reals(int64_t n) {
    if (n < 0 || static_cast<size_t>(n) > reals_.size()) refuse("it ends early");
    std::vector<double> values(reals_.begin(), reals_.begin() + n);
    reals_ = reals_.subspan(n);
    return values;
  }
  void finish() const {
    if (!integers_.empty() || !reals_.empty()) refuse("it goes on after its end");
  }

  static constexpr int64_t kMost = int64_t{1} << 31;

 private:
  const char* what_;
  std::span<const int32_t> integers_;
  std::span<const double> reals_;
};

}  // namespace gauntlet
