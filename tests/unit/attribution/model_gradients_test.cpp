// SPDX-License-Identifier: Apache-2.0
// Gradients from a probe through a model down to the nucleotide.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/attribution/detail/gradient_batches.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/attribution/watched_model.hpp>

namespace {

using dnalm::attribution_targets;
using dnalm::index_t;
using dnalm::nucleotide_map;
using dnalm_test::error_id_of;
using dnalm_test::random_bases;
using dnalm_test::random_probe;
using dnalm_test::same_bits;

/// Models whose tokens are letters or k-mers, one of each kind of network.
std::vector<dnalm::model> models_of_bases(dnalm::backend_kind backend = dnalm::backend_kind::cpu) {
  const dnalm::load_options options{.backend = backend};
  return {dnalm_test::kmer_model(options),  dnalm_test::overlapping_model(options),
          dnalm_test::hyena_model(options), dnalm_test::caduceus_model(options),
          dnalm_test::gpn_model(options),   dnalm_test::layer_model(options)};
}

/// A length that the model reads.
std::string sequence_for(const dnalm::model& network, std::uint64_t seed) {
  const index_t fixed = network.describe().summary().resizes ? network.describe().max_tokens : 0;
  return random_bases(seed, fixed > 0 ? fixed : 23);
}

/// f at one sequence.
double value_of(const dnalm::sequence_function& f, const std::string& sequence, std::size_t output = 0) {
  return f(std::vector{sequence})[output];
}

double largest(const nucleotide_map& map) {
  double most = 0;
  for (const double value : map.values) most = std::max(most, std::abs(value));
  return most;
}

}  // namespace

TEST_CASE("values of a model at one-hot weights are bitwise those of embedding and probe") {
  for (const dnalm::model& network : models_of_bases()) {
    INFO(network.describe().architecture_name());
    const std::vector<std::string> sequences = {sequence_for(network, 1), sequence_for(network, 2)};
    for (const std::string pooling : {"mean", "max", "mean_all"}) {
      const attribution_targets targets(network,
                                        random_probe(network, network.describe().layers(), pooling, 2));
      const auto maps = dnalm::saliency(dnalm::nucleotide_function(targets), sequences);
      const auto values = targets.function()(sequences);
      REQUIRE(maps.size() == 4);
      for (std::size_t i = 0; i < 4; ++i) {
        INFO(pooling << " " << i);
        CHECK(maps[i].value == values[i]);
        CHECK(largest(maps[i].map) > 0);
      }
    }
  }
}

TEST_CASE("integrated gradients of a probe run no layer above its own and make no logits") {
  for (const dnalm::model& network : models_of_bases()) {
    const index_t top = network.describe().layers();
    for (const index_t layer : {index_t{0}, index_t{1}, top}) {
      INFO(network.describe().architecture_name() << ", layer " << layer);
      const auto watch = std::make_shared<const dnalm_test::watched_model>(network);
      const dnalm::model watched(watch, network.describe());
      const auto probe = random_probe(network, layer, "mean");
      const std::vector<std::string> sequences = {sequence_for(network, 1)};
      const dnalm::path_options options{
          .from = {.kind = dnalm::baseline_kind::uniform}, .nodes = 2, .most_nodes = 2};
      const attribution_targets targets(watched, probe);
      const auto found = dnalm::integrated_gradients(dnalm::nucleotide_function(targets), sequences, options);
      CHECK(watch->logits == 0);
      CHECK(watch->whole_passes == 0);
      CHECK(watch->gradients > 0);
      CHECK(watch->highest == layer);
      const double value = value_of(attribution_targets(network, probe).function(), sequences.front());
      CHECK(found.front().value == value);
    }
  }
}

