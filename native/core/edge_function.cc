#include "core/edge_function.h"

#include "core/error.h"

namespace gauntlet {
namespace {

constexpr int32_t kHarmonics = 0, kRadial = 1;

[[noreturn]] void malformed() { throw Error("ERR_ARGUMENT", "The table of an edge function is malformed"); }

HarmonicsTable decode_harmonics(std::span<const int32_t> integers, std::span<const double> reals) {
  HarmonicsTable table{};
  if (integers.size() != 2 || integers[0] < 0 || integers[0] > HarmonicsTable::kMaxDegree) malformed();
  table.lmax = integers[0];
  table.normalize = integers[1] != 0;
  const size_t degrees = table.lmax + 1, pairs = degrees * (degrees + 1) / 2;
  if (reals.size() != 1 + degrees + 5 * pairs) malformed();
  const double* next = reals.data();
  const auto read = [&] { return static_cast<float>(*next++); };
  table.constant = read();
  for (size_t m = 0; m < degrees; ++m) table.sector[m] = read();
  for (size_t n = 0; n < pairs; ++n) {
    HarmonicsTable::Pair& pair = table.pair[n];
    for (float* coefficient : {&pair.along, &pair.back, &pair.polar, &pair.inner, &pair.outer}) *coefficient = read();
  }
  return table;
}

RadialTable decode_radial(std::span<const int32_t> integers, std::span<const double> reals) {
  if (integers.size() != 4 || reals.size() != 3) malformed();
  const RadialTable table{.family = static_cast<RadialTable::Family>(integers[0]),
                          .count = integers[1],
                          .window = integers[2] != 0,
                          .power = integers[3],
                          .start = reals[0],
                          .width = reals[1],
                          .scale = reals[2]};
  const bool known = integers[0] >= 0 && integers[0] <= static_cast<int32_t>(RadialTable::Family::polynomial);
  if (!known || table.count < 1 || table.count > RadialTable::kMaxCount) malformed();
  if (table.family == RadialTable::Family::polynomial &&
      (table.count != 1 || table.power < 2 || table.power > RadialTable::kMaxPower)) {
    malformed();
  }
  return table;
}

}  // namespace

int edge_inputs(const EdgeTable& table) { return std::holds_alternative<HarmonicsTable>(table) ? 3 : 1; }

int edge_values(const EdgeTable& table) {
  if (const auto* harmonics = std::get_if<HarmonicsTable>(&table)) return (harmonics->lmax + 1) * (harmonics->lmax + 1);
  return std::get<RadialTable>(table).count;
}

EdgeTable decode_edge_table(std::span<const int32_t> integers, std::span<const double> reals) {
  if (integers.empty()) malformed();
  if (integers[0] == kHarmonics) return decode_harmonics(integers.subspan(1), reals);
  if (integers[0] == kRadial) return decode_radial(integers.subspan(1), reals);
  malformed();
}

}  // namespace gauntlet
