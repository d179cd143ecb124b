// The kernels of one instruction set, by name; table.cc gathers them.
#pragma once

#include "cpu/kernels.h"

namespace gauntlet::GAUNTLET_ISA {

void pack(const float* memory, const float* end, const Strip& strip, int size, const int32_t* rows, float* tile,
          bool add);
void unpack(float* memory, const Strip& strip, int size, const int32_t* rows, const float* tile);
void unpack_past_caches(float* memory, int lanes, int size, const int32_t* rows, const float* tile);
void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch,
            Ahead& ahead);
void unmap(const TwinTable& table, int vecs, const float* gradient, float* h, Ahead& ahead);
void decouple(const Decoupling& decoupling, int vecs, const float* const (&x)[2], const float* h, float* const (&y)[2],
              Ahead& ahead);
void grid(const GridTable& table, int vecs, const float* const* x, float* y, float* scratch, Ahead& ahead);
void flat_grid(const FlatGridTable& table, int vecs, const float* const* x, float* y, float* scratch, Ahead& ahead);
void fourier(const FourierTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
             Ahead& ahead);
void matrix(const MatrixTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
            Ahead& ahead);
void scale(const Scaling& scaling, int vecs, Ahead& ahead);
void scale_back(const Scaling& scaling, int vecs, Ahead& ahead);
void weigh(const Weighing& weighing, int vecs, Ahead& ahead);
void correlate(const Correlation& correlation, int vecs, Ahead& ahead);
void correlate_lanes(const LaneCorrelation& correlation, Ahead& ahead);
void message(const Message& message, float* to);
void message_weights(const Message& message, const float* const* y, ptrdiff_t y_at, float* const* weights,
                     const bool* add);
void message_matrix(const Message& message, const float* const* y, ptrdiff_t y_at, float* matrix);
void edge_map(const LinearTable& table, const float* x, float* y);
void harmonics(const HarmonicsTable& table, Pass pass, int vecs, const EdgeTiles& tiles);
void radial(const RadialTable& table, Pass pass, int vecs, const EdgeTiles& tiles);
void circuit(const CircuitTable& table, float* file);
void elementwise(const Elementwise& elementwise, ptrdiff_t begin, ptrdiff_t end, float* y);
void combine(const Combination& combination, ptrdiff_t begin, ptrdiff_t end, float* y);
void sum_rows(const RowSum& sum, float* y);
void pack_panel(const PanelSource& source, float* panel);
void multiply_panel(const PanelProduct& product);
void sum_tiles(const TileSum& sum);
void multiply_rows(const RowProduct& product);
double fma_loop(size_t iterations);

extern const Kernels table;

}  // namespace gauntlet::GAUNTLET_ISA
