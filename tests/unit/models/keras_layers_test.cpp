// SPDX-License-Identifier: Apache-2.0
// What descriptions of Keras models become: operations of their own, names, and numbers by hand.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/keras_graph.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::index_t;

/// One tensor of a model by hand.
struct hand_tensor {
  std::string name = {};
  std::vector<index_t> shape = {};
  std::vector<float> values = {};
};

/// Writes a folder with `weights`, metadata and config.json.
void write_folder(const dnalm_test::temporary_folder& folder, const std::vector<hand_tensor>& weights,
                  const std::map<std::string, std::string>& metadata, const std::string& config) {
  std::vector<dnalm::io::tensor_info> infos;
  for (const hand_tensor& tensor : weights) infos.push_back({tensor.name, dnalm::dtype::f32, tensor.shape});
  dnalm::io::safetensors_writer file(folder / "model.safetensors", infos, metadata);
  for (const std::size_t i : file.order()) file.write(std::as_bytes(std::span(weights[i].values)));
  file.finish();
  folder.write("config.json", config);
}

dnalm::layer_graph graph_of(const dnalm_test::temporary_folder& folder) {
  return std::get<dnalm::layer_graph>(dnalm::read_network_config(folder.path()));
}

/// The last state of the letters ACGTN as 0 to 4.
std::vector<double> predict(const dnalm_test::temporary_folder& folder,
                            const std::vector<std::int32_t>& letters) {
  const dnalm::layer_graph graph = graph_of(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder.path()), dnalm::plan_tensors(graph),
                                        "test");
  const dnalm::layer_network<dnalm::reference_backend> network(dnalm::reference_backend(), graph, source);
  dnalm::layer_network<dnalm::reference_backend>::workspace workspace;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(letters.size()));
  std::vector<double> found;
  const auto keep = [&](index_t state, dnalm::matrix_view<const double> x) {
    if (state != graph.results()) return;
    for (index_t row = 0; row < x.rows; ++row) {
      for (index_t c = 0; c < x.columns; ++c) found.push_back(x(row, c));
    }
  };
  network.forward({letters, offsets}, keep, nullptr, workspace);
  return found;
}

/// The name of a layer's class, its own, its settings, and what it reads.
std::string layer(const std::string& kind, const std::string& name, const std::string& settings,
                  const std::string& calls) {
  return R"({"class_name": ")" + kind + R"(", "name": ")" + name + R"(", "config": {"name": ")" + name +
         "\"" + (settings.empty() ? "" : ", ") + settings + R"(}, "inbound_nodes": [)" + calls + "]}";
}
std::string functional(const std::string& layers, const std::string& inputs, const std::string& outputs) {
  return R"({"class_name": "Functional", "config": {"name": "model", "layers": [)" + layers +
         R"(], "input_layers": )" + inputs + R"(, "output_layers": )" + outputs + "}}";
}
std::string input_of(const std::string& name, const std::string& shape) {
  return layer("InputLayer", name, R"("batch_input_shape": )" + shape, "");
}

dnalm::layer_graph graph_of(const std::string& text, const std::vector<hand_tensor>& weights) {
  std::vector<dnalm::io::tensor_info> infos;
  for (const hand_tensor& tensor : weights) infos.push_back({tensor.name, dnalm::dtype::f32, tensor.shape});
  const dnalm::tensor_table table(infos, "test");
  return dnalm::keras_graph(dnalm::io::parse_json(text, "test"), table);
}

std::vector<std::string> names_of(const std::vector<dnalm::graph_result>& results) {
  std::vector<std::string> names;
  for (const dnalm::graph_result& result : results) names.push_back(result.name);
  return names;
}

const std::vector<hand_tensor> small_convolution = {{"c/c/kernel:0", {1, 4, 2}, std::vector<float>(8, 1.0F)},
                                                    {"c/c/bias:0", {2}, {0.0F, 0.0F}}};

}  // namespace

