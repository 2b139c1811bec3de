// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which instruction set the float kernels use, chosen at run time.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Instruction sets with kernels of their own, each with what the one before it has. AVX2 and AVX-512 give
/// the same bits, portable has no fused multiply-add and differs in the last ones; AVX512-BF16 differs from
/// AVX-512 in products with weights in bf16 and int8 only.
enum class isa { portable, avx2, avx512, avx512_bf16 };

[[nodiscard]] constexpr std::string_view to_string(isa set) {
  switch (set) {
    case isa::portable: return "portable";
    case isa::avx2: return "avx2";
    case isa::avx512: return "avx512";
    case isa::avx512_bf16: return "avx512_bf16";
  }
  return "?";
}

/// Whether this CPU (and its operating system) runs an instruction set.
[[nodiscard]] inline bool supports(isa set) {
#if defined(__x86_64__)
  if (set == isa::avx512_bf16) {
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && supports(isa::avx512);
  }
  if (set == isa::avx512) return __builtin_cpu_supports("avx512f") && supports(isa::avx2);
  if (set == isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return set == isa::portable;
}

/// The best instruction set of this CPU, or the one that the environment variable DNALM_FORCE_ISA names
/// (portable, avx2, avx512, avx512_bf16; for tests).
/// \throws error [dnalm.usage.350] when it names none of them, [dnalm.unsupported.351] one that this CPU has
/// not.
[[nodiscard]] inline isa choose_isa() {
  const char* forced = std::getenv("DNALM_FORCE_ISA");
  if (forced != nullptr && *forced != '\0') {
    for (const isa set : {isa::portable, isa::avx2, isa::avx512, isa::avx512_bf16}) {
      if (forced != to_string(set)) continue;
      if (supports(set)) return set;
      throw error(error_kind::unsupported, 351, "this CPU has not the instruction set that was asked for",
                  {.where = "DNALM_FORCE_ISA", .found = std::string(to_string(set))});
    }
    throw error(
        error_kind::usage, 350, "unknown instruction set",
        {.where = "DNALM_FORCE_ISA", .expected = "portable, avx2, avx512 or avx512_bf16", .found = forced});
  }
  if (supports(isa::avx512_bf16)) return isa::avx512_bf16;
  if (supports(isa::avx512)) return isa::avx512;
  return supports(isa::avx2) ? isa::avx2 : isa::portable;
}

DNALM_END_NAMESPACE
