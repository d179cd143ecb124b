#include "binding/convolution.h"

#include <algorithm>
#include <string>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/graph.h"
#include "binding/memory.h"

namespace gauntlet::binding {
namespace {

std::unique_ptr<Convolution> make_convolution(const ConvolutionTable& table, Device device) {
  if (device == kHost) return make_cpu_convolution(table);
#ifdef GAUNTLET_WITH_CUDA
  return make_cuda_convolution(table, device);
#else
  throw Error("ERR_DEVICE", cuda_status().reason);
#endif
}

}  // namespace

Napi::Function NativeConvolution::define(Napi::Env env) {
  return DefineClass(env, "NativeConvolution",
                     {InstanceMethod("evaluate", &NativeConvolution::evaluate),
                      InstanceMethod("dispose", &NativeConvolution::dispose)});
}

NativeConvolution::NativeConvolution(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeConvolution>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    const ConvolutionTable table = decode_convolution(read_array<int32_t>(info.Env(), info[1], napi_int32_array),
                                                      read_array<double>(info.Env(), info[2], napi_float64_array));
    std::copy_n(table.dim, kOperands, dim_);
    convolution_ = make_convolution(table, device_);
  });
}

void NativeConvolution::evaluate(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    if (!convolution_) throw Error("ERR_DISPOSED", "This convolution was disposed of");
    int32_t target;
    bool accumulate;
    const int32_t last = dim_[kWeights] > 0 ? kOperands : kOperands - 1;
    if (napi_get_value_int32(info.Env(), info[0], &target) != napi_ok || target < 0 || target >= last ||
        napi_get_value_bool(info.Env(), info[6], &accumulate) != napi_ok) {
      throw Error("ERR_ARGUMENT", "Expected an operand to leave out and whether to accumulate");
    }
    const GraphView& graph = NativeGraph::view_of(info.Env(), info[5], device_);
    Argument arguments[kOperands];
    for (int o = 0; o < last; ++o) {
      arguments[o] = read_argument(info.Env(), info[1 + o], device_);
      check_rows(arguments[o], graph.rows(o), dim_[o], "operand " + std::to_string(o));
    }
    const auto is_result = [&](size_t o) { return static_cast<int>(o) == target; };
    Operand operands[kOperands];
    Placement placement({arguments, static_cast<size_t>(last)}, operands, is_result, accumulate);
    convolution_->evaluate(target, operands, graph, accumulate);
    placement.deliver();
  });
}

void NativeConvolution::dispose(const Napi::CallbackInfo&) { convolution_.reset(); }

}  // namespace gauntlet::binding
