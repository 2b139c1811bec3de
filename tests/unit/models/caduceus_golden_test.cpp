// SPDX-License-Identifier: Apache-2.0
// Caduceus against what the authors' code computed from the same files, and against the vectors of an
// original run on weights made by a formula.
#include <string>

#include <unit/models/caduceus_runs.hpp>
#include <unit/models/formula_runs.hpp>
#include <unit/models/sequence_golden_checks.hpp>

using dnalm_test::caduceus_cases;
using dnalm_test::formula_run;
using dnalm_test::golden_caduceus;

namespace {

const std::string backbone = "caduceus.backbone.";

/// The rule reads names behind `caduceus.backbone.`, without `submodule.` of a norm: the run without
/// exchanges took the weights of the one with them.
dnalm_test::formula_source formula_source() {
  return dnalm_test::formula_source([](const dnalm::planned_tensor& tensor) {
    REQUIRE(tensor.name.starts_with(backbone));
    std::string name = tensor.name.substr(backbone.size());
    const bool norm = name.find("norm") != std::string::npos;
    if (norm && name.ends_with("submodule.weight")) name.replace(name.size() - 16, 16, "weight");
    return dnalm_test::formula_source::reading{name, norm};
  });
}

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

const std::vector<std::int32_t> ids{7, 8, 9, 10, 11, 7, 7, 9, 1};
const formula_run ph_run{.ids = ids,
                         .rows = {{0, {.2959315, -.5572386, -1.2898681, -1.4859122}},
                                  {1, {-.6679839, .1812450, 1.0909942, 1.6100794}},
                                  {2, {1.0312057, .3069504, -.6899004, -1.5291904}}},
                         .sum = -7.95698376,
                         .size = 31.60534732};
const formula_run ps_run{
    .ids = ids,
    .rows = {{0, {-.3900179, .4687728, 1.2526065, 1.5325561, -1.0456824, .0076968, .8725374, 1.2517798}},
             {1, {.8056985, -.0154934, -.9724647, -1.6118888, 1.4710810, .5691152, -.4245588, -1.0965824}},
             {2, {-1.0949228, -.4215550, .5723327, 1.4728990, -1.6115761, -.9686842, -.0107253, .8094558}}},
    .sum = 10.43358164,
    .size = 61.47664601,
    .logits = {1.6052330, -1.4541529, 1.1350377, -.6847630, -.6705664}};
const formula_run plain_run{
    .ids = ids,
    .rows = {{0, {-.3685791, .4886360, 1.2614958, 1.5234040, -1.0772344, -.0267089, .8503128, 1.2490566}}}};

template <class B>
void check_original_runs(const B& backend) {
  const auto check = [&](bool two_strands, bool exchanges, const formula_run& run) {
    dnalm_test::check_formula_run<dnalm::caduceus_network>(backend, formula_config(two_strands, exchanges),
                                                           formula_source(), run, 1e-5);
  };
  check(false, false, ph_run);
  check(true, true, ps_run);
  check(true, false, plain_run);
}

}  // namespace

TEST_CASE("Caduceus on formula weights gives the numbers of the original run", "[models][caduceus]") {
  check_original_runs(dnalm::reference_backend());
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    INFO(dnalm::to_string(set));
    check_original_runs(dnalm::cpu_backend(set));
  }
}

TEST_CASE("the reference backend reproduces Caduceus within 1e-9 in double", "[models][caduceus]") {
  dnalm_test::check_golden_in_double<dnalm::caduceus_network>(golden_caduceus, caduceus_cases);
}

TEST_CASE("the cpu backend reproduces Caduceus within 1e-4 in float, with every instruction set",
          "[models][caduceus]") {
  dnalm_test::check_golden_in_float<dnalm::caduceus_network>(golden_caduceus, caduceus_cases);
}

TEST_CASE("gradients of Caduceus are those of autograd: 1e-9 in double", "[models][caduceus][adjoint]") {
  dnalm_test::check_golden_gradients_in_double<dnalm::caduceus_network>(golden_caduceus, caduceus_cases);
}

TEST_CASE("gradients of Caduceus in float: 1e-4, or 4 times PyTorch's own error",
          "[models][caduceus][adjoint]") {
  dnalm_test::check_golden_gradients_in_float<dnalm::caduceus_network>(golden_caduceus, caduceus_cases);
}
