// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Every kernel of a backend as an adjoint problem, with the float error bound of its adjoint.
///
/// The forward function is always the reference backend's. All operands stand in poisoned memory with
/// strides; `alias` asks for the overlap that the kernel's documentation allows. Bounds are first-order error
/// analysis with u = 2^-24: a chain of n operations has at most n u times the sum of the absolute terms.
#pragma once

#include <numeric>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>

namespace dnalm_test {

using dnalm::activation;
using dnalm::index_t;

inline constexpr double unit = 0x1p-24;

/// Absolute error of the float derivatives of the activations (vector_math.ipp), and of the activations
/// themselves per max(1, |x|).
inline constexpr double slope_error = 2.5e-7;
inline constexpr double activation_error = 3e-7;

/// Where an adjoint writes: over nothing, over its gradient (or residual), or over the forward's input.
enum class overlap { none, gradient, input };

/// The adjoint of a backend, the exact one, and their common problem.
struct adjoint_case {
  adjoint_problem problem;
  std::function<numbers(const numbers& x, const numbers& u)> exact;
};

inline void check_case(const adjoint_case& one, std::uint64_t seed) {
  check_adjoint(one.problem, seed);
  const auto size = static_cast<index_t>(one.problem.forward(one.problem.x).size());
  const numbers u = normal_numbers(size, 1000 * seed);
  const numbers g = one.problem.vjp(one.problem.x, u);
  numbers bound(g.size(), 0.0);
  if (one.problem.bound) bound = one.problem.bound(one.problem.x, u);
  check_within(one.exact(one.problem.x, u), g, bound);
}

/// The double problem or, for a float backend, the problem with its bound.
template <class B, class Vjp>
adjoint_case make_case(const B& b, numbers x, std::function<numbers(const numbers&)> forward, Vjp vjp,
                       std::function<numbers(const numbers&, const numbers&)> bound) {
  adjoint_case result;
  result.problem.x = std::move(x);
  result.problem.forward = std::move(forward);
  result.problem.vjp = [b, vjp](const numbers& at, const numbers& u) { return vjp(b, at, u); };
  if constexpr (sizeof(typename B::scalar) == 4) result.problem.bound = std::move(bound);
  result.exact = [vjp](const numbers& at, const numbers& u) {
    return vjp(dnalm::reference_backend(), at, u);
  };
  return result;
}

/// f(x) = [x W^T | x]: the second block is what a residual is the gradient of.
template <class B>
adjoint_case linear_case(const B& b, index_t rows, index_t inputs, index_t outputs, bool residual,
                         overlap alias) {
  const numbers w = normal_numbers(outputs * inputs, 11);
  const auto forward = [=](const numbers& x) {
    numbers y(static_cast<std::size_t>(rows * outputs));
    dnalm::reference_linear(dnalm::as_matrix(x.data(), rows, inputs),
                            dnalm::as_matrix(w.data(), outputs, inputs), {},
                            dnalm::as_matrix(y.data(), rows, outputs));
    if (residual) y.insert(y.end(), x.begin(), x.end());
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers&, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> weights(outputs, inputs, w.data());
    const poisoned<T> dy(rows, outputs, u.data());
    poisoned<T> added = residual ? poisoned<T>(rows, inputs, u.data() + rows * outputs) : poisoned<T>(0, 0);
    poisoned<T> dx(rows, inputs);
    const auto packed = backend.pack(weights.view());
    poisoned_scratch<T> scratch(backend.linear_vjp_scratch(packed));
    dnalm::matrix_view<const T> add = added.view();
    if (!residual) add = {};
    const bool over = residual && alias == overlap::gradient;
    backend.linear_vjp(dy.view(), packed, add, scratch.view(), over ? added.view() : dx.view());
    CHECK((dx.frame_is_whole() && added.frame_is_whole() && dy.frame_is_whole() && scratch.frame_is_whole()));
    numbers g;
    append_numbers(over ? added.view() : dx.view(), g);
    return g;
  };
  const auto bound = [=](const numbers&, const numbers& u) {
    numbers e;
    for (index_t r = 0; r < rows; ++r) {
      for (index_t k = 0; k < inputs; ++k) {
        double sum = residual ? std::abs(u[static_cast<std::size_t>(rows * outputs + r * inputs + k)]) : 0.0;
        for (index_t n = 0; n < outputs; ++n) {
          sum += std::abs(u[static_cast<std::size_t>(r * outputs + n)] *
                          w[static_cast<std::size_t>(n * inputs + k)]);
        }
        e.push_back(unit * static_cast<double>(outputs + 2) * sum);
      }
    }
    return e;
  };
  return make_case(b, normal_numbers(rows * inputs, 12), forward, vjp, bound);
}

template <class B>
adjoint_case embed_rows_case(const B& b, index_t rows, index_t width, bool scaled, overlap alias) {
  const numbers factors = scaled ? normal_numbers(rows, 21) : numbers();
  const auto forward = [=](const numbers& x) {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(rows));
    std::iota(ids.begin(), ids.end(), 0);
    numbers y(x.size());
    dnalm::reference_embed_rows(ids, dnalm::as_matrix(x.data(), rows, width), factors,
                                dnalm::as_matrix(y.data(), rows, width));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers&, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const std::vector<T> scale(factors.begin(), factors.end());
    poisoned<T> dy(rows, width, u.data());
    poisoned<T> dx(rows, width);
    poisoned<T>& to = alias == overlap::gradient ? dy : dx;
    backend.embed_rows_vjp(scale, dy.view(), to.view());
    CHECK((dx.frame_is_whole() && dy.frame_is_whole()));
    numbers g;
    append_numbers(to.view(), g);
    return g;
  };
  const auto bound = [=](const numbers&, const numbers& u) {
    numbers e;
    for (index_t i = 0; i < rows * width; ++i) {
      const double factor = scaled ? factors[static_cast<std::size_t>(i / width)] : 1.0;
      e.push_back(unit * std::abs(factor * u[static_cast<std::size_t>(i)]));
    }
    return e;
  };
  return make_case(b, normal_numbers(rows * width, 22), forward, vjp, bound);
}

