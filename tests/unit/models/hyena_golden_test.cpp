// SPDX-License-Identifier: Apache-2.0
// HyenaDNA against what the authors' code and the hub's port computed from the same files, and against the
// vectors of an original run on weights made by a formula.
#include <map>

#include <dnalm/models/detail/hyena_filter_parts.hpp>
#include <unit/models/formula_runs.hpp>
#include <unit/models/hyena_runs.hpp>
#include <unit/models/sequence_golden_checks.hpp>

using dnalm::index_t;
using dnalm_test::golden_hyena;
using dnalm_test::hyena_cases;

TEST_CASE("the reference backend reproduces HyenaDNA within 1e-9 in double", "[models][hyena]") {
  dnalm_test::check_golden_in_double<dnalm::hyena_network>(golden_hyena, hyena_cases);
}

TEST_CASE("the cpu backend reproduces HyenaDNA within 1e-4 in float, with every instruction set",
          "[models][hyena]") {
  dnalm_test::check_golden_in_float<dnalm::hyena_network>(golden_hyena, hyena_cases);
}

TEST_CASE("gradients of HyenaDNA are those of autograd: 1e-9 in double", "[models][hyena][adjoint]") {
  dnalm_test::check_golden_gradients_in_double<dnalm::hyena_network>(golden_hyena, hyena_cases);
}

TEST_CASE("gradients of HyenaDNA in float: 1e-4, or 4 times PyTorch's own error",
          "[models][hyena][adjoint]") {
  dnalm_test::check_golden_gradients_in_float<dnalm::hyena_network>(golden_hyena, hyena_cases);
}

namespace {

/// Positions and deltas keep their formulas, the frequencies are 10.
dnalm_test::formula_source formula_source() {
  return dnalm_test::formula_source([](const dnalm::planned_tensor& tensor) {
    return dnalm_test::formula_source::reading{tensor.name, tensor.kind == dnalm::tensor_kind::norm_weight};
  });
}

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

const dnalm_test::formula_run original_run{.ids = {0, 7, 8, 9, 10, 11, 7, 8, 9, 10, 1},
                                           .rows = {{0, {-.8770552, .1494893, 1.8214195, -.4485742}},
                                                    {1, {-1.1528001, .4252433, 1.6366069, -.2350323}},
                                                    {2, {-1.4185548, .2463655, 1.4130822, .5596752}},
                                                    {5, {-.6110466, 1.0008644, 1.1781843, -1.0982983}},
                                                    {10, {-1.4319650, .1170607, 1.3095384, .8476578}}},
                                           .sum = 7.95976645,
                                           .size = 38.97351215};

template <class B>
void check_original_run(const B& backend) {
  dnalm_test::check_formula_run<dnalm::hyena_network>(backend, formula_config(), formula_source(),
                                                      original_run, 1e-5);
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
  check_original_run(dnalm::reference_backend());
  check_original_run(dnalm::cpu_backend());
}
