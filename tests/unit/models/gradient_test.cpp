// SPDX-License-Identifier: Apache-2.0
// What encoder::gradient and model::input_gradients promise beside the golden values.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>

namespace {

using dnalm::index_t;
using dnalm::matrix_view;
using dnalm::reference_backend;
using dnalm_test::golden_models;

/// Random weights that leave no bias 0 and no norm 1.
class lively_source final : public dnalm::weight_source {
 public:
  explicit lively_source(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    dnalm::philox random(seed_, dnalm::hash_name(tensor.name));
    const double inputs = tensor.shape.size() == 2 ? static_cast<double>(tensor.shape[1]) : 1.0;
    for (T& value : out) value = static_cast<T>(static_cast<float>(number(tensor, inputs, random.normal())));
  }
  static double number(const dnalm::planned_tensor& tensor, double inputs, double z) {
    if (tensor.role == dnalm::tensor_role::gate_beta) return 1.0 + 0.1 * z;
    if (tensor.kind == dnalm::tensor_kind::norm_weight) return 1.0 + 0.2 * z;
    if (tensor.kind == dnalm::tensor_kind::bias) return 0.15 * z;
    return tensor.name.find("embed") != std::string::npos ? 0.7 * z : 1.2 * z / std::sqrt(inputs);
  }
  std::uint64_t seed_;
};

/// The configurations of all golden models: every family.
std::vector<std::pair<std::string, dnalm::encoder_config>> all_configs() {
  std::vector<std::pair<std::string, dnalm::encoder_config>> configs;
  for (const auto& item : dnalm_test::golden_cases())
    configs.emplace_back(item.name, dnalm::read_encoder_config(golden_models / item.name));
  return configs;
}

/// Settings that no published model combines like this.
void shuffle_settings(dnalm::encoder_config& c, dnalm::philox& random) {
  constexpr dnalm::norm_placement placements[] = {dnalm::norm_placement::pre, dnalm::norm_placement::post,
                                                  dnalm::norm_placement::pre_normed};
  constexpr dnalm::activation functions[] = {dnalm::activation::gelu_erf, dnalm::activation::gelu_tanh,
                                             dnalm::activation::silu};
  c.norm = placements[random.below(3)];
  c.function = functions[random.below(3)];
  c.head_function = functions[random.below(3)];
  c.scale_query_first = random.below(2) == 0;
  c.final_norm = c.final_norm && random.below(3) != 0;
  c.first_attention_norm = c.first_attention_norm && random.below(3) != 0;
  c.token_dropout = c.mask_id >= 0 && random.below(2) == 0;
  c.local_window = static_cast<index_t>(random.below(3));
  c.global_every = 2;
  if (c.position == dnalm::position_kind::rotary && random.below(2) == 0) c.rotary_width = 2;
}

struct small_batch {
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;

  void add(std::vector<std::int32_t> sequence) {
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    offsets.append(static_cast<index_t>(sequence.size()));
  }
  [[nodiscard]] dnalm::token_batch view() const { return {ids, offsets}; }
};

/// Three sequences, one of them of one token; with masks where the model has them.
small_batch random_batch(const dnalm::encoder_config& c, dnalm::philox& random) {
  small_batch batch;
  for (const index_t length : {5, 1, 7}) {
    std::vector<std::int32_t> ids;
    for (index_t i = 0; i < length; ++i)
      ids.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(c.vocabulary))));
    if (length > 1 && c.mask_id >= 0) ids[2] = c.mask_id;
    batch.add(std::move(ids));
  }
  return batch;
}

template <class T>
dnalm::matrix<T> normal_matrix(dnalm::philox& random, index_t rows, index_t columns) {
  dnalm::matrix<T> x(rows, columns);
  for (index_t i = 0; i < rows * columns; ++i)
    x.data()[i] = static_cast<T>(static_cast<float>(random.normal()));
  return x;
}

template <class T>
dnalm::matrix<T> copy_of(matrix_view<const T> x) {
  dnalm::matrix<T> y(x.rows, x.columns);
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.data() + r * x.columns);
  return y;
}

template <class T>
bool same_bits(const dnalm::matrix<T>& a, const dnalm::matrix<T>& b) {
  return a.rows() == b.rows() && a.columns() == b.columns() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.rows() * a.columns()) * sizeof(T)) == 0;
}

template <class T>
double inner_product(matrix_view<const T> a, const dnalm::matrix<double>& b) {
  double sum = 0.0;
  for (index_t r = 0; r < a.rows; ++r) {
    for (index_t c = 0; c < a.columns; ++c) sum += static_cast<double>(a(r, c)) * b(r, c);
  }
  return sum;
}

