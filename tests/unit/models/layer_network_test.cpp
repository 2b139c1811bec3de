// SPDX-License-Identifier: Apache-2.0
// Networks of layers: each operation forward and to the input gradient, what is fused against what is not,
// float against double, and a sequence's bits in any batch.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/model_of.hpp>
#include <support/adjoint_test.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/models/budget_runs.hpp>
#include <unit/models/multiplier_runs.hpp>

namespace {

using dnalm::index_t;
using dnalm::layer_graph;
using dnalm::layer_kind;
using dnalm::layer_node;
using dnalm::layer_tensor;
using dnalm_test::numbers;

/// Normal numbers by name; variances and scales around 1.
class named_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return true; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  static void fill(const dnalm::planned_tensor& tensor, std::span<T> out) {
    dnalm::philox random(7, dnalm::hash_name(tensor.name));
    const bool one = tensor.kind == dnalm::tensor_kind::norm_weight;
    for (T& value : out) {
      const auto number = static_cast<double>(static_cast<float>(0.3 * random.normal()));
      value = static_cast<T>(one ? 1.0 + 0.5 * std::tanh(number) : number);
    }
  }
};

/// The same number in every tensor.
class constant_source final : public dnalm::weight_source {
 public:
  explicit constant_source(double value) : value_(value) {}
  [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return true; }
  void read(const dnalm::planned_tensor&, std::span<float> out) const override {
    std::fill(out.begin(), out.end(), static_cast<float>(value_));
  }
  void read(const dnalm::planned_tensor&, std::span<double> out) const override {
    std::fill(out.begin(), out.end(), value_);
  }

 private:
  double value_;
};

/// Puts graphs together whose tensors are as wanted.
class sketch {
 public:
  explicit sketch(dnalm::sequence_input input)
      : tensors_({}, "sketch"), builder_("sketch", input, tensors_) {}

  dnalm::graph_builder* operator->() { return &builder_; }
  index_t convolution(index_t x, index_t in, index_t out, layer_node how) {
    how.kind = layer_kind::convolution;
    how.inputs = {x};
    how.outputs = out;
    return weighted(std::move(how), {out, in / how.groups, how.taps}, out);
  }
  index_t depthwise(index_t x, index_t channels, layer_node how) {
    how.kind = layer_kind::depthwise;
    how.inputs = {x};
    return weighted(std::move(how), {channels, 1, how.taps}, channels);
  }
  index_t dense(index_t x, index_t in, index_t out) {
    layer_node how;
    how.kind = layer_kind::dense;
    how.inputs = {x};
    how.outputs = out;
    return weighted(std::move(how), {out, in}, out);
  }
  index_t norm(index_t x, index_t channels) {
    layer_node node;
    node.kind = layer_kind::batch_norm;
    node.inputs = {x};
    node.eps = 1e-3;
    for (const auto part :
         {layer_tensor::gamma, layer_tensor::beta, layer_tensor::mean, layer_tensor::variance}) {
      node.tensors.push_back({part, fresh(), {channels}});
    }
    return builder_.append(node);
  }
  index_t weigh(index_t x, index_t length, index_t channels) {
    layer_node node;
    node.kind = layer_kind::weigh_positions;
    node.inputs = {x};
    node.constant_columns = 3;
    node.constant = dnalm_test::normal_numbers(3 * length, 5);
    node.tensors = {{layer_tensor::weight, fresh(), {3, channels}}};
    return builder_.append(node);
  }
  index_t layer_norm(index_t x, index_t channels) {
    layer_node node;
    node.kind = layer_kind::layer_norm;
    node.inputs = {x};
    node.eps = 1e-5;
    node.tensors = {{layer_tensor::gamma, fresh(), {channels}}, {layer_tensor::beta, fresh(), {channels}}};
    return builder_.append(node);
  }
  index_t attention(index_t q, index_t k, index_t v, index_t channels, index_t heads) {
    layer_node node;
    node.kind = layer_kind::relative_attention;
    node.inputs = {q, k, v};
    node.groups = heads;
    node.value = 0.5;
    node.constant_columns = 6;
    node.tensors = {{layer_tensor::weight, fresh(), {channels, 6}},
                    {layer_tensor::bias, fresh(), {channels}},
                    {layer_tensor::position_bias, fresh(), {channels}}};
    return builder_.append(node);
  }
  index_t two(layer_kind kind, index_t a, index_t b) {
    layer_node node;
    node.kind = kind;
    node.inputs = {a, b};
    return builder_.append(node);
  }

 private:
  std::string fresh() { return "tensor_" + std::to_string(next_++); }
  index_t weighted(layer_node node, std::vector<index_t> shape, index_t outputs) {
    node.tensors = {{layer_tensor::weight, fresh(), std::move(shape)},
                    {layer_tensor::bias, fresh(), {outputs}}};
    return builder_.append(std::move(node));
  }

  int next_ = 0;
  dnalm::tensor_table tensors_;
  dnalm::graph_builder builder_;
};

dnalm::sequence_input any_length() {
  dnalm::sequence_input input;
  input.letters = "AGCT";
  input.unknown = 0.25;
  input.before = 2;
  input.after = 1;
  input.missing = 0.125;
  return input;
}

layer_node taps(index_t count, index_t dilation = 1, index_t before = 0, index_t after = 0,
                index_t stride = 1, index_t groups = 1) {
  layer_node node;
  node.taps = count;
  node.dilation = dilation;
  node.before = before;
  node.after = after;
  node.stride = stride;
  node.groups = groups;
  return node;
}

