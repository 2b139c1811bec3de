// SPDX-License-Identifier: Apache-2.0
// DeepLIFT's multipliers through every kind of network: they add up to the difference of the outputs.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/keras_cases.hpp>
#include <unit/models/multiplier_runs.hpp>
#include <unit/models/supervised_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::golden_case;
using dnalm_test::golden_models;
using dnalm_test::multiplier_run;
using dnalm_test::pair_batch;
using dnalm_test::run_multipliers;

bool verbose() {
  return std::getenv("DNALM_TEST_VERBOSE") != nullptr;
}

void report(const std::string& name, const multiplier_run& run) {
  if (verbose()) WARN(name << ": words " << run.words_gap() << ", states " << run.worst_state());
}

pair_batch golden_pairs(const std::filesystem::path& inputs, std::int32_t vocabulary,
                        const std::vector<std::int32_t>& kept) {
  const auto batch = dnalm_test::read_batch(dnalm::io::safetensors_file(inputs), "case0.");
  return dnalm_test::with_references(batch.ids, batch.offsets, batch.types, vocabulary, [&](std::int32_t id) {
    return std::find(kept.begin(), kept.end(), id) != kept.end();
  });
}

/// Last hidden state and logits of a network. Double: every step rounds to 1e-16 of its terms, some thousand
/// of them.
template <class Network>
void check_network(const std::string& name, const Network& network, const pair_batch& pairs, double bound) {
  const index_t last = network.config().summary().layers;
  for (const std::string& output : {"hidden." + std::to_string(last), std::string("logits")}) {
    const multiplier_run run = run_multipliers(network, pairs, output);
    INFO(name << " " << output);
    CHECK(std::abs(run.difference) > 1e-6);
    CHECK(run.alike);
    CHECK(static_cast<index_t>(run.states.size()) == last + 1);
    CHECK(run.words_gap() < bound);
    CHECK(run.worst_state() < bound);
    report(name + " " + output, run);
  }
}

template <class Backend>
void check_encoders(const Backend& backend, double bound) {
  const auto cases = dnalm_test::golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    const auto network = dnalm_test::golden_encoder(item, backend);
    const auto& config = network.config();
    const auto pairs =
        golden_pairs(golden_models / item.name / "expected.safetensors",
                     static_cast<std::int32_t>(config.vocabulary), {config.mask_id, config.pad_id});
    check_network(item.name, network, pairs, bound);
  }
}

const std::filesystem::path golden = DNALM_GOLDEN_DIR;

/// A batch of letters as the tokens `first`, first + 1, ...
pair_batch letter_pairs(std::int32_t first, std::int32_t letters, std::vector<index_t> lengths) {
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;
  for (const index_t length : lengths) {
    for (index_t i = 0; i < length; ++i) {
      ids.push_back(first + static_cast<std::int32_t>((i * i + 3 * i + length) % letters));
    }
    offsets.append(length);
  }
  return dnalm_test::with_references(ids, offsets, {}, first + letters,
                                     [&](std::int32_t id) { return id < first; });
}

template <class Backend>
void check_others(const Backend& backend, double bound) {
  for (const char* name : {"gpn_7", "gpn_even"}) {
    check_network(name, dnalm_test::golden_network<dnalm::convnet>(golden / "convnets" / name, backend),
                  letter_pairs(3, 4, {17, 40, 5}), bound);
  }
  for (const char* name : {"hub", "original"}) {
    check_network(name, dnalm_test::golden_network<dnalm::hyena_network>(golden / "hyena" / name, backend),
                  letter_pairs(7, 4, {17, 40, 5}), bound);
  }
  for (const char* name : {"ph", "ps"}) {
    check_network(name,
                  dnalm_test::golden_network<dnalm::caduceus_network>(golden / "caduceus" / name, backend),
                  letter_pairs(7, 4, {17, 40, 5}), bound);
  }
}

