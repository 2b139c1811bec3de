// SPDX-License-Identifier: Apache-2.0
// Caduceus against what the authors' code computed from the same files, and against the vectors of an
// original run on weights made by a formula.
#include <cstdlib>
#include <map>

#include <dnalm/models/backends.hpp>
#include <support/instruction_sets.hpp>
#include <unit/models/caduceus_runs.hpp>

using dnalm::index_t;
using dnalm_test::caduceus_cases;

namespace {

const std::string backbone = "caduceus.backbone.";

/// Weights by the rule of the original run: K = sum of the bytes of the name behind `caduceus.backbone.` mod
/// 97 (without `submodule.` of a norm: the run without exchanges took the weights of the one with them),
/// value i = 0.3 sin(0.7 i + K) in double, rounded to float; RMS norm weights 1 + half of it.
class formula_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    int k = 0;
    REQUIRE(tensor.name.starts_with(backbone));
    std::string name = tensor.name.substr(backbone.size());
    const bool norm = name.find("norm") != std::string::npos;
    if (norm && name.ends_with("submodule.weight")) name.replace(name.size() - 16, 16, "weight");
    for (const char letter : name) k += static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = 0.3 * std::sin(0.7 * static_cast<double>(i) + static_cast<double>(k % 97));
      out[i] = static_cast<T>(static_cast<float>(norm ? 1.0 + 0.5 * value : value));
    }
  }
};

dnalm::caduceus_config formula_config(bool two_strands, bool exchanges) {
  dnalm::caduceus_config config;
  config.layers = 2;
  config.channels = 4;
  config.width = two_strands ? 8 : 4;
  config.vocabulary = 16;
  config.letters = 16;
  config.inner = 8;
  config.states = 3;
  config.taps = 4;
  config.rank = 1;
  config.two_strands = two_strands;
  config.exchanges_strands = exchanges;
  for (int v = 0; v < 16; ++v) config.complement.push_back(v >= 7 && v <= 10 ? 17 - v : v);
  return config;
}

struct formula_rows {
  std::map<index_t, std::vector<double>> rows;
  double sum = 0.0;  ///< 0: not compared
  double size = 0.0;
};

/// The last hidden state and the logits of the original run's sequence.
template <class B>
void check_formula_run(const B& backend, const dnalm::caduceus_config& config, const formula_rows& expected,
                       const std::vector<double>& logits, double within) {
  using T = typename B::scalar;
  const std::vector<std::int32_t> ids{7, 8, 9, 10, 11, 7, 7, 9, 1};
  const dnalm::caduceus_network<B> network(backend, config, formula_source());
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  typename dnalm::caduceus_network<B>::workspace workspace;
  double sum = 0.0;
  double size = 0.0;
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const T> x) {
    if (layer < 2) return;
    for (const auto& [row, values] : expected.rows) {
      for (index_t c = 0; c < config.width; ++c) {
        INFO("row " << row << ", channel " << c);
        CHECK(std::abs(static_cast<double>(x(row, c)) - values[static_cast<std::size_t>(c)]) < within);
      }
    }
    for (index_t i = 0; i < x.rows * x.columns; ++i) {
      sum += static_cast<double>(x(i / x.columns, i % x.columns));
      size += std::abs(static_cast<double>(x(i / x.columns, i % x.columns)));
    }
  };
  const auto on_logits = [&](dnalm::matrix_view<const T> x) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      INFO("logit of token " << 7 + i);
      CHECK(std::abs(static_cast<double>(x(0, 7 + static_cast<index_t>(i))) - logits[i]) < within);
    }
  };
  const typename dnalm::caduceus_network<B>::logits_receiver receiver = on_logits;
  network.forward({ids, offsets}, on_layer, &receiver, workspace);
  if (expected.size == 0.0) return;
  const double numbers = 9 * static_cast<double>(config.width);
  CHECK(std::abs(sum - expected.sum) < numbers * within);
  CHECK(std::abs(size - expected.size) < numbers * within);
}

const formula_rows ph_rows{{{0, {.2959315, -.5572386, -1.2898681, -1.4859122}},
                            {1, {-.6679839, .1812450, 1.0909942, 1.6100794}},
                            {2, {1.0312057, .3069504, -.6899004, -1.5291904}}},
                           -7.95698376,
                           31.60534732};
const formula_rows ps_rows{
    {{0, {-.3900179, .4687728, 1.2526065, 1.5325561, -1.0456824, .0076968, .8725374, 1.2517798}},
     {1, {.8056985, -.0154934, -.9724647, -1.6118888, 1.4710810, .5691152, -.4245588, -1.0965824}},
     {2, {-1.0949228, -.4215550, .5723327, 1.4728990, -1.6115761, -.9686842, -.0107253, .8094558}}},
    10.43358164,
    61.47664601};
const formula_rows plain_rows{
    {{0, {-.3685791, .4886360, 1.2614958, 1.5234040, -1.0772344, -.0267089, .8503128, 1.2490566}}}};

template <class B>
void check_formula_runs(const B& backend) {
  check_formula_run(backend, formula_config(false, false), ph_rows, {}, 1e-5);
  check_formula_run(backend, formula_config(true, true), ps_rows,
                    {1.6052330, -1.4541529, 1.1350377, -.6847630, -.6705664}, 1e-5);
  check_formula_run(backend, formula_config(true, false), plain_rows, {}, 1e-5);
}

}  // namespace

TEST_CASE("Caduceus on formula weights gives the numbers of the original run", "[models][caduceus]") {
  check_formula_runs(dnalm::reference_backend());
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    INFO(dnalm::to_string(set));
    check_formula_runs(dnalm::cpu_backend(set));
  }
}

TEST_CASE("the reference backend reproduces Caduceus within 1e-9 in double", "[models][caduceus]") {
  for (const std::string& name : caduceus_cases) {
    INFO(name);
    const double worst = dnalm_test::worst_of_caduceus(name, dnalm::reference_backend(), true);
    if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
    CHECK(worst < 1e-9);
  }
}

TEST_CASE("the cpu backend reproduces Caduceus within 1e-4 in float, with every instruction set",
          "[models][caduceus]") {
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    for (const std::string& name : caduceus_cases) {
      INFO(name << " " << dnalm::to_string(set));
      const double worst = dnalm_test::worst_of_caduceus(name, dnalm::cpu_backend(set), false);
      if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(name << ": " << worst);
      CHECK(worst < 1e-4);
    }
  }
}

TEST_CASE("gradients of Caduceus are those of autograd: 1e-9 in double", "[models][caduceus][adjoint]") {
  for (const std::string& name : caduceus_cases) {
    const auto gaps = dnalm_test::caduceus_gradients(name, dnalm::reference_backend());
    CHECK(gaps.size() >= 2);
    for (const auto& [key, gap, pytorch, sums] : gaps) {
      INFO(name << " " << key);
      CHECK(gap < 1e-9);
    }
  }
}

TEST_CASE("gradients of Caduceus in float: 1e-4, or 4 times PyTorch's own error",
          "[models][caduceus][adjoint]") {
  for (const std::string& name : caduceus_cases) {
    for (const auto& [key, gap, pytorch, sums] : dnalm_test::caduceus_gradients(name, dnalm::cpu_backend())) {
      INFO(name << " " << key << ": " << gap << ", PyTorch " << pytorch);
      CHECK(gap < std::max(1e-4, 4 * pytorch));
    }
  }
}
