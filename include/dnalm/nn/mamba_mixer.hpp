// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Mamba's mixer in both directions, with one pair of projections for the two.
#pragma once

#include <algorithm>

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/linear_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// What one direction has for itself: E channels, N states, K taps, Q numbers that the steps are made of.
template <mamba_backend B>
struct mamba_direction {
  typename B::tensor taps;   ///< (K, E): the short convolution's
  typename B::vector bias;   ///< (E)
  linear_layer<B> parts;     ///< (Q + 2 N, E), no bias: [steps | B | C]
  linear_layer<B> steps;     ///< (E, Q), with a bias
  typename B::tensor rates;  ///< A (N, E)
  typename B::vector skip;   ///< D (E)

  [[nodiscard]] index_t channels() const { return skip.size(); }
  [[nodiscard]] index_t states() const { return rates.rows(); }
  [[nodiscard]] index_t scratch(const B& backend) const {
    return std::max({parts.scratch(backend), steps.scratch(backend),
                     backend.selective_scan_scratch(channels(), states())});
  }
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest) const {
    return std::max({scratch(backend), parts.vjp_scratch(backend), steps.vjp_scratch(backend),
                     backend.selective_scan_vjp_scratch(longest, channels(), states())});
  }
};

/// Views for one pass over the rows of all strands, S = strands x R; all layers share them.
template <mamba_backend B>
struct mamba_workspace {
  output_matrix<B> narrow = {};             ///< (S, D)
  output_matrix<B> wide = {};               ///< (S, 3 E): [x | z | y]
  output_matrix<B> convolved = {};          ///< (S, E)
  output_matrix<B> delta = {};              ///< (S, E)
  output_matrix<B> parts = {};              ///< (S, Q + 2 N)
  output_vector<B> scratch = {};            ///< what scratch of the mixer says; for adjoints vjp_scratch
  const ragged_offsets* offsets = nullptr;  ///< of one strand
  // For adjoints only.
  output_vector<B> kept = {};            ///< states of a record: kept_size of the mixer; empty: none
  output_matrix<B> wide_gradient = {};   ///< (S, 3 E)
  output_matrix<B> before = {};          ///< (S, E): the convolution before its activation
  output_matrix<B> parts_gradient = {};  ///< (S, Q + 2 N)
};

/// y = residual + W_out (silu(z) (ahead(x) + back(x))), [x | z] = W_in u. A direction makes, of c =
/// silu(convolution of x), [q | B | C] = W_parts c and the selective scan of c with the steps W_steps q + b;
/// `ahead` goes along the rows, `back` from their end.
///
/// With two strands the rows of the second stand behind those of the first, and the directions change places
/// there; with `exchanged` they do so in the first strand instead.
template <mamba_backend B>
struct mamba_mixer {
  linear_layer<B> in;   ///< (2 E, D), no bias
  linear_layer<B> out;  ///< (D, E), no bias
  mamba_direction<B> ahead;
  mamba_direction<B> back;
  index_t strands = 1;
  bool exchanged = false;