/// Operations that read any length.
layer_graph free_graph() {
  sketch s(any_length());
  index_t x = s->relu(s.norm(s.convolution(0, 4, 12, taps(3, 2, 2, 2)), 12));
  const index_t stem = x;
  s->layer("stem", x);
  index_t y = s.convolution(s->function(s.norm(x, 12), dnalm::activation::silu), 12, 12, taps(5, 1, 2, 2));
  x = s->add(x, y);
  s->layer("block", x);
  y = s.convolution(s.norm(s->relu(x), 12), 12, 12, taps(1));
  y = s->function(s.depthwise(y, 12, taps(3, 1, 1, 1)), dnalm::activation::gelu_erf);
  index_t gate = s->function(s.dense(s->global_mean(y), 12, 5), dnalm::activation::tanh);
  gate = s->function(s.dense(gate, 5, 12), dnalm::activation::sigmoid);
  y = s->multiply(y, gate);
  y = s->join_channels({y, x});
  s->layer("gated", y);
  y = s->function(s.convolution(y, 24, 16, taps(4, 1, 1, 2, 1, 2)), dnalm::activation::softplus);
  dnalm::row_window pool;
  pool.size = 3;
  pool.stride = 2;
  pool.same = true;
  const index_t low = s->max_pool(y, pool);
  pool.same = false;
  pool.before = pool.after = 1;
  const index_t mean = s->average_pool(s->upsample(low, 2), pool);
  const index_t strided = s.convolution(mean, 16, 12, taps(3, 2, 3, 1, 2));
  s->layer("low", low);
  s->layer("strided", strided);
  const index_t joined = s->join_positions({strided, s->place(stem, -2, 3)});
  const index_t bent = s->threshold(s->scale(joined, 1.5), 0.0, 1e-6);
  const index_t middle = s->centre_to(bent, strided);
  const index_t both = s->multiply(middle, s->softmax(strided));
  const index_t repeated = s->add(both, s->global_max(bent));
  s->output("rows", s->function(repeated, dnalm::activation::gelu_sigmoid));
  s->output("counts", s.dense(s.two(layer_kind::masked_mean, stem, 0), 12, 2));
  return s->take();
}

/// Operations of a fixed length.
layer_graph fixed_graph() {
  dnalm::sequence_input input;
  input.length = 20;
  input.shorter = dnalm::short_sequence::centred;
  sketch s(input);
  index_t x = s.convolution(0, 4, 8, taps(5));
  x = s->function(s.weigh(x, 16, 8), dnalm::activation::gelu_tanh);
  s->layer("weighed", x);
  x = s->project_positions(x, dnalm_test::normal_numbers(6 * 16, 9, 0.3), 16);
  s->layer("projected", x);
  const index_t channels = s->flatten(x, true);
  const index_t rows = s->flatten(x, false);
  x = s->relu(s.norm(s.dense(s.norm(s->add(channels, rows), 48), 48, 10), 10));
  s->layer("inner", x);
  s->output("targets", s->function(s.dense(x, 10, 3), dnalm::activation::exponential));
  return s->take();
}

/// Attention and what stands around it.
layer_graph attention_graph() {
  sketch s(any_length());
  index_t x = s->relu(s.convolution(0, 4, 12, taps(5, 1, 2, 2)));
  layer_node pool;
  pool.kind = layer_kind::softmax_pool;
  pool.inputs = {x, s.dense(x, 12, 12)};
  pool.window.size = 2;
  x = s->append(pool);
  s->layer("pooled", x);
  const index_t normed = s.layer_norm(x, 12);
  const index_t q = s.dense(normed, 12, 8);
  const index_t k = s.dense(normed, 12, 8);
  x = s->add(x, s.attention(q, k, s.dense(normed, 12, 12), 8, 2));
  s->layer("attended", x);
  layer_node middle;
  middle.kind = layer_kind::middle;
  middle.inputs = {s->reverse(x)};
  middle.factor = 4;
  s->output("rows", s.dense(s->append(middle), 12, 3));
  return s->take();
}

/// Dilated blocks whose results are cropped: most rows of the values before them are never read.
layer_graph cropped_graph() {
  constexpr index_t flank = 20;
  dnalm::sequence_input input;
  input.before = input.after = flank;
  sketch s(input);
  index_t x = s.convolution(0, 4, 6, taps(1));
  index_t skip = s.convolution(x, 6, 6, taps(1));
  for (const index_t d : {index_t{1}, index_t{3}}) {
    index_t y = s.convolution(s->relu(s.norm(x, 6)), 6, 6, taps(3, d, d, d));
    y = s.convolution(s->relu(s.norm(y, 6)), 6, 6, taps(4, d, d, 2 * d));
    x = s->add(x, y);
    skip = s->add(skip, s.convolution(x, 6, 6, taps(1)));
    s->layer("block " + std::to_string(d), s->place(x, -flank, -flank));
  }
  const index_t kept = s->place(s.depthwise(skip, 6, taps(3, 1, 1, 1)), -flank, -flank);
  const index_t halves = s.convolution(kept, 6, 6, taps(3, 1, 2, 2, 2));
  s->output("rows", s->softmax(s.convolution(s->place(halves, 0, -1), 6, 3, taps(1))));
  return s->take();
}

constexpr index_t paired_length = 500;

/// Convolutions behind each other with nothing between them: some are run as one.
layer_graph paired_graph() {
  dnalm::sequence_input input;
  input.length = paired_length;
  input.shorter = dnalm::short_sequence::first;
  sketch s(input);
  const index_t uneven = s.convolution(s.convolution(0, 4, 40, taps(9, 1, 4, 4)), 40, 40, taps(8, 1, 3, 5));
  s->layer("uneven", s->max_pool(s->relu(uneven), {3, 3}));
  const index_t eight = s.convolution(uneven, 40, 40, taps(8, 1, 3, 5));  // rows in twos, told by their place
  s->layer("eight taps", eight);
  layer_node keras = taps(5);
  keras.layout = dnalm::weight_layout::taps_in_out;
  const index_t valid = s.convolution(s.convolution(0, 4, 36, keras), 36, 40, taps(4));
  const index_t behind = s.convolution(s.convolution(0, 4, 36, taps(4, 1, 0, 2)), 36, 40, taps(6, 1, 0, 2));
  const index_t inner = s.convolution(0, 4, 100, taps(3, 1, 1, 1));
  const index_t chain = s.convolution(s.convolution(inner, 100, 100, taps(3, 1, 1, 1)), 100, 1, taps(1));
  s->layer("chain", chain);  // of three one pair, whose ends have one row
  index_t sum = s->add(s->place(uneven, 0, -8), valid);
  sum = s->add(s->place(eight, 0, -9), sum);
  sum = s->add(s->place(behind, 0, -3), sum);
  sum = s->add(s->place(s.convolution(chain, 1, 40, taps(1)), 0, -7), sum);
  s->layer("sum", s->relu(sum));
  s->output("targets", s.dense(s->global_mean(s->relu(sum)), 40, 2));
  return s->take();
}

