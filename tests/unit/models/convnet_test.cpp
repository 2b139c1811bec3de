// SPDX-License-Identifier: Apache-2.0
// GPN's ConvNet: what the authors' code computes (tests/golden/convnets, made by make/make_convnets.py),
// printed numbers of an independent run, its gradients against autograd, and what every model promises.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/embed/embeddings.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>
#include <support/same_bits.hpp>
#include <support/small_models.hpp>
#include <unit/models/golden_runs.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::error_id_of;
using dnalm_test::same_bits;

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "convnets";

dnalm::io::json golden_index() {
  return dnalm::io::read_json_file(golden / "INDEX.json");
}

/// The network of appendix A, GOLD-2, of the specification: every tensor by a formula of its name.
class formula_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  static void fill(const dnalm::planned_tensor& tensor, std::span<T> out) {
    int code = 0;
    for (const char c : tensor.name) code += c;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = 0.3 * std::sin(0.7 * static_cast<double>(i) + static_cast<double>(code % 97));
      const bool scale = tensor.kind == dnalm::tensor_kind::norm_weight;
      out[i] = static_cast<T>(static_cast<float>(scale ? 1.0 + 0.5 * value : value));
    }
  }
};

dnalm::convnet_config gold_config() {
  dnalm::convnet_config config;
  config.layers = 3;
  config.width = 8;
  config.vocabulary = 7;
  return config;
}

const std::vector<std::int32_t> gold_ids = {3, 4, 5, 6, 1, 3, 3, 6, 5, 4, 2, 6};

template <class B>
void check_gold(const B& backend) {
  const dnalm::convnet<B> network(backend, gold_config(), formula_source());
  const auto close = [](double found, double printed) { CHECK(std::abs(found - printed) < 1e-5); };
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(gold_ids.size()));
  typename dnalm::convnet<B>::workspace workspace;
  int seen = 0;
  const auto on_layer = [&](index_t layer, dnalm::input_matrix<B> x) {
    if (layer < 3) return;
    const std::array<std::array<double, 8>, 2> rows = {
        {{4.3248029, -.4884163, -2.4884441, -2.8283761, -4.0866256, -2.4190321, 3.0386343, 7.7593641},
         {.6126652, -1.3677223, -2.7498708, -3.2849176, -1.2765057, .6756156, 4.6082921, 5.0637884}}};
    double sum = 0.0;
    double size = 0.0;
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < 8; ++c) {
        const auto value = static_cast<double>(x(r, c));
        sum += value;
        size += std::abs(value);
        if (r < 2) close(value, rows[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)]);
      }
    }
    close(sum, 21.2645057);
    CHECK(std::abs(size - 345.7458562) < 1e-4);  // 96 numbers of a float run
    ++seen;
  };
  const auto on_logits = [&](dnalm::input_matrix<B> x) {
    const std::array<index_t, 3> which = {0, 4, 11};
    const std::array<std::array<double, 7>, 3> rows = {
        {{.0299681, .9001752, 1.3697314, 1.2305814, .5450195, -.3821951, -1.1392385},
         {.6464475, 1.3086883, 1.3869095, .8487139, -.0644855, -.9457501, -1.4038815},
         {1.3482193, 1.5074344, .9934192, .0396124, -.9260181, -1.4729992, -1.3601818}}};
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t v = 0; v < 7; ++v) {
        close(static_cast<double>(x(which[i], static_cast<index_t>(v))), rows[i][v]);
      }
    }
    ++seen;
  };
  const typename dnalm::convnet<B>::logits_receiver receiver = on_logits;
  network.forward({gold_ids, offsets}, on_layer, &receiver, workspace);
  CHECK(seen == 2);
}

/// Three sequences of random tokens.
struct three_sequences {
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;

  explicit three_sequences(index_t vocabulary, std::uint64_t seed = 5) {
    dnalm::philox random(seed);
    for (const index_t length : {40, 1, 97}) {
      offsets.append(length);
      for (index_t i = 0; i < length; ++i)
        ids.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocabulary))));
    }
  }
  [[nodiscard]] std::span<const std::int32_t> ids_of(index_t s) const {
    return std::span<const std::int32_t>(ids).subspan(static_cast<std::size_t>(offsets.begin(s)),
                                                      static_cast<std::size_t>(offsets.length(s)));
  }
};

