// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Weights as the float kernels read them: panels of 32 output columns, in one of three formats.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <dnalm/backend/weight_format.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Output columns of a panel: two AVX-512 registers, four of AVX2.
inline constexpr index_t panel_columns = 32;
/// A panel is two halves of this many columns, each from neighbouring output channels.
inline constexpr index_t half_columns = 16;

/// Number of panels for `columns` output columns.
[[nodiscard]] constexpr index_t panel_count(index_t columns) {
  return (columns + panel_columns - 1) / panel_columns;
}

/// Which output channels a half panel holds: [first, first + count), in columns 0 ... count - 1.
struct half_panel {
  index_t first = 0;
  index_t count = 0;
};

}  // namespace detail

/// A weight matrix W (out, in), packed into panels of 32 columns, zeros where a column stands for no output.
///
/// Panel p holds the output channels 32 p ... 32 p + 31; of a gated layer with out = 2F the channels
/// 16 p ... 16 p + 15 of each half, so that a and b of one gate lie in one panel. f32: W[n, k] at [k][c].
/// bf16 and int8: at [k / 2][c][k % 2], `in` rounded up to even.
struct packed_weight {
  buffer<std::byte> panels = {};           ///< empty when they lie in a file
  std::span<const std::byte> mapped = {};  ///< the panels in a file, from a multiple of 64 bytes
  std::shared_ptr<const void> file = {};   ///< keeps `mapped` alive
  buffer<float> scales = {};  ///< int8: by panel column, what its numbers are multiplied with; else empty
  index_t outputs = 0;
  index_t inputs = 0;
  weight_format format = weight_format::f32;
  bool gated = false;
  std::shared_ptr<const packed_weight> two_rows = {};  ///< of a convolution (pack_convolution); else null

  [[nodiscard]] index_t panel_count() const {
    return gated ? (outputs / 2 + detail::half_columns - 1) / detail::half_columns
                 : detail::panel_count(outputs);
  }
  /// Bytes of one panel.
  [[nodiscard]] index_t panel_bytes() const {
    if (format == weight_format::f32) return inputs * detail::panel_columns * 4;
    return (inputs + 1) / 2 * 2 * detail::panel_columns * (format == weight_format::bf16 ? 2 : 1);
  }
  /// All panels, one after the other.
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return mapped.empty() ? std::span<const std::byte>(panels.data(), static_cast<std::size_t>(panels.size()))
                          : mapped;
  }
  [[nodiscard]] const std::byte* panel(index_t p) const { return bytes().data() + p * panel_bytes(); }
  /// The channels of half 0 or 1 of a panel; count is 0 where there are none.
  [[nodiscard]] detail::half_panel half(index_t p, index_t which) const {
    const index_t size = detail::half_columns;
    const index_t end = gated ? (which + 1) * (outputs / 2) : outputs;
    const index_t first = gated ? which * (outputs / 2) + size * p : size * (2 * p + which);
    return {first, std::clamp<index_t>(end - first, 0, size)};
  }
};

/// Packs W (out, in); `gated`: the rows are two halves [a | b] of equal size. The numbers are finite.
/// \throws error [dnalm.shape.352] a gated weight with an odd number of rows, [dnalm.numeric.354] a weight
/// that bf16 cannot hold. Cost: one pass; memory `out` rounded up to 32, times `in`, times 4, 2 or 1 bytes.
[[nodiscard]] packed_weight pack_weight(matrix_view<const float> w, weight_format format = weight_format::f32,
                                        bool gated = false);
/// The same of the rows of several matrices of equal width below each other. \throws also error
/// [dnalm.shape.353] other widths.
[[nodiscard]] packed_weight pack_weight(std::span<const matrix_view<const float>> parts,
                                        weight_format format = weight_format::f32, bool gated = false);

/// Outputs [first, first + count) of a packed weight that is not gated, `first` a multiple of 32. The panels
/// stay those of `w`, which must outlive the part; an output has the bits that `w` gives it.
[[nodiscard]] packed_weight part_of_outputs(const packed_weight& w, index_t first, index_t count);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/packed_weight_impl.hpp>
#endif
