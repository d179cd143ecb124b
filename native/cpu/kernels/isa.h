// The kernels of one instruction set, by name; table.cc gathers them.
#pragma once

#include "cpu/kernels.h"

namespace gauntlet::GAUNTLET_ISA {

void pack(const float* memory, const float* end, Strip strip, int size, const int32_t* rows, float* tile, bool add);
void unpack(float* memory, Strip strip, int size, const int32_t* rows, const float* tile);
void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch);
void grid(const GridTable& table, int vecs, const float* left, const float* right, float* y, float* scratch);
void flat_grid(const FlatGridTable& table, int vecs, const float* left, const float* right, float* y, float* scratch);
void fourier(const FourierTable& table, int vecs, const float* left, const float* right, float* y, float* scratch);
void matrix(const MatrixTable& table, int vecs, const float* left, const float* right, float* y, float* scratch);
void harmonics(const HarmonicsTable& table, Pass pass, int vecs, const EdgeTiles& tiles);
void radial(const RadialTable& table, Pass pass, int vecs, const EdgeTiles& tiles);
double fma_loop(size_t iterations);

extern const Kernels table;

}  // namespace gauntlet::GAUNTLET_ISA