/// S = sum over chosen layers of <u_k, hidden_k>, and <u, logits>: cotangents that do not depend on the
/// states.
struct linear_number {
  std::vector<index_t> layers = {};
  std::vector<dnalm::matrix<double>> hidden = {};  ///< one per layer
  dnalm::matrix<double> logits = {};               ///< no rows: not part of S

  template <class T>
  [[nodiscard]] dnalm::basic_gradient_request<T> request() const {
    dnalm::basic_gradient_request<T> request;
    request.layers = layers;
    const auto put = [](const dnalm::matrix<double>& u, matrix_view<T> g) {
      REQUIRE(u.rows() == g.rows);
      REQUIRE(u.columns() == g.columns);
      for (index_t i = 0; i < g.rows * g.columns; ++i)
        g(i / g.columns, i % g.columns) += static_cast<T>(u.data()[i]);
    };
    request.hidden = [this, put](index_t layer, matrix_view<const T>, matrix_view<T> g) {
      put(hidden[static_cast<std::size_t>(std::find(layers.begin(), layers.end(), layer) - layers.begin())],
          g);
    };
    if (logits.rows() > 0)
      request.logits = [this, put](matrix_view<const T>, matrix_view<T> g) { put(logits, g); };
    return request;
  }
  template <class B>
  [[nodiscard]] double value(const dnalm::encoder<B>& network, const small_batch& batch,
                             dnalm::input_matrix<B> rows, dnalm::encoder_workspace<B>& w) const {
    double sum = 0.0;
    const auto on_layer = [&](index_t layer, dnalm::input_matrix<B> x) {
      const auto place = std::find(layers.begin(), layers.end(), layer);
      if (place != layers.end())
        sum += inner_product(x, hidden[static_cast<std::size_t>(place - layers.begin())]);
    };
    const auto on_logits = [&](dnalm::input_matrix<B> x) {
      if (logits.rows() > 0) sum += inner_product(x, logits);
    };
    const typename dnalm::encoder<B>::logits_receiver receiver = on_logits;
    network.forward(batch.view(), on_layer, &receiver, w, rows);
    return sum;
  }
};

linear_number random_number(const dnalm::encoder_config& c, index_t rows, dnalm::philox& random) {
  linear_number s;
  for (index_t layer = 0; layer <= c.layers; ++layer) {
    if (random.below(2) == 0) continue;
    s.layers.push_back(layer);
    s.hidden.push_back(normal_matrix<double>(random, rows, c.width));
  }
  if (s.layers.empty() || random.below(2) == 0) s.logits = normal_matrix<double>(random, rows, c.vocabulary);
  return s;
}

/// The gradient by the words' rows.
template <class B>
dnalm::matrix<typename B::scalar> words_gradient(
    const dnalm::encoder<B>& network, const small_batch& batch,
    const dnalm::basic_gradient_request<typename B::scalar>& request, dnalm::encoder_workspace<B>& w) {
  using T = typename B::scalar;
  dnalm::matrix<T> found;
  const auto keep = [&](const dnalm::basic_input_gradient<T>& gradient) { found = copy_of(gradient.words); };
  network.gradient(batch.view(), request, keep, w);
  return found;
}

template <class B>
void poison(dnalm::encoder_workspace<B>& w) {
  using T = typename B::scalar;
  for (auto* memory : {&w.memory, &w.scratch, &w.logits})
    std::fill_n(memory->data(), memory->size(), std::numeric_limits<T>::quiet_NaN());
  std::fill(w.embedding.factors.begin(), w.embedding.factors.end(), std::numeric_limits<T>::quiet_NaN());
}

/// nt_v2_d8 with weights of `seed`.
dnalm::encoder_config plain_config() {
  return dnalm::read_encoder_config(golden_models / "nt_v2_d8");
}

}  // namespace