/// The same graph with every value a state: nothing may be put together.
layer_graph unfused(layer_graph graph) {
  graph.layers.clear();
  const auto values = static_cast<index_t>(graph.nodes.size());
  for (index_t value = 1; value <= values; ++value) {
    graph.layers.push_back({"value " + std::to_string(value), value});
  }
  return graph;
}

struct batch_of {
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};

  void add(index_t length, std::uint64_t seed) {
    dnalm::philox random(seed, dnalm::hash_name("layer_network_test"));
    for (index_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>(random.below(5)));
    offsets.append(length);
  }
  [[nodiscard]] dnalm::token_batch tokens() const { return {ids, offsets}; }
};

/// States by number, then the logits.
template <class Network>
std::vector<numbers> run(const Network& network, const batch_of& batch,
                         typename Network::workspace& workspace) {
  std::vector<numbers> states(static_cast<std::size_t>(network.config().results()) + 2);
  index_t next = 0;
  const auto observer = [&](index_t state, auto x) {
    CHECK(state == next++);
    CHECK(x.columns == network.state_width(state));
    dnalm_test::append_numbers(x, states[static_cast<std::size_t>(state)]);
  };
  const auto on_logits = [&](auto x) { dnalm_test::append_numbers(x, states.back()); };
  const typename Network::logits_receiver receiver = on_logits;
  network.forward(batch.tokens(), observer, &receiver, workspace);
  CHECK(next == network.config().results() + 1);
  return states;
}
template <class Network>
std::vector<numbers> run(const Network& network, const batch_of& batch) {
  typename Network::workspace workspace;
  return run(network, batch, workspace);
}

double largest(const numbers& values) {
  double most = 0.0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void check_close(const numbers& a, const numbers& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  CHECK(worst <= tolerance * std::max(1.0, largest(b)));
}

const named_source weights;

batch_of mixed(bool fixed) {
  batch_of batch;
  batch.add(fixed ? 20 : 11, 1);
  batch.add(fixed ? 13 : 30, 2);
  batch.add(fixed ? 1 : 7, 3);
  return batch;
}

std::vector<std::pair<bool, layer_graph>> graphs() {
  return {{false, free_graph()},
          {true, fixed_graph()},
          {false, attention_graph()},
          {false, cropped_graph()},
          {true, paired_graph()}};
}

/// The gradient by the rows of the sum of all predictions' first channels.
numbers gradient_of(const dnalm::cpu_layers& network, const batch_of& batch,
                    dnalm::cpu_layers::workspace& workspace) {
  dnalm::gradient_request request;
  request.logits = [](dnalm::matrix_view<const float> x, dnalm::matrix_view<float> gradient) {
    for (index_t r = 0; r < x.rows; ++r) gradient(r, 0) = 1.0F;
  };
  numbers found;
  network.gradient(
      batch.tokens(), request,
      [&](const dnalm::basic_input_gradient<float>& g) { dnalm_test::append_numbers(g.words, found); },
      workspace);
  return found;
}

}  // namespace

TEST_CASE("what is put together gives the numbers of the operations one by one", "[layers]") {
  for (const auto& [fixed, graph] : graphs()) {
    const dnalm::reference_layers fused(dnalm::reference_backend(), graph, weights);
    const layer_graph parts = unfused(graph);
    const dnalm::reference_layers single(dnalm::reference_backend(), parts, weights);
    const batch_of batch = mixed(fixed);
    const auto found = run(fused, batch);
    const auto expected = run(single, batch);
    for (index_t state = 1; state <= graph.results(); ++state) {
      const auto value = static_cast<std::size_t>(graph.result(state).value);
      check_close(found[static_cast<std::size_t>(state)], expected[value], 1e-12);
    }
    check_close(found.back(), expected.back(), 1e-12);
  }
}

TEST_CASE("two convolutions with nothing between them are run as one, exact at the ends", "[layers]") {
  const layer_graph graph = paired_graph();
  const layer_graph run_as = dnalm::detail::compose_convolutions(graph);
  const auto composed = std::count_if(run_as.nodes.begin(), run_as.nodes.end(),
                                      [](const layer_node& node) { return node.inner.taps > 0; });
  CHECK(composed == 4);
  CHECK(dnalm::detail::compose_convolutions(unfused(graph)).nodes.size() == graph.nodes.size());
  CHECK(dnalm::detail::compose_convolutions(free_graph()).nodes.size() == free_graph().nodes.size());
  const dnalm::reference_layers fused(dnalm::reference_backend(), graph, weights);
  const dnalm::reference_layers single(dnalm::reference_backend(), unfused(graph), weights);
  batch_of batch;
  batch.add(paired_length, 1);
  batch.add(paired_length - 1, 2);
  const auto found = run(fused, batch);
  const auto expected = run(single, batch);
  for (index_t state = 1; state <= graph.results(); ++state) {
    const auto value = static_cast<std::size_t>(graph.result(state).value);
    check_close(found[static_cast<std::size_t>(state)], expected[value], 1e-12);
  }
  const dnalm::cpu_layers quick(dnalm::cpu_backend(), graph, weights);
  const auto in_float = run(quick, batch);
  for (std::size_t state = 0; state < found.size(); ++state) check_close(in_float[state], found[state], 2e-5);
}

