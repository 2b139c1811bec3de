// SPDX-License-Identifier: Apache-2.0
// Sequences with one letter replaced, by what the letter reaches, against a pass of each: bit by bit.
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <support/same_bits.hpp>

namespace {

using dnalm::index_t;

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "supervised";

/// A length that the network reads: its own, or the first of these.
index_t length_for(const dnalm::model& network) {
  const auto& graph = std::get<dnalm::layer_graph>(network.describe().config);
  if (graph.input.length > 0) return graph.input.length;
  for (const index_t length : {80, 230, 600, 1280, 4096}) {
    try {
      static_cast<void>(network.state_rows(network.logits_state(), length));
      return length;
    } catch (const dnalm::error&) {
      continue;
    }
  }
  return 0;
}

/// All numbers of a state of one sequence.
std::vector<float> state_of(const dnalm::model& network, const std::vector<std::int32_t>& ids, index_t state) {
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  std::vector<float> numbers;
  dnalm::forward_workspace workspace;
  network.forward(
      ids, offsets,
      [&](index_t at, dnalm::matrix_view<const float> x) {
        if (at != state) return;
        for (index_t r = 0; r < x.rows; ++r) numbers.insert(numbers.end(), x.row(r).begin(), x.row(r).end());
      },
      workspace);
  return numbers;
}

/// Edits at both ends, in the middle and beside it, one to N and one to the letter that stands there.
std::vector<dnalm::token_edit> some_edits(const std::vector<std::int32_t>& ids) {
  const auto last = static_cast<index_t>(ids.size()) - 1;
  std::vector<dnalm::token_edit> edits;
  for (const index_t at : {index_t{0}, last, last / 2, last / 2 + 1, index_t{1}}) {
    edits.push_back({at, (ids[static_cast<std::size_t>(at)] + 1) % 4});
  }
  edits.push_back({last / 3, 4});
  edits.push_back({last / 4, ids[static_cast<std::size_t>(last / 4)]});
  return edits;
}

/// Whether every edit has the bits of its own pass; `bytes` decides how many run together.
bool same_as_passes(const dnalm::model& network, const std::vector<std::int32_t>& ids, index_t state,
                    index_t bytes) {
  const std::vector<dnalm::token_edit> edits = some_edits(ids);
  const auto rows = static_cast<std::size_t>(network.state_rows(state, static_cast<index_t>(ids.size())));
  std::size_t seen = 0;
  bool same = true;
  dnalm::forward_workspace workspace;
  const auto take = [&](index_t first, dnalm::matrix_view<const float> found) {
    REQUIRE(static_cast<std::size_t>(first) == seen);
    for (index_t r = 0; r < found.rows; r += static_cast<index_t>(rows)) {
      std::vector<std::int32_t> edited = ids;
      edited[static_cast<std::size_t>(edits[seen].token)] = edits[seen].id;
      const std::vector<float> expected = state_of(network, edited, state);
      std::vector<float> numbers;
      for (index_t k = r; k < r + static_cast<index_t>(rows); ++k) {
        numbers.insert(numbers.end(), found.row(k).begin(), found.row(k).end());
      }
      same = same && dnalm_test::same_bits(numbers, expected);
      ++seen;
    }
  };
  REQUIRE(network.edited_states(ids, edits, state, bytes, take, workspace));
  return same && seen == edits.size();
}

TEST_CASE("every supervised network gives edited sequences the bits of their own passes") {
  int networks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden)) {
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    INFO(entry.path().filename().string());
    const dnalm::model network = dnalm::load_model(entry.path());
    const index_t length = length_for(network);
    REQUIRE(length > 0);
    const std::vector<std::int32_t> ids = network.tokenize(dnalm_test::random_sequence(3, length)).ids;
    const auto& graph = std::get<dnalm::layer_graph>(network.describe().config);
    for (index_t state = 1; state <= graph.results(); ++state) {
      INFO("state " << state << " of length " << length);
      CHECK(same_as_passes(network, ids, state, state % 2 == 0 ? 1 : 1 << 26));
    }
    ++networks;
  }
  CHECK(networks > 5);
}

TEST_CASE("edits that cannot be made are told, and models without a shorter way say so") {
  const dnalm::model network = dnalm::load_model(golden / "basset");
  const auto ids = network.tokenize(dnalm_test::random_sequence(3, length_for(network))).ids;
  dnalm::forward_workspace workspace;
  const auto none = [](index_t, dnalm::matrix_view<const float>) {};
  const auto ask = [&](dnalm::token_edit edit, index_t state) {
    return network.edited_states(ids, std::vector<dnalm::token_edit>{edit}, state, 1 << 20, none, workspace);
  };
  CHECK_THROWS_WITH(ask({0, 5}, 1), Catch::Contains("dnalm.input.407"));
  CHECK_THROWS_WITH(ask({static_cast<index_t>(ids.size()), 0}, 1), Catch::Contains("dnalm.input.428"));
  CHECK_THROWS_WITH(ask({0, 0}, 0), Catch::Contains("dnalm.input.422"));
  const dnalm::model gpn = dnalm::load_model(golden.parent_path() / "convnets" / "gpn_7");
  CHECK(!gpn.edited_states(gpn.tokenize("ACGT").ids, {}, 1, 1 << 20, none, workspace));
}

}  // namespace
