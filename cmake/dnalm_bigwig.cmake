# dnalm::bigwig - what io/bigwig.hpp needs beside dnalm: the C library libBigWig. Optional; installed beside the package file,
# which includes it for find_package(dnalm).
find_path(DNALM_BIGWIG_INCLUDE_DIR bigWig.h PATH_SUFFIXES libBigWig)
find_library(DNALM_BIGWIG_LIBRARY NAMES BigWig)
mark_as_advanced(DNALM_BIGWIG_INCLUDE_DIR DNALM_BIGWIG_LIBRARY)
if(DNALM_BIGWIG_INCLUDE_DIR AND DNALM_BIGWIG_LIBRARY AND NOT TARGET dnalm::bigwig)
  add_library(dnalm::bigwig INTERFACE IMPORTED)
  set_target_properties(dnalm::bigwig PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS DNALM_WITH_BIGWIG
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${DNALM_BIGWIG_INCLUDE_DIR}"
    INTERFACE_INCLUDE_DIRECTORIES "${DNALM_BIGWIG_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "dnalm::dnalm;${DNALM_BIGWIG_LIBRARY}")
endif()
