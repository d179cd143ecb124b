// Arrays one after another in one, a float to a thread; what lies between them is zero.
#include <algorithm>

#include "cuda/matrix_kernels.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

/// Pieces of a launch: as many as fit well into what a kernel's argument may take.
constexpr size_t kMostPieces = 128;

struct PiecesCall {
  float* out;
  int32_t begin, end;  // of out, all pieces and what follows them
  int32_t count;
  int32_t start[kMostPieces], length[kMostPieces];
  const float* x[kMostPieces];
};

__global__ void __launch_bounds__(kThreads) join_pieces(const __grid_constant__ PiecesCall call) {
  const int64_t n = call.begin + static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (n >= call.end) return;
  // The last piece that begins at n or before; ahead of the first, that one.
  int32_t piece = 0, count = call.count;
  while (count > 1) {
    const int32_t half = count / 2;
    const bool upper = call.start[piece + half] <= n;
    piece = upper ? piece + half : piece;
    count = upper ? count - half : half;
  }
  const int64_t at = n - call.start[piece];
  call.out[n] = at >= 0 && at < call.length[piece] ? call.x[piece][at] : 0.0f;
}

}  // namespace

void concatenate(float* out, int64_t length, std::span<const Piece> pieces, std::span<float* const> inputs,
                 cudaStream_t stream) {
  for (size_t first = 0; first < pieces.size(); first += kMostPieces) {
    const size_t last = std::min(first + kMostPieces, pieces.size());
    PiecesCall call{.out = out,
                    .begin = first == 0 ? 0 : pieces[first].start,
                    .end = last == pieces.size() ? static_cast<int32_t>(length) : pieces[last].start,
                    .count = static_cast<int32_t>(last - first)};
    for (size_t n = first; n < last; ++n) {
      call.start[n - first] = pieces[n].start;
      call.length[n - first] = pieces[n].length;
      call.x[n - first] = inputs[n];
    }
    launch_kernel(join_pieces, (int64_t{call.end} - call.begin + kThreads - 1) / kThreads, 0, stream, call);
  }
}

}  // namespace gauntlet::cuda
