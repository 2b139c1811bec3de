// SPDX-License-Identifier: Apache-2.0
// Against tangermeme in float64 (tests/golden/make/make_tangermeme.py): saturation mutagenesis,
// marginalisation and spacing are the same numbers; contributions by two of its DeepLIFT rules do not add up
// to the difference of the outputs, those of the library do.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/models/multiplier_runs.hpp>
#include <unit/models/supervised_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_map;
using dnalm_test::read_numbers;

const dnalm::io::safetensors_file& golden() {
  static const dnalm::io::safetensors_file file(dnalm_test::golden_folder /
                                                "attribution/tangermeme.safetensors");
  return file;
}

/// Sequences of a tensor of letters, `length` each.
std::vector<std::string> texts_of(const std::string& name) {
  const auto letters = read_numbers(golden(), name);
  const auto& shape = golden().tensor(name).info.shape;
  std::vector<std::string> texts(letters.size() / static_cast<std::size_t>(shape.back()));
  for (std::size_t i = 0; i < letters.size(); ++i) {
    texts[i / static_cast<std::size_t>(shape.back())] += static_cast<char>(letters[i]);
  }
  return texts;
}

std::vector<std::int32_t> tokens_of(const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const char letter : text) ids.push_back(dnalm::base_code(letter));
  return ids;
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

// --- the golden Basset ------------------------------------------------------------------------------------

/// Its predictions in double, a pass for each sequence.
dnalm::sequence_function basset_in_double() {
  const auto folder = dnalm_test::golden_supervised / "basset";
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                        "basset");
  const auto network =
      std::make_shared<const dnalm::reference_layers>(dnalm::reference_backend(), graph, source);
  const index_t prediction = graph.results();
  return {.outputs = 7, .evaluate = [=](std::span<const std::string> sequences, std::span<double> values) {
            dnalm::reference_layers::workspace workspace;
            auto out = values.begin();
            for (const std::string& sequence : sequences) {
              const std::vector<std::int32_t> ids = tokens_of(sequence);
              dnalm::ragged_offsets offsets;
              offsets.append(static_cast<index_t>(ids.size()));
              const auto take = [&](index_t state, dnalm::matrix_view<const double> x) {
                if (state == prediction) out = std::copy_n(x.row_data(0), x.columns, out);
              };
              network->forward({ids, offsets}, take, nullptr, workspace);
            }
          }};
}

/// Both sum in double, in another order: 1e-12 of predictions between 0 and 1.
constexpr double of_doubles = 1e-12;

void check_mutagenesis(const dnalm::substitution_effects& found, const std::string& sequence, double bound) {
  const auto values = read_numbers(golden(), "mutagenesis.reference");
  REQUIRE(found.reference.size() == values.size());
  for (std::size_t c = 0; c < values.size(); ++c) CHECK(std::abs(found.reference[c] - values[c]) < bound);
  const nucleotide_map map = dnalm::centred(found.effects.front(), sequence, dnalm::effect_centring::mean4);
  const auto expected = read_numbers(golden(), "mutagenesis");
  double largest = 0;
  for (index_t a = 0; a < 4; ++a) {
    for (index_t i = 240; i < 360; ++i) {
      const double value = expected[static_cast<std::size_t>(a * 120 + i - 240)];
      CHECK(std::abs(map(a, i) - value) < bound);
      largest = std::max(largest, std::abs(value));
    }
  }
  CHECK(largest > 1e3 * bound);
  double sizes = 0;
  for (const double value : map.values) sizes += std::abs(value);
  CHECK(std::abs(sizes - read_numbers(golden(), "mutagenesis.sizes")[0]) <
        bound * static_cast<double>(map.values.size()));
}

TEST_CASE("saturation mutagenesis of tangermeme is raw effects less the mean of four", "[attribution]") {
  const std::string sequence = texts_of("sequence").front();
  const std::vector<std::string> sequences = {sequence};
  check_mutagenesis(dnalm::find_substitution_effects(sequences, basset_in_double()).front(), sequence,
                    of_doubles);
}

