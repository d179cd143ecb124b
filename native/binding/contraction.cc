#include "binding/contraction.h"

#include <string>
#include <utility>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/memory.h"

namespace gauntlet::binding {
namespace {

std::unique_ptr<Contraction> make_contraction(ContractionTable table, Device device) {
  if (device == kHost) return make_cpu_contraction(std::move(table));
#ifdef GAUNTLET_WITH_CUDA
  return make_cuda_contraction(std::move(table), device);
#else
  throw Error("ERR_DEVICE", cuda_status().reason);
#endif
}

}  // namespace

Napi::Function NativeContraction::define(Napi::Env env) {
  return DefineClass(
      env, "NativeContraction",
      {InstanceMethod("run", &NativeContraction::run), InstanceMethod("dispose", &NativeContraction::dispose)});
}

NativeContraction::NativeContraction(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeContraction>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    ContractionTable table = decode_contraction(read_array<int32_t>(info.Env(), info[1], napi_int32_array),
                                                read_array<double>(info.Env(), info[2], napi_float64_array));
    elements_ = table.elements;
    for (size_t n = 0; n < table.operands.size(); ++n) {
      shapes_.push_back({table.length(n, 1), table.operands[n].weights, table.operands[n].result});
    }
    contraction_ = make_contraction(std::move(table), device_);
  });
}

void NativeContraction::run(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    if (!contraction_) throw Error("ERR_DISPOSED", "This product was disposed of");
    const auto given = read_array<int32_t>(info.Env(), info[0], napi_int32_array);
    // A copy: another thread may write into shared memory after the check.
    const std::vector<int32_t> elements(given.begin(), given.end());
    for (const int32_t element : elements) {
      if (element < 0 || element >= elements_) {
        throw Error("ERR_ARGUMENT", "Expected an integer from 0 to " + std::to_string(elements_ - 1) +
                                        " for every element but received " + std::to_string(element));
      }
    }
    std::vector<Argument> arguments;
    for (size_t n = 0; n < shapes_.size(); ++n) {
      arguments.push_back(read_argument(info.Env(), info[n + 1], device_));
      const size_t rows = shapes_[n].weights ? 1 : elements.size();
      check_rows(arguments.back(), rows, shapes_[n].dim, "array " + std::to_string(n));
    }
    std::vector<Operand> operands(shapes_.size());
    Placement placement(arguments, operands, [&](size_t n) { return shapes_[n].result; });
    contraction_->run(operands, elements);
    placement.deliver();
  });
}

void NativeContraction::dispose(const Napi::CallbackInfo&) { contraction_.reset(); }

}  // namespace gauntlet::binding
