# The CPU kernels are compiled once per instruction set; native/cpu picks one when the addon is loaded.
# Sets GAUNTLET_ISA_LEVELS, lowest first; each names a namespace of the kernels and what buildInfo() reports.

string(TOLOWER "${CMAKE_OSX_ARCHITECTURES}" GAUNTLET_PROCESSOR)
if(NOT GAUNTLET_PROCESSOR)
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" GAUNTLET_PROCESSOR)
endif()
if(GAUNTLET_PROCESSOR MATCHES "^(x86_64|amd64)$")
  set(GAUNTLET_ISA_LEVELS baseline avx2 avx512)
  set(GAUNTLET_ISA_FLAGS_avx2 -mavx2 -mfma)
  set(GAUNTLET_ISA_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
elseif(GAUNTLET_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(GAUNTLET_ISA_LEVELS neon)  # part of every 64-bit Arm processor
else()
  set(GAUNTLET_ISA_LEVELS baseline)
endif()

# One object library per level from the given sources; lists them in GAUNTLET_KERNEL_TARGETS.
function(gauntlet_add_isa_kernels)
  set(targets "")
  if(ARGN)
    foreach(isa IN LISTS GAUNTLET_ISA_LEVELS)
      add_library(gauntlet_kernels_${isa} OBJECT ${ARGN})
      target_compile_definitions(gauntlet_kernels_${isa} PRIVATE GAUNTLET_ISA=${isa})
      target_compile_options(gauntlet_kernels_${isa} PRIVATE ${GAUNTLET_ISA_FLAGS_${isa}})
      target_link_libraries(gauntlet_kernels_${isa} PRIVATE gauntlet_options)
      list(APPEND targets gauntlet_kernels_${isa})
    endforeach()
  endif()
  set(GAUNTLET_KERNEL_TARGETS "${targets}" PARENT_SCOPE)
endfunction()
