// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of embed/embeddings.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <dnalm/embed/embeddings.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Writes blocks into arrays.
class array_sink final : public embedding_sink {
 public:
  void begin(const embedding_shape& shape) override {
    shape_ = shape;
    result_.layers = shape.layers;
    result_.poolings = shape.poolings;
    for (const pooling kind : shape.poolings) {
      for (std::size_t l = 0; l < shape.layers.size(); ++l) {
        result_.values.push_back(
            make(kind == pooling::tokens ? shape.rows[l] : shape.sequences, shape.widths[l]));
      }
    }
    result_.rows.resize(shape.layers.size());
    if (shape.logits) result_.logits = make(shape.logit_rows, shape.vocabulary);
  }
  void consume(index_t first_sequence, const embedding_block& block) override {
    for (std::size_t p = 0; p < shape_.poolings.size(); ++p) {
      for (std::size_t l = 0; l < shape_.layers.size(); ++l) {
        const bool all = shape_.poolings[p] == pooling::tokens;
        copy(block.values[shape_.place(p, l)], all ? result_.rows[l].rows() : first_sequence,
             result_.values[shape_.place(p, l)]);
      }
    }
    if (shape_.logits) copy(block.logits, result_.logit_rows.rows(), result_.logits);
    for (std::size_t l = 0; l < shape_.layers.size(); ++l) {
      append(block.rows.empty() ? block.offsets : block.rows[l], block.sequences, result_.rows[l]);
    }
    append(block.rows_of_logits(), block.sequences, result_.logit_rows);
    append(block.offsets, block.sequences, result_.offsets);
    result_.token_ids.insert(result_.token_ids.end(), block.ids.begin(), block.ids.end());
  }
  [[nodiscard]] embeddings take() { return std::move(result_); }

 private:
  static nd_array<float, 2> make(index_t rows, index_t columns) {
    const std::array<std::size_t, 2> shape{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)};
    return nd_array<float, 2>(shape);
  }
  static void append(const ragged_offsets& from, index_t sequences, ragged_offsets& to) {
    for (index_t s = 0; s < sequences; ++s) to.append(from.length(s));
  }
  static void copy(const matrix<float>& from, index_t row, nd_array<float, 2>& to) {
    std::copy_n(from.data(), from.rows() * from.columns(), to.data() + row * from.columns());
  }

  embedding_shape shape_;
  embeddings result_;
};

}  // namespace detail

DNALM_INLINE const nd_array<float, 2>& embeddings::at(pooling kind, index_t layer) const {
  const auto p = std::find(poolings.begin(), poolings.end(), kind);
  const auto l = std::find(layers.begin(), layers.end(), layer);
  if (p == poolings.end() || l == layers.end()) {
    throw error(error_kind::usage, 457, "embeddings that were not asked for",
                {.found = std::string(to_string(kind)) + " of layer " + std::to_string(layer)});
  }
  const auto place = static_cast<std::size_t>(p - poolings.begin()) * layers.size() +
                     static_cast<std::size_t>(l - layers.begin());
  return values[place];
}

DNALM_INLINE embeddings embed(const model& network, std::span<const io::sequence_record> sequences,
                              const embed_options& options) {
  detail::array_sink sink;
  embed(network, sequences, options, sink);
  return sink.take();
}

DNALM_INLINE embeddings embed(const model& network, std::span<const std::string> sequences,
                              const embed_options& options) {
  std::vector<io::sequence_record> records(sequences.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    records[i].sequence = sequences[i];
    records[i].number = static_cast<index_t>(i);
  }
  return embed(network, std::span<const io::sequence_record>(records), options);
}

DNALM_END_NAMESPACE
