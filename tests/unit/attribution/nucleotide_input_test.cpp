// SPDX-License-Identifier: Apache-2.0
// Words' rows as a function of nucleotide weights, and its adjoint.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/catch.hpp>
#include <unit/attribution/attribution_models.hpp>
#include <unit/models/gradient_golden_runs.hpp>
#include <unit/models/supervised_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm::nucleotide_entry;
using dnalm::nucleotide_input;
using dnalm::nucleotide_weights;
using dnalm_test::error_id_of;
using dnalm_test::random_bases;

dnalm::matrix<double> rows_of(const nucleotide_input& input, const dnalm::nucleotide_layout& layout,
                              const nucleotide_weights& weights, index_t width) {
  dnalm::matrix<double> rows(layout.tokens.size(), width);
  input.rows(layout, weights, rows.view());
  return rows;
}

nucleotide_weights random_weights(index_t length, std::uint64_t seed, std::int32_t reference_token) {
  dnalm::philox random(seed, 5);
  nucleotide_weights weights{.letters = dnalm::nucleotide_map(length)};
  for (double& value : weights.letters.values) value = random.uniform();
  if (reference_token < 0) return weights;
  weights.reference_token = reference_token;
  for (index_t i = 0; i < length; ++i) weights.rest.push_back(random.uniform());
  return weights;
}

/// A number of a network's last hidden state in double: <u, hidden>, u as fill_formula gives it.
template <class Network>
class double_number {
 public:
  double_number(const Network& network, const nucleotide_input& input, const dnalm::nucleotide_layout& layout)
      : network_(network), input_(input), layout_(layout) {
    offsets_.append(layout.tokens.size());
  }
  [[nodiscard]] double value(const nucleotide_weights& weights) {
    const index_t width = network_.config().summary().width;
    const index_t last = network_.config().summary().layers;
    const auto rows = rows_of(input_, layout_, weights, width);
    double sum = 0;
    const auto take = [&](index_t layer, dnalm::matrix_view<const double> hidden) {
      if (layer != last) return;
      dnalm::matrix<double> u(hidden.rows, hidden.columns);
      dnalm_test::fill_formula("hidden", u.view());
      for (index_t r = 0; r < hidden.rows; ++r) {
        for (index_t c = 0; c < hidden.columns; ++c) sum += u(r, c) * hidden(r, c);
      }
    };
    network_.forward({layout_.tokens.ids, offsets_}, take, nullptr, workspace_, rows.view());
    return sum;
  }
  [[nodiscard]] nucleotide_weights gradient(const nucleotide_weights& weights) {
    const auto rows = rows_of(input_, layout_, weights, network_.config().summary().width);
    dnalm::basic_gradient_request<double> request;
    request.layers = {network_.config().summary().layers};
    request.hidden = [](index_t, dnalm::matrix_view<const double>, dnalm::matrix_view<double> g) {
      dnalm_test::fill_formula("hidden", g);
    };
    request.tokens = true;
    request.word_rows = rows.view();
    nucleotide_weights found;
    const auto take = [&](const dnalm::basic_input_gradient<double>& g) {
      input_.gradient(layout_, weights, g.words, g.tokens, found);
    };
    network_.gradient({layout_.tokens.ids, offsets_}, request, take, workspace_);
    return found;
  }

 private:
  const Network& network_;
  const nucleotide_input& input_;
  const dnalm::nucleotide_layout& layout_;
  dnalm::ragged_offsets offsets_;
  typename Network::workspace workspace_;
};