TEST_CASE("gradients are the adjoint of the forward pass, for every family and mixed settings",
          "[models][gradient]") {
  // Central differences of order 8 along a random direction; see tests/unit/nn for the step's argument. Two
  // or three blocks and a head on top of each other: 1e-9 of |gradient| |direction|.
  constexpr double weights[] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
  constexpr double step = 1.0 / 1024;
  double worst = 0.0;
  for (const auto& [name, published] : all_configs()) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      INFO(name << " " << seed);
      dnalm::philox random(seed, dnalm::hash_name(name));
      dnalm::encoder_config config = published;
      if (seed > 0) shuffle_settings(config, random);
      const dnalm::reference_encoder network({}, config, lively_source(seed));
      const small_batch batch = random_batch(config, random);
      const index_t rows = batch.offsets.rows();
      const linear_number s = random_number(config, rows, random);
      dnalm::matrix<double> start(rows, config.width);
      network.word_rows(batch.ids, start.view());
      const auto direction = normal_matrix<double>(random, rows, config.width);
      dnalm::reference_encoder::workspace w;
      const auto value_at = [&](double x) {
        dnalm::matrix<double> moved(rows, config.width);
        for (index_t i = 0; i < rows * config.width; ++i)
          moved.data()[i] = start.data()[i] + x * direction.data()[i];
        return s.value<reference_backend>(network, batch, moved.view(), w);
      };
      double slope = 0.0;
      for (int k = 1; k <= 4; ++k)
        slope += weights[k - 1] * (value_at(k * step) - value_at(-k * step)) / step;
      const auto gradient = words_gradient(network, batch, s.request<double>(), w);
      const matrix_view<const double> view = gradient.view();
      const double scale = std::sqrt(inner_product(view, gradient) *
                                     inner_product(matrix_view<const double>(direction.view()), direction));
      const double gap = std::abs(slope - inner_product(view, direction)) / scale;
      CHECK(gap < 1e-9);
      worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
    }
  }
  if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN("largest gap " << worst);
}

namespace {

/// Two sequences' gradients together, in the other order, and each alone; in fresh and in poisoned memory.
template <class B>
void check_independence(const B& backend, const dnalm::encoder_config& config) {
  using T = typename B::scalar;
  const dnalm::encoder<B> network(backend, config, lively_source(3));
  dnalm::philox random(5, 6);
  const small_batch batch = random_batch(config, random);
  dnalm::basic_gradient_request<T> request;  // a cotangent that depends on the row's numbers alone
  request.layers = {1, config.layers};
  request.layers.resize(config.layers == 1 ? 1 : 2);
  request.hidden = [](index_t, matrix_view<const T> x, matrix_view<T> g) {
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) g(r, c) = x(r, c) * static_cast<T>(c % 3 - 1);
    }
  };
  request.logits = [](matrix_view<const T> x, matrix_view<T> g) {
    for (index_t r = 0; r < x.rows; ++r) g(r, 1) = x(r, 2);
  };
  const auto run = [&](const std::vector<index_t>& order, dnalm::encoder_workspace<B>& w) {
    small_batch part;
    for (const index_t s : order) {
      const auto first = batch.ids.begin() + batch.offsets.begin(s);
      part.add({first, first + batch.offsets.length(s)});
    }
    return words_gradient(network, part, request, w);
  };
  dnalm::encoder_workspace<B> w;
  const auto together = run({0, 1, 2}, w);
  CHECK(same_bits(together, run({0, 1, 2}, w)));
  poison(w);
  CHECK(same_bits(together, run({0, 1, 2}, w)));
  const auto turned = run({2, 0, 1}, w);
  index_t turned_row = 0;
  for (const index_t s : {2, 0, 1}) {
    dnalm::encoder_workspace<B> fresh;
    const auto alone = run({s}, fresh);
    const auto bytes = static_cast<std::size_t>(alone.rows() * alone.columns()) * sizeof(T);
    CHECK(std::memcmp(alone.data(), together.data() + batch.offsets.begin(s) * config.width, bytes) == 0);
    CHECK(std::memcmp(alone.data(), turned.data() + turned_row * config.width, bytes) == 0);
    turned_row += batch.offsets.length(s);
  }
}

}  // namespace

TEST_CASE("a sequence's gradient depends on nothing but the sequence, bitwise", "[models][gradient]") {
  for (const auto& [name, config] : all_configs()) {
    INFO(name);
    check_independence(reference_backend(), config);
    for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
      if (dnalm::supports(set)) check_independence(dnalm::cpu_backend(set), config);
    }
  }
}

TEST_CASE("only the blocks below the highest hidden state that is asked for run", "[models][gradient]") {
  const auto config = dnalm::read_encoder_config(golden_models / "nt_v2_d24_bin");
  REQUIRE(config.layers == 3);
  const dnalm::reference_encoder network({}, config, lively_source(1));
  dnalm::philox random(1, 2);
  const small_batch batch = random_batch(config, random);
  for (index_t top = 0; top <= 3; ++top) {
    linear_number s;
    s.layers = {top};
    s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
    auto request = s.request<double>();
    std::vector<index_t> seen;
    request.states = [&](index_t layer, matrix_view<const double> x) {
      seen.push_back(layer);
      dnalm::reference_encoder::workspace w;
      const auto compare = [&](index_t other, matrix_view<const double> expected) {
        if (other == layer) CHECK(same_bits(copy_of(expected), copy_of(x)));
      };
      network.forward(batch.view(), compare, nullptr, w);
    };
    dnalm::reference_encoder::workspace w;
    const auto low = words_gradient(network, batch, request, w);
    CHECK(static_cast<index_t>(seen.size()) == top + 1);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    // One more layer, with a gradient of zero there: the same numbers through all blocks.
    if (top == 3) continue;
    s.layers.push_back(3);
    s.hidden.emplace_back(13, config.width);
    const auto high = words_gradient(network, batch, s.request<double>(), w);
    for (index_t i = 0; i < 13 * config.width; ++i)
      CHECK(high.data()[i] == Approx(low.data()[i]).margin(1e-14));
  }
}

