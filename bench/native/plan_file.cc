#include "plan_file.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

namespace gauntlet::bench {
namespace {

static_assert(std::endian::native == std::endian::little, "plan files are little-endian and read as they are");

constexpr char kMagic[4] = {'G', 'P', 'L', 'N'};
constexpr int32_t kVersion = 2;

struct Header {
  char magic[4];
  int32_t version;
  int32_t integers;
  int32_t reals;
};

}  // namespace

EncodedPlan read_encoded(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};

  Header header;
  if (bytes.size() < sizeof header) throw std::runtime_error(path + " is too short for a plan");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) throw std::runtime_error(path + " is no plan");
  if (header.version != kVersion) throw std::runtime_error(path + " is a plan of another version");
  const size_t integer_bytes = size_t{sizeof(int32_t)} * static_cast<uint32_t>(header.integers);
  const size_t real_bytes = size_t{sizeof(double)} * static_cast<uint32_t>(header.reals);
  if (header.integers < 0 || header.reals < 0 || bytes.size() != sizeof header + integer_bytes + real_bytes) {
    throw std::runtime_error(path + " has another length than it says");
  }

  EncodedPlan plan{std::vector<int32_t>(header.integers), std::vector<double>(header.reals)};
  // memcpy: the reals need not be aligned in the file. Its size is checked for zero because data() may then be null.
  if (integer_bytes > 0) std::memcpy(plan.integers.data(), bytes.data() + sizeof header, integer_bytes);
  if (real_bytes > 0) std::memcpy(plan.reals.data(), bytes.data() + sizeof header + integer_bytes, real_bytes);
  return plan;
}

Plan read_plan(const std::string& path) {
  const EncodedPlan plan = read_encoded(path);
  return decode_plan(plan.integers, plan.reals);
}

}  // namespace gauntlet::bench
