// SPDX-License-Identifier: Apache-2.0
// Targets of a model's own predictions: their linear outputs, or the predictions; of any head and any rows.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/prediction_head.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/attribution_models.hpp>

namespace {

using dnalm::attribution_targets;
using dnalm::index_t;
using dnalm::prediction_choice;
using dnalm::target_scale;
using dnalm_test::error_id_of;
using dnalm_test::random_bases;

dnalm::model supervised(const std::string& name, dnalm::backend_kind backend = dnalm::backend_kind::cpu) {
  return dnalm::load_model(dnalm_test::golden_folder / "supervised" / name, {.backend = backend});
}

/// Two convolutions of any length: `classes`, 3 numbers a base behind a softmax, and `strength`, 2; if asked
/// for `counts`, these behind a rectifier.
dnalm::model splice_model(bool counts = false) {
  const dnalm::model like = dnalm_test::layer_model();
  const dnalm::tensor_table tensors(
      {{"classes.weight", dnalm::dtype::f32, {3, 4, 5}}, {"strength.weight", dnalm::dtype::f32, {2, 4, 3}}},
      "a file");
  dnalm::graph_builder net("splice", {.before = 4, .after = 4}, tensors);
  const index_t classes = net.convolution(dnalm::graph_builder::input(), "classes");
  const index_t strength = net.convolution(dnalm::graph_builder::input(), "strength");
  net.output("classes", net.place(net.softmax(classes), -2, -2));
  net.output("strength", net.place(strength, -3, -3));
  if (counts) net.output("counts", net.function(net.place(strength, -3, -3), dnalm::activation::relu));
  dnalm::model_description about = like.describe();
  about.name = "splice";
  about.max_tokens = 0;
  about.config = net.take();
  const dnalm::random_source weights(4, 1.0);
  return {like.remade(about.config, weights, 1), about};
}

std::vector<index_t> all_columns(index_t count) {
  std::vector<index_t> columns(static_cast<std::size_t>(count));
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

/// A length that the network reads.
std::string sequence_for(const dnalm::model& network) {
  const index_t fixed = network.describe().max_tokens;
  std::string sequence = random_bases(5, fixed > 0 ? fixed : 192);
  sequence[9] = 'N';
  return sequence;
}

/// What the map of a head makes of one row of linear outputs.
std::vector<double> mapped(const std::string& map, std::vector<double> z) {
  double sum = 0;
  for (const double x : z) sum += std::exp(x);
  for (double& x : z) {
    x = map == "sigmoid"    ? 1.0 / (1.0 + std::exp(-x))
        : map == "softplus" ? std::log1p(std::exp(x))
        : map == "softmax"  ? std::exp(x) / sum
                            : x;
  }
  return z;
}

/// Values, maps and effects of substitutions of targets are of one function.
void check_one_function(const attribution_targets& targets, const std::string& sequence) {
  const std::vector<std::string> sequences = {sequence};
  const auto values = targets.function()(sequences);
  const auto maps = dnalm::saliency(dnalm::nucleotide_function(targets), sequences);
  for (std::size_t t = 0; t < values.size(); ++t) CHECK(maps[t].value == values[t]);
  if (!targets.network().edits_are_exact()) return;
  const std::vector<dnalm::substitution> edits = {{-1, -1}, {3, 0}, {3, 2}, {20, 1}};
  std::vector<double> found(edits.size() * values.size());
  targets.function_of_substitutions().evaluate(sequence, edits, found);
  for (std::size_t e = 0; e < edits.size(); ++e) {
    std::string edited = sequence;
    if (edits[e].letter >= 0) {
      edited[static_cast<std::size_t>(edits[e].position)] = "ACGT"[static_cast<std::size_t>(edits[e].letter)];
    }
    const auto expected = targets.function()(std::vector{edited});
    const auto first = found.begin() + static_cast<std::ptrdiff_t>(e * values.size());
    CHECK(std::equal(expected.begin(), expected.end(), first));
  }
}

}  // namespace

TEST_CASE("the prediction of a network of layers is its map of the linear output that is explained") {
  std::vector<dnalm::model> networks = {splice_model()};
  std::vector<std::string> maps = {"softmax"};
  for (const auto& [name, map] :
       {std::pair{"basset", "sigmoid"}, std::pair{"beluga", "sigmoid"}, std::pair{"sei", "sigmoid"},
        std::pair{"deepsea_variant_effects", "sigmoid"}, std::pair{"enformer", "softplus"},
        std::pair{"legnet", ""}, std::pair{"phylogpn", ""}}) {
    networks.push_back(supervised(name));
    maps.emplace_back(map);
  }
  for (std::size_t n = 0; n < networks.size(); ++n) {
    const dnalm::model& network = networks[n];
    INFO(network.describe().name);
    const dnalm::prediction_head head = dnalm::prediction_heads(network).front();
    CHECK(head.map == maps[n]);
    CHECK_FALSE(head.averaged);
    const std::string sequence = sequence_for(network);
    const auto columns = all_columns(head.columns);
    const auto rows = network.state_rows(head.state, static_cast<index_t>(sequence.size()));
    prediction_choice choice{.rows = dnalm::row_interval{rows - 1, rows}};
    const auto linear = attribution_targets::of_logits(network, columns, choice);
    choice.scale = target_scale::prediction;
    const auto predicted = attribution_targets::of_logits(network, columns, choice);
    const auto z = linear.function()(std::vector{sequence});
    const auto p = predicted.function()(std::vector{sequence});
    const auto expected = mapped(head.map, z);
    // Both are float numbers of a size of some units.
    for (std::size_t c = 0; c < p.size(); ++c) CHECK(p[c] == Approx(expected[c]).epsilon(1e-5).margin(1e-6));
    CHECK((z == p) == head.map.empty());
    check_one_function(linear, sequence);
    check_one_function(predicted, sequence);
  }
}

TEST_CASE("the gradient of a probability is p (1 - p) times that of its linear output") {
  for (const auto backend : {dnalm::backend_kind::reference, dnalm::backend_kind::cpu}) {
    const dnalm::model network = supervised("basset", backend);
    const std::vector<index_t> column = {1};
    const std::vector<std::string> sequences = {sequence_for(network)};
    const auto map_of = [&](target_scale scale) {
      const auto targets = attribution_targets::of_logits(network, column, {.scale = scale});
      return dnalm::saliency(dnalm::nucleotide_function(targets), sequences).front();
    };
    const auto linear = map_of(target_scale::linear);
    const auto predicted = map_of(target_scale::prediction);
    const double p = predicted.value;
    CHECK(linear.value == Approx(std::log(p / (1 - p))).epsilon(1e-5));
    double largest = 0;
    for (const double g : predicted.map.values) largest = std::max(largest, std::abs(g));
    REQUIRE(largest > 0);
    for (std::size_t i = 0; i < linear.map.values.size(); ++i) {
      CHECK(std::abs(predicted.map.values[i] - p * (1 - p) * linear.map.values[i]) < 1e-5 * largest);
    }
  }
}

TEST_CASE("contributions add up to differences of the linear output") {
  const dnalm::model network = supervised("basset");
  const std::vector<index_t> columns = {0};
  const auto targets = attribution_targets::of_logits(network, columns);
  const std::string sequence = sequence_for(network);
  std::string other = random_bases(6, 600);
  other[9] = 'N';
  const auto f = targets.function()(std::vector{sequence, other});
  const auto p = attribution_targets::of_logits(network, columns, {.scale = target_scale::prediction})
                     .function()(std::vector{sequence, other});
  const auto map = dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(std::vector{other}));
  CHECK(map.value == f[0]);
  double sum = 0;
  for (const double value : dnalm::times_input(map.hypothetical, sequence).values) sum += value;
  CHECK(sum == Approx(f[0] - f[1]).epsilon(1e-4));
  CHECK(std::abs(sum - (p[0] - p[1])) > 0.1 * std::abs(sum));
}