template <class B>
adjoint_case activation_case(const B& b, index_t rows, index_t width, activation function, overlap alias) {
  const auto forward = [=](const numbers& x) {
    numbers y;
    for (const double value : x) y.push_back(dnalm::apply_activation(function, value));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers& x, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    poisoned<T> z(rows, width, x.data());
    poisoned<T> dy(rows, width, u.data());
    poisoned<T> dz(rows, width);
    poisoned<T>& to = alias == overlap::gradient ? dy : alias == overlap::input ? z : dz;
    backend.activation_vjp(z.view(), function, dy.view(), to.view());
    CHECK((z.frame_is_whole() && dy.frame_is_whole() && dz.frame_is_whole()));
    numbers g;
    append_numbers(to.view(), g);
    return g;
  };
  const auto bound = [=](const numbers&, const numbers& u) {
    numbers e;
    for (const double value : u) e.push_back((slope_error + 2 * unit) * std::abs(value));
    return e;
  };
  return make_case(b, normal_numbers(rows * width, 31, 2.0), forward, vjp, bound);
}

template <class B>
adjoint_case gated_case(const B& b, index_t rows, index_t width, activation function, overlap alias) {
  const auto forward = [=](const numbers& x) {
    numbers y(static_cast<std::size_t>(rows * width));
    dnalm::reference_gated(dnalm::as_matrix(x.data(), rows, 2 * width), function,
                           dnalm::as_matrix(y.data(), rows, width));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers& x, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    poisoned<T> both(rows, 2 * width, x.data());
    const poisoned<T> dy(rows, width, u.data());
    poisoned<T> dx(rows, 2 * width);
    poisoned<T>& to = alias == overlap::input ? both : dx;
    backend.gated_vjp(both.view(), function, dy.view(), to.view());
    CHECK((both.frame_is_whole() && dy.frame_is_whole() && dx.frame_is_whole()));
    numbers g;
    append_numbers(to.view(), g);
    return g;
  };
  const auto bound = [=](const numbers& x, const numbers& u) {
    numbers e(x.size());
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < width; ++c) {
        const auto a = static_cast<std::size_t>(2 * r * width + c);
        const auto gate = a + static_cast<std::size_t>(width);
        const double dy = std::abs(u[static_cast<std::size_t>(r * width + c)]);
        e[a] = (slope_error + 4 * unit) * std::abs(x[gate]) * dy;
        e[gate] = (activation_error + 2 * unit) * std::max(1.0, std::abs(x[a])) * dy;
      }
    }
    return e;
  };
  return make_case(b, normal_numbers(2 * rows * width, 41, 2.0), forward, vjp, bound);
}