/// All hidden states and the logits, sequence after sequence.
std::vector<float> all_numbers(const dnalm::model& model, std::span<const std::int32_t> ids,
                               const dnalm::ragged_offsets& offsets, dnalm::forward_workspace& workspace) {
  std::vector<std::vector<float>> by_sequence(static_cast<std::size_t>(offsets.sequences()));
  const auto take = [&](dnalm::matrix_view<const float> x) {
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
        auto& all = by_sequence[static_cast<std::size_t>(s)];
        all.insert(all.end(), x.row(r).begin(), x.row(r).end());
      }
    }
  };
  model.forward(
      {ids, offsets}, [&](index_t, dnalm::matrix_view<const float> x) { take(x); },
      [&](dnalm::matrix_view<const float> x) { take(x); }, workspace);
  std::vector<float> all;
  for (const auto& one : by_sequence) all.insert(all.end(), one.begin(), one.end());
  return all;
}

/// d of S = <u(hidden.k), hidden k> + <u(logits), logits>, by the rows that enter and by the one-hot tokens.
struct found_gradient {
  std::vector<float> words = {};
  std::vector<float> tokens = {};
};
found_gradient gradient_of(const dnalm::model& model, const three_sequences& batch, index_t keep_bytes,
                           dnalm::forward_workspace& workspace) {
  dnalm::gradient_request request;
  request.layers = {0, 2, model.describe().layers()};
  request.hidden = [](index_t layer, dnalm::matrix_view<const float>, dnalm::matrix_view<float> g) {
    dnalm_test::fill_formula("hidden." + std::to_string(layer), g);
  };
  request.logits = [](dnalm::matrix_view<const float>, dnalm::matrix_view<float> g) {
    dnalm_test::fill_formula("logits", g);
  };
  request.tokens = true;
  request.keep_bytes = keep_bytes;
  found_gradient found;
  const auto append = [](dnalm::matrix_view<const float> x, std::vector<float>& to) {
    for (index_t r = 0; r < x.rows; ++r) to.insert(to.end(), x.row(r).begin(), x.row(r).end());
  };
  model.input_gradients(
      {batch.ids, batch.offsets}, request,
      [&](const dnalm::input_gradient& gradient) {
        append(gradient.words, found.words);
        append(gradient.tokens, found.tokens);
      },
      workspace);
  return found;
}

dnalm::io::json gpn_config() {
  return dnalm::io::read_json_file(golden / "gpn_7" / "config.json");
}
dnalm::network_config parse(const dnalm::io::json& config) {
  const dnalm_test::temporary_folder folder("convnet");
  dnalm_test::write_text(folder.path() / "config.json", config.dump());
  return dnalm::read_network_config(folder.path());
}
std::string config_error(const std::string& key, const dnalm::io::json& value) {
  auto config = gpn_config();
  config[key] = value;
  return error_id_of([&] { static_cast<void>(parse(config)); });
}

}  // namespace

TEST_CASE("GPN: the printed numbers of an independent run", "[models][convnet]") {
  check_gold(dnalm::reference_backend());
  for (const auto set : dnalm_test::instruction_sets()) check_gold(dnalm::cpu_backend(set));
}

TEST_CASE("GPN: the authors' code, within 1e-9 in double and 1e-4 in float with every instruction set",
          "[models][convnet]") {
  const auto index = golden_index();
  REQUIRE(index.at("cases").size() == 3);
  for (const auto& item : index.at("cases")) {
    const auto folder = golden / item.at("name").get<std::string>();
    const int inputs = item.at("inputs").get<int>();
    INFO(folder.filename().string());
    CHECK(dnalm_test::worst_of_network<dnalm::convnet>(folder, inputs, dnalm::reference_backend()).relative <
          1e-9);
    for (const auto set : dnalm_test::instruction_sets()) {
      CHECK(dnalm_test::worst_of_network<dnalm::convnet>(folder, inputs, dnalm::cpu_backend(set)).absolute <
            1e-4);
    }
  }
}