TEST_CASE("functions see the states that forward hands out, highest first, and zeros to write to",
          "[models][gradient]") {
  for (const bool normed : {true, false}) {
    auto config = plain_config();
    config.final_norm = normed;
    const dnalm::reference_encoder network({}, config, lively_source(1));
    dnalm::philox random(1, 2);
    const small_batch batch = random_batch(config, random);
    std::vector<dnalm::matrix<double>> expected;
    const auto collect = [&](index_t, matrix_view<const double> x) { expected.push_back(copy_of(x)); };
    const auto collect_logits = [&](matrix_view<const double> x) { expected.push_back(copy_of(x)); };
    const dnalm::reference_encoder::logits_receiver receiver = collect_logits;
    dnalm::reference_encoder::workspace w;
    network.forward(batch.view(), collect, &receiver, w);
    std::vector<index_t> called;
    const auto check = [&](index_t place, matrix_view<const double> x, matrix_view<double> g) {
      called.push_back(place);
      CHECK(same_bits(expected[static_cast<std::size_t>(place)], copy_of(x)));
      REQUIRE(g.rows == x.rows);
      for (index_t i = 0; i < g.rows * g.columns; ++i) REQUIRE(g(i / g.columns, i % g.columns) == 0.0);
    };
    dnalm::basic_gradient_request<double> request;
    request.layers = {0, 2};
    request.hidden = check;
    request.logits = [&](matrix_view<const double> x, matrix_view<double> g) { check(3, x, g); };
    const auto zero = words_gradient(network, batch, request, w);
    CHECK(called == std::vector<index_t>{3, 2, 0});
    for (index_t i = 0; i < 13 * config.width; ++i) CHECK(zero.data()[i] == 0.0);
  }
}

TEST_CASE("the one-hot gradient is the rows' gradient times the word table", "[models][gradient]") {
  for (const std::string name : {"nt_v2_d8", "nt_v1_flags", "dnabert2_a3", "nt_v1_d8"}) {  // two are tied
    INFO(name);
    const auto config = dnalm::read_encoder_config(golden_models / name);
    dnalm::philox random(8, 9);
    const small_batch batch = random_batch(config, random);
    linear_number s;
    s.layers = {1};
    s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
    const auto check = [&](const auto& network, auto zero, double tolerance) {
      using T = decltype(zero);
      auto request = s.template request<T>();
      request.tokens = true;
      std::vector<std::int32_t> all(static_cast<std::size_t>(config.vocabulary));
      std::iota(all.begin(), all.end(), 0);
      dnalm::matrix<T> table(config.vocabulary, config.width);
      network.word_rows(all, table.view());
      bool received = false;
      const auto compare = [&](const dnalm::basic_input_gradient<T>& gradient) {
        received = true;
        REQUIRE(gradient.tokens.rows == 13);
        REQUIRE(gradient.tokens.columns == config.vocabulary);
        for (index_t r = 0; r < 13; ++r) {
          for (index_t v = 0; v < config.vocabulary; ++v) {
            double sum = 0.0;
            double size = 0.0;
            for (index_t c = 0; c < config.width; ++c) {
              const double term =
                  static_cast<double>(gradient.words(r, c)) * static_cast<double>(table(v, c));
              sum += term;
              size += std::abs(term);
            }
            CHECK(std::abs(static_cast<double>(gradient.tokens(r, v)) - sum) <= tolerance * size);
          }
        }
      };
      typename std::decay_t<decltype(network)>::workspace w;
      network.gradient(batch.view(), request, compare, w);
      CHECK(received);
    };
    check(dnalm::reference_encoder({}, config, lively_source(2)), 0.0, 1e-14);
    // A chain of `width` float products: width x 2^-24 of the sum of absolute terms.
    check(dnalm::cpu_encoder({}, config, lively_source(2)), 0.0F,
          static_cast<double>(config.width) * 0x1.0p-24);
  }
}

