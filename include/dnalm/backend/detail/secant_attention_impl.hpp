// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of backend/secant_attention.hpp.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/backend/secant_rows.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Numbers of one query.
template <class T>
struct secant_query {
  explicit secant_query(index_t length)
      : numbers(static_cast<std::size_t>(checked_mul(length, index_t{7}))), size(length) {}
  [[nodiscard]] T* part(index_t which) { return numbers.data() + which * size; }
  [[nodiscard]] T* logits() { return part(0); }
  [[nodiscard]] T* reference_logits() { return part(1); }
  [[nodiscard]] T* by_probability() { return part(2); }
  [[nodiscard]] T* mean() { return part(5); }
  [[nodiscard]] T* multipliers() { return part(6); }
  /// The multipliers and mean probabilities of the first n keys.
  void find_multipliers(index_t n) {
    secant_softmax_row(logits(), reference_logits(), by_probability(), n, part(3), part(4), mean(),
                       multipliers());
  }

  std::vector<T> numbers;
  index_t size;
};

/// dy times the mean of a and b.
template <class T>
[[nodiscard]] T dot_mean(const T* dy, const T* a, const T* b, index_t n) {
  T sum = T(0);
  for (index_t c = 0; c < n; ++c) sum += dy[c] * ((a[c] + b[c]) / T(2));
  return sum;
}
/// y += factor (a + b) / 2.
template <class T>
void add_mean(T factor, const T* a, const T* b, index_t n, T* y) {
  for (index_t c = 0; c < n; ++c) y[c] += factor * ((a[c] + b[c]) / T(2));
}
template <class T>
void clear_matrix(matrix_view<T> x) {
  for (index_t r = 0; r < x.rows; ++r) std::fill_n(x.row_data(r), x.columns, T(0));
}

/// y (columns, rows) = a transposed, or the mean of a and b transposed.
template <class T>
[[nodiscard]] std::vector<T> turned_mean(matrix_view<const T> a, matrix_view<const T> b) {
  std::vector<T> y(static_cast<std::size_t>(checked_mul(a.rows, a.columns)));
  for (index_t r = 0; r < a.rows; ++r) {
    for (index_t c = 0; c < a.columns; ++c) {
      y[static_cast<std::size_t>(c * a.rows + r)] = (a(r, c) + b(r, c)) / T(2);
    }
  }
  return y;
}

/// y[j] = sum over c of x[c] m[c, j], m (n, length), for j in [begin, end).
template <class T>
void mix_rows(const T* x, index_t n, const std::vector<T>& m, index_t length, index_t begin, index_t end,
              T* y) {
  std::fill_n(y, end - begin, T(0));
  for (index_t c = 0; c < n; ++c) {
    const T* row = m.data() + c * length + begin;
    for (index_t j = 0; j < end - begin; ++j) y[j] += x[c] * row[j];
  }
}

/// One head of one pair: multipliers by the observed rows. Keys and mean values have positions beside each
/// other, so that sums over channels go along them.
template <class T>
class secant_head {
 public:
  secant_head(const attention_rows<T>& observed, const attention_rows<T>& reference)
      : observed_(observed),
        reference_(reference),
        keys_(turned_mean(observed.k, observed.k)),
        reference_keys_(turned_mean(reference.k, reference.k)),
        values_(turned_mean(observed.v, reference.v)),
        query_(observed.q.rows) {}

  /// Query i sees keys [begin, end); bias(j) is added to its scores.
  template <class Bias>
  void run(index_t i, index_t begin, index_t end, T scale, Bias&& bias, const T* dy, T* dq, matrix_view<T> dk,
           matrix_view<T> dv) {
    const index_t width = observed_.q.columns;
    const index_t length = observed_.q.rows;
    const index_t values = observed_.v.columns;
    mix_rows(observed_.q.row_data(i), width, keys_, length, begin, end, query_.logits());
    mix_rows(reference_.q.row_data(i), width, reference_keys_, length, begin, end, query_.reference_logits());
    mix_rows(dy, values, values_, length, begin, end, query_.by_probability());
    for (index_t j = begin; j < end; ++j) {
      const T added = bias(j);
      query_.logits()[j - begin] = scale * query_.logits()[j - begin] + added;
      query_.reference_logits()[j - begin] = scale * query_.reference_logits()[j - begin] + added;
    }
    query_.find_multipliers(end - begin);
    for (index_t j = begin; j < end; ++j) {
      const T m = scale * query_.multipliers()[j - begin];
      const T mean = query_.mean()[j - begin];
      add_mean(m, observed_.k.row_data(j), reference_.k.row_data(j), width, dq);
      add_mean(m, observed_.q.row_data(i), reference_.q.row_data(i), width, dk.row_data(j));
      T* out = dv.row_data(j);
      for (index_t c = 0; c < values; ++c) out[c] += mean * dy[c];
    }
  }

 private:
  attention_rows<T> observed_;
  attention_rows<T> reference_;
  std::vector<T> keys_;            // (K, T)
  std::vector<T> reference_keys_;  // (K, T)
  std::vector<T> values_;          // (K, T), of both
  secant_query<T> query_;
};