TEST_CASE("cubic splines whose weights are the mean knots weigh position x by 1 + x", "[models][keras]") {
  constexpr index_t rows = 9;
  constexpr index_t bases = 7;
  hand_tensor kernel{"s/s/kernel:0", {bases, 4}, {}};
  // Sum_i mean(t_(i+1), t_(i+2), t_(i+3)) B_i(x) = x. Knots: equidistant, t_3 and t_bases the ends of the
  // range.
  const double begin = -0.001 * (rows - 1);
  const double step = (rows - 1) * 1.002 / (bases - 3);
  for (index_t i = 0; i < bases; ++i) {
    const auto mean = static_cast<float>(begin + static_cast<double>(i - 1) * step);
    for (int c = 0; c < 4; ++c) kernel.values.push_back(mean);
  }
  const std::string text =
      functional(input_of("in", "[null, 9, 4]") + ", " +
                     layer("SplineWeight1D", "s", R"("n_bases": 7)", R"([["in", 0, 0, {}]])"),
                 R"([["in", 0, 0]])", R"([["s", 0, 0]])");
  const dnalm_test::temporary_folder folder("keras");
  write_folder(folder, {kernel}, {{"model_config", text}}, R"({"model_type": "keras"})");
  const std::vector<double> found = predict(folder, {0, 1, 2, 3, 0, 1, 2, 3, 1});
  REQUIRE(found.size() == static_cast<std::size_t>(rows * 4));
  const int letters[rows] = {0, 1, 2, 3, 0, 1, 2, 3, 1};
  for (index_t x = 0; x < rows; ++x) {
    for (int c = 0; c < 4; ++c) {
      const double expected = c == letters[x] ? 1.0 + static_cast<double>(x) : 0.0;
      CHECK(std::abs(found[static_cast<std::size_t>(x * 4 + c)] - expected) < 1e-5);
    }
  }
}

TEST_CASE("a convolution in groups and a mean of the rows that are not masked", "[models][keras]") {
  // Kernel (taps, channels of a group, outputs): outputs 0, 1 read A, C; outputs 2, 3 read G, T.
  hand_tensor kernel{"c/c/kernel:0", {1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}};
  const std::string text = functional(
      input_of("in", "[null, null, 4]") + ", " +
          layer("GlobalAveragePooling1D_Mask0", "mean", "", R"([["c", 0, 0, {}], ["in", 0, 0, {}]])") + ", " +
          layer("ConvDNA", "c", R"("groups": 2, "use_bias": false, "filters": 4)", R"([["in", 0, 0, {}]])"),
      R"([["in", 0, 0]])", R"([["mean", 0, 0]])");
  const dnalm_test::temporary_folder folder("keras");
  folder.write("network.json", text);
  write_folder(folder, {kernel}, {}, R"({"model_type": "keras", "keras_model": "network.json"})");
  // A (1, 2, 0, 0), C (5, 6, 0, 0), T (0, 0, 7, 8), N masked.
  const std::vector<double> found = predict(folder, {0, 1, 4, 3, 4});
  const double expected[] = {2.0, 8.0 / 3.0, 7.0 / 3.0, 8.0 / 3.0};
  REQUIRE(found.size() == 4);
  for (std::size_t c = 0; c < 4; ++c) CHECK(std::abs(found[c] - expected[c]) < 1e-14);
}

/// What a convolution with taps 1, 10, 100, ... of channel A gives for A G G A A ... by TensorFlow's rule:
/// ceil(L / stride) rows; max((rows - 1) stride + (taps - 1) dilation + 1 - L, 0) zeros, half of them,
/// rounded down, before.
TEST_CASE("strided convolutions with padding same follow TensorFlow's rule", "[models][keras]") {
  struct wish {
    index_t length, taps, stride, dilation;
    std::vector<double> rows;
  };
  // Letters A G G A A G A: 1 0 0 1 1 0 1.
  const std::vector<wish> wishes = {
      {7, 3, 2, 1, {10, 100, 11, 10}},   // 4 rows, 2 zeros, one before
      {6, 3, 2, 1, {1, 110, 1}},         // 3 rows, 1 zero, behind
      {6, 4, 2, 1, {10, 1100, 11}},      // 3 rows, 2 zeros, one before
      {7, 4, 3, 1, {10, 110, 10}},       // 3 rows, 3 zeros, one before
      {5, 2, 3, 1, {1, 11}},             // 2 rows, no zeros
      {6, 1, 3, 1, {1, 1}},              // as many rows as are left over
      {7, 3, 2, 2, {10, 101, 110, 11}},  // 4 rows, 4 zeros, two before
      {2, 5, 3, 1, {10}},                // 1 row, 3 zeros, one before
      {7, 2, 9, 1, {1}},                 // a stride beyond the end
  };
  for (const bool fixed : {false, true}) {
    for (const wish& w : wishes) {
      INFO(w.length << " letters, " << w.taps << " taps, stride " << w.stride << ", dilation " << w.dilation);
      hand_tensor kernel{"c/c/kernel:0", {w.taps, 4, 1}, {}};
      for (index_t t = 0; t < w.taps; ++t) {
        for (int c = 0; c < 4; ++c)
          kernel.values.push_back(c == 0 ? static_cast<float>(std::pow(10.0, t)) : 0.0F);
      }
      const std::string settings = R"("padding": "same", "use_bias": false, "strides": [)" +
                                   std::to_string(w.stride) + R"(], "dilation_rate": [)" +
                                   std::to_string(w.dilation) + "]";
      const std::string length = fixed ? std::to_string(w.length) : "null";
      const std::string text = functional(input_of("in", "[null, " + length + ", 4]") + ", " +
                                              layer("Conv1D", "c", settings, R"([["in", 0, 0, {}]])"),
                                          R"([["in", 0, 0]])", R"([["c", 0, 0]])");
      const dnalm_test::temporary_folder folder("keras");
      write_folder(folder, {kernel}, {{"model_config", text}}, R"({"model_type": "keras"})");
      std::vector<std::int32_t> letters = {0, 2, 2, 0, 0, 2, 0};
      letters.resize(static_cast<std::size_t>(w.length));
      CHECK(predict(folder, letters) == w.rows);
    }
  }
}