/// Rows of normal numbers, moved and stretched to this mean and this deviation: a row of almost equal numbers
/// would leave no room for differences.
inline numbers rows_of_deviation(index_t rows, index_t width, std::uint64_t seed, double mean,
                                 double deviation) {
  numbers x = normal_numbers(rows * width, seed);
  for (index_t r = 0; r < rows; ++r) {
    double* row = x.data() + r * width;
    const double centre = std::accumulate(row, row + width, 0.0) / static_cast<double>(width);
    double variance = width == 1 ? 1.0 : 0.0;
    for (index_t c = 0; c < width; ++c) {
      variance += (row[c] - centre) * (row[c] - centre) / static_cast<double>(width);
    }
    for (index_t c = 0; c < width; ++c) {
      const double value = mean + deviation * (row[c] - centre) / std::sqrt(variance);
      row[c] = static_cast<double>(static_cast<float>(value));
    }
  }
  return x;
}

template <class B>
adjoint_case layer_norm_case(const B& b, index_t rows, index_t width, double eps, double deviation,
                             double mean, overlap alias) {
  const numbers gamma = normal_numbers(width, 51);
  const auto forward = [=](const numbers& at) {
    numbers y(at.size());
    const numbers beta(gamma.size(), 0.0);
    dnalm::reference_layer_norm(dnalm::as_matrix(at.data(), rows, width), {gamma.data(), width},
                                {beta.data(), width}, eps, dnalm::as_matrix(y.data(), rows, width));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers& at, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> in(rows, width, at.data());
    const poisoned<T> scale(1, width, gamma.data());
    poisoned<T> dy(rows, width, u.data());
    poisoned<T> dx(rows, width);
    poisoned<T>& to = alias == overlap::gradient ? dy : dx;
    backend.layer_norm_vjp(in.view(), scale.view().row(0), static_cast<T>(eps), dy.view(), to.view());
    CHECK((in.frame_is_whole() && dy.frame_is_whole() && dx.frame_is_whole()));
    numbers g;
    append_numbers(to.view(), g);
    return g;
  };
  // x - shift has one rounding whatever the mean is; the rest of the mean is that of x - shift, wrong by
  // width / 16 + 4 units of mean |x - shift| <= deviation: so h = (x - mean) factor is wrong by as many units
  // of |h| + 1. Sums have width / 16 + 4 steps, everything else 20.
  const auto bound = [=](const numbers& at, const numbers& u) {
    numbers e;
    const double steps = static_cast<double>(width) / 16 + 24;
    for (index_t r = 0; r < rows; ++r) {
      const double* row = at.data() + r * width;
      const double centre = std::accumulate(row, row + width, 0.0) / static_cast<double>(width);
      double variance = 0.0;
      for (index_t c = 0; c < width; ++c) {
        variance += (row[c] - centre) * (row[c] - centre) / static_cast<double>(width);
      }
      const double factor = 1.0 / std::sqrt(variance + eps);
      const auto size_of_h = [&](index_t c) { return std::abs(row[c] - centre) * factor + 1.0; };
      double g = 0.0;
      double gh = 0.0;
      for (index_t c = 0; c < width; ++c) {
        const double size =
            std::abs(u[static_cast<std::size_t>(r * width + c)] * gamma[static_cast<std::size_t>(c)]);
        g += size / static_cast<double>(width);
        gh += size * size_of_h(c) / static_cast<double>(width);
      }
      for (index_t c = 0; c < width; ++c) {
        const double size =
            std::abs(u[static_cast<std::size_t>(r * width + c)] * gamma[static_cast<std::size_t>(c)]);
        e.push_back(unit * steps * factor * (size + g + size_of_h(c) * gh));
      }
    }
    return e;
  };
  adjoint_case result =
      make_case(b, rows_of_deviation(rows, width, 52, mean, deviation), forward, vjp, bound);
  result.problem.step *= deviation / 4;  // small beside the deviation
  return result;
}