/// Central differences with a step of 1e-5 against the gradient, by every weight of every base and by the
/// reference token. Their error is h^2 / 6 of the third derivative and 1e-16 / h of the value: 1e-7 of the
/// largest entry.
template <class Network>
void check_differences(const Network& network, const nucleotide_input& input, const std::string& sequence,
                       const nucleotide_weights& weights) {
  const auto layout = input.layout(sequence);
  double_number<Network> number(network, input, layout);
  const nucleotide_weights gradient = number.gradient(weights);
  double largest = 0;
  for (const double g : gradient.letters.values) largest = std::max(largest, std::abs(g));
  REQUIRE(largest > 0);
  constexpr double h = 1e-5;
  const auto difference = [&](double& weight, nucleotide_weights& moved) {
    const double before = weight;
    weight = before + h;
    const double above = number.value(moved);
    weight = before - h;
    const double below = number.value(moved);
    weight = before;
    return (above - below) / (2 * h);
  };
  nucleotide_weights moved = weights;
  for (std::size_t i = 0; i < moved.letters.values.size(); ++i) {
    INFO("weight " << i);
    CHECK(std::abs(difference(moved.letters.values[i], moved) - gradient.letters.values[i]) < 1e-7 * largest);
  }
  for (std::size_t i = 0; i < moved.rest.size(); ++i) {
    INFO("reference token at " << i);
    CHECK(std::abs(difference(moved.rest[i], moved) - gradient.rest[i]) < 1e-7 * largest);
  }
}

dnalm::reference_encoder double_encoder(const dnalm::model& twin) {
  const auto& config = std::get<dnalm::encoder_config>(twin.describe().config);
  return {dnalm::reference_backend(), config,
          dnalm::random_source(3, twin.describe().summary().initializer_range)};
}

}  // namespace

TEST_CASE("one-hot weights give the rows that the model looks up, for letters and k-mers") {
  for (const dnalm::model& network :
       {dnalm_test::kmer_model(), dnalm_test::overlapping_model(), dnalm_test::hyena_model(),
        dnalm_test::caduceus_model(), dnalm_test::gpn_model(), dnalm_test::layer_model()}) {
    INFO(network.describe().architecture_name());
    const nucleotide_input input(network);
    std::string sequence = random_bases(1, 31);
    if (input.unknown_token() >= 0) sequence[7] = 'N';
    const auto layout = input.layout(sequence);
    const index_t width = network.describe().width();
    dnalm::matrix<float> expected(layout.tokens.size(), width);
    network.word_rows(layout.tokens.ids, expected.view());
    dnalm::matrix<float> found(layout.tokens.size(), width);
    input.rows(layout, dnalm::one_hot_weights(sequence), found.view());
    CHECK(std::equal(found.data(), found.data() + found.rows() * width, expected.data()));
  }
}

TEST_CASE("tokens tell how bases enter: letters, k-mers, pieces") {
  const nucleotide_input letters(dnalm_test::hyena_model());
  CHECK(letters.entry() == nucleotide_entry::letters);
  CHECK(letters.token_letters() == 1);
  CHECK(letters.unknown_token() >= 0);
  const nucleotide_input kmers(dnalm_test::kmer_model());
  CHECK(kmers.entry() == nucleotide_entry::kmers);
  CHECK(kmers.token_letters() == 3);
  CHECK(kmers.unknown_token() < 0);
  CHECK(kmers.letter_token(0) >= 0);
  const auto layout = kmers.layout("ACGTTANACGA");  // CLS ACG TTA N ACG A
  CHECK(layout.letters == std::vector<std::int8_t>{0, 3, 3, 0, 3, 1});
  const nucleotide_input overlapping(dnalm_test::overlapping_model());
  CHECK(overlapping.entry() == nucleotide_entry::kmers);
  CHECK(overlapping.layout("ACGTA").letters == std::vector<std::int8_t>{0, 3, 3, 3, 0});
  const nucleotide_input pieces(dnalm_test::piece_model());
  CHECK(pieces.entry() == nucleotide_entry::pieces);
  CHECK(error_id_of([&] { pieces.require_nucleotides(); }) == "dnalm.unsupported.804");
}

TEST_CASE("the gradient by nucleotides equals central differences in double, for k-mers at any weights") {
  const dnalm::model twin = dnalm_test::kmer_model();
  const nucleotide_input input(twin);
  const auto network = double_encoder(twin);
  const std::string sequence = random_bases(2, 11);  // three 3-mers and two letters
  check_differences(network, input, sequence, dnalm::one_hot_weights(sequence));
  check_differences(network, input, sequence, random_weights(11, 1, input.mask_token()));
}