TEST_CASE("two inputs are one sequence, and what is an output or taken up is no layer", "[models][keras]") {
  const std::string text = functional(
      input_of("left", "[null, 3, 4]") + ", " + input_of("right", "[null, 2, 4]") + ", " +
          layer("Conv1D", "c", R"("activation": "relu")", R"([["left", 0, 0, {}]], [["right", 0, 0, {}]])") +
          ", " + layer("Dropout", "d", "", R"([["c", 0, 0, {}]])") + ", " +
          layer("GlobalMaxPooling1D", "most", "", R"([["d", 0, 0, {}]])") + ", " +
          layer("GlobalAveragePooling1D", "mean", "", R"([["c", 1, 0, {}]])") + ", " +
          layer("Add", "sum", "", R"([["most", 0, 0, {}], ["mean", 0, 0, {}]])"),
      R"([["left", 0, 0], ["right", 0, 0]])", R"([["sum", 0, 0], ["most", 0, 0]])");
  const dnalm::layer_graph graph = graph_of(text, small_convolution);
  CHECK(graph.input.length == 5);
  CHECK(names_of(graph.layers) == std::vector<std::string>{"c", "c", "mean"});
  CHECK(names_of(graph.outputs) == std::vector<std::string>{"sum", "most"});
  CHECK(graph.predictions == 2);
  const dnalm_test::temporary_folder folder("keras");
  const std::string swapped = functional(
      input_of("left", "[null, 3, 4]") + ", " + input_of("right", "[null, 2, 4]") + ", " +
          layer("Cropping1D", "cut", R"("cropping": [1, 0])", R"([["left", 0, 0, {}]])") + ", " +
          layer("Concatenate", "both", R"("axis": -2)", R"([["right", 0, 0, {}], ["cut", 0, 0, {}]])"),
      R"([["left", 0, 0], ["right", 0, 0]])", R"([["both", 0, 0]])");
  write_folder(folder, {}, {{"model_config", swapped}}, R"({"model_type": "keras", "letters": "TGCA"})");
  const std::vector<double> found = predict(folder, {0, 1, 2, 3, 0});  // right: T, A; left: (A), C, G
  CHECK(found == std::vector<double>{1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0});
}

TEST_CASE("models inside models, and sequences as the first Keras 2 wrote them", "[models][keras]") {
  const std::string bare =
      R"({"class_name": "Sequential", "config": [)"
      R"({"class_name": "Conv1D", "config": {"name": "c", "batch_input_shape": [null, null, 4]}},)"
      R"({"class_name": "Activation", "config": {"name": "a", "activation": "relu"}},)"
      R"({"class_name": "GlobalMaxPooling1D", "config": {"name": "most"}}]})";
  const dnalm::layer_graph sequence = graph_of(bare, small_convolution);
  CHECK(names_of(sequence.layers) == std::vector<std::string>{"a"});
  CHECK(names_of(sequence.outputs) == std::vector<std::string>{"most"});

  std::string inner = bare;
  inner.insert(1, R"("name": "inner", "inbound_nodes": [[["in", 0, 0, {}]]], )");
  std::vector<hand_tensor> weights = small_convolution;
  for (hand_tensor& tensor : weights) tensor.name.replace(0, 1, "inner");
  const dnalm::layer_graph nested = graph_of(
      functional(input_of("in", "[null, null, 4]") + ", " + inner, R"(["in", 0, 0])", R"(["inner", 1, 0])"),
      weights);
  CHECK(names_of(nested.layers) == std::vector<std::string>{"inner/a"});
  CHECK(names_of(nested.outputs) == std::vector<std::string>{"inner"});
}

