// Makes float64 kernels of the float32 ones: included before anything else in every source of this build, it has `float` mean
// `double` from here on, and a function of floats one of doubles. The sources say how many bytes a number has by sizeof, so nothing
// else changes but what is written for AVX-512 by its float32 instructions, which this build leaves out. The standard library and
// the compiler's own vectors come first, as they have to know both types; a header of it that is missing here does not compile.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#ifndef GAUNTLET_KEEP_FLOAT32
#define float double
#define __builtin_sqrtf __builtin_sqrt
#endif