TEST_CASE("what edits reach in float gives tangermeme's mutagenesis to the rounding of predictions",
          "[attribution]") {
  const std::string sequence = texts_of("sequence").front();
  const std::vector<std::string> sequences = {sequence};
  const dnalm::model network = dnalm::load_model(dnalm_test::golden_supervised / "basset");
  // Predictions between 0 and 1 behind eight layers of sums in float: ten roundings of 6e-8.
  check_mutagenesis(dnalm::find_substitution_effects(sequences, dnalm::predictions_of_edits(network)).front(),
                    sequence, 6e-7);
}

TEST_CASE("marginalisation of tangermeme is the effect of a planted motif in each background",
          "[attribution]") {
  const dnalm::global_importance importance(basset_in_double(), texts_of("backgrounds"));
  const auto compare = [](const dnalm::global_effect& found, const std::vector<double>& expected) {
    REQUIRE(found.effects.size() == expected.size());
    double largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(std::abs(found.effects[i] - expected[i]) < of_doubles);
      largest = std::max(largest, std::abs(expected[i]));
    }
    CHECK(largest > 1e-4);
    for (std::size_t c = 0; c < 7; ++c) {
      double mean = 0;
      for (std::size_t n = 0; n < 5; ++n) mean += expected[7 * n + c] / 5;
      CHECK(std::abs(found.outputs[c].mean - mean) < of_doubles);
    }
  };
  const dnalm::planted_motif motif{"TGACTCA", 300 - 7 / 2};
  compare(importance.effect({&motif, 1}), read_numbers(golden(), "marginal"));
  const auto spacing = read_numbers(golden(), "spacing");
  const index_t gaps[] = {5, 12};
  for (std::size_t k = 0; k < 2; ++k) {
    const index_t start = 300 - (7 + gaps[k] + 6) / 2;
    const std::vector<dnalm::planted_motif> both = {{"TGACTCA", start}, {"GATAAG", start + 7 + gaps[k]}};
    std::vector<double> expected;
    for (std::size_t n = 0; n < 5; ++n) {
      expected.insert(expected.end(), spacing.begin() + static_cast<std::ptrdiff_t>(7 * (2 * n + k)),
                      spacing.begin() + static_cast<std::ptrdiff_t>(7 * (2 * n + k + 1)));
    }
    compare(importance.effect(both), expected);
  }
}

// --- rules of DeepLIFT ------------------------------------------------------------------------------------

/// The tensors of a small network of the golden file.
class stored_source final : public dnalm::weight_source {
 public:
  explicit stored_source(std::string network) : network_(std::move(network)) {}
  [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return true; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }
  [[nodiscard]] dnalm::tensor_table table() const {
    std::vector<dnalm::io::tensor_info> tensors;
    for (const char* name : {"convolution.weight", "convolution.bias", "dense.weight", "dense.bias"}) {
      tensors.push_back({.name = name, .shape = golden().tensor(network_ + "." + name).info.shape});
    }
    return {tensors, network_};
  }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    dnalm::io::read_stored(golden().tensor(network_ + "." + tensor.name), out);
  }
  std::string network_;
};

/// A convolution and ReLU, then a max-pool whose windows overlap, or a softmax of three outputs.
dnalm::reference_layers small_network(const std::string& name, index_t length) {
  const stored_source source(name);
  const dnalm::tensor_table table = source.table();
  dnalm::graph_builder net(name, {.length = length}, table);
  index_t x = net.relu(net.convolution(dnalm::graph_builder::input(), "convolution"));
  if (name == "overlap") x = net.max_pool(x, {4, 2});
  x = net.dense(net.flatten(x, true), "dense");
  if (name == "softmax") x = net.softmax(x);
  net.output("prediction", x);
  return {dnalm::reference_backend(), net.take(), source};
}

