// SPDX-License-Identifier: Apache-2.0
// Sequences with one letter replaced, by what the letter reaches, against a pass of each: bit by bit.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/detail/layer_network_edits_impl.hpp>
#include <dnalm/models/detail/layer_network_gradient_impl.hpp>
#include <dnalm/models/detail/layer_network_impl.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/counting_backend.hpp>
#include <support/random_sequences.hpp>
#include <support/same_bits.hpp>
#include <unit/models/supervised_runs.hpp>

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
std::vector<float> state_of(const dnalm::model& network, const std::vector<std::int32_t>& ids,
                            index_t state) {
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

TEST_CASE("edits of a network of layers take the memory they were given, and use it") {
  for (const std::string name : {"basset", "legnet", "sei"}) {
    INFO(name);
    const std::filesystem::path folder = golden / name;
    const auto graph = dnalm_test::golden_graph(folder);
    const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                          name);
    dnalm_test::float_count count;
    const dnalm::layer_network<dnalm_test::counting_backend> network(dnalm_test::counting_backend(&count),
                                                                     graph, source);
    const index_t length = length_for(dnalm::load_model(folder));
    std::vector<std::int32_t> ids;
    std::vector<dnalm::token_edit> edits;
    for (index_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<std::int32_t>(i * i % 4));
      if (i % 3 == 0) edits.push_back({i, static_cast<std::int32_t>((i * i + 1) % 4)});
    }
    /// Bytes at most, and edits of the first call.
    const auto run = [&](const std::vector<dnalm::token_edit>& made, index_t bytes) {
      index_t together = 0;
      const auto take = [&](index_t first, dnalm::matrix_view<const float> rows) {
        if (first == 0) together = rows.rows / network.state_rows(1, length, "sequence");
      };
      decltype(network)::workspace w;
      count = {};
      network.edited_states(ids, made, {.state = 1, .bytes = bytes}, take, w);
      return std::pair(4 * count.most, together);
    };
    const index_t without = run({}, 1).first;
    const index_t one = run({edits[edits.size() / 2]}, 1).first - without;
    for (const index_t several : {3, 10}) {
      const index_t given = one * several + one / 2;
      const auto [most, together] = run(edits, given);
      CHECK(together > several / 2);
      CHECK(most - without <= given);
      CHECK(2 * (most - without) > given);
    }
  }
}

/// Largest difference of edited states to those of passes, over the largest number of these.
double gap_to_passes(const dnalm::model& network, const std::vector<std::int32_t>& ids,
                     const std::vector<dnalm::token_edit>& edits, index_t state, index_t bytes) {
  std::size_t seen = 0;
  double gap = 0;
  double most = 0;
  dnalm::forward_workspace workspace;
  const auto take = [&](index_t first, dnalm::matrix_view<const float> found) {
    REQUIRE(static_cast<std::size_t>(first) == seen);
    const auto rows = static_cast<index_t>(ids.size());
    for (index_t r = 0; r < found.rows; r += rows) {
      std::vector<std::int32_t> edited = ids;
      edited[static_cast<std::size_t>(edits[seen].token)] = edits[seen].id;
      const std::vector<float> expected = state_of(network, edited, state);
      for (index_t i = 0; i < rows * found.columns; ++i) {
        const double here = found(r + i / found.columns, i % found.columns);
        const double there = expected[static_cast<std::size_t>(i)];
        gap = std::max(gap, std::abs(here - there));
        most = std::max(most, std::abs(there));
      }
      ++seen;
    }
  };
  REQUIRE(network.edited_states(ids, edits, state, bytes, take, workspace));
  REQUIRE(seen == edits.size());
  return gap / most;
}

TEST_CASE("HyenaDNA computes behind an edit what a pass does, up to the rounding of its transforms") {
  const std::filesystem::path folder = golden.parent_path() / "hyena";
  for (const std::string name : {"hub", "hub_long", "original"}) {
    INFO(name);
    const dnalm::model network = dnalm::load_model(folder / name);
    const dnalm::model precise =
        dnalm::load_model(folder / name, {.backend = dnalm::backend_kind::reference});
    const index_t most = network.describe().max_tokens;
    const auto bases = std::min<index_t>(most > 8 ? most - 4 : 8, 300);
    const std::vector<std::int32_t> ids = network.tokenize(dnalm_test::random_sequence(5, bases)).ids;
    const auto last = static_cast<index_t>(ids.size()) - 1;
    std::vector<dnalm::token_edit> edits;
    for (const index_t at : {index_t{0}, index_t{1}, index_t{2}, last / 2, last / 2, last - 1, last}) {
      edits.push_back({at, 7 + static_cast<std::int32_t>(edits.size() % 4)});
    }
    for (index_t state = 1; state <= network.describe().layers(); ++state) {
      for (const index_t bytes : {index_t{1}, index_t{1} << 26}) {
        // In double the sums differ in order only, and what is compared are floats: 2^-23. In float a
        // transform has some 2^-24 of the norms of filter and rows, and the layers between carry it on: four
        // times the largest that was seen, 7.1e-7.
        CHECK(gap_to_passes(precise, ids, edits, state, bytes) < 2.4e-7);
        CHECK(gap_to_passes(network, ids, edits, state, bytes) < 2.8e-6);
      }
    }
  }
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
  const dnalm::model strands = dnalm::load_model(golden.parent_path() / "caduceus" / "ps");
  CHECK(!strands.edits_are_exact());
  CHECK(!strands.edited_states(strands.tokenize("ACGT").ids, {}, 1, 1 << 20, none, workspace));
}

