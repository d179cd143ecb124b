// Sparse tables for a warp: output rows that need nearly the same inputs are summed together.
//
//     y[row] = sum over keys  coefficient(row, key) * input(key)
//
// A key says where a fiber row is, in floats, or where a pair of rows is whose product is the input (16 bits each). A thread that
// follows one row at a time loads an input and a coefficient for every multiply-add, and loads are what it waits for. A *bundle* is up
// to 8 rows and the union of their keys: an input is loaded (and a product formed) once for all of them, at the price of some zero
// coefficients.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "cuda/memory.h"

namespace gauntlet::cuda {

constexpr int kWidestBundle = 8;

struct alignas(16) Bundle {
  int32_t row[kWidestBundle];  // -1 where it has fewer
  int32_t width;               // 1, 2, 4 or 8 coefficients for every key
  int32_t count;               // keys
  int32_t first_key;
  int32_t first_coefficient;  // a multiple of 4
};

struct Entry {
  int32_t row;
  uint32_t key;
  double value;
};

/// What kernels read. Bundles of list n are [starts[n], starts[n + 1]); a set of kWarps lists, of about equal work, makes a step.
struct BundleView {
  const Bundle* bundles;
  const int32_t* starts;
  const uint32_t* keys;
  const float* coefficients;
};

class BundleTable {
 public:
  /// Adds one step: the given rows, each in exactly one bundle even if it has no entry, and their entries (equal ones are summed).
  void add_step(const std::vector<int32_t>& rows, std::vector<Entry> entries);

  const std::vector<Bundle>& bundles() const { return bundles_; }
  const std::vector<int32_t>& starts() const { return starts_; }
  const std::vector<uint32_t>& keys() const { return keys_; }
  const std::vector<float>& coefficients() const { return coefficients_; }

 private:
  std::vector<Bundle> bundles_;
  std::vector<int32_t> starts_{0};
  std::vector<uint32_t> keys_;
  std::vector<float> coefficients_;
};

class DeviceBundles {
 public:
  explicit DeviceBundles(const BundleTable& table)
      : bundles_(table.bundles()), starts_(table.starts()), keys_(table.keys()), coefficients_(table.coefficients()) {}
  BundleView view() const { return {bundles_.data(), starts_.data(), keys_.data(), coefficients_.data()}; }

 private:
  Table<Bundle> bundles_;
  Table<int32_t> starts_;
  Table<uint32_t> keys_;
  Table<float> coefficients_;
};

/// Deals pieces of work to kWarps lists, the dearest first, each to the list with least: the pieces of every list, in order.
std::vector<std::vector<int>> deal(const std::vector<double>& costs);

}  // namespace gauntlet::cuda
