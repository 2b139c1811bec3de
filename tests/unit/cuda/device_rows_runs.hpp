// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Ridge statistics of vectors that stay on a GPU or go to the host: for the emulated and a real one.
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/report/detail/pooled_sink.hpp>
#include <support/catch.hpp>
#include <support/small_models.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace dnalm_test {

using dnalm::index_t;
using dnalm::pooling;
using dnalm::report::detail::stream_labels;

constexpr index_t width = 48;

/// NT-v2 of 2 blocks with random weights.
inline dnalm::model nt_v2_on_gpu(const dnalm::cuda_options& where = {},
                                 const dnalm::load_options& options = {}) {
  const temporary_folder folder;
  write_nt_v2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, on_gpu(where, options));
}

/// Statistics on the GPU that take rows from the host alone.
class maker_of_host_rows : public dnalm::ridge_accumulator_maker {
 public:
  [[nodiscard]] bool fits(const dnalm::ridge_shape& shape, index_t count) const override {
    return maker_.fits(shape, count);
  }
  [[nodiscard]] std::unique_ptr<dnalm::ridge_accumulator> make(
      const dnalm::ridge_shape& shape) const override {
    return maker_.make(shape);
  }

 private:
  dnalm::cuda_ridge_maker maker_;
};

constexpr index_t sequences = 90;
constexpr index_t targets = 2;

inline std::vector<dnalm::io::sequence_record> labelled_records() {
  std::vector<dnalm::io::sequence_record> made;
  const std::string text = "ACGTTGCAACCGTTAGGCTAAGTCC";
  for (index_t i = 0; i < sequences; ++i) {
    const auto from = static_cast<std::size_t>(i % 7);
    made.push_back({.name = "s" + std::to_string(i),
                    .sequence = text.substr(from, 6 + static_cast<std::size_t>(i % 3) * 6)});
  }
  return made;
}

/// Two targets, the second without a label now and then; nine rows of ten in one of two parts.
inline stream_labels labels_of_records() {
  stream_labels made;
  made.targets = targets;
  made.part_count = 2;
  for (index_t i = 0; i < sequences; ++i) {
    made.columns.push_back(static_cast<double>(i % 13));
    made.columns.push_back(i % 5 == 0 ? std::nan("") : static_cast<double>(i % 11));
    made.parts.push_back(i % 10 == 9 ? -1 : i % 4 == 0 ? 1 : 0);
  }
  made.missing_groups =
      dnalm::missingness_groups(dnalm::as_matrix<const double>(made.columns.data(), sequences, targets));
  return made;
}

/// What a pass leaves behind.
struct found_run {
  std::vector<std::vector<double>> moments = {};
  std::vector<std::vector<float>> stored = {};
};

struct run_wish {
  bool stays = true;
  std::vector<index_t> kept = {};
  dnalm::embed_options options = {};
  std::function<void()> at_end = {};  // of the pass, before the moments are asked for
};

inline void append_numbers(std::vector<double>& to, const std::vector<double>& some) {
  to.insert(to.end(), some.begin(), some.end());
}

inline found_run gathered(const dnalm::model& network, const run_wish& wish) {
  const stream_labels all = labels_of_records();
  std::shared_ptr<const dnalm::ridge_accumulator_maker> maker;
  if (wish.stays) {
    maker = std::make_shared<dnalm::cuda_ridge_maker>();
  } else {
    maker = std::make_shared<maker_of_host_rows>();
  }
  dnalm::report::detail::pooled_sink sink(
      {.labels = &all, .maker = maker.get(), .kept_rows = wish.kept, .threads = 2});
  const auto records = labelled_records();
  dnalm::embed(network, records, wish.options, sink);
  if (wish.at_end) wish.at_end();
  found_run found;
  for (const auto& statistics : sink.statistics) {
    found.moments.emplace_back();
    for (index_t cell = 0; cell < 4; ++cell) {
      const std::vector<index_t> part{cell / 2};
      const dnalm::ridge_moments m = statistics->moments(part, cell % 2);
      for (const auto* some : {&m.mean_x, &m.mean_y, &m.gram, &m.cross, &m.yy}) {
        append_numbers(found.moments.back(), *some);
      }
      found.moments.back().push_back(m.weight);
    }
  }
  for (index_t slot = 0; slot < sink.store->slots(); ++slot) {
    dnalm::matrix<float> scratch;
    const auto rows = sink.store->read(slot, scratch);
    found.stored.emplace_back();
    for (index_t r = 0; r < rows.rows; ++r) {
      found.stored.back().insert(found.stored.back().end(), rows.row_data(r),
                                 rows.row_data(r) + rows.columns);
    }
  }
  return found;
}

inline void require_same(const found_run& a, const found_run& b) {
  REQUIRE(!a.moments.empty());
  REQUIRE(a.moments == b.moments);
  REQUIRE(a.stored == b.stored);
}

inline dnalm::embed_options some_layers(index_t batch, int threads) {
  return {.layers = dnalm::layer_selection({1, 2}),
          .poolings = {pooling::mean, pooling::max},
          .threads = threads,
          .batch_sequences = batch};
}

}  // namespace dnalm_test
