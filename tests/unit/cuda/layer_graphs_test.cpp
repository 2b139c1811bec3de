// SPDX-License-Identifier: Apache-2.0
// Every operation of a network of layers on the GPU's backend, on the emulation, beside the reference:
// states and input gradients.
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/models/detail/layer_network_gradient_impl.hpp>
#include <dnalm/models/detail/layer_network_impl.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>
#include <support/cuda_emulation/backend.hpp>

using dnalm::index_t;
using dnalm::layer_kind;
using dnalm::layer_node;
using dnalm::layer_tensor;
using dnalm_test::numbers;

namespace {

/// Normal numbers times 0.4 by the tensor's name; variances are above 0.5.
class normal_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  static void fill(const dnalm::planned_tensor& tensor, std::span<T> out) {
    dnalm::philox random(1, dnalm::hash_name(tensor.name));
    const bool variance = tensor.name.ends_with("_var");
    for (T& value : out) {
      const auto number = static_cast<float>(0.4 * random.normal());
      value = static_cast<T>(variance ? 0.5F + std::abs(number) : number);
    }
  }
};

/// A graph whose operations are put together by hand.
class graph_by_hand {
 public:
  graph_by_hand(const dnalm::sequence_input& input, const std::vector<dnalm::io::tensor_info>& tensors)
      : table_(tensors, "by hand"), net("by hand", input, table_) {}

 private:
  dnalm::tensor_table table_;

 public:
  dnalm::graph_builder net;  // NOLINT: the test's own

  index_t append(
      layer_kind kind, std::vector<index_t> inputs,
      const std::vector<std::pair<layer_tensor, std::string>>& tensors = {},
      const std::function<void(layer_node&)>& set = [](layer_node&) {}) {
    layer_node node;
    node.kind = kind;
    node.name = std::string(dnalm::to_string(kind));
    node.inputs = std::move(inputs);
    for (const auto& [part, name] : tensors) node.tensors.push_back({part, name, table_.shape(name)});
    set(node);
    return net.append(std::move(node));
  }
};

[[nodiscard]] std::vector<dnalm::io::tensor_info> tensors_of(
    const std::vector<std::pair<std::string, std::vector<index_t>>>& shapes) {
  std::vector<dnalm::io::tensor_info> all;
  for (const auto& [name, shape] : shapes) all.push_back({name, dnalm::dtype::f32, shape});
  return all;
}

[[nodiscard]] index_t attention_by_hand(graph_by_hand& g, index_t x) {
  auto& net = g.net;
  const index_t normed = g.append(layer_kind::layer_norm, {x},
                                  {{layer_tensor::gamma, "norm.weight"}, {layer_tensor::beta, "norm.bias"}},
                                  [](layer_node& node) { node.eps = 1e-5; });
  const index_t q = net.dense(normed, "q");
  const index_t k = net.dense(normed, "k");
  const index_t v = net.dense(normed, "v");
  const index_t mixed = g.append(layer_kind::relative_attention, {q, k, v},
                                 {{layer_tensor::weight, "distance.weight"},
                                  {layer_tensor::bias, "content.bias"},
                                  {layer_tensor::position_bias, "position.bias"}},
                                 [](layer_node& node) {
                                   node.groups = 2;
                                   node.constant_columns = 12;
                                   node.value = 0.5;
                                 });
  return net.add(x, net.dense(mixed, "out"));
}

/// Of any length: all that needs no fixed one.
[[nodiscard]] dnalm::layer_graph graph_of_any_length() {
  graph_by_hand g(
      {.before = 2, .after = 1},
      tensors_of({{"conv.weight", {6, 4, 5}}, {"conv.bias", {6}},          {"bn.weight", {6}},
                  {"bn.bias", {6}},           {"bn.running_mean", {6}},    {"bn.running_var", {6}},
                  {"bn2.weight", {6}},        {"bn2.bias", {6}},           {"bn2.running_mean", {6}},
                  {"bn2.running_var", {6}},   {"depth.weight", {6, 1, 3}}, {"strided.weight", {6, 3, 3}},
                  {"norm.weight", {6}},       {"norm.bias", {6}},          {"q.weight", {8, 6}},
                  {"k.weight", {8, 6}},       {"v.weight", {6, 6}},        {"distance.weight", {8, 12}},
                  {"content.bias", {8}},      {"position.bias", {8}},      {"out.weight", {6, 6}},
                  {"out.bias", {6}},          {"logits.weight", {6, 6}},   {"gate.weight", {6, 6}}}));
  auto& net = g.net;
  const index_t first = net.relu(net.batch_norm(net.convolution(0, "conv", {.same = true}), "bn"));
  net.layer("first", first);
  const index_t depth = net.convolution(first, "depth", {.groups = 6, .same = true});
  const index_t cut = net.threshold(net.batch_norm(net.add(first, depth), "bn2"), 0.1, -0.2);
  const index_t most = net.max_pool(cut, {.size = 3, .stride = 2, .same = true});
  const index_t mean = net.average_pool(most, {.size = 2, .stride = 1, .before = 1, .counts_missing = true});
  const index_t strided =
      net.convolution(mean, "strided", {.stride = 2, .groups = 2, .before = 1, .after = 1});
  net.layer("strided", strided);
  const index_t attended = attention_by_hand(g, strided);
  net.layer("attended", attended);
  const index_t logits = net.dense(attended, "logits");
  const index_t pooled = g.append(layer_kind::softmax_pool, {attended, logits}, {}, [](layer_node& node) {
    node.window = {2, 2};
  });
  const index_t wide = net.upsample(pooled, 3);
  const index_t placed = net.place(wide, -1, 2);
  const index_t middle =
      g.append(layer_kind::middle, {placed}, {}, [](layer_node& node) { node.factor = 4; });
  const index_t both = net.join_channels({net.centre_to(placed, middle), middle});
  const index_t long_one = net.join_positions({both, both});
  const index_t back = net.reverse(long_one);
  net.layer("back", back);
  const index_t shares = net.scale(net.softmax(back), 1.7);
  const index_t weighed = g.append(layer_kind::masked_mean, {back, shares});
  const index_t gated = net.multiply(net.multiply(back, shares), net.global_mean(back));
  const index_t sum = net.add(net.add(gated, net.global_max(back)), weighed);
  net.output("bounded", net.function(sum, dnalm::activation::tanh));
  net.output("mean", weighed);
  return net.take();
}