template <class Backend>
multiplier_run run_layers(const std::string& name, const std::filesystem::path& folder,
                          const Backend& backend) {
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph), name);
  const dnalm::layer_network<Backend> network(backend, graph, source);
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" /
                                             (name + ".safetensors"));
  const std::vector<std::int32_t> ids = dnalm_test::golden_letters(expected, "case0.sequence");
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  const auto pairs = dnalm_test::with_references(ids, offsets, {}, 5, [](std::int32_t id) { return id > 3; });
  return run_multipliers(network, pairs, "hidden." + std::to_string(graph.results()));
}

/// Double: 1e-12 of the terms. Float: 1e-5 of them, beside what rounding has done to the two outputs
/// themselves: where they differ by little, their difference is far from that of double, and multipliers
/// explain either.
void check_layers(const std::string& name, const std::filesystem::path& folder) {
  const multiplier_run exact = run_layers(name, folder, dnalm::reference_backend());
  const multiplier_run rounded = run_layers(name, folder, dnalm::cpu_backend());
  INFO(name);
  CHECK(std::abs(exact.difference) > 1e-9);
  CHECK(exact.alike);
  CHECK(rounded.alike);
  CHECK(exact.words_gap() < 1e-12);
  const double of_outputs = std::abs(rounded.difference - exact.difference);
  CHECK(std::abs(rounded.words.sum - rounded.difference) < 1e-5 * rounded.words.size + 2.0 * of_outputs);
  report(name, exact);
  report(name + ", float, outputs " + std::to_string(of_outputs / rounded.words.size), rounded);
}

const std::vector<std::string> supervised_names = {"basset",
                                                   "beluga",
                                                   "deepsea_predict",
                                                   "deepsea_variant_effects",
                                                   "enformer",
                                                   "enformer_port",
                                                   "legnet",
                                                   "legnet_reverse",
                                                   "mtsplice",
                                                   "phylogpn",
                                                   "sei"};

}  // namespace

TEST_CASE("multipliers of every golden encoder are complete to 1e-12, at every hidden state, in double",
          "[models][deep_lift]") {
  check_encoders(dnalm::reference_backend(), 1e-12);
}

TEST_CASE("multipliers of GPN, HyenaDNA and Caduceus are complete to 1e-12, at every hidden state, in double",
          "[models][deep_lift]") {
  check_others(dnalm::reference_backend(), 1e-12);
}

TEST_CASE("multipliers of every golden network of layers are complete, in double and in float",
          "[models][deep_lift]") {
  for (const std::string& name : supervised_names) check_layers(name, dnalm_test::golden_supervised / name);
}

TEST_CASE("multipliers of token networks are complete in float to 1e-5 of their terms",
          "[models][deep_lift]") {
  check_encoders(dnalm::cpu_backend(), 1e-5);
  check_others(dnalm::cpu_backend(), 1e-5);
}

TEST_CASE("hypothetical contributions of a Basset equal tangermeme's within 1e-9", "[models][deep_lift]") {
  const dnalm::io::safetensors_file file(golden / "deep_lift" / "basset.safetensors");
  const auto folder = dnalm_test::golden_supervised / "basset";
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                        "basset");
  const dnalm::reference_layers network(dnalm::reference_backend(), graph, source);
  const std::vector<std::int32_t> letters = dnalm_test::golden_letters(file, "sequences");
  const std::size_t length = 600;
  REQUIRE(letters.size() == 4 * length);
  pair_batch pairs;
  for (int pair = 0; pair < 3; ++pair)
    pairs.ids.insert(pairs.ids.end(), letters.begin(), letters.begin() + 600);
  pairs.ids.insert(pairs.ids.end(), letters.begin() + 600, letters.end());
  for (int s = 0; s < 6; ++s) pairs.offsets.append(600);
  dnalm::basic_gradient_request<double> request;
  request.pairs = true;
  request.logits = [](dnalm::matrix_view<const double>, dnalm::matrix_view<double> g) {
    for (index_t r = 0; r < g.rows; ++r) g(r, 0) = 1.0;
  };
  std::vector<double> hypothetical(4 * length);
  const auto receive = [&](const dnalm::basic_input_gradient<double>& found) {
    for (index_t r = 0; r < 3 * 600; ++r) {
      const index_t own = pairs.ids[static_cast<std::size_t>(r + 3 * 600)];
      for (index_t b = 0; b < 4; ++b) {
        const auto at = static_cast<std::size_t>(b * 600 + r % 600);
        hypothetical[at] += (found.words(r, b) - found.words(r, own)) / 3.0;
      }
    }
  };
  dnalm::reference_layers::workspace workspace;
  network.gradient(pairs.tokens(), request, receive, workspace);
  const auto expected = dnalm_test::read_numbers(file, "hypothetical");
  double largest = 0.0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  CHECK(largest > 1e-4);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(std::abs(hypothetical[i] - expected[i]) < 1e-9 * largest);
}

