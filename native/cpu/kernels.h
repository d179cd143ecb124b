// The CPU kernels' interface. The files in kernels/ are compiled once per instruction set, in the namespace GAUNTLET_ISA; what
// crosses this header is plain data, because an inline function of the standard library compiled there could be the copy that
// the linker keeps for everybody, and fault on an older machine.
//
// A tile holds one fiber row per line of kTileLanes floats: tile[row * kTileLanes + lane]. Kernels work on the first `vecs`
// vectors of kLanes lanes of every line.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/edge_table.h"
#include "core/scalar_function.h"
#include "cpu/ahead.h"

namespace gauntlet {

/// Lanes of one vector: one AVX-512 register, two AVX2 registers.
inline constexpr int kLanes = 16;
/// Vectors of a line: enough that they share the cost of finding each coefficient.
inline constexpr int kVecs = 4;
inline constexpr int kTileLanes = kLanes * kVecs;
/// Most components that are packed or unpacked at once.
inline constexpr int kPieceSize = 32;

/// `lanes` consecutive lanes of one block, `stride` floats apart (0: all the same); and as many in each of `count` samples, `step` floats and
/// `lane_step` lanes apart.
struct Strip {
  int64_t stride;
  int lanes;
  int count = 1;
  int64_t step = 0;
  int lane_step = 0;
};

/// A row's entry: y[row] += coefficient * x[index].
struct TableEntry {
  int32_t index;
  float coefficient;
};

/// y[row[i]] = sum over the row's entries of coefficient * x[index], for every listed row once. Rows whose entries are at the same
/// indices make a block, for which x is loaded a single time; alike blocks make a run, so that loops are foreseen or unrolled.
union TableWord {
  int32_t index;
  float coefficient;
};
inline constexpr int32_t kBlockRows = 4;
struct TableRun {
  int32_t blocks, rows, entries;  // rows of each block, at most kBlockRows; entries of each row
};
struct LinearTable {
  int32_t rows;
  const int32_t* row;
  int32_t runs;
  const TableRun* run;
  const TableWord* words;  // for each entry of a block: the index, then the coefficient of each row
};

/// Two rows, y[row[0]] = a + b and y[row[1]] = a - b with a the sum of the first entries and b that of the others, or two such pairs with
/// entries at the same indices; beside them rows that have no twin.
struct Twins {
  int32_t pairs, row[2][2], sums, differences;  // entries of a and b
};
struct TwinTable {
  int32_t twins;
  const Twins* twin;
  const TableWord* words;  // as in a LinearTable, for a and then for b
  LinearTable lone;
};

/// A line made of one or two products: left[i[0]] * right[j[0]] + sign * left[i[1]] * right[j[1]].
struct Line {
  int32_t i[2], j[2];
  float sign;
};

/// Lines, then linear maps of them: onto rows that hold nothing yet, and onto rows that earlier couplings began. Products that
/// share their coefficients share a line. Two lines whose coefficients are the same but for signs are twins: their sum and
/// their difference take the places 2n and 2n + 1, and one coefficient serves both. Lone lines follow.
struct Coupling {
  int32_t twins[2], lone[2];  // of one product, of two
  const Line* lines;  // two for each twin, in the order: twins of one product, twins of two, lone ones of one, of two
  LinearTable set, add;
};

/// The way back: lines h from the product's gradient by a TwinTable, then for every row of an input's gradient the sum of
/// h[line] * x[other] over its terms, those with a minus last. Rows whose terms have the same `other` in the same order are taken
/// together, and what the others' own rows get from them is summed in the same pass.
struct DecouplingRows {
  int32_t count;  // kMost at most
  static constexpr int32_t kMost = 5;
  int32_t row[kMost];
  int32_t plus, minus;  // terms of each sign
};
struct Decoupling {
  int32_t groups;
  const DecouplingRows* group;
  const int32_t* terms;  // other, then the line of each row
};

/// One term of a product on the grid, or two that share an operand: target[n] += partner[n] * common, by numbers of sectors.
struct GridTerm {
  int32_t common, partner[2], target[2];
  bool bracket;  // {partner, common}
};
/// One sector of an input or of a target.
struct GridBand {
  int32_t operand;  // of an input
  int32_t first;    // first fiber row, of a target in the tile of all targets
  int32_t order;
  const int32_t* counts;  // [order + 1, 2]
  int32_t lines;  // of each spectrum: one for each ring, then one for each ring's slope where brackets need them
  const float* legendre;  // inputs: for each (m, parity) [count][lines]; target: [rings][count], ring weights included
  // Where in the scratch its spectra begin, and from there to the next order and to the next vector, in floats.
  ptrdiff_t spectrum, step, vec;
  // Inputs: derivatives by azimuth of sines, which are even about zero, and of cosines, which are odd; [order + 1][points]
  const float *even_slopes, *odd_slopes;
};
struct GridTable {
  int32_t rings, odd_rings;  // the equator comes last and has no odd part
  int32_t points;
  int32_t pairs;            // point j < pairs has its mirror image about azimuth pi / 2 in point points - 1 - j
  int32_t inputs, targets;  // sectors of all inputs, and of all targets
  const GridBand* input;
  const GridBand* target;
  const float *cosines, *sines;  // [order + 1][points]
  // [points][target_order + 1], point weights included; even orders come first where there are pairs.
  int32_t target_order;
  const float *target_cosines, *target_sines;
  ptrdiff_t values;  // where in the scratch values on one ring begin
  int32_t results;   // targets of each term
  int32_t terms;
  const GridTerm* term;
};

/// The same in one step, where functions have few components: by the values of their harmonics at the points of one quarter.
struct FlatBand {
  int32_t operand;         // of an input
  int32_t counts[4];       // components in each part of a function, in the order of kernels/grid.cc
  const int32_t* row;      // of every component
  const float* harmonics;  // inputs: [components][points]; target: [points][components] for each part, weights included
};
struct FlatGridTable {
  int32_t points;
  int32_t targets;         // sectors of all targets
  const FlatBand* input;   // signals: sectors and their derivatives
  const FlatBand* target;  // rows follow one another
  int32_t results;         // targets of each term
  int32_t terms;
  const GridTerm* term;  // of signals, no brackets
};

/// Neighbouring u that are computed together, and so zeros at either end of the right operand's rows.
inline constexpr int kNeighbours = 4, kPadding = kNeighbours - 1;

struct FourierTable {
  // |u| <= reach and |v| <= order, of left, right and what is wanted of their product.
  int32_t reach[3], order[3];
  int32_t sectors[3];
  const LinearTable* into[2];  // to the layout of kernels/fourier.cc
  const LinearTable* from;     // from that of all sectors of the product
  int32_t terms;
  const int32_t* term;
};

/// Where `mirrored`, the ways in make (a, b) and (b, a), a < b, as twins, and the way out takes their sum and their difference.
struct MatrixTable {
  int32_t size;
  bool mirrored;
  int32_t sectors[3];
  const TwinTable* into[2];
  const LinearTable* from;  // from the matrices of all sectors, one after another
  int32_t terms;
  const int32_t* term;
  const int32_t* sign;  // of each term
};

/// Pairs of channels (u, v) of which v are scalars: lines  z[n][k] = factor * scalars[v] * x[u][k]  of all pairs n, or the other way
/// round,  x[u][k] += factor * scalars[v] * z[n][k].
struct Scaling {
  int count, size;       // pairs n, rows k
  const int32_t* pairs;  // u and v of each
  float factor;
  const float* scalars;
  float* x;
  ptrdiff_t x_channel;  // floats; rows follow one another
  float* z;
  ptrdiff_t z_row;  // floats; pairs follow one another
};

/// to[a][k] (+)= sum over b of  W[a, b] * from[b][k]: channels mixed by weights. Steps are in floats; each [a][k] is a line.
struct Weighing {
  int to_channels, from_channels, size;  // a, b, k
  const float* weights;
  ptrdiff_t to_step, from_step;  // of the weights, from a to a + 1 and from b to b + 1
  bool lines;                    // a line of weights for each (a, b), else one number for all lanes, and to_step is 1
  bool add;
  const float* from;
  ptrdiff_t from_channel, from_row;
  float* to;
  ptrdiff_t to_channel, to_row;
};

/// W[a, b] = sum over k of  x[a][k] * y[b][k], the derivative of a Weighing: lines for lines, else added up over lanes.
struct Correlation {
  int a_channels, b_channels, size;
  const float* x;
  ptrdiff_t x_channel, x_row;
  const float* y;
  ptrdiff_t y_channel, y_row;
  float* weights;
  ptrdiff_t a_step, b_step;
  bool lines;  // overwritten; else added to
};

/// The same for many channels b, which take the place of lanes: W[a, b] += sum over k and lanes of  x[a][k][lane] * y[k][lane][b].
/// Rows of W are 64-byte aligned, and `vecs` vectors of them are added to.
struct LaneCorrelation {
  int a_channels, size, lanes, vecs;
  const float* x;
  ptrdiff_t x_row;  // channels are lines that follow each other
  const float* y;
  ptrdiff_t y_row;  // lanes are lines that follow each other
  float* weights;
  ptrdiff_t a_step;
};

/// One path of a convolution, for channels [0, channels) of a tile at most, along `count` <= kLanes edges that begin at nodes
/// with lines x[n][i][vector]; see kernels/message.cc.
struct Message {
  int size_x, size_y, channels, count;
  const float* const* x;        // of each edge
  ptrdiff_t x_at;               // from there, the path's lines
  const float* const* weights;  // of each edge; null without weights
  ptrdiff_t weights_at;
  const float* matrix;  // matrix[i * i_step + k * k_step + edge]
  ptrdiff_t i_step, k_step;
};

/// Tiles of a pass of an edge function; see EdgeOperands. `values` hold g where the pass needs it.
struct EdgeTiles {
  const float* v;
  const float* x;
  float* values;
  float* grad;
};

/// Sums over a file of rows, one vector each, in order: row[target] = sum of row[a] * row[b], then of coefficient * row[index].
/// Runs are rows of as many terms each, none of which is a part of another. All rows are named by where they begin, in floats.
struct CircuitRun {
  int32_t rows, products, multiples;  // terms of each row
  bool alike;                         // no products, and multiples of the same rows in each
};
struct CircuitTable {
  int32_t runs;
  const CircuitRun* run;
  const int32_t* target;
  const int32_t* factors;  // a and b of each product
  const TableEntry* multiples;
};

/// scale * f(x[0]) * x[1] * ... of every number; without f, x[0] is a factor too.
struct Elementwise {
  double scale;
  ScalarFunction f;
  int inputs;
  const float* const* x;
};

/// sum of factors[n] * x[n] of every number
struct Combination {
  int inputs;
  const double* factors;
  const float* const* x;
};

/// y[k] = sum over n of x[row[n]][k], of rows that follow one another where `row` is null.
struct RowSum {
  const float* x;
  ptrdiff_t dim;
  const int32_t* row;
  ptrdiff_t count;
};

/// Most columns of a panel.
inline constexpr int kPanelColumns = 4 * kLanes;
static inline int panel_vecs(int columns) { return (columns + kLanes - 1) / kLanes; }

/// `sums` rows and at most kPanelColumns columns of a matrix, b[k][c] = data[k * row + c * column], which is made vectors:
/// panel[k][panel_vecs(columns)], zero where there are no columns.
struct PanelSource {
  const float* data;
  ptrdiff_t row, column;  // one of them is 1
  int sums, columns;
};

/// tile[r][v] (+)= sum over k of  a[r][k] * panel[k][v], with a[r][k] = data[r * row + k] or, `transposed`, data[k * row + r].
struct PanelProduct {
  const float* data;
  ptrdiff_t row;
  bool transposed;
  int rows, sums, vecs;
  const float* panel;
  float* tile;
  bool add;
};

/// y[r * row + c] = scale * sum over tiles of tile[r][c], tiles of panel_vecs(columns) vectors in each row that lie `step` apart.
struct TileSum {
  const float* tiles;
  ptrdiff_t step;
  int count;
  int rows, columns;
  float scale;
  float* y;
  ptrdiff_t row;
};

/// y[r] = scale * sum over k of  a[r, k] * b[k]
struct RowProduct {
  const float *a, *b;
  ptrdiff_t rows, sums;
  float scale;
  float* y;
};

struct Kernels {
  const char* name;

