// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of HyenaDNA and Caduceus as members of the cpu backend: convolutions over sequences,
/// scans, strands; each is the function of its name in this module.
#pragma once

#include <algorithm>
#include <span>

#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/secant_scan.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/causal_filter.hpp>
#include <dnalm/cpu/detail/team_kernels.hpp>
#include <dnalm/cpu/elementwise.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/long_convolution.hpp>
#include <dnalm/cpu/multiply.hpp>
#include <dnalm/cpu/rms_norm.hpp>
#include <dnalm/cpu/selective_scan.hpp>
#include <dnalm/cpu/short_convolution.hpp>
#include <dnalm/cpu/strands.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A base of cpu_backend.
class cpu_sequence_kernels : public detail::cpu_team_kernels {
 public:
  using filter = causal_filter;
  using filter_plan = causal_filter_plan;

  [[nodiscard]] index_t filter_taps(index_t length) const { return cpu_filter_taps(length); }
  [[nodiscard]] filter make_filter(matrix_view<const double> taps) const { return make_causal_filter(taps); }
  /// The same for some channels after others (make_causal_filter).
  [[nodiscard]] filter_plan plan_filter(index_t taps) const { return plan_causal_filter(taps); }
  [[nodiscard]] filter make_filter(matrix_view<const double> taps, const filter_plan& plan) const {
    return make_causal_filter(taps, plan);
  }
  [[nodiscard]] index_t filter_numbers(index_t taps, index_t channels) const {
    return causal_filter_numbers(taps, channels);
  }
  void short_convolution(matrix_view<const float> x, matrix_view<const float> w,
                         vector_view<const float> bias, const ragged_offsets& offsets,
                         matrix_view<float> y) const {
    by_channels(y.columns, [&](index_t first, index_t count, int) {
      cpu_short_convolution(isa_, x.column_block(first, count), w.column_block(first, count),
                            bias.part(first, count), offsets, y.column_block(first, count));
    });
  }
  void short_convolution_vjp(matrix_view<const float> dy, matrix_view<const float> w,
                             const ragged_offsets& offsets, matrix_view<float> dx) const {
    by_channels(dx.columns, [&](index_t first, index_t count, int) {
      cpu_short_convolution_vjp(isa_, dy.column_block(first, count), w.column_block(first, count), offsets,
                                dx.column_block(first, count));
    });
  }
  [[nodiscard]] index_t long_convolution_scratch(index_t longest, index_t) const {
    return all_scratch(cpu_long_convolution_scratch(longest));
  }
  void long_convolution(matrix_view<const float> v, std::span<const filter* const> filters,
                        vector_view<const float> d, const ragged_offsets& offsets, vector_view<float> scratch,
                        matrix_view<float> y) const {
    by_channels(y.columns, [&](index_t first, index_t count, int member) {
      cpu_long_convolution(isa_, v.column_block(first, count), filters, first, d.part(first, count), offsets,
                           member_scratch(scratch, member), y.column_block(first, count));
    });
  }
  void long_convolution_vjp(matrix_view<const float> dy, std::span<const filter* const> filters,
                            vector_view<const float> d, const ragged_offsets& offsets,
                            vector_view<float> scratch, matrix_view<float> dv) const {
    by_channels(dv.columns, [&](index_t first, index_t count, int member) {
      cpu_long_convolution_vjp(isa_, dy.column_block(first, count), filters, first, d.part(first, count),
                               offsets, member_scratch(scratch, member), dv.column_block(first, count));
    });
  }
  void multiply(matrix_view<const float> a, matrix_view<const float> b, matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_multiply(a.row_block(first, count), b.row_block(first, count), y.row_block(first, count));
    });
  }
  void multiply_vjp(matrix_view<const float> a, matrix_view<const float> b, matrix_view<const float> dy,
                    matrix_view<float> da, matrix_view<float> db) const {
    if (pairs_.any) return secant_multiply_vjp(a, b, dy, pairs_, da, db);
    by_rows(da, [&](index_t first, index_t count) {
      cpu_multiply_vjp(a.row_block(first, count), b.row_block(first, count), dy.row_block(first, count),
                       da.row_block(first, count), db.row_block(first, count));
    });
  }
  void short_convolution_back(matrix_view<const float> x, matrix_view<const float> w,
                              vector_view<const float> bias, const ragged_offsets& offsets,
                              matrix_view<float> y) const {
    by_channels(y.columns, [&](index_t first, index_t count, int) {
      cpu_short_convolution_back(isa_, x.column_block(first, count), w.column_block(first, count),
                                 bias.part(first, count), offsets, y.column_block(first, count));
    });
  }
  void short_convolution_back_vjp(matrix_view<const float> dy, matrix_view<const float> w,
                                  const ragged_offsets& offsets, matrix_view<float> dx) const {
    by_channels(dx.columns, [&](index_t first, index_t count, int) {
      cpu_short_convolution_back_vjp(isa_, dy.column_block(first, count), w.column_block(first, count),
                                     offsets, dx.column_block(first, count));
    });
  }
  void rms_norm(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                matrix_view<float> y) const {
    by_rows(y, [&](index_t first, index_t count) {
      cpu_rms_norm(isa_, x.row_block(first, count), gamma, eps, y.row_block(first, count));
    });
  }
  void rms_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                    matrix_view<const float> dy, matrix_view<float> dx) const {
    if (pairs_.any) return secant_rms_norm_vjp(x, gamma, eps, dy, pairs_, dx);
    by_rows(dx, [&](index_t first, index_t count) {
      cpu_rms_norm_vjp(isa_, x.row_block(first, count), gamma, eps, dy.row_block(first, count),
                       dx.row_block(first, count));
    });
  }
  [[nodiscard]] index_t selective_scan_scratch(index_t channels, index_t states) const {
    return all_scratch(cpu_selective_scan_scratch(channels, states));
  }
  void selective_scan(const scan_input<float>& input, const ragged_offsets& offsets,
                      vector_view<float> scratch, matrix_view<float> y) const {
    by_channels(y.columns, [&](index_t first, index_t count, int member) {
      cpu_selective_scan(isa_, part_of(input, first, count), offsets, member_scratch(scratch, member),
                         y.column_block(first, count));
    });
  }
  [[nodiscard]] index_t scan_kept_size(index_t rows, index_t channels, index_t states) const {
    return checked_mul(rows / scan_chunk, cpu_scan_state_size(channels, states));
  }
  void selective_scan_keeping(const scan_input<float>& input, const ragged_offsets& offsets,
                              vector_view<float> scratch, matrix_view<float> y,
                              vector_view<float> kept) const {
    const matrix_view<float> states = kept_states(input, y.rows, kept);
    by_channels(y.columns, [&](index_t first, index_t count, int member) {
      cpu_selective_scan(isa_, part_of(input, first, count), offsets, member_scratch(scratch, member),
                         y.column_block(first, count), scan_chunk, states_of(states, input, first, count));
    });
  }
  [[nodiscard]] index_t scan_state_size(index_t channels, index_t states) const {
    return cpu_scan_state_size(channels, states);
  }
  void selective_scan_from(const scan_input<float>& input, vector_view<float> state,
                           vector_view<float> scratch, matrix_view<float> y) const {
    by_channels(y.columns, [&](index_t first, index_t count, int member) {
      const index_t before = cpu_scan_state_size(first, input.rates.rows);
      cpu_selective_scan_from(isa_, part_of(input, first, count),
                              state.part(before, cpu_scan_state_size(count, input.rates.rows)),
                              member_scratch(scratch, member), y.column_block(first, count));
    });
  }
  /// For every member what it works in, and the gradients by B and C of every group of channels.
  [[nodiscard]] index_t selective_scan_vjp_scratch(index_t longest, index_t channels, index_t states) const {
    const index_t sums = checked_mul(checked_mul(scan_group_count(channels), longest), 2 * states);
    return checked_add(all_scratch(group_scratch(longest, channels, states)), sums);
  }
  void selective_scan_vjp(const scan_input<float>& input, const ragged_offsets& offsets,
                          matrix_view<const float> dy, vector_view<float> scratch,
                          const scan_gradient<float>& gradient) const {
    selective_scan_kept_vjp(input, offsets, dy, scratch, gradient, {});
  }
  void selective_scan_kept_vjp(const scan_input<float>& input, const ragged_offsets& offsets,
                               matrix_view<const float> dy, vector_view<float> scratch,
                               const scan_gradient<float>& gradient, vector_view<const float> kept) const {
    if (pairs_.any) return secant_selective_scan_vjp(input, offsets, dy, gradient);
    const matrix_view<const float> states = kept_states(input, dy.rows, kept);
    index_t passed = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      const index_t own = states.rows == 0 ? 0 : scan_kept_rows(offsets.length(s));
      scan_sequence_vjp(input, offsets.begin(s), offsets.length(s), dy, scratch, gradient,
                        states.row_block(passed, own));
      passed += own;
    }
  }
  void fold_strands(matrix_view<const float> x, bool exchanged, matrix_view<float> y) const {
    detail::for_parts_of_cheap_rows(team_, x.rows, x.columns, [&](index_t first, index_t count) {
      cpu_fold_strands(x, exchanged, first, count, y);
    });
  }
  void unfold_strands(matrix_view<const float> y, bool exchanged, matrix_view<float> x) const {
    detail::for_parts_of_cheap_rows(team_, x.rows, x.columns, [&](index_t first, index_t count) {
      cpu_unfold_strands(y, exchanged, first, count, x);
    });
  }

 protected:
  explicit cpu_sequence_kernels(isa set) : cpu_team_kernels(set) {}

 private:
  /// The adjoint of a scan over one sequence: groups of channels side by side, then the sums of what they
  /// give to B and C, in the order of the groups.
  void scan_sequence_vjp(const scan_input<float>& input, index_t first, index_t length,
                         matrix_view<const float> dy, vector_view<float> scratch,
                         const scan_gradient<float>& gradient, matrix_view<const float> kept) const {
    const index_t channels = input.x.columns;
    const index_t columns = input.parts.columns;
    const index_t groups = scan_group_count(channels);
    const index_t own = all_scratch(group_scratch(length, channels, input.rates.rows));
    const auto sums = [&](index_t group) {
      return as_matrix(scratch.data + own + group * length * columns, length, columns);
    };
    by_parts(groups, [&](index_t group, int member) {
      const index_t c = scan_group_begin(channels, group);
      const index_t count = scan_group_begin(channels, group + 1) - c;
      const scan_gradient<float> part{gradient.x.column_block(c, count),
                                      gradient.delta.column_block(c, count), gradient.parts};
      cpu_selective_scan_vjp(isa_, part_of(input, c, count), first, length, dy.column_block(c, count),
                             member_scratch(scratch.part(0, own), member), part, sums(group), scan_chunk,
                             states_of(kept, input, c, count));
    });
    const matrix_view<float> total = gradient.parts.row_block(first, length);
    for (index_t r = 0; r < length; ++r) std::copy_n(sums(0).row_data(r), columns, total.row_data(r));
    for (index_t group = 1; group < groups; ++group) cpu_add(sums(group), total);
  }
  /// What the adjoint of the largest group of channels works in.
  [[nodiscard]] static index_t group_scratch(index_t length, index_t channels, index_t states) {
    const index_t blocks = checked_add(channels, 15) / 16;
    const index_t groups = scan_group_count(channels);
    return cpu_selective_scan_vjp_scratch(length, (blocks + groups - 1) / groups * 16, states);
  }
  /// The rows of what a scan of so many rows keeps; none of nothing.
  template <class T>
  [[nodiscard]] static matrix_view<T> kept_states(const scan_input<float>& input, index_t rows,
                                                  vector_view<T> kept) {
    const index_t size = cpu_scan_state_size(input.x.columns, input.rates.rows);
    return as_matrix(kept.data, kept.size == 0 ? 0 : rows / scan_chunk, size);
  }
  template <class T>
  [[nodiscard]] static matrix_view<T> states_of(matrix_view<T> states, const scan_input<float>& input,
                                                index_t first, index_t count) {
    if (states.rows == 0) return {};
    return states.column_block(cpu_scan_state_size(first, input.rates.rows),
                               cpu_scan_state_size(count, input.rates.rows));
  }
  [[nodiscard]] static scan_input<float> part_of(scan_input<float> input, index_t first, index_t count) {
    input.x = input.x.column_block(first, count);
    input.delta = input.delta.column_block(first, count);
    input.rates = input.rates.column_block(first, count);
    input.skip = input.skip.part(first, count);
    return input;
  }
};

DNALM_END_NAMESPACE
