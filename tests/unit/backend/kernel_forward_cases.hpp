// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Every forward kernel of a backend against the reference: one table for all backends.
///
/// Operands stand in poisoned memory with strides. Operands are normal numbers of a few units; a chain of n
/// operations in float has an error of at most n 2^-24 of the sum of its absolute terms.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <dnalm/reference/reference_backend.hpp>
#include <unit/backend/kernel_adjoint_cases.hpp>

namespace dnalm_test {

/// A kernel's result on any backend, and the error bound of its numbers in float.
struct forward_case {
  std::string name;
  numbers found;
  numbers expected;
  numbers bound;
};

/// run(backend) on the backend and on the reference. Without bounds: the same numbers as the reference's,
/// rounded to the backend's type.
template <class B, class Run>
forward_case compare_with_reference(const B& b, std::string name, Run run, numbers bound = {}) {
  forward_case one{std::move(name), run(b), run(dnalm::reference_backend()), std::move(bound)};
  if (sizeof(typename B::scalar) == 8) one.bound.assign(one.expected.size(), 0.0);
  if (one.bound.empty()) {
    for (const double value : one.expected) one.bound.push_back(unit * std::abs(value));
  }
  return one;
}
inline void check_case(const forward_case& one) {
  INFO(one.name);
  check_within(one.expected, one.found, one.bound);
}

/// What a product has beside rows and weights.
struct product_options {
  bool bias = false;
  bool residual = false;
  bool in_place = false;  ///< on the residual
  activation function = activation::none;
  bool gated = false;
};

/// Of z = x W^T + bias, by elements: the errors of sums of `inputs` + 2 terms.
inline numbers product_bound(const numbers& x, const numbers& w, const numbers& bias, index_t rows,
                             index_t inputs, index_t outputs) {
  numbers bound;
  for (index_t r = 0; r < rows; ++r) {
    for (index_t n = 0; n < outputs; ++n) {
      double sum = bias.empty() ? 0.0 : std::abs(bias[static_cast<std::size_t>(n)]);
      for (index_t k = 0; k < inputs; ++k) {
        sum += std::abs(x[static_cast<std::size_t>(r * inputs + k)] *
                        w[static_cast<std::size_t>(n * inputs + k)]);
      }
      bound.push_back(unit * static_cast<double>(inputs + 4) * sum);
    }
  }
  return bound;
}

/// The activations' slopes are at most 1.13; their own error is activation_error max(1, |z|), |z| <= sum.
inline double activated_bound(double of_z, double z) {
  return 1.13 * of_z + activation_error * std::max(1.0, std::abs(z) + of_z);
}

template <class B>
forward_case product_case(const B& b, index_t rows, index_t inputs, index_t outputs,
                          const product_options& options) {
  const numbers x = normal_numbers(rows * inputs, 111);
  const numbers w = normal_numbers(outputs * inputs, 112);
  const numbers bias = options.bias ? normal_numbers(outputs, 113) : numbers();
  const index_t columns = options.gated ? outputs / 2 : outputs;
  const numbers added = options.residual ? normal_numbers(rows * columns, 114) : numbers();
  const auto run = [&](const auto& backend) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> in(rows, inputs, x.data());
    const poisoned<T> weights(outputs, inputs, w.data());
    const poisoned<T> shift(1, static_cast<index_t>(bias.size()), bias.data());
    poisoned<T> residual(options.residual ? rows : 0, columns, added.data());
    poisoned<T> fresh(rows, columns);
    poisoned<T>& y = options.in_place ? residual : fresh;
    dnalm::linear_epilogue<T> epilogue{shift.view().row(0), options.function, {}};
    if (options.residual) epilogue.residual = residual.view();
    const auto packed = options.gated ? backend.pack_gated(weights.view()) : backend.pack(weights.view());
    poisoned_scratch<T> scratch(backend.linear_scratch(packed));
    if (options.gated) {
      backend.linear_gated(in.view(), packed, epilogue, scratch.view(), y.view());
    } else {
      backend.linear(in.view(), packed, epilogue, scratch.view(), y.view());
    }
    CHECK((in.frame_is_whole() && residual.frame_is_whole() && fresh.frame_is_whole() &&
           scratch.frame_is_whole()));
    numbers result;
    append_numbers(y.view(), result);
    return result;
  };
  const numbers z_bound = product_bound(x, w, bias, rows, inputs, outputs);
  numbers z(z_bound.size());
  dnalm::reference_linear(
      dnalm::as_matrix(x.data(), rows, inputs), dnalm::as_matrix(w.data(), outputs, inputs),
      {{bias.data(), static_cast<index_t>(bias.size())}}, dnalm::as_matrix(z.data(), rows, outputs));
  numbers bound;
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < columns; ++c) {
      const auto at = static_cast<std::size_t>(r * outputs + c);
      double e = options.function == activation::none ? z_bound[at] : activated_bound(z_bound[at], z[at]);
      if (options.gated) {  // f(a) b, |f(a)| <= |a| + 0.2
        const std::size_t gate = at + static_cast<std::size_t>(columns);
        e = e * (std::abs(z[gate]) + z_bound[gate]) + (std::abs(z[at]) + 0.2) * z_bound[gate] +
            2 * unit * (std::abs(z[at]) + 0.2) * std::abs(z[gate]);
      }
      if (options.residual)
        e += 2 * unit * (std::abs(added[static_cast<std::size_t>(r * columns + c)]) + std::abs(z[at]));
      bound.push_back(e);
    }
  }
  return compare_with_reference(b,
                                "product " + std::to_string(rows) + " x " + std::to_string(inputs) + " -> " +
                                    std::to_string(outputs) + " " +
                                    std::string(dnalm::to_string(options.function)),
                                run, bound);
}

