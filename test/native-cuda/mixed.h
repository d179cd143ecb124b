// Mixed forms: random plans, and their plain reading in float64.
#pragma once

#include "core/plan.h"
#include "plans.h"
#include "reference.h"

namespace gauntlet::test {

/// Paths of every kind of pairs and outputs that fit together. With one lane for each sample all channels are in the lane;
/// with more, x2 (or x1) is shared by the lanes of a sample.
inline Plan random_mixed(Random& random, int channels, bool shared_weights, bool share_x1) {
  using Form = MixedForm;
  Plan plan{};
  Group group{.channels = channels};
  MixedForm form;
  const int sizes[3][3] = {{3, 5, 7}, {1, 3, 3}, {3, 3, 9}};
  for (const auto& size : sizes) {
    MixedForm::Table table{{size[0], size[1], size[2]}, {}};
    for (int n = 0; n < size[0] * size[1] * size[2]; ++n)
      table.values.push_back(random.integer(0, 2) ? 0 : random.real());
    form.tables.push_back(table);
  }
  Side weights{.fiber = 0, .divide = 1, .modulo = channels};
  for (int o = 0; o < 3; ++o) group.sides[o] = {.fiber = 0, .divide = 1, .modulo = channels};
  group.sides[share_x1 ? 0 : 1].modulo = channels > 1 ? 1 : channels;
  const auto add = [](Side& side, int lanes, int size, int32_t& dim) {
    const int32_t first = side.fiber, has = side.modulo == 1 ? 1 : lanes;
    side.blocks.push_back({dim, has, size});
    for (int n = 0; n < size; ++n) side.rows.push_back(side.fiber++);
    dim += has * size;
    return first;
  };
  struct Kind {
    Form::Pairs pairs;
    Form::Out out;
    int32_t m1, m2, m3;
  };
  const Kind kinds[] = {{Form::kAll, Form::kEvery, 3, 2, 5},   {Form::kAll, Form::kFirst, 3, 2, 3},
                        {Form::kAll, Form::kSecond, 3, 2, 2},  {Form::kAll, Form::kPair, 3, 2, 6},
                        {Form::kSame, Form::kEvery, 4, 4, 3},  {Form::kSame, Form::kFirst, 4, 4, 4},
                        {Form::kUpper, Form::kPair, 4, 4, 6},  {Form::kUpper, Form::kEvery, 4, 4, 2},
                        {Form::kUpper, Form::kSecond, 4, 4, 4}};
  int32_t table = 0;
  for (const Kind& kind : kinds) {
    const auto& size = form.tables[table = (table + 1) % 3].size;
    MixedForm::Path path{{}, {kind.m1, kind.m2, kind.m3}, kind.pairs, kind.out, -1, table, random.real()};
    for (int o = 0; o < 3; ++o) path.row[o] = add(group.sides[o], channels, path.count[o] * size[o], plan.dim[o]);
    const int numel = static_cast<int>(path.pair_count()) * (kind.out == Form::kEvery ? kind.m3 : 1);
    path.weight = add(weights, channels, numel, plan.dim[kWeights]);
    form.paths.push_back(path);
  }
  form.weights = weights;
  group.form = form;
  plan.shared_weights = shared_weights;
  plan.groups.push_back(group);
  return plan;
}

/// Layers of channels, as linear ones and those with weights for every element: couplings with scalars, or with the constant 1.
/// Blocks of y get two paths each; between those of x1, and ahead of those of y, are floats of no layer.
inline Plan random_layers(Random& random, int scalars, bool shared_weights) {
  Plan plan{};
  Group group{.channels = 1};
  MixedForm form;
  for (Side* side : {&group.sides[0], &group.sides[1], &group.sides[2], &form.weights}) *side = {.divide = 1, .modulo = 1};
  const auto add = [](Side& side, int floats, int32_t& dim) {
    const int32_t first = side.fiber;
    side.blocks.push_back({dim, 1, floats});
    for (int n = 0; n < floats; ++n) side.rows.push_back(side.fiber++);
    dim += floats;
    return first;
  };
  plan.dim[2] = 3;  // not all of y belongs to these layers
  const int32_t x2 = scalars > 0 ? add(group.sides[1], scalars, plan.dim[1]) : -1;
  struct Layer {
    int size, in, out;
  };
  for (const auto& [size, in, out] : {Layer{1, 70, 5}, Layer{3, 6, 40}, Layer{5, 1, 1}, Layer{13, 3, 34}}) {
    MixedForm::Table table{{size, 1, size}, std::vector<double>(size * size, 0)};
    const double scalar = random.real();
    for (int i = 0; i < size; ++i) table.values[i * (size + 1)] = scalar;
    const int32_t y = add(group.sides[2], out * size, plan.dim[2]);
    plan.dim[0] += 2;
    for (const int count : {in, 2}) {
      const int32_t x1 = add(group.sides[0], count * size, plan.dim[0]);
      const int32_t weight = add(form.weights, count * std::max(scalars, 1) * out, plan.dim[kWeights]);
      form.paths.push_back({{x1, x2, y},
                            {count, std::max(scalars, 1), out},
                            MixedForm::kAll,
                            MixedForm::kEvery,
                            weight,
                            static_cast<int32_t>(form.tables.size()),
                            random.real()});
    }
    form.tables.push_back(table);
  }
  group.form = form;
  plan.shared_weights = shared_weights;
  plan.groups.push_back(group);
  return plan;
}

/// Scales, as of operands by weights: y[u, k] = w[u] x1[u, k] with the constant 1 for x2, whose operand has no components.
inline Plan random_scale(Random& random, int channels, bool shared_weights) {
  Plan plan{};
  Group group{.channels = channels};
  MixedForm form;
  for (Side* side : {&group.sides[0], &group.sides[2], &form.weights}) *side = {.divide = 1, .modulo = channels};
  group.sides[1] = {.divide = 1, .modulo = 1};
  plan.dim[kWeights] = 2;  // not all of a vector belongs to this scale
  for (const int size : {1, 3, 5}) {
    MixedForm::Table table{{size, 1, size}, std::vector<double>(size * size, 0)};
    for (int i = 0; i < size; ++i) table.values[i * (size + 1)] = 1;
    const MixedForm::Path path{{group.sides[0].fiber, -1, group.sides[2].fiber},
                               {1, 1, 1},
                               MixedForm::kSame,
                               MixedForm::kFirst,
                               form.weights.fiber,
                               static_cast<int32_t>(form.tables.size()),
                               random.real()};
    const auto add = [&](Side& side, int floats, int32_t& dim) {
      side.blocks.push_back({dim, channels, floats});
      for (int n = 0; n < floats; ++n) side.rows.push_back(side.fiber++);
      dim += channels * floats;
    };
    add(group.sides[0], size, plan.dim[0]);
    add(group.sides[2], size, plan.dim[2]);
    add(form.weights, 1, plan.dim[kWeights]);
    form.tables.push_back(table);
    form.paths.push_back(path);
  }
  group.form = form;
  plan.shared_weights = shared_weights;
  plan.groups.push_back(group);
  return plan;
}

/// Rows of the target, from those of the three others.
inline std::vector<double> evaluate_mixed(const Plan& plan, int target, const std::vector<float> (&x)[kOperands],
                                          size_t batch) {
  std::vector<double> result(plan.rows(target, batch) * plan.dim[target], 0);
  for (const Group& group : plan.groups) {
    const MixedForm& form = std::get<MixedForm>(group.form);
    const auto side = [&](int o) -> const Side& { return o == kWeights ? form.weights : group.sides[o]; };
    for (size_t sample = 0; sample < batch; ++sample) {
      for (int lane = 0; lane < group.channels; ++lane) {
        Fiber fiber[kOperands];
        for (int o = 0; o < kOperands; ++o) {
          fiber[o].assign(side(o).fiber, 0);
          if (o == target) continue;
          const size_t row = plan.rows(o, batch) == 1 ? 0 : sample;
          for_components(side(o), lane, [&](int at, int r) { fiber[o][r] += x[o][row * plan.dim[o] + at]; });
        }
        for (const MixedForm::Path& path : form.paths) {
          const MixedForm::Table& table = form.tables[path.table];
          int pair = 0;
          for (int u = 0; u < path.count[0]; ++u) {
            for (int v = 0; v < path.count[1]; ++v) {
              if ((path.pairs == MixedForm::kSame && u != v) || (path.pairs == MixedForm::kUpper && u >= v)) continue;
              const int number = pair++;
              for (int w = 0; w < path.count[2]; ++w) {
                const int only = path.out == MixedForm::kFirst    ? u
                                 : path.out == MixedForm::kSecond ? v
                                 : path.out == MixedForm::kPair   ? number
                                                                  : w;
                if (w != only) continue;
                const int weight = path.weight + (path.out == MixedForm::kEvery ? number * path.count[2] + w : number);
                size_t at = 0;
                for (int i = 0; i < table.size[0]; ++i) {
                  for (int j = 0; j < table.size[1]; ++j) {
                    for (int k = 0; k < table.size[2]; ++k, ++at) {
                      const int rows[kOperands] = {path.row[0] + u * table.size[0] + i,
                                                   path.row[1] + v * table.size[1] + j,
                                                   path.row[2] + w * table.size[2] + k, weight};
                      double product = path.coefficient * table.values[at];
                      for (int o = 0; o < kOperands; ++o) product *= o == target || rows[o] < 0 ? 1 : fiber[o][rows[o]];
                      fiber[target][rows[target]] += product;
                    }
                  }
                }
              }
            }
          }
        }
        const size_t row = plan.rows(target, batch) == 1 ? 0 : sample;
        for_components(side(target), lane,
                       [&](int at, int r) { result[row * plan.dim[target] + at] += fiber[target][r]; });
      }
    }
  }
  return result;
}

}  // namespace gauntlet::test
