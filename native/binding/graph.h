// The lists of a graph where a convolution reads them, copied from JavaScript's once for each device; lib/product/graph.ts keeps them.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/devices.h"
#include "core/convolution.h"

namespace gauntlet::binding {

class NativeGraph : public Napi::ObjectWrap<NativeGraph> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new (device, lists: { senders, receivers, senderStart, senderOrder, receiverStart, receiverOrder }, and where edges share
  /// weights { pairs, pairStart, pairOrder })
  explicit NativeGraph(const Napi::CallbackInfo& info);
  void Finalize(Napi::BasicEnv env) override;

  /// Throws Error unless `value` is a NativeGraph on `device`.
  static const GraphView& view_of(Napi::Env env, napi_value value, Device device);

 private:
  Device device_ = kHost;
  std::shared_ptr<const GraphView> view_;
  int64_t external_bytes_ = 0;
};

}  // namespace gauntlet::binding