TEST_CASE("the gradient integrated along a substitution is the substitution's effect") {
  // f(x') - f(x) by integrated gradients with baseline x; what is left is the error of the integral.
  auto networks = models_of_bases();
  networks.push_back(dnalm_test::kmer_model({.backend = dnalm::backend_kind::reference}));
  networks.push_back(dnalm_test::hyena_model({.backend = dnalm::backend_kind::reference}));
  for (const dnalm::model& network : networks) {
    INFO(network.describe().architecture_name());
    const attribution_targets targets(network, random_probe(network, network.describe().layers(), "mean"));
    const std::string x = sequence_for(network, 3);
    std::string changed = x;
    changed[8] = x[8] == 'G' ? 'T' : 'G';
    dnalm::path_options options{.most_nodes = 256, .tolerance = 1e-4};
    options.from = {.kind = dnalm::baseline_kind::array, .arrays = {dnalm::one_hot_map(x)}};
    const auto found =
        dnalm::integrated_gradients(dnalm::nucleotide_function(targets), std::vector{changed}, options);
    const auto f = targets.function();
    const double effect = value_of(f, changed) - value_of(f, x);
    CHECK(std::abs(effect) > 0);
    CHECK(std::abs(found.front().delta) < std::max(1e-3 * std::abs(effect), 1e-5));  // 1e-5: float rounding
    CHECK(found.front().value - found.front().baseline_value == effect);
  }
}

TEST_CASE("integrated gradients of models complete within the tolerance, from every baseline they have") {
  for (const dnalm::model& network : models_of_bases()) {
    const attribution_targets targets(network, random_probe(network, network.describe().layers(), "mean"));
    const auto f = dnalm::nucleotide_function(targets);
    for (const auto kind : {dnalm::baseline_kind::zero, dnalm::baseline_kind::uniform,
                            dnalm::baseline_kind::unknown, dnalm::baseline_kind::mask}) {
      if (kind == dnalm::baseline_kind::unknown && f.unknown_token < 0) continue;
      if (kind == dnalm::baseline_kind::mask && f.mask_token < 0) continue;
      // A norm right behind the embedding: f jumps at rows of zeros, and no integral sees that.
      const auto name = network.describe().architecture_name();
      const bool jumps = name == "NT-v2" || name == "Caduceus-PS";
      if (kind == dnalm::baseline_kind::zero && jumps) continue;
      INFO(name << " from " << dnalm::to_string(kind));
      const auto found = dnalm::integrated_gradients(f, std::vector{sequence_for(network, 4)},
                                                     {.from = {.kind = kind}, .most_nodes = 256})
                             .front();
      CHECK(std::abs(found.delta) <= 1e-3 * std::max(1.0, std::abs(found.value - found.baseline_value)));
    }
  }
}

TEST_CASE("a sequence's gradient is bitwise the same alone, in a list, and on any number of threads") {
  for (const dnalm::model& network : models_of_bases()) {
    INFO(network.describe().architecture_name());
    const attribution_targets targets(network, random_probe(network, network.describe().layers(), "max", 2));
    std::vector<std::string> sequences;
    for (std::uint64_t s = 0; s < 9; ++s) sequences.push_back(sequence_for(network, s));
    const auto together = dnalm::saliency(dnalm::nucleotide_function(targets, {.threads = 2}), sequences);
    const auto small = dnalm::nucleotide_function(targets, {.threads = 1, .memory = 1});
    for (const std::size_t s : {0U, 4U, 8U}) {
      const auto alone = dnalm::saliency(small, std::vector{sequences[s]});
      for (std::size_t c = 0; c < 2; ++c) {
        CHECK(same_bits(alone[c].map.values, together[2 * s + c].map.values));
        CHECK(alone[c].value == together[2 * s + c].value);
      }
    }
  }
}

