// SPDX-License-Identifier: Apache-2.0
// Linear outputs: what the predictions of a network of layers are maps of.
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/models/detail/linear_outputs.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::activation;
using dnalm::graph_builder;
using dnalm::index_t;
using dnalm::layer_graph;
using network_type = dnalm::layer_network<dnalm::reference_backend>;

constexpr index_t length = 9;
constexpr index_t channels = 3;

const dnalm::tensor_table& tensors() {
  static const dnalm::tensor_table table(
      {{"a.weight", dnalm::dtype::f32, {channels, 4, 3}}, {"b.weight", dnalm::dtype::f32, {channels, 4, 3}}},
      "a file");
  return table;
}

/// A network of convolutions `a` and `b` of the input, and what is made of them.
template <class Make>
layer_graph graph_of(Make&& make) {
  graph_builder net("small", {.length = length}, tensors());
  const index_t a = net.convolution(graph_builder::input(), "a");
  const index_t b = net.convolution(graph_builder::input(), "b");
  net.output("p", make(net, a, b));
  return net.take();
}

dnalm::detail::mapped_value map_of(const layer_graph& graph) {
  return dnalm::detail::linear_output_finder(graph).map_of(graph.outputs.front());
}

/// Numbers of states of a network on one sequence; gradients give also those that forward does not hand out.
std::vector<std::vector<double>> states_of(const layer_graph& graph) {
  const dnalm::random_source weights(1, 0.7);
  const network_type network({}, graph, weights);
  const std::vector<std::int32_t> ids = {0, 1, 2, 3, 3, 1, 0, 2, 1};
  dnalm::ragged_offsets offsets;
  offsets.append(length);
  std::vector<std::vector<double>> states(static_cast<std::size_t>(network.config().states()) + 1);
  network_type::gradient_wish wish;
  wish.layers = {network.config().states()};
  wish.backward = false;
  wish.states = [&](index_t state, dnalm::matrix_view<const double> x) {
    CHECK(x.columns == network.state_width(state));
    CHECK(x.rows == network.state_rows(state, length, "sequence"));
    for (index_t r = 0; r < x.rows; ++r) {
      for (index_t c = 0; c < x.columns; ++c) states[static_cast<std::size_t>(state)].push_back(x(r, c));
    }
  };
  network_type::workspace workspace;
  network.gradient(
      {ids, offsets}, wish, [](const auto&) {}, workspace);
  return states;
}

/// The prediction and its linear output, of a graph of one output and no layers.
struct both {
  explicit both(const layer_graph& graph) {
    const auto states = states_of(graph);
    prediction = states.at(1);
    linear = states.at(2);
    REQUIRE(prediction.size() == linear.size());
    REQUIRE_FALSE(prediction.empty());
  }
  std::vector<double> prediction = {};
  std::vector<double> linear = {};
};

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

}  // namespace

TEST_CASE("the linear output of a last function is what it is applied to", "[layers]") {
  struct named_function {
    activation function;
    double (*map)(double);
  };
  const named_function maps[] = {{activation::sigmoid, sigmoid},
                                 {activation::tanh, [](double x) { return std::tanh(x); }},
                                 {activation::exponential, [](double x) { return std::exp(x); }},
                                 {activation::softplus, [](double x) { return std::log1p(std::exp(x)); }}};
  for (const auto& [function, map] : maps) {
    INFO(to_string(function));
    const auto graph =
        graph_of([&, f = function](auto& net, index_t a, index_t) { return net.function(a, f); });
    CHECK(map_of(graph).map == to_string(function));
    CHECK_FALSE(map_of(graph).sum);
    const both found(graph);
    for (std::size_t i = 0; i < found.linear.size(); ++i) {
      CHECK(found.prediction[i] == Approx(map(found.linear[i])).epsilon(1e-12));
    }
  }
}

TEST_CASE("the linear output of a softmax are its inputs", "[layers]") {
  const auto graph = graph_of([](auto& net, index_t a, index_t) { return net.softmax(a); });
  CHECK(map_of(graph).map == "softmax");
  const both found(graph);
  for (std::size_t row = 0; row < found.linear.size(); row += channels) {
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c) sum += std::exp(found.linear[row + c]);
    for (std::size_t c = row; c < row + channels; ++c) {
      CHECK(found.prediction[c] == Approx(std::exp(found.linear[c]) / sum).epsilon(1e-12));
    }
  }
}

TEST_CASE("a network without a last map has itself as linear output", "[layers]") {
  const auto check_none = [](const layer_graph& graph) {
    CHECK(map_of(graph).map.empty());
    const both found(graph);
    CHECK(found.linear == found.prediction);
  };
  check_none(graph_of([](auto&, index_t a, index_t) { return a; }));
  check_none(graph_of([](auto& net, index_t a, index_t) { return net.relu(a); }));
  // Gates and sums of maps are no maps: neither a product, a sum, a mean over rows, nor maps that differ.
  const auto gate = [](auto& net, index_t x) { return net.function(x, activation::sigmoid); };
  check_none(graph_of([&](auto& net, index_t a, index_t b) { return net.multiply(b, gate(net, a)); }));
  check_none(graph_of([&](auto& net, index_t a, index_t b) { return net.add(gate(net, a), gate(net, b)); }));
  check_none(graph_of([&](auto& net, index_t a, index_t) { return net.global_mean(gate(net, a)); }));
  check_none(graph_of([&](auto& net, index_t a, index_t) { return net.scale(gate(net, a), 2.0); }));
  check_none(graph_of([&](auto& net, index_t a, index_t b) {
    return net.join_channels({gate(net, a), net.softmax(b)});
  }));
  check_none(graph_of([&](auto& net, index_t a, index_t) { return net.place(gate(net, a), 1, 0); }));
}

