// SPDX-License-Identifier: Apache-2.0
// HyenaDNA and Caduceus over long sequences in pieces: the bits of one piece, in a bounded memory.
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/model_of.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/instruction_sets.hpp>
#include <support/same_bits.hpp>
#include <unit/models/caduceus_runs.hpp>
#include <unit/models/hyena_runs.hpp>

using dnalm::index_t;
using dnalm_test::packed_batch;
using dnalm_test::same_bits;

namespace {

dnalm::hyena_config hyena_of(index_t width, index_t positions) {
  dnalm::hyena_config config = dnalm::read_hyena_config(dnalm_test::golden_hyena / "original");
  config.width = width;
  config.feed_forward = 2 * width;
  config.positions = positions;
  config.filter_order = 8;
  return config;
}
dnalm::caduceus_config caduceus_of(const std::string& golden, index_t width, index_t inner) {
  dnalm::caduceus_config config = dnalm::read_caduceus_config(dnalm_test::golden_caduceus / golden);
  config.layers = 3;
  config.channels = width;
  config.width = width * config.strands();
  config.inner = inner;
  config.states = 5;
  config.rank = 2;
  return config;
}

packed_batch batch_of(const std::vector<index_t>& lengths) {
  packed_batch batch;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    dnalm::philox random(s, dnalm::hash_name("ids of pieces"));
    std::vector<std::int32_t> ids;
    for (index_t i = 0; i < lengths[s]; ++i) {
      ids.push_back(7 + static_cast<std::int32_t>(random.next_u32() % 5));
    }
    batch.append(ids);
  }
  return batch;
}

/// Hidden states and logits of a pass, and the memory that it took.
template <class T>
struct outputs {
  std::vector<std::vector<T>> states = {};
  index_t numbers = 0;
};

template <class Network>
outputs<typename Network::scalar> run(const Network& network, const packed_batch& batch, index_t piece,
                                      dnalm::thread_team* team = nullptr) {
  using B = typename Network::backend_type;
  typename Network::workspace workspace;
  workspace.team = team;
  workspace.piece = piece;
  outputs<typename Network::scalar> found;
  const auto keep = [&](dnalm::input_matrix<B> x) {
    auto& state = found.states.emplace_back();
    for (index_t r = 0; r < x.rows; ++r) {
      state.insert(state.end(), x.row_data(r), x.row_data(r) + x.columns);
    }
  };
  const auto on_layer = [&](index_t, dnalm::input_matrix<B> x) { keep(x); };
  const typename Network::logits_receiver receiver = keep;
  network.forward({batch.ids, batch.offsets}, on_layer, &receiver, workspace);
  found.numbers = workspace.memory.size() + workspace.scratch.size() + workspace.logits.size();
  return found;
}

template <class T>
bool equal(const outputs<T>& a, const outputs<T>& b) {
  if (a.states.size() != b.states.size()) return false;
  for (std::size_t i = 0; i < a.states.size(); ++i) {
    if (!same_bits(a.states[i], b.states[i])) return false;
  }
  return true;
}

/// Every piece length gives the bits of one piece, within what workspace_bytes says.
template <class Network>
void check_pieces(const Network& network, const std::vector<index_t>& lengths,
                  const std::vector<index_t>& pieces, dnalm::thread_team* team = nullptr) {
  const packed_batch batch = batch_of(lengths);
  const auto whole = run(network, batch, 0);
  const index_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (const index_t piece : pieces) {
    INFO("pieces of " << piece << " positions, longest sequence of " << longest);
    const auto found = run(network, batch, piece, team);
    CHECK(equal(whole, found));
    if (team != nullptr) continue;
    CHECK(found.numbers * static_cast<index_t>(sizeof(typename Network::scalar)) ==
          network.workspace_bytes(batch.offsets.rows(), longest, true, piece));
  }
}

const dnalm::random_source source(5, 0.2);

}  // namespace