TEST_CASE("predictions averaged over strands or members have the mean of linear outputs") {
  const dnalm::model network = supervised("deepsea_predict");
  const dnalm::prediction_head head = dnalm::prediction_heads(network).front();
  CHECK(head.map == "sigmoid");
  CHECK(head.averaged);
  const std::vector<index_t> columns = {0, 1};
  const auto targets = attribution_targets::of_logits(network, columns);
  CHECK(targets.scale_words() == "mean of what the network's last sigmoid is applied to");
  const std::string sequence = sequence_for(network);
  check_one_function(targets, sequence);
  const auto f = targets.function()(std::vector{sequence, dnalm::reverse_complement(sequence)});
  CHECK(f[0] == Approx(f[2]).epsilon(1e-5));
}

TEST_CASE("the words for a target fit what the network ends in, and its name") {
  const std::vector<index_t> column = {1};
  const auto words = [&](const dnalm::model& network, const std::string& head, dnalm::target_scale scale) {
    const auto targets = attribution_targets::of_logits(network, column, {.head = head, .scale = scale});
    return targets.name(0) + ", " + targets.scale_words();
  };
  const dnalm::model network = splice_model(true);
  using dnalm::target_scale;
  CHECK(words(network, "classes", target_scale::linear) ==
        "classes logit 1, what the network's last softmax is applied to");
  CHECK(words(network, "strength", target_scale::linear) == "strength logit 1, linear output of the network");
  CHECK(words(network, "counts", target_scale::prediction) ==
        "counts prediction 1, prediction of the network");
  CHECK(words(dnalm_test::gpn_model(), "", target_scale::prediction) ==
        "logit 1, logit of the language model");
}