  /// Copies `size` components of every lane of a strip from memory to the tile rows `rows[0..size)`, lanes from `tile` on.
  /// Memory up to `end` may be read. With `add`, adds to what the rows hold.
  void (*pack)(const float* memory, const float* end, const Strip& strip, int size, const int32_t* rows, float* tile,
               bool add);
  /// The way back.
  void (*unpack)(float* memory, const Strip& strip, int size, const int32_t* rows, const float* tile);
  /// The way back where lanes follow one another without a gap, past the caches: what is written is not read first.
  void (*unpack_past_caches)(float* memory, int lanes, int size, const int32_t* rows, const float* tile);

  /// `scratch` holds one line for each product.
  void (*couple)(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch,
                 Ahead& ahead);
  /// Lines h from the product's gradient.
  void (*unmap)(const TwinTable& table, int vecs, const float* gradient, float* h, Ahead& ahead);
  /// Adds to y; `x` is the other input.
  /// x and y of the rows and of the others; y[1] may be null, and x[0] with it.
  void (*decouple)(const Decoupling& decoupling, int vecs, const float* const (&x)[2], const float* h,
                   float* const (&y)[2], Ahead& ahead);
  /// y for the whole fibers of all targets, from the tiles x of the operands; `scratch` is 64-byte aligned.
  void (*grid)(const GridTable& table, int vecs, const float* const* x, float* y, float* scratch, Ahead& ahead);
  void (*flat_grid)(const FlatGridTable& table, int vecs, const float* const* x, float* y, float* scratch,
                    Ahead& ahead);
  /// y for the target's whole fiber.
  void (*fourier)(const FourierTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
                  Ahead& ahead);
  void (*matrix)(const MatrixTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
                 Ahead& ahead);

