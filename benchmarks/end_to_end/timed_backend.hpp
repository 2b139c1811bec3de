// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The float backend with a clock around each kernel: where a pass spends its time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>

#include "../support/clock.hpp"
#include "../support/forward_flops.hpp"
#include "timed_layer_kernels.hpp"

namespace dnalm_bench {

using dnalm::index_t;
using dnalm::matrix_view;
using dnalm::ragged_offsets;
using dnalm::vector_view;

/// Calls, processor time and operations by kernel; safe to share between threads.
class kernel_profile {
 public:
  struct entry {
    long calls = 0;
    double seconds = 0;
    double flops = 0;
  };

  void add(const std::string& kernel, double seconds, double flops) {
    const std::lock_guard lock(guard_);
    entry& e = entries_[kernel];
    ++e.calls;
    e.seconds += seconds;
    e.flops += flops;
  }
  void clear() {
    const std::lock_guard lock(guard_);
    entries_.clear();
  }
  [[nodiscard]] const std::map<std::string, entry>& entries() const { return entries_; }

 private:
  std::mutex guard_;
  std::map<std::string, entry> entries_;
};

/// Forwards every call and adds its processor time to a profile.
class timed_backend : public timed_layer_kernels<timed_backend> {
 public:
  using scalar = float;
  using weight = dnalm::cpu_backend::weight;
  using filter = dnalm::cpu_backend::filter;
  using vector = dnalm::cpu_backend::vector;
  using tensor = dnalm::cpu_backend::tensor;
  static constexpr dnalm::memory_space space = dnalm::memory_space::host;

  timed_backend(dnalm::cpu_backend inner, std::shared_ptr<kernel_profile> profile)
      : inner_(inner), profile_(std::move(profile)) {}

