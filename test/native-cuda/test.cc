// Runs the CUDA executor, kernels and all, on an emulated GPU, against the plain float64 reading of the same plan.
//
// Every case runs for each target, on machines with much and with little shared memory, with the threads of a block in three
// orders (the results must be the same floats), from host and from device memory. Built with sanitizers by run.sh.
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "checks.h"
#include "core/error.h"
#include "cuda/tile.h"
#include "matrices.h"
#include "plans.h"

namespace gauntlet::test {
namespace {

void test_sparse() {
  Random random(1);
  for (const int channels : {1, 3, 40}) {
    for (const bool odd : {false, true}) {
      const SideOptions options{.uneven = odd, .shared = odd, .scattered = odd};
      const Plan plan = plan_of(random, channels, {9, 16, 25}, options,
                                [&](const Side(&sides)[3]) { return random_sparse(random, sides, 150); });
      check_plan("sparse, " + std::to_string(channels) + (odd ? " channels, uneven" : " channels"), plan, 37, 2);
    }
  }
  // Fibers beyond what shared memory holds: pieces of all three.
  const Plan large = plan_of(random, 2, {200, 20, 1800}, {.scattered = true, .most_block = 13},
                             [&](const Side(&sides)[3]) { return random_sparse(random, sides, 4000); });
  check_plan("sparse, large fibers", large, 33, 3);
  const Plan empty = plan_of(random, 2, {3, 3, 5}, {}, [&](const Side(&)[3]) { return SparseForm{}; });
  check_plan("sparse, nothing coupled", empty, 5, 3);
}

void test_dense() {
  Random random(4);
  for (const int channels : {1, 5}) {
    const Plan plan =
        plan_of(random, channels, {12, 16, 27}, {.uneven = channels > 1, .shared = true, .scattered = true},
                [&](const Side(&sides)[3]) { return random_dense(random, sides, 12, 9); });
    check_plan("dense, " + std::to_string(channels) + " channels", plan, 21, 5);
  }
  const Plan large = plan_of(random, 1, {220, 30, 900}, {.most_block = 21},
                             [&](const Side(&sides)[3]) { return random_dense(random, sides, 60, 13); });
  check_plan("dense, large fibers", large, 33, 6);
}

void test_grid() {
  Random random(7);
  struct Case {
    int degree[3], sectors[3], rings, points, channels;
    size_t batch;
  };
  const Case cases[] = {
      {{0, 0, 0}, {1, 1, 1}, 1, 1, 1, 3},    {{1, 1, 2}, {1, 1, 1}, 2, 3, 1, 70},
      {{2, 2, 4}, {1, 1, 1}, 3, 5, 8, 37},   {{3, 2, 5}, {2, 2, 2}, 4, 6, 3, 23},
      {{4, 4, 8}, {1, 1, 1}, 5, 9, 5, 9},    {{4, 3, 2}, {2, 1, 2}, 9, 8, 4, 11},
      {{6, 6, 12}, {1, 1, 1}, 7, 13, 2, 17}, {{10, 10, 20}, {1, 1, 1}, 11, 21, 1, 2},
      {{5, 6, 7}, {3, 2, 4}, 19, 17, 1, 3},
  };
  for (const Case& c : cases) {
    for (const bool brackets : {false, true}) {
      int fiber[3];
      const GridForm form = random_grid(random, c.degree, c.sectors, c.rings, c.points, fiber, brackets);
      const SideOptions options{.uneven = c.channels > 2, .shared = c.channels > 2, .scattered = c.channels > 2};
      const Plan plan = plan_of(random, c.channels, fiber, options, [&](const Side(&)[3]) { return form; });
      check_plan("grid, degrees " + std::to_string(c.degree[0]) + " " + std::to_string(c.degree[1]) + " " +
                     std::to_string(c.degree[2]) + (brackets ? ", brackets" : ""),
                 plan, c.batch, 8);
    }
  }
  // Sectors that overlap, rows that belong to none, and a sector that no term reaches.
  int fiber[3];
  GridForm form = random_grid(random, {2, 2, 3}, {2, 1, 3}, 3, 4, fiber, true);
  form.sectors[2][1].first = 1;
  form.terms = {{{0, 0, 0}}, {{1, 0, 1}}, {{1, 0, 0}}};
  form.brackets = {1, 0, 0};
  const Plan plan = plan_of(random, 2, fiber, {}, [&](const Side(&)[3]) { return form; });
  check_plan("grid, overlapping sectors", plan, 19, 9);
}

void test_fourier() {
  Random random(10);
  struct Case {
    int degree[3], sectors[3], fiber[3], channels;
    size_t batch;
  };
  const Case cases[] = {
      {{0, 0, 0}, {1, 1, 1}, {1, 1, 1}, 1, 5},      {{1, 1, 2}, {1, 1, 1}, {4, 4, 9}, 6, 11},
      {{2, 3, 4}, {2, 2, 2}, {9, 16, 25}, 3, 14},   {{4, 1, 2}, {1, 3, 2}, {25, 4, 9}, 1, 40},
      {{5, 5, 10}, {1, 1, 1}, {36, 36, 121}, 1, 3}, {{7, 7, 5}, {1, 1, 1}, {64, 64, 36}, 1, 2},
  };
  for (const Case& c : cases) {
    const FourierForm form = random_fourier(random, c.degree, c.sectors, c.fiber);
    const SideOptions options{.uneven = c.channels > 2, .shared = c.channels > 2, .scattered = c.channels > 2};
    const Plan plan = plan_of(random, c.channels, c.fiber, options, [&](const Side(&)[3]) { return form; });
    check_plan("Fourier, degrees " + std::to_string(c.degree[0]) + " " + std::to_string(c.degree[1]) + " " +
                   std::to_string(c.degree[2]),
               plan, c.batch, 11);
  }
}

void test_matrix() {
  Random random(12);
  for (const int size : {1, 3, 4, 7, 13}) {
    const int fiber[3] = {size * size, size * size, size * size};
    for (const int sectors : {1, 2}) {
      const MatrixForm form = random_matrix(random, size, {sectors, 2, sectors}, fiber);
      const SideOptions options{.uneven = sectors > 1, .shared = sectors > 1, .scattered = sectors > 1};
      const Plan plan = plan_of(random, 3, fiber, options, [&](const Side(&)[3]) { return form; });
      check_plan("matrix, size " + std::to_string(size) + ", sectors " + std::to_string(sectors), plan, 15, 13);
    }
  }
}

/// Every channel of x1 with every channel of x2: one group per pair of blocks, and operands that several groups read.
Plan outer_product(Random& random, int channels1, int channels2) {
  Plan plan{.dim = {channels1 * 3 + 2 * 1, channels2 * 5, 0}};
  const Block blocks1[2] = {{0, channels1, 3}, {channels1 * 3, 2, 1}};
  for (const Block& block : blocks1) {
    Group group{.channels = block.channels * channels2};
    group.sides[0] = {block.size, channels2, block.channels, {block}, {}};
    group.sides[1] = {5, 1, channels2, {{0, channels2, 5}}, {}};
    group.sides[2] = {7, 1, group.channels, {{plan.dim[2], group.channels, 7}}, {}};
    plan.dim[2] += group.channels * 7;
    for (Side& side : group.sides) {
      for (int row = 0; row < side.fiber; ++row) side.rows.push_back(row);
    }
    group.form = random_sparse(random, group.sides, 30);
    plan.groups.push_back(std::move(group));
  }
  return plan;
}

void test_groups() {
  Random random(14);
  check_plan("outer product", outer_product(random, 4, 6), 13, 15);
  check_plan("outer product beyond a block", outer_product(random, 17, 19), 3, 15);
  check_plan("outer product of single channels", outer_product(random, 1, 1), 33, 16);
  // Channelwise groups that read the same operand: its derivative is the sum over groups, and zero where no group reads.
  Plan shared{.dim = {4 * 3 + 5, 4 * 5, 0}};
  for (int n = 0; n < 2; ++n) {
    Group group{.channels = 4};
    group.sides[0] = {3, 1, 4, {{0, 4, 3}}, {0, 1, 2}};
    group.sides[1] = {5, 1, 4, {{0, 4, 5}}, {4, 3, 2, 1, 0}};
    group.sides[2] = {2, 1, 4, {{shared.dim[2], 4, 2}}, {0, 1}};
    shared.dim[2] += 8;
    group.form = random_sparse(random, group.sides, 20);
    shared.groups.push_back(std::move(group));
  }
  check_plan("groups that share operands", shared, 29, 17);
  // One channel of x2 for all lanes.
  Plan broadcast =
      plan_of(random, 6, {9, 4, 9}, {}, [&](const Side(&sides)[3]) { return random_sparse(random, sides, 60); });
  broadcast.groups[0].sides[1] = {4, 1, 1, {{0, 1, 4}}, {0, 1, 2, 3}};
  broadcast.dim[1] = 4;
  check_plan("one channel for all", broadcast, 26, 18);
}

/// Batches that are cut into chunks on two streams; on each machine's own queue order.
void test_chunks() {
  Random random(19);
  emulated::machine.shared_per_block = 227 << 10, emulated::machine.shared_per_multiprocessor = 228 << 10;
  const Plan plan =
      plan_of(random, 16, {5, 5, 9}, {}, [&](const Side(&sides)[3]) { return random_sparse(random, sides, 12); });
  const size_t batch = 20001;
  std::vector<float> x[3];
  for (int o = 0; o < 3; ++o) x[o] = random_floats(random, batch * plan.dim[o]);
  const std::vector<double> wanted = evaluate(plan, 2, x, batch);
  const auto executor = make_cuda_executor(plan, 0);
  for (const size_t some : {batch, batch / 2, size_t{1}, batch}) {
    const uint64_t before = emulated::machine.launches;
    const std::vector<float> got = run(*executor, plan, 2, x, some, false);
    const std::vector<double> part(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(some * plan.dim[2]));
    expect(relative_error(got, part) < kTolerance, "chunks: " + std::to_string(some) + " samples");
    if (some == batch) expect(emulated::machine.launches - before >= 3, "chunks: a large batch is cut");
  }
  // One executor, several threads.
  std::vector<float> results[3];
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) {
    threads.emplace_back([&] { result = run(*executor, plan, 2, x, 100, false); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<double> beginning(wanted.begin(), wanted.begin() + 100 * plan.dim[2]);
  for (const std::vector<float>& result : results) {
    expect(relative_error(result, beginning) < kTolerance, "chunks: calls from several threads");
  }
  // Two operands on the device and the result on the host.
  std::vector<float> out(batch * plan.dim[2], std::nanf(""));
  const Operand mixed[kOperands] = {{x[0].data(), true}, {x[1].data(), false}, {out.data(), false}};
  evaluate_one(*executor, 2, mixed, batch, false);
  expect(relative_error(out, wanted) < kTolerance, "chunks: operands in different places");
  // Arrays on the device: calls are queued, and those of every object follow in their order, cut ones too.
  std::vector<float> there(out.size(), std::nanf("")), twice(out.size());
  const auto matrices = make_cuda_matrix_operations(0);
  const Operand on_device[kOperands] = {{x[0].data(), true}, {x[1].data(), true}, {there.data(), true}};
  const Operand doubled[] = {on_device[2]};
  evaluate_one(*executor, 2, on_device, batch, false);
  matrices->combine(on_device[2], there.size(), std::vector{2.0}, doubled);
  expect(std::isnan(there[0]), "queue: nobody waits");
  const Operand chunked[kOperands] = {{x[0].data(), false}, {x[1].data(), false}, on_device[2]};
  evaluate_one(*executor, 2, chunked, batch, true);
  for (size_t n = 0; n < out.size(); ++n) twice[n] = there[n] / 3;
  expect(relative_error(twice, wanted) < kTolerance, "queue: a call follows those before it");
  // Accumulated over several calls.
  evaluate_one(*executor, 2, mixed, batch, true);
  for (float& value : out) value /= 2;
  expect(relative_error(out, wanted) < kTolerance, "chunks: accumulated");
  evaluate_one(*executor, 2, {}, 0, false);
}

void test_mixed() {
  Random random(31);
  const int small = emulated::machine.cache;
  for (const bool shared_weights : {true, false}) {
    const std::string weights = shared_weights ? ", shared weights" : ", weights of each sample";
    emulated::machine.cache = 16 << 20;  // all samples in one pass
    check_mixed("mixed, lanes are samples" + weights, random_mixed(random, 1, shared_weights, false), 20, 32);
    check_mixed("mixed, lanes share x1" + weights, random_mixed(random, 3, shared_weights, true), 5, 33);
    check_mixed("scale" + weights, random_scale(random, 5, shared_weights), 37, 35);
    emulated::machine.cache = 64 << 10;  // in several
    check_mixed("mixed, lanes share x2" + weights, random_mixed(random, 3, shared_weights, false), 11, 34);
  }
  emulated::machine.cache = small;
  const int few = emulated::machine.multiprocessors;
  for (const int multiprocessors : {few, 64}) {  // large tiles, small ones
    emulated::machine.multiprocessors = multiprocessors;
    const std::string tiles = multiprocessors == few ? ", large tiles" : ", small tiles";
    check_mixed("layers of scalars" + tiles, random_layers(random, 3, true), 70, 36);
    check_mixed("linear layers" + tiles, random_layers(random, 0, true), 41, 37);
    check_mixed("linear layers of one sample" + tiles, random_layers(random, 0, true), 1, 38);
  }
  emulated::machine.multiprocessors = few;
  check_mixed("layers, weights of each sample", random_layers(random, 2, false), 9, 39);
}

void test_edges() {
  Random random(21);
  for (const int lmax : {0, 1, 4, 12}) {
    for (const bool normalize : {false, true}) {
      check_edges("harmonics of degree " + std::to_string(lmax), random_harmonics(random, lmax, normalize), 77);
    }
  }
  using Family = RadialTable::Family;
  for (int family = 0; family <= static_cast<int>(Family::polynomial); ++family) {
    const int count = family == static_cast<int>(Family::polynomial) ? 1 : 8;
    check_edges("radial family " + std::to_string(family), radial_family(static_cast<Family>(family), count), 300);
  }
  check_edges("many radial functions", radial_family(Family::gaussian, RadialTable::kMaxCount), 33);
  // More rows than one launch has threads, and a call that is cut into chunks.
  check_edges("many rows", radial_family(Family::polynomial, 1), 20001);
  const uint64_t before = emulated::machine.launches;
  check_edges("chunks", random_harmonics(random, 9, true), 30001);
  expect(emulated::machine.launches - before > 9, "chunks: a large call is cut");
  make_cuda_edge_function(radial_family(Family::bessel, 4), 0)->run(Pass::forward, {}, 0);
}

void test_convolution() {
  Random random(41);
  const RandomGraph some(random, 40, {9, 7}, {1, 2}, {7, 4});  // nodes of both kinds without edges
  const RandomGraph hub(random, 35, {5, 6}, {3, 2}, {1, 1});   // one node has all edges
  const RandomGraph few(random, 5, {3, 2}, {0, 0}, {3, 2});
  const RandomGraph empty(random, 0, {3, 2}, {0, 0}, {1, 1});
  RandomGraph paired = some, crowded = hub;
  paired.pair(random, 25);   // some pairs without edges
  crowded.pair(random, 3);
  for (const bool weights : {true, false}) {
    const std::string end = weights ? "" : ", no weights";
    for (const int channels : {1, 5, 32, 70}) {
      const ConvolutionTable table =
          random_convolution(random, {{channels, 1}, {channels, 3}}, {{channels, 3}, {channels, 5}}, 4, weights);
      const std::string name = "convolution, " + std::to_string(channels) + " channels" + end;
      check_convolution(name, table, channels == 5 ? hub : channels == 70 ? few : some);
      check_convolution(name + ", no edges", table, empty);
      if (weights) check_convolution(name + ", pairs", table, channels == 32 ? crowded : paired);
    }
    check_convolution("convolution, every width" + end,
                      random_convolution(random, {{3, 2}, {40, 1}, {3, 5}},
                                         {{3, 4}, {40, 6}, {3, 11}, {40, 7}, {3, 8}, {4, 5}}, 4, weights),
                      few);
  }
  // Matrices of all paths are more than a block has room for.
  check_convolution("convolution, in parts",
                    random_convolution(random, {{2, 71}, {2, 3}}, {{2, 73}, {2, 47}}, 2, true), few);
  std::string code;
  try {
    make_cuda_convolution(random_convolution(random, {{1, 301}}, {{1, 301}}, 2, false), 0);
  } catch (const Error& error) {
    code = error.code();
  }
  expect(code == "ERR_ARGUMENT", "convolution: a path beyond shared memory");
}

void test_contraction() {
  Random random(51);
  std::vector<int32_t> elements;  // none is of kind 2
  for (int n = 0; n < 23; ++n) elements.push_back(std::vector{0, 1, 3}[random.integer(0, 2)]);
  for (const int channels : {1, 5, 32, 70}) {
    const std::string name = "contraction, " + std::to_string(channels) + " channels";
    const ContractionTable table = random_contraction(random, channels, 4, 30, 60);
    check_contraction(name, table, elements);
    check_contraction(name + ", one node", table, {3});
    check_contraction(name + ", no nodes", table, {});
  }
  // Rows that the least machine cannot keep in shared memory.
  check_contraction("contraction, many rows", random_contraction(random, 5, 4, 150, 300), elements);
}

void test_runtime() {
  expect(cuda::status().usable && cuda::devices().size() == 1, "runtime: the emulated GPU is found");
  float* memory = static_cast<float*>(cuda::allocate_device(0, 4 * sizeof(float)));
  const float values[4] = {1, 2, 3, 4};
  float back[4] = {};
  cuda::copy_to_device(0, memory, values, sizeof values);
  cuda::copy_to_host(0, back, memory, sizeof back);
  cuda::free_device(0, memory);
  expect(std::memcmp(values, back, sizeof values) == 0, "runtime: there and back");
  cuda::free_pinned(cuda::allocate_pinned(64));
  std::string code;
  try {
    make_cuda_executor(Plan{}, 3);
  } catch (const Error& error) {
    code = error.code();
  }
  expect(code == "ERR_DEVICE", "runtime: a device that is not there");
}

}  // namespace
}  // namespace gauntlet::test

int main(int argc, char** argv) {
  using namespace gauntlet::test;
  const std::pair<const char*, void (*)()> tests[] = {
      {"runtime", test_runtime}, {"sparse", test_sparse}, {"dense", test_dense},   {"grid", test_grid},
      {"fourier", test_fourier}, {"matrix", test_matrix}, {"groups", test_groups}, {"chunks", test_chunks},
      {"mixed", test_mixed},     {"edges", test_edges},
      {"convolution", test_convolution},
      {"contraction", test_contraction},
      {"matrices", test_matrices}};
  for (const auto& [name, test] : tests) {
    if (argc > 1 && std::strcmp(argv[1], name) != 0) continue;
    test();
    std::printf("%-11s %d checks, %d failed\n", name, checks, failures);
    std::fflush(stdout);
  }
  return failures == 0 && checks > 0 ? 0 : 1;
}
