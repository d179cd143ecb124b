#include "binding/graph.h"

#include "binding/call.h"
#include "binding/errors.h"

namespace gauntlet::binding {
namespace {

/// Tells our objects from any other that wraps native memory.
constexpr napi_type_tag kTag = {0x1f4be07a93d24c58, 0xb6a70d3e58c1942f};

std::span<const int32_t> list(const Napi::Object& lists, const char* name, size_t least) {
  const auto values = read_array<int32_t>(lists.Env(), lists.Get(name), napi_int32_array);
  if (values.size() < least) throw Error("ERR_ARGUMENT", "The graph is malformed");
  return values;
}

GraphView read_lists(const Napi::Object& lists) {
  const auto senders = list(lists, "senders", 0);
  const size_t edges = senders.size();
  const auto incidence = [&](const char* start_name, const char* order_name) {
    const auto start = list(lists, start_name, 1);
    return Incidence{start.size() - 1, start.data(), list(lists, order_name, edges).data()};
  };
  const bool paired = lists.Has("pairs");
  return {edges,
          senders.data(),
          list(lists, "receivers", edges).data(),
          incidence("senderStart", "senderOrder"),
          incidence("receiverStart", "receiverOrder"),
          paired ? list(lists, "pairs", edges).data() : nullptr,
          paired ? incidence("pairStart", "pairOrder") : GraphView::without_pairs(edges)};
}

}  // namespace

Napi::Function NativeGraph::define(Napi::Env env) { return DefineClass(env, "NativeGraph", {}); }

NativeGraph::NativeGraph(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeGraph>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    if (!info[1].IsObject()) throw Error("ERR_ARGUMENT", "Expected the lists of a graph");
    const Napi::Object lists = info[1].As<Napi::Object>();
    const GraphView view = read_lists(lists);
    if (device_ == kHost) {
      view_ = std::make_shared<GraphView>(view);
      lists_ = Napi::Persistent(lists);
    } else {
#ifdef GAUNTLET_WITH_CUDA
      view_ = copy_graph_to_cuda(view, device_);
#endif
    }
    info.This().As<Napi::Object>().TypeTag(&kTag);
  });
}

const GraphView& NativeGraph::view_of(Napi::Env env, napi_value value, Device device) {
  napi_valuetype type;
  bool tagged = false;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &kTag, &tagged) != napi_ok || !tagged) {
    throw Error("ERR_ARGUMENT", "Expected a graph");
  }
  const NativeGraph& graph = *Unwrap(Napi::Object(env, value));
  if (graph.device_ != device) {
    throw Error("ERR_DEVICE",
                "Expected a graph on " + device_id(device) + " but received one on " + device_id(graph.device_));
  }
  return *graph.view_;
}

}  // namespace gauntlet::binding
