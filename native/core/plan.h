// A product as data: the factored form of one multilinear map, as lib/product builds it.
//
//     F(x1, x2, y, w) = sum over components of  coefficient * x1[i] * x2[j] * y[k] * w[n]
//
// Operands are numbered in this order; w, the weights, is there only in products that have any. Leaving out one operand and
// computing what multiplies it is the only operation executors know: leaving out y is the forward pass, any other a gradient.
// Nothing here speaks of irreps: an operand is a row of `dim` floats per sample, cut into blocks of [channels, size] floats. A
// *fiber* is what one lane (one channel of one sample) sees of an operand: its components, each on a numbered fiber row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

namespace gauntlet {

inline constexpr int kOperands = 4;
inline constexpr int kWeights = 3;  // their number among the operands

/// `channels` copies of `size` components, row-major at `offset` within a sample.
struct Block {
  int32_t offset;
  int32_t channels;
  int32_t size;
};

/// One operand of a group. Lane channel c reads and writes block channel (c / divide) % modulo, where the block has it.
struct Side {
  int32_t fiber;  // number of fiber rows
  int32_t divide;
  int32_t modulo;
  std::vector<Block> blocks;
  std::vector<int32_t> rows;  // fiber row of every component, block after block; blocks that share a row are summed

  /// How many block channels `lanes` lanes see: fewer than lanes where some share a channel, which as a target is their sum.
  int32_t channels_seen(int32_t lanes) const {
    return static_cast<int32_t>(std::min<int64_t>(modulo, (int64_t{lanes} + divide - 1) / divide));
  }
  bool shared_by_lanes(int32_t lanes) const { return channels_seen(lanes) < lanes; }
};

/// A linear map in coordinate form: y[row] += value * x[column].
struct LinearMap {
  int32_t rows;
  int32_t columns;
  std::vector<int32_t> row, column;
  std::vector<double> value;
};

/// Which sectors multiply into which: sector s1 of x1 times sector s2 of x2 belongs to sector s3 of x3.
struct Term {
  int32_t sector[3];
};

/// y[k] += c * x1[i] * x2[j] over a list of non-zero coefficients.
struct SparseForm {
  std::vector<int32_t> index[3];
  std::vector<double> coefficient;
};

/// The same couplings, path by path, zeros included: row-major blocks [size1, size2, size3].
struct DenseForm {
  struct Path {
    int32_t row[3];
    int32_t size[3];
    int32_t first;  // into coefficient
  };
  std::vector<Path> paths;
  std::vector<double> coefficient;
};

/// Values on a product grid of the sphere, folded at the equator and at azimuth zero. Rings r and points j are those of one
/// quarter; weights count how many quarters hold the point. A band's fiber rows are ordered by order m = 0..order, then by
/// parity of l - m (0 = even about the equator), then cosine components before sine components (none at m = 0), then by l.
///
/// The target is the projection of a product f g or of a bracket {f, g} = (f_beta g_alpha - f_alpha g_beta) / sin beta, where f and
/// g are the operands after the target, cyclically: on the sphere, integrals of {f, g} h do not change with the cycle.
struct GridForm {
  struct Band {
    int32_t first;                 // its first fiber row
    int32_t order;                 // largest m
    std::vector<int32_t> counts;   // [order + 1, 2]: how many l at (m, parity)
    std::vector<double> legendre;  // for each (m, parity): [count, rings], sqrt(2) for m > 0 included
    std::vector<double> slopes;    // their derivatives by beta over sin beta; empty where no bracket needs them
    int32_t components(int m, int parity) const { return counts[2 * m + parity]; }
  };
  int32_t rings;
  int32_t points;
  int32_t order;                      // largest m of any band
  std::vector<double> ring_weights;   // [rings], the product with point_weights is the area of the points it stands for
  std::vector<double> point_weights;  // [points]
  std::vector<double> cosines, sines;  // [order + 1, points]
  std::vector<Band> sectors[3];
  std::vector<Term> terms;
  std::vector<int32_t> brackets;  // of each term: 1 for the bracket, 0 for the product
};

/// Fourier coefficients on the torus, multiplied by convolution. A signal of degree L has complex coefficients at
/// u = -L..L, v = 0..L (those at v < 0 are their conjugates at -u, -v), on row 2 * (v * (2L + 1) + u + L) + {re: 0, im: 1}.
struct FourierForm {
  int32_t degree[3];
  std::vector<LinearMap> into[3];  // per sector: fiber -> coefficients of degree[o]
  std::vector<LinearMap>
      from[3];  // per sector: coefficients of the product of the two others, v <= min(degree[o], sum) -> fiber
  std::vector<Term> terms;
  int32_t degree_of_product(int target) const { return degree[(target + 1) % 3] + degree[(target + 2) % 3]; }
};

/// Irreps as size x size matrices: sum over terms of trace((X1 X2 + sign X2 X1) X3^T) / 2.
struct MatrixForm {
  int32_t size;
  std::vector<LinearMap> maps[3];  // per sector: fiber -> matrix entries, row a * size + b; the transpose maps back
  std::vector<Term> terms;
  std::vector<int32_t> signs;  // +1, -1 or 0 for each term
};

/// Couplings whose channels are connected by weights, path by path:
///
///     sum over pairs (u, v), w, i, j, k of  W[pair, w] * coefficient * table[i, j, k] * x1[u, i] * x2[v, j] * y[w, k]
///
/// Component i of channel u is on fiber row row + u * size + i of its operand, and W[pair, w] on row weight + pair * count + w of the
/// weights', of which a lane sees what `weights` says. A path without a row (-1) for x1 or x2 has the constant 1 in its place.
struct MixedForm {
  enum Pairs { kAll, kSame, kUpper };  // u < count[0], v < count[1]; u = v; u < v
  enum Out {
    kEvery,
    kFirst,
    kSecond,
    kPair
  };  // w < count[2]; or only w = u, w = v, w = the pair's number: weights are W[pair]
  struct Table {
    int32_t size[3];
    std::vector<double> values;
    /// The factor c of a table c * identity, [size, 1, size]; 0 of any other.
    double scalar() const;
  };
  struct Path {
    int32_t row[3], count[3];
    Pairs pairs;
    Out out;
    int32_t weight;  // -1: all are 1, and with kEvery all pairs go to channel 0
    int32_t table;
    double coefficient;

