// SPDX-License-Identifier: Apache-2.0
// Gradients of networks of layers that keep a part of the forward pass: where segments are cut, where
// values lie, and the bits of golden networks with any budget.
#include <algorithm>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/memory_layout.hpp>
#include <dnalm/models/detail/segment_cuts.hpp>
#include <support/catch.hpp>
#include <support/keras_folder.hpp>
#include <support/same_bits.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/budget_runs.hpp>
#include <unit/models/multiplier_runs.hpp>
#include <unit/models/supervised_runs.hpp>

using dnalm::index_t;
using dnalm::detail::living_numbers;
using dnalm::detail::recorded_step;
using dnalm_test::budget_case;

TEST_CASE("numbers that live together do not overlap, others share their place", "[layers][segments]") {
  dnalm::philox random(3, 0);
  std::vector<living_numbers> all;
  index_t living = 0;
  for (index_t i = 0; i < 60; ++i) {
    const auto first = static_cast<index_t>(random.below(40));
    all.push_back(
        {64 * static_cast<index_t>(random.below(9)), first, first + static_cast<index_t>(random.below(8))});
  }
  const index_t total = dnalm::detail::lay_out(all);
  for (const living_numbers& a : all) {
    CHECK(a.place % 64 == 0);
    CHECK(a.place + a.size <= total);
    for (const living_numbers& b : all) {
      if (&a == &b || !a.meets(b)) continue;
      CHECK((a.size == 0 || b.size == 0 || a.place + a.size <= b.place || b.place + b.size <= a.place));
    }
  }
  for (index_t time = 0; time < 50; ++time) {
    index_t now = 0;
    for (const living_numbers& a : all) now += a.meets({0, time, time}) ? a.size : 0;
    living = std::max(living, now);
  }
  CHECK(total >= living);
  CHECK(4 * total <= 5 * living);
  std::vector<living_numbers> turns = {{100, 0, 1}, {100, 2, 3}, {100, 4, 5}};
  CHECK(dnalm::detail::lay_out(turns) == 128);
}

TEST_CASE("a chain is cut at about the root of its length, and where little crosses", "[layers][segments]") {
  std::vector<recorded_step> chain;
  for (index_t i = 0; i < 100; ++i) chain.push_back({10, 10, i + 1});
  chain.back().last_use = 0;
  const auto inside = [](const std::vector<recorded_step>& steps, const std::vector<index_t>& first) {
    index_t crossing = 0;
    index_t most = 0;
    for (std::size_t s = 0; s < first.size(); ++s) {
      const index_t end = s + 1 < first.size() ? first[s + 1] : static_cast<index_t>(steps.size());
      const auto record = dnalm::detail::record_of(steps, first[s], end);
      crossing += record.crossing;
      most = std::max(most, record.inside);
    }
    return crossing + most;
  };
  // k segments: 10 k that cross and 2000 / k inside, fewest at 14.
  CHECK(inside(chain, dnalm::detail::cut_segments(chain)) <= 290);
  // Blocks of four wide values whose last is narrow: only that one crosses, 7 times.
  std::vector<recorded_step> blocks;
  for (index_t i = 0; i < 32; ++i) blocks.push_back({i % 4 == 3 ? 1 : 50, 0, i + 1});
  blocks.back().last_use = 0;
  const std::vector<index_t> first = dnalm::detail::cut_segments(blocks);
  CHECK(first.size() == 8);
  for (const index_t start : first) CHECK(start % 4 == 0);
  CHECK(inside(blocks, first) <= 158);
}

namespace {

/// A golden network's first sequence, or that with a reference.
dnalm_test::pair_batch golden_sequence(const std::string& name, bool pairs) {
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             (name + ".safetensors"));
  dnalm_test::pair_batch batch;
  batch.ids = dnalm_test::golden_letters(expected, "case0.sequence");
  batch.offsets.append(static_cast<index_t>(batch.ids.size()));
  if (!pairs) return batch;
  return dnalm_test::with_references(batch.ids, batch.offsets, {}, 5, [](std::int32_t id) { return id > 3; });
}

/// The same bits for each budget, never with more memory than if all is kept. Returns the memory without a
/// budget as a share of that, in percent.
template <class Network>
index_t check_budgets(const Network& network, const dnalm::token_batch& batch, const budget_case& c) {
  typename Network::workspace whole;
  const auto expected = dnalm_test::seen_with_budget(network, batch, c, index_t{1} << 40, whole);
  CHECK(std::any_of(expected.begin(), expected.end(), [](double x) { return x != 0.0; }));
  const auto bytes = static_cast<index_t>(sizeof(typename Network::scalar)) * whole.kept.size();
  typename Network::workspace shared;  // what one budget leaves is no other's input
  index_t least = 0;
  for (const index_t keep : {index_t{0}, bytes / 8, bytes / 3, bytes / 2}) {
    typename Network::workspace own;
    CHECK(dnalm_test::same_bits(dnalm_test::seen_with_budget(network, batch, c, keep, own), expected));
    CHECK(dnalm_test::same_bits(dnalm_test::seen_with_budget(network, batch, c, keep, shared), expected));
    CHECK(own.kept.size() <= whole.kept.size());
    if (keep == 0) least = own.kept.size();
  }
  return 100 * least / whole.kept.size();
}

template <class B>
index_t check_golden(const std::string& name, const std::filesystem::path& folder, const B& backend) {
  INFO(name);
  const dnalm::layer_graph graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph), name);
  const dnalm::layer_network<B> network(backend, graph, source);
  const index_t last = graph.results();
  const auto one = golden_sequence(name, false);
  const auto two = golden_sequence(name, true);
  check_budgets(network, one.tokens(), {{0, last}, true, 3});
  check_budgets(network, two.tokens(), {{last}, false, 2, true});
  return check_budgets(network, one.tokens(), {{}, true, 1});
}

}  // namespace

TEST_CASE("gradients of golden networks of layers are the same bits for every budget, with less memory",
          "[layers][segments][supervised]") {
  const auto golden = [](const std::string& name, const auto& backend) {
    return check_golden(name, dnalm_test::golden_supervised / name, backend);
  };
  const dnalm::cpu_backend cpu;
  CHECK(golden("enformer", cpu) <= 40);
  CHECK(golden("sei", cpu) <= 70);
  CHECK(golden("legnet", cpu) <= 45);
  CHECK(golden("beluga", cpu) <= 85);
  CHECK(golden("basset", cpu) <= 100);  // its first product is most of it
  CHECK(golden("enformer", dnalm::reference_backend()) <= 40);
}

#if defined(DNALM_WITH_HDF5)
TEST_CASE("gradients of Keras networks are the same bits for every budget", "[layers][segments][keras]") {
  const auto golden = [](const std::string& name, const std::string& file) {
    const dnalm_test::temporary_folder folder("segments");
    dnalm_test::write_keras_folder(dnalm_test::golden_supervised / name / file, folder.path(),
                                   R"({"model_type": "keras"})");
    return check_golden(name, folder.path(), dnalm::cpu_backend());
  };
  CHECK(golden("resnet", "model.h5") <= 60);
  CHECK(golden("bpnet", "bias_model_scaled.h5") <= 65);
}
#endif
