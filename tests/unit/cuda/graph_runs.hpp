// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The same pooled batches with graphs and without: for the emulated GPU and a real one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace dnalm_test {

using dnalm::index_t;
using dnalm::pooling;

inline const std::filesystem::path bundled_model =
    std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-nt2";

inline dnalm::model graph_model(bool graphs) {
  return dnalm::load_model(bundled_model, on_gpu({.graphs = graphs}));
}

/// A batch with random ids, the first token of each sequence a special one.
struct random_batch {
  std::vector<std::int32_t> ids = {};
  std::vector<unsigned char> special = {};
  dnalm::ragged_offsets offsets = {};

  random_batch(const std::vector<index_t>& lengths, std::uint64_t seed) {
    dnalm::philox random(seed, 7);
    for (const index_t length : lengths) {
      for (index_t i = 0; i < length; ++i) {
        ids.push_back(static_cast<std::int32_t>(20 + random.below(400)));
        special.push_back(i == 0 ? 1 : 0);
      }
      offsets.append(length);
    }
  }
};

struct pool_wish {
  std::vector<index_t> layers{0, 2, 4};
  std::vector<pooling> kinds{pooling::mean, pooling::max};
};

inline std::vector<float> pooled(const dnalm::model& network, const random_batch& batch,
                                 const pool_wish& asked, dnalm::forward_workspace& space) {
  std::vector<float> all;
  const auto append = [&](std::size_t, std::size_t, dnalm::matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) all.insert(all.end(), x.row_data(r), x.row_data(r) + x.columns);
  };
  const dnalm::pool_request request{asked.layers, asked.kinds, batch.special};
  const bool finite = network.forward_pooled({batch.ids, batch.offsets}, request, append, space);
  REQUIRE(finite);
  return all;
}

inline void require_same(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(!a.empty());
  REQUIRE(same_bits(a, b));
}

/// Runs the same batches with graphs and without.
struct both_ways {
  dnalm::model with = graph_model(true);
  dnalm::model without = graph_model(false);
  dnalm::forward_workspace space = {};
  dnalm::forward_workspace other = {};

  void check(const std::vector<index_t>& lengths, std::uint64_t seed, const pool_wish& asked = {}) {
    const random_batch batch(lengths, seed);
    require_same(pooled(with, batch, asked, space), pooled(without, batch, asked, other));
  }
};

/// Sequences of one length.
inline std::vector<std::string> random_texts(int count, int length) {
  const std::string letters = "ACGT";
  dnalm::philox random(3, 1);
  std::vector<std::string> texts(static_cast<std::size_t>(count));
  for (std::string& text : texts) {
    for (int k = 0; k < length; ++k) text += letters[random.below(4)];
  }
  return texts;
}

/// embed() with graphs and without, two sequences to a batch, two workers.
inline void check_embed_with_graphs(const std::vector<std::string>& sequences, const dnalm::embeddings& plain,
                                    const dnalm::embed_options& options) {
  const dnalm::embeddings found = dnalm::embed(graph_model(true), sequences, options);
  for (const pooling kind : options.poolings) {
    for (const index_t layer : plain.layers) {
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t d = 0; d < plain.at(kind, layer).shape(1); ++d) {
          REQUIRE(found.at(kind, layer)(s, d) == plain.at(kind, layer)(s, d));
        }
      }
    }
  }
}

}  // namespace dnalm_test