TEST_CASE("settings of Keras layers that are left out, and those that are refused", "[models][keras]") {
  const std::string in = input_of("in", "[null, 5, 4]") + ", ";
  const auto graph = [&](const std::string& layers) {
    return graph_of(functional(in + layers, R"([["in", 0, 0]])", R"([["last", 0, 0]])"), small_convolution);
  };
  const auto rows = [&](const std::string& kind) {
    const dnalm::layer_graph made = graph(layer(kind, "last", "", R"([["in", 0, 0, {}]])"));
    std::vector<index_t> found;
    dnalm::graph_shapes(made).rows(5, found, "test");
    return found.back();
  };
  CHECK(rows("ZeroPadding1D") == 7);
  CHECK(rows("Cropping1D") == 3);
  CHECK(graph(layer("Flatten", "last", "", R"([["in", 0, 0, {}]])")).predictions == 20);
  CHECK_THROWS_WITH(
      graph(layer("Flatten", "last", R"("data_format": "channels_first")", R"([["in", 0, 0, {}]])")),
      Catch::Contains("447"));
  // Two numbers of two channels each are four.
  const std::string sum = layer("Conv1D", "c", "", R"([["in", 0, 0, {}]])") + ", " +
                          layer("GlobalMaxPooling1D", "most", "", R"([["c", 0, 0, {}]])") + ", " +
                          layer("GlobalAveragePooling1D", "mean", "", R"([["c", 0, 0, {}]])") + ", " +
                          layer("Concatenate", "both", "", R"([["most", 0, 0, {}], ["mean", 0, 0, {}]])") +
                          ", " + layer("Lambda", "logcount_predictions", "", R"([["both", 0, 0, {}]])");
  CHECK_THROWS_WITH(graph_of(functional(in + sum, R"([["in", 0, 0]])", R"([["logcount_predictions", 0, 0]])"),
                             small_convolution),
                    Catch::Contains("a sum of more than two numbers"));
}

TEST_CASE("input policies of Keras models", "[models][keras]") {
  const std::string text =
      functional(input_of("in", "[null, 5, 4]") + ", " + layer("Conv1D", "c", "", R"([["in", 0, 0, {}]])"),
                 R"([["in", 0, 0]])", R"([["c", 0, 0]])");
  const auto policy = [&](const std::string& more, bool described = true) {
    const dnalm_test::temporary_folder folder("keras");
    std::map<std::string, std::string> metadata;
    if (described) metadata["model_config"] = text;
    write_folder(folder, small_convolution, metadata, R"({"model_type": "keras")" + more + "}");
    return graph_of(folder).input;
  };
  const auto number = [&](const std::string& more, bool described = true) {
    try {
      static_cast<void>(policy(more, described));
    } catch (const dnalm::error& e) {
      return e.number();
    }
    return 0;
  };
  const dnalm::sequence_input input =
      policy(R"(, "letters": "AGCT", "unknown": 0.25, "missing": 0.5, "shorter": "last")");
  CHECK(input.letters == "AGCT");
  CHECK(input.unknown == 0.25);
  CHECK(input.missing == 0.5);
  CHECK(input.shorter == dnalm::short_sequence::last);
  CHECK(input.length == 5);
  CHECK(policy(R"(, "unknown_letter": "T")").unknown_letter == 'T');
  CHECK(number("") == 0);
  CHECK(number("", false) == 401);
  CHECK(number(R"(, "keras_model": "../network.json")") == 435);
  CHECK(number(R"(, "letters": "ACGG")") == 404);
  CHECK(number(R"(, "unknown_letter": "N")") == 404);
  CHECK(number(R"(, "shorter": "thrown away")") == 404);
  CHECK(number(R"(, "before": 3)") == 404);
  CHECK(number(R"(, "before": -3)") == 402);
  CHECK(number(R"(, "missing": 2)") == 402);
}