/// Edits at the ends and between of a sequence of `length` against passes of their own, every state.
void check_edits(const layer_graph& graph, index_t length, const std::vector<index_t>& places) {
  const dnalm::cpu_layers network(dnalm::cpu_backend(), graph, weights);
  batch_of batch;
  batch.add(length, 1);
  std::vector<dnalm::token_edit> edits;
  for (const index_t at : places) {
    edits.push_back({at, (batch.ids[static_cast<std::size_t>(at)] + 1) % 4});
  }
  dnalm::cpu_layers::workspace workspace;
  for (index_t state = 1; state <= graph.results(); ++state) {
    std::vector<numbers> found(edits.size());
    const auto receive = [&](index_t first, dnalm::matrix_view<const float> rows) {
      const index_t each = network.state_rows(state, length, "test");
      for (index_t r = 0; r < rows.rows; r += each, ++first) {
        dnalm_test::append_numbers(rows.row_block(r, each), found[static_cast<std::size_t>(first)]);
      }
    };
    network.edited_states(batch.ids, edits, {.state = state, .bytes = index_t{1} << 24}, receive, workspace);
    for (std::size_t e = 0; e < edits.size(); ++e) {
      batch_of edited = batch;
      edited.ids[static_cast<std::size_t>(edits[e].token)] = edits[e].id;
      INFO("state " << state << ", edit at " << edits[e].token);
      CHECK(dnalm_test::same_numbers(found[e], run(network, edited)[static_cast<std::size_t>(state)]));
    }
  }
}

TEST_CASE("edits reach through convolutions that are run as one, bit by bit", "[layers]") {
  check_edits(paired_graph(), paired_length, {0, 3, 8, 17, 250, 489, 495, 499});
}

TEST_CASE("edits reach the rows that groups of three taps see beyond the last one, bit by bit", "[layers]") {
  sketch s(dnalm::sequence_input{});
  const index_t first = s->relu(s.convolution(0, 4, 40, taps(3, 1, 1, 1)));
  const index_t seven = s->relu(s.convolution(first, 40, 40, taps(7, 1, 3, 3)));  // rows in twos
  s->layer("seven taps", seven);
  s->layer("ten taps, dilated", s.convolution(seven, 40, 40, taps(10, 3, 13, 14)));
  s->output("mean", s.dense(s->global_mean(seven), 40, 1));
  check_edits(s->take(), 90, {0, 1, 2, 3, 40, 41, 42, 43, 44, 45, 88, 89});
}

TEST_CASE("rows that no result reads are not computed", "[layers]") {
  const layer_graph graph = cropped_graph();
  const dnalm::reference_layers network(dnalm::reference_backend(), graph, weights);
  // Of 100 + 2 x 20 rows of the input all are kept. Behind it the taps of 3 + 4 and 9 + 9 rows (3 before, 6
  // behind, and one of the depthwise on either side) are the widest.
  CHECK(network.inner_rows(100, "test") == 140);
  typename dnalm::reference_layers::workspace workspace;
  batch_of batch;
  batch.add(100, 1);
  static_cast<void>(run(network, batch, workspace));
  index_t most = 0;
  for (std::size_t value = 1; value < workspace.rows.size(); ++value) {
    most = std::max(most, workspace.rows[value].rows());
  }
  CHECK(most == 100 + (1 + 3 + 1 + 3) + (1 + 3 + 2 + 6) + 2);
  CHECK(network.state_rows(1, 100, "test") == 100);
}

TEST_CASE("the cpu backend agrees with the reference, forward and gradient", "[layers]") {
  for (const auto& [fixed, graph] : graphs()) {
    const dnalm::reference_layers exact(dnalm::reference_backend(), graph, weights);
    const dnalm::cpu_layers quick(dnalm::cpu_backend(), graph, weights);
    const batch_of batch = mixed(fixed);
    const auto expected = run(exact, batch);
    const auto found = run(quick, batch);
    for (std::size_t state = 0; state < expected.size(); ++state) {
      check_close(found[state], expected[state], 2e-5);
    }
  }
}

TEST_CASE("the gradient of states and predictions is the adjoint of the pass", "[layers]") {
  for (const auto& [fixed, described] : graphs()) {
    const layer_graph& graph = described;
    const dnalm::reference_layers network(dnalm::reference_backend(), graph, weights);
    const batch_of batch = mixed(fixed);
    const index_t tokens = batch.offsets.rows();
    dnalm::reference_layers::workspace workspace;
    dnalm_test::adjoint_problem problem;
    problem.x = dnalm_test::normal_numbers(4 * tokens, 3);
    problem.step = 0x1p-20;  // small against the distance to the kinks of relu and max
    problem.forward = [&](const numbers& x) {
      numbers y;
      const auto observer = [&](index_t, dnalm::matrix_view<const double> state) {
        dnalm_test::append_numbers(state, y);
      };
      const auto on_logits = [&](dnalm::matrix_view<const double> logits) {
        numbers last;
        dnalm_test::append_numbers(logits, last);
        y.insert(y.begin(), last.begin(), last.end());
      };
      const dnalm::reference_layers::logits_receiver receiver = on_logits;
      network.forward(batch.tokens(), observer, &receiver, workspace,
                      dnalm::as_matrix(x.data(), tokens, index_t{4}));
      return y;
    };
    problem.vjp = [&](const numbers& x, const numbers& u) {
      dnalm::basic_gradient_request<double> request;
      std::vector<std::size_t> first;
      std::size_t used = 0;
      const auto take = [&](dnalm::matrix_view<double> gradient, std::size_t from) {
        for (index_t r = 0; r < gradient.rows; ++r) {
          for (index_t c = 0; c < gradient.columns; ++c) gradient(r, c) = u[from++];
        }
      };
      request.logits = [&](dnalm::matrix_view<const double>, dnalm::matrix_view<double> gradient) {
        take(gradient, 0);
      };
      request.states = [&](index_t, dnalm::matrix_view<const double> state) {
        first.push_back(used);
        used += static_cast<std::size_t>(state.rows * state.columns);
      };
      request.hidden = [&](index_t layer, dnalm::matrix_view<const double>,
                           dnalm::matrix_view<double> gradient) {
        const std::size_t logits = u.size() - used;
        take(gradient, logits + first[static_cast<std::size_t>(layer)]);
      };
      for (index_t state = 0; state <= graph.results(); ++state) request.layers.push_back(state);
      request.word_rows = dnalm::as_matrix(x.data(), tokens, index_t{4});
      numbers g;
      network.gradient(
          batch.tokens(), request,
          [&](const dnalm::basic_input_gradient<double>& found) {
            dnalm_test::append_numbers(found.words, g);
          },
          workspace);
      return g;
    };
    dnalm_test::check_adjoint(problem, fixed ? 1 : 2);
  }
}