/// Rows of some edits as they are handed out, one behind the other.
std::vector<float> handed_out(const dnalm::model& network, const std::vector<std::int32_t>& ids,
                              const std::vector<dnalm::token_edit>& edits,
                              const dnalm::edit_request& request) {
  std::vector<float> numbers;
  dnalm::forward_workspace workspace;
  const auto take = [&](index_t, dnalm::matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) numbers.insert(numbers.end(), x.row(r).begin(), x.row(r).end());
  };
  const bool known = network.edited_states(ids, edits, request, take, workspace);
  REQUIRE(known);
  return numbers;
}

TEST_CASE("rows that are asked for of edited sequences are those of all rows") {
  for (const std::string name : {"supervised/legnet", "supervised/phylogpn", "hyena/hub", "convnets/gpn_7"}) {
    INFO(name);
    const dnalm::model network = dnalm::load_model(golden.parent_path() / name);
    const bool resizes = network.describe().summary().resizes;
    const index_t length = resizes ? length_for(network) : 40;
    const std::vector<std::int32_t> ids = network.tokenize(dnalm_test::random_sequence(3, length)).ids;
    const std::vector<dnalm::token_edit> edits = {
        {0, ids.back()}, {length / 2, ids[1]}, {length - 1, ids[2]}};
    for (const bool logits : {false, true}) {
      const index_t state = logits ? network.logits_state() : 1;
      const index_t all = network.state_rows(state, static_cast<index_t>(ids.size()));
      std::vector<index_t> rows = {all - 1};
      if (all > 3) rows = {1, all / 2, all - 1};
      const dnalm::edit_request asked{.state = logits ? 0 : 1, .logits = logits};
      const std::vector<float> whole = handed_out(network, ids, edits, asked);
      dnalm::edit_request some = asked;
      some.rows = rows;
      std::vector<float> expected;
      const std::size_t width = whole.size() / (edits.size() * static_cast<std::size_t>(all));
      for (std::size_t e = 0; e < edits.size(); ++e) {
        for (const index_t row : rows) {
          const std::size_t at = (e * static_cast<std::size_t>(all) + static_cast<std::size_t>(row)) * width;
          expected.insert(expected.end(), whole.begin() + static_cast<std::ptrdiff_t>(at),
                          whole.begin() + static_cast<std::ptrdiff_t>(at + width));
        }
      }
      CHECK(dnalm_test::same_bits(handed_out(network, ids, edits, some), expected));
      const std::vector<index_t> beyond = {all};
      some.rows = beyond;
      CHECK_THROWS_WITH(handed_out(network, ids, edits, some), Catch::Contains("dnalm.input.443"));
    }
  }
}

TEST_CASE("logits of HyenaDNA's edited sequences are those of passes, up to rounding") {
  const dnalm::model network = dnalm::load_model(golden.parent_path() / "hyena" / "hub");
  const std::vector<std::int32_t> ids = network.tokenize("ACGTTGCAACGTAC").ids;
  const dnalm::token_edit edit{static_cast<index_t>(ids.size()) / 2, ids[1]};
  std::vector<std::int32_t> edited = ids;
  edited[static_cast<std::size_t>(edit.token)] = edit.id;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  std::vector<float> expected;
  dnalm::forward_workspace workspace;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    for (index_t r = 0; r < x.rows; ++r) expected.insert(expected.end(), x.row(r).begin(), x.row(r).end());
  };
  network.logits({edited, offsets}, take, workspace);
  const std::vector<float> found = handed_out(network, ids, {edit}, {.logits = true});
  REQUIRE(found.size() == expected.size());
  double gap = 0;
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    gap = std::max(gap, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  CHECK(gap / largest < 8.6e-7);  // four times what was seen: as above, carried on by the head
}

}  // namespace
