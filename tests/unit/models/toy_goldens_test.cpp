// SPDX-License-Identifier: Apache-2.0
// The toy models of tests/golden/toy_goldens.json: weights are a closed formula of (tensor name, index),
// numbers come from an independent pure-Python implementation in double, written with 7 digits.
#include <cmath>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/models/backends.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
using dnalm::tensor_kind;

/// u(name, i) = ((S(name) + 7919 i) mod 2003) / 2003 - 0.5, S(name) = sum over j of (j + 1) byte_j mod 2003.
double toy_number(const std::string& name, index_t i) {
  index_t s = 0;
  for (std::size_t j = 0; j < name.size(); ++j)
    s += static_cast<index_t>(j + 1) * static_cast<unsigned char>(name[j]);
  return static_cast<double>((s % 2003 + 7919 * i) % 2003) / 2003.0 - 0.5;
}

class toy_source final : public dnalm::weight_source {
 public:
  bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  static void fill(const dnalm::planned_tensor& tensor, std::span<T> out) {
    const bool table = tensor.name.find("embeddings.weight") != std::string::npos;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double u = toy_number(tensor.name, static_cast<index_t>(i));
      double value = table ? 2.0 * u : u;
      if (tensor.kind == tensor_kind::bias) value = 0.2 * u;
      if (tensor.kind == tensor_kind::norm_weight) value = 1.0 + 0.2 * u;
      out[i] = static_cast<T>(value);
    }
  }
};

dnalm::encoder_config toy_config(const std::string& name) {
  dnalm::encoder_config c;
  c.layers = 2;
  c.vocabulary = 12;
  c.width = 8;
  c.heads = 2;
  c.feed_forward = 12;
  c.pad_id = 1;
  c.mask_id = 2;
  if (name == "nt_v1") {
    c.family = dnalm::architecture::nt_v1;
    c.positions = 10;
    c.position = dnalm::position_kind::learned_pad_offset;
    c.token_dropout = true;
  } else if (name == "nt_v2") {
    c.family = dnalm::architecture::nt_v2;
    c.position = dnalm::position_kind::rotary;
    c.gated = true;
    c.function = dnalm::activation::silu;
    c.feed_forward_bias1 = c.feed_forward_bias2 = false;
  } else {
    c.family = dnalm::architecture::dnabert2;
    c.width = 12;
    c.heads = 3;
    c.feed_forward = 10;
    c.token_types = 2;
    c.norm = dnalm::norm_placement::post;
    c.position = dnalm::position_kind::alibi;
    c.gated = true;
    c.feed_forward_bias1 = false;
    c.embedding_norm = true;
    c.final_norm = false;
    c.scale_query_first = false;
    c.fused_qkv = true;
    c.tied_head = true;
  }
  return c;
}

template <class T>
double largest_gap(const dnalm::io::json& expected, dnalm::matrix_view<const T> found) {
  REQUIRE(static_cast<index_t>(expected.size()) == found.rows);
  double worst = 0.0;
  for (index_t r = 0; r < found.rows; ++r) {
    const auto& row = expected.at(static_cast<std::size_t>(r));
    REQUIRE(static_cast<index_t>(row.size()) == found.columns);
    for (index_t c = 0; c < found.columns; ++c) {
      const double value = row.at(static_cast<std::size_t>(c)).template get<double>();
      worst = std::max(worst, std::abs(value - static_cast<double>(found(r, c))));
    }
  }
  return worst;
}

template <class Backend>
void check_toy(Backend backend, double tolerance) {
  const auto golden = dnalm::io::read_json_file(std::string(DNALM_GOLDEN_DIR) + "/toy_goldens.json");
  REQUIRE(golden.size() == 6);
  for (const auto& [key, value] : golden.items()) {
    INFO(key);
    const auto& expected = value;  // clang 14 captures no structured binding
    const dnalm::encoder<Backend> network(backend, toy_config(key.substr(0, key.find('/'))), toy_source());
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < expected.at("ids").size(); ++i) {
      if (expected.at("mask").at(i) == 1)
        ids.push_back(expected.at("ids").at(i).template get<std::int32_t>());
    }
    dnalm::ragged_offsets offsets;
    offsets.append(static_cast<index_t>(ids.size()));
    typename dnalm::encoder<Backend>::workspace workspace;
    const auto on_layer = [&](index_t layer, dnalm::input_matrix<Backend> x) {
      const char* names[] = {"hidden0", "hidden1", "last"};
      CHECK(largest_gap(expected.at(names[layer]), x) < tolerance);
    };
    const auto on_logits = [&](dnalm::input_matrix<Backend> x) {
      CHECK(largest_gap(expected.at("logits"), x) < tolerance);
    };
    const typename dnalm::encoder<Backend>::logits_receiver receiver = on_logits;
    network.forward({ids, offsets}, on_layer, &receiver, workspace);
  }
}

}  // namespace

TEST_CASE("the toy formula gives the published check values", "[models]") {
  REQUIRE(toy_number("lm_head.bias", 0) == Approx(0.2748377434).epsilon(1e-9));
  REQUIRE(toy_number("lm_head.bias", 5) == Approx(0.0426859710).epsilon(1e-8));
}

TEST_CASE("both backends reproduce the toy goldens to their seven digits", "[models]") {
  check_toy(dnalm::reference_backend(), 3e-7);  // half a digit, and the angles that are float32 here
  check_toy(dnalm::cpu_backend(), 1e-5);
}
