# A portable addon carries libstdc++ and binds to the oldest glibc symbols (native/portable/glibc_compat.cc), so that what was
# linked on a new system loads on an old one. Linux on x86-64 with glibc only. libgcc stays dynamic: a static unwinder cannot
# pass exceptions on and would need a newer glibc.

set(GAUNTLET_PORTABLE_LINK
  -static-libstdc++
  # glibc moved the old symbols of these into libc.so.6; older ones have them only here
  LINKER:--push-state,--no-as-needed -l:librt.so.1 -l:libpthread.so.0 -l:libdl.so.2 -l:libm.so.6 LINKER:--pop-state)

set(GAUNTLET_IS_PORTABLE OFF)
if(NOT GAUNTLET_PORTABLE STREQUAL "OFF" AND NOT GAUNTLET_SANITIZE AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LINK_OPTIONS ${GAUNTLET_PORTABLE_LINK})
  check_cxx_source_compiles("
    #include <features.h>
    #include <string>
    #if !defined(__x86_64__) || !defined(__GLIBC__)
    #error only x86-64 and glibc
    #endif
    int main(int argc, char**) { return static_cast<int>(std::to_string(argc).size()) - 1; }" GAUNTLET_PORTABLE_LINKS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
  set(GAUNTLET_IS_PORTABLE ${GAUNTLET_PORTABLE_LINKS})
endif()
if(GAUNTLET_PORTABLE STREQUAL "ON" AND NOT GAUNTLET_IS_PORTABLE)
  message(FATAL_ERROR "GAUNTLET_PORTABLE=ON needs Linux on x86-64 with glibc and a static libstdc++, and no sanitizers.")
endif()

function(gauntlet_make_portable target)
  if(GAUNTLET_IS_PORTABLE)
    target_sources(${target} PRIVATE native/portable/glibc_compat.cc)
    target_link_options(${target} PRIVATE ${GAUNTLET_PORTABLE_LINK})
  endif()
endfunction()