#if defined(DNALM_WITH_HDF5)
TEST_CASE("multipliers of Keras models are complete in double and in float", "[models][deep_lift][keras]") {
  for (const dnalm_test::keras_case& c : dnalm_test::keras_cases) {
    const dnalm_test::temporary_folder folder("keras");
    dnalm_test::write_keras_case(c, folder.path());
    check_layers(c.name, folder.path());
  }
}
#endif

namespace {

/// Words' multipliers of rows [first, first + rows) of S = some sum of the last hidden state.
template <class Network>
std::vector<float> words_of(const Network& network, const pair_batch& pairs, index_t first, index_t rows) {
  std::vector<float> found;
  dnalm::gradient_request request;
  request.pairs = true;
  request.layers = {network.config().summary().layers};
  request.hidden = [&](index_t, dnalm::matrix_view<const float>, dnalm::matrix_view<float> g) {
    for (index_t r = 0; r < g.rows; ++r) {
      for (index_t c = 0; c < g.columns; ++c) g(r, c) = static_cast<float>(c % 5) - 2;
    }
  };
  const auto receive = [&](const dnalm::input_gradient& gradient) {
    for (index_t r = first; r < first + rows; ++r) {
      const float* row = gradient.words.row_data(r);
      found.insert(found.end(), row, row + gradient.words.columns);
    }
  };
  typename Network::workspace workspace;
  network.gradient(pairs.tokens(), request, receive, workspace);
  return found;
}

/// Whether a workspace is without pairs after a gradient of pairs, and after one that failed.
template <class Network>
void check_pairs_are_over(const Network& network, const pair_batch& pairs) {
  using T = typename Network::scalar;
  dnalm::basic_gradient_request<T> request;
  request.pairs = true;
  request.layers = {1};
  bool called = false;
  bool fail = false;
  typename Network::workspace workspace;
  request.hidden = [&](index_t, dnalm::matrix_view<const T>, dnalm::matrix_view<T>) {
    called = workspace.pairs.any;
    if (fail) throw std::runtime_error("failed");
  };
  const auto ignore = [](const dnalm::basic_input_gradient<T>&) {};
  network.gradient(pairs.tokens(), request, ignore, workspace);
  CHECK(called);
  CHECK_FALSE(workspace.pairs.any);
  fail = true;
  CHECK_THROWS_AS(network.gradient(pairs.tokens(), request, ignore, workspace), std::runtime_error);
  CHECK_FALSE(workspace.pairs.any);
}

/// A pair alone, and as the second of three of these lengths. `letter`: the token of A.
template <class Network>
void check_company(const Network& network, std::int32_t letter = 7,
                   const std::array<index_t, 3>& lengths = {9, 17, 30}) {
  const auto [before, own, behind] = lengths;
  const index_t half = before + own + behind;
  const pair_batch one = letter_pairs(letter, 4, {own});
  pair_batch many = letter_pairs(letter, 4, {before, own, behind});
  for (index_t s = 0; s < 2; ++s) {
    std::copy_n(one.ids.begin() + s * own, own, many.ids.begin() + s * half + before);
  }
  const std::vector<float> alone = words_of(network, one, 0, own);
  CHECK(std::any_of(alone.begin(), alone.end(), [](float m) { return m != 0; }));
  CHECK(dnalm_test::same_bits(words_of(network, many, before, own), alone));
}

/// The same of a golden network of layers.
void check_layer_company(const std::string& name, const std::array<index_t, 3>& lengths) {
  INFO(name);
  const std::filesystem::path folder = dnalm_test::golden_supervised / name;
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph), name);
  check_company(dnalm::layer_network<dnalm::cpu_backend>(dnalm::cpu_backend(), graph, source), 0, lengths);
}

}  // namespace

