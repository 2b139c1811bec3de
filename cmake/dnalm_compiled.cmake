# dnalm::compiled - the heavy bodies and explicit instances, compiled once. Programs that link it see declarations only.
# Each *_impl.hpp in a detail folder is a group of bodies; one source file per module is written into the build tree.
file(GLOB dnalm_modules LIST_DIRECTORIES true RELATIVE "${PROJECT_SOURCE_DIR}/include/dnalm" CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/include/dnalm/*")
set(dnalm_compiled_sources)
foreach(module IN LISTS dnalm_modules)
  file(GLOB bodies RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/include/dnalm/${module}/detail/*_impl.hpp")
  foreach(body IN LISTS bodies)
    get_filename_component(stem "${body}" NAME_WE)
    set(source "${PROJECT_BINARY_DIR}/compiled/${module}_${stem}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Written by cmake/dnalm_compiled.cmake.\n#include <${body}>\n" @ONLY)
    list(APPEND dnalm_compiled_sources "${source}")
  endforeach()
endforeach()
if(NOT dnalm_compiled_sources)
  set(source "${PROJECT_BINARY_DIR}/compiled/empty.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include <dnalm/core/platform.hpp>\n" @ONLY)
  list(APPEND dnalm_compiled_sources "${source}")
endif()
add_library(dnalm_compiled STATIC ${dnalm_compiled_sources})
add_library(dnalm::compiled ALIAS dnalm_compiled)
set_target_properties(dnalm_compiled PROPERTIES EXPORT_NAME compiled)
if(DNALM_UNITY)  # header-only use has all bodies in one source too
  set_target_properties(dnalm_compiled PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
endif()
target_link_libraries(dnalm_compiled PUBLIC dnalm PRIVATE $<BUILD_INTERFACE:dnalm_development>)
target_compile_definitions(dnalm_compiled PUBLIC DNALM_COMPILED PRIVATE DNALM_COMPILED_SOURCE)
