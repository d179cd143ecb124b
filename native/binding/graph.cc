#include "binding/graph.h"

#include <vector>

#include "binding/call.h"
#include "binding/errors.h"
#include "binding/lists.h"

namespace gauntlet::binding {
namespace {

/// Tells our objects from any other that wraps native memory.
constexpr napi_type_tag kTag = {0x1f4be07a93d24c58, 0xb6a70d3e58c1942f};

/// A graph in host memory. The lists are copies: JavaScript can write into its own, or give their memory away.
struct HostGraph {
  std::vector<int32_t> senders, receivers, pairs;
  struct Groups {
    std::vector<int32_t> start, order;
    Incidence view() const { return {start.size() - 1, start.data(), order.data()}; }
  } by_sender, by_receiver, by_pair;
  GraphView view;

  int64_t bytes() const {
    size_t items = senders.size() + receivers.size() + pairs.size();
    for (const Groups* groups : {&by_sender, &by_receiver, &by_pair})
      items += groups->start.size() + groups->order.size();
    return static_cast<int64_t>(items * sizeof(int32_t));
  }
};

std::vector<int32_t> copy_list(const Napi::Object& lists, const char* name) {
  const auto list = read_array<int32_t>(lists.Env(), lists.Get(name), napi_int32_array);
  return {list.begin(), list.end()};
}

/// Edges by group, where edge n is of group of[n]: each once, with its group's, ascending.
HostGraph::Groups copy_groups(const Napi::Object& lists, const char* start, const char* order,
                              const std::vector<int32_t>& of) {
  HostGraph::Groups groups{copy_list(lists, start), copy_list(lists, order)};
  if (groups.order.size() != of.size()) throw Error("ERR_LENGTH", "Expected lists of as many edges for a graph");
  check_starts(groups.start, groups.order);
  check_indices(groups.order, of.size(), order);
  check_indices(of, groups.start.size() - 1, "the nodes or pairs of edges");
  for (size_t group = 0; group + 1 < groups.start.size(); ++group) {
    for (int32_t n = groups.start[group]; n < groups.start[group + 1]; ++n) {
      const bool ascends = n == groups.start[group] || groups.order[n - 1] < groups.order[n];
      if (!ascends || static_cast<size_t>(of[groups.order[n]]) != group)
        throw Error("ERR_ARGUMENT", "Expected every edge of a graph once, with those of its node or pair");
    }
  }
  return groups;
}

std::shared_ptr<const HostGraph> copy_graph(const Napi::Object& lists) {
  auto graph = std::make_shared<HostGraph>();
  graph->senders = copy_list(lists, "senders");
  graph->receivers = copy_list(lists, "receivers");
  const size_t edges = graph->senders.size();
  if (graph->receivers.size() != edges) throw Error("ERR_LENGTH", "Expected as many receivers as senders");
  graph->by_sender = copy_groups(lists, "senderStart", "senderOrder", graph->senders);
  graph->by_receiver = copy_groups(lists, "receiverStart", "receiverOrder", graph->receivers);
  graph->view = {.edges = edges,
                 .senders = graph->senders.data(),
                 .receivers = graph->receivers.data(),
                 .by_sender = graph->by_sender.view(),
                 .by_receiver = graph->by_receiver.view(),
                 .pairs = nullptr,
                 .by_pair = GraphView::without_pairs(edges)};
  if (lists.Has("pairs")) {
    graph->pairs = copy_list(lists, "pairs");
    if (graph->pairs.size() != edges) throw Error("ERR_LENGTH", "Expected as many pairs as senders");
    graph->by_pair = copy_groups(lists, "pairStart", "pairOrder", graph->pairs);
    graph->view.pairs = graph->pairs.data();
    graph->view.by_pair = graph->by_pair.view();
  }
  return graph;
}

}  // namespace

Napi::Function NativeGraph::define(Napi::Env env) { return DefineClass(env, "NativeGraph", {}); }

NativeGraph::NativeGraph(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeGraph>(info) {
  guard(info.Env(), [&] {
    device_ = parse_device(info[0].ToString().Utf8Value());
    if (!info[1].IsObject()) throw Error("ERR_ARGUMENT", "Expected the lists of a graph");
    const auto graph = copy_graph(info[1].As<Napi::Object>());
    view_ = std::shared_ptr<const GraphView>(graph, &graph->view);
    external_bytes_ = graph->bytes();
#ifdef GAUNTLET_WITH_CUDA
    if (device_ != kHost) view_ = copy_graph_to_cuda(graph->view, device_);
#endif
    info.This().As<Napi::Object>().TypeTag(&kTag);
    // The collector sees a tiny object; a training makes one for every batch.
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), external_bytes_);
  });
}

void NativeGraph::Finalize(Napi::BasicEnv env) {
  if (view_) Napi::MemoryManagement::AdjustExternalMemory(env, -external_bytes_);
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