TEST_CASE("multipliers of a pair are the same bits in any batch", "[models][deep_lift]") {
  const dnalm::cpu_backend backend;
  check_company(dnalm_test::golden_encoder({"nt_v2_d24_bin"}, backend));
  check_company(dnalm_test::golden_encoder({"dnabert2_a12"}, backend));
  check_company(dnalm_test::golden_network<dnalm::hyena_network>(golden / "hyena" / "hub", backend));
  check_company(dnalm_test::golden_network<dnalm::caduceus_network>(golden / "caduceus" / "ps", backend));
  check_layer_company("legnet", {24, 30, 41});    // gates
  check_layer_company("enformer", {77, 80, 48});  // attention, pooling by a softmax
}

namespace {

/// Convolutions, a max-pool and products between ReLUs; all biases are 0.
dnalm::reference_layers network_of_relus(index_t length) {
  const dnalm::tensor_table table({{.name = "a.weight", .shape = {6, 4, 5}},
                                   {.name = "a.bias", .shape = {6}},
                                   {.name = "b.weight", .shape = {5, 6, 3}},
                                   {.name = "c.weight", .shape = {7, 5 * (length / 2)}},
                                   {.name = "c.bias", .shape = {7}},
                                   {.name = "d.weight", .shape = {1, 7}}},
                                  "ReLUs");
  dnalm::graph_builder net("ReLUs", {.length = length}, table);
  index_t x = net.relu(net.convolution(dnalm::graph_builder::input(), "a", {.same = true}));
  x = net.max_pool(x, {2, 2});
  x = net.relu(net.convolution(x, "b", {.same = true}));
  x = net.relu(net.dense(net.flatten(x, true), "c"));
  net.output("prediction", net.dense(x, "d"));
  return {dnalm::reference_backend(), net.take(), dnalm::random_source(5, 0.5)};
}

/// The gradient of the prediction by the rows, or of pairs their multipliers, all rows one behind the other.
std::vector<double> by_rows(const dnalm::reference_layers& network, index_t length,
                            const std::vector<double>& rows, bool pairs, double& value) {
  const auto width = static_cast<index_t>(rows.size()) / (pairs ? 2 : 1) / length;
  dnalm::ragged_offsets offsets;
  for (int s = 0; s < (pairs ? 2 : 1); ++s) offsets.append(length);
  const std::vector<std::int32_t> ids(static_cast<std::size_t>(offsets.rows()), 0);
  dnalm::basic_gradient_request<double> request;
  request.pairs = pairs;
  request.word_rows = {rows.data(), offsets.rows(), width, width};
  request.logits = [&](dnalm::matrix_view<const double> x, dnalm::matrix_view<double> g) {
    value = x(0, 0);
    for (index_t r = 0; r < g.rows; ++r) g(r, 0) = 1.0;
  };
  std::vector<double> found;
  const auto receive = [&](const dnalm::basic_input_gradient<double>& by) {
    for (index_t r = 0; r < length; ++r) {
      found.insert(found.end(), by.words.row_data(r), by.words.row_data(r) + width);
    }
  };
  dnalm::reference_layers::workspace workspace;
  network.gradient({ids, offsets}, request, receive, workspace);
  return found;
}

}  // namespace

