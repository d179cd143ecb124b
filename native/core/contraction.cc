#include "core/contraction.h"

#include <algorithm>

#include "core/error.h"

namespace gauntlet {
namespace {

[[noreturn]] void malformed() { throw Error("ERR_ARGUMENT", "The table of a contraction is malformed"); }

/// Takes numbers one after another and refuses what is out of range.
class Reader {
 public:
  Reader(std::span<const int32_t> integers, std::span<const double> reals) : integers_(integers), reals_(reals) {}

  /// least <= value < end
  int32_t take(int32_t least, int32_t end) {
    if (integers_.empty() || integers_[0] < least || integers_[0] >= end) malformed();
    const int32_t value = integers_[0];
    integers_ = integers_.subspan(1);
    return value;
  }
  int32_t count() { return take(0, kMost); }
  /// How many items follow, of at least one integer each.
  size_t items() {
    const size_t n = count();
    if (n > integers_.size()) malformed();
    return n;
  }
  std::vector<int32_t> list(size_t n, int32_t end) {
    if (n > integers_.size()) malformed();
    std::vector<int32_t> values;
    values.reserve(n);
    for (size_t i = 0; i < n; ++i) values.push_back(take(0, end));
    return values;
  }
  double real() {
    if (reals_.empty()) malformed();
    const double value = reals_[0];
    reals_ = reals_.subspan(1);
    return value;
  }
  void finish() const {
    if (!integers_.empty() || !reals_.empty()) malformed();
  }

  static constexpr int32_t kMost = INT32_MAX;

 private:
  std::span<const int32_t> integers_;
  std::span<const double> reals_;
};

ContractionTable::Features read_features(Reader& read, int32_t channels, size_t& rows) {
  ContractionTable::Features features{};
  features.dim = read.take(1, Reader::kMost);
  int64_t end = 0;
  for (size_t n = read.items(); n > 0; --n) {
    const Block block{read.count(), channels, read.take(1, Reader::kMost)};
    end = std::max(end, block.offset + int64_t{channels} * block.size);
    rows += block.size;
    features.blocks.push_back(block);
  }
  if (end > features.dim) malformed();
  return features;
}

ContractionTable::Weights read_weights(Reader& read, int32_t channels, int32_t elements, size_t& rows) {
  ContractionTable::Weights weights{};
  weights.numel = read.take(1, Reader::kMost);
  for (size_t n = read.items(); n > 0; --n) {
    const ContractionTable::Part part{read.count(), read.count()};
    // Each factor is below 2^31: the second product may be too large for 64 bits where the first is not known to be small.
    const int64_t floats = int64_t{part.paths} * channels;
    if (floats > weights.numel || part.offset + floats * elements > weights.numel) malformed();
    weights.parts.push_back(part);
  }
  const int32_t mixtures = read.count();
  rows = mixtures;
  for (size_t n = read.items(); n > 0; --n) {
    const int32_t part = read.take(0, static_cast<int32_t>(weights.parts.size()));
    const int32_t path = read.take(0, weights.parts[part].paths), mixture = read.take(0, mixtures);
    weights.mixing.push_back({part, path, mixture, read.real()});
  }
  return weights;
}

/// Refuses a table that reads a row before anything has written it.
void check_written(const ContractionTable& table) {
  std::vector<bool> written(table.rows, false);
  const auto read = [&](std::span<const int32_t> rows) {
    for (const int32_t row : rows) {
      if (!written[row]) malformed();
    }
  };
  const auto write = [&](std::span<const int32_t> rows) {
    for (const int32_t row : rows) written[row] = true;
  };
  for (const ContractionTable::Operand& operand : table.operands) {
    if (!operand.result) write(operand.rows);
  }
  std::span<const int32_t> targets = table.targets, factors = table.factors, multiples = table.multiples;
  const auto take = [](std::span<const int32_t>& rows, size_t n) {
    const auto taken = rows.first(n);
    rows = rows.subspan(n);
    return taken;
  };
  for (const ContractionTable::Run& run : table.runs) {
    const size_t rows = run.rows;
    read(take(factors, 2 * rows * run.products));
    read(take(multiples, rows * run.multiples));
    write(take(targets, rows));
  }
  for (const ContractionTable::Operand& operand : table.operands) {
    if (operand.result) read(operand.rows);
  }
}

}  // namespace

ContractionTable decode_contraction(std::span<const int32_t> integers, std::span<const double> reals) {
  Reader read(integers, reals);
  ContractionTable table{};
  table.channels = read.take(1, Reader::kMost);
  table.elements = read.take(1, Reader::kMost);
  table.rows = read.take(1, 1 << 24);
  for (size_t n = read.items(); n > 0; --n) {
    ContractionTable::Operand operand{};
    operand.result = read.take(0, 2) == 1;
    operand.weights = read.take(0, 2) == 1;
    size_t rows = 0;
    if (operand.weights) {
      operand.mixtures = read_weights(read, table.channels, table.elements, rows);
    } else {
      operand.features = read_features(read, table.channels, rows);
    }
    operand.rows = read.list(rows, table.rows);
    table.operands.push_back(std::move(operand));
  }
  size_t sums = 0, products = 0, multiples = 0;
  for (size_t n = read.items(); n > 0; --n) {
    const ContractionTable::Run run{read.count(), read.count(), read.count()};
    sums += run.rows;
    products += size_t{static_cast<uint32_t>(run.rows)} * run.products;
    multiples += size_t{static_cast<uint32_t>(run.rows)} * run.multiples;
    if (std::max({sums, products, multiples}) > integers.size()) malformed();
    table.runs.push_back(run);
  }
  table.targets = read.list(sums, table.rows);
  table.factors = read.list(2 * products, table.rows);
  table.multiples = read.list(multiples, table.rows);
  for (size_t n = 0; n < multiples; ++n) table.multiple_factors.push_back(read.real());
  read.finish();
  check_written(table);
  return table;
}

}  // namespace gauntlet