TEST_CASE("gradients by tokens are those by rows times the table; float follows double", "[layers]") {
  const layer_graph graph = free_graph();
  const dnalm::reference_layers exact(dnalm::reference_backend(), graph, weights);
  const dnalm::cpu_layers quick(dnalm::cpu_backend(), graph, weights);
  const batch_of batch = mixed(false);
  const auto gradient_of = [&](const auto& network, auto zero) {
    using T = decltype(zero);
    dnalm::basic_gradient_request<T> request;
    request.tokens = true;
    request.logits = [](dnalm::matrix_view<const T> x, dnalm::matrix_view<T> gradient) {
      for (index_t r = 0; r < x.rows; ++r) gradient(r, r % x.columns) = T(1);
    };
    std::pair<numbers, numbers> found;
    typename std::decay_t<decltype(network)>::workspace workspace;
    network.gradient(
        batch.tokens(), request,
        [&](const dnalm::basic_input_gradient<T>& g) {
          dnalm_test::append_numbers(g.words, found.first);
          dnalm_test::append_numbers(g.tokens, found.second);
        },
        workspace);
    return found;
  };
  const auto [words, tokens] = gradient_of(exact, 0.0);
  const auto [quick_words, quick_tokens] = gradient_of(quick, 0.0F);
  check_close(quick_words, words, 1e-4);
  check_close(quick_tokens, tokens, 1e-4);
  REQUIRE(tokens.size() == words.size() / 4 * 5);
  constexpr std::size_t channel[] = {0, 2, 1, 3};  // of A, C, G, T in AGCT
  for (std::size_t r = 0; r < words.size() / 4; ++r) {
    double mean = 0.0;
    for (std::size_t letter = 0; letter < 4; ++letter) {
      CHECK(tokens[5 * r + letter] == words[4 * r + channel[letter]]);
      mean += 0.25 * words[4 * r + letter];
    }
    CHECK(std::abs(tokens[5 * r + 4] - mean) <= 1e-12);
  }
}

TEST_CASE("a sequence has the same bits alone, in any batch and on any number of threads", "[layers]") {
  for (const auto& [fixed, graph] : graphs()) {
    const dnalm::cpu_layers network(dnalm::cpu_backend(), graph, weights);
    batch_of alone;
    alone.add(fixed ? 13 : 30, 2);
    const auto expected = run(network, alone);
    const batch_of batch = mixed(fixed);
    dnalm::thread_team team(3);
    dnalm::cpu_layers::workspace on_team;
    on_team.team = &team;
    for (const auto& found : {run(network, batch), run(network, batch, on_team)}) {
      for (index_t state = 0; state <= graph.results(); ++state) {
        const index_t first =
            network.state_rows(state, batch.offsets.length(0), "first") * network.state_width(state);
        const auto& all = found[static_cast<std::size_t>(state)];
        const auto& own = expected[static_cast<std::size_t>(state)];
        CHECK(dnalm_test::same_numbers(
            numbers(all.begin() + first, all.begin() + first + static_cast<index_t>(own.size())), own));
      }
    }
    dnalm::cpu_layers::workspace own_memory;
    const numbers own = gradient_of(network, alone, own_memory);
    CHECK(largest(own) > 0.0);
    const index_t first = 4 * batch.offsets.length(0);
    for (dnalm::thread_team* threads : {static_cast<dnalm::thread_team*>(nullptr), &team}) {
      dnalm::cpu_layers::workspace memory;
      memory.team = threads;
      const numbers all = gradient_of(network, batch, memory);
      CHECK(dnalm_test::same_numbers(
          numbers(all.begin() + first, all.begin() + first + static_cast<index_t>(own.size())), own));
    }
  }
}

TEST_CASE("estimates of memory need no length that the network reads", "[layers]") {
  sketch s({});
  dnalm::row_window window;
  window.size = window.stride = 4096;
  s->output("most", s->max_pool(0, window));
  const dnalm::cpu_layers pooled(dnalm::cpu_backend(), s->take(), weights);
  // But for the one-hot rows, what 4096 bases take.
  CHECK(pooled.workspace_bytes(2048, 2048, true) + 2048 * 4 * 4 == pooled.workspace_bytes(4096, 4096, true));
  const dnalm::gradient_extent whole{.logits = true, .keep_bytes = dnalm::default_keep_bytes};
  CHECK(pooled.gradient_bytes(1, 1, whole) > 4096 * 4 * 4);
  // Of a fixed length of 20 rows, 21 are two sequences, and so are 40.
  const dnalm::cpu_layers fixed(dnalm::cpu_backend(), fixed_graph(), weights);
  const auto without_words = [&](index_t rows) {
    return fixed.workspace_bytes(rows, rows, true) - rows * 4 * 4;
  };
  CHECK(without_words(21) == without_words(40));
  CHECK(without_words(1) == without_words(20));
  CHECK(without_words(60) - without_words(40) == without_words(40) - without_words(20));
  CHECK(without_words(40) > without_words(20));
  CHECK(fixed.gradient_bytes(40, 40, whole) - fixed.gradient_bytes(20, 20, whole) > 20 * 4 * 5 * 4);
}

