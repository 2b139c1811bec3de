// SPDX-License-Identifier: Apache-2.0
// GPN's ConvNet on sequences with one letter replaced: the rows that an edit reaches and somebody reads,
// against passes of the edited sequences, bit by bit.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/backend/row_placement.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/convolution.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/detail/convnet_edits_impl.hpp>
#include <dnalm/models/detail/convnet_impl.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <support/catch.hpp>
#include <support/counting_backend.hpp>
#include <support/instruction_sets.hpp>
#include <support/same_bits.hpp>

namespace {

using dnalm::index_t;

std::vector<std::int32_t> random_ids(index_t length) {
  dnalm::philox random(4, static_cast<std::uint64_t>(length));
  std::vector<std::int32_t> ids;
  for (index_t i = 0; i < length; ++i) ids.push_back(3 + static_cast<std::int32_t>(random.below(4)));
  return ids;
}

/// Edits at both ends, in the middle and beside it, some at one place, one to the letter that stands there.
std::vector<dnalm::token_edit> some_edits(const std::vector<std::int32_t>& ids) {
  const auto last = static_cast<index_t>(ids.size()) - 1;
  std::vector<dnalm::token_edit> edits;
  for (const index_t at : {index_t{0}, last, last / 2, last / 2, last / 2 + (last > 0 ? 1 : 0), last / 3}) {
    edits.push_back(
        {at, 3 + (ids[static_cast<std::size_t>(at)] - 2 + static_cast<std::int32_t>(edits.size()) % 3) % 4});
  }
  edits.push_back({last / 4, ids[static_cast<std::size_t>(last / 4)]});
  return edits;
}

/// A state, or the logits, of each of some edits by a pass of its own.
template <class Network>
std::vector<dnalm::matrix<typename Network::scalar>> passes_of(const Network& network,
                                                               const std::vector<std::int32_t>& ids,
                                                               std::span<const dnalm::token_edit> edits,
                                                               index_t state, bool logits) {
  using T = typename Network::scalar;
  std::vector<dnalm::matrix<T>> found;
  const auto take = [&](dnalm::matrix_view<const T> x) {
    found.emplace_back(x.rows, x.columns);
    dnalm::copy_matrix<T>(x, found.back().view());
  };
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  typename Network::workspace w;
  const typename Network::logits_receiver receive = take;
  const auto on_state = [&](index_t at, dnalm::matrix_view<const T> x) {
    if (at == state && !logits) take(x);
  };
  for (const dnalm::token_edit& edit : edits) {
    std::vector<std::int32_t> edited = ids;
    edited[static_cast<std::size_t>(edit.token)] = edit.id;
    network.forward({edited, offsets}, on_state, logits ? &receive : nullptr, w);
  }
  return found;
}

/// Whether every edit has the bits of its own pass.
template <class Network>
bool same_as_passes(const Network& network, const std::vector<std::int32_t>& ids,
                    std::span<const dnalm::matrix<typename Network::scalar>> passes,
                    const dnalm::edit_request& request) {
  using T = typename Network::scalar;
  std::vector<index_t> rows(request.rows.begin(), request.rows.end());
  for (std::size_t r = 0; request.rows.empty() && r < ids.size(); ++r)
    rows.push_back(static_cast<index_t>(r));
  const auto numbers = [](dnalm::matrix_view<const T> x, index_t row) {
    return std::span<const T>(x.row_data(row), static_cast<std::size_t>(x.columns));
  };
  std::size_t seen = 0;
  bool same = true;
  const auto take = [&](index_t first, dnalm::matrix_view<const T> found) {
    REQUIRE(static_cast<std::size_t>(first) == seen);
    REQUIRE(found.rows % static_cast<index_t>(rows.size()) == 0);
    for (index_t r = 0; r < found.rows; ++seen) {
      for (const index_t row : rows) {
        const bool here = dnalm_test::same_bits(numbers(found, r), numbers(passes[seen].view(), row));
        same = same && here;
        ++r;
      }
    }
  };
  typename Network::workspace w;
  network.edited_states(ids, some_edits(ids), request, take, w);
  return same && seen == passes.size();
}

/// All rows, one at an end or the middle, and some; of states and logits.
template <class Network>
void check_network(const Network& network, const std::vector<index_t>& lengths) {
  const index_t layers = network.config().layers;
  for (const index_t length : lengths) {
    const std::vector<std::int32_t> ids = random_ids(length);
    std::vector<std::vector<index_t>> choices = {{}, {0}, {length / 2}, {length - 1}};
    if (length > 20) choices.push_back({length / 2 - 1, length / 2, length - 7});
    for (const index_t state : {index_t{1}, layers / 2 + 1, layers, layers + 1}) {
      const bool logits = state > layers;
      const index_t of = std::min(state, layers);
      const auto passes = passes_of(network, ids, some_edits(ids), of, logits);
      for (const std::vector<index_t>& rows : choices) {
        INFO("length " << length << ", " << rows.size() << " rows from " << (rows.empty() ? -1 : rows[0])
                       << ", state " << state);
        for (const index_t bytes : {index_t{1}, index_t{1} << 26}) {
          CHECK(same_as_passes<Network>(network, ids, passes,
                                        {.state = of, .logits = logits, .rows = rows, .bytes = bytes}));
        }
      }
    }
  }
}

dnalm::convnet_config config_of(index_t layers, index_t width, index_t taps = 9) {
  dnalm::convnet_config config;
  config.layers = layers;
  config.width = width;
  config.vocabulary = 7;
  config.taps = taps;
  return config;
}

TEST_CASE("a ConvNet gives edited sequences the bits of their own passes") {
  const dnalm::random_source weights(5, 0.3);
  for (const index_t taps : {9, 4}) {  // four: a row before and two behind
    INFO("taps " << taps);
    const dnalm::convnet<dnalm::cpu_backend> network(dnalm::cpu_backend(), config_of(7, 40, taps), weights);
    check_network(network, {1, 2, 37, 301});
  }
  check_network(
      dnalm::convnet<dnalm::reference_backend>(dnalm::reference_backend(), config_of(7, 8), weights),
      {1, 2, 150});
}

/// The CPU's backend, with convolutions that make rows in twos.
class pairing_backend : public dnalm::cpu_backend {
 public:
  [[nodiscard]] dnalm::packed_weight pack(dnalm::matrix_view<const float> w) const {
    const bool is_convolution = w.columns > w.rows && w.columns % w.rows == 0;
    return dnalm::pack_convolution(w, {is_convolution ? w.columns / w.rows : 1});
  }
};

TEST_CASE("rows of a ConvNet that kernels make in twos keep their bits") {
  // Of seven taps two are groups of three, one is alone: its group sees a row beyond the last tap.
  for (const index_t taps : {9, 8, 7}) {
    INFO("taps " << taps);
    const dnalm::convnet<pairing_backend> network(pairing_backend(), config_of(5, 40, taps),
                                                  dnalm::random_source(5, 0.3));
    check_network(network, {1, 30, 203});
  }
}

TEST_CASE("edits of a ConvNet are exact on every instruction set, with rounded weights too") {
  const dnalm::random_source weights(5, 0.3);
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    INFO(static_cast<int>(set));
    check_network(dnalm::convnet<dnalm::cpu_backend>(dnalm::cpu_backend(set), config_of(7, 40), weights),
                  {83});
  }
  const dnalm::cpu_backend rounded(dnalm::weight_format::bf16);
  check_network(dnalm::convnet<dnalm::cpu_backend>(rounded, config_of(7, 40), weights), {83});
}