TEST_CASE("every head of a network can be explained, by its name") {
  const dnalm::model network = supervised("enformer");
  const auto heads = dnalm::prediction_heads(network);
  REQUIRE(heads.size() == 2);
  CHECK(heads[0].name == "human");
  CHECK(heads[1].name == "mouse");
  CHECK(heads[1].columns == 3);
  const std::vector<index_t> last = {2};
  const auto mouse = attribution_targets::of_logits(network, last, {.head = "mouse"});
  CHECK(mouse.name(0) == "mouse logit 2");
  const std::string sequence = sequence_for(network);
  check_one_function(mouse, sequence);
  const auto human = attribution_targets::of_logits(network, last, {.head = "human"});
  const auto first = attribution_targets::of_logits(network, last);
  const auto value = [&](const attribution_targets& targets) {
    return targets.function()(std::vector{sequence}).front();
  };
  CHECK(value(human) == value(first));
  CHECK(value(mouse) != value(first));
  const dnalm::model splice = splice_model();
  const std::vector<index_t> column = {1};
  check_one_function(attribution_targets::of_logits(splice, column, {.head = "strength"}),
                     random_bases(1, 40));
  const std::vector<index_t> beyond = {3};
  CHECK(error_id_of([&] { (void)attribution_targets::of_logits(network, beyond, {.head = "mouse"}); }) ==
        "dnalm.usage.802");
  try {
    (void)attribution_targets::of_logits(network, last, {.head = "rat"});
    FAIL("no error");
  } catch (const dnalm::error& e) {
    CHECK(e.id() == "dnalm.usage.871");
    CHECK(std::string(e.what()).find("'human', 'mouse'") != std::string::npos);
  }
}

TEST_CASE("the mean over chosen rows is that of targets at each of them") {
  const std::string sequence = random_bases(2, 40);
  for (const dnalm::model& network :
       {splice_model(), dnalm_test::gpn_model(), dnalm_test::hyena_model(), dnalm_test::kmer_model()}) {
    INFO(network.describe().name);
    const std::vector<index_t> columns = {2, 0};
    const auto at = [&](index_t first, index_t end) {
      return attribution_targets::of_logits(network, columns, {.rows = dnalm::row_interval{first, end}});
    };
    const auto value = [&](const attribution_targets& targets) {
      return targets.function()(std::vector{sequence});
    };
    CHECK(at(3, 5).name(1) == "logit 0, rows 3:5");
    const auto both = value(at(3, 5));
    const auto first = value(at(3, 4));
    const auto second = value(at(4, 5));
    for (std::size_t t = 0; t < 2; ++t) {
      CHECK(both[t] == Approx((first[t] + second[t]) / 2).epsilon(1e-12));
      CHECK(first[t] != second[t]);
    }
    check_one_function(at(3, 5), sequence);
    check_one_function(at(0, 1), sequence);
  }
}

