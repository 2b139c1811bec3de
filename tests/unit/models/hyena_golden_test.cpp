// SPDX-License-Identifier: Apache-2.0
// HyenaDNA against what the authors' code and the hub's port computed from the same files, and against the
// vectors of an original run on weights made by a formula.
#include <cstdlib>
#include <map>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/hyena_filter_parts.hpp>
#include <support/instruction_sets.hpp>
#include <unit/models/hyena_runs.hpp>

using dnalm::index_t;
using dnalm_test::golden_hyena;
using dnalm_test::hyena_cases;

TEST_CASE("the reference backend reproduces HyenaDNA within 1e-9 in double", "[models][hyena]") {
  for (const std::string& name : hyena_cases) {
    INFO(name);
    const double worst = dnalm_test::worst_of_hyena(name, dnalm::reference_backend(), true);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
    CHECK(worst < 1e-9);
  }
}

TEST_CASE("the cpu backend reproduces HyenaDNA within 1e-4 in float, with every instruction set",
          "[models][hyena]") {
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    for (const std::string& name : hyena_cases) {
      INFO(name << " " << dnalm::to_string(set));
      const double worst = dnalm_test::worst_of_hyena(name, dnalm::cpu_backend(set), false);
      if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
      CHECK(worst < 1e-4);
    }
  }
}

TEST_CASE("gradients of HyenaDNA are those of autograd: 1e-9 in double", "[models][hyena][adjoint]") {
  for (const std::string& name : hyena_cases) {
    const auto gaps = dnalm_test::hyena_gradients(name, dnalm::reference_backend());
    CHECK(gaps.size() >= 2);
    for (const auto& [key, gap, pytorch, sums] : gaps) {
      INFO(name << " " << key);
      CHECK(gap < 1e-9);
    }
  }
}

TEST_CASE("gradients of HyenaDNA in float: 1e-4, or 4 times PyTorch's own error",
          "[models][hyena][adjoint]") {
  for (const std::string& name : hyena_cases) {
    for (const auto& [key, gap, pytorch, sums] : dnalm_test::hyena_gradients(name, dnalm::cpu_backend())) {
      INFO(name << " " << key << ": " << gap << ", PyTorch " << pytorch);
      CHECK(gap < std::max(1e-4, 4 * pytorch));
    }
  }
}

namespace {

/// Weights by the rule of the original run: K = sum of the name's bytes mod 97, value i = 0.3 sin(0.7 i + K)
/// in double, rounded to float; LayerNorm weights 1 + half of it. Positions and deltas keep their formulas,
/// the frequencies are 10.
class formula_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    int k = 0;
    for (const char letter : tensor.name) k += static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = 0.3 * std::sin(0.7 * static_cast<double>(i) + static_cast<double>(k % 97));
      const bool norm = tensor.kind == dnalm::tensor_kind::norm_weight;
      out[i] = static_cast<T>(static_cast<float>(norm ? 1.0 + 0.5 * value : value));
    }
  }
};

dnalm::hyena_config formula_config() {
  dnalm::hyena_config config;
  config.layers = 2;
  config.width = 4;
  config.feed_forward = 16;
  config.letters = 12;
  config.vocabulary = 16;
  config.positions = 34;
  config.embedding = 5;
  config.filter_order = 6;
  config.frequency = 10;
  config.tied_head = true;
  return config;
}

const std::vector<std::int32_t> formula_ids{0, 7, 8, 9, 10, 11, 7, 8, 9, 10, 1};

template <class B>
void check_formula_run(const B& backend, double within) {
  using T = typename B::scalar;
  const dnalm::hyena_network<B> network(backend, formula_config(), formula_source());
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(formula_ids.size()));
  typename dnalm::hyena_network<B>::workspace workspace;
  double sum = 0.0;
  double size = 0.0;
  const std::map<index_t, std::vector<double>> rows{
      {0, {-.8770552, .1494893, 1.8214195, -.4485742}},  {1, {-1.1528001, .4252433, 1.6366069, -.2350323}},
      {2, {-1.4185548, .2463655, 1.4130822, .5596752}},  {5, {-.6110466, 1.0008644, 1.1781843, -1.0982983}},
      {10, {-1.4319650, .1170607, 1.3095384, .8476578}},
  };
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const T> x) {
    if (layer < 2) return;
    for (const auto& [row, values] : rows) {
      for (index_t c = 0; c < 4; ++c) {
        INFO("row " << row << ", channel " << c);
        CHECK(std::abs(static_cast<double>(x(row, c)) - values[static_cast<std::size_t>(c)]) < within);
      }
    }
    for (index_t i = 0; i < x.rows * 4; ++i) {
      sum += static_cast<double>(x(i / 4, i % 4));
      size += std::abs(static_cast<double>(x(i / 4, i % 4)));
    }
  };
  network.forward({formula_ids, offsets}, on_layer, nullptr, workspace);
  CHECK(std::abs(sum - 7.95976645) < 44 * within);
  CHECK(std::abs(size - 38.97351215) < 44 * within);
}

}  // namespace

TEST_CASE("the filter of the original run on formula weights", "[models][hyena]") {
  const dnalm::hyena_network<dnalm::reference_backend> network(dnalm::reference_backend(), formula_config(),
                                                               formula_source());
  const auto taps = network.filter_taps(0, 34);
  const std::map<index_t, std::vector<double>> rows{
      {0, {.0965316, .7909546, -.8720797, .0641384}},
      {1, {-.2819060, -.3368030, .5171602, -.1846850}},
      {10, {-.1160595, .1433195, -.0494077, -.0172536}},
  };
  for (const auto& [row, values] : rows) {
    for (index_t c = 0; c < 4; ++c) {
      INFO("tap " << row << ", channel " << c);
      CHECK(std::abs(taps(row, c) - values[static_cast<std::size_t>(c)]) < 1e-5);
    }
  }
}

TEST_CASE("positions and damping by their formulas", "[models][hyena]") {
  const auto positions = dnalm::detail::formula_positions(formula_config());
  const std::vector<double> first{.030303031, 1, .98297310, -1.8479956e-5, -.18374951};
  const std::vector<double> last{1, .99999982, .98297310, -6.0983852e-4, .18374945};
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(std::abs(positions.z[5 + c] - first[c]) < 2e-7);
    CHECK(std::abs(positions.z[5 * 33 + c] - last[c]) < 2e-7);
  }
  const std::vector<double> deltas{-3.0701134, -7.1635981, -11.2570820, -15.3505669};
  const auto found = dnalm::detail::formula_deltas(formula_config());
  for (std::size_t c = 0; c < 4; ++c) CHECK(std::abs(found[c] - deltas[c]) < 2e-6);
}

TEST_CASE("the hidden states of the original run on formula weights", "[models][hyena]") {
  check_formula_run(dnalm::reference_backend(), 1e-5);
  check_formula_run(dnalm::cpu_backend(), 1e-5);
}
