#include <algorithm>
#include <map>
#include <numeric>

#include "cuda/circuit.h"

namespace gauntlet::cuda {
namespace {

constexpr int32_t kForever = INT32_MAX;

/// What a row holds between one write and the next.
struct Value {
  int32_t level = 0;     // 0: an input
  int32_t last_use = 0;  // the level of the last sum that reads it
  int32_t row = -1;
};

class Leveling {
 public:
  explicit Leveling(const ContractionTable& table) : table_(table), current_(table.rows, -1) {
    for (const ContractionTable::Operand& operand : table.operands) {
      for (const int32_t row : operand.rows) {
        if (!operand.result && current_[row] < 0) values_[current_[row] = add()].last_use = kForever;
      }
    }
    inputs_ = current_;
    read_sums();
    for (const ContractionTable::Operand& operand : table.operands) {
      for (const int32_t row : operand.rows) values_[read(row)].last_use = kForever;
    }
  }

  Circuit make() {
    Circuit circuit;
    give_rows(circuit);
    const auto row_of = [&](int32_t value) { return values_[value].row; };
    for (const int32_t n : order_) {
      CircuitSum sum = sums_[n];
      const CircuitSum from = sum;
      sum.target = row_of(from.target);
      sum.first_product = static_cast<int32_t>(circuit.products.size());
      sum.first_multiple = static_cast<int32_t>(circuit.multiples.size());
      for (int32_t i = from.first_product; i < from.first_product + from.products; ++i)
        circuit.products.push_back({row_of(products_[i].a), row_of(products_[i].b)});
      for (int32_t i = from.first_multiple; i < from.first_multiple + from.multiples; ++i)
        circuit.multiples.push_back({row_of(multiples_[i]), static_cast<float>(table_.multiple_factors[i])});
      circuit.sums.push_back(sum);
    }
    place_arrays(circuit);
    return circuit;
  }

 private:
  int32_t add() {
    values_.emplace_back();
    return static_cast<int32_t>(values_.size()) - 1;
  }

  int32_t read(int32_t row) const { return current_[row]; }

  /// Sums of values instead of rows.
  void read_sums() {
    size_t sum = 0, product = 0, multiple = 0;
    for (const ContractionTable::Run& run : table_.runs) {
      for (int32_t row = 0; row < run.rows; ++row, ++sum) {
        int32_t level = 0;
        std::vector<int32_t> parts;
        for (size_t n = product; n < product + run.products; ++n) {
          products_.push_back({read(table_.factors[2 * n]), read(table_.factors[2 * n + 1])});
          parts.insert(parts.end(), {products_.back().a, products_.back().b});
        }
        for (size_t n = multiple; n < multiple + run.multiples; ++n)
          parts.push_back(multiples_.emplace_back(read(table_.multiples[n])));
        for (const int32_t part : parts) level = std::max(level, values_[part].level);
        ++level;
        for (const int32_t part : parts) values_[part].last_use = std::max(values_[part].last_use, level);
        const int32_t value = current_[table_.targets[sum]] = add();
        values_[value].level = level;
        sums_.push_back(
            {value, static_cast<int32_t>(product), run.products, static_cast<int32_t>(multiple), run.multiples});
        product += run.products, multiple += run.multiples;
      }
    }
  }

  void give_rows(Circuit& circuit) {
    for (Value& value : values_) {
      if (value.level == 0) value.row = circuit.rows++;
    }
    order_.resize(sums_.size());
    std::iota(order_.begin(), order_.end(), 0);
    const auto level_of = [&](int32_t n) { return values_[sums_[n].target].level; };
    std::ranges::stable_sort(order_, {}, level_of);
    std::multimap<int32_t, int32_t> used;  // last use -> row
    std::vector<int32_t> free;
    for (size_t n = 0; n < order_.size();) {
      const int32_t level = level_of(order_[n]);
      for (auto it = used.begin(); it != used.end() && it->first < level; it = used.erase(it))
        free.push_back(it->second);
      for (; n < order_.size() && level_of(order_[n]) == level; ++n) {
        Value& value = values_[sums_[order_[n]].target];
        if (free.empty()) free.push_back(circuit.rows++);
        value.row = free.back();
        free.pop_back();
        used.emplace(std::max(value.last_use, level), value.row);
      }
      circuit.levels.push_back(static_cast<int32_t>(n));
    }
  }

  /// Components of features, and mixtures of weights, of which an array has [base, mixture, channel].
  void place_arrays(Circuit& circuit) const {
    for (size_t n = 0; n < table_.operands.size(); ++n) {
      const ContractionTable::Operand& operand = table_.operands[n];
      const std::vector<int32_t>& values = operand.result ? current_ : inputs_;
      std::vector<RowPlace>& places = operand.result ? circuit.outputs : circuit.inputs;
      auto row = operand.rows.begin();
      const auto place = [&](int32_t offset, int32_t stride) {
        places.push_back({values_[values[*row++]].row, static_cast<int32_t>(n), offset, stride});
      };
      for (const Block& block : operand.features.blocks) {
        for (int32_t k = 0; k < block.size; ++k) place(block.offset + k, block.size);
      }
      for (int32_t mixture = 0; row != operand.rows.end(); ++mixture) place(mixture * table_.channels, 1);
    }
  }

  const ContractionTable& table_;
  std::vector<int32_t> current_, inputs_;  // values that rows hold: now, and at first
  std::vector<Value> values_;
  std::vector<CircuitSum> sums_;  // of values
  std::vector<CircuitProduct> products_;
  std::vector<int32_t> multiples_;
  std::vector<int32_t> order_;  // of sums, by level
};

}  // namespace

Circuit level_circuit(const ContractionTable& table) { return Leveling(table).make(); }

}  // namespace gauntlet::cuda