/// Every kind of product.
template <class B>
void check_products(const B& b, index_t rows, index_t inputs, index_t outputs) {
  check_case(product_case(b, rows, inputs, outputs, {}));
  for (const activation function : all_activations) {
    check_case(product_case(b, rows, inputs, outputs, {.bias = true, .function = function}));
    check_case(product_case(b, rows, inputs, outputs, {.residual = true, .function = function}));
    check_case(product_case(b, rows, inputs, outputs,
                            {.bias = true, .residual = true, .in_place = true, .function = function}));
    check_case(
        product_case(b, rows, inputs, 2 * outputs, {.bias = true, .function = function, .gated = true}));
  }
}

/// Rows of a table, as they are or multiplied, and rows added.
template <class B>
forward_case embedding_case(const B& b, index_t rows, index_t width, bool scaled, bool add) {
  const index_t words = 7;
  const numbers table = normal_numbers(words * width, 121);
  const numbers start = normal_numbers(rows * width, 122);
  const numbers factors = scaled ? normal_numbers(rows, 123) : numbers();
  std::vector<std::int32_t> ids;
  for (index_t r = 0; r < rows; ++r) ids.push_back(static_cast<std::int32_t>(5 * r % words));
  const auto run = [&](const auto& backend) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> rows_of_words(words, width, table.data());
    const std::vector<T> scale(factors.begin(), factors.end());
    poisoned<T> y = add ? poisoned<T>(rows, width, start.data()) : poisoned<T>(rows, width);
    if (add) {
      backend.add_rows(ids, rows_of_words.view(), y.view());
    } else {
      backend.embed_rows(ids, rows_of_words.view(), scale, y.view());
    }
    CHECK(y.frame_is_whole());
    numbers result;
    append_numbers(y.view(), result);
    return result;
  };
  return compare_with_reference(b, add ? "add_rows" : "embed_rows", run);
}

/// Kernels of one matrix x (R, D) to one y (R, columns).
template <class B, class Kernel>
forward_case row_case(const B& b, const char* name, index_t rows, index_t width, index_t columns,
                      const Kernel& kernel, double relative) {
  const numbers x = normal_numbers(rows * width, 131, 2.0);
  const auto run = [&](const auto& backend) {
    using T = typename std::decay_t<decltype(backend)>::scalar;
    const poisoned<T> in(rows, width, x.data());
    poisoned<T> y(rows, columns);
    kernel(backend, in.view(), y.view());
    CHECK((in.frame_is_whole() && y.frame_is_whole()));
    numbers result;
    append_numbers(y.view(), result);
    return result;
  };
  numbers bound;
  for (const double value : run(dnalm::reference_backend())) {
    bound.push_back(relative * std::max(1.0, std::abs(value)));
  }
  return compare_with_reference(b, name, run, bound);
}

template <class T>
void copy_rows(dnalm::matrix_view<const T> x, dnalm::matrix_view<T> y) {
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.row_data(r));
}