  [[nodiscard]] std::string_view name() const { return "cpu"; }
  [[nodiscard]] vector allocate(index_t size) const { return inner_.allocate(size); }
  [[nodiscard]] vector upload(std::span<const float> values) const { return inner_.upload(values); }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    return inner_.upload(values, rows, columns);
  }
  [[nodiscard]] weight pack(matrix_view<const float> w) const { return inner_.pack(w); }
  [[nodiscard]] weight pack_convolution(matrix_view<const float> w,
                                        const dnalm::convolution_taps& taps) const {
    return inner_.pack_convolution(w, taps);
  }
  [[nodiscard]] weight pack_gated(matrix_view<const float> w) const { return inner_.pack_gated(w); }
  [[nodiscard]] index_t linear_scratch(const weight& w) const { return inner_.linear_scratch(w); }
  void linear(matrix_view<const float> x, const weight& w, const dnalm::linear_epilogue<float>& epilogue,
              vector_view<float> scratch, matrix_view<float> y) const {
    timed(product_name("linear", w), product_flops(x.rows, w),
          [&] { inner_.linear(x, w, epilogue, scratch, y); });
  }
  void linear_gated(matrix_view<const float> x, const weight& w,
                    const dnalm::linear_epilogue<float>& epilogue, vector_view<float> scratch,
                    matrix_view<float> y) const {
    timed(product_name("linear_gated", w), product_flops(x.rows, w),
          [&] { inner_.linear_gated(x, w, epilogue, scratch, y); });
  }
  [[nodiscard]] index_t linear_vjp_scratch(const weight& w) const { return inner_.linear_vjp_scratch(w); }
  void linear_vjp(matrix_view<const float> dy, const weight& w, matrix_view<const float> residual,
                  vector_view<float> scratch, matrix_view<float> dx) const {
    timed(product_name("linear_vjp", w), product_flops(dy.rows, w),
          [&] { inner_.linear_vjp(dy, w, residual, scratch, dx); });
  }
  void embed_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                  std::span<const float> row_scale, matrix_view<float> y) const {
    timed("embed_rows", 0, [&] { inner_.embed_rows(ids, table, row_scale, y); });
  }
  void embed_rows_vjp(std::span<const float> row_scale, matrix_view<const float> dy,
                      matrix_view<float> dx) const {
    timed("embed_rows_vjp", 0, [&] { inner_.embed_rows_vjp(row_scale, dy, dx); });
  }
  void add_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                matrix_view<float> y) const {
    timed("add_rows", 0, [&] { inner_.add_rows(ids, table, y); });
  }
  void layer_norm(matrix_view<const float> x, vector_view<const float> gamma, vector_view<const float> beta,
                  float eps, matrix_view<float> y) const {
    timed("layer_norm", 0, [&] { inner_.layer_norm(x, gamma, beta, eps, y); });
  }
  void layer_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                      matrix_view<const float> dy, matrix_view<float> dx) const {
    timed("layer_norm_vjp", 0, [&] { inner_.layer_norm_vjp(x, gamma, eps, dy, dx); });
  }
  void rotary(const dnalm::rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
              matrix_view<float> x) const {
    timed("rotary", 0, [&] { inner_.rotary(table, offsets, heads, x); });
  }
  void rotary_vjp(const dnalm::rotary_table<float>& table, const ragged_offsets& offsets, index_t heads,
                  matrix_view<float> y) const {
    timed("rotary_vjp", 0, [&] { inner_.rotary_vjp(table, offsets, heads, y); });
  }
  [[nodiscard]] index_t attention_scratch(index_t longest, index_t head_width) const {
    return inner_.attention_scratch(longest, head_width);
  }
  void attention(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                 const ragged_offsets& offsets, const dnalm::attention_options<float>& options,
                 vector_view<float> scratch, matrix_view<float> y) const {
    timed("attention", 4 * pairs(offsets, y.columns),
          [&] { inner_.attention(q, k, v, offsets, options, scratch, y); });
  }
  [[nodiscard]] index_t attention_vjp_scratch(index_t longest, index_t head_width) const {
    return inner_.attention_vjp_scratch(longest, head_width);
  }
  void attention_vjp(matrix_view<const float> q, matrix_view<const float> k, matrix_view<const float> v,
                     const ragged_offsets& offsets, const dnalm::attention_options<float>& options,
                     matrix_view<const float> dy, vector_view<float> scratch, matrix_view<float> dq,
                     matrix_view<float> dk, matrix_view<float> dv) const {
    timed("attention_vjp", 14 * pairs(offsets, dy.columns),
          [&] { inner_.attention_vjp(q, k, v, offsets, options, dy, scratch, dq, dk, dv); });
  }
  void softmax_rows(matrix_view<float> x) const {
    timed("softmax_rows", 0, [&] { inner_.softmax_rows(x); });
  }
  void softmax_rows_vjp(matrix_view<const float> p, matrix_view<const float> dp,
                        matrix_view<float> dx) const {
    timed("softmax_rows_vjp", 0, [&] { inner_.softmax_rows_vjp(p, dp, dx); });
  }
  void gated(matrix_view<const float> x, dnalm::activation function, matrix_view<float> y) const {
    timed("gated", 0, [&] { inner_.gated(x, function, y); });
  }
  void activate(matrix_view<const float> x, dnalm::activation function, matrix_view<float> y) const {
    timed("activate", 0, [&] { inner_.activate(x, function, y); });
  }
  void gated_vjp(matrix_view<const float> x, dnalm::activation function, matrix_view<const float> dy,
                 matrix_view<float> dx) const {
    timed("gated_vjp", 0, [&] { inner_.gated_vjp(x, function, dy, dx); });
  }
  void activation_vjp(matrix_view<const float> z, dnalm::activation function, matrix_view<const float> dy,
                      matrix_view<float> dz) const {
    timed("activation_vjp", 0, [&] { inner_.activation_vjp(z, function, dy, dz); });
  }
  void add(matrix_view<const float> x, matrix_view<float> y) const {
    timed("add", 0, [&] { inner_.add(x, y); });
  }
  void scale(float factor, matrix_view<float> y) const {
    timed("scale", 0, [&] { inner_.scale(factor, y); });
  }
  [[nodiscard]] index_t convolution_scratch(const weight& w) const { return inner_.convolution_scratch(w); }
  void convolution(matrix_view<const float> x, const ragged_offsets& offsets, const weight& w,
                   const dnalm::convolution_taps& taps, const dnalm::linear_epilogue<float>& epilogue,
                   vector_view<float> scratch, matrix_view<float> y) const {
    timed(product_name("convolution", w), product_flops(y.rows, w),
          [&] { inner_.convolution(x, offsets, w, taps, epilogue, scratch, y); });
  }
  [[nodiscard]] index_t convolution_vjp_scratch(const weight& w, const dnalm::convolution_taps& taps) const {
    return inner_.convolution_vjp_scratch(w, taps);
  }
  void convolution_vjp(matrix_view<const float> dy, const ragged_offsets& offsets, const weight& w,
                       const dnalm::convolution_taps& taps, matrix_view<const float> residual,
                       vector_view<float> scratch, matrix_view<float> dx) const {
    timed(product_name("convolution_vjp", w), product_flops(dx.rows, w),
          [&] { inner_.convolution_vjp(dy, offsets, w, taps, residual, scratch, dx); });
  }
  void convolution_between(matrix_view<const float> x, const ragged_offsets& from, const weight& w,
                           const dnalm::convolution_taps& taps, const dnalm::linear_epilogue<float>& epilogue,
                           vector_view<float> scratch, const ragged_offsets& to, matrix_view<float> y) const {
    timed(product_name("convolution", w), product_flops(y.rows, w),
          [&] { inner_.convolution_between(x, from, w, taps, epilogue, scratch, to, y); });
  }
  void convolution_between_vjp(matrix_view<const float> dy, const ragged_offsets& from, const weight& w,
                               const dnalm::convolution_taps& taps, matrix_view<const float> residual,
                               vector_view<float> scratch, const ragged_offsets& to,
                               matrix_view<float> dx) const {
    timed(product_name("convolution_vjp", w), product_flops(dx.rows, w),
          [&] { inner_.convolution_between_vjp(dy, from, w, taps, residual, scratch, to, dx); });
  }
  [[nodiscard]] index_t filter_taps(index_t length) const { return inner_.filter_taps(length); }
  [[nodiscard]] filter make_filter(matrix_view<const double> taps) const { return inner_.make_filter(taps); }
  void short_convolution(matrix_view<const float> x, matrix_view<const float> w,
                         vector_view<const float> bias, const ragged_offsets& offsets,
                         matrix_view<float> y) const {
    timed("short_convolution", 0, [&] { inner_.short_convolution(x, w, bias, offsets, y); });
  }
  void short_convolution_vjp(matrix_view<const float> dy, matrix_view<const float> w,
                             const ragged_offsets& offsets, matrix_view<float> dx) const {
    timed("short_convolution_vjp", 0, [&] { inner_.short_convolution_vjp(dy, w, offsets, dx); });
  }
  [[nodiscard]] index_t long_convolution_scratch(index_t longest, index_t width) const {
    return inner_.long_convolution_scratch(longest, width);
  }
  void long_convolution(matrix_view<const float> v, std::span<const filter* const> filters,
                        vector_view<const float> d, const ragged_offsets& offsets, vector_view<float> scratch,
                        matrix_view<float> y) const {
    timed("long_convolution", transforms(offsets, y.columns),
          [&] { inner_.long_convolution(v, filters, d, offsets, scratch, y); });
  }
  void long_convolution_vjp(matrix_view<const float> dy, std::span<const filter* const> filters,
                            vector_view<const float> d, const ragged_offsets& offsets,
                            vector_view<float> scratch, matrix_view<float> dv) const {
    timed("long_convolution_vjp", transforms(offsets, dv.columns),
          [&] { inner_.long_convolution_vjp(dy, filters, d, offsets, scratch, dv); });
  }
  void multiply(matrix_view<const float> a, matrix_view<const float> b, matrix_view<float> y) const {
    timed("multiply", 0, [&] { inner_.multiply(a, b, y); });
  }
  void multiply_vjp(matrix_view<const float> a, matrix_view<const float> b, matrix_view<const float> dy,
                    matrix_view<float> da, matrix_view<float> db) const {
    timed("multiply_vjp", 0, [&] { inner_.multiply_vjp(a, b, dy, da, db); });
  }

  [[nodiscard]] const dnalm::cpu_backend& inner() const { return inner_; }
  /// Does the work and notes its time.
  template <class Work>
  void timed(const std::string& kernel, double flops, Work work) const {
    const stopwatch watch(true);
    work();
    profile_->add(kernel, watch.elapsed().cpu, flops);
  }

 private:
  static std::string product_name(const std::string& kernel, const weight& w) {
    return kernel + " " + std::to_string(w.outputs) + "x" + std::to_string(w.inputs);
  }
  static double product_flops(index_t rows, const weight& w) {
    return 2.0 * static_cast<double>(rows) * static_cast<double>(w.outputs) * static_cast<double>(w.inputs);
  }
  /// Sum over the sequences of L^2, times the width.
  static double pairs(const ragged_offsets& offsets, index_t width) {
    double sum = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      sum += static_cast<double>(offsets.length(s)) * static_cast<double>(offsets.length(s));
    }
    return sum * static_cast<double>(width);
  }

  /// Operations of the transforms of all sequences and channels.
  static double transforms(const ragged_offsets& offsets, index_t channels) {
    double sum = 0;
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      sum += long_convolution_flops(static_cast<double>(offsets.length(s)));
    }
    return sum * static_cast<double>(channels);
  }

  dnalm::cpu_backend inner_;
  std::shared_ptr<kernel_profile> profile_;
};