/// The gradient by scores x; the kernel sees the probabilities, rounded to its number type.
template <class B>
adjoint_case softmax_case(const B& b, index_t rows, index_t width, overlap alias) {
  const auto probabilities = [=](const numbers& x) {
    numbers p = x;
    dnalm::reference_softmax_rows(dnalm::as_matrix(p.data(), rows, width));
    return p;
  };
  const auto vjp = [=](const auto& backend, const numbers& x, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> p(rows, width, probabilities(x).data());
    poisoned<T> dp(rows, width, u.data());
    poisoned<T> dx(rows, width);
    poisoned<T>& to = alias == overlap::gradient ? dp : dx;
    backend.softmax_rows_vjp(p.view(), dp.view(), to.view());
    CHECK((p.frame_is_whole() && dp.frame_is_whole() && dx.frame_is_whole()));
    numbers g;
    append_numbers(to.view(), g);
    return g;
  };
  const auto bound = [=](const numbers& x, const numbers& u) {
    const numbers p = probabilities(x);
    numbers e;
    for (index_t r = 0; r < rows; ++r) {
      const auto at = [&](index_t c) { return static_cast<std::size_t>(r * width + c); };
      double mean = 0.0;
      for (index_t c = 0; c < width; ++c) mean += p[at(c)] * std::abs(u[at(c)]);
      const double steps = static_cast<double>(width) / 16 + 10;
      for (index_t c = 0; c < width; ++c) {
        e.push_back(unit * steps * p[at(c)] * (std::abs(u[at(c)]) + mean) + 1e-44);
      }
    }
    return e;
  };
  return make_case(b, normal_numbers(rows * width, 61, 2.0), probabilities, vjp, bound);
}

inline dnalm::ragged_offsets make_offsets(const std::vector<index_t>& lengths) {
  dnalm::ragged_offsets offsets;
  for (const index_t length : lengths) offsets.append(length);
  return offsets;
}

/// Heads of `width` channels of which 2 `pairs` are rotated.
template <class B>
adjoint_case rotary_case(const B& b, const std::vector<index_t>& lengths, index_t heads, index_t width,
                         index_t pairs) {
  const dnalm::ragged_offsets offsets = make_offsets(lengths);
  const index_t rows = offsets.rows();
  const index_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  std::vector<float> frequencies;
  for (index_t j = 0; j < pairs; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * pairs));
  const auto forward = [=](const numbers& x) {
    numbers y = x;
    dnalm::reference_rotary(dnalm::make_rotary_table<double>(frequencies, longest), offsets, heads,
                            dnalm::as_matrix(y.data(), rows, heads * width));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers&, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    poisoned<T> y(rows, heads * width, u.data());
    backend.rotary_vjp(dnalm::make_rotary_table<T>(frequencies, longest), offsets, heads, y.view());
    CHECK(y.frame_is_whole());
    numbers g;
    append_numbers(y.view(), g);
    return g;
  };
  const auto bound = [=](const numbers&, const numbers& u) {
    numbers e(u.size(), 0.0);
    for (index_t i = 0; i < rows * heads; ++i) {
      for (index_t j = 0; j < pairs; ++j) {
        const auto first = static_cast<std::size_t>(i * width + j);
        const auto second = first + static_cast<std::size_t>(pairs);
        e[first] = e[second] = 4 * unit * (std::abs(u[first]) + std::abs(u[second]));
      }
    }
    return e;
  };
  return make_case(b, normal_numbers(rows * heads * width, 71), forward, vjp, bound);
}

struct attention_shape {
  std::vector<index_t> lengths;
  index_t heads = 1;
  index_t width = 1;  ///< of a head
  float scale = 1.0F;
  std::vector<float> slopes = {};
  index_t window = 0;

  template <class T>
  [[nodiscard]] dnalm::attention_options<T> options() const {
    dnalm::attention_options<T> result;
    result.heads = heads;
    result.score_scale = static_cast<T>(scale);
    result.alibi_slopes = {slopes.data(), static_cast<index_t>(slopes.size())};
    result.window = window;
    return result;
  }
};

/// Column block b of three of a packed (R, 3D) matrix.
template <class T>
dnalm::matrix_view<T> third(dnalm::matrix_view<T> x, index_t b) {
  if (x.data == nullptr)
    return {nullptr, x.rows, x.columns / 3, x.stride};  // no rows, and no place of a column
  return x.column_block(b * (x.columns / 3), x.columns / 3);
}

