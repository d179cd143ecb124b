// Sparse linear maps of lines: y[row] = sum over the row's entries of coefficient * x[index].
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// The first vector of a matrix of vectors, and how far it is to the next in its row, in floats.
struct Vectors {
  float* data;
  ptrdiff_t vec;
};

/// Rows or pairs of rows with the same indices whose sums are in registers at once.
template <int Rows>
inline constexpr int kRowsAtOnce = kRegisters == 32 || Rows < 2 ? Rows : 2;

/// Adds up the entries of rows [first, first + Rows) of a block of `stride - 1`, whose words follow; Entries of them, any number
/// where that is negative.
template <int Entries, int Rows, int Vecs, ptrdiff_t XRow>
GAUNTLET_INLINE void add_entries(const TableWord* words, int stride, int first, int entries, Vectors x,
                                 Vec (&sum)[Rows][Vecs]) {
  const int count = Entries < 0 ? entries : Entries;
#pragma GCC unroll 4
  for (int e = 0; e < count; ++e, words += stride) {
    const float* from = x.data + words[0].index * XRow;
    Vec value[Vecs];
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) value[n] = load(from + n * x.vec);
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      const Vec coefficient = splat(words[1 + first + r].coefficient);
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) add_product(sum[r][n], coefficient, value[n]);
    }
  }
}

/// Blocks of Rows rows with Entries entries each, any number where that is negative. Rows lie XRow and YRow floats apart.
template <int Entries, int Rows, int Vecs, bool Add, ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void linear_run(TableRun run, const int32_t* row, const TableWord* words, Vectors x, Vectors y,
                                auto&& ahead) {
  constexpr int at_once = kRowsAtOnce<Rows>;
  const auto add_rows = [&]<int Count>(int first) GAUNTLET_INLINE_LAMBDA {
    Vec sum[Count][Vecs];
#pragma GCC unroll 4
    for (int r = 0; r < Count; ++r) {
      const float* const from = y.data + row[first + r] * YRow;
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) sum[r][n] = Add ? load(from + n * y.vec) : Vec{};
    }
    add_entries<Entries, Count, Vecs, XRow>(words, 1 + Rows, first, run.entries, x, sum);
#pragma GCC unroll 4
    for (int r = 0; r < Count; ++r) {
      float* const to = y.data + row[first + r] * YRow;
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) store(to + n * y.vec, sum[r][n]);
    }
  };
  for (int32_t i = 0; i < run.blocks; ++i, row += Rows, words += ptrdiff_t{1 + Rows} * run.entries) {
    if (Rows > 1 || i % 4 == 0) fetch(ahead, (Rows > 1 ? Rows : 4) * run.entries * Vecs);
    int first = 0;
#pragma GCC unroll 2
    for (; first + at_once <= Rows; first += at_once) add_rows.template operator()<at_once>(first);
    if constexpr (Rows % at_once != 0) add_rows.template operator()<1>(first);
  }
}

/// Vectors lie x.vec and y.vec floats apart.
template <bool Add, ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void linear(const LinearTable& table, int vecs, Vectors x, Vectors y, auto&& ahead) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const Vectors from{x.data + v * x.vec, x.vec}, to{y.data + v * y.vec, y.vec};
    const int32_t* row = table.row;
    const TableWord* words = table.words;
    for (const TableRun* run = table.run; run != table.run + table.runs; ++run) {
      const auto do_run = [&]<int Entries, int Rows>() GAUNTLET_INLINE_LAMBDA {
        linear_run<Entries, Rows, Vecs, Add, XRow, YRow>(*run, row, words, from, to, ahead);
      };
      switch (run->rows) {
        case 2: do_run.template operator()<-1, 2>(); break;
        case 3: do_run.template operator()<-1, 3>(); break;
        case 4: do_run.template operator()<-1, 4>(); break;
        default:
          switch (run->entries) {
            case 1: do_run.template operator()<1, 1>(); break;
            case 2: do_run.template operator()<2, 1>(); break;
            case 3: do_run.template operator()<3, 1>(); break;
            case 4: do_run.template operator()<4, 1>(); break;
            default: do_run.template operator()<-1, 1>(); break;
          }
      }
      row += ptrdiff_t{run->blocks} * run->rows;
      words += ptrdiff_t{run->blocks} * (1 + run->rows) * run->entries;
    }
  });
}

/// The same for rows of which most are twins.
template <ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void twins(const TwinTable& table, int vecs, Vectors x, Vectors y, Ahead& ahead) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const Vectors from{x.data + v * x.vec, x.vec};
    const TableWord* words = table.words;
    for (const Twins* twin = table.twin; twin != table.twin + table.twins; ++twin) {
      const auto add_pairs = [&]<int Pairs>() GAUNTLET_INLINE_LAMBDA {
        constexpr int stride = 1 + Pairs, at_once = kRowsAtOnce<2 * Pairs> / 2;
        const TableWord* const second = words + twin->sums * stride;
#pragma GCC unroll 2
        for (int first = 0; first < Pairs; first += at_once) {
          Vec sum[at_once][Vecs] = {}, difference[at_once][Vecs] = {};
          fetch(ahead, at_once * (twin->sums + twin->differences) * Vecs);
          add_entries<-1, at_once, Vecs, XRow>(words, stride, first, twin->sums, from, sum);
          add_entries<-1, at_once, Vecs, XRow>(second, stride, first, twin->differences, from, difference);
#pragma GCC unroll 2
          for (int p = 0; p < at_once; ++p) {
            float* const to[2] = {y.data + twin->row[first + p][0] * YRow + v * y.vec,
                                  y.data + twin->row[first + p][1] * YRow + v * y.vec};
#pragma GCC unroll 4
            for (int n = 0; n < Vecs; ++n) {
              store(to[0] + n * y.vec, sum[p][n] + difference[p][n]);
              store(to[1] + n * y.vec, sum[p][n] - difference[p][n]);
            }
          }
        }
        words = second + twin->differences * stride;
      };
      if (twin->pairs == 2)
        add_pairs.template operator()<2>();
      else
        add_pairs.template operator()<1>();
    }
  });
  linear<false, XRow, YRow>(table.lone, vecs, x, y, ahead);
}

}  // namespace gauntlet::GAUNTLET_ISA
