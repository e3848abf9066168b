# The instruction sets: their compiler flags, and which of them this architecture has.
#
# csrc/kernels/<isa>.cpp and csrc/kernels/*_<isa>.cpp are compiled with INTAGLIO_FLAGS_<isa> and nothing else is.

set(INTAGLIO_KNOWN_ISAS scalar)
set(INTAGLIO_FLAGS_scalar "")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(INTAGLIO_ARCHITECTURE x86)
  list(APPEND INTAGLIO_KNOWN_ISAS x86_avx2 x86_avxvnni x86_avx512vnni x86_amx)
  set(INTAGLIO_FLAGS_x86_avx2 -mavx2 -mbmi2 -mfma)
  set(INTAGLIO_FLAGS_x86_avxvnni ${INTAGLIO_FLAGS_x86_avx2} -mavxvnni)
  set(INTAGLIO_FLAGS_x86_avx512vnni ${INTAGLIO_FLAGS_x86_avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq
                                    -mavx512vnni -mprefer-vector-width=512)
  set(INTAGLIO_FLAGS_x86_amx ${INTAGLIO_FLAGS_x86_avx512vnni} -mamx-tile -mamx-int8)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  set(INTAGLIO_ARCHITECTURE arm)
  list(APPEND INTAGLIO_KNOWN_ISAS arm_neon arm_dotprod arm_i8mm)
  # GCC would move all loads of a loop to its top and then have too few registers.
  set(INTAGLIO_FLAGS_arm_neon $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
  set(INTAGLIO_FLAGS_arm_dotprod ${INTAGLIO_FLAGS_arm_neon} -march=armv8.2-a+dotprod)
  set(INTAGLIO_FLAGS_arm_i8mm ${INTAGLIO_FLAGS_arm_neon} -march=armv8.2-a+dotprod+i8mm)
endif()

# The tiers that are built: any of the above, by the names that isa= has for them, and always scalar.
set(INTAGLIO_ISAS all CACHE STRING "Instruction-set tiers to build: all, or a list such as scalar;avx2")
string(REGEX REPLACE "[^;]*_" "" names "${INTAGLIO_KNOWN_ISAS}")
intaglio_left_out("${INTAGLIO_ISAS}" "${names}" "scalar" INTAGLIO_ISAS_LEFT_OUT)

if(avx512vnni IN_LIST INTAGLIO_ISAS_LEFT_OUT AND amx IN_LIST names AND NOT amx IN_LIST INTAGLIO_ISAS_LEFT_OUT)
  message(FATAL_ERROR "the tier amx needs avx512vnni, whose kernels run its small layers: add that to INTAGLIO_ISAS")
endif()

# GCC's intrinsics headers use undefined vectors by design, and GCC before 13 warns about them.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(INTAGLIO_KERNEL_WARNINGS -Wno-uninitialized -Wno-maybe-uninitialized)
endif()

# Compiles the kernel files of one instruction set into intaglio_core. Their loops are short: one that straddles two lines
# of the instruction cache can take a third longer.
function(intaglio_add_kernels isa)
  string(REGEX REPLACE ".*_" "" name ${isa})
  if(name IN_LIST INTAGLIO_ISAS_LEFT_OUT)
    return()
  endif()
  set(kernels ${CMAKE_CURRENT_SOURCE_DIR}/csrc/kernels)
  file(GLOB sources CONFIGURE_DEPENDS ${kernels}/${isa}.cpp ${kernels}/*_${isa}.cpp)
  if(NOT sources)
    return()
  endif()
  add_library(intaglio_kernels_${isa} OBJECT ${sources})
  # Scalar code only stands in where the architecture has vectors: better small, but for sums of products.
  if(isa STREQUAL scalar)
    foreach(family vector float_vector float_gemm)
      file(GLOB better ${kernels}/${family}_${INTAGLIO_ARCHITECTURE}_*.cpp)
      if(better)
        set_source_files_properties(${kernels}/${family}_scalar.cpp PROPERTIES COMPILE_OPTIONS ${INTAGLIO_SMALL_CODE})
      endif()
    endforeach()
  endif()
  # Of loops that the compiler makes vectors of, -O3 makes larger ones, not faster ones; what is written in vectors gains.
  set(written_in_vectors ${sources})
  list(FILTER written_in_vectors EXCLUDE REGEX "float_vector_|_scalar")
  set_source_files_properties(${written_in_vectors} PROPERTIES COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3>)
  # The smallest builds spend their time here too.
  target_compile_options(intaglio_kernels_${isa} PRIVATE $<$<CONFIG:MinSizeRel>:-O2>)
  target_compile_options(intaglio_kernels_${isa} PRIVATE ${INTAGLIO_FLAGS_${isa}} ${INTAGLIO_KERNEL_WARNINGS}
                                                         ${INTAGLIO_ENGINE_FLAGS} -fno-lto
                                                         -falign-loops=32)
  target_link_libraries(intaglio_kernels_${isa} PRIVATE intaglio_options)
  target_sources(intaglio_core PRIVATE $<TARGET_OBJECTS:intaglio_kernels_${isa}>)
endfunction()