/// Norm, softmax, gates, sums. Their numbers are below 10 and of sums of `width` terms, in parts of at least
/// 16 side by side.
template <class B>
void check_elementwise(const B& b, index_t rows, index_t width) {
  const double relative = unit * (static_cast<double>(width) / 8 + 60);
  for (const activation function : all_activations) {
    check_case(row_case(
        b, "activate", rows, width, width,
        [&](const auto& backend, auto x, auto y) { backend.activate(x, function, y); },
        activation_error + 2 * unit));
    check_case(row_case(
        b, "gated", rows, 2 * width, width,
        [&](const auto& backend, auto x, auto y) { backend.gated(x, function, y); }, 10 * activation_error));
  }
  const numbers gamma = normal_numbers(width, 132);
  const numbers beta = normal_numbers(width, 133);
  check_case(row_case(
      b, "layer_norm", rows, width, width,
      [&](const auto& backend, auto x, auto y) {
        using T = typename std::decay_t<decltype(backend)>::scalar;
        const poisoned<T> scale(1, width, gamma.data());
        const poisoned<T> shift(1, width, beta.data());
        backend.layer_norm(x, scale.view().row(0), shift.view().row(0), static_cast<T>(1e-5F), y);
      },
      8 * relative));
  check_case(row_case(
      b, "softmax_rows", rows, width, width,
      [&](const auto& backend, auto x, auto y) {
        copy_rows(x, y);
        backend.softmax_rows(y);
      },
      relative));
  check_case(row_case(
      b, "add and scale", rows, width, width,
      [&](const auto& backend, auto x, auto y) {
        using T = typename std::decay_t<decltype(backend)>::scalar;
        copy_rows(x, y);
        backend.scale(T(0.375), y);
        backend.add(x, y);
      },
      4 * unit));
}

/// Rotary positions; attention with every option.
template <class B>
void check_sequences(const B& b, const std::vector<index_t>& lengths, index_t heads, index_t width) {
  const dnalm::ragged_offsets offsets = make_offsets(lengths);
  const index_t rows = offsets.rows();
  const index_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  std::vector<float> frequencies;
  for (index_t j = 0; j < width / 2; ++j) frequencies.push_back(dnalm::rotary_frequency(j, width));
  check_case(row_case(
      b, "rotary", rows, heads * width, heads * width,
      [&](const auto& backend, auto x, auto y) {
        using T = typename std::decay_t<decltype(backend)>::scalar;
        copy_rows(x, y);
        backend.rotary(dnalm::make_rotary_table<T>(frequencies, longest), offsets, heads, y);
      },
      40 * unit));
  // Scores of up to 60 are wrong by (width + 3) units of their terms' sum; weights relatively as much, twice.
  const double relative = unit * (2.0 * static_cast<double>(width + 3) * 60.0 + 200.0);
  for (const bool alibi : {false, true}) {
    for (const index_t window : {index_t{0}, index_t{5}}) {
      std::vector<float> slopes;
      for (index_t h = 0; alibi && h < heads; ++h) slopes.push_back(dnalm::alibi_slope(h, heads));
      check_case(row_case(
          b, "attention", rows, 3 * heads * width, heads * width,
          [&](const auto& backend, auto x, auto y) {
            using T = typename std::decay_t<decltype(backend)>::scalar;
            const attention_shape shape{lengths, heads, width, 1.0F / std::sqrt(static_cast<float>(width)),
                                        slopes,  window};
            poisoned_scratch<T> scratch(backend.attention_scratch(longest, width));
            backend.attention(third(x, 0), third(x, 1), third(x, 2), offsets, shape.options<T>(),
                              scratch.view(), y);
            CHECK(scratch.frame_is_whole());
          },
          relative));
    }
  }
}

/// All of them, on sizes at the edges of vectors, panels and tiles.
template <class B>
void check_forward_kernels(const B& b) {
  for (const index_t rows : odd_rows) {
    for (const index_t width : odd_widths) {
      INFO("rows " << rows << " width " << width);
      check_products(b, rows, width, odd_widths[static_cast<std::size_t>(width * 5 % 8)]);
      check_case(embedding_case(b, rows, width, false, false));
      check_case(embedding_case(b, rows, width, true, false));
      check_case(embedding_case(b, rows, width, false, true));
      check_elementwise(b, rows, width);
    }
  }
  for (const index_t width : {2, 8, 24, 64, 66}) {
    INFO("head width " << width);
    check_sequences(b, {1, 5, 2, 17, 1}, 3, width);
    check_sequences(b, {33}, 2, width);
    check_sequences(b, {}, 1, width);
  }
}

}  // namespace dnalm_test