TEST_CASE("many targets over one forward pass get the bits that each has alone") {
  for (const auto backend : {dnalm::backend_kind::cpu, dnalm::backend_kind::reference}) {
    for (const dnalm::model& network : models_of_bases(backend)) {
      INFO(network.describe().architecture_name());
      const index_t layers = network.describe().layers();
      const std::vector<std::string> sequences = {sequence_for(network, 5), sequence_for(network, 6)};
      for (const index_t layer : {layers, layers / 2}) {
        const auto probe = random_probe(network, layer, "mean", 3);
        for (const index_t memory : {index_t{1} << 30, index_t{1}}) {  // records of all blocks, of one
          const auto all = dnalm::saliency(
              dnalm::nucleotide_function(attribution_targets(network, probe), {.memory = memory}), sequences);
          for (const index_t c : {0, 1, 2}) {
            const attribution_targets one(network, probe, std::vector{c});
            const auto alone = dnalm::saliency(dnalm::nucleotide_function(one), sequences);
            for (std::size_t s = 0; s < 2; ++s) {
              CHECK(same_bits(alone[s].map.values, all[3 * s + static_cast<std::size_t>(c)].map.values));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("the memory of passes is kept for the next call where that is asked for") {
  dnalm::thread_team team(1);
  for (const bool keeps : {false, true}) {
    dnalm::detail::workspace_store store(keeps);
    for (const int turn : {1, 2}) {
      dnalm::detail::lent_workspaces lent(store, 1, team);
      CHECK(lent.of(0).team() == &team);
      CHECK(lent.of(0).state<int>(7, [&] { return turn; }) == (keeps ? 1 : turn));
    }
    CHECK(store.take().team() == nullptr);
  }
}

TEST_CASE("logits are targets too: their values and maps") {
  for (const dnalm::model& network : models_of_bases()) {
    INFO(network.describe().architecture_name());
    const index_t last = network.describe().summary().logits_width() - 1;
    const auto targets = attribution_targets::of_logits(network, std::vector<index_t>{last, 0});
    CHECK(targets.name(1) == "logit 0");
    const std::vector<std::string> sequences = {sequence_for(network, 7), sequence_for(network, 8)};
    const auto maps = dnalm::saliency(dnalm::nucleotide_function(targets), sequences);
    const auto values = targets.function()(sequences);
    REQUIRE(maps.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(maps[i].value == values[i]);
  }
}

TEST_CASE("token attribution works for every tokenizer; letters agree with nucleotides") {
  auto networks = models_of_bases();
  networks.push_back(dnalm_test::piece_model());
  for (const dnalm::model& network : networks) {
    INFO(network.describe().architecture_name());
    const attribution_targets targets(network, random_probe(network, network.describe().layers(), "mean", 2));
    const std::vector<std::string> sequences = {sequence_for(network, 8)};
    const auto scores = dnalm::token_attribution(targets, sequences);
    REQUIRE(scores.size() == 2);
    const auto f = targets.function();
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(scores[c].value == value_of(f, sequences.front(), c));
      CHECK(*std::max_element(scores[c].gradient_norm.begin(), scores[c].gradient_norm.end()) > 0);
    }
    if (dnalm::nucleotide_input(network).entry() != dnalm::nucleotide_entry::letters) continue;
    const auto map = dnalm::saliency(dnalm::nucleotide_function(targets), sequences).front().map;
    const auto observed = dnalm::observed_values(map, sequences.front());
    const auto spread = dnalm::spread_over_bases(scores[0].tokens, scores[0].input_times_gradient,
                                                 static_cast<index_t>(observed.size()));
    CHECK(same_bits(observed, spread));
  }
}

TEST_CASE("scores are spread evenly or repeated; overlapping tokens add up") {
  dnalm::token_sequence tokens;
  tokens.append(0, 0, 0);
  tokens.append(1, 0, 2);
  tokens.append(2, 1, 3);
  const std::vector<double> scores = {7, 4, 6};
  CHECK(dnalm::spread_over_bases(tokens, scores, 3) == std::vector<double>{2, 5, 3});
  CHECK(dnalm::spread_over_bases(tokens, scores, 3, dnalm::token_spread::repeat) ==
        std::vector<double>{4, 10, 6});
  CHECK(error_id_of([&] { (void)dnalm::spread_over_bases(tokens, scores, 2); }) == "dnalm.shape.812");
}

TEST_CASE("targets out of range, probes of other models and pieces of text are told") {
  const dnalm::model network = dnalm_test::kmer_model();
  const auto probe = random_probe(network, 2, "mean", 2);
  const auto targets_error = [&](const dnalm::fitted_probe& fitted, const std::vector<index_t>& outputs) {
    return error_id_of([&] { attribution_targets(network, fitted, outputs); });
  };
  CHECK(targets_error(probe, {0, 1}).empty());
  CHECK(targets_error(probe, {2}) == "dnalm.usage.802");
  CHECK(targets_error(probe, {-1}) == "dnalm.usage.802");
  auto other = probe;
  other.layer = 3;
  CHECK(targets_error(other, {}) == "dnalm.config.809");
  other = probe;
  other.width = 47;
  CHECK(targets_error(other, {}) == "dnalm.config.809");
  other = probe;
  other.pooling = "tokens";
  CHECK(targets_error(other, {}) == "dnalm.config.809");
  other = probe;
  other.weights.pop_back();
  CHECK(targets_error(other, {}) == "dnalm.config.809");
  const auto logits_error = [&](const std::vector<index_t>& columns) {
    return error_id_of([&] { (void)attribution_targets::of_logits(network, columns); });
  };
  CHECK(logits_error({75}) == "dnalm.usage.802");
  CHECK(logits_error({}) == "dnalm.usage.802");
  const dnalm::model pieces = dnalm_test::piece_model();
  const attribution_targets of_pieces(pieces, random_probe(pieces, 1, "mean"));
  CHECK(error_id_of([&] { (void)dnalm::nucleotide_function(of_pieces); }) == "dnalm.unsupported.804");
  const auto f = dnalm::nucleotide_function(attribution_targets(network, probe));
  CHECK(error_id_of([&] { (void)dnalm::saliency(f, std::vector<std::string>{"ACGX"}); }) ==
        "dnalm.input.150");
  CHECK(error_id_of([&] { (void)dnalm::saliency(f, std::vector<std::string>{""}); }) == "dnalm.input.408");
}

TEST_CASE("a gradient that is not finite is an error that names where it arose") {
  for (const dnalm::model& network : models_of_bases()) {
    INFO(network.describe().architecture_name());
    const index_t layer = network.describe().layers();
    const std::string top = "hidden state " + std::to_string(layer);
    auto probe = random_probe(network, layer, "max");
    const auto refused = [&](double weight, const std::string& id, const std::string& where) {
      std::fill(probe.weights.begin(), probe.weights.end(), weight);
      const auto f = dnalm::nucleotide_function(attribution_targets(network, probe));
      CHECK_THROWS_WITH((void)dnalm::saliency(f, std::vector{sequence_for(network, 9)}),
                        Catch::Contains(id) && Catch::Contains(where));
    };
    refused(6e39, "dnalm.numeric.424", "the gradient given for " + top);  // no float
    if (network.describe().summary().resizes) continue;                   // its sums are of too few: below
    // Each weight is a float; sums of their products with a block's are not.
    refused(
        3.4e38, "dnalm.numeric.803",
        "sequence 1: the gradient on its way from " + top + " to hidden state " + std::to_string(layer - 1));
  }
}

TEST_CASE("a gradient that is not finite is named by layer where hidden states have sizes of their own") {
  struct broken_step {
    const char* folder;
    index_t layer;
    std::string step;
  };
  for (const broken_step& row : {broken_step{"basset", 1, "from hidden state 1 to hidden state 0"},
                                 broken_step{"sei", 5, "from hidden state 4 to hidden state 3"},
                                 broken_step{"enformer", 6, "from hidden state 3 to hidden state 2"}}) {
    INFO(row.folder);
    const dnalm::model network = dnalm::load_model(dnalm_test::golden_folder / "supervised" / row.folder);
    const index_t fixed = network.describe().max_tokens;
    auto probe = random_probe(network, row.layer, "max");
    std::fill(probe.weights.begin(), probe.weights.end(), 3.4e38);
    const auto f = dnalm::nucleotide_function(attribution_targets(network, probe));
    const std::vector<std::string> two = {random_bases(9, fixed > 0 ? fixed : 200),
                                          random_bases(8, fixed > 0 ? fixed : 200)};
    CHECK_THROWS_WITH((void)dnalm::saliency(f, two),
                      Catch::Contains("dnalm.numeric.803") &&
                          Catch::Contains("sequence 1: the gradient on its way " + row.step));
  }
}

namespace {

/// 70 sequences of which number 67 alone, of one token, gives a probe of the mean gradients that overflow.
struct one_short_sequence {
  explicit one_short_sequence(const dnalm::model& network, double size = 3e37) {
    probe = random_probe(network, network.describe().layers(), "mean");
    for (double& weight : probe.weights) weight = weight < 0 ? -size : size;
    for (std::uint64_t s = 0; s < 70; ++s) sequences.push_back(random_bases(s, s == 66 ? 3 : 240));
  }
  dnalm::fitted_probe probe;
  std::vector<std::string> sequences;
};

/// The sequence that an error is about, from 0.
template <class Work>
index_t broken_sequence_of(const Work& work) {
  try {
    work();
  } catch (const dnalm::sequence_error& problem) {
    const std::string words = "sequence " + std::to_string(problem.sequence() + 1) + ": ";
    CHECK_THAT(problem.what(), Catch::Contains("[dnalm.numeric.803]") && Catch::Contains(words));
    CHECK_THAT(problem.what(), Catch::Contains("on its way from hidden state"));
    return problem.sequence();
  }
  return -1;
}

}  // namespace

TEST_CASE("a gradient that is not finite names its one sequence of a long list, whatever the batches") {
  const dnalm::model network = dnalm_test::kmer_model();
  const one_short_sequence work(network);
  const attribution_targets targets(network, work.probe);
  const std::vector<std::string> two(work.sequences.begin() + 65, work.sequences.begin() + 67);
  for (const int threads : {1, 2}) {
    const auto f = dnalm::nucleotide_function(targets, {.threads = threads});
    CHECK(broken_sequence_of([&] { (void)dnalm::saliency(f, work.sequences); }) == 66);
    CHECK(broken_sequence_of([&] { (void)dnalm::token_attribution(targets, work.sequences); }) == 66);
  }
  const one_short_sequence no_float(network, 1e39);  // of one token alone beyond float
  CHECK_THROWS_WITH(
      (void)dnalm::saliency(dnalm::nucleotide_function({network, no_float.probe}, {.threads = 1}), two),
      Catch::Contains("dnalm.numeric.424") && Catch::Contains("sequence 2: target t0, row ") &&
          Catch::Contains(", channel 0, expected finite numbers, found ") && Catch::Contains("inf"));
}

static_assert(dnalm::detail::gradient_rows == dnalm::detail::linear_vjp_most_rows);

TEST_CASE("no batch takes more than the largest one is planned with, whatever of the forward it keeps",
          "[attribution]") {
  // Between two sizes the plan of a network may fall: the larger one has no room for its whole forward pass.
  for (const char* folder : {"supervised/enformer", "supervised/phylogpn", "models/nt_v2_d24_bin"}) {
    INFO(folder);
    const dnalm::model network = dnalm::load_model(dnalm_test::golden_folder / folder);
    dnalm::gradient_request request;
    request.layers = {network.describe().layers()};
    request.hidden = [](index_t, dnalm::matrix_view<const float>, dnalm::matrix_view<float>) {};
    const index_t most = 4096;
    for (const index_t budget : {index_t{1} << 16, index_t{1} << 20, index_t{1} << 23}) {
      request.keep_bytes = budget;
      const index_t planned = dnalm::detail::most_gradient_bytes(network, request, most);
      for (index_t tokens = 128; tokens <= most; tokens += 128) {
        CHECK(network.gradient_bytes(request, tokens, tokens) <= planned);
      }
    }
  }
}