static_assert(dnalm::layer_backend<timed_backend> && dnalm::hyena_backend<timed_backend>);

/// One line per kernel, the longest first: calls, seconds, share of `total` seconds, GFLOP/s, share of
/// `peak`.
inline void print_profile(std::ostream& stream, const kernel_profile& profile, double total, double peak) {
  std::ostringstream out;
  std::vector<std::pair<std::string, kernel_profile::entry>> lines(profile.entries().begin(),
                                                                   profile.entries().end());
  std::sort(lines.begin(), lines.end(),
            [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  const auto line = [&](const std::string& name, long calls, double seconds, double flops) {
    out << "  " << std::left << std::setw(26) << name << std::right << std::setw(8) << calls << std::fixed
        << std::setprecision(3) << std::setw(10) << seconds << " s" << std::setprecision(1) << std::setw(7)
        << 100 * seconds / total << " %";
    if (flops > 0) {
      out << std::setw(9) << flops / seconds / 1e9 << " GFLOP/s" << std::setw(7)
          << 100 * flops / seconds / peak << " % of peak";
    }
    out << "\n";
  };
  double rest = total;
  for (const auto& [name, e] : lines) {
    line(name, e.calls, e.seconds, e.flops);
    rest -= e.seconds;
  }
  line("outside of kernels", 0, rest, 0);
  stream << out.str();
}

}  // namespace dnalm_bench