    int64_t pair_count() const {
      const int64_t m1 = count[0], m2 = count[1];
      return pairs == kAll ? m1 * m2 : pairs == kSame ? m1 : m1 * (m1 - 1) / 2;
    }
    /// The pairs (u, v) in the order of their weights.
    std::vector<std::array<int32_t, 2>> list_pairs() const;
  };
  Side weights;
  std::vector<Table> tables;
  std::vector<Path> paths;
};

using Form = std::variant<SparseForm, DenseForm, GridForm, FourierForm, MatrixForm, MixedForm>;

struct Group {
  int32_t channels;  // lanes per sample
  Side sides[3];
  Form form;
};

struct Plan {
  int32_t dim[kOperands];       // floats of a row; dim[kWeights] = 0 without weights
  bool shared_weights = false;  // one row of weights for all samples; leaving them out sums over samples
  std::vector<Group> groups;

  /// Rows that an operand has in a batch.
  size_t rows(int operand, size_t batch) const { return operand == kWeights && shared_weights ? 1 : batch; }
};

/// How the groups share out the floats of one operand.
struct Coverage {
  bool complete = true;  // every float belongs to some group
  bool single = true;    // none to two
};
Coverage coverage_of(const Plan& plan, int operand);

/// Reads the two arrays that lib/product/plan.ts writes. Throws Error("ERR_ARGUMENT") on anything out of range.
Plan decode_plan(std::span<const int32_t> integers, std::span<const double> reals);

}  // namespace gauntlet
