// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Refuses to run Eigen's code where objects compiled for different instruction sets share it.
///
/// Eigen chooses its code and the alignment of its memory by compiler flags, and its templates carry no tag
/// of them: of two objects with different `-march` the linker keeps the functions of one, and memory taken by
/// one rule is given back by another. dnalm::compiled has all of Eigen's code in one library.
#pragma once

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

#if defined(__AVX512F__)
#define DNALM_EIGEN_OBJECT 3
#elif defined(__AVX2__)
#define DNALM_EIGEN_OBJECT 2
#elif defined(__AVX__)
#define DNALM_EIGEN_OBJECT 1
#else
#define DNALM_EIGEN_OBJECT 0
#endif

/// Outside of the tagged namespace on purpose: one variable for the whole program. The linker keeps it from
/// the same object as it keeps Eigen's functions from.
namespace dnalm_eigen_objects {
inline int kept = DNALM_EIGEN_OBJECT;
}

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.unsupported.546] when Eigen's functions come from an object with other `-march`
/// flags.
inline void check_eigen_objects() {
  const volatile int& kept = dnalm_eigen_objects::kept;
  if (kept == DNALM_EIGEN_OBJECT) return;
  throw error(error_kind::unsupported, 546, "objects compiled with different -march flags share Eigen's code",
              {.expected = "the same flags for all objects that use probes, or dnalm::compiled"});
}

}  // namespace detail
DNALM_END_NAMESPACE