TEST_CASE("GPN: gradients equal PyTorch autograd", "[models][convnet][gradient]") {
  const auto index = golden_index();
  for (const auto& item : index.at("cases")) {
    const auto folder = golden / item.at("name").get<std::string>();
    INFO(folder.filename().string());
    const auto stored = folder / "gradients.safetensors";
    const auto exact =
        dnalm_test::compare_gradients_of<dnalm::convnet>(folder, stored, dnalm::reference_backend());
    CHECK(exact.size() >= 4);
    for (const auto& one : exact) CHECK(one.gap < 1e-9);
    for (const auto set : dnalm_test::instruction_sets()) {
      const auto found =
          dnalm_test::compare_gradients_of<dnalm::convnet>(folder, stored, dnalm::cpu_backend(set));
      CHECK(found.size() == exact.size());
      for (const auto& one : found) CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
    }
  }
}

TEST_CASE("GPN: the golden comparison sees one weight changed by 1e-3", "[models][convnet]") {
  struct nudged final : dnalm::weight_source {
    explicit nudged(const dnalm::weight_source& inner) : inner_(inner) {}
    bool contains(const dnalm::planned_tensor& tensor) const override { return inner_.contains(tensor); }
    void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override {
      inner_.read(tensor, out);
    }
    void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override {
      inner_.read(tensor, out);
      if (tensor.role == dnalm::tensor_role::convolution_weight && tensor.layer == 3) out[40] += 1e-3;
    }
    const dnalm::weight_source& inner_;
  };
  const auto folder = golden / "gpn_7";
  const auto config = dnalm::read_convnet_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::reference_convnet network(dnalm::reference_backend(), config, nudged(source));
  const dnalm::io::safetensors_file file(folder / "expected.safetensors");
  const auto batch = dnalm_test::read_batch(file, "case1.");
  dnalm::reference_convnet::workspace workspace;
  dnalm_test::gaps worst;
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const double> x) {
    const auto expected = dnalm_test::read_numbers(file, "case1.hidden." + std::to_string(layer));
    worst.include(dnalm_test::difference(expected, batch, x));
  };
  network.forward({batch.ids, batch.offsets}, on_layer, nullptr, workspace);
  CHECK(worst.relative > 1e-7);
}

TEST_CASE("GPN: configurations and their dilations", "[models][convnet]") {
  const auto index = golden_index();
  for (const auto& item : index.at("cases")) {
    const auto folder = golden / item.at("name").get<std::string>();
    const auto config = dnalm::read_convnet_config(folder);
    std::vector<index_t> dilations;
    for (index_t layer = 0; layer < config.layers; ++layer) dilations.push_back(config.dilation(layer));
    CHECK(dilations == item.at("dilations").get<std::vector<index_t>>());
    CHECK(dnalm::count_parameters(dnalm::plan_tensors(config)) == item.at("parameters").get<index_t>());
  }
  dnalm::convnet_config published;
  published.layers = 25;
  published.width = 512;
  published.vocabulary = 7;
  CHECK(dnalm::count_parameters(dnalm::plan_tensors(published)) ==
        index.at("published_parameters").get<index_t>());
  CHECK(published.dilation(24) == 1);
  CHECK(published.receptive_field() == 1 + 8 * (4 * 63 + 1));
  dnalm::convnet_config steep = published;  // a power that overflows is cut before
  steep.dilation_base = index_t{1} << 24;
  steep.dilation_max = index_t{1} << 24;
  CHECK(steep.dilation(1) == index_t{1} << 24);
  CHECK(steep.dilation(5) == index_t{1} << 24);
  steep.dilation_base = 1;
  CHECK(steep.dilation(5) == 1);
  const auto read = parse(gpn_config());
  CHECK(dnalm::summary_of(read).architecture == "GPN");
  CHECK(dnalm::summary_of(read).heads == 0);
  CHECK(dnalm::token_limit(read, std::nullopt) == 0);
}