TEST_CASE("a gradient keeps what functions read, and nothing for steps without one", "[layers]") {
  const auto held = [](bool parted) {
    sketch s({});
    const index_t x = s.convolution(0, 4, 64, taps(1));
    s->output("rows", s.dense(s->place(parted ? s->relu(x) : x, 1, 1), 64, 2));
    const dnalm::cpu_layers network(dnalm::cpu_backend(), s->take(), weights);
    batch_of batch;
    batch.add(9, 4);
    dnalm::cpu_layers::workspace memory;
    CHECK(gradient_of(network, batch, memory).size() == 9 * 4);
    return memory.kept.size();
  };
  CHECK(held(true) - held(false) == 9 * 64);
}

namespace {

index_t size_of(const std::vector<dnalm::cpu_backend::vector>& all) {
  index_t sum = 0;
  for (const auto& memory : all) sum += memory.size();
  return sum;
}

/// Numbers that a workspace holds after a pass of one sequence.
index_t numbers_held(const dnalm::cpu_layers::workspace& w) {
  return size_of(w.slots) + w.kept.size() + w.words.size() + w.scratch.size() + w.part.size() +
         w.distance_keys.size() + w.attention.size() + w.distances.size();
}

/// What the estimate counts beside that for relative attention of `rows` rows: the features of a second
/// length, and those on their way, in float and in double. Six features a distance.
index_t features_on_their_way(index_t rows) {
  return (1 + 1 + 2) * (2 * rows - 1) * 6;
}

/// The rows that relative attention sees of 30 letters in attention_graph().
constexpr index_t attended_rows = 17;

}  // namespace

TEST_CASE("the estimate of a pass's memory is what the workspace then holds", "[layers]") {
  for (const auto& [fixed, graph] : graphs()) {
    const dnalm::cpu_layers network(dnalm::cpu_backend(), graph, weights);
    batch_of batch;
    batch.add(fixed ? 20 : 30, 2);
    dnalm::cpu_layers::workspace memory;
    static_cast<void>(run(network, batch, memory));
    index_t sum = numbers_held(memory);
    const bool attends = graph.layers.back().name == "attended";
    CHECK((memory.distances.size() > 0) == attends);
    if (attends) sum += features_on_their_way(attended_rows);
    const index_t tokens = batch.offsets.rows();
    CHECK(network.workspace_bytes(tokens, tokens, true) == 4 * sum);
  }
}

TEST_CASE("the estimate of a gradient's memory is what the workspace then holds, for every budget",
          "[layers][segments]") {
  for (const auto& [fixed, graph] : graphs()) {
    const dnalm::cpu_layers network(dnalm::cpu_backend(), graph, weights);
    batch_of batch;
    batch.add(fixed ? 20 : 30, 2);
    const bool attends = graph.layers.back().name == "attended";
    const index_t tokens = batch.offsets.rows();
    for (const bool logits : {true, false}) {
      for (const index_t keep : {index_t{0}, index_t{2000}, index_t{20000}, dnalm::default_keep_bytes}) {
        const dnalm_test::budget_case c{{1, graph.results()}, logits, 2};
        dnalm::cpu_layers::workspace memory;
        CHECK(largest(dnalm_test::seen_with_budget(network, batch.tokens(), c, keep, memory)) > 0.0);
        index_t sum = numbers_held(memory);
        // The softmax pool of attention_graph() makes the gradients by its two inputs of 33 x 12 at once,
        // from zeros of that size.
        if (attends) sum += 3 * 33 * 12 + features_on_their_way(attended_rows);
        // The masked mean of free_graph() those by 33 x 12 and 33 x 4.
        if (graph.outputs.back().name == "counts") sum += 33 * (12 + 4);
        const dnalm::gradient_extent extent{graph.results(), logits, true, keep, 2, c.layers};
        CHECK(network.gradient_bytes(tokens, tokens, extent) == 4 * sum);
      }
    }
  }
}

TEST_CASE("a gradient is the same bits for every budget, all its states and carried gradients too",
          "[layers][segments]") {
  for (const auto& [fixed, graph] : graphs()) {
    for (const layer_graph& described : {graph, unfused(graph)}) {
      const dnalm::cpu_layers network(dnalm::cpu_backend(), described, weights);
      const batch_of batch = mixed(fixed);
      const index_t last = described.results();
      dnalm::cpu_layers::workspace shared;
      for (const dnalm_test::budget_case& c :
           {dnalm_test::budget_case{{}, true}, dnalm_test::budget_case{{0, 1, last}, true, 2},
            dnalm_test::budget_case{{1}, false}, dnalm_test::budget_case{{0}, false}}) {
        dnalm::cpu_layers::workspace whole;
        const auto expected =
            dnalm_test::seen_with_budget(network, batch.tokens(), c, dnalm::default_keep_bytes, whole);
        CHECK(largest(expected) > 0.0);
        for (const index_t keep : {index_t{0}, whole.kept.size(), 2 * whole.kept.size()}) {
          CHECK(dnalm_test::same_numbers(
              dnalm_test::seen_with_budget(network, batch.tokens(), c, keep, shared), expected));
        }
      }
    }
  }
}

