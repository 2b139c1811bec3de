# dnalm::hdf5 - what io/keras_checkpoint.hpp needs beside dnalm: the HDF5 C library (serial build). Optional; installed
# beside the package file, which includes it for find_package(dnalm).
find_path(DNALM_HDF5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial hdf5)
find_library(DNALM_HDF5_LIBRARY NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial)
mark_as_advanced(DNALM_HDF5_INCLUDE_DIR DNALM_HDF5_LIBRARY)
if(DNALM_HDF5_INCLUDE_DIR AND DNALM_HDF5_LIBRARY AND NOT TARGET dnalm::hdf5)
  add_library(dnalm::hdf5 INTERFACE IMPORTED)
  set_target_properties(dnalm::hdf5 PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS DNALM_WITH_HDF5
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${DNALM_HDF5_INCLUDE_DIR}"
    INTERFACE_INCLUDE_DIRECTORIES "${DNALM_HDF5_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "dnalm::dnalm;${DNALM_HDF5_LIBRARY}")
endif()
