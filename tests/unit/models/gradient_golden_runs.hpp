// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Input gradients of a golden checkpoint on a backend, and how far they are from the recorded ones.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/encoder.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>

namespace dnalm_test {

using dnalm::index_t;

inline const std::filesystem::path golden_gradients = std::filesystem::path(DNALM_GOLDEN_DIR) / "gradients";

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

/// Sums over the numbers a of one row and b of another.
struct two_rows {
  double product = 0.0;  ///< of a b
  double first = 0.0;    ///< of a^2
  double second = 0.0;   ///< of b^2

  void add(const two_rows& other) {
    product += other.product;
    first += other.first;
    second += other.second;
  }
  [[nodiscard]] double cosine() const { return product / std::sqrt(first * second); }
};
template <class T>
two_rows sums_of(const std::vector<double>& expected, dnalm::matrix_view<const T> found) {
  two_rows sums;
  for (index_t i = 0; i < found.rows * found.columns; ++i) {
    const double a = expected[static_cast<std::size_t>(i)];
    const auto b = static_cast<double>(found(i / found.columns, i % found.columns));
    sums.add({a * b, a * a, b * b});
  }
  return sums;
}

/// How far a gradient is from the stored one, relatively, and how far PyTorch in float is.
struct gradient_gap {
  std::string key;
  double gap;
  double pytorch_float_gap;
  two_rows sums = {};  ///< of the stored one and this
};

/// Every gradient that `stored` holds for the model of `folder`; `run(batch, request, receive)` makes one in
/// T.
template <class T, class Run>
std::vector<gradient_gap> compare_stored(const std::filesystem::path& folder,
                                         const std::filesystem::path& stored, const Run& run) {
  const dnalm::io::safetensors_file inputs(folder / "expected.safetensors");
  const dnalm::io::safetensors_file file(stored);
  const index_t layers = dnalm::summary_of(dnalm::read_network_config(folder)).layers;
  std::vector<gradient_gap> found;
  std::vector<std::string> outputs = {"logits"};
  for (index_t layer = 1; layer <= layers; ++layer) outputs.push_back("hidden." + std::to_string(layer));
  for (int j = 0; inputs.contains("case" + std::to_string(j) + ".input_ids"); ++j) {
    const golden_batch input = read_batch(inputs, "case" + std::to_string(j) + ".");
    for (const std::string& output : outputs) {
      const std::string key = "input" + std::to_string(j) + "." + output;
      if (!file.contains(key)) continue;
      const auto expected = read_numbers(file, key);
      const auto compare = [&](const dnalm::basic_input_gradient<T>& gradient) {
        found.push_back({key, relative_gap(expected, gradient.words),
                         read_numbers(file, key + ".f32_error")[0], sums_of(expected, gradient.words)});
      };
      const dnalm::token_batch batch{input.ids, input.offsets, input.types};
      run(batch, formula_request<T>(output), compare);
    }
  }
  return found;
}

/// A kind of network of a folder on a backend.
template <template <class> class Network, class Backend>
Network<Backend> golden_network(const std::filesystem::path& folder, const Backend& backend) {
  const auto read = dnalm::read_network_config(folder);
  const auto& config = std::get<typename Network<Backend>::config_type>(read);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  return Network<Backend>(backend, config, source);
}
template <class Backend>
dnalm::encoder<Backend> golden_encoder(const golden_case& item, const Backend& backend) {
  return golden_network<dnalm::encoder>(golden_models / item.name, backend);
}

/// compare_stored for a kind of network on a backend of host memory.
template <template <class> class Network, class Backend>
std::vector<gradient_gap> compare_gradients_of(const std::filesystem::path& folder,
                                               const std::filesystem::path& stored, Backend backend) {
  using T = typename Backend::scalar;
  const Network<Backend> network = golden_network<Network>(folder, backend);
  typename Network<Backend>::workspace workspace;
  return compare_stored<T>(
      folder, stored,
      [&](const dnalm::token_batch& batch, const dnalm::basic_gradient_request<T>& request,
          const auto& receive) { network.gradient(batch, request, receive, workspace); });
}

/// The same for the encoder of a line of INDEX.json.
template <class Backend>
std::vector<gradient_gap> compare_gradients(const golden_case& item, Backend backend) {
  return compare_gradients_of<dnalm::encoder>(golden_models / item.name,
                                              golden_gradients / (item.name + ".safetensors"), backend);
}
template <class T, class Run>
std::vector<gradient_gap> compare_gradients_by(const golden_case& item, const Run& run) {
  return compare_stored<T>(golden_models / item.name, golden_gradients / (item.name + ".safetensors"), run);
}

/// 1 - cosine of all stored gradients of a golden model, one behind the other, and those found.
inline double lost_by(const golden_case& item, const std::vector<gradient_gap>& found) {
  two_rows all;
  for (const gradient_gap& one : found) all.add(one.sums);
  const double lost = 1.0 - all.cosine();
  if (std::getenv("DNALM_TEST_VERBOSE") != nullptr) WARN(item.name << ": 1 - " << lost);
  return lost;
}

}  // namespace dnalm_test