TEST_CASE("GPN: configurations that are refused", "[models][convnet]") {
  for (const char* key : {"n_layers", "hidden_size", "vocab_size"}) {
    auto config = gpn_config();
    config.erase(key);
    CHECK(error_id_of([&] { static_cast<void>(parse(config)); }) == "dnalm.config.401");
    CHECK(config_error(key, 0) == "dnalm.config.402");
    CHECK(config_error(key, "many") == "dnalm.config.402");
  }
  for (const char* key :
       {"kernel_size", "dilation_base", "dilation_cycle", "dilation_double_every", "dilation_max"}) {
    CHECK(config_error(key, 0) == "dnalm.config.402");
    CHECK(config_error(key, index_t{1} << 40) == "dnalm.config.402");
  }
  CHECK(config_error("vocab_size", 25) == "dnalm.config.403");
  CHECK(config_error("n_aux_features", 445) == "dnalm.unsupported.404");
  CHECK(config_error("auto_map", {{"AutoModel", "modeling.Other"}}) == "dnalm.unsupported.404");
  CHECK(config_error("quantization_config", {{"bits", 4}}) == "dnalm.unsupported.404");
  CHECK(config_error("is_decoder", true) == "dnalm.unsupported.404");
  CHECK(config_error("model_type", "GPN") == "dnalm.unsupported.400");
  CHECK(error_id_of([] {
          static_cast<void>(dnalm::read_convnet_config(dnalm_test::golden_models / "nt_v2_d8"));
        }) == "dnalm.unsupported.400");
}

TEST_CASE("GPN: a folder loads, is described, inspected, and reads letters", "[models][convnet]") {
  for (const char* name : {"gpn_7", "gpn_6_bin"}) {
    INFO(name);
    const auto found = dnalm::inspect_model(golden / name);
    CHECK(found.loadable());
    CHECK(found.max_tokens == 0);
    CHECK(found.settings.front().key == "convolutions");
    const auto model = dnalm::load_model(golden / name);
    const auto& about = model.describe();
    const bool seven = about.vocabulary() == 7;
    CHECK(about.architecture_name() == "GPN");
    CHECK(about.parameters == found.parameters);
    CHECK(about.heads() == 0);
    CHECK(about.mask_id() == (seven ? 1 : 0));
    CHECK_FALSE(about.has_cls());
    const auto tokens = model.tokenize("ACGTacgt");
    const std::vector<std::int32_t> letters = seven ? std::vector<std::int32_t>{3, 4, 5, 6, 3, 4, 5, 6}
                                                    : std::vector<std::int32_t>{2, 3, 4, 5, 2, 3, 4, 5};
    CHECK(tokens.ids == letters);
    const std::vector<std::string> sequences = {"ACGT", "ACGTACGTAAACCGT"};
    const auto vectors = dnalm::embed(model, std::span<const std::string>(sequences), {});
    CHECK(vectors.at(dnalm::pooling::mean, about.layers()).shape(0) == 2);
  }
  CHECK(dnalm::load_model(golden / "gpn_7").tokenize("ACNT").ids == std::vector<std::int32_t>{3, 4, 2, 6});
  CHECK(error_id_of([] { static_cast<void>(dnalm::load_model(golden / "gpn_even").tokenize("ACGT")); }) ==
        "dnalm.config.405");
}

TEST_CASE("GPN: random twins, and networks of another kind", "[models][convnet]") {
  for (const auto backend : {dnalm::backend_kind::cpu, dnalm::backend_kind::reference}) {
    const auto original = dnalm::load_model(golden / "gpn_7", {.backend = backend});
    const three_sequences batch(7);
    dnalm::forward_workspace workspace;
    const auto numbers = [&](const dnalm::model& model) {
      return all_numbers(model, batch.ids, batch.offsets, workspace);
    };
    const auto twin = numbers(dnalm::random_twin(original, 3));
    CHECK(std::all_of(twin.begin(), twin.end(), [](float x) { return std::isfinite(x); }));
    CHECK(same_bits(twin, numbers(dnalm::random_twin(golden / "gpn_7", 3, {.backend = backend}))));
    CHECK_FALSE(same_bits(twin, numbers(dnalm::random_twin(original, 4))));
    CHECK_FALSE(same_bits(twin, numbers(original)));
    const auto encoder = dnalm::read_network_config(dnalm_test::golden_models / "nt_v2_d8");
    CHECK(error_id_of([&] {
            static_cast<void>(original.remade(encoder, dnalm::random_source(1, 0.02), 1));
          }) == "dnalm.unsupported.440");
  }
}

