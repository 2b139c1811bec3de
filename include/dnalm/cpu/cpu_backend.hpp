// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The float backend: own kernels, chosen by the CPU's features when the object is made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/convolution.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/detail/team_parts.hpp>
#include <dnalm/cpu/detail/two_rows.hpp>
#include <dnalm/cpu/elementwise.hpp>
#include <dnalm/cpu/embedding.hpp>
#include <dnalm/cpu/gated.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/layer_norm.hpp>
#include <dnalm/cpu/linear.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/cpu/rotary.hpp>
#include <dnalm/cpu/sequence_kernels.hpp>
#include <dnalm/cpu/softmax.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// Kernels in float (formulas in the headers of this module). As it is made, each runs on the thread that
/// calls it: every worker calls them for its own sequences. Stateless but for the instruction set; safe to
/// share.
///
/// `on_team` gives a copy whose kernels are cut into parts, by rows or by heads, for a team of threads: for
/// one long sequence. The numbers are the same bits. Such a copy serves one pass at a time, and needs scratch
/// for every member, which its scratch functions say.
class cpu_backend : public cpu_sequence_kernels {
 public:
  using scalar = float;
  using weight = packed_weight;
  using vector = buffer<float>;
  using tensor = matrix<float>;
  static constexpr memory_space space = memory_space::host;

  /// \throws as choose_isa.
  cpu_backend() : cpu_backend(weight_format::f32) {}
  explicit cpu_backend(weight_format format) : cpu_backend(choose_isa(), format) {}
  explicit cpu_backend(isa set, weight_format format = weight_format::f32)
      : cpu_sequence_kernels(set), format_(format) {}

  [[nodiscard]] std::string_view name() const { return "cpu"; }
  [[nodiscard]] weight_format format() const { return format_; }
  /// The same backend that packs weights in another format.
  [[nodiscard]] cpu_backend with_format(weight_format format) const {
    cpu_backend copy = *this;
    copy.format_ = format;
    return copy;
  }
  /// The same backend on a team, which must outlive the copy; null, or a team of one: on the calling thread.
  [[nodiscard]] cpu_backend on_team(thread_team* team) const {
    cpu_backend copy = *this;
    copy.team_ = team != nullptr && team->members() > 1 ? team : nullptr;
    return copy;
  }
  /// The same backend with DeepLIFT's rules in place of its adjoints (pair_kernels); without any pairs, with
  /// its adjoints. The rules of nonlinear kernels run on the thread that calls.
  [[nodiscard]] cpu_backend on_pairs(const row_pairs& pairs) const {
    cpu_backend copy = *this;
    copy.pairs_ = pairs;
    return copy;
  }

  [[nodiscard]] vector allocate(index_t size) const { return vector(size); }
  [[nodiscard]] vector upload(std::span<const float> values) const {
    vector result(static_cast<index_t>(values.size()));
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    tensor result(rows, columns);
    std::copy(values.begin(), values.end(), result.data());
    return result;
  }