  [[nodiscard]] index_t channels() const { return ahead.channels(); }
  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend) const {
    return std::max(
        {in.scratch(backend), out.scratch(backend), ahead.scratch(backend), back.scratch(backend)});
  }
  /// Numbers that the scans keep for vjp, of so many rows of a strand: 0 where the backend keeps none.
  [[nodiscard]] static index_t kept_size(const B& backend, index_t strands, index_t rows, index_t channels,
                                         index_t states) {
    if constexpr (kept_scan_kernels<B>) {
      return checked_mul(2 * strands, backend.scan_kept_size(rows, channels, states));
    } else {
      return 0;
    }
  }
  /// u is w.narrow or elsewhere, not in the rest of w; `y` may be `residual`. Leaves [x | z | y] in `wide`,
  /// which is w.wide or a record for vjp; w.kept belongs to the record.
  void forward(const B& backend, input_matrix<B> u, input_matrix<B> residual, const mamba_workspace<B>& w,
               output_matrix<B> wide, output_matrix<B> y) const {
    const index_t e = channels();
    const output_matrix<B> sum = wide.column_block(2 * e, e);
    in.forward(backend, u, w.scratch, wide.column_block(0, 2 * e));
    run(backend, ahead, false, wide, w, sum);
    run(backend, back, true, wide, w, w.delta);
    backend.add(w.delta, sum);
    backend.gated(wide.column_block(e, 2 * e), activation::silu, w.convolved);
    out.forward(backend, w.convolved, w.scratch, y, activation::none, residual);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest) const {
    return std::max({in.vjp_scratch(backend), out.vjp_scratch(backend), ahead.vjp_scratch(backend, longest),
                     back.vjp_scratch(backend, longest)});
  }
  /// du from the record `wide` that forward left, and dy; what lies between convolution and scan is computed
  /// again. Takes all of w but w.wide and w.narrow; du may be dy.
  void vjp(const B& backend, input_matrix<B> wide, input_matrix<B> dy, const mamba_workspace<B>& w,
           output_matrix<B> du) const {
    const index_t e = channels();
    const output_matrix<B> dx = w.wide_gradient.column_block(0, e);
    out.vjp(backend, dy, w.scratch, w.convolved);
    backend.gated_vjp(wide.column_block(e, 2 * e), activation::silu, w.convolved,
                      w.wide_gradient.column_block(e, 2 * e));
    run_vjp(backend, ahead, false, wide, w, dx);
    run_vjp(backend, back, true, wide, w, w.before);
    backend.add(w.before, dx);
    in.vjp(backend, w.wide_gradient.column_block(0, 2 * e), w.scratch, du);
  }

  /// In which order a direction meets the rows of a strand.
  [[nodiscard]] scan_order order_of(bool is_back, index_t strand) const {
    const bool turned = (is_back != (strand == 1)) != exchanged;
    return turned ? scan_order::backward : scan_order::forward;
  }
  /// What the scan of a direction reads: w.convolved, w.delta and w.parts as `project` left them.
  [[nodiscard]] static scan_input<scalar_of<B>, B::space> scan_of(const mamba_direction<B>& d,
                                                                  const mamba_workspace<B>& w,
                                                                  scan_order order) {
    const index_t own = 2 * d.states();
    return {w.convolved,    w.delta,       w.parts.column_block(w.parts.columns - own, own),
            d.rates.view(), d.skip.view(), order};
  }
  /// w.convolved = silu(w.before), and of it w.parts and w.delta. `before` may be w.convolved.
  void project(const B& backend, const mamba_direction<B>& d, input_matrix<B> before,
               const mamba_workspace<B>& w) const {
    backend.activate(before, activation::silu, w.convolved);
    d.parts.forward(backend, w.convolved, w.scratch, w.parts);
    const index_t own = w.parts.columns - 2 * d.states();
    d.steps.forward(backend, w.parts.column_block(0, own), w.scratch, w.delta);
  }

 private:
  /// work(strand, order, rows of the strand of x).
  template <class Work>
  void for_strands(bool is_back, index_t rows, Work&& work) const {
    for (index_t strand = 0; strand < strands; ++strand) {
      work(strand, order_of(is_back, strand),
           [strand, count = rows / strands](auto x) { return x.row_block(strand * count, count); });
    }
  }
  /// What one scan keeps of w.kept.
  [[nodiscard]] output_vector<B> kept_of(const mamba_workspace<B>& w, bool is_back, index_t strand) const {
    const index_t size = w.kept.size / (2 * strands);
    return w.kept.part((is_back ? strands + strand : strand) * size, size);
  }
  /// to = the convolution of x with its bias.
  void convolve(const B& backend, const mamba_direction<B>& d, bool is_back, input_matrix<B> x,
                const mamba_workspace<B>& w, output_matrix<B> to) const {
    for_strands(is_back, x.rows, [&](index_t, scan_order order, auto of) {
      if (order == scan_order::forward) {
        backend.short_convolution(of(x), d.taps.view(), d.bias.view(), *w.offsets, of(to));
      } else {
        backend.short_convolution_back(of(x), d.taps.view(), d.bias.view(), *w.offsets, of(to));
      }
    });
  }
  /// dx = its adjoint.
  void convolve_vjp(const B& backend, const mamba_direction<B>& d, bool is_back, input_matrix<B> dy,
                    const mamba_workspace<B>& w, output_matrix<B> dx) const {
    for_strands(is_back, dy.rows, [&](index_t, scan_order order, auto of) {
      if (order == scan_order::forward) {
        backend.short_convolution_vjp(of(dy), d.taps.view(), *w.offsets, of(dx));
      } else {
        backend.short_convolution_back_vjp(of(dy), d.taps.view(), *w.offsets, of(dx));
      }
    });
  }
  /// y = the scan of one direction of x, the first part of `wide`; y may be w.delta.
  void run(const B& backend, const mamba_direction<B>& d, bool is_back, input_matrix<B> wide,
           const mamba_workspace<B>& w, output_matrix<B> y) const {
    convolve(backend, d, is_back, wide.column_block(0, channels()), w, w.convolved);
    project(backend, d, w.convolved, w);
    for_strands(is_back, y.rows, [&](index_t strand, scan_order order, auto of) {
      scan_input<scalar_of<B>, B::space> all = scan_of(d, w, order);
      all.x = of(all.x);
      all.delta = of(all.delta);
      all.parts = of(all.parts);
      if constexpr (kept_scan_kernels<B>) {
        const output_vector<B> kept = kept_of(w, is_back, strand);
        if (kept.size > 0) return backend.selective_scan_keeping(all, *w.offsets, w.scratch, of(y), kept);
      }
      backend.selective_scan(all, *w.offsets, w.scratch, of(y));
    });
  }
  /// dx = the adjoint of one direction at w.wide_gradient's last part; dx may be w.before.
  void run_vjp(const B& backend, const mamba_direction<B>& d, bool is_back, input_matrix<B> wide,
               const mamba_workspace<B>& w, output_matrix<B> dx) const {
    const index_t e = channels();
    convolve(backend, d, is_back, wide.column_block(0, e), w, w.before);
    project(backend, d, w.before, w);
    scan_vjp(backend, d, is_back, w);
    const index_t own = w.parts.columns - 2 * d.states();
    d.steps.vjp(backend, w.delta, w.scratch, w.parts_gradient.column_block(0, own));
    d.parts.vjp(backend, w.parts_gradient, w.scratch, w.convolved, w.convolved);
    backend.activation_vjp(w.before, activation::silu, w.convolved, w.convolved);
    convolve_vjp(backend, d, is_back, w.convolved, w, dx);
  }
  /// Gradients by c and the steps in place of them, those by B and C in w.parts_gradient.
  void scan_vjp(const B& backend, const mamba_direction<B>& d, bool is_back,
                const mamba_workspace<B>& w) const {
    const index_t e = channels();
    const index_t own = 2 * d.states();
    for_strands(is_back, w.delta.rows, [&](index_t strand, scan_order order, auto of) {
      scan_input<scalar_of<B>, B::space> all = scan_of(d, w, order);
      all.x = of(all.x);
      all.delta = of(all.delta);
      all.parts = of(all.parts);
      const auto dy = of(w.wide_gradient.column_block(2 * e, e));
      const auto parts = of(w.parts_gradient.column_block(w.parts.columns - own, own));
      const scan_gradient<scalar_of<B>, B::space> gradient{of(w.convolved), of(w.delta), parts};
      if constexpr (kept_scan_kernels<B>) {
        const output_vector<B> kept = kept_of(w, is_back, strand);
        return backend.selective_scan_kept_vjp(all, *w.offsets, dy, w.scratch, gradient, kept);
      }
      backend.selective_scan_vjp(all, *w.offsets, dy, w.scratch, gradient);
    });
  }
};

DNALM_END_NAMESPACE
