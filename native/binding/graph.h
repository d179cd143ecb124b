// The lists of a graph where a convolution reads them, made from JavaScript's once for each device; lib/product/graph.ts keeps them.
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
  /// weights { pairs, pairStart, pairOrder }), whose contents lib/product/graph.ts has made sure of and nobody else can reach
  explicit NativeGraph(const Napi::CallbackInfo& info);

  /// Throws Error unless `value` is a NativeGraph on `device`.
  static const GraphView& view_of(Napi::Env env, napi_value value, Device device);

 private:
  Device device_ = kHost;
  std::shared_ptr<const GraphView> view_;
  Napi::ObjectReference lists_;  // on the CPU the view is of these
};

}  // namespace gauntlet::binding
