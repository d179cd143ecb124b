#!/bin/sh
# Compiles cuda/*.cu as C++ against the emulated CUDA in this folder, with sanitizers, and runs them on the CPU.
#     test/native-cuda/run.sh [test name]
set -e
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-"$root/build/native-cuda"}
mkdir -p "$build"
flags="-std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wall -Wextra -Wno-unknown-pragmas -Wno-missing-field-initializers -DGAUNTLET_WITH_CUDA -I$here/emulated -I$root/native -I$root -I$here"
for source in "$root"/cuda/*.cu "$root/native/core/plan.cc" "$root/native/core/library.cc" "$root/native/core/communicator.cc" "$root/native/core/edge_function.cc" "$root/native/core/scalar_function.cc" "$here/emulated/shared_memory.cc" "$here/test.cc"; do
  object="$build/$(basename "$source").o"
  echo "${CXX:-c++} $flags -x c++ -c $source -o $object"
done | xargs -P "${JOBS:-2}" -d '\n' -n 1 sh -c
${CXX:-c++} -fsanitize=address,undefined "$build"/*.o -o "$build/test"
GAUNTLET_CUBLAS=off ASAN_OPTIONS=detect_stack_use_after_return=0 "$build/test" "$@"
