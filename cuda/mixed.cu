#include "core/error.h"
#include "cuda/program.h"

namespace gauntlet::cuda {

std::unique_ptr<Program> make_mixed_program(const Group&, const int32_t (&)[kOperands], int, const Device&) {
  throw Error("ERR_DEVICE",
              "Expected 'cpu' for the device of a product with weights: the GPU does not compute them yet");
}

}  // namespace gauntlet::cuda