/// The error bounds of dq, dk, dv, (R, 3D): with everything replaced by absolute values, an error is at most
/// `steps` u times the result. Probabilities: exp turns the absolute error of a score, (K + 2) u |q| . |k|
/// scale, into a relative one, twice (numerator and sum); sums over keys take up to L + 2 steps.
inline numbers attention_vjp_bound(const attention_shape& shape, const numbers& packed, const numbers& u) {
  const dnalm::ragged_offsets offsets = make_offsets(shape.lengths);
  const index_t width = shape.heads * shape.width;
  const auto x = dnalm::as_matrix(packed.data(), offsets.rows(), 3 * width);
  const auto dy = dnalm::as_matrix(u.data(), offsets.rows(), width);
  numbers bound(packed.size(), 0.0);
  const auto e = dnalm::as_matrix(bound.data(), offsets.rows(), 3 * width);
  const double scale = std::abs(static_cast<double>(shape.scale));
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t length = offsets.length(s);
    for (index_t h = 0; h < shape.heads; ++h) {
      const index_t first = h * shape.width;
      for (index_t i = offsets.begin(s); i < offsets.begin(s) + length; ++i) {
        numbers p;
        numbers dp;
        std::vector<index_t> keys;
        double largest = -std::numeric_limits<double>::infinity();
        double largest_size = 0.0;
        for (index_t j = offsets.begin(s); j < offsets.begin(s) + length; ++j) {
          if (shape.window > 0 && std::abs(i - j) > shape.window) continue;
          double score = 0.0;
          double size = 0.0;
          double gradient = 0.0;
          for (index_t c = first; c < first + shape.width; ++c) {
            score += x(i, c) * x(j, width + c);
            size += std::abs(x(i, c) * x(j, width + c));
            gradient += std::abs(dy(i, c) * x(j, 2 * width + c));
          }
          score *= static_cast<double>(shape.scale);
          size *= scale;
          if (!shape.slopes.empty()) {
            const double bias = static_cast<double>(shape.slopes[static_cast<std::size_t>(h)]) *
                                static_cast<double>(std::abs(i - j));
            score -= bias;
            size += bias;
          }
          keys.push_back(j);
          p.push_back(score);
          dp.push_back(gradient);
          largest = std::max(largest, score);
          largest_size = std::max(largest_size, size);
        }
        double sum = 0.0;
        for (double& value : p) sum += value = std::exp(value - largest);
        for (double& value : p) value /= sum;
        double mean = 0.0;
        for (std::size_t j = 0; j < p.size(); ++j) mean += p[j] * dp[j];
        const double steps = 2.0 * static_cast<double>(shape.width + 3) * largest_size +
                             static_cast<double>(shape.width + length) + static_cast<double>(length) / 8 + 30;
        for (std::size_t j = 0; j < p.size(); ++j) {
          const double ds = unit * steps * scale * p[j] * (dp[j] + mean) + 1e-40;
          for (index_t c = first; c < first + shape.width; ++c) {
            e(i, c) += ds * std::abs(x(keys[j], width + c));
            e(keys[j], width + c) += ds * std::abs(x(i, c));
            e(keys[j], 2 * width + c) += (unit * steps * p[j] + 1e-40) * std::abs(dy(i, c));
          }
        }
      }
    }
  }
  return bound;
}

/// Gradients by [q | k | v], packed in one matrix (R, 3D); dq, dk, dv too.
template <class B>
adjoint_case attention_case(const B& b, const attention_shape& shape) {
  const dnalm::ragged_offsets offsets = make_offsets(shape.lengths);
  const index_t rows = offsets.rows();
  const index_t width = shape.heads * shape.width;
  const index_t longest =
      shape.lengths.empty() ? 0 : *std::max_element(shape.lengths.begin(), shape.lengths.end());
  const auto forward = [=](const numbers& packed) {
    numbers y(static_cast<std::size_t>(rows * width));
    numbers scratch(static_cast<std::size_t>(longest));
    const auto x = dnalm::as_matrix(packed.data(), rows, 3 * width);
    dnalm::reference_attention(third(x, 0), third(x, 1), third(x, 2), offsets, shape.options<double>(),
                               {scratch.data(), longest}, dnalm::as_matrix(y.data(), rows, width));
    return y;
  };
  const auto vjp = [=](const auto& backend, const numbers& packed, const numbers& u) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> x(rows, 3 * width, packed.data());
    const poisoned<T> dy(rows, width, u.data());
    poisoned<T> dx(rows, 3 * width);
    poisoned_scratch<T> scratch(backend.attention_vjp_scratch(longest, shape.width));
    backend.attention_vjp(third(x.view(), 0), third(x.view(), 1), third(x.view(), 2), offsets,
                          shape.options<T>(), dy.view(), scratch.view(), third(dx.view(), 0),
                          third(dx.view(), 1), third(dx.view(), 2));
    CHECK((x.frame_is_whole() && dy.frame_is_whole() && dx.frame_is_whole() && scratch.frame_is_whole()));
    numbers g;
    append_numbers(dx.view(), g);
    return g;
  };
  const auto bound = [=](const numbers& x, const numbers& u) { return attention_vjp_bound(shape, x, u); };
  return make_case(b, normal_numbers(rows * 3 * width, 81), forward, vjp, bound);
}

