// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of backend/secant_rows.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <dnalm/backend/secant.hpp>
#include <dnalm/backend/secant_rows.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

template <class T>
[[nodiscard]] T pair_mean(T a, T b) {
  return a / T(2) + b / T(2);
}

/// A row of a norm, u = x - shift, and v = mean(u^2) + eps.
template <class T>
struct norm_row {
  const T* x;
  double shift = 0.0;
  double power = 0.0;

  norm_row(const T* row, index_t n, T eps, bool centred) : x(row) {
    for (index_t c = 0; c < n && centred; ++c) shift += static_cast<double>(row[c]);
    shift /= static_cast<double>(n);
    for (index_t c = 0; c < n; ++c) power += (*this)[c] * (*this)[c];
    power = power / static_cast<double>(n) + static_cast<double>(eps);
  }
  [[nodiscard]] double operator[](index_t c) const { return static_cast<double>(x[c]) - shift; }
};

/// dx of one pair of rows for y = u s gamma, s = (mean(u^2) + eps)^(-1/2).
template <class T>
void secant_norm_row(const norm_row<T>& u, const norm_row<T>& reference, vector_view<const T> gamma,
                     bool centred, const T* dy, double* dx) {
  const index_t n = gamma.size;
  const auto count = static_cast<double>(n);
  const double scale = pair_mean(1.0 / std::sqrt(u.power), 1.0 / std::sqrt(reference.power));
  double by_scale = 0.0;
  for (index_t c = 0; c < n; ++c) {
    dx[c] = static_cast<double>(dy[c]) * static_cast<double>(gamma[c]);
    by_scale += dx[c] * pair_mean(u[c], reference[c]);
  }
  const double by_power = by_scale * inverse_root_secant(u.power, reference.power) * 2.0 / count;
  double sum = 0.0;
  for (index_t c = 0; c < n; ++c) {
    dx[c] = dx[c] * scale + by_power * pair_mean(u[c], reference[c]);
    sum += dx[c];
  }
  for (index_t c = 0; c < n && centred; ++c) dx[c] -= sum / count;
}

template <class T>
void secant_norm_rows(matrix_view<const T> x, vector_view<const T> gamma, T eps, bool centred,
                      matrix_view<const T> dy, const row_pairs& pairs, matrix_view<T> dx) {
  std::vector<double> row(static_cast<std::size_t>(x.columns));
  pairs.for_each(x.rows, [&](index_t r, index_t reference) {
    const norm_row<T> u(x.row_data(r), x.columns, eps, centred);
    const norm_row<T> v(x.row_data(reference), x.columns, eps, centred);
    secant_norm_row(u, v, gamma, centred, dy.row_data(r), row.data());
    for (index_t c = 0; c < x.columns; ++c) {
      dx(r, c) = dx(reference, c) = static_cast<T>(row[static_cast<std::size_t>(c)]);
    }
  });
}

/// p = softmax(x); log of the sum of exp(x).
template <class T>
[[nodiscard]] T softmax_of(const T* x, index_t n, T* p) {
  const T largest = *std::max_element(x, x + n);
  T sum = T(0);
  for (index_t j = 0; j < n; ++j) {
    p[j] = std::exp(x[j] - largest);
    sum += p[j];
  }
  for (index_t j = 0; j < n; ++j) p[j] /= sum;
  return largest + std::log(sum);
}

/// With both softmax in k and w: those of exp(x - shift) are theirs times exp(z - shift).
template <class T>
void secant_softmax_row(const T* x, const T* reference, const T* dy, index_t n, T* k, T* w, T* mean, T* dx) {
  const T z = softmax_of(x, n, k);
  const T reference_z = softmax_of(reference, n, w);
  const T shift = std::max(z, reference_z);
  const T size = std::exp(z - shift);
  const T reference_size = std::exp(reference_z - shift);
  const T by_sum = exp_secant(z - shift, reference_z - shift);
  const T apart = z - reference_z;
  T sum = T(0);
  for (index_t j = 0; j < n; ++j) {
    const T p = k[j];
    const T p0 = w[j];
    const T d = x[j] - reference[j];
    mean[j] = pair_mean(p, p0);
    k[j] = exp_secant_of(p, p0, d - apart);
    w[j] = exp_secant_of(p * size, p0 * reference_size, d) / by_sum;
    sum += dy[j] * k[j];
  }
  for (index_t j = 0; j < n; ++j) dx[j] = dy[j] * k[j] - w[j] * sum;
}

}  // namespace detail

