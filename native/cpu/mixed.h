// What the CPU makes of a mixed form. Paths that couple the same pairs (u, v) of the same blocks make a *bundle*: their products are
// formed once. Between operands and weights stand the coupled pairs, z[pair][k], for all k that the bundle's paths reach:
//
//     z = couple(x1[u], x2[v]),   y = W z,   and leaving out another operand:   z = W^T y,  x = couple(x', z),   W = z y^T
//
// A bundle is worked on in portions of pairs, so that z stays in the cache. On a tile, component k of pair p of a portion is on row
// k * portion + p of z.
#pragma once

#include <array>
#include <vector>

#include "core/plan.h"
#include "cpu/kernels.h"
#include "cpu/products.h"
#include "cpu/tiles.h"

namespace gauntlet {

/// A table of coefficients between the rows of a pair and the target's.
class PairCoupling {
 public:
  /// With `set` the target's rows are overwritten, else added to.
  PairCoupling(const std::vector<CouplingEntry>& entries, bool set) : products_(entries, true), set_(set) {
    map_ = std::make_unique<LinearRows>(products_.entries());
  }
  void run(int vecs, const float* left, const float* right, float* target, float* scratch, Ahead& ahead) const {
    Coupling coupling = products_.coupling();
    (set_ ? coupling.set : coupling.add) = map_->table();
    kernels().couple(coupling, vecs, left, right, target, scratch, ahead);
  }
  size_t lines() const { return products_.lines(); }
  size_t work() const { return products_.lines() + map_->size(); }

 private:
  Products products_;
  std::unique_ptr<LinearRows> map_;
  bool set_;
};

/// What one path of a bundle does with z.
struct MixedPart {
  int32_t first, size;  // its rows k among those of the bundle
  int32_t y_row;
  int32_t mixed;         // channels of y that every pair goes to by a weight of its own, else 0
  MixedForm::Out out;    // which channel, where it is one
  int32_t weight;        // fiber row of its first weight, -1 without weights
  int32_t offset;        // of its first weight among the floats of the operand, where a lane sees a whole sample
  size_t transposed_at;  // of W^T and
  size_t partial_at;     // of the sums of W over samples, in arrays of all paths
  size_t y_lanes_at;     // of y with channels as lanes, on lines
  float scalar;          // c of a table c * identity, with a scalar for x2; else 0
  std::vector<SideTiles> slabs;  // weights of each portion, where a tile can't hold all

  /// Weights of one pair.
  int32_t weights() const { return mixed ? mixed : 1; }
  /// Tiles of its mixing channels, where they take the place of lanes.
  size_t channel_groups() const { return (mixed + kTileLanes - 1) / kTileLanes; }
  /// Floats from pair to pair of the sums of W.
  int32_t partial_step() const { return mixed ? (mixed + kLanes - 1) / kLanes * kLanes : 1; }
};

struct MixedBundle {
  int32_t row[2], size[2];  // of x1 and x2; no row where the operand is the constant 1
  std::vector<std::array<int32_t, 2>> pairs;
  int32_t portion;
  int32_t z_rows = 0;  // of one pair
  std::vector<MixedPart> parts;
  std::vector<PairCoupling> couplings;  // by target

  int32_t pair_count() const { return static_cast<int32_t>(pairs.size()); }
  /// The channel of y that a pair goes to alone.
  int32_t channel_of(const MixedPart& part, int32_t pair) const {
    switch (part.out) {
      case MixedForm::kFirst: return pairs[pair][0];
      case MixedForm::kSecond: return pairs[pair][1];
      case MixedForm::kPair: return pair;
      default: return 0;  // all are added up
    }
  }
  bool weighted() const;
  /// Whether all of its parts couple with scalars.
  bool scales() const;
};

/// Cuts a form into bundles. `slab_lines` bounds the lines of weights that a portion takes, 0 where it does not matter.
std::vector<MixedBundle> bundle_paths(const MixedForm& form, int32_t channels, int32_t slab_lines);

/// The weights of a part, portion by portion, among `dim` floats of a sample.
void make_slabs(const MixedBundle& bundle, MixedPart& part, int32_t dim);

/// W^T of every path that mixes channels, `size` floats in all.
std::vector<float> transpose(const std::vector<MixedBundle>& bundles, size_t size, const float* weights);

}  // namespace gauntlet
