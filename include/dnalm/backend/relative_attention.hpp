// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention with keys of relative positions (Transformer-XL's form, as in Enformer), in host memory.
///
/// Letters: T rows of a sequence, H heads, K key channels and V value channels of a head; head h of a matrix
/// is its column block h.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// What does not depend on the sequences.
template <class T, memory_space Space = memory_space::host>
struct relative_attention_weights {
  matrix_view<const T, Space> positions = {};     ///< R (2T - 1, H K): row d + T - 1 is the key of distance d
  vector_view<const T, Space> content_bias = {};  ///< u (H K)
  vector_view<const T, Space> position_bias = {};  ///< v (H K)
  index_t heads = 1;                               ///< H
  T scale = T(1);                                  ///< of q
};

/// Numbers of scratch memory that relative_attention needs for sequences of `length` rows.
[[nodiscard]] inline index_t relative_attention_scratch(index_t length, index_t key) {
  return checked_add(checked_mul(key, checked_mul(3, length)), checked_mul(2, length));
}
/// The same for relative_attention_vjp.
[[nodiscard]] inline index_t relative_attention_vjp_scratch(index_t length, index_t key, index_t value) {
  return checked_add(relative_attention_scratch(length, key), checked_mul(value, length));
}

namespace detail {

/// y (columns, rows) = x transposed; `y` has room for them.
template <class T>
[[nodiscard]] matrix_view<T> transposed(matrix_view<const T> x, T* y) {
  const matrix_view<T> to = as_matrix(y, x.columns, x.rows);
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < x.columns; ++c) to(c, r) = x(r, c);
  }
  return to;
}

/// One head of one sequence: keys and relative keys with positions beside each other.
template <class T>
struct relative_head {
  matrix_view<const T> q, k, v;  // (T, K), (T, K), (T, V)
  matrix_view<const T> r;        // (2T - 1, K)
  const T* u = nullptr;          // (K)
  const T* w = nullptr;          // (K), the position bias
  T scale = T(1);
  matrix_view<T> kt = {};  // (K, T)
  matrix_view<T> rt = {};  // (K, 2T - 1)

  relative_head(matrix_view<const T> all_q, matrix_view<const T> all_k, matrix_view<const T> all_v,
                const relative_attention_weights<T>& weights, index_t first, index_t length, index_t head,
                T* scratch)
      : scale(weights.scale) {
    const index_t key = all_q.columns / weights.heads;
    const index_t value = all_v.columns / weights.heads;
    q = all_q.row_block(first, length).column_block(head * key, key);
    k = all_k.row_block(first, length).column_block(head * key, key);
    v = all_v.row_block(first, length).column_block(head * value, value);
    r = weights.positions.column_block(head * key, key);
    u = weights.content_bias.data + head * key;
    w = weights.position_bias.data + head * key;
    kt = transposed(k, scratch);
    rt = transposed(r, scratch + key * length);
  }

  /// p[j] = softmax over j of sum over d of (s q_id + u_d) k_jd + (s q_id + w_d) R_(j-i),d.
  void probabilities(index_t i, T* p) const {
    const index_t length = k.rows;
    std::fill_n(p, length, T(0));
    for (index_t d = 0; d < q.columns; ++d) {
      const T content = scale * q(i, d) + u[d];
      const T position = scale * q(i, d) + w[d];
      const T* keys = kt.row_data(d);
      const T* relative = rt.row_data(d) + (length - 1 - i);
      for (index_t j = 0; j < length; ++j) p[j] += content * keys[j] + position * relative[j];
    }
    const T largest = *std::max_element(p, p + length);
    T sum = T(0);
    for (index_t j = 0; j < length; ++j) {
      p[j] = std::exp(p[j] - largest);
      sum += p[j];
    }
    for (index_t j = 0; j < length; ++j) p[j] /= sum;
  }

  /// y (V) = sum over j of p[j] v_j.
  void mix_values(const T* p, T* y) const {
    std::fill_n(y, v.columns, T(0));
    for (index_t j = 0; j < v.rows; ++j) {
      const T* in = v.row_data(j);
      for (index_t c = 0; c < v.columns; ++c) y[c] += p[j] * in[c];
    }
  }

  /// g[j] = p[j] (dy v_j - sum over m of p[m] dy v_m): the gradient by the logits. vt (V, T).
  void logits_vjp(const T* p, const T* dy, matrix_view<const T> vt, T* g) const {
    std::fill_n(g, vt.columns, T(0));
    for (index_t c = 0; c < vt.rows; ++c) {
      const T* values = vt.row_data(c);
      for (index_t j = 0; j < vt.columns; ++j) g[j] += dy[c] * values[j];
    }
    T mean = T(0);
    for (index_t j = 0; j < vt.columns; ++j) mean += p[j] * g[j];
    for (index_t j = 0; j < vt.columns; ++j) g[j] = p[j] * (g[j] - mean);
  }

