# dnalm_add_cuda(<target>): for a target whose sources use dnalm::cuda_backend. Writes the one source with the device code,
# compiles it with nvcc and links it, the CUDA runtime and cuBLASLt to the target. The target's other sources need no CUDA.
#
# CMAKE_CUDA_COMPILER, CUDACXX of the environment, nvcc of the PATH, /usr/local/cuda/bin/nvcc: the first one is taken.
# CMAKE_CUDA_ARCHITECTURES, as CMake has it, else 80-real;90: code for both, and PTX of the last one for later GPUs.

# nvcc, with a message where there is none or too old a one.
function(dnalm_find_nvcc target result)
  set(nvcc "${CMAKE_CUDA_COMPILER}")
  if(NOT nvcc AND DEFINED ENV{CUDACXX})
    set(nvcc "$ENV{CUDACXX}")
  endif()
  if(NOT nvcc)
    find_program(DNALM_NVCC nvcc PATHS /usr/local/cuda/bin DOC "nvcc for dnalm_add_cuda")
    set(nvcc "${DNALM_NVCC}")
  endif()
  set(version "nothing")
  if(nvcc)
    execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE version ERROR_QUIET RESULT_VARIABLE status)
  endif()
  if(NOT version MATCHES "release ([0-9]+\\.[0-9]+)")
    message(FATAL_ERROR "dnalm_add_cuda(${target}): no CUDA compiler was found (${nvcc}). Install the CUDA Toolkit, 12.0 "
      "or later, or name its nvcc: -DCMAKE_CUDA_COMPILER=<path>")
  endif()
  if(CMAKE_MATCH_1 VERSION_LESS 12.0)
    message(FATAL_ERROR "dnalm_add_cuda(${target}): ${nvcc} is of CUDA ${CMAKE_MATCH_1}; C++20 needs 12.0 or later")
  endif()
  set(${result} "${nvcc}" PARENT_SCOPE)
endfunction()

# The compiler's options for CMAKE_CUDA_ARCHITECTURES.
function(dnalm_cuda_architectures target result)
  set(architectures ${CMAKE_CUDA_ARCHITECTURES})
  if(NOT architectures)
    set(architectures 80-real 90)
  endif()
  set(options)
  foreach(architecture IN LISTS architectures)
    if(NOT architecture MATCHES "^([0-9]+)([af]?)(-real|-virtual)?$")
      list(APPEND options "-arch=${architecture}")  # native, all, all-major
      continue()
    endif()
    set(number "${CMAKE_MATCH_1}")
    set(name "${CMAKE_MATCH_1}${CMAKE_MATCH_2}")
    set(kind "${CMAKE_MATCH_3}")
    if(number LESS 80)
      message(FATAL_ERROR "dnalm_add_cuda(${target}): CMAKE_CUDA_ARCHITECTURES names ${architecture}; dnalm's kernels need 80 "
        "or later")
    endif()
    if(NOT kind STREQUAL "-virtual")
      list(APPEND options -gencode "arch=compute_${name},code=sm_${name}")
    endif()
    if(NOT kind STREQUAL "-real")
      list(APPEND options -gencode "arch=compute_${name},code=compute_${name}")
    endif()
  endforeach()
  set(${result} "${options}" PARENT_SCOPE)
endfunction()

function(dnalm_add_cuda target)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "dnalm_add_cuda: no target ${target}")
  endif()
  dnalm_find_nvcc(${target} nvcc)
  dnalm_cuda_architectures(${target} architectures)
  if(NOT DEFINED CUDAToolkit_ROOT)
    get_filename_component(CUDAToolkit_ROOT "${nvcc}" DIRECTORY)
    get_filename_component(CUDAToolkit_ROOT "${CUDAToolkit_ROOT}" DIRECTORY)
  endif()
  find_package(CUDAToolkit 12.0 QUIET)
  foreach(library IN ITEMS cudart cublasLt)
    if(NOT TARGET CUDA::${library})
      message(FATAL_ERROR "dnalm_add_cuda(${target}): the CUDA Toolkit in ${CUDAToolkit_ROOT} has no ${library}; install it, or "
        "name another: -DCUDAToolkit_ROOT=<path>")
    endif()
  endforeach()

  set(source "${CMAKE_CURRENT_BINARY_DIR}/${target}_dnalm_cuda.cu")
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${target}_dnalm_cuda.o")
  file(CONFIGURE OUTPUT "${source}" CONTENT "// Written by dnalm_add_cuda.\n#include <dnalm/cuda.cuh>\n" @ONLY)
  # Names hold the instruction set (core/platform.hpp): the host part is compiled for that of the target's other sources.
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  string(REGEX MATCHALL "(^| )-m[^ ]+" machine_flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}")
  list(TRANSFORM machine_flags STRIP)
  set(machine "${machine_flags};$<FILTER:$<TARGET_PROPERTY:${target},COMPILE_OPTIONS>,INCLUDE,^-m>")
  set(machine "$<REMOVE_DUPLICATES:$<FILTER:${machine},INCLUDE,.>>")
  set(definitions "$<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>")
  set(folders "$<TARGET_PROPERTY:dnalm::dnalm,INTERFACE_INCLUDE_DIRECTORIES>")
  set(host_compiler)
  if(CMAKE_CUDA_HOST_COMPILER)
    set(host_compiler "-ccbin=${CMAKE_CUDA_HOST_COMPILER}")
  endif()
  add_custom_command(OUTPUT "${object}"
    # --fmad=false: a row's bits must not depend on which copy of a loop nvcc fuses; what shall be fused says std::fma.
    COMMAND "${nvcc}" -std=c++20 --expt-relaxed-constexpr --fmad=false -O2 ${host_compiler} ${architectures} -Xcompiler=-fPIC
      "$<$<BOOL:${machine}>:-Xcompiler=$<JOIN:${machine},$<COMMA>>>"
      "$<$<BOOL:${definitions}>:-D$<JOIN:${definitions},;-D>>" "-I$<JOIN:${folders},;-I>"
      -MD -MF "${object}.d" -MT "${object}" -c "${source}" -o "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d" COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Device code of dnalm for ${target}")
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_sources(${target} PRIVATE "${object}")
  target_link_libraries(${target} PRIVATE CUDA::cudart CUDA::cublasLt)
endfunction()
