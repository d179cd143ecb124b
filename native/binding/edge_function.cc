#include "binding/edge_function.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/memory.h"

namespace gauntlet::binding {
namespace {

std::unique_ptr<EdgeFunction> make_edge_function(const EdgeTable& table, Device device) {
  if (device == kHost) return make_cpu_edge_function(table);
#ifdef GAUNTLET_WITH_CUDA
  return make_cuda_edge_function(table, device);
#else
  throw Error("ERR_DEVICE", cuda_status().reason);
#endif
}

/// An array of a call: which operand it is, floats of a row, and whether it is a result.
struct Slot {
  Operand EdgeOperands::* operand;
  bool values;
  bool result;
};

std::vector<Slot> slots_of(Pass pass) {
  const Slot v{&EdgeOperands::v, false, false}, grad_out{&EdgeOperands::grad_out, true, false},
      x{&EdgeOperands::x, false, false}, grad{&EdgeOperands::grad, false, true},
      values{&EdgeOperands::values, true, true};
  switch (pass) {
    case Pass::forward: return {x, values};
    case Pass::backward: return {grad_out, x, grad};
    case Pass::double_backward: return {v, grad_out, x, grad, values};
  }
  return {};
}

}  // namespace

Napi::Function NativeEdgeFunction::define(Napi::Env env) {
  return DefineClass(env, "NativeEdgeFunction",
                     {InstanceMethod("forward", &NativeEdgeFunction::forward),
                      InstanceMethod("backward", &NativeEdgeFunction::backward),
                      InstanceMethod("doubleBackward", &NativeEdgeFunction::double_backward),
                      InstanceMethod("dispose", &NativeEdgeFunction::dispose)});
}

NativeEdgeFunction::NativeEdgeFunction(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeEdgeFunction>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    const EdgeTable table = decode_edge_table(read_array<int32_t>(info.Env(), info[1], napi_int32_array),
                                              read_array<double>(info.Env(), info[2], napi_float64_array));
    inputs_ = edge_inputs(table);
    values_ = edge_values(table);
    function_ = make_edge_function(table, device_);
  });
}

void NativeEdgeFunction::forward(const Napi::CallbackInfo& info) { run(info, Pass::forward); }
void NativeEdgeFunction::backward(const Napi::CallbackInfo& info) { run(info, Pass::backward); }
void NativeEdgeFunction::double_backward(const Napi::CallbackInfo& info) { run(info, Pass::double_backward); }

void NativeEdgeFunction::run(const Napi::CallbackInfo& info, Pass pass) {
  guard(info.Env(), [&] {
    if (!function_) throw Error("ERR_DISPOSED", "This function was disposed of");
    const std::vector<Slot> slots = slots_of(pass);
    int64_t rows;
    if (napi_get_value_int64(info.Env(), info[slots.size()], &rows) != napi_ok || rows < 0) {
      throw Error("ERR_ARGUMENT", "Expected a whole number of rows");
    }
    std::vector<Argument> arguments;
    for (size_t n = 0; n < slots.size(); ++n) {
      arguments.push_back(read_argument(info.Env(), info[n], device_));
      const size_t size = slots[n].values ? values_ : inputs_;
      check_rows(arguments.back(), static_cast<size_t>(rows), size, "array " + std::to_string(n));
    }
    if (rows == 0) return;
    std::vector<Operand> placed(slots.size());
    Placement placement(arguments, placed, [&](size_t n) { return slots[n].result; });
    EdgeOperands operands{};
    for (size_t n = 0; n < slots.size(); ++n) operands.*slots[n].operand = placed[n];
    function_->run(pass, operands, static_cast<size_t>(rows));
    placement.deliver();
  });
}

void NativeEdgeFunction::dispose(const Napi::CallbackInfo&) { function_.reset(); }

}  // namespace gauntlet::binding
