#include <algorithm>
#include <map>
#include <utility>

#include "cuda/mixed_jobs.h"

namespace gauntlet::cuda {
namespace {

/// The index of a path's coefficients in `starts`, sorted by the target's rows; a and b are the two others in their order.
int32_t add_coefficients(const MixedForm::Table& table, double scale, int target, MixedLists& lists) {
  const int32_t first = static_cast<int32_t>(lists.starts.size());
  const int a = target == 0 ? 1 : 0, b = target == 2 ? 1 : 2;
  for (int32_t row = 0; row < table.size[target]; ++row) {
    lists.starts.push_back(static_cast<int32_t>(lists.coefficients.size()));
    int32_t index[3];
    size_t at = 0;
    for (index[0] = 0; index[0] < table.size[0]; ++index[0]) {
      for (index[1] = 0; index[1] < table.size[1]; ++index[1]) {
        for (index[2] = 0; index[2] < table.size[2]; ++index[2], ++at) {
          if (index[target] != row || table.values[at] == 0) continue;
          lists.coefficients.push_back({index[a], index[b], static_cast<float>(scale * table.values[at])});
        }
      }
    }
  }
  lists.starts.push_back(static_cast<int32_t>(lists.coefficients.size()));
  return first;
}

}  // namespace

MixedLists list_mixed_jobs(const MixedForm& form, const int32_t (&first_line)[3], int32_t z_line, int target) {
  MixedLists lists;
  std::map<int32_t, std::pair<int32_t, std::vector<ChannelTerm>>> by_channel;  // line -> rows, terms
  std::map<int32_t, std::pair<int32_t, std::vector<WeighRun>>> by_output;      // line -> rows, runs
  for (const MixedForm::Path& path : form.paths) {
    if (target == kWeights && path.weight < 0) continue;
    const MixedForm::Table& table = form.tables[path.table];
    const bool mixes = path.out == MixedForm::kEvery && path.weight >= 0;
    const int32_t starts = add_coefficients(table, path.coefficient, std::min(target, 2), lists);
    const int32_t rows = table.size[2];
    const auto line_of = [&](int o, int32_t channel) {
      return path.row[o] < 0 ? -1 : first_line[o] + path.row[o] + channel * table.size[o];
    };
    // Channels that no pair reaches are zero.
    for (int32_t n = 0; target < 2 && n < path.count[target] && path.row[target] >= 0; ++n)
      by_channel[line_of(target, n)].first = table.size[target];
    for (int32_t n = 0; target == 2 && n < path.count[2]; ++n) by_output[line_of(2, n)].first = rows;
    int32_t number = 0;
    for (const auto& [u, v] : path.list_pairs()) {
      const int32_t z = z_line + lists.z_lines, pair = number++;
      lists.z_lines += rows;
      const int32_t channel = path.out == MixedForm::kFirst    ? u
                              : path.out == MixedForm::kSecond ? v
                              : path.out == MixedForm::kPair   ? pair
                                                               : 0;
      const int32_t weight = path.weight < 0 ? -1 : path.weight + pair * (mixes ? path.count[2] : 1);
      if (target >= 2) {
        lists.pairs.push_back({line_of(0, u), line_of(1, v), z, rows, starts});
      } else {
        by_channel[line_of(target, target == 0 ? u : v)].second.push_back(
            {target == 0 ? line_of(1, v) : line_of(0, u), z, starts});
        lists.weigh.push_back({z, rows, static_cast<int32_t>(lists.runs.size()), 1});
        lists.runs.push_back({line_of(2, channel), rows, weight, 1, mixes ? path.count[2] : 1});
      }
      for (int32_t w = 0; w < (mixes ? path.count[2] : 1); ++w) {
        const int32_t y = line_of(2, mixes ? w : channel);
        if (target == kWeights) lists.correlate.push_back({weight + w, z, y, rows});
        if (target != 2) continue;
        std::vector<WeighRun>& runs = by_output[y].second;
        // Pairs that follow one another in z and in the weights make one run.
        const int32_t step = mixes ? path.count[2] : 1;
        WeighRun* last = runs.empty() ? nullptr : &runs.back();
        const bool goes_on = last && last->from_line + last->count * rows == z && last->from_step == rows &&
                             (weight < 0 ? last->weight < 0
                                         : last->weight >= 0 && last->weight_step == step &&
                                               last->weight + last->count * step == weight + w);
        if (goes_on) {
          ++last->count;
        } else {
          runs.push_back({z, rows, weight < 0 ? -1 : weight + w, step, 1});
        }
      }
    }
  }
  for (const auto& [line, channel] : by_channel) {
    lists.channels.push_back(
        {line, channel.first, static_cast<int32_t>(lists.terms.size()), static_cast<int32_t>(channel.second.size())});
    lists.terms.insert(lists.terms.end(), channel.second.begin(), channel.second.end());
  }
  for (const auto& [line, output] : by_output) {
    lists.weigh.push_back(
        {line, output.first, static_cast<int32_t>(lists.runs.size()), static_cast<int32_t>(output.second.size())});
    lists.runs.insert(lists.runs.end(), output.second.begin(), output.second.end());
  }
  return lists;
}

}  // namespace gauntlet::cuda
