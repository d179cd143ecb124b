// The kernels of one instruction set, by name; table.cc gathers them.
#pragma once

#include "cpu/kernels.h"

namespace gauntlet::GAUNTLET_ISA {

void pack(const float* memory, const float* end, Strip strip, int size, const int32_t* rows, float* tile, int lanes, bool add);
void unpack(float* memory, Strip strip, int size, const int32_t* rows, const float* tile, int lanes);
void sparse(const SparseTable& table, const int32_t* rows, int n, const float* a, const float* b, float* y);
void grid(const GridTable& table, const float* a, const float* b, float* y, float* scratch);
void fourier(const FourierTable& table, const float* a, const float* b, float* y, float* scratch);
void matrix(const MatrixTable& table, const float* a, const float* b, float* y, float* scratch);
double fma_loop(size_t iterations);

extern const Kernels table;

}  // namespace gauntlet::GAUNTLET_ISA