  /// dq_i = s sum over j of g[j] (k_j + R_(j-i)); dk_j += g[j] (s q_i + u).
  void keys_vjp(index_t i, const T* g, T* dq, matrix_view<T> dk) const {
    std::fill_n(dq, q.columns, T(0));
    for (index_t j = 0; j < k.rows; ++j) {
      const T* keys = k.row_data(j);
      const T* relative = r.row_data(j - i + k.rows - 1);
      T* out = dk.row_data(j);
      for (index_t d = 0; d < q.columns; ++d) {
        dq[d] += scale * g[j] * (keys[d] + relative[d]);
        out[d] += g[j] * (scale * q(i, d) + u[d]);
      }
    }
  }
};

template <class T>
void fill_zero(matrix_view<T> x) {
  for (index_t r = 0; r < x.rows; ++r) std::fill_n(x.row_data(r), x.columns, T(0));
}

/// relative_attention_vjp of one head of one sequence: dy, dq, dk and dv are its blocks; p and g (T), vt (V,
/// T) scratch.
template <class T>
void relative_head_vjp(const relative_head<T>& head, matrix_view<const T> dy, T* p, T* g,
                       matrix_view<const T> vt, matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv) {
  fill_zero(dk);
  fill_zero(dv);
  for (index_t i = 0; i < dy.rows; ++i) {
    head.probabilities(i, p);
    head.logits_vjp(p, dy.row_data(i), vt, g);
    head.keys_vjp(i, g, dq.row_data(i), dk);
    for (index_t j = 0; j < dy.rows; ++j) {
      for (index_t c = 0; c < dy.columns; ++c) dv(j, c) += p[j] * dy(i, c);
    }
  }
}

}  // namespace detail

/// y_i = sum over j of p_ij v_j, p_i = softmax over j of (s q_i + u) k_j + (s q_i + v) R_(j-i), by heads.
///
/// q, k (rows, H K), v and y (rows, H V); every sequence has the T rows of weights.positions. y overlaps
/// nothing. Cost: T^2 H (2K + V) products a sequence.
template <class T>
void relative_attention(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                        const relative_attention_weights<T>& weights, const ragged_offsets& offsets,
                        vector_view<T> scratch, matrix_view<T> y) {
  const index_t length = (weights.positions.rows + 1) / 2;
  const index_t value = v.columns / weights.heads;
  T* p = scratch.data + q.columns / weights.heads * (3 * length - 1);
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t h = 0; h < weights.heads; ++h) {
      const detail::relative_head<T> head(q, k, v, weights, offsets.begin(s), length, h, scratch.data);
      for (index_t i = 0; i < length; ++i) {
        head.probabilities(i, p);
        head.mix_values(p, y.row_data(offsets.begin(s) + i) + h * value);
      }
    }
  }
}

/// dq, dk, dv from dy: with g_ij = p_ij (dy_i v_j - sum over m of p_im dy_i v_m),
///
///     dq_i = s sum over j of g_ij (k_j + R_(j-i)),  dk_j = sum over i of g_ij (s q_i + u),
///     dv_j = sum over i of p_ij dy_i.
///
/// They overlap neither each other nor the inputs.
template <class T>
void relative_attention_vjp(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                            const relative_attention_weights<T>& weights, const ragged_offsets& offsets,
                            matrix_view<const T> dy, vector_view<T> scratch, matrix_view<T> dq,
                            matrix_view<T> dk, matrix_view<T> dv) {
  const index_t length = (weights.positions.rows + 1) / 2;
  const index_t key = q.columns / weights.heads;
  const index_t value = v.columns / weights.heads;
  T* p = scratch.data + key * (3 * length - 1);
  T* g = p + length;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t h = 0; h < weights.heads; ++h) {
      const detail::relative_head<T> head(q, k, v, weights, offsets.begin(s), length, h, scratch.data);
      const auto block = [&](auto m, index_t width) {
        return m.row_block(offsets.begin(s), length).column_block(h * width, width);
      };
      detail::relative_head_vjp<T>(head, block(dy, value), p, g, detail::transposed(head.v, g + length),
                                   block(dq, key), block(dk, key), block(dv, value));
    }
  }
}

DNALM_END_NAMESPACE
