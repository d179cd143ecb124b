#include "binding/executor.h"

#include <algorithm>
#include <cstring>
#include <utility>

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

/// An evaluation on a thread of libuv's pool. It holds the executor and all memory it works on, whatever JavaScript does
/// meanwhile.
class Evaluation : public Napi::AsyncWorker {
 public:
  Evaluation(Napi::Env env, std::shared_ptr<Executor> executor, Call& call, Napi::Object out)
      : Napi::AsyncWorker(env, "gauntlet:evaluate"),
        deferred_(Napi::Promise::Deferred::New(env)),
        executor_(std::move(executor)),
        target_(call.target),
        batch_(call.batch),
        accumulate_(call.accumulate),
        out_(Napi::Persistent(out)),
        out_argument_(call.out()) {
    for (int o = 0; o < call.operands; ++o) {
      const Argument& argument = call.arguments[o];
      const bool read = o != target_ || accumulate_;
      if (o == target_ && call.out_overlaps_input()) {
        memory_[o] = memory_like(argument, read);
      } else if (argument.device_array) {
        memory_[o] = argument.device_array->memory();
      } else if ((memory_[o] = find_allocated(argument.data))) {
        operands_[o] = {argument.data};  // may lie anywhere in that memory
        continue;
      } else {
        memory_[o] = Memory::on(kHost, argument.length);
        if (read) memory_[o]->copy_from(argument.data);
      }
      operands_[o] = operand_of(*memory_[o]);
    }
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      executor_->evaluate(target_, operands_, batch_, accumulate_);
    } catch (...) {
      failure_ = current_failure();
    }
  }

  void OnOK() override {
    if (!failure_.code) failure_ = deliver();
    if (failure_.code) {
      deferred_.Reject(to_js(Env(), failure_).Value());
    } else {
      deferred_.Resolve(Env().Undefined());
    }
  }

 private:
  /// Puts the result where JavaScript looks for it, if that is still there.
  Failure deliver() {
    const std::shared_ptr<Memory>& result = memory_[target_];
    if (DeviceArray* array = out_argument_.device_array) {
      if (array->disposed()) return {"ERR_DISPOSED", "The DeviceArray for out was disposed of before its result came"};
      if (array->memory() != result) array->replace(result);
      return {};
    }
    size_t length;
    void* data;
    const napi_status status = napi_get_typedarray_info(Env(), out_.Value(), nullptr, &length, &data, nullptr, nullptr);
    if (status != napi_ok || length != out_argument_.length) {
      return {"ERR_BUFFER", "The buffer of out was detached, freed or resized before its result came"};
    }
    // In place already where `out` is memory of ours; otherwise `result` is a copy of its own.
    if (operands_[target_].data != data) result->copy_to(static_cast<float*>(data));
    return {};
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Executor> executor_;
  int target_;
  size_t batch_;
  bool accumulate_;
  Operand operands_[kOperands];
  std::shared_ptr<Memory> memory_[kOperands];
  Napi::ObjectReference out_;
  Argument out_argument_;
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
    Executor& executor = *this->executor();
    Call call(info, shape_, device_);
    const auto is_result = [&](size_t o) { return static_cast<int>(o) == call.target; };
    Operand operands[kOperands];
    Placement placement({call.arguments, static_cast<size_t>(call.operands)}, operands, is_result, call.accumulate);
    executor.evaluate(call.target, operands, call.batch, call.accumulate);
    placement.deliver();
  });
}

Napi::Value NativeExecutor::evaluate_async(const Napi::CallbackInfo& info) {
  return guard(info.Env(), [&] {
    Call call(info, shape_, device_);
    const Napi::Object out = info[call.out_position()].As<Napi::Object>();
    auto evaluation = std::make_unique<Evaluation>(info.Env(), executor(), call, out);
    const Napi::Promise promise = evaluation->promise();
    evaluation->Queue();
    evaluation.release();  // deletes itself when it is done
    return promise;
  });
}

void NativeExecutor::dispose(const Napi::CallbackInfo& info) {
  Finalize(info.Env());
  executor_.reset();
}

}  // namespace gauntlet::binding