template <class T>
void secant_activation_vjp(matrix_view<const T> z, activation function, matrix_view<const T> dy,
                           const row_pairs& pairs, matrix_view<T> dz) {
  pairs.for_each(z.rows, [&](index_t r, index_t reference) {
    for (index_t c = 0; c < z.columns; ++c) {
      const T m = dy(r, c) * activation_secant(function, z(r, c), z(reference, c));
      dz(r, c) = dz(reference, c) = m;
    }
  });
}

template <class T>
void secant_gated_vjp(matrix_view<const T> x, activation function, matrix_view<const T> dy,
                      const row_pairs& pairs, matrix_view<T> dx) {
  const index_t width = dy.columns;
  pairs.for_each(x.rows, [&](index_t r, index_t reference) {
    for (index_t c = 0; c < width; ++c) {
      const T a = x(r, c);
      const T a0 = x(reference, c);
      const T gate = detail::pair_mean(apply_activation(function, a), apply_activation(function, a0));
      const T by_gate = dy(r, c) * detail::pair_mean(x(r, width + c), x(reference, width + c));
      const T by_value = dy(r, c) * gate;
      dx(r, c) = dx(reference, c) = by_gate * activation_secant(function, a, a0);
      dx(r, width + c) = dx(reference, width + c) = by_value;
    }
  });
}

template <class T>
void secant_multiply_vjp(matrix_view<const T> a, matrix_view<const T> b, matrix_view<const T> dy,
                         const row_pairs& pairs, matrix_view<T> da, matrix_view<T> db) {
  pairs.for_each(a.rows, [&](index_t r, index_t reference) {
    for (index_t c = 0; c < a.columns; ++c) {
      const T m = dy(r, c);
      const T by_a = m * detail::pair_mean(b(r, c), b(reference, c));
      const T by_b = m * detail::pair_mean(a(r, c), a(reference, c));
      da(r, c) = da(reference, c) = by_a;
      db(r, c) = db(reference, c) = by_b;
    }
  });
}

template <class T>
void secant_factor_vjp(matrix_view<const T> b, matrix_view<const T> dy, const row_pairs& pairs,
                       matrix_view<T> da) {
  pairs.for_each(b.rows, [&](index_t r, index_t reference) {
    for (index_t c = 0; c < b.columns; ++c) {
      const T m = dy(r, c) * detail::pair_mean(b(r, c), b(reference, c));
      da(r, c) = da(reference, c) = m;
    }
  });
}

template <class T>
void secant_layer_norm_vjp(matrix_view<const T> x, vector_view<const T> gamma, T eps, matrix_view<const T> dy,
                           const row_pairs& pairs, matrix_view<T> dx) {
  detail::secant_norm_rows(x, gamma, eps, true, dy, pairs, dx);
}

template <class T>
void secant_rms_norm_vjp(matrix_view<const T> x, vector_view<const T> gamma, T eps, matrix_view<const T> dy,
                         const row_pairs& pairs, matrix_view<T> dx) {
  detail::secant_norm_rows(x, gamma, eps, false, dy, pairs, dx);
}

template <class T>
void secant_softmax_vjp(matrix_view<const T> x, matrix_view<const T> dy, const row_pairs& pairs,
                        matrix_view<T> dx) {
  const index_t n = x.columns;
  std::vector<T> memory(static_cast<std::size_t>(checked_mul(n, index_t{4})));
  T* const row = memory.data() + 3 * n;
  pairs.for_each(x.rows, [&](index_t r, index_t reference) {
    detail::secant_softmax_row(x.row_data(r), x.row_data(reference), dy.row_data(r), n, memory.data(),
                               memory.data() + n, memory.data() + 2 * n, row);
    std::copy_n(row, n, dx.row_data(r));
    std::copy_n(row, n, dx.row_data(reference));
  });
}