TEST_CASE("HyenaDNA in pieces has the bits of one piece: 1 k to 33 k positions", "[models][hyena][pieces]") {
  using network_type = dnalm::hyena_network<dnalm::cpu_backend>;
  // 32 channels: panels of x0 alone; 21: all of the projection each time.
  const network_type even(dnalm::cpu_backend(), hyena_of(32, 33000), source);
  const network_type odd(dnalm::cpu_backend(), hyena_of(21, 33000), source);
  check_pieces(even, {1000}, {1, 7, 100, 999, 1000, 5000});
  check_pieces(odd, {1000}, {1, 7, 100, 999});
  check_pieces(even, {4099}, {100, 1000, 4096, 4098});
  check_pieces(even, {33000}, {1000, 4096});
  check_pieces(odd, {700, 1, 2, 130, 257}, {1, 2, 128, 256});
}

TEST_CASE("HyenaDNA in pieces on a team, with filters that are not kept and of other weights",
          "[models][hyena][pieces]") {
  using network_type = dnalm::hyena_network<dnalm::cpu_backend>;
  dnalm::thread_team team(3);
  for (const index_t width : {32, 37}) {
    const network_type keeps(dnalm::cpu_backend(), hyena_of(width, 3000), source);
    const network_type keeps_none(dnalm::cpu_backend(), hyena_of(width, 3000), source, 1, 1);
    const packed_batch batch = batch_of({2500, 40, 129, 2500, 700});
    const auto whole = run(keeps, batch, 0);
    CHECK(equal(whole, run(keeps_none, batch, 0)));
    CHECK(equal(whole, run(keeps_none, batch, 0, &team)));
    CHECK(equal(whole, run(keeps_none, batch, 333)));
    CHECK(equal(whole, run(keeps_none, batch, 333, &team)));
    CHECK(equal(whole, run(keeps, batch, 1000, &team)));
  }
  for (const auto format : {dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    const network_type rounded(dnalm::cpu_backend(format), hyena_of(64, 700), source);
    check_pieces(rounded, {600}, {50, 512});
  }
}

TEST_CASE("Caduceus in pieces has the bits of one piece: 1 k to 33 k positions",
          "[models][caduceus][pieces]") {
  using network_type = dnalm::caduceus_network<dnalm::cpu_backend>;
  dnalm::thread_team team(3);
  for (const char* golden : {"ph", "ps", "ps_plain"}) {
    INFO(golden);
    const network_type odd(dnalm::cpu_backend(), caduceus_of(golden, 21, 42), source);
    check_pieces(odd, {1000}, {1, 2, 7, 100, 999, 1000, 5000});
    check_pieces(odd, {300, 1, 2, 130, 257}, {1, 2, 3, 128, 256});
    check_pieces(odd, {4099}, {100, 1000, 4096});
    check_pieces(odd, {2100, 5}, {64, 1000}, &team);
  }
  const network_type even(dnalm::cpu_backend(), caduceus_of("ps", 16, 32), source);
  check_pieces(even, {33000}, {1000, 4096});
  for (const auto format : {dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    const network_type rounded(dnalm::cpu_backend(format), caduceus_of("ph", 32, 64), source);
    check_pieces(rounded, {600}, {50, 512});
  }
}

TEST_CASE("pieces on every instruction set and in double", "[models][hyena][caduceus][pieces]") {
  for (const dnalm::isa set : dnalm_test::instruction_sets(true)) {
    INFO(dnalm::to_string(set));
    check_pieces(dnalm::hyena_network<dnalm::cpu_backend>(dnalm::cpu_backend(set), hyena_of(37, 800), source),
                 {700}, {13, 400});
    check_pieces(dnalm::caduceus_network<dnalm::cpu_backend>(dnalm::cpu_backend(set),
                                                             caduceus_of("ps", 21, 42), source),
                 {700}, {13, 400});
  }
  const dnalm::reference_backend reference;
  check_pieces(dnalm::hyena_network<dnalm::reference_backend>(reference, hyena_of(5, 1100), source),
               {1030, 3}, {7, 100, 1000});
  check_pieces(dnalm::hyena_network<dnalm::reference_backend>(reference, hyena_of(5, 300), source, 1, 1),
               {260}, {1, 99});
  for (const char* golden : {"ph", "ps"}) {
    check_pieces(
        dnalm::caduceus_network<dnalm::reference_backend>(reference, caduceus_of(golden, 5, 10), source),
        {1030, 3}, {1, 7, 100, 1000});
  }
}

TEST_CASE("golden checkpoints in pieces: within 1e-4 in float and 1e-9 in double of the authors' code",
          "[models][hyena][caduceus][pieces]") {
  for (const std::string& name : dnalm_test::hyena_cases) {
    INFO(name);
    CHECK(dnalm_test::worst_of_hyena(name, dnalm::cpu_backend(), false, 5) < 1e-4);
    CHECK(dnalm_test::worst_of_hyena(name, dnalm::reference_backend(), true, 5) < 1e-9);
  }
  for (const std::string& name : dnalm_test::caduceus_cases) {
    INFO(name);
    CHECK(dnalm_test::worst_of_caduceus(name, dnalm::cpu_backend(), false, 3) < 1e-4);
    CHECK(dnalm_test::worst_of_caduceus(name, dnalm::reference_backend(), true, 3) < 1e-9);
  }
}

TEST_CASE("memory of a position in pieces: 2 D numbers of HyenaDNA, 3 D and 6 D of Caduceus",
          "[models][hyena][caduceus][pieces]") {
  const auto per_position = [](const auto& network) {
    const auto bytes = [&](index_t length) { return network.workspace_bytes(length, length, false, 512); };
    return static_cast<double>(bytes(index_t{3} << 17) - bytes(index_t{1} << 17)) / (index_t{2} << 17) / 4;
  };
  const index_t d = 64;
  const dnalm::hyena_network<dnalm::cpu_backend> hyena(dnalm::cpu_backend(), hyena_of(d, 100), source);
  CHECK(per_position(hyena) == 2 * d + 32);  // and the transform of 16 channels
  using caduceus = dnalm::caduceus_network<dnalm::cpu_backend>;
  CHECK(per_position(caduceus(dnalm::cpu_backend(), caduceus_of("ph", d, 2 * d), source)) == 3 * d);
  CHECK(per_position(caduceus(dnalm::cpu_backend(), caduceus_of("ps", d, 2 * d), source)) == 6 * d);
}

TEST_CASE("a model runs in pieces where its workspace says so, and says what they take",
          "[models][hyena][pieces]") {
  using network_type = dnalm::hyena_network<dnalm::cpu_backend>;
  const auto config = hyena_of(32, 9000);
  const dnalm::model model(std::make_shared<const dnalm::model_of<network_type>>(
                               network_type(dnalm::cpu_backend(), config, source)),
                           {.backend = "cpu", .config = config});
  const packed_batch batch = batch_of({8200});
  const auto logits_of = [&](index_t piece) {
    dnalm::forward_workspace workspace;
    workspace.set_piece(piece);
    std::vector<float> logits;
    model.logits(
        {batch.ids, batch.offsets},
        [&](dnalm::matrix_view<const float> x) { logits.assign(x.data, x.data + x.rows * x.columns); },
        workspace);
    return logits;
  };
  CHECK(model.runs_in_pieces());
  CHECK(same_bits(logits_of(0), logits_of(4096)));
  const index_t whole = model.workspace_bytes(8200, 8200, true);
  CHECK(model.workspace_bytes(8200, 8200, true, 0) == whole);
  CHECK(model.workspace_bytes(8200, 8200, true, 8200) == whole);
  CHECK(model.workspace_bytes(8200, 8200, true, 512) < whole / 2);
  CHECK(model.piece_within(whole, 8200, 8200, true) == 0);
  CHECK(model.piece_within(whole - 1, 8200, 8200, true) == dnalm::default_piece);
  model.check_piece(0);
  model.check_piece(100);
  try {
    model.check_piece(-1);
    CHECK(false);
  } catch (const dnalm::error& refused) {
    CHECK(refused.id() == "dnalm.usage.441");
  }
}
