#include "core/convolution.h"

#include "core/error.h"

namespace gauntlet {
namespace {

[[noreturn]] void malformed() { throw Error("ERR_ARGUMENT", "The table of a convolution is malformed"); }

bool fits(int64_t begin, int64_t length, int64_t end) { return begin >= 0 && length >= 0 && begin + length <= end; }

}  // namespace

ConvolutionTable decode_convolution(std::span<const int32_t> integers, std::span<const double> reals) {
  size_t at = 0;
  const auto read = [&] { return at < integers.size() ? integers[at++] : (malformed(), 0); };
  ConvolutionTable table{};
  for (int32_t& dim : table.dim) {
    dim = read();
    if (dim < 0) malformed();
  }
  table.matrix_rows = read();
  const int32_t paths = read(), entries = read();
  if (table.matrix_rows < 0 || paths < 0 || entries < 0 || static_cast<size_t>(entries) != reals.size()) malformed();
  if (static_cast<size_t>(paths) > integers.size() / 7) malformed();
  for (int32_t p = 0; p < paths; ++p) {
    ConvolutionTable::Path path{};
    for (int32_t* field : {&path.x1, &path.y, &path.channels, &path.size1, &path.size3, &path.weight, &path.matrix}) {
      *field = read();
    }
    if (path.channels < 1 || path.size1 < 1 || path.size3 < 1) malformed();
    if (!fits(path.x1, int64_t{path.channels} * path.size1, table.dim[0])) malformed();
    if (!fits(path.y, int64_t{path.channels} * path.size3, table.dim[2])) malformed();
    if (path.weight != -1 && !fits(path.weight, path.channels, table.dim[3])) malformed();
    if (!fits(path.matrix, int64_t{path.size1} * path.size3, table.matrix_rows)) malformed();
    table.paths.push_back(path);
  }
  if (integers.size() - at != 2 * static_cast<size_t>(entries)) malformed();
  for (int32_t e = 0; e < entries; ++e) {
    const int32_t row = read(), column = read();
    if (!fits(row, 1, table.matrix_rows) || !fits(column, 1, table.dim[1])) malformed();
    table.entries.push_back({row, column, reals[e]});
  }
  return table;
}

}  // namespace gauntlet
