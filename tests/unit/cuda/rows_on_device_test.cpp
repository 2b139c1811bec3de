// SPDX-License-Identifier: Apache-2.0
// Ridge statistics of pooled vectors that stay on the emulated GPU: the bits of vectors that go to the host
// and back, and no copy of them.
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#include <dnalm/report/detail/pooled_sink.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/small_models.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace {

using dnalm::index_t;
using dnalm::pooling;
using dnalm::report::detail::pooled_sink;
using dnalm::report::detail::stream_labels;
using dnalm_test::gpu::device_memory;

constexpr index_t width = 48;

/// NT-v2 of 2 blocks with random weights.
dnalm::model on_gpu(const dnalm::cuda_options& where = {}) {
  const dnalm_test::temporary_folder folder;
  dnalm_test::write_nt_v2_folder(folder.path());
  return dnalm::random_twin(folder.path(), 3, dnalm_test::on_gpu(where));
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

constexpr index_t sequences = 300;  // a leaf of 256 rows and more in each slot
constexpr index_t targets = 2;

std::vector<dnalm::io::sequence_record> records() {
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
stream_labels labels() {
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
  index_t downloaded = 0;
  index_t uploaded = 0;
};

struct run_wish {
  bool stays = true;
  std::vector<index_t> kept = {};
  dnalm::embed_options options = {};
};

void append(std::vector<double>& to, const std::vector<double>& some) {
  to.insert(to.end(), some.begin(), some.end());
}

found_run gathered(const dnalm::model& network, const run_wish& wish) {
  const stream_labels all = labels();
  std::shared_ptr<const dnalm::ridge_accumulator_maker> maker;
  if (wish.stays) {
    maker = std::make_shared<dnalm::cuda_ridge_maker>();
  } else {
    maker = std::make_shared<maker_of_host_rows>();
  }
  pooled_sink sink({.labels = &all, .maker = maker.get(), .kept_rows = wish.kept, .threads = 2});
  found_run found;
  const index_t down = device_memory().downloaded();
  const index_t up = device_memory().uploaded();
  const auto text = records();
  dnalm::embed(network, text, wish.options, sink);
  found.downloaded = device_memory().downloaded() - down;
  found.uploaded = device_memory().uploaded() - up;
  for (const auto& statistics : sink.statistics) {
    found.moments.emplace_back();
    for (index_t cell = 0; cell < 4; ++cell) {
      const std::vector<index_t> part{cell / 2};
      const dnalm::ridge_moments m = statistics->moments(part, cell % 2);
      for (const auto* some : {&m.mean_x, &m.mean_y, &m.gram, &m.cross, &m.yy}) {
        append(found.moments.back(), *some);
      }
      found.moments.back().push_back(m.weight);
    }
  }
  for (index_t slot = 0; slot < sink.store->slots(); ++slot) {
    dnalm::matrix<float> scratch;
    const auto rows = sink.store->read(slot, scratch);
    found.stored.emplace_back();
    for (index_t r = 0; r < rows.rows; ++r) {
      found.stored.back().insert(found.stored.back().end(), rows.row_data(r), rows.row_data(r) + rows.columns);
    }
  }
  return found;
}

void require_same(const found_run& a, const found_run& b) {
  REQUIRE(!a.moments.empty());
  REQUIRE(a.moments == b.moments);
  REQUIRE(a.stored == b.stored);
}

dnalm::embed_options some_layers(index_t batch, int threads) {
  return {.layers = dnalm::layer_selection({1, 2}),
          .poolings = {pooling::mean, pooling::max},
          .threads = threads,
          .batch_sequences = batch};
}

}  // namespace

TEST_CASE("vectors that stay on the GPU give the statistics of vectors that go to the host and back",
          "[cuda][moments]") {
  const dnalm::model network = on_gpu();
  CHECK(network.prefers().device == 0);
  const std::vector<index_t> kept{0, 3, 4, 90, 257, 299};
  const found_run copied = gathered(network, {false, kept, some_layers(0, 1)});
  REQUIRE(copied.moments.size() == 4);
  REQUIRE(copied.stored.front().size() == 6 * width);
  for (const auto& [batch, threads] : {std::pair<index_t, int>{0, 1}, {7, 2}, {100, 2}}) {
    INFO("batches of " << batch << ", threads " << threads);
    require_same(gathered(network, {true, kept, some_layers(batch, threads)}), copied);
  }
  {
    INFO("work as late as is allowed");
    const dnalm_test::gpu::late_streams late;
    require_same(gathered(network, {true, kept, some_layers(7, 2)}), copied);
  }
}

TEST_CASE("of vectors that stay on the GPU none is copied but those that are kept", "[cuda][moments]") {
  const dnalm::model network = on_gpu();
  constexpr index_t row = width * static_cast<index_t>(sizeof(float));
  constexpr index_t slots = 4;
  const dnalm::embed_options options = some_layers(50, 1);
  static_cast<void>(gathered(network, {true, {}, options}));  // arrays of the batches are uploaded once
  const found_run stays = gathered(network, {true, {}, options});
  CHECK(stays.downloaded == sequences * row);  // where numbers are not finite
  const found_run copied = gathered(network, {false, {}, options});
  CHECK(copied.downloaded == sequences * row * (1 + slots));
  CHECK(copied.uploaded - stays.uploaded == sequences * row * slots);
  CHECK(stays.moments == copied.moments);
  const found_run some = gathered(network, {true, {2, 3, 270}, options});
  CHECK(some.downloaded == stays.downloaded + 3 * slots * row);
}

TEST_CASE("windows go to the host: a stream of rows from both places has the same statistics",
          "[cuda][moments]") {
  const dnalm::model network = on_gpu();
  run_wish wish{.kept = {1, 5}, .options = some_layers(0, 1)};
  wish.options.window = {.tokens = 3, .overlap = 0};  // of the sequences of 18 letters, two windows
  const found_run both = gathered(network, wish);
  wish.stays = false;
  require_same(both, gathered(network, wish));
}

TEST_CASE("in fast mode vectors of halves of a batch stay on the GPU too", "[cuda][moments]") {
  const run_wish wish{true, {10, 200}, some_layers(0, 1)};
  const found_run whole = gathered(on_gpu(), wish);
  /// How it ends with so much memory for statistics and batches.
  const auto failure_with = [&](index_t bytes, bool deterministic, found_run& found) {
    const dnalm::model network = on_gpu({.deterministic = deterministic});
    const dnalm_test::gpu::memory_limit little(device_memory().used() + bytes);
    return dnalm_test::error_id_of([&] { found = gathered(network, wish); });
  };
  found_run found;
  index_t bytes = index_t{8} << 20;
  while (failure_with(bytes, true, found).empty()) bytes -= bytes / 8;
  CHECK(failure_with(bytes, true, found) == "dnalm.memory.608");
  REQUIRE(failure_with(bytes, false, found).empty());
  require_same(found, whole);
}