  void (*scale)(const Scaling& scaling, int vecs, Ahead& ahead);
  void (*scale_back)(const Scaling& scaling, int vecs, Ahead& ahead);
  void (*weigh)(const Weighing& weighing, int vecs, Ahead& ahead);
  void (*correlate)(const Correlation& correlation, int vecs, Ahead& ahead);
  void (*correlate_lanes)(const LaneCorrelation& correlation, Ahead& ahead);

  /// Adds to lines `to` of a tile.
  void (*message)(const Message& message, float* to);
  /// `y` are lines of the nodes where edges end, as `x` are of those where they begin; every edge has a row of weights, which is
  /// overwritten or added to.
  void (*message_weights)(const Message& message, const float* const* y, ptrdiff_t y_at, float* const* weights,
                          const bool* add);
  void (*message_matrix)(const Message& message, const float* const* y, ptrdiff_t y_at, float* matrix);
  /// A linear map of rows of kLanes edges.
  void (*edge_map)(const LinearTable& table, const float* x, float* y);

  void (*harmonics)(const HarmonicsTable& table, Pass pass, int vecs, const EdgeTiles& tiles);
  void (*radial)(const RadialTable& table, Pass pass, int vecs, const EdgeTiles& tiles);

  void (*circuit)(const CircuitTable& table, float* file);

  // Operations on matrices, whose memory is aligned as floats are. Panels and tiles are 64-byte aligned.

  /// Numbers begin..end of y, which may be one of x.
  void (*elementwise)(const Elementwise& elementwise, ptrdiff_t begin, ptrdiff_t end, float* y);
  void (*combine)(const Combination& combination, ptrdiff_t begin, ptrdiff_t end, float* y);
  void (*sum_rows)(const RowSum& sum, float* y);
  void (*pack_panel)(const PanelSource& source, float* panel);
  void (*multiply_panel)(const PanelProduct& product);
  void (*sum_tiles)(const TileSum& sum);
  void (*multiply_rows)(const RowProduct& product);

  /// Runs independent fused multiply-adds from registers and returns how many floating-point operations those were.
  double (*fma_loop)(size_t iterations);
};

/// The best set this processor runs, chosen once.
const Kernels& kernels();

}  // namespace gauntlet
