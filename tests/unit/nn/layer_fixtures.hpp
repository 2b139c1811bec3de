// SPDX-License-Identifier: Apache-2.0
// Random layers on any backend, and workspaces full of NaN.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/nn/transformer_block.hpp>
#include <dnalm/tensor/buffer.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// Random numbers that are floats, so that both backends get the same.
class number_source {
 public:
  explicit number_source(std::uint64_t seed) : random_(seed, dnalm::hash_name("nn layers")) {}
  [[nodiscard]] double next(double deviation) {
    return static_cast<double>(static_cast<float>(deviation * random_.normal()));
  }

 private:
  dnalm::philox random_;
};

template <class T>
dnalm::matrix<T> random_matrix(number_source& source, index_t rows, index_t columns, double deviation = 1.0) {
  dnalm::matrix<T> x(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i) x.data()[i] = static_cast<T>(source.next(deviation));
  return x;
}

template <class B>
typename B::vector random_vector(const B& backend, number_source& source, index_t size, double mean,
                                 double deviation) {
  using T = typename B::scalar;
  std::vector<T> values;
  for (index_t i = 0; i < size; ++i) values.push_back(static_cast<T>(mean + source.next(deviation)));
  return backend.upload(values);
}

template <class B>
dnalm::linear_layer<B> random_linear(const B& backend, number_source& source, index_t out, index_t in,
                                     bool bias, bool gated = false) {
  const auto w = random_matrix<typename B::scalar>(source, out, in, 1.2 / std::sqrt(static_cast<double>(in)));
  return {gated ? backend.pack_gated(w.view()) : backend.pack(w.view()),
          random_vector(backend, source, bias ? out : 0, 0.0, 0.3)};
}

template <class B>
dnalm::norm_layer<B> random_norm(const B& backend, number_source& source, index_t width) {
  return {random_vector(backend, source, width, 1.0, 0.2), random_vector(backend, source, width, 0.0, 0.2),
          1e-12};
}

/// What distinguishes the blocks of the family.
struct block_shape {
  dnalm::norm_placement placement = dnalm::norm_placement::pre;
  bool attention_norm = true;
  bool gated = false;
  bool biases = true;
  bool scale_query_first = true;
  bool alibi = false;
  index_t window = 0;
  index_t rotated = 0;  ///< channels of a head that are rotated
  dnalm::activation function = dnalm::activation::gelu_erf;
  index_t heads = 3;
  index_t width = 12;
  index_t inner = 17;

  [[nodiscard]] std::string text() const {
    const char* placements[] = {"pre", "post", "pre_normed"};
    std::string out = placements[static_cast<int>(placement)];
    out += attention_norm ? "" : ", no attention norm";
    out += gated ? ", gated " : ", plain ";
    out += dnalm::to_string(function);
    out += biases ? "" : ", no biases";
    out += scale_query_first ? "" : ", scaled scores";
    out += alibi ? ", alibi" : "";
    return out + ", window " + std::to_string(window) + ", rotated " + std::to_string(rotated);
  }
};

template <class B>
dnalm::attention_layer<B> random_attention(const B& backend, number_source& source, const block_shape& s) {
  dnalm::attention_layer<B> layer{random_linear(backend, source, 3 * s.width, s.width, s.biases),
                                  random_linear(backend, source, s.width, s.width, s.biases)};
  layer.heads = s.heads;
  layer.scale_query_first = s.scale_query_first;
  layer.window = s.window;
  for (index_t h = 0; s.alibi && h < s.heads; ++h)
    layer.alibi_slopes.push_back(dnalm::alibi_slope(h, s.heads));
  return layer;
}

template <class B>
dnalm::feed_forward_layer<B> random_feed_forward(const B& backend, number_source& source,
                                                 const block_shape& s) {
  return {random_linear(backend, source, s.gated ? 2 * s.inner : s.inner, s.width, s.biases, s.gated),
          random_linear(backend, source, s.width, s.inner, s.biases), s.inner, s.function, s.gated};
}

template <class B>
dnalm::transformer_block<B> random_block(const B& backend, std::uint64_t seed, const block_shape& s) {
  number_source source(seed);
  dnalm::transformer_block<B> block;
  if (s.attention_norm) block.attention_norm = random_norm(backend, source, s.width);
  block.attention = random_attention(backend, source, s);
  block.feed_forward_norm = random_norm(backend, source, s.width);
  block.feed_forward = random_feed_forward(backend, source, s);
  block.placement = s.placement;
  return block;
}

inline dnalm::ragged_offsets ragged(const std::vector<index_t>& lengths) {
  dnalm::ragged_offsets offsets;
  for (const index_t length : lengths) offsets.append(length);
  return offsets;
}

template <class T>
constexpr T not_a_number() {
  return std::numeric_limits<T>::quiet_NaN();
}

template <class T>
void poison(dnalm::matrix_view<T> x) {
  for (index_t r = 0; r < x.rows; ++r) std::fill_n(x.row_data(r), x.columns, not_a_number<T>());
}

/// Memory of a block full of NaN; every matrix has its exact size and a strip of sentinels behind it.
template <class B>
class poisoned_workspace {
 public:
  using T = typename B::scalar;

  poisoned_workspace(const B& backend, const block_shape& s, const dnalm::ragged_offsets& offsets,
                     index_t scratch)
      : offsets_(offsets) {
    const index_t rows = offsets.rows();
    w.narrow = take(rows, s.width);
    w.wide = take(rows, std::max(3 * s.width, s.inner));
    w.scratch = {take(1, std::max<index_t>(scratch, 1)).data, scratch};
    w.offsets = &offsets_;
    record.projected = take(rows, 3 * s.width);
    record.middle = take(rows, s.width);
    record.inner = take(rows, s.gated ? 2 * s.inner : s.inner);
    if (s.placement == dnalm::norm_placement::post) record.sum = take(rows, s.width);
    if (s.rotated > 0) {
      std::vector<float> frequencies;
      for (index_t j = 0; j < s.rotated / 2; ++j)
        frequencies.push_back(dnalm::rotary_frequency(j, s.rotated, 20.0F));
      index_t longest = 0;
      for (index_t i = 0; i < offsets.sequences(); ++i) longest = std::max(longest, offsets.length(i));
      rotation_ = dnalm::make_rotary_table<T>(frequencies, longest);
      w.rotation = &rotation_;
    }
    static_cast<void>(backend);
  }
  poisoned_workspace(const poisoned_workspace&) = delete;
  poisoned_workspace& operator=(const poisoned_workspace&) = delete;

  /// Whether nothing was written behind a matrix.
  [[nodiscard]] bool intact() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      for (index_t j = memory_[i].size() - sentinels; j < memory_[i].size(); ++j) {
        if (memory_[i][j] != T(12345)) return false;
      }
    }
    return true;
  }

  dnalm::block_workspace<B> w;
  dnalm::block_record<B> record;

 private:
  static constexpr index_t sentinels = 16;

  dnalm::matrix_view<T> take(index_t rows, index_t columns) {
    const index_t size = rows * columns;
    memory_.emplace_back(size + sentinels);
    std::fill_n(memory_.back().data(), size, not_a_number<T>());
    std::fill_n(memory_.back().data() + size, sentinels, T(12345));
    return {memory_.back().data(), rows, columns, columns};
  }

  dnalm::ragged_offsets offsets_;
  dnalm::rotary_table<T> rotation_;
  std::vector<dnalm::buffer<T>> memory_;
};

}  // namespace dnalm_test
