// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Namespace and ABI tag, inline control, host/device marks. Every header of dnalm includes this one.
///
/// The tag names the instruction set the translation unit is compiled for: two objects built with different
/// `-march` must not share a body, for the linker keeps only one of them, and it may not run everywhere. With
/// the tag they are different functions. With `dnalm::compiled` the tag is that of the library for every
/// user, whatever flags it is compiled with: the bodies are in the library alone.
#pragma once

#include <dnalm/core/version.hpp>

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "dnalm needs C++20 (-std=c++20)"
#endif

#if defined(DNALM_COMPILED)
#define DNALM_ABI_NAMESPACE v0_1_compiled
#elif defined(__AVX512F__)
#define DNALM_ABI_NAMESPACE v0_1_avx512
#elif defined(__AVX2__)
#define DNALM_ABI_NAMESPACE v0_1_avx2
#elif defined(__AVX__)
#define DNALM_ABI_NAMESPACE v0_1_avx
#else
#define DNALM_ABI_NAMESPACE v0_1_base
#endif

#define DNALM_BEGIN_NAMESPACE \
  namespace dnalm {           \
  inline namespace DNALM_ABI_NAMESPACE {
#define DNALM_END_NAMESPACE \
  }                         \
  }

/// Functions with a heavy body are declared in `x.hpp` and defined in `detail/x_impl.hpp`, marked
/// DNALM_INLINE. Header-only (the default): inline. With `dnalm::compiled` (DNALM_COMPILED): declared only;
/// the bodies are compiled once, in the library's own sources (which define DNALM_COMPILED_SOURCE).
#if defined(DNALM_COMPILED_SOURCE)
#define DNALM_INLINE
#else
#define DNALM_INLINE inline
#endif

#if !defined(DNALM_COMPILED)
#define DNALM_WITH_BODIES 1
#else
#define DNALM_WITH_BODIES 0
#endif

/// Scalar formulas shared by CPU and GPU are written once, host-device.
#if defined(__CUDACC__)
#define DNALM_HD __host__ __device__
#else
#define DNALM_HD
#endif
