#include <algorithm>
#include <optional>
#include <utility>

#include "cuda/convolution_jobs.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

/// A matrix row, for loads of four floats at a time: see load_vector.
int32_t padded(int32_t width) { return width < 3 ? width : round_up(width, 4); }

/// Paths of a launch and the lists made of them.
class Builder {
 public:
  Builder(const ConvolutionTable& table, int target, NodeLines (&lines)[2])
      : table_(table), target_(target), lines_(lines) {}

  int32_t floats_with(const ConvolutionTable::Path& path) const { return jobs_.matrix_floats + floats_of(path); }
  bool empty() const { return pieces_.empty(); }

  void add(const ConvolutionTable::Path& path) {
    if (target_ == kWeights && path.weight < 0) return;
    const bool transposed = target_ == 0;
    const int32_t first[2] = {lines_[0].find(path.x1, path.channels, path.size1),
                              lines_[1].find(path.y, path.channels, path.size3)};
    const int32_t rows = transposed ? path.size3 : path.size1, columns = transposed ? path.size1 : path.size3;
    const int32_t block = transposed ? path.x1 : path.y;
    for (int32_t k = 0; k < columns; k += kWidest) {
      const int32_t width = std::min(columns - k, kWidest), step = padded(width);
      jobs_.matrix_floats = round_up(jobs_.matrix_floats, 4);  // of this row to begin at a whole float4
      Piece piece{{.from = first[transposed],
                   .rows = rows,
                   .to = first[!transposed] + k * path.channels,
                   .width = width,
                   .weight = path.weight,
                   .matrix = jobs_.matrix_floats,
                   .step = step},
                  {.channels = path.channels, .at = block + k, .stride = columns, .width = width}};
      if (target_ == kWeights) piece.task.at = path.weight, piece.task.stride = piece.task.width = 1;
      for (int32_t i = 0; i < rows; ++i) {
        for (int32_t n = 0; n < width; ++n) {
          const int32_t row = transposed ? (k + n) * path.size3 + i : i * path.size3 + k + n;
          places_.push_back({path.matrix + row, jobs_.matrix_floats + i * step + n});
        }
      }
      jobs_.matrix_floats += rows * step;
      pieces_.push_back(piece);
    }
  }

  ConvolutionJobs finish() {
    list_tasks();
    jobs_.matrix_floats = round_up(jobs_.matrix_floats, 4);  // for those of the next edge
    std::vector<std::vector<MapEntry>> of_row(table_.matrix_rows);
    for (const ConvolutionTable::Entry& entry : table_.entries)
      of_row[entry.row].push_back({entry.column, static_cast<float>(entry.value)});
    std::vector<std::vector<MapEntry>> map(target_ == 1 ? table_.dim[1] : jobs_.matrix_floats);
    for (const auto& [row, at] : places_) {
      for (const MapEntry& entry : of_row[row]) {
        if (target_ == 1) {
          map[entry.from].push_back({at, entry.value});
        } else {
          map[at].push_back(entry);
        }
      }
    }
    jobs_.starts.push_back(0);
    for (const std::vector<MapEntry>& entries : map) {
      jobs_.entries.insert(jobs_.entries.end(), entries.begin(), entries.end());
      jobs_.starts.push_back(static_cast<int32_t>(jobs_.entries.size()));
    }
    return std::move(jobs_);
  }

 private:
  struct Piece {
    MessageTerm term;
    MessageTask task;  // that it is a term of
  };

  int32_t floats_of(const ConvolutionTable::Path& path) const {
    const int32_t rows = target_ == 0 ? path.size3 : path.size1, columns = target_ == 0 ? path.size1 : path.size3;
    return rows * round_up(columns, 4) + 3;
  }

  /// Where x2 is left out every term is a task of its own, for all channels; else those with one result are one task.
  void list_tasks() {
    const auto same = [&](const Piece& a, const Piece& b) {
      return target_ != 1 && a.task.at == b.task.at && a.task.stride == b.task.stride &&
             a.task.channels == b.task.channels;
    };
    const int32_t slice = kTogether * kLanes;
    std::ranges::stable_sort(pieces_, {}, [](const Piece& piece) { return piece.task.at; });
    for (size_t n = 0; n < pieces_.size();) {
      const size_t first = n;
      MessageTask task = pieces_[n].task;
      task.first_term = static_cast<int32_t>(jobs_.terms.size());
      do jobs_.terms.push_back(pieces_[n++].term);
      while (n < pieces_.size() && same(pieces_[first], pieces_[n]));
      task.terms = static_cast<int32_t>(n - first);
      for (int32_t channel = 0; channel < (target_ == 1 ? 1 : task.channels); channel += slice) {
        task.first_channel = channel;
        jobs_.tasks.push_back(task);
      }
    }
  }

  const ConvolutionTable& table_;
  const int target_;
  NodeLines (&lines_)[2];
  ConvolutionJobs jobs_;
  std::vector<Piece> pieces_;
  std::vector<std::pair<int32_t, int32_t>> places_;  // row of the table's matrices, float of these
};

}  // namespace

int32_t NodeLines::find(int32_t block, int32_t channels, int32_t size) {
  for (const Known& known : known_) {
    if (known.block == block && known.channels == channels && known.size == size) return known.first;
  }
  const auto first = static_cast<int32_t>(sources_.size());
  known_.push_back({block, channels, size, first});
  for (int32_t k = 0; k < size; ++k) {
    for (int32_t u = 0; u < channels; ++u) sources_.push_back(block + u * size + k);
  }
  return first;
}

std::vector<ConvolutionJobs> list_convolution_jobs(const ConvolutionTable& table, int target, NodeLines (&lines)[2]) {
  std::vector<ConvolutionJobs> jobs;
  std::optional<Builder> builder(std::in_place, table, target, lines);
  for (const ConvolutionTable::Path& path : table.paths) {
    if (!builder->empty() && builder->floats_with(path) > kMatrixFloats) {
      jobs.push_back(builder->finish());
      builder.emplace(table, target, lines);
    }
    builder->add(path);
  }
  jobs.push_back(builder->finish());
  return jobs;
}

}  // namespace gauntlet::cuda
