#include "core/convolution.h"

#include "core/table_reader.h"

namespace gauntlet {
namespace {

ConvolutionTable::Path read_path(TableReader& in, const ConvolutionTable& table) {
  ConvolutionTable::Path path{};
  path.x1 = in.count();
  path.y = in.count();
  path.channels = in.size();
  path.size1 = in.size();
  path.size3 = in.size();
  path.weight = in.within(-1, TableReader::kMost);
  path.matrix = in.count();
  const auto check = [&](int64_t begin, int64_t length, int64_t end, const char* what) {
    if (begin + length > end) in.refuse(std::string("a path ends past its ") + what);
  };
  check(path.x1, int64_t{path.channels} * path.size1, table.dim[0], "operand x1");
  check(path.y, int64_t{path.channels} * path.size3, table.dim[2], "result");
  if (path.weight >= 0) check(path.weight, path.channels, table.dim[3], "weights");
  check(path.matrix, int64_t{path.size1} * path.size3, table.matrix_rows, "matrix");
  return path;
}

}  // namespace

ConvolutionTable decode_convolution(std::span<const int32_t> integers, std::span<const double> reals) {
  TableReader in("convolution", integers, reals);
  ConvolutionTable table{};
  for (int32_t& dim : table.dim) dim = in.count();
  table.matrix_rows = in.count();
  const int32_t paths = in.items(), entries = in.items();
  for (int32_t p = 0; p < paths; ++p) table.paths.push_back(read_path(in, table));
  for (int32_t e = 0; e < entries; ++e) {
    const int32_t row = in.index(table.matrix_rows), column = in.index(table.dim[1]);
    table.entries.push_back({row, column, in.real()});
  }
  in.finish();
  return table;
}

}  // namespace gauntlet