TEST_CASE("what is left out or moved behind a map is so of the linear output", "[layers]") {
  const auto graph = graph_of([](auto& net, index_t a, index_t b) {
    const index_t first = net.function(a, activation::sigmoid);
    const index_t second = net.function(b, activation::sigmoid);
    return net.flatten(net.reverse(net.place(net.join_channels({first, second}), -1, -2)), true);
  });
  CHECK(map_of(graph).map == "sigmoid");
  CHECK_FALSE(map_of(graph).sum);
  const both found(graph);
  CHECK(found.linear.size() == static_cast<std::size_t>((length - 2 - 3) * 2 * channels));
  for (std::size_t i = 0; i < found.linear.size(); ++i) {
    CHECK(found.prediction[i] == Approx(sigmoid(found.linear[i])).epsilon(1e-12));
  }
}

TEST_CASE("the linear output of a mean of maps is the mean of theirs", "[layers]") {
  const auto graph = graph_of([](auto& net, index_t a, index_t b) {
    net.layer("a", a);
    net.layer("b", b);
    return net.scale(net.add(net.function(a, activation::sigmoid), net.function(b, activation::sigmoid)),
                     0.5);
  });
  CHECK(map_of(graph).map == "sigmoid");
  CHECK(map_of(graph).sum);
  const auto states = states_of(graph);
  for (std::size_t i = 0; i < states.at(4).size(); ++i) {
    CHECK(states[3][i] == Approx(0.5 * (sigmoid(states[1][i]) + sigmoid(states[2][i]))).epsilon(1e-12));
    CHECK(states[4][i] == Approx(0.5 * (states[1][i] + states[2][i])).epsilon(1e-12));
  }
  // Members of an ensemble are averaged alike.
  const auto member = graph_of([](auto& net, index_t a, index_t) { return net.softmax(a); });
  const layer_graph three = dnalm::ensemble_of({member, member, member});
  CHECK(map_of(three).map == "softmax");
  CHECK(map_of(three).sum);
}

TEST_CASE("a weighted difference of maps is no mean of them", "[layers]") {
  const auto weighed = [](double first, double second) {
    return graph_of([&](auto& net, index_t a, index_t b) {
      return net.add(net.scale(net.function(a, activation::sigmoid), first),
                     net.scale(net.function(b, activation::sigmoid), second));
    });
  };
  CHECK(map_of(weighed(0.25, 0.75)).map == "sigmoid");
  CHECK(map_of(weighed(2, -1)).map.empty());  // the weights sum to 1
  CHECK(map_of(weighed(1, 0)).map.empty());
  const auto graph = weighed(2, -1);
  CHECK(dnalm::detail::with_linear_outputs(graph).linear.front().value == graph.outputs.front().value);
  const auto once = graph_of(
      [](auto& net, index_t a, index_t) { return net.scale(net.function(a, activation::sigmoid), 1); });
  CHECK(map_of(once).map == "sigmoid");
  CHECK_FALSE(map_of(once).sum);
}

TEST_CASE("a prediction is linear where its last operations are", "[layers]") {
  const auto linear = [](auto make) {
    const layer_graph graph = graph_of(make);
    return dnalm::detail::ends_linearly(graph, graph.outputs.front().value);
  };
  CHECK(linear([](auto&, index_t a, index_t) { return a; }));
  CHECK(linear([](auto& net, index_t a, index_t b) { return net.scale(net.add(a, b), 0.5); }));
  CHECK_FALSE(linear([](auto& net, index_t a, index_t) { return net.function(a, activation::relu); }));
  CHECK_FALSE(
      linear([](auto& net, index_t a, index_t b) { return net.add(a, net.function(b, activation::relu)); }));
}

TEST_CASE("linear outputs are states behind those that forward hands out", "[layers]") {
  graph_builder net("small", {}, tensors());
  const index_t a = net.convolution(graph_builder::input(), "a");
  const index_t b = net.convolution(graph_builder::input(), "b");
  net.layer("a", a);
  net.output("first", net.function(a, activation::sigmoid));
  net.output("second", b);
  const dnalm::random_source weights(1, 0.7);
  const network_type network({}, net.take(), weights);
  const layer_graph& graph = network.config();
  CHECK(graph.results() == 3);
  CHECK(graph.states() == 5);
  CHECK(graph.summary().layers == 3);
  CHECK(graph.summary().last_state() == 5);
  CHECK(graph.result(4).value == graph.result(1).value);  // the sigmoid's input, a layer as well
  CHECK(graph.result(5).value == graph.result(3).value);
  const std::vector<std::int32_t> ids = {0, 1, 2, 3, 3};
  dnalm::ragged_offsets offsets;
  offsets.append(5);
  index_t last = -1;
  network_type::workspace workspace;
  network.forward(
      {ids, offsets}, [&](index_t state, auto) { last = state; }, nullptr, workspace);
  CHECK(last == 3);
}

TEST_CASE("operations that are no network are refused as before", "[layers]") {
  layer_graph graph = graph_of([](auto& net, index_t a, index_t) { return net.softmax(a); });
  const auto refused = [](const layer_graph& bad) {
    const dnalm::random_source weights(1, 0.7);
    try {
      const network_type network({}, bad, weights);
    } catch (const dnalm::error& e) {
      return e.id();
    }
    return std::string("no error");
  };
  layer_graph bad = graph;
  bad.nodes.back().inputs = {17};
  CHECK(refused(bad) == "dnalm.config.432");
  bad.nodes.back().inputs = {};
  CHECK(refused(bad) == "dnalm.config.432");
  bad = graph;
  bad.outputs.front().value = 40;
  CHECK(refused(bad) == "dnalm.config.432");
  bad.outputs.front().value = -1;
  CHECK(refused(bad) == "dnalm.config.432");
}