TEST_CASE("rows of logits are those of the first prediction", "[layers]") {
  sketch s({});
  dnalm::row_window window;
  window.size = window.stride = 4;
  s->output("most", s->max_pool(0, window));
  const dnalm::model_of<dnalm::cpu_layers> network(
      dnalm::cpu_layers(dnalm::cpu_backend(), s->take(), weights));
  batch_of batch;
  batch.add(12, 1);
  dnalm::forward_workspace memory;
  index_t rows = 0;
  const auto count = [&](dnalm::matrix_view<const float> x) { rows = x.rows; };
  const std::vector<index_t> inside = {2, 0};
  network.logits_of(batch.tokens(), inside, count, memory);
  CHECK(rows == 2);
  for (const index_t row : {index_t{3}, index_t{11}, index_t{-1}}) {
    const std::vector<index_t> outside = {row};
    CHECK_THROWS_WITH(network.logits_of(batch.tokens(), outside, count, memory),
                      Catch::Contains("dnalm.input.428"));
  }
}

TEST_CASE("inputs, windows and sizes of a graph that cannot run are refused", "[layers]") {
  const auto refused = [](layer_graph graph) {
    CHECK_THROWS_WITH(dnalm::graph_shapes(graph), Catch::Contains("dnalm.config.432"));
  };
  const auto with_input = [&](const std::function<void(dnalm::sequence_input&)>& change) {
    layer_graph graph = free_graph();
    change(graph.input);
    refused(graph);
  };
  with_input([](auto& input) { input.letters = "ACGG"; });
  with_input([](auto& input) { input.letters = "ACG"; });
  with_input([](auto& input) { input.unknown_letter = 'N'; });
  with_input([](auto& input) { input.channels = 3; });
  with_input([](auto& input) { input.channels = 4097; });
  with_input([](auto& input) { input.before = -1; });
  with_input([](auto& input) { input.after = index_t{1} << 32; });
  layer_graph fixed = fixed_graph();
  fixed.input.length = index_t{1} << 32;
  refused(fixed);
  for (const layer_kind kind : {layer_kind::weigh_positions, layer_kind::project_positions}) {
    layer_graph graph = fixed_graph();
    for (layer_node& node : graph.nodes) {
      if (node.kind == kind) node.constant_columns = 0;
    }
    refused(graph);
  }
  layer_graph echo = free_graph();
  echo.outputs.front().value = 0;
  refused(echo);
  for (const auto side : {&dnalm::row_window::before, &dnalm::row_window::after}) {
    sketch s({});
    dnalm::row_window window;
    window.size = 2;
    window.*side = 2;
    s->output("blind", s->average_pool(0, window));
    CHECK_THROWS_WITH(s->take(), Catch::Contains("dnalm.config.432"));
  }
  dnalm::sequence_input long_input;
  long_input.length = 1024;
  sketch grown(long_input);
  grown->output("rows", grown->upsample(grown->upsample(0, index_t{1} << 31), index_t{1} << 31));
  CHECK_THROWS_WITH(grown->take(), Catch::Contains("dnalm.config.432"));
  sketch free({});
  free->output("rows", free->upsample(free->upsample(0, index_t{1} << 31), index_t{1} << 31));
  const dnalm::graph_shapes shapes(free->take());
  std::vector<index_t> rows;
  CHECK_THROWS_WITH(shapes.rows(1, rows, "here"), Catch::Contains("dnalm.input.433"));
  CHECK(shapes.rows_near(1).empty());
}

TEST_CASE("the middle rows are those of a value that is not longer", "[layers]") {
  const auto middle_of = [](index_t before) {
    sketch s({});
    s->output("rows", s->centre_to(0, s->place(0, before, 0)));
    return s->take();
  };
  batch_of batch;
  batch.add(6, 1);
  const dnalm::cpu_layers longer(dnalm::cpu_backend(), middle_of(1), weights);
  CHECK_THROWS_WITH(run(longer, batch), Catch::Contains("dnalm.input.433"));
  const dnalm::cpu_layers shorter(dnalm::cpu_backend(), middle_of(-1), weights);
  const auto states = run(shorter, batch);
  CHECK(states.back() == numbers(states[0].begin() + 4, states[0].end()));  // one more is left out in front
}