TEST_CASE("GPN: numbers depend on their own sequence only, whatever the batch, the team and the memory",
          "[models][convnet][gradient]") {
  const three_sequences batch(7);
  for (const auto format :
       {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    INFO(dnalm::to_string(format));
    const auto model = dnalm::load_model(golden / "gpn_7", {.weights = format});
    dnalm::forward_workspace workspace;
    const auto together = all_numbers(model, batch.ids, batch.offsets, workspace);
    std::vector<float> alone;
    for (index_t s = 0; s < 3; ++s) {
      dnalm::ragged_offsets one;
      one.append(batch.offsets.length(s));
      const auto part = all_numbers(model, batch.ids_of(s), one, workspace);
      alone.insert(alone.end(), part.begin(), part.end());
    }
    CHECK(same_bits(together, alone));
    dnalm::thread_team team(3);
    dnalm::forward_workspace shared(team);
    CHECK(same_bits(together, all_numbers(model, batch.ids, batch.offsets, shared)));

    const auto whole = gradient_of(model, batch, dnalm::default_keep_bytes, workspace);
    for (const index_t bytes : {index_t{0}, index_t{100000}}) {
      const auto less = gradient_of(model, batch, bytes, workspace);
      CHECK(same_bits(whole.words, less.words));
      CHECK(same_bits(whole.tokens, less.tokens));
    }
    CHECK(same_bits(whole.words, gradient_of(model, batch, 0, shared).words));
    REQUIRE(whole.tokens.size() == batch.ids.size() * 7);
    for (std::size_t r = 0; r < batch.ids.size(); ++r) {
      for (std::size_t v = 0; v < 7; ++v) CHECK(whole.tokens[7 * r + v] == whole.words[24 * r + v]);
    }
  }
}

TEST_CASE("GPN: rows in the place of tokens", "[models][convnet]") {
  const auto model = dnalm::load_model(golden / "gpn_7");
  const three_sequences batch(7);
  const auto tokens = static_cast<index_t>(batch.ids.size());
  dnalm::matrix<float> rows(tokens, 24);
  model.word_rows(batch.ids, rows.view());
  for (index_t r = 0; r < tokens; ++r) {
    for (index_t c = 0; c < 24; ++c) {
      CHECK(rows(r, c) == (c == batch.ids[static_cast<std::size_t>(r)] ? 1.0F : 0.0F));
    }
  }
  const three_sequences other(7, 6);
  dnalm::forward_workspace workspace;
  const auto expected = all_numbers(model, batch.ids, batch.offsets, workspace);
  std::vector<float> found;
  dnalm::gradient_request request;  // the forward pass of a gradient takes rows as well
  request.word_rows = rows.view();
  request.layers = {model.describe().layers()};
  request.hidden = [](index_t, dnalm::matrix_view<const float>, dnalm::matrix_view<float>) {};
  request.states = [&](index_t layer, dnalm::matrix_view<const float> x) {
    if (layer != model.describe().layers()) return;
    for (index_t r = 0; r < batch.offsets.length(0); ++r) {
      found.insert(found.end(), x.row(r).begin(), x.row(r).end());
    }
  };
  model.input_gradients(
      {other.ids, other.offsets}, request, [](const dnalm::input_gradient&) {}, workspace);
  const auto first = static_cast<std::size_t>(7 * 40 * 24);  // hidden state 7 of the first sequence
  REQUIRE(found.size() == 40 * 24);
  CHECK(same_bits(found, {expected.begin() + static_cast<std::ptrdiff_t>(first),
                          expected.begin() + static_cast<std::ptrdiff_t>(first + found.size())}));
}

TEST_CASE("GPN: packed weights in a file give the same bits", "[models][convnet]") {
  const dnalm_test::temporary_folder cache("convnet_cache");
  const three_sequences batch(7);
  dnalm::forward_workspace workspace;
  const auto numbers = [&](const dnalm::load_options& options) {
    return all_numbers(dnalm::load_model(golden / "gpn_7", options), batch.ids, batch.offsets, workspace);
  };
  const auto plain = numbers({});
  CHECK(same_bits(plain, numbers({.pack_cache = cache.path()})));  // written
  CHECK(same_bits(plain, numbers({.pack_cache = cache.path()})));  // mapped
}

TEST_CASE("GPN: a source without a convolution's weight", "[models][convnet]") {
  struct nothing final : dnalm::weight_source {
    [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return false; }
    void read(const dnalm::planned_tensor&, std::span<float>) const override {}
    void read(const dnalm::planned_tensor&, std::span<double>) const override {}
  };
  CHECK(error_id_of([] { dnalm::cpu_convnet({}, gold_config(), nothing()); }) == "dnalm.config.410");
}