TEST_CASE("a logit at a token is that of a pass, also of a token that is special") {
  const dnalm::model network = dnalm_test::kmer_model();
  REQUIRE(network.describe().has_cls());
  const std::string sequence = random_bases(2, 18);
  const auto ids = network.tokenize(sequence).ids;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  dnalm::forward_workspace workspace;
  network.logits(
      {ids, offsets},
      [&](dnalm::matrix_view<const float> logits) {
        for (const index_t row : {index_t{0}, index_t{4}}) {
          const std::vector<index_t> column = {7};
          const auto targets =
              attribution_targets::of_logits(network, column, {.rows = dnalm::row_interval{row, row + 1}});
          CHECK(targets.function()(std::vector{sequence}).front() == static_cast<double>(logits(row, 7)));
        }
      },
      workspace);
}

TEST_CASE("rows that are none, or that a sequence's output has not, are errors") {
  const std::vector<index_t> columns = {0};
  for (const dnalm::model& network : {splice_model(), dnalm_test::gpn_model()}) {
    INFO(network.describe().name);
    const auto of = [&](index_t first, index_t end) {
      return attribution_targets::of_logits(network, columns, {.rows = dnalm::row_interval{first, end}});
    };
    for (const auto& [first, end] : {std::pair{-1, 3}, std::pair{3, 3}, std::pair{4, 2}}) {
      CHECK(error_id_of([&, f = first, e = end] { (void)of(f, e); }) == "dnalm.usage.872");
    }
    const auto targets = of(20, 31);
    const std::vector<std::string> sequences = {random_bases(1, 40), random_bases(2, 30)};
    const std::string expected = "dnalm.usage.872";
    const auto second =
        Catch::Contains("[dnalm.usage.872]: rows that an output has not, in sequence 2, expected rows of 0:");
    CHECK_THROWS_WITH((void)targets.function()(sequences), second);
    CHECK_THROWS_WITH((void)dnalm::saliency(dnalm::nucleotide_function(targets), sequences), second);
    CHECK_THROWS_WITH((void)dnalm::token_attribution(targets, sequences), second);
    // Mutants of the second sequence come behind those of the first.
    CHECK_THROWS_WITH((void)dnalm::find_substitution_effects(sequences, targets.function()), second);
    CHECK_THROWS_WITH((void)dnalm::find_substitution_effects(sequences, targets.function_of_substitutions()),
                      second);
    const auto references = dnalm::sequence_references(std::vector{random_bases(3, 30)});
    CHECK(error_id_of([&] { (void)dnalm::deep_lift(targets, 0, sequences[1], references); }) == expected);
    const auto effects = [&] {
      (void)dnalm::find_substitution_effects(std::vector{sequences[1]}, targets.function_of_substitutions());
    };
    CHECK(error_id_of(effects) == expected);
  }
}

TEST_CASE("values of predictions do not depend on threads, memory or other sequences") {
  const dnalm::model network = splice_model();
  const std::vector<index_t> columns = {0, 2};
  const auto targets = attribution_targets::of_logits(network, columns);
  std::vector<std::string> sequences;
  for (std::uint64_t i = 0; i < 9; ++i)
    sequences.push_back(random_bases(i, 20 + static_cast<index_t>(13 * i)));
  const auto together = targets.function({.threads = 1})(sequences);
  CHECK(dnalm_test::same_bits(targets.function({.threads = 3, .memory = 1 << 12})(sequences), together));
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto alone = targets.function()(std::vector{sequences[s]});
    CHECK(alone[0] == together[2 * s]);
    CHECK(alone[1] == together[2 * s + 1]);
  }
}
