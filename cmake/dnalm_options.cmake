# Options of the build. All default to ON when dnalm is the top-level project and to OFF inside another one.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

option(DNALM_BUILD_TESTS "Build the tests (needs Catch2)" ${PROJECT_IS_TOP_LEVEL})
option(DNALM_BUILD_EXAMPLES "Build the programs dnalm-evaluate, dnalm-embed, ... (needs CLI11)" ${PROJECT_IS_TOP_LEVEL})
option(DNALM_BUILD_BENCHMARKS "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(DNALM_INSTALL "Create the install and export rules" ${PROJECT_IS_TOP_LEVEL})
set(DNALM_BUILD_CUDA AUTO CACHE STRING "Build the CUDA parts: AUTO (if nvcc is found), ON, OFF")
set_property(CACHE DNALM_BUILD_CUDA PROPERTY STRINGS AUTO ON OFF)
set(DNALM_HDF5 AUTO CACHE STRING "Keras .h5 weights in programs and tests: AUTO (if HDF5 is found), ON, OFF")
set_property(CACHE DNALM_HDF5 PROPERTY STRINGS AUTO ON OFF)
set(DNALM_BIGWIG AUTO CACHE STRING "bigWig tracks in programs and tests: AUTO (if libBigWig is found), ON, OFF")
set_property(CACHE DNALM_BIGWIG PROPERTY STRINGS AUTO ON OFF)
option(DNALM_WARNINGS_AS_ERRORS "Treat warnings in dnalm's own tests and programs as errors" ${PROJECT_IS_TOP_LEVEL})
option(DNALM_UNITY "Compile dnalm::compiled several bodies at a time: they have most of their includes in common" OFF)
option(DNALM_TEST_PCH "Precompile the headers that nearly all tests include" OFF)
set(DNALM_SANITIZE "" CACHE STRING "Sanitizers for tests and programs, e.g. address,undefined")

# Plain ISO C++: the GNU dialects contract a*b+c differently from one instruction set to the next.
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_CXX_EXTENSIONS OFF)
endif()

# Everything dnalm itself compiles (never its users) goes through this target.
add_library(dnalm_development INTERFACE)
target_compile_options(dnalm_development INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${DNALM_WARNINGS_AS_ERRORS}>:-Werror>)
# g++ 12 warns wrongly about `"text" + std::string` at -O2 (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(dnalm_development INTERFACE -Wno-restrict)
endif()
if(DNALM_SANITIZE)
  target_compile_options(dnalm_development INTERFACE -fsanitize=${DNALM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(dnalm_development INTERFACE -fsanitize=${DNALM_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND DNALM_SANITIZE MATCHES "undefined")
    # Views of matrices without rows move a null pointer that nobody reads; reads are the address sanitizer's.
    target_compile_options(dnalm_development INTERFACE -fno-sanitize=pointer-overflow)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # instrumented code confuses g++'s flow analysis, in <regex> for one
    target_compile_options(dnalm_development INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