  [[nodiscard]] weight pack(matrix_view<const float> w) const { return pack_weight(w, format_); }
  [[nodiscard]] weight pack_convolution(matrix_view<const float> w, const convolution_taps& taps) const {
    return dnalm::pack_convolution(w, taps, format_);
  }
  [[nodiscard]] weight pack_gated(matrix_view<const float> w) const { return pack_weight(w, format_, true); }
  /// The rows of several matrices below each other.
  [[nodiscard]] weight pack_parts(std::span<const matrix_view<const float>> parts, bool gated) const {
    return pack_weight(parts, format_, gated);
  }
  /// Whether some outputs from `first` on are a weight of their own; and that weight, which lies in `w`.
  [[nodiscard]] static bool has_part_at(index_t first) { return first % detail::panel_columns == 0; }
  [[nodiscard]] weight part_of(const weight& w, index_t first, index_t count) const {
    return part_of_outputs(w, first, count);
  }
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return all_scratch(cpu_linear_scratch(w)); }
  void linear(matrix_view<const float> x, const weight& w, const linear_epilogue<float>& epilogue,
              vector_view<float> scratch, matrix_view<float> y) const {
    by_products(y.rows, detail::linear_most_rows, scratch,
                [&](index_t first, index_t count, vector_view<float> own) {
                  cpu_linear(isa_, x.row_block(first, count), w, part_of(epilogue, first, count), own,
                             y.row_block(first, count));
                });
  }
  void linear_gated(matrix_view<const float> x, const weight& w, const linear_epilogue<float>& epilogue,
                    vector_view<float> scratch, matrix_view<float> y) const {
    by_products(y.rows, detail::linear_most_rows, scratch,
                [&](index_t first, index_t count, vector_view<float> own) {
                  cpu_linear_gated(isa_, x.row_block(first, count), w, part_of(epilogue, first, count), own,
                                   y.row_block(first, count));
                });
  }
  void linear_recorded(matrix_view<const float> x, const weight& w, const linear_epilogue<float>& epilogue,
                       vector_view<float> scratch, matrix_view<float> z, matrix_view<float> y) const {
    by_products(y.rows, detail::linear_most_rows, scratch,
                [&](index_t first, index_t count, vector_view<float> own) {
                  cpu_linear_recorded(isa_, x.row_block(first, count), w, part_of(epilogue, first, count),
                                      own, z.row_block(first, count), y.row_block(first, count));
                });
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight& w) const {
    return all_scratch(cpu_linear_vjp_scratch(w));
  }
  void linear_vjp(matrix_view<const float> dy, const weight& w, matrix_view<const float> residual,
                  vector_view<float> scratch, matrix_view<float> dx) const {
    if (pairs_.any) return linear_pairs_vjp(dy, w, residual, scratch, dx);
    by_products(dx.rows, detail::linear_vjp_most_rows, scratch,
                [&](index_t first, index_t count, vector_view<float> own) {
                  cpu_linear_vjp(isa_, dy.row_block(first, count), w,
                                 detail::rows_or_none(residual, first, count), own,
                                 dx.row_block(first, count));
                });
  }
  void linear_recorded_vjp(matrix_view<const float> z, activation function, matrix_view<const float> dy,
                           const weight& w, matrix_view<const float> residual, vector_view<float> scratch,
                           matrix_view<float> dx) const {
    by_products(dx.rows, detail::linear_vjp_most_rows, scratch,
                [&](index_t first, index_t count, vector_view<float> own) {
                  cpu_linear_recorded_vjp(
                      isa_, z.row_block(first, count), function, dy.row_block(first, count), w,
                      detail::rows_or_none(residual, first, count), own, dx.row_block(first, count));
                });
  }
  [[nodiscard]] index_t convolution_scratch(const weight& w) const {
    return all_scratch(cpu_convolution_scratch(w));
  }
  void convolution(matrix_view<const float> x, const ragged_offsets& offsets, const weight& w,
                   const convolution_taps& taps, const linear_epilogue<float>& epilogue,
                   vector_view<float> scratch, matrix_view<float> y) const {
    convolution_between(x, offsets, w, taps, epilogue, scratch, offsets, y);
  }
  void convolution_between(matrix_view<const float> x, const ragged_offsets& from, const weight& w,
                           const convolution_taps& taps, const linear_epilogue<float>& epilogue,
                           vector_view<float> scratch, const ragged_offsets& to, matrix_view<float> y) const {
    const index_t most = w.two_rows != nullptr ? detail::two_row_part_rows : detail::linear_most_rows;
    by_products(y.rows, most, scratch, [&](index_t first, index_t count, vector_view<float> own) {
      cpu_convolution(isa_, x, from, to, first, w, taps, part_of(epilogue, first, count), own,
                      y.row_block(first, count));
    });
  }
  [[nodiscard]] index_t convolution_vjp_scratch(const weight& w, const convolution_taps& taps) const {
    return all_scratch(cpu_convolution_vjp_scratch(w, taps));
  }
  void convolution_vjp(matrix_view<const float> dy, const ragged_offsets& offsets, const weight& w,
                       const convolution_taps& taps, matrix_view<const float> residual,
                       vector_view<float> scratch, matrix_view<float> dx) const {
    convolution_between_vjp(dy, offsets, w, taps, residual, scratch, offsets, dx);
  }
  void convolution_between_vjp(matrix_view<const float> dy, const ragged_offsets& from, const weight& w,
                               const convolution_taps& taps, matrix_view<const float> residual,
                               vector_view<float> scratch, const ragged_offsets& to,
                               matrix_view<float> dx) const {
    if (pairs_.any) {
      const cpu_backend alone = on_pairs({});
      const ragged_offsets observed = observed_sequences(to);
      const auto own = [&](auto x) { return detail::rows_or_none(x, 0, observed.rows()); };
      alone.convolution_between_vjp(dy, observed_sequences(from), w, taps, own(residual), scratch, observed,
                                    own(dx));
      return copy_to_references(dx);
    }
    const index_t most = w.two_rows != nullptr ? detail::two_row_part_rows : detail::linear_vjp_most_rows;
    by_products(dx.rows, most, scratch, [&](index_t first, index_t count, vector_view<float> own) {
      cpu_convolution_vjp(isa_, dy, from, to, first, w, taps, detail::rows_or_none(residual, first, count),
                          own, dx.row_block(first, count));
    });
  }
  void embed_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                  std::span<const float> row_scale, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_embed_rows(part_of(ids, first, count), table, part_of(row_scale, first, count),
                     y.row_block(first, count));
    });
  }
  void embed_rows_vjp(std::span<const float> row_scale, matrix_view<const float> dy,
                      matrix_view<float> dx) const {
    by_rows(dx, [&](index_t first, index_t count) {
      cpu_embed_rows_vjp(part_of(row_scale, first, count), dy.row_block(first, count),
                         dx.row_block(first, count));
    });
  }
  void add_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_add_rows(part_of(ids, first, count), table, y.row_block(first, count));
    });
  }
  void layer_norm(matrix_view<const float> x, vector_view<const float> gamma, vector_view<const float> beta,
                  float eps, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_layer_norm(isa_, x.row_block(first, count), gamma, beta, eps, y.row_block(first, count));
    });
  }
  void layer_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                      matrix_view<const float> dy, matrix_view<float> dx) const {
    if (pairs_.any) return secant_layer_norm_vjp(x, gamma, eps, dy, pairs_, dx);
    by_rows(dx, [&](index_t first, index_t count) {
      cpu_layer_norm_vjp(isa_, x.row_block(first, count), gamma, eps, dy.row_block(first, count),
                         dx.row_block(first, count));
    });
  }
  void rotary(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
              matrix_view<float> x) const {
    by_heads(heads, true, [&](index_t first, index_t count, int) {
      cpu_rotary(isa_, table, offsets, count, head_columns(x, heads, first, count));
    });
  }
  void rotary_vjp(const rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                  matrix_view<float> y) const {
    by_heads(heads, true, [&](index_t first, index_t count, int) {
      cpu_rotary_vjp(isa_, table, offsets, count, head_columns(y, heads, first, count));
    });
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t head_width) const {
    return all_scratch(cpu_attention_scratch(longest, head_width));
  }
  void attention(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                 const ragged_offsets& offsets, const attention_options<float>& options,
                 vector_view<float> scratch, matrix_view<float> y) const {
    by_heads(options.heads, false, [&](index_t first, index_t count, int member) {
      const auto of = [&](auto x) { return head_columns(x, options.heads, first, count); };
      cpu_attention(isa_, format_, of(q), of(k), of(v), offsets, part_of(options, first, count),
                    member_scratch(scratch, member), of(y));
    });
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t head_width) const {
    return all_scratch(cpu_attention_vjp_scratch(isa_, format_, longest, head_width));
  }
  void attention_vjp(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                     const ragged_offsets& offsets, const attention_options<float>& options,
                     matrix_view<const float> dy, vector_view<float> scratch, matrix_view<float> dq,
                     matrix_view<float> dk, matrix_view<float> dv) const {
    if (pairs_.any) return secant_attention_vjp(q, k, v, offsets, options, dy, dq, dk, dv);
    by_heads(options.heads, false, [&](index_t first, index_t count, int member) {
      const auto of = [&](auto x) { return head_columns(x, options.heads, first, count); };
      cpu_attention_vjp(isa_, format_, of(q), of(k), of(v), offsets, part_of(options, first, count), of(dy),
                        member_scratch(scratch, member), of(dq), of(dk), of(dv));
    });
  }
  void softmax_rows(matrix_view<float> x) const {
    by_rows(x, [&](index_t first, index_t count) { cpu_softmax_rows(isa_, x.row_block(first, count)); });
  }
  void softmax_rows_vjp(matrix_view<const float> p, matrix_view<const float> dp,
                        matrix_view<float> dx) const {
    by_rows(dx, [&](index_t first, index_t count) {
      cpu_softmax_rows_vjp(isa_, p.row_block(first, count), dp.row_block(first, count),
                           dx.row_block(first, count));
    });
  }
  void gated(matrix_view<const float> x, activation function, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_gated(isa_, x.row_block(first, count), function, y.row_block(first, count));
    });
  }
  void gated_vjp(matrix_view<const float> x, activation function, matrix_view<const float> dy,
                 matrix_view<float> dx) const {
    if (pairs_.any) return secant_gated_vjp(x, function, dy, pairs_, dx);
    by_rows(dx, [&](index_t first, index_t count) {
      cpu_gated_vjp(isa_, x.row_block(first, count), function, dy.row_block(first, count),
                    dx.row_block(first, count));
    });
  }
  void activate(matrix_view<const float> x, activation function, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_activate(isa_, x.row_block(first, count), function, y.row_block(first, count));
    });
  }
  void activation_vjp(matrix_view<const float> z, activation function, matrix_view<const float> dy,
                      matrix_view<float> dz) const {
    if (pairs_.any) return secant_activation_vjp(z, function, dy, pairs_, dz);
    by_rows(dz, [&](index_t first, index_t count) {
      cpu_activation_vjp(isa_, z.row_block(first, count), function, dy.row_block(first, count),
                         dz.row_block(first, count));
    });
  }
  void scale_channels(matrix_view<const float> x, vector_view<const float> scale,
                      vector_view<const float> shift, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      dnalm::scale_channels(x.row_block(first, count), scale, shift, y.row_block(first, count));
    });
  }
  void copy_matrix(matrix_view<const float> x, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      dnalm::copy_matrix(x.row_block(first, count), y.row_block(first, count));
    });
  }
  void add(matrix_view<const float> x, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_add(x.row_block(first, count), y.row_block(first, count));
    });
  }
  void scale(float factor, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) { cpu_scale(factor, y.row_block(first, count)); });
  }

 private:
  /// On pairs both rows get the same: the product is made of the observed ones alone.
  void linear_pairs_vjp(matrix_view<const float> dy, const weight& w, matrix_view<const float> residual,
                        vector_view<float> scratch, matrix_view<float> dx) const {
    const cpu_backend alone = on_pairs({});
    const index_t size = pairs_.block_rows(dx.rows);
    for (index_t first = 0; first < dx.rows; first += size) {
      alone.linear_vjp(dy.row_block(first, size / 2), w, detail::rows_or_none(residual, first, size / 2),
                       scratch, dx.row_block(first, size / 2));
    }
    copy_to_references(dx);
  }
  void copy_to_references(matrix_view<float> x) const {
    pairs_.for_each(x.rows, [&](index_t r, index_t reference) {
      std::copy_n(x.row_data(r), x.columns, x.row_data(reference));
    });
  }
  [[nodiscard]] static ragged_offsets observed_sequences(const ragged_offsets& offsets) {
    ragged_offsets observed;
    for (index_t s = 0; s < offsets.sequences() / 2; ++s) observed.append(offsets.length(s));
    return observed;
  }

  /// Products: blocks of at most `most` rows.
  template <class Work>
  void by_products(index_t rows, index_t most, vector_view<float> scratch, Work&& work) const {
    const index_t part = detail::rows_of_part(rows, members(), most);
    detail::for_parts_of_rows(team_, rows, part, [&](index_t first, index_t count, int member) {
      work(first, count, member_scratch(scratch, member));
    });
  }
  template <class T>
  [[nodiscard]] static matrix_view<T> head_columns(matrix_view<T> x, index_t heads, index_t first,
                                                   index_t count) {
    const index_t width = x.columns / heads;
    return x.column_block(first * width, count * width);
  }
  [[nodiscard]] static linear_epilogue<float> part_of(linear_epilogue<float> epilogue, index_t first,
                                                      index_t count) {
    epilogue.residual = detail::rows_or_none(epilogue.residual, first, count);
    return epilogue;
  }
  [[nodiscard]] static attention_options<float> part_of(attention_options<float> options, index_t first,
                                                        index_t count) {
    options.heads = count;
    if (!options.alibi_slopes.empty()) options.alibi_slopes = options.alibi_slopes.part(first, count);
    return options;
  }
  template <class T>
  [[nodiscard]] static std::span<const T> part_of(std::span<const T> values, index_t first, index_t count) {
    if (values.empty()) return values;
    return values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  }

  weight_format format_;
};

static_assert(convolution_backend<cpu_backend>);
static_assert(hyena_backend<cpu_backend>);
static_assert(layer_backend<cpu_backend>);
static_assert(caduceus_backend<cpu_backend>);
static_assert(carried_scan_kernels<cpu_backend>);
static_assert(pair_kernels<cpu_backend>);

DNALM_END_NAMESPACE