/// Of ten letters: flattened both ways, positions weighed and projected.
[[nodiscard]] dnalm::layer_graph graph_of_ten() {
  std::vector<double> basis;
  for (int i = 0; i < 30; ++i) basis.push_back(i % 7 == 3 ? 0.0 : 0.3 * std::sin(0.9 * i));
  graph_by_hand g({.length = 10, .shorter = dnalm::short_sequence::centred},
                  tensors_of({{"conv.weight", {5, 4, 3}},
                              {"spline.weight", {3, 5}},
                              {"a.weight", {6, 15}},
                              {"b.weight", {6, 15}},
                              {"b.bias", {6}}}));
  auto& net = g.net;
  const index_t x = net.convolution(0, "conv", {.same = true});
  const index_t weighed = g.append(layer_kind::weigh_positions, {x},
                                   {{layer_tensor::weight, "spline.weight"}}, [&](layer_node& node) {
                                     node.constant = basis;
                                     node.constant_columns = 3;
                                   });
  net.layer("weighed", weighed);
  const index_t projected = net.project_positions(weighed, basis, 10);
  const index_t by_rows = net.dense(net.flatten(projected, false), "a");
  const index_t by_channels = net.dense(net.flatten(projected, true), "b");
  net.output("sum", net.function(net.add(by_rows, by_channels), dnalm::activation::softplus));
  return net.take();
}

struct graph_run {
  numbers states = {};
  numbers gradient = {};
};

/// All states of a batch, and the gradient of the sum of their products with normal numbers by the tokens.
template <class B>
[[nodiscard]] graph_run run_graph(const B& backend, const dnalm::layer_graph& graph,
                                  const dnalm::token_batch& batch) {
  using T = typename B::scalar;
  const dnalm::layer_network<B> network(backend, graph, normal_source());
  typename dnalm::layer_network<B>::workspace workspace;
  // The emulated GPU's memory is the host's.
  const auto here = [](auto x) { return dnalm::matrix_view<const T>{x.data, x.rows, x.columns, x.stride}; };
  graph_run result;
  network.forward(
      batch, [&](index_t, dnalm::input_matrix<B> x) { dnalm_test::append_numbers(here(x), result.states); },
      nullptr, workspace);
  typename dnalm::layer_network<B>::gradient_wish wish;
  wish.tokens = true;
  for (index_t state = 0; state <= graph.results(); ++state) wish.layers.push_back(state);
  wish.hidden = [&](index_t state, dnalm::input_matrix<B>, dnalm::output_matrix<B> g) {
    const numbers u = dnalm_test::normal_numbers(g.rows * g.columns, 50 + static_cast<std::uint64_t>(state));
    for (index_t r = 0; r < g.rows; ++r) {
      for (index_t c = 0; c < g.columns; ++c) {
        g.row_data(r)[c] = static_cast<T>(u[static_cast<std::size_t>(r * g.columns + c)]);
      }
    }
  };
  network.gradient(
      batch, wish,
      [&](const dnalm::basic_input_gradient<T, B::space>& found) {
        dnalm_test::append_numbers(here(found.tokens), result.gradient);
      },
      workspace);
  return result;
}

/// Largest difference, as a share of the largest number.
[[nodiscard]] double gap(const numbers& a, const numbers& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0.0;
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    worst = std::isnan(difference) ? 1e300 : std::max(worst, difference);
    largest = std::max(largest, std::abs(a[i]));
  }
  return worst / largest;
}

void check_graph(const dnalm::layer_graph& graph, const std::vector<index_t>& lengths) {
  dnalm::philox random(4, dnalm::hash_name("letters"));
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;
  for (const index_t length : lengths) {
    offsets.append(length);
    for (index_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>(random.below(5)));
  }
  const graph_run exact = run_graph(dnalm::reference_backend(), graph, {ids, offsets});
  for (const index_t block_rows : {7, 4224}) {
    const graph_run found = run_graph(dnalm::cuda_backend({.block_rows = block_rows}), graph, {ids, offsets});
    // Some 30 operations of sums of up to 30 numbers, each a few roundings of 2^-24 away.
    CHECK(gap(exact.states, found.states) < 1e-5);
    CHECK(gap(exact.gradient, found.gradient) < 1e-4);
  }
}

}  // namespace

TEST_CASE("cuda: every operation of a network of layers runs, forward and back", "[cuda][layers]") {
  const dnalm::layer_graph any = graph_of_any_length();
  const dnalm::layer_graph ten = graph_of_ten();
  std::set<layer_kind> kinds;
  for (const auto* graph : {&any, &ten}) {
    for (const layer_node& node : graph->nodes) kinds.insert(node.kind);
  }
  for (int kind = 0; kind <= static_cast<int>(layer_kind::project_positions); ++kind) {
    INFO(dnalm::to_string(static_cast<layer_kind>(kind)));
    CHECK(kinds.count(static_cast<layer_kind>(kind)) == 1);
  }
  check_graph(any, {21, 40, 26});
  check_graph(ten, {10, 7, 1});
}