TEST_CASE("the gradient by nucleotides equals central differences in double, for overlapping k-mers") {
  const dnalm::model twin = dnalm_test::overlapping_model();
  const nucleotide_input input(twin);
  const auto network = double_encoder(twin);
  const std::string sequence = random_bases(3, 9);
  check_differences(network, input, sequence, dnalm::one_hot_weights(sequence));
  check_differences(network, input, sequence, random_weights(9, 2, input.mask_token()));
}

TEST_CASE("the gradient by nucleotides equals central differences in double, for letters") {
  const dnalm::model hyena = dnalm_test::hyena_model();
  const nucleotide_input input(hyena);
  const auto network = dnalm_test::golden_network<dnalm::hyena_network>(
      dnalm_test::golden_folder / "hyena" / "hub", dnalm::reference_backend());
  const std::string sequence = "ACGTTNACGA";
  check_differences(network, input, sequence, dnalm::one_hot_weights(sequence));
  check_differences(network, input, sequence, random_weights(10, 3, input.unknown_token()));
}

TEST_CASE("the gradient by nucleotides equals central differences in double, for GPN, Caduceus and layers") {
  const auto check = [](const auto& network, const dnalm::model& twin, const std::string& sequence,
                        std::uint64_t seed) {
    INFO(twin.describe().architecture_name());
    const nucleotide_input input(twin);
    check_differences(network, input, sequence, dnalm::one_hot_weights(sequence));
    const auto length = static_cast<index_t>(sequence.size());
    check_differences(network, input, sequence, random_weights(length, seed, input.unknown_token()));
  };
  const dnalm::reference_backend backend;
  const auto gpn = dnalm_test::golden_folder / "convnets" / "gpn_7";
  check(dnalm_test::golden_network<dnalm::convnet>(gpn, backend), dnalm::load_model(gpn), "ACGTTNACGA", 4);
  const auto caduceus = dnalm_test::golden_folder / "caduceus" / "ps";
  check(dnalm_test::golden_network<dnalm::caduceus_network>(caduceus, backend), dnalm::load_model(caduceus),
        "ACGTTNACGA", 5);
  // Attention and pooling by a softmax behind convolutions.
  const auto folder = dnalm_test::golden_supervised / "enformer";
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                        "enformer");
  check(dnalm::reference_layers(backend, graph, source), dnalm::load_model(folder),
        random_bases(6, 20) + "N" + random_bases(7, 27), 6);
}

