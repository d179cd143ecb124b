// The shared memory that kernels of an emulated GPU have, under the name they have for it.
#include <cuda_runtime.h>

namespace gauntlet::cuda {
alignas(256) float4 dynamic_shared[emulated::kSharedBytes / sizeof(float4)];
}

std::byte* const emulated::shared_memory = reinterpret_cast<std::byte*>(gauntlet::cuda::dynamic_shared);
