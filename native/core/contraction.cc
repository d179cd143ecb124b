#include "core/contraction.h"

#include <algorithm>

#include "core/table_reader.h"

namespace gauntlet {
namespace {

ContractionTable::Features read_features(TableReader& in, int32_t channels, size_t& rows) {
  ContractionTable::Features features{};
  features.dim = in.size();
  int64_t end = 0;
  for (int32_t n = in.items(); n > 0; --n) {
    const Block block{in.count(), channels, in.size()};
    end = std::max(end, block.offset + int64_t{channels} * block.size);
    rows += block.size;
    features.blocks.push_back(block);
  }
  if (end > features.dim) in.refuse("a block ends past its operand");
  return features;
}

ContractionTable::Weights read_weights(TableReader& in, int32_t channels, int32_t elements, size_t& rows) {
  ContractionTable::Weights weights{};
  weights.numel = in.size();
  for (int32_t n = in.items(); n > 0; --n) {
    const ContractionTable::Part part{in.count(), in.count()};
    // Each factor is below 2^31: the second product may be too large for 64 bits where the first is not known to be small.
    const int64_t floats = int64_t{part.paths} * channels;
    if (floats > weights.numel || part.offset + floats * elements > weights.numel) {
      in.refuse("a part ends past its weights");
    }
    weights.parts.push_back(part);
  }
  const int32_t mixtures = in.count();
  rows = mixtures;
  for (int32_t n = in.items(); n > 0; --n) {
    const int32_t part = in.index(static_cast<int32_t>(weights.parts.size()));
    const int32_t path = in.index(weights.parts[part].paths), mixture = in.index(mixtures);
    weights.mixing.push_back({part, path, mixture, in.real()});
  }
  return weights;
}

/// Refuses a table that reads a row before anything has written it.
void check_written(const TableReader& in, const ContractionTable& table) {
  std::vector<bool> written(table.rows, false);
  const auto read = [&](std::span<const int32_t> rows) {
    for (const int32_t row : rows) {
      if (!written[row]) in.refuse("it reads what nothing writes");
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
  TableReader in("contraction", integers, reals);
  ContractionTable table{};
  table.channels = in.size();
  table.elements = in.size();
  table.rows = in.within(1, 1 << 24);
  for (int32_t n = in.items(); n > 0; --n) {
    ContractionTable::Operand operand{};
    operand.result = in.flag();
    operand.weights = in.flag();
    size_t rows = 0;
    if (operand.weights) {
      operand.mixtures = read_weights(in, table.channels, table.elements, rows);
    } else {
      operand.features = read_features(in, table.channels, rows);
    }
    operand.rows = in.indices(rows, table.rows);
    table.operands.push_back(std::move(operand));
  }
  size_t sums = 0, products = 0, multiples = 0;
  for (int32_t n = in.items(); n > 0; --n) {
    const ContractionTable::Run run{in.count(), in.count(), in.count()};
    sums += run.rows;
    products += size_t{static_cast<uint32_t>(run.rows)} * run.products;
    multiples += size_t{static_cast<uint32_t>(run.rows)} * run.multiples;
    if (std::max({sums, products, multiples}) > integers.size()) in.refuse("it ends early");
    table.runs.push_back(run);
  }
  table.targets = in.indices(sums, table.rows);
  table.factors = in.indices(2 * products, table.rows);
  table.multiples = in.indices(multiples, table.rows);
  for (size_t n = 0; n < multiples; ++n) table.multiple_factors.push_back(in.real());
  in.finish();
  check_written(in, table);
  return table;
}

}  // namespace gauntlet
