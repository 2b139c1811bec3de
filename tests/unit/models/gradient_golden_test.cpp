// SPDX-License-Identifier: Apache-2.0
// Input gradients of every checkpoint under tests/golden/models against PyTorch autograd
// (tests/golden/gradients, made by tests/golden/make/make_gradients.py).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>

namespace {

using dnalm::index_t;
using dnalm_test::golden_batch;
using dnalm_test::golden_case;
using dnalm_test::golden_cases;
using dnalm_test::golden_models;
using dnalm_test::read_batch;
using dnalm_test::read_numbers;

const std::filesystem::path gradients = std::filesystem::path(DNALM_GOLDEN_DIR) / "gradients";

/// u(name, i) = ((s + 7919 i) mod 2003) / 2003 - 0.5, s = sum over j of (j + 1) byte_j mod 2003.
template <class T>
void fill_formula(const std::string& name, dnalm::matrix_view<T> y) {
  index_t s = 0;
  for (std::size_t j = 0; j < name.size(); ++j)
    s += static_cast<index_t>(j + 1) * static_cast<unsigned char>(name[j]);
  for (index_t i = 0; i < y.rows * y.columns; ++i) {
    y(i / y.columns, i % y.columns) =
        static_cast<T>(static_cast<double>((s % 2003 + 7919 * i) % 2003) / 2003.0 - 0.5);
  }
}

/// S = <u(output), output>.
template <class T>
dnalm::basic_gradient_request<T> formula_request(const std::string& output) {
  dnalm::basic_gradient_request<T> request;
  if (output == "logits") {
    request.logits = [output](dnalm::matrix_view<const T>, dnalm::matrix_view<T> g) {
      fill_formula(output, g);
    };
    return request;
  }
  request.layers = {std::stoll(output.substr(output.find('.') + 1))};
  request.hidden = [output](index_t, dnalm::matrix_view<const T>, dnalm::matrix_view<T> g) {
    fill_formula(output, g);
  };
  return request;
}

/// Largest difference divided by the largest expected number.
template <class T>
double relative_gap(const std::vector<double>& expected, dnalm::matrix_view<const T> found) {
  REQUIRE(static_cast<index_t>(expected.size()) == found.rows * found.columns);
  double largest = 0.0;
  double worst = 0.0;
  for (index_t i = 0; i < found.rows * found.columns; ++i) {
    const double value = expected[static_cast<std::size_t>(i)];
    const double gap = std::abs(value - static_cast<double>(found(i / found.columns, i % found.columns)));
    largest = std::max(largest, std::abs(value));
    worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
  }
  return worst / largest;
}

struct comparison {
  std::string key;
  double gap;
  double pytorch_float_gap;
};

/// Every stored gradient of a case.
template <class Backend>
std::vector<comparison> compare_case(const golden_case& item, Backend backend) {
  using T = typename Backend::scalar;
  const auto folder = golden_models / item.name;
  const auto config = dnalm::read_encoder_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::encoder<Backend> network(backend, config, source);
  const dnalm::io::safetensors_file inputs(folder / "expected.safetensors");
  const dnalm::io::safetensors_file file(gradients / (item.name + ".safetensors"));
  typename dnalm::encoder<Backend>::workspace workspace;
  std::vector<comparison> found;
  std::vector<std::string> outputs = {"logits"};
  for (index_t layer = 1; layer <= item.layers; ++layer) outputs.push_back("hidden." + std::to_string(layer));
  for (int j = 0; inputs.contains("case" + std::to_string(j) + ".input_ids"); ++j) {
    const golden_batch input = read_batch(inputs, "case" + std::to_string(j) + ".");
    for (const std::string& output : outputs) {
      const std::string key = "input" + std::to_string(j) + "." + output;
      if (!file.contains(key)) continue;
      const auto expected = read_numbers(file, key);
      const auto compare = [&](const dnalm::basic_input_gradient<T>& gradient) {
        found.push_back(
            {key, relative_gap(expected, gradient.words), read_numbers(file, key + ".f32_error")[0]});
      };
      network.gradient({input.ids, input.offsets, input.types}, formula_request<T>(output), compare,
                       workspace);
    }
  }
  return found;
}

bool verbose() {
  return std::getenv("DNALM_TEST_VERBOSE") != nullptr;
}

}  // namespace

TEST_CASE("gradients of every golden model equal PyTorch autograd within 1e-9 in double",
          "[models][gradient]") {
  const auto cases = golden_cases();
  REQUIRE(cases.size() == 36);
  for (const golden_case& item : cases) {
    const auto found = compare_case(item, dnalm::reference_backend());
    CHECK(found.size() >= 3);
    double worst = 0.0;
    for (const comparison& one : found) {
      INFO(item.name << " " << one.key);
      CHECK(one.gap < 1e-9);
      worst = std::max(worst, one.gap);
    }
    if (verbose()) WARN(item.name << ": " << worst);
  }
}

TEST_CASE("gradients of every golden model equal PyTorch autograd in float, with every instruction set",
          "[models][gradient]") {
  for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
    if (!dnalm::supports(set)) continue;
    const auto cases = golden_cases();
    REQUIRE(cases.size() == 36);
    for (const golden_case& item : cases) {
      const auto found = compare_case(item, dnalm::cpu_backend(set));
      CHECK(found.size() >= 3);
      double worst = 0.0;
      double share = 0.0;
      for (const comparison& one : found) {
        INFO(item.name << " " << one.key << " " << dnalm::to_string(set));
        CHECK(one.gap < std::max(1e-4, 4.0 * one.pytorch_float_gap));
        worst = std::max(worst, one.gap);
        share = std::max(share, one.gap / one.pytorch_float_gap);
      }
      if (verbose())
        WARN(item.name << " " << dnalm::to_string(set) << ": " << worst << ", " << share
                       << " times PyTorch's own float error");
    }
  }
}

TEST_CASE("the comparison with autograd sees one weight changed by 1e-5", "[models][gradient]") {
  struct nudged final : dnalm::weight_source {
    explicit nudged(const dnalm::weight_source& inner) : inner_(inner) {}
    bool contains(const dnalm::planned_tensor& tensor) const override { return inner_.contains(tensor); }
    void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override {
      inner_.read(tensor, out);
    }
    void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override {
      inner_.read(tensor, out);
      if (tensor.role == dnalm::tensor_role::key_weight && tensor.layer == 1) out[7] += 1e-5;
    }
    const dnalm::weight_source& inner_;
  };
  const auto folder = golden_models / "nt_v2_d8";
  const auto config = dnalm::read_encoder_config(folder);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const dnalm::reference_encoder network(dnalm::reference_backend(), config, nudged(source));
  const dnalm::io::safetensors_file inputs(folder / "expected.safetensors");
  const dnalm::io::safetensors_file file(gradients / "nt_v2_d8.safetensors");
  const golden_batch input = read_batch(inputs, "case1.");
  dnalm::reference_encoder::workspace workspace;
  double gap = 0.0;
  const auto compare = [&](const dnalm::basic_input_gradient<double>& gradient) {
    gap = relative_gap(read_numbers(file, "input1.hidden.2"), gradient.words);
  };
  network.gradient({input.ids, input.offsets}, formula_request<double>("hidden.2"), compare, workspace);
  REQUIRE(gap > 1e-8);
}