TEST_CASE("rows of many k-mers are products, close to sums in double, each of its own weights alone") {
  // NT-v2 with all 6-mers: 4096 words a token.
  const dnalm::model network = dnalm_test::six_mer_model();
  const nucleotide_input input(network);
  REQUIRE(input.token_letters() == 6);
  const dnalm::matrix<float> some(8, 4);
  REQUIRE(network.pack_product(some.view()) != nullptr);
  CHECK(dnalm_test::six_mer_model({.backend = dnalm::backend_kind::reference}).pack_product(some.view()) ==
        nullptr);
  CHECK(dnalm_test::six_mer_model({.weights = dnalm::weight_format::bf16}).pack_product(some.view()) !=
        nullptr);
  std::string sequence = random_bases(5, 6 * 130 + 2);  // more tokens than a product takes at a time
  sequence[40] = 'N';
  const auto layout = input.layout(sequence);
  dnalm::philox random(4, 9);
  for (const bool token : {false, true}) {
    nucleotide_weights weights = dnalm::one_hot_weights(sequence);
    for (index_t i = 30; i < weights.letters.length; ++i) {
      for (index_t a = 0; a < 4; ++a) weights.letters(a, i) = random.uniform();
    }
    if (token) {
      weights.reference_token = input.mask_token();
      weights.rest.assign(sequence.size(), 0.0);
      for (double& q : weights.rest) q = random.uniform();
    }
    const index_t width = network.describe().width();
    const index_t tokens = layout.tokens.size();
    dnalm::matrix<double> exact(tokens, width);
    dnalm::matrix<float> found(tokens, width);
    input.rows(layout, weights, exact.view());
    input.rows(layout, weights, found.view());
    // Float: 64 products summed in a chain, whose terms are below the row of absolute numbers.
    double gap = 0;
    double largest = 0;
    for (index_t i = 0; i < tokens * width; ++i) {
      gap = std::max(gap, std::abs(exact.data()[i] - static_cast<double>(found.data()[i])));
      largest = std::max(largest, std::abs(exact.data()[i]));
    }
    CHECK(largest > 0);
    CHECK(gap < 1e-5 * largest);
    // The last 27 bases alone: the same tokens, and the same bits.
    constexpr index_t count = 27;
    const std::string part = sequence.substr(sequence.size() - count);
    const auto own = input.layout(part);
    const index_t skipped = tokens - own.tokens.size();
    nucleotide_weights cut = weights;
    cut.letters = dnalm::nucleotide_map(count);
    if (token) cut.rest.assign(weights.rest.end() - count, weights.rest.end());
    for (index_t i = 0; i < count; ++i) {
      for (index_t a = 0; a < 4; ++a)
        cut.letters(a, i) = weights.letters(a, weights.letters.length - count + i);
    }
    dnalm::matrix<float> alone(own.tokens.size(), width);
    input.rows(own, cut, alone.view());
    for (index_t t = 1; t < own.tokens.size(); ++t) {  // 0: CLS
      CHECK(std::equal(alone.view().row_data(t), alone.view().row_data(t) + width,
                       found.view().row_data(skipped + t)));
    }
  }
}

TEST_CASE("a base that is N has no gradient, and fixed tokens keep their rows") {
  const nucleotide_input input(dnalm_test::hyena_model());
  const auto layout = input.layout("ACNT");
  dnalm::matrix<double> words(layout.tokens.size(), 36);
  std::fill_n(words.data(), words.rows() * words.columns(), 1.0);
  nucleotide_weights gradient;
  input.gradient(layout, dnalm::one_hot_weights("ACNT"), dnalm::matrix_view<const double>(words.view()), {},
                 gradient);
  for (index_t a = 0; a < 4; ++a) {
    CHECK(gradient.letters(a, 2) == 0.0);
    CHECK(gradient.letters(a, 1) != 0.0);
  }
  const auto at_zero = rows_of(input, layout, {.letters = dnalm::nucleotide_map(4)}, 36);
  const auto at_sequence = rows_of(input, layout, dnalm::one_hot_weights("ACNT"), 36);
  for (index_t c = 0; c < 36; ++c) {
    CHECK(at_zero(2, c) == at_sequence(2, c));
    CHECK(at_zero(0, c) == 0.0);
  }
}

TEST_CASE("weights that do not fit are refused") {
  const nucleotide_input input(dnalm_test::kmer_model());
  const auto layout = input.layout("ACGTTA");
  dnalm::matrix<double> rows(layout.tokens.size(), 48);
  const auto id_of = [&](const nucleotide_weights& weights) {
    return error_id_of([&] { input.rows(layout, weights, rows.view()); });
  };
  CHECK(id_of(dnalm::one_hot_weights("ACGTTA")).empty());
  CHECK(id_of(dnalm::one_hot_weights("ACGTT")) == "dnalm.shape.808");
  nucleotide_weights weights = random_weights(6, 1, input.mask_token());
  weights.reference_token = 4000;
  CHECK(id_of(weights) == "dnalm.shape.808");
  weights.reference_token = input.mask_token();
  weights.rest.pop_back();
  CHECK(id_of(weights) == "dnalm.shape.808");
  nucleotide_weights gradient;
  const auto without_tokens = [&] {
    input.gradient(layout, random_weights(6, 1, -1), dnalm::matrix_view<const double>(rows.view()), {},
                   gradient);
  };
  CHECK(error_id_of(without_tokens) == "dnalm.shape.808");
}
