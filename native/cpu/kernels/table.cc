#include "cpu/kernels/isa.h"

#define GAUNTLET_STRING_(x) #x
#define GAUNTLET_STRING(x) GAUNTLET_STRING_(x)

namespace gauntlet::GAUNTLET_ISA {

const Kernels table = {GAUNTLET_STRING(GAUNTLET_ISA),
                       pack,
                       unpack,
                       unpack_past_caches,
                       couple,
                       unmap,
                       decouple,
                       grid,
                       flat_grid,
                       fourier,
                       matrix,
                       scale,
                       scale_back,
                       weigh,
                       correlate,
                       correlate_lanes,
                       message,
                       message_weights,
                       message_matrix,
                       edge_map,
                       harmonics,
                       radial,
                       circuit,
                       elementwise,
                       combine,
                       sum_rows,
                       pack_panel,
                       multiply_panel,
                       sum_tiles,
                       multiply_rows,
                       fma_loop};

}  // namespace gauntlet::GAUNTLET_ISA