/// Widths and row counts that meet every edge of 16-lane vectors, 32-column panels and tiles of 6 and 12
/// rows.
inline const std::vector<index_t> odd_widths{1, 3, 16, 17, 31, 33, 64, 65};
inline const std::vector<index_t> odd_rows{0, 1, 2, 13};
inline const std::vector<activation> all_activations{activation::none, activation::gelu_erf,
                                                     activation::gelu_tanh, activation::silu};

/// The adjoints of all kernels of a backend.
template <class B>
void check_row_kernels(const B& b) {
  std::uint64_t seed = 1;
  for (const index_t rows : odd_rows) {
    for (const index_t width : odd_widths) {
      INFO("rows " << rows << " width " << width);
      const index_t other = odd_widths[static_cast<std::size_t>(width * 5 % 8)];
      check_case(linear_case(b, rows, width, other, false, overlap::none), ++seed);
      check_case(linear_case(b, rows, width, other, true, overlap::none), ++seed);
      check_case(linear_case(b, rows, width, other, true, overlap::gradient), ++seed);
      check_case(embed_rows_case(b, rows, width, true, overlap::none), ++seed);
      check_case(embed_rows_case(b, rows, width, false, overlap::gradient), ++seed);
      for (const activation function : all_activations) {
        INFO(dnalm::to_string(function));
        for (const overlap alias : {overlap::none, overlap::gradient, overlap::input}) {
          check_case(activation_case(b, rows, width, function, alias), ++seed);
        }
        check_case(gated_case(b, rows, width, function, overlap::none), ++seed);
        check_case(gated_case(b, rows, width, function, overlap::input), ++seed);
      }
      check_case(layer_norm_case(b, rows, width, 1e-5, 1.0, 0.0, overlap::none), ++seed);
      check_case(layer_norm_case(b, rows, width, 1e-12, 0.5, 4.0, overlap::gradient), ++seed);
      check_case(layer_norm_case(b, rows, width, 1e-5, 0.125, 50.0, overlap::none), ++seed);
      check_case(softmax_case(b, rows, width, overlap::none), ++seed);
      check_case(softmax_case(b, rows, width, overlap::gradient), ++seed);
    }
  }
}

template <class B>
void check_rotary_kernel(const B& b) {
  std::uint64_t seed = 1;
  for (const index_t width : odd_widths) {
    for (const index_t pairs : {width / 2, width / 4, index_t{1}}) {
      if (2 * pairs > width) continue;
      INFO("head width " << width << " pairs " << pairs);
      check_case(rotary_case(b, {1, 5, 2, 13, 1}, 3, width, pairs), ++seed);
      check_case(rotary_case(b, {}, 3, width, pairs), ++seed);
    }
  }
}

/// Ragged batches with single tokens, lengths around the tiles and panels; ALiBi, scales, windows.
template <class B>
void check_attention_kernel(const B& b) {
  const std::vector<float> slopes{0.5F, 0.0625F, 0.17677670F};
  std::uint64_t seed = 1;
  for (const index_t width : odd_widths) {
    const float scale = 1.0F / std::sqrt(static_cast<float>(width));
    INFO("head width " << width);
    check_case(attention_case(b, {{}, 3, width, scale}), ++seed);
    check_case(attention_case(b, {{1}, 3, width, scale}), ++seed);
    check_case(attention_case(b, {{1, 2, 13, 1}, 3, width, scale, slopes}), ++seed);
    check_case(attention_case(b, {{33, 1, 16}, 3, width, scale, slopes, 5}), ++seed);
    check_case(attention_case(b, {{12, 31, 1}, 2, width, scale}), ++seed);
  }
  for (const index_t window : {1, 2, 7, 12, 30, 31, 40, 100}) {
    INFO("window " << window);
    check_case(attention_case(b, {{41, 1, 17}, 2, 8, 0.35F, {}, window}), ++seed);
    check_case(attention_case(b, {{41, 3, 70}, 1, 4, 0.5F, {0.25F}, window}), ++seed);
  }
}

}  // namespace dnalm_test
