// SPDX-License-Identifier: Apache-2.0
// Sei: the full-size trunk with weights by a formula against printed vectors of the original; what it
// refuses.
#include <dnalm/models/backends.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <unit/models/supervised_runs.hpp>

#include <nlohmann/json.hpp>

#include <numeric>

using dnalm::index_t;

namespace {

/// The rule of the printed vectors: element i of tensor n is 0.02 sin(0.7 i + K), K the sum of n's letters
/// modulo 97, rounded to float.
class formula_source final : public dnalm::weight_source {
 public:
  [[nodiscard]] bool contains(const dnalm::planned_tensor&) const override { return true; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  static void fill(const dnalm::planned_tensor& tensor, std::span<T> out) {
    const int sum = std::accumulate(tensor.name.begin(), tensor.name.end(), 0);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<T>(static_cast<float>(0.02 * std::sin(0.7 * static_cast<double>(i) + sum % 97)));
    }
  }
};

/// The tensors of the published trunk.
std::vector<dnalm::io::tensor_info> published_trunk() {
  std::vector<dnalm::io::tensor_info> tensors;
  const auto convolution = [&](const std::string& name, index_t out, index_t in, index_t taps) {
    tensors.push_back({name + ".weight", dnalm::dtype::f32, {out, in, taps}});
    tensors.push_back({name + ".bias", dnalm::dtype::f32, {out}});
  };
  const index_t widths[] = {4, 480, 640, 960};
  for (int stage = 1; stage <= 3; ++stage) {
    const std::string number = std::to_string(stage);
    const index_t in = widths[stage - 1];
    const index_t out = widths[stage];
    const int first = stage == 1 ? 0 : 2;
    const int second = stage == 1 ? 0 : 1;
    convolution("lconv" + number + "." + std::to_string(first), out, in, 9);
    convolution("lconv" + number + "." + std::to_string(first + 1), out, out, 9);
    convolution("conv" + number + "." + std::to_string(second), out, out, 9);
    convolution("conv" + number + "." + std::to_string(second + 2), out, out, 9);
  }
  for (int block = 1; block <= 5; ++block) convolution("dconv" + std::to_string(block) + ".1", 960, 960, 5);
  return tensors;
}

dnalm::layer_graph graph_of(const std::vector<dnalm::io::tensor_info>& tensors, const std::string& config) {
  const dnalm::detail::config_reader reader(dnalm::io::parse_json(config, "config.json"), "config.json");
  const dnalm::tensor_table table(tensors, "sei.pth");
  return dnalm::find_recipe("sei")->make({reader, table});
}

/// Names the value of an operation as the first layer.
void show(dnalm::layer_graph& graph, const std::string& operation) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].name != operation) continue;
    graph.layers.insert(graph.layers.begin(), {operation, static_cast<index_t>(i) + 1});
    return;
  }
  FAIL("no operation " << operation);
}

std::vector<std::int32_t> printed_sequence() {
  std::vector<std::int32_t> ids;
  const std::string unit = "ACGTTGCAAGGCTTACCGATN";
  for (std::size_t i = 0; i < 4096; ++i) {
    ids.push_back(static_cast<std::int32_t>(std::string("ACGTN").find(unit[i % unit.size()])));
  }
  return ids;
}

struct sums {
  double all = 0.0;
  double sizes = 0.0;
};
sums sums_of(dnalm::matrix_view<const float> x) {
  sums found;
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < x.columns; ++c) {
      found.all += static_cast<double>(x(r, c));
      found.sizes += std::abs(static_cast<double>(x(r, c)));
    }
  }
  return found;
}

int number_of(const std::vector<dnalm::io::tensor_info>& tensors, const std::string& config = "{}") {
  try {
    static_cast<void>(graph_of(tensors, config));
  } catch (const dnalm::error& e) {
    return e.number();
  }
  return 0;
}

}  // namespace