template <class T>
void secant_threshold_vjp(matrix_view<const T> x, T threshold, T value, matrix_view<const T> dy,
                          const row_pairs& pairs, matrix_view<T> dx) {
  pairs.for_each(x.rows, [&](index_t r, index_t reference) {
    for (index_t c = 0; c < x.columns; ++c) {
      const T a = x(r, c);
      const T b = x(reference, c);
      T slope = a > threshold ? T(1) : T(0);
      if ((a > threshold) != (b > threshold)) {
        slope = ((a > threshold ? a : value) - (b > threshold ? b : value)) / (a - b);
      }
      const T m = dy(r, c) * slope;
      dx(r, c) = dx(reference, c) = m;
    }
  });
}

template <class T>
void secant_sequence_factor_vjp(matrix_view<const T> b, matrix_view<const T> dy,
                                const ragged_offsets& offsets, matrix_view<T> da) {
  const index_t half = offsets.sequences() / 2;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < b.columns; ++c) {
        da(r, c) = dy(r, c) * detail::pair_mean(b(s % half, c), b(s % half + half, c));
      }
    }
  }
}

template <class T>
void secant_multiply_sequences_vjp(matrix_view<const T> a, const ragged_offsets& offsets,
                                   matrix_view<const T> dy, matrix_view<T> db) {
  const index_t half = offsets.sequences() / 2;
  for (index_t s = 0; s < half; ++s) {
    std::fill_n(db.row_data(s), db.columns, T(0));
    for (index_t i = 0; i < offsets.length(s); ++i) {
      const index_t r = offsets.begin(s) + i;
      const index_t reference = offsets.begin(s + half) + i;
      for (index_t c = 0; c < db.columns; ++c) {
        db(s, c) += dy(r, c) * detail::pair_mean(a(r, c), a(reference, c));
      }
    }
    std::copy_n(db.row_data(s), db.columns, db.row_data(s + half));
  }
}

#if defined(DNALM_COMPILED_SOURCE)
#define DNALM_SECANT_ROWS(T)                                                                               \
  template void secant_activation_vjp(matrix_view<const T>, activation, matrix_view<const T>,              \
                                      const row_pairs&, matrix_view<T>);                                   \
  template void secant_gated_vjp(matrix_view<const T>, activation, matrix_view<const T>, const row_pairs&, \
                                 matrix_view<T>);                                                          \
  template void secant_multiply_vjp(matrix_view<const T>, matrix_view<const T>, matrix_view<const T>,      \
                                    const row_pairs&, matrix_view<T>, matrix_view<T>);                     \
  template void secant_factor_vjp(matrix_view<const T>, matrix_view<const T>, const row_pairs&,            \
                                  matrix_view<T>);                                                         \
  template void secant_layer_norm_vjp(matrix_view<const T>, vector_view<const T>, T, matrix_view<const T>, \
                                      const row_pairs&, matrix_view<T>);                                   \
  template void secant_rms_norm_vjp(matrix_view<const T>, vector_view<const T>, T, matrix_view<const T>,   \
                                    const row_pairs&, matrix_view<T>);                                     \
  template void secant_softmax_vjp(matrix_view<const T>, matrix_view<const T>, const row_pairs&,           \
                                   matrix_view<T>);                                                        \
  template void secant_threshold_vjp(matrix_view<const T>, T, T, matrix_view<const T>, const row_pairs&,   \
                                     matrix_view<T>);                                                      \
  template void secant_sequence_factor_vjp(matrix_view<const T>, matrix_view<const T>,                     \
                                           const ragged_offsets&, matrix_view<T>);                         \
  template void secant_multiply_sequences_vjp(matrix_view<const T>, const ragged_offsets&,                 \
                                              matrix_view<const T>, matrix_view<T>);                       \
  template void detail::secant_softmax_row(const T*, const T*, const T*, index_t, T*, T*, T*, T*);
DNALM_SECANT_ROWS(float)
DNALM_SECANT_ROWS(double)
#undef DNALM_SECANT_ROWS
#endif

DNALM_END_NAMESPACE
