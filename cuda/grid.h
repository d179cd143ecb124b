// What the grid kernel and the code that prepares it agree on.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/room.h"

namespace gauntlet::cuda {

constexpr int kOrders = 4;      // of the target that a warp projects onto at a time
constexpr int kMostRings = 8;   // that it holds in registers then
constexpr int kMostPoints = 7;  // that it multiplies at a time

/// One (operand, sector, m, parity): `count` rows of x from `row` on, once more for the sines after the cosines.
struct ToRings {
  int32_t right;  // which operand
  int32_t row, count;
  int32_t sines;  // whether there are any
  int32_t slot;   // of its cosines in a ring's slab; its sines are in the next
  int32_t table;  // its Legendre values: [count, ring_stride]
};

/// A function or a derivative of it: the slots from which its values are made.
struct Signal {
  int32_t slot, order;
  int32_t swap;          // 1 where its cosines come from the slots of sines and the other way round
  int32_t trigonometry;  // where its table begins
};

/// Two of them to be multiplied.
struct Factors {
  Signal left, right;
};

struct FromRings {
  int32_t row, count, table;
};

struct Sector {
  int32_t order;
  int32_t first;                 // of its FromRings, [order + 1, 2]
  int32_t term_begin, term_end;  // its Factors
};

struct GridArguments : RoomArguments {
  const ToRings* to_rings;
  const Factors* factors;
  const FromRings* from_rings;
  const Sector* sectors;
  const float* legendre;      // of the operands
  const float* trigonometry;  // tables [point runs, order + 1, cosines | sines, width of a run rounded up to 4]
  const float* target_legendre;
  const float* target_trigonometry;  // [groups of 4 orders, points, cosines | sines, 4]

  int32_t to_rings_count, sector_count;
  int32_t points, run_width, runs;  // of points
  int32_t rings, chunk, passes,
      pass_rings;                     // rings in all, at a time, passes over a chunk in the last stage, rings of one
  int32_t ring_stride, chunk_stride;  // of the operands' Legendre tables: a row, and a chunk in it
  int32_t target_ring_stride, pass_stride;
  int32_t trigonometry_stride;         // of a run of points
  int32_t target_trigonometry_stride;  // of a group of orders
  int32_t slots;                       // of a ring's slab
  int32_t fiber;                       // rows of y
  int32_t slab_at, product_at;         // in a tile's room
  bool clear;                          // bands do not cover the target's fiber once each
};

/// The kernel, for rooms in shared or in device memory.
RoomProgram<GridArguments>::Kernel grid_kernel(bool workspace);

}  // namespace gauntlet::cuda