/// Hypothetical contributions (4, L) and f(x) - f(r) of a pair, prediction 0.
struct explained_pair {
  std::vector<double> hypothetical = {};
  double difference = 0;
};
/// Pairs of sequences of one length in one batch.
std::vector<explained_pair> explain(const dnalm::reference_layers& network,
                                    std::span<const std::string> sequences,
                                    std::span<const std::string> references) {
  const auto length = static_cast<index_t>(sequences.front().size());
  const auto pairs = static_cast<index_t>(sequences.size());
  dnalm_test::pair_batch batch;
  for (const auto& side : {sequences, references}) {
    for (const std::string& text : side) {
      const std::vector<std::int32_t> ids = tokens_of(text);
      batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
      batch.offsets.append(length);
    }
  }
  std::vector<explained_pair> found(sequences.size());
  dnalm::basic_gradient_request<double> request;
  request.pairs = true;
  request.logits = [&](dnalm::matrix_view<const double> x, dnalm::matrix_view<double> g) {
    for (index_t p = 0; p < pairs; ++p) {
      found[static_cast<std::size_t>(p)].difference = x(p, 0) - x(pairs + p, 0);
      g(p, 0) = g(pairs + p, 0) = 1;
    }
  };
  const auto receive = [&](const dnalm::basic_input_gradient<double>& by) {
    for (index_t p = 0; p < pairs; ++p) {
      for (index_t b = 0; b < 4; ++b) {
        for (index_t i = p * length; i < (p + 1) * length; ++i) {
          const index_t own = batch.ids[static_cast<std::size_t>(pairs * length + i)];
          found[static_cast<std::size_t>(p)].hypothetical.push_back(by.words(i, b) - by.words(i, own));
        }
      }
    }
  };
  dnalm::reference_layers::workspace workspace;
  network.gradient(batch.tokens(), request, receive, workspace);
  return found;
}

/// Sum over the bases of a sequence of a map (4, L).
double contributions(const std::vector<double>& map, const std::string& sequence) {
  std::vector<double> own;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    own.push_back(map[static_cast<std::size_t>(dnalm::base_code(sequence[i])) * sequence.size() + i]);
  }
  return sum(own);
}

TEST_CASE("where windows of a max-pool overlap contributions keep the sum, tangermeme's lose half of it",
          "[attribution][deep_lift]") {
  const auto sequences = texts_of("overlap.sequences");
  const std::string& sequence = sequences.front();
  const explained_pair found =
      explain(small_network("overlap", 40), sequences, texts_of("overlap.references")).front();
  const double difference = read_numbers(golden(), "overlap.differences")[0];
  CHECK(std::abs(found.difference - difference) < 1e-13);
  CHECK(std::abs(contributions(found.hypothetical, sequence) - difference) < 1e-13);
  const double theirs = contributions(read_numbers(golden(), "overlap.hypothetical"), sequence);
  CHECK(std::abs(theirs - difference) > 0.5 * std::abs(difference));
}

TEST_CASE("a softmax's contributions keep the sum and know no company, tangermeme's do neither",
          "[attribution][deep_lift]") {
  const auto sequences = texts_of("softmax.sequences");
  const auto references = texts_of("softmax.references");
  const auto differences = read_numbers(golden(), "softmax.differences");
  const auto network = small_network("softmax", 16);
  const auto theirs = read_numbers(golden(), "softmax.hypothetical");
  const auto alone = read_numbers(golden(), "softmax.alone");
  const std::vector<explained_pair> both = explain(network, sequences, references);
  REQUIRE(both.size() == 2);
  for (std::size_t s = 0; s < 2; ++s) {
    const explained_pair own =
        explain(network, std::span(&sequences[s], 1), std::span(&references[s], 1)).front();
    CHECK(std::abs(own.difference - differences[s]) < 1e-13);
    CHECK(std::abs(contributions(own.hypothetical, sequences[s]) - differences[s]) < 1e-13);
    CHECK(dnalm_test::same_bits(both[s].hypothetical, own.hypothetical));
    CHECK(both[s].difference == own.difference);
  }
  const std::vector<double> first(theirs.begin(), theirs.begin() + 64);
  CHECK(std::abs(contributions(alone, sequences[0]) - differences[0]) > 1e-2 * std::abs(differences[0]));
  CHECK(std::abs(contributions(first, sequences[0]) - contributions(alone, sequences[0])) >
        1e-2 * std::abs(differences[0]));
}

}  // namespace