/// Floats that a call takes at most, and how many edits it hands out first.
struct edits_run {
  index_t floats = 0;
  index_t together = 0;
};

TEST_CASE("edits of a ConvNet take the memory they were given, and use it") {
  dnalm_test::float_count count;
  using network_type = dnalm::convnet<dnalm_test::counting_backend>;
  const network_type network(dnalm_test::counting_backend(&count), config_of(7, 24),
                             dnalm::random_source(5, 0.3));
  const std::vector<std::int32_t> ids = random_ids(600);
  std::vector<dnalm::token_edit> edits;
  for (index_t i = 0; i < 600; ++i) edits.push_back({i, 4});
  for (const bool logits : {false, true}) {
    const auto run = [&](std::span<const dnalm::token_edit> made, index_t bytes) {
      edits_run found;
      const auto take = [&](index_t first, dnalm::matrix_view<const float> x) {
        if (first == 0) found.together = x.rows / 600;
      };
      network_type::workspace w;
      count = {};
      network.edited_states(ids, made, {.state = 7, .logits = logits, .bytes = bytes}, take, w);
      found.floats = count.most;
      return found;
    };
    const index_t without = run({}, 1).floats;
    for (const index_t given : {index_t{1} << 20, index_t{1} << 22}) {
      const edits_run found = run(edits, given);
      CHECK(4 * (found.floats - without) <= given);
      CHECK(2 * 4 * (found.floats - without) > given);
      CHECK(found.together > 1);
    }
  }
}

TEST_CASE("rows that edited sequences of a ConvNet have not are told") {
  const dnalm::convnet<dnalm::reference_backend> network(dnalm::reference_backend(), config_of(2, 8),
                                                         dnalm::random_source(5, 0.3));
  const auto ask = [&](const std::vector<index_t>& rows, index_t state, dnalm::token_edit edit) {
    dnalm::convnet<dnalm::reference_backend>::workspace w;
    const auto none = [](index_t, dnalm::matrix_view<const double>) {};
    network.edited_states(random_ids(5), std::vector<dnalm::token_edit>{edit}, {.state = state, .rows = rows},
                          none, w);
  };
  CHECK_NOTHROW(ask({0, 4}, 2, {1, 3}));
  CHECK_THROWS_WITH(ask({5}, 2, {1, 3}), Catch::Contains("dnalm.input.443"));
  CHECK_THROWS_WITH(ask({-1}, 2, {1, 3}), Catch::Contains("dnalm.input.443"));
  CHECK_THROWS_WITH(ask({2, 2}, 2, {1, 3}), Catch::Contains("dnalm.input.443"));
  CHECK_THROWS_WITH(ask({}, 3, {1, 3}), Catch::Contains("dnalm.input.422"));
  CHECK_THROWS_WITH(ask({}, 0, {1, 3}), Catch::Contains("dnalm.input.422"));
  CHECK_THROWS_WITH(ask({}, 1, {5, 3}), Catch::Contains("dnalm.input.428"));
  CHECK_THROWS_WITH(ask({}, 1, {1, 7}), Catch::Contains("dnalm.input.407"));
}

}  // namespace