TEST_CASE("threads share a model: the same gradients, one packed table", "[models][gradient]") {
  const auto config = plain_config();
  const dnalm::cpu_encoder network({}, config, lively_source(2));
  dnalm::philox random(8, 9);
  const small_batch batch = random_batch(config, random);
  linear_number s;
  s.logits = normal_matrix<double>(random, 13, config.vocabulary);
  auto request = s.request<float>();
  request.tokens = true;
  std::vector<dnalm::matrix<float>> found(4);
  std::vector<std::thread> threads;
  for (auto& result : found) {
    threads.emplace_back([&] {
      dnalm::cpu_encoder::workspace w;
      const auto keep = [&](const dnalm::basic_input_gradient<float>& g) { result = copy_of(g.tokens); };
      network.gradient(batch.view(), request, keep, w);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : found) CHECK(same_bits(found[0], result));
  CHECK(found[0].columns() == config.vocabulary);
}

TEST_CASE("words' rows in place of the lookup give the same numbers, and integrated gradients add up",
          "[models][gradient]") {
  const auto config = dnalm::read_encoder_config(golden_models / "nt_v1_d8");
  const dnalm::reference_encoder network({}, config, lively_source(4));
  dnalm::philox random(3, 9);
  const small_batch batch = random_batch(config, random);
  linear_number s;
  s.logits = normal_matrix<double>(random, 13, config.vocabulary);
  dnalm::reference_encoder::workspace w;
  dnalm::matrix<double> rows(13, config.width);
  network.word_rows(batch.ids, rows.view());
  const double end = s.value<reference_backend>(network, batch, rows.view(), w);
  CHECK(end == s.value<reference_backend>(network, batch, {}, w));

  // Rows on a straight line from one table row to the tokens' own; Gauss-Legendre, 5 points on 16 pieces.
  const std::vector<std::int32_t> other(13, 5);
  dnalm::matrix<double> base(13, config.width);
  network.word_rows(other, base.view());
  constexpr double nodes[] = {0.0, 0.5384693101056831, -0.5384693101056831, 0.9061798459386640,
                              -0.9061798459386640};
  constexpr double weights[] = {0.5688888888888889, 0.4786286704993665, 0.4786286704993665,
                                0.2369268850561891, 0.2369268850561891};
  constexpr int pieces = 16;
  auto request = s.request<double>();
  dnalm::matrix<double> moved(13, config.width);
  request.word_rows = moved.view();
  double total = 0.0;
  for (int piece = 0; piece < pieces; ++piece) {
    for (int k = 0; k < 5; ++k) {
      const double at = (piece + 0.5 + 0.5 * nodes[k]) / pieces;
      for (index_t i = 0; i < 13 * config.width; ++i)
        moved.data()[i] = base.data()[i] + at * (rows.data()[i] - base.data()[i]);
      const auto gradient = words_gradient(network, batch, request, w);
      for (index_t i = 0; i < 13 * config.width; ++i)
        total += weights[k] / (2 * pieces) * gradient.data()[i] * (rows.data()[i] - base.data()[i]);
    }
  }
  const double begin = s.value<reference_backend>(network, batch, base.view(), w);
  CHECK(total == Approx(end - begin).epsilon(1e-6));
}

namespace {

/// Floats that a block keeps for each token.
index_t record_floats(const dnalm::encoder_config& c) {
  const index_t states = c.norm == dnalm::norm_placement::post ? 5 : 4;
  return states * c.width + (c.gated ? 2 : 1) * c.feed_forward;
}

/// Budgets for one block, for two, one byte less than that, and for all.
std::vector<index_t> budgets(const dnalm::encoder_config& c, index_t tokens) {
  const index_t block = 4 * tokens * record_floats(c);
  return {-1, 0, block, 2 * block - 1, 2 * block, dnalm::default_keep_bytes};
}

template <class B>
void check_budgets(const B& backend, const dnalm::encoder_config& config) {
  using T = typename B::scalar;
  const dnalm::encoder<B> network(backend, config, lively_source(4));
  dnalm::philox random(3, 9);
  const small_batch batch = random_batch(config, random);
  linear_number s;
  for (index_t layer = 0; layer <= config.layers; ++layer) {
    s.layers.push_back(layer);
    s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
  }
  s.logits = normal_matrix<double>(random, 13, config.vocabulary);
  auto request = s.template request<T>();
  dnalm::encoder_workspace<B> all;
  const auto expected = words_gradient(network, batch, request, all);
  for (const index_t keep_bytes : budgets(config, 13)) {
    for (const index_t scale : {1, 2}) {  // of floats and of doubles
      request.keep_bytes = scale * keep_bytes;
      dnalm::encoder_workspace<B> w;
      CHECK(same_bits(expected, words_gradient(network, batch, request, w)));
      poison(w);
      CHECK(same_bits(expected, words_gradient(network, batch, request, w)));
    }
  }
}

}  // namespace

TEST_CASE("a gradient's bits do not depend on how much of the forward pass is kept", "[models][gradient]") {
  for (const auto& [name, config] : all_configs()) {
    INFO(name);
    check_budgets(reference_backend(), config);
    for (const auto set :
         {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512, dnalm::isa::avx512_bf16}) {
      if (!dnalm::supports(set)) continue;
      for (const auto format : {dnalm::weight_format::f32, dnalm::weight_format::bf16})
        check_budgets(dnalm::cpu_backend(set, format), config);
    }
  }
}

TEST_CASE("the budget decides how many blocks keep their forward pass, from one to all",
          "[models][gradient]") {
  const auto config = dnalm::read_encoder_config(golden_models / "nt_v2_d24_bin");
  REQUIRE(config.layers == 3);
  const dnalm::cpu_encoder network({}, config, lively_source(1));
  dnalm::gradient_extent extent{.depth = 3};
  const index_t block = 4 * 100 * record_floats(config);
  const auto bytes = [&](index_t keep_bytes, index_t depth) {
    extent.keep_bytes = keep_bytes;
    extent.depth = depth;
    return network.gradient_bytes(100, 100, extent);
  };
  const index_t least = bytes(0, 3);
  CHECK(bytes(-block, 3) == least);
  CHECK(bytes(2 * block - 1, 3) == least);
  CHECK(bytes(2 * block, 3) == least + block);
  CHECK(bytes(3 * block - 1, 3) == least + block);
  CHECK(bytes(3 * block, 3) == least + 2 * block);
  CHECK(bytes(std::numeric_limits<index_t>::max(), 3) == least + 2 * block);
  CHECK(bytes(3 * block, 2) == bytes(0, 2) + block);
  CHECK(bytes(3 * block, 0) == bytes(0, 0));
}

TEST_CASE("gradient_bytes is what a workspace then holds", "[models][gradient]") {
  for (const auto& [name, config] : all_configs()) {
    INFO(name);
    const dnalm::cpu_encoder network({}, config, lively_source(4));
    dnalm::philox random(3, 9);
    const small_batch batch = random_batch(config, random);
    for (const bool logits : {false, true}) {
      for (const bool tokens : {false, true}) {
        linear_number s;
        s.layers = {1};
        s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
        if (logits) s.logits = normal_matrix<double>(random, 13, config.vocabulary);
        auto request = s.request<float>();
        request.tokens = tokens;
        for (const index_t keep_bytes : budgets(config, 13)) {
          request.keep_bytes = keep_bytes;
          dnalm::cpu_encoder::workspace w;
          words_gradient(network, batch, request, w);
          index_t numbers = w.memory.size() + w.scratch.size() + w.logits.size();
          for (const auto& table : w.rotations) numbers += 2 * table.positions() * table.cosine.columns();
          CHECK(network.gradient_bytes(13, 7, request.extent(config.layers)) == 4 * numbers);
        }
        request.select = [](index_t) {};
        request.numbers = 3;
        dnalm::cpu_encoder::workspace w;
        words_gradient(network, batch, request, w);
        index_t numbers = w.memory.size() + w.scratch.size() + w.logits.size();
        for (const auto& table : w.rotations) numbers += 2 * table.positions() * table.cosine.columns();
        CHECK(network.gradient_bytes(13, 7, request.extent(config.layers)) == 4 * numbers);
      }
    }
  }
}

namespace {

template <class Backend>
dnalm::model erased(const dnalm::encoder_config& config, const std::string& backend) {
  dnalm::encoder<Backend> network({}, config, lively_source(4));
  return {std::make_shared<dnalm::model_of<dnalm::encoder<Backend>>>(std::move(network)),
          {.name = "lively", .backend = backend, .config = config}};
}

}  // namespace

TEST_CASE("model: gradients as floats, from both backends", "[models][gradient]") {
  const auto config = plain_config();
  dnalm::philox random(3, 9);
  const small_batch batch = random_batch(config, random);
  linear_number s;
  s.layers = {0, 1};
  s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
  s.hidden.push_back(normal_matrix<double>(random, 13, config.width));
  s.logits = normal_matrix<double>(random, 13, config.vocabulary);
  dnalm::reference_encoder::workspace w;
  const auto expected =
      words_gradient(dnalm::reference_encoder({}, config, lively_source(4)), batch, s.request<double>(), w);
  double largest = 0.0;
  for (index_t i = 0; i < 13 * config.width; ++i) largest = std::max(largest, std::abs(expected.data()[i]));
  const auto check = [&](const dnalm::model& model, double tolerance) {
    auto request = s.request<float>();
    request.tokens = true;
    int states = 0;
    request.states = [&](index_t, matrix_view<const float>) { ++states; };
    {
      auto values = request;
      values.logits = {};
      values.layers = {1};
      values.backward = false;
      std::vector<index_t> seen;
      values.states = [&](index_t layer, matrix_view<const float>) { seen.push_back(layer); };
      dnalm::forward_workspace workspace;
      model.input_gradients(
          batch.view(), values, [](const dnalm::input_gradient&) {}, workspace);
      CHECK(seen.back() == 1);
      // A state that was not asked for is not copied.
      if (model.describe().backend == "reference") CHECK(seen == std::vector<index_t>{1});
    }
    dnalm::matrix<float> rows(13, config.width);
    model.word_rows(batch.ids, rows.view());
    dnalm::forward_workspace workspace;
    for (const bool given : {false, true}) {
      request.word_rows = given ? matrix_view<const float>(rows.view()) : matrix_view<const float>{};
      int received = 0;
      const auto compare = [&](const dnalm::input_gradient& gradient) {
        ++received;
        CHECK(gradient.tokens.columns == config.vocabulary);
        double worst = 0.0;
        for (index_t i = 0; i < 13 * config.width; ++i) {
          const double gap = std::abs(expected.data()[i] - static_cast<double>(gradient.words.data[i]));
          worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
        }
        CHECK(worst <= tolerance * largest);
      };
      model.input_gradients(batch.view(), request, compare, workspace);
      CHECK(received == 1);
    }
    CHECK(states == 6);
    CHECK(model.gradient_bytes(request, 13, 7) > model.workspace_bytes(13, 7, true));
    const index_t all = model.gradient_bytes(request, 13, 7);
    request.keep_bytes = 0;  // of the two blocks, one keeps its forward pass
    const index_t size = model.describe().backend == "cpu" ? 4 : 8;
    CHECK(all - model.gradient_bytes(request, 13, 7) == size * 13 * record_floats(config));

    std::vector<float> direct;
    std::vector<float> from_rows;
    const auto into = [](std::vector<float>& out) {
      return [&out](matrix_view<const float> x) { out.assign(x.data, x.data + x.rows * x.columns); };
    };
    const auto ignore = [](index_t, matrix_view<const float>) {};
    model.forward(batch.view(), ignore, into(direct), workspace);
    model.forward_from_rows(batch.view(), rows.view(), ignore, into(from_rows), workspace);
    CHECK(direct == from_rows);
  };
  check(erased<dnalm::cpu_backend>(config, "cpu"), 2e-5);
  check(erased<reference_backend>(config, "reference"), 1e-6);  // weights, and so words' rows, are floats
}

TEST_CASE("an empty batch has no gradient", "[models][gradient]") {
  const dnalm::model model = erased<dnalm::cpu_backend>(plain_config(), "cpu");
  dnalm::gradient_request request;
  request.layers = {1};
  request.hidden = [](index_t, matrix_view<const float>, matrix_view<float>) { FAIL(); };
  const dnalm::ragged_offsets none;
  dnalm::forward_workspace workspace;
  model.input_gradients(
      {{}, none}, request, [](const dnalm::input_gradient&) { FAIL(); }, workspace);
}

TEST_CASE("wrong requests are errors", "[models][gradient]") {
  const dnalm::encoder_config config = plain_config();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const dnalm::model& model :
       {erased<dnalm::cpu_backend>(config, "cpu"), erased<reference_backend>(config, "reference")}) {
    small_batch batch;
    batch.add({3, 4, 5});
    dnalm::forward_workspace workspace;
    const auto run = [&](const dnalm::gradient_request& request) {
      return dnalm_test::error_id_of([&] {
        model.input_gradients(
            batch.view(), request, [](const dnalm::input_gradient&) {}, workspace);
      });
    };
    const auto nothing = [](index_t, matrix_view<const float>, matrix_view<float>) {};
    dnalm::gradient_request request;
    CHECK(run(request) == "dnalm.usage.421");
    request.hidden = nothing;
    CHECK(run(request) == "dnalm.usage.421");
    request.layers = {2};
    CHECK(run(request).empty());
    request.hidden = {};
    CHECK(run(request) == "dnalm.usage.421");
    request.hidden = nothing;
    request.layers = {5000000};
    CHECK(dnalm_test::error_id_of([&] { static_cast<void>(model.gradient_bytes(request, 3, 3)); }) ==
          "dnalm.input.422");
    for (const std::vector<index_t>& layers :
         std::vector<std::vector<index_t>>{{3}, {-1}, {1, 1}, {2, 1}, {0, 1, 2, 3}}) {
      request.layers = layers;
      CHECK(run(request) == "dnalm.input.422");
    }
    request.layers = {1};

    dnalm::matrix<float> rows(4, config.width);
    request.word_rows = rows.view();
    CHECK(run(request) == "dnalm.shape.423");
    request.word_rows = rows.view().row_block(0, 3);
    CHECK(run(request).empty());
    request.word_rows = rows.view().row_block(0, 3).column_block(0, config.width - 1);
    CHECK(run(request) == "dnalm.shape.423");
    request.word_rows = rows.view().row_block(0, 3);
    rows(2, 5) = nan;
    CHECK(run(request) == "dnalm.numeric.424");
    CHECK(dnalm_test::error_id_of([&] {
            model.forward_from_rows(
                batch.view(), rows.view().row_block(0, 3), [](index_t, matrix_view<const float>) {},
                [](matrix_view<const float>) {}, workspace);
          }) == "dnalm.numeric.424");
    request.word_rows = {};

    request.hidden = [nan](index_t, matrix_view<const float>, matrix_view<float> g) { g(1, 2) = nan; };
    CHECK(run(request) == "dnalm.numeric.424");
    request.layers = {};
    request.logits = [](matrix_view<const float>, matrix_view<float> g) { g(0, 0) = 1.0F / 0.0F; };
    CHECK(run(request) == "dnalm.numeric.424");

    CHECK(dnalm_test::error_id_of([&] { model.word_rows(batch.ids, rows.view()); }) == "dnalm.shape.423");
    batch.ids[1] = static_cast<std::int32_t>(config.vocabulary);
    CHECK(run(request) == "dnalm.input.407");
    CHECK(dnalm_test::error_id_of([&] { model.word_rows(batch.ids, rows.view().row_block(0, 3)); }) ==
          "dnalm.input.407");
    batch.ids.pop_back();
    CHECK(run(request) == "dnalm.shape.409");
  }
}

namespace {

/// What a request shows of one of its numbers.
struct number_seen {
  std::vector<index_t> carried = {};         ///< hidden states in the order of their gradients
  std::vector<dnalm::matrix<float>> d = {};  ///< those gradients
  dnalm::matrix<float> words = {};
};

/// Numbers 0, 1, ... whose gradients by the last state and the logits differ; `only`: that one alone.
std::vector<number_seen> see_numbers(const dnalm::cpu_encoder& network, const small_batch& batch,
                                     index_t keep_bytes, index_t numbers, index_t only = -1) {
  std::vector<number_seen> seen(static_cast<std::size_t>(only < 0 ? numbers : 1));
  std::size_t turn = 0;
  const auto factor = [&] { return static_cast<float>(only < 0 ? static_cast<index_t>(turn) : only) + 1; };
  dnalm::basic_gradient_request<float> request;
  request.layers = {network.config().layers};
  request.hidden = [&](index_t, matrix_view<const float> x, matrix_view<float> g) {
    for (index_t r = 0; r < g.rows; ++r) g(r, static_cast<index_t>(factor())) = x(r, 0);
  };
  request.logits = [&](matrix_view<const float>, matrix_view<float> g) {
    for (index_t r = 0; r < g.rows; ++r) g(r, 3) = factor() * factor();
  };
  request.numbers = static_cast<index_t>(seen.size());
  request.select = [&](index_t number) { turn = static_cast<std::size_t>(number); };
  request.carried = [&](index_t layer, matrix_view<const float> gradient) {
    seen[turn].carried.push_back(layer);
    seen[turn].d.push_back(copy_of(gradient));
  };
  request.keep_bytes = keep_bytes;
  dnalm::cpu_encoder::workspace w;
  network.gradient(
      batch.view(), request,
      [&](const dnalm::basic_input_gradient<float>& found) { seen[turn].words = copy_of(found.words); }, w);
  return seen;
}

}  // namespace

TEST_CASE("several numbers over one forward pass have the bits of each alone, at every hidden state",
          "[models][gradient]") {
  for (const auto& [name, config] : all_configs()) {
    INFO(name);
    const dnalm::cpu_encoder network({}, config, lively_source(4));
    dnalm::philox random(3, 9);
    const small_batch batch = random_batch(config, random);
    for (const index_t keep_bytes : budgets(config, 13)) {
      const auto together = see_numbers(network, batch, keep_bytes, 3);
      for (index_t number = 0; number < 3; ++number) {
        const auto only = see_numbers(network, batch, keep_bytes, 1, number);
        const number_seen& alone = only.front();
        const number_seen& found = together[static_cast<std::size_t>(number)];
        CHECK(same_bits(found.words, alone.words));
        REQUIRE(found.carried == alone.carried);
        REQUIRE(static_cast<index_t>(found.carried.size()) == config.layers + 1);
        for (std::size_t k = 0; k < found.d.size(); ++k) {
          CHECK(found.carried[k] == config.layers - static_cast<index_t>(k));
          CHECK(same_bits(found.d[k], alone.d[k]));
        }
      }
    }
  }
}
