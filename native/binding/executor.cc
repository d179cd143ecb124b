#include "binding/executor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/memory.h"
#include "core/plan.h"

namespace gauntlet::binding {
namespace {

std::shared_ptr<Executor> make_executor(const Plan& plan, Device device) {
  if (device == kHost) return make_cpu_executor(plan);
#ifdef GAUNTLET_WITH_CUDA
  return make_cuda_executor(plan, device);
#else
  throw Error("ERR_DEVICE", cuda_status().reason);
#endif
}

/// Evaluations on a thread of libuv's pool. They hold the executor and all memory they work on, whatever JavaScript does meanwhile.
class AsyncCall : public Napi::AsyncWorker {
 public:
  AsyncCall(const Napi::CallbackInfo& info, std::shared_ptr<Executor> executor, Call call)
      : Napi::AsyncWorker(info.Env(), "gauntlet:evaluate"),
        deferred_(Napi::Promise::Deferred::New(info.Env())),
        executor_(std::move(executor)),
        call_(std::move(call)) {
    const auto is_result = [&](size_t n) { return call_.is_result(n); };
    for (size_t n = 0; n < call_.arguments.size(); ++n) {
      const auto same = [&](const Place& place) {
        return place.result == is_result(n) && place.argument.same_as(call_.arguments[n]);
      };
      auto place = std::find_if(places_.begin(), places_.end(), same);
      if (place == places_.end()) {
        const bool away = is_result(n) && overlaps_another(call_.arguments, is_result, n);
        const bool read = !is_result(n) || call_.evaluation_of(n).accumulate;
        place = places_.insert(place, find_place(call_.arguments[n], is_result(n), away, read));
        if (is_result(n)) place->object = Napi::Persistent(argument_object(info, call_, n));
      }
      call_.place(n, place->operand);
    }
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      executor_->evaluate(call_.evaluations, call_.batch);
    } catch (...) {
      failure_ = current_failure();
    }
  }

  void OnOK() override {
    for (const Place& place : places_) {
      if (place.result && !failure_.code) failure_ = deliver(place);
    }
    if (failure_.code) {
      deferred_.Reject(to_js(Env(), failure_).Value());
    } else {
      deferred_.Resolve(Env().Undefined());
    }
  }

 private:
  /// The memory that stands for an argument.
  struct Place {
    Argument argument;
    bool result;
    std::shared_ptr<Memory> memory;
    Operand operand;
    Napi::ObjectReference object;  // of a result
  };

  /// With `away` in memory of its own; with `read` holding the argument's values.
  static Place find_place(const Argument& argument, bool result, bool away, bool read) {
    Place place{argument, result, {}, {}, {}};
    if (away) {
      place.memory = memory_like(argument, read);
    } else if (argument.device_array) {
      place.memory = argument.device_array->memory();
    } else if ((place.memory = find_allocated(argument.data))) {
      place.operand = {argument.data};  // may lie anywhere in that memory
      return place;
    } else {
      place.memory = Memory::on(kHost, argument.length);
      if (read) place.memory->copy_from(argument.data);
    }
    place.operand = operand_of(*place.memory);
    return place;
  }

  /// Puts a result where JavaScript looks for it, if that is still there.
  Failure deliver(const Place& place) const {
    if (DeviceArray* array = place.argument.device_array) {
      if (array->disposed()) return {"ERR_DISPOSED", "The DeviceArray for out was disposed of before its result came"};
      if (array->memory() != place.memory) array->replace(place.memory);
      return {};
    }
    size_t length;
    void* data;
    const napi_status status =
        napi_get_typedarray_info(Env(), place.object.Value(), nullptr, &length, &data, nullptr, nullptr);
    if (status != napi_ok || length != place.argument.length) {
      return {"ERR_BUFFER", "The buffer of out was detached, freed or resized before its result came"};
    }
    // In place already where `out` is memory of ours; otherwise `memory` is a copy of its own.
    if (place.operand.data != data) place.memory->copy_to(static_cast<float*>(data));
    return {};
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Executor> executor_;
  Call call_;
  std::vector<Place> places_;
  Failure failure_;
};

}  // namespace

Napi::Function NativeExecutor::define(Napi::Env env) {
  return DefineClass(env, "NativeExecutor",
                     {InstanceMethod("evaluate", &NativeExecutor::evaluate),
                      InstanceMethod("evaluateAsync", &NativeExecutor::evaluate_async),
                      InstanceMethod("dispose", &NativeExecutor::dispose)});
}

NativeExecutor::NativeExecutor(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeExecutor>(info) {
  guard(info.Env(), [&] {
    const auto integers = read_array<int32_t>(info.Env(), info[1], napi_int32_array);
    const auto reals = read_array<double>(info.Env(), info[2], napi_float64_array);
    const Plan plan = decode_plan(integers, reals);
    device_ = parse_device(info[0].ToString().Utf8Value());
    executor_ = make_executor(plan, device_);
    std::copy_n(plan.dim, kOperands, shape_.dim);
    shape_.shared_weights = plan.shared_weights;
    // The collector sees a tiny object; what hangs on it is about as large as the plan.
    external_bytes_ = static_cast<int64_t>(integers.size_bytes() + reals.size_bytes());
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), external_bytes_);
  });
}

void NativeExecutor::Finalize(Napi::BasicEnv env) {
  if (executor_) Napi::MemoryManagement::AdjustExternalMemory(env, -external_bytes_);
}

const std::shared_ptr<Executor>& NativeExecutor::executor() const {
  if (!executor_) throw Error("ERR_DISPOSED", "This product was disposed of");
  return executor_;
}

void NativeExecutor::evaluate(const Napi::CallbackInfo& info) {
  guard(info.Env(), [&] {
    const auto executor = this->executor();  // a getter of an argument may dispose of this one
    Call call(info, shape_, device_);
    const bool accumulate = std::any_of(call.evaluations.begin(), call.evaluations.end(),
                                        [](const Evaluation& evaluation) { return evaluation.accumulate; });
    std::vector<Operand> operands(call.arguments.size());
    Placement placement(call.arguments, operands, [&](size_t n) { return call.is_result(n); }, accumulate);
    for (size_t n = 0; n < operands.size(); ++n) call.place(n, operands[n]);
    executor->evaluate(call.evaluations, call.batch);
    placement.deliver();
  });
}

Napi::Value NativeExecutor::evaluate_async(const Napi::CallbackInfo& info) {
  return guard(info.Env(), [&] {
    const auto executor = this->executor();
    auto call = std::make_unique<AsyncCall>(info, executor, Call(info, shape_, device_));
    const Napi::Promise promise = call->promise();
    call->Queue();
    call.release();  // deletes itself when it is done
    return promise;
  });
}

void NativeExecutor::dispose(const Napi::CallbackInfo& info) {
  Finalize(info.Env());
  executor_.reset();
}

}  // namespace gauntlet::binding