TEST_CASE("a batch norm that divides by zero is an error that names it", "[layers]") {
  const layer_graph graph = [] {
    sketch s(any_length());
    index_t x = s.norm(s.convolution(0, 4, 3, taps(1)), 3);  // folded into the convolution
    x = s->join_channels({x, s.norm(x, 3)});                 // a step of its own
    s->output("rows", x);
    return s->take();
  }();
  const auto load = [&](double variance) {
    const dnalm::reference_layers made(dnalm::reference_backend(), graph, constant_source(variance));
  };
  for (const double variance : {-1e-3, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    try {
      load(variance);
      FAIL("loaded");
    } catch (const dnalm::error& e) {
      CHECK(e.id() == "dnalm.numeric.434");
      CHECK(std::string(e.what()).find("sketch, '") != std::string::npos);
    }
  }
  CHECK_NOTHROW(load(1.0));
}

TEST_CASE("lengths and graphs that do not fit are errors that say so", "[layers]") {
  const dnalm::cpu_layers free(dnalm::cpu_backend(), free_graph(), weights);
  batch_of batch;
  layer_graph valid = free_graph();
  valid.input.before = valid.input.after = 0;
  valid.nodes[0].before = valid.nodes[0].after = 0;
  const dnalm::cpu_layers narrow(dnalm::cpu_backend(), valid, weights);
  batch.add(3, 1);
  CHECK_THROWS_WITH(run(narrow, batch), Catch::Contains("dnalm.input.433"));
  // One base is too short: the estimate is that of the next length it reads, but for the one-hot rows.
  CHECK(narrow.workspace_bytes(1, 1, true) + 7 * 4 * 4 >= narrow.workspace_bytes(8, 8, true));
  layer_graph fixed = fixed_graph();
  fixed.input.shorter = dnalm::short_sequence::refused;
  const dnalm::cpu_layers exact(dnalm::cpu_backend(), fixed, weights);
  CHECK_THROWS_WITH(run(exact, batch), Catch::Contains("dnalm.input.433"));
  layer_graph wrong = fixed_graph();
  wrong.nodes.front().tensors.front().shape = {8, 3, 5};
  CHECK_THROWS_WITH(dnalm::graph_shapes(wrong), Catch::Contains("dnalm.config.432"));
  wrong = fixed_graph();
  wrong.nodes[2].inputs = {99};
  CHECK_THROWS_WITH(dnalm::graph_shapes(wrong), Catch::Contains("dnalm.config.432"));
  wrong = fixed_graph();
  wrong.outputs.clear();
  CHECK_THROWS_WITH(dnalm::graph_shapes(wrong), Catch::Contains("dnalm.config.432"));
  const layer_graph composed = dnalm::detail::compose_convolutions(paired_graph());
  CHECK(dnalm::detail::compose_convolutions(composed).nodes.size() == composed.nodes.size());
  for (const index_t inner_taps : {index_t{99}, index_t{-1}, index_t{2}}) {
    wrong = composed;
    for (layer_node& node : wrong.nodes) {
      if (node.inner.taps > 0) node.inner.taps = inner_taps;
    }
    CHECK_THROWS_WITH(dnalm::graph_shapes(wrong), Catch::Contains("an inner convolution that fits"));
  }
  // Ends that read no row of the first convolution, or of the input: such pairs stay two.
  for (const auto& [first, second] :
       {std::pair{taps(3, 1, 1, 1), taps(1, 1, 1, 0)}, std::pair{taps(2, 1, 2, 0), taps(2, 1, 1, 0)}}) {
    dnalm::sequence_input whole;
    whole.length = paired_length;
    sketch s(whole);
    s->output("rows", s.convolution(s.convolution(0, 4, 40, first), 40, 40, second));
    const layer_graph graph = s->take();
    CHECK(dnalm::detail::compose_convolutions(graph).nodes.size() == 2);
    CHECK_NOTHROW(dnalm::cpu_layers(dnalm::cpu_backend(), graph, weights));
  }
  layer_graph open = fixed_graph();
  open.input.length = 0;
  CHECK_THROWS_WITH(dnalm::graph_shapes(open), Catch::Contains("an input of fixed length"));
}

namespace {

/// Pairs of random letters.
dnalm_test::pair_batch random_pairs(const std::vector<index_t>& lengths) {
  batch_of batch;
  for (const index_t length : lengths) batch.add(length, 31);
  return dnalm_test::with_references(batch.ids, batch.offsets, {}, 5, [](std::int32_t id) { return id > 3; });
}

template <class B>
void check_completeness(const layer_graph& graph, const std::vector<index_t>& lengths, const B& backend,
                        double bound) {
  const dnalm::layer_network<B> network(backend, graph, named_source());
  for (index_t state = 1; state <= graph.results(); ++state) {
    INFO(graph.result(state).name);
    const auto run =
        dnalm_test::run_multipliers(network, random_pairs(lengths), "hidden." + std::to_string(state));
    CHECK(run.difference != 0.0);
    CHECK(run.alike);
    CHECK(run.words_gap() < bound);
  }
}

/// As named_source, biases 0.
class unbiased_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return true; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    named_source().read(tensor, out);
    if (tensor.shape.size() == 1) std::fill(out.begin(), out.end(), T(0));
  }
};

}  // namespace

TEST_CASE("multipliers through every operation are complete to 1e-12 in double and 1e-5 in float",
          "[models][layers][deep_lift]") {
  for (const auto& [graph, lengths] : {std::pair{free_graph(), std::vector<index_t>{41, 30, 41}},
                                       std::pair{fixed_graph(), std::vector<index_t>{20, 20}},
                                       std::pair{attention_graph(), std::vector<index_t>{24, 31}},
                                       std::pair{paired_graph(), std::vector<index_t>{500, 497}}}) {
    check_completeness(graph, lengths, dnalm::reference_backend(), 1e-12);
    check_completeness(graph, lengths, dnalm::cpu_backend(), 1e-5);
  }
}

TEST_CASE("without biases, against a reference of zeros, multipliers of relu and max-pool are the gradient",
          "[models][layers][deep_lift]") {
  dnalm::sequence_input input;
  sketch s(input);
  dnalm::row_window pool;
  pool.size = 3;
  pool.stride = 2;
  index_t x = s->max_pool(s->relu(s.convolution(0, 4, 8, taps(5))), pool);
  x = s->relu(s.convolution(x, 8, 6, taps(3)));
  s->output("sum", s.dense(s->global_mean(x), 6, 1));
  const dnalm::reference_layers network(dnalm::reference_backend(), s->take(), unbiased_source());
  const auto pairs = random_pairs({40});
  dnalm::matrix<double> rows(80, 4);
  for (index_t r = 0; r < 40; ++r) {
    if (pairs.ids[static_cast<std::size_t>(r)] < 4)
      rows.view()(r, pairs.ids[static_cast<std::size_t>(r)]) = 1;
  }
  dnalm::basic_gradient_request<double> request;
  request.word_rows = rows.view();
  request.logits = [](dnalm::matrix_view<const double>, dnalm::matrix_view<double> g) {
    g(0, 0) = g(1, 0) = 1.0;
  };
  dnalm::reference_layers::workspace workspace;
  std::vector<numbers> found;
  for (const bool of_pairs : {false, true}) {
    request.pairs = of_pairs;
    const auto receive = [&](const dnalm::basic_input_gradient<double>& g) {
      found.emplace_back(g.words.data, g.words.data + 40 * 4);
    };
    network.gradient(pairs.tokens(), request, receive, workspace);
  }
  REQUIRE(found.size() == 2);
  CHECK(found[0] != numbers(160, 0.0));
  CHECK(found[0] == found[1]);
}