// Printed numbers have seven digits and were computed in float; sums to a millionth of the sum of sizes.
TEST_CASE("Sei's published trunk gives the numbers that the original prints", "[models][supervised][sei]") {
  dnalm::layer_graph graph = graph_of(published_trunk(), "{}");
  show(graph, "lconv1.1");
  const dnalm::layer_network<dnalm::cpu_backend> network(dnalm::cpu_backend(), graph, formula_source());
  const std::vector<std::int32_t> ids = printed_sequence();
  dnalm::ragged_offsets offsets;
  offsets.append(4096);
  int seen = 0;
  const auto close = [](float found, double printed) {
    CHECK(std::abs(static_cast<double>(found) - printed) <= 1e-5);
  };
  const auto on_state = [&](index_t state, dnalm::matrix_view<const float> x) {
    if (state == 0) return;
    const std::string& name = graph.result(state).name;
    const sums found = sums_of(x);
    INFO(name);
    if (name == "lconv1.1") {
      const double first[] = {.04181456, .02741219, .007421045, -.009041009, -.01457327};
      for (index_t i = 0; i < 5; ++i) close(x(i, 0), first[i]);
      CHECK(std::abs(found.all + 75.38872) <= 1e-6 * 25177.5124);
      CHECK(std::abs(found.sizes - 25177.5124) <= 1e-6 * 25177.5124);
      ++seen;
    } else if (name == "conv3") {
      const double first[] = {.01282645, .001506168, 0.0, .006492257, .02045365};
      for (index_t i = 0; i < 5; ++i) close(x(i, 0), first[i]);
      CHECK(std::abs(found.all - 1599.54266) <= 1e-6 * found.sizes);
      ++seen;
    } else if (name == "embedding") {
      const double first[] = {.3408435, .6609778, 1.003481, 1.331498, 1.330257, 1.330255, 1.330256, 1.330256,
                              1.330255, 1.330256, 1.330256, 1.330254, 1.329986, .9887906, .6087243, .265228};
      for (index_t i = 0; i < 16; ++i) close(x(0, i), first[i]);
      CHECK(x.columns == 960 * 16);
      CHECK(std::abs(found.all - 9520.99525) <= 1e-6 * found.sizes);
      ++seen;
    }
  };
  dnalm::layer_network<dnalm::cpu_backend>::workspace workspace;
  network.forward({ids, offsets}, on_state, nullptr, workspace);
  CHECK(seen == 3);
}

TEST_CASE("Sei's classifier is read only where predictions are wanted", "[models][supervised][sei]") {
  const auto folder = dnalm_test::golden_supervised / "sei";
  const auto weights = dnalm::open_model_weights(folder);
  const auto whole = graph_of(weights.tensors(), "{}");
  const auto trunk = graph_of(weights.tensors(), R"({"predictions": false})");
  CHECK(whole.outputs.front().name == "chromatin profiles");
  CHECK(trunk.outputs.front().name == "embedding");
  CHECK(whole.unused.empty());
  CHECK(trunk.unused.size() == 4);
  for (const auto& node : trunk.nodes) {
    for (const auto& tensor : node.tensors) CHECK(tensor.name.find("classifier") == std::string::npos);
  }
  const dnalm::checkpoint_source source(weights, dnalm::plan_tensors(trunk), "sei");
  const dnalm::layer_network<dnalm::reference_backend> network(dnalm::reference_backend(), trunk, source);
  const dnalm::io::safetensors_file expected(dnalm_test::golden_supervised / "expected" / "sei.safetensors");
  const auto ids = dnalm_test::golden_letters(expected, "case1.sequence");
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  dnalm::layer_network<dnalm::reference_backend>::workspace workspace;
  double gap = 1.0;
  const auto on_logits = [&](dnalm::matrix_view<const double> x) {
    gap = dnalm_test::output_gap(dnalm_test::read_numbers(expected, "case1.embedding"), x);
  };
  const dnalm::layer_network<dnalm::reference_backend>::logits_receiver receiver = on_logits;
  network.forward(
      {ids, offsets}, [](index_t, dnalm::matrix_view<const double>) {}, &receiver, workspace);
  CHECK(gap <= 1e-9);
}

TEST_CASE("Sei with tensors that are missing or do not fit", "[models][supervised][sei]") {
  const auto tensors = published_trunk();
  for (std::size_t i = 0; i < tensors.size(); i += 3) {
    auto fewer = tensors;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    INFO(tensors[i].name);
    CHECK(number_of(fewer) == 410);
  }
  CHECK(number_of({}) == 410);
  auto other = tensors;
  other[2].shape = {480, 479, 9};  // lconv1.1 reads 480 channels
  CHECK(number_of(other) == 432);
  other = tensors;
  other[2].shape = {480, 480};
  CHECK(number_of(other) == 412);
  other = tensors;
  other[1].shape = {481};
  CHECK(number_of(other) == 432);
  other = tensors;
  other[2].shape = {index_t{1} << 62, 480, 9};
  CHECK(number_of(other) > 0);
  CHECK(number_of(tensors, R"({"predictions": 1})") == 402);
  CHECK(number_of(tensors) == 0);
}