TEST_CASE("of ReLUs without biases, against rows of zeros, multipliers are the gradient",
          "[models][deep_lift]") {
  // Every step is then linear along the way from 0 to x: f(t x) = t f(x), and input times gradient is f(x).
  const index_t length = 24;
  const auto network = network_of_relus(length);
  const index_t width = network.config().summary().width;
  dnalm::matrix<double> observed(length, width);
  std::vector<std::int32_t> ids;
  for (index_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>((i * i + i / 3) % 4));
  network.word_rows(ids, observed.view());
  std::vector<double> rows(observed.data(), observed.data() + length * width);
  double value = 0.0;
  const std::vector<double> gradient = by_rows(network, length, rows, false, value);
  std::vector<double> pair = rows;
  pair.resize(2 * rows.size());
  double observed_value = 0.0;
  const std::vector<double> multipliers = by_rows(network, length, pair, true, observed_value);
  REQUIRE(multipliers.size() == gradient.size());
  CHECK(observed_value == value);
  CHECK(std::abs(value) > 0.1);
  double sum = 0.0;
  double largest = 0.0;
  double gap = 0.0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    sum += rows[i] * multipliers[i];
    largest = std::max(largest, std::abs(gradient[i]));
    gap = std::max(gap, std::abs(multipliers[i] - gradient[i]));
  }
  // Double: sums of some hundred terms, each rounded to 1e-16.
  CHECK(gap < 1e-12 * largest);
  CHECK(std::abs(sum - value) < 1e-12 * largest * static_cast<double>(length));
}

TEST_CASE("a workspace has no pairs once their gradient is over", "[models][deep_lift]") {
  const dnalm::cpu_backend backend;
  const pair_batch pairs = letter_pairs(7, 4, {9});
  check_pairs_are_over(dnalm_test::golden_encoder({"nt_v2_d24_bin"}, backend), pairs);
  check_pairs_are_over(dnalm_test::golden_network<dnalm::convnet>(golden / "convnets" / "gpn_7", backend),
                       letter_pairs(3, 4, {9}));
  check_pairs_are_over(dnalm_test::golden_network<dnalm::hyena_network>(golden / "hyena" / "hub", backend),
                       pairs);
  check_pairs_are_over(
      dnalm_test::golden_network<dnalm::caduceus_network>(golden / "caduceus" / "ps", backend), pairs);
  const std::filesystem::path folder = dnalm_test::golden_supervised / "legnet";
  const auto graph = dnalm_test::golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph),
                                        "legnet");
  const index_t length = graph.input.length > 0 ? graph.input.length : 80;
  check_pairs_are_over(dnalm::layer_network<dnalm::cpu_backend>(backend, graph, source),
                       letter_pairs(0, 4, {length}));
}

TEST_CASE("batches that are no pairs, and masks of one side, are refused", "[models][deep_lift]") {
  const auto network = dnalm_test::golden_encoder({"esm2_tied", 2, 1}, dnalm::reference_backend());
  dnalm::basic_gradient_request<double> request;
  request.pairs = true;
  request.layers = {1};
  request.hidden = [](index_t, dnalm::matrix_view<const double>, dnalm::matrix_view<double>) {};
  const auto ignore = [](const dnalm::basic_input_gradient<double>&) {};
  dnalm::reference_encoder::workspace workspace;
  const auto run = [&](std::vector<std::int32_t> ids, std::initializer_list<index_t> lengths) {
    dnalm::ragged_offsets offsets;
    for (const index_t length : lengths) offsets.append(length);
    network.gradient({ids, offsets}, request, ignore, workspace);
  };
  run({3, 4, 3, 5}, {2, 2});
  CHECK_THROWS_WITH(run({3, 4, 5}, {1, 1, 1}), Catch::Matchers::Contains("dnalm.shape.831"));
  CHECK_THROWS_WITH(run({3, 4, 5}, {1, 2}), Catch::Matchers::Contains("dnalm.shape.831"));
  const auto mask = static_cast<std::int32_t>(network.config().mask_id);
  REQUIRE(network.config().token_dropout);
  CHECK_THROWS_WITH(run({3, 4, 3, mask}, {2, 2}), Catch::Matchers::Contains("dnalm.input.832"));
}