/// One head of one pair with keys of distances.
template <class T>
void secant_relative_head(const attention_rows<T>& observed, const attention_rows<T>& reference,
                          const relative_attention_weights<T>& weights, index_t head, matrix_view<const T> dy,
                          matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv) {
  const index_t length = observed.q.rows;
  const index_t width = observed.q.columns;
  const index_t values = observed.v.columns;
  const matrix_view<const T> distances = weights.positions.column_block(head * width, width);
  const T* u = weights.content_bias.data + head * width;
  const T* w = weights.position_bias.data + head * width;
  const T s = weights.scale;
  secant_query<T> query(length);
  const auto score = [&](const T* q, const T* k, const T* r) {
    T sum = T(0);
    for (index_t d = 0; d < width; ++d) sum += (s * q[d] + u[d]) * k[d] + (s * q[d] + w[d]) * r[d];
    return sum;
  };
  for (index_t i = 0; i < length; ++i) {
    const T* q = observed.q.row_data(i);
    const T* q0 = reference.q.row_data(i);
    for (index_t j = 0; j < length; ++j) {
      const T* r = distances.row_data(j - i + length - 1);
      query.logits()[j] = score(q, observed.k.row_data(j), r);
      query.reference_logits()[j] = score(q0, reference.k.row_data(j), r);
      query.by_probability()[j] =
          dot_mean(dy.row_data(i), observed.v.row_data(j), reference.v.row_data(j), values);
    }
    query.find_multipliers(length);
    for (index_t j = 0; j < length; ++j) {
      const T m = query.multipliers()[j];
      const T* r = distances.row_data(j - i + length - 1);
      add_mean(s * m, observed.k.row_data(j), reference.k.row_data(j), width, dq.row_data(i));
      add_mean(s * m, q, q0, width, dk.row_data(j));
      for (index_t d = 0; d < width; ++d) {
        dq(i, d) += s * m * r[d];
        dk(j, d) += m * u[d];
      }
      for (index_t c = 0; c < values; ++c) dv(j, c) += query.mean()[j] * dy(i, c);
    }
  }
}

}  // namespace detail

template <class T>
void secant_attention_vjp(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                          const ragged_offsets& offsets, const attention_options<T>& options,
                          matrix_view<const T> dy, matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv) {
  detail::clear_matrix(dq);
  detail::clear_matrix(dk);
  detail::clear_matrix(dv);
  const index_t width = q.columns / options.heads;
  const index_t half = offsets.sequences() / 2;
  for (index_t s = 0; s < half; ++s) {
    const index_t length = offsets.length(s);
    const index_t window = options.window > 0 ? options.window : length;
    for (index_t h = 0; h < options.heads; ++h) {
      const auto of = [&](auto x, index_t sequence) {
        return x.row_block(offsets.begin(sequence), length).column_block(h * width, width);
      };
      detail::secant_head<T> head({of(q, s), of(k, s), of(v, s)},
                                  {of(q, s + half), of(k, s + half), of(v, s + half)});
      const float slope = options.alibi_slopes.empty() ? 0.0F : options.alibi_slopes[h];
      for (index_t i = 0; i < length; ++i) {
        const index_t begin = std::max<index_t>(i - window, 0);
        const index_t end = std::min(i + window + 1, length);
        const auto bias = [&](index_t j) { return static_cast<T>(alibi_bias(slope, i, j)); };
        head.run(i, begin, end, options.score_scale, bias, of(dy, s).row_data(i), of(dq, s).row_data(i),
                 of(dk, s), of(dv, s));
      }
    }
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const index_t reference = r - offsets.begin(s) + offsets.begin(s + half);
      for (const matrix_view<T>& d : {dq, dk, dv}) {
        std::copy_n(d.row_data(r), d.columns, d.row_data(reference));
      }
    }
  }
}

template <class T>
void secant_relative_attention_vjp(const attention_rows<T>& observed, const attention_rows<T>& reference,
                                   const relative_attention_weights<T>& weights, matrix_view<const T> dy,
                                   matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv) {
  detail::clear_matrix(dq);
  detail::clear_matrix(dk);
  detail::clear_matrix(dv);
  const index_t key = observed.q.columns / weights.heads;
  const index_t value = observed.v.columns / weights.heads;
  for (index_t h = 0; h < weights.heads; ++h) {
    const auto keys = [&](auto x) { return x.column_block(h * key, key); };
    const auto values = [&](auto x) { return x.column_block(h * value, value); };
    detail::secant_relative_head<T>({keys(observed.q), keys(observed.k), values(observed.v)},
                                    {keys(reference.q), keys(reference.k), values(reference.v)}, weights, h,
                                    values(dy), keys(dq), keys(dk), values(dv));
  }
}

#if defined(DNALM_COMPILED_SOURCE)
#define DNALM_SECANT_ATTENTION(T)                                                                           \
  template void secant_attention_vjp(matrix_view<const T>, matrix_view<const T>, matrix_view<const T>,      \
                                     const ragged_offsets&, const attention_options<T>&,                    \
                                     matrix_view<const T>, matrix_view<T>, matrix_view<T>, matrix_view<T>); \
  template void secant_relative_attention_vjp(const attention_rows<T>&, const attention_rows<T>&,           \
                                              const relative_attention_weights<T>&, matrix_view<const T>,   \
                                              matrix_view<T>, matrix_view<T>, matrix_view<T>);
DNALM_SECANT_ATTENTION(float)
DNALM_SECANT_ATTENTION(double)
#undef DNALM_SECANT_ATTENTION
#endif

DNALM_END_NAMESPACE
