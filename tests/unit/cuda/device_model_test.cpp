// SPDX-License-Identifier: Apache-2.0
// The bundled model through load_model and embed on the GPU's backend, on the emulation.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <span>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/temporary_folder.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace {

using dnalm::index_t;
using dnalm::pooling;

const std::filesystem::path bundled =
    std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-nt2";

const std::vector<std::string> sequences{"ACGTACGTTGCA", "TTTACGANGATTACACCGATT", "GGGATCCATTTGAC", "CATGCA",
                                         "ACGTACGTTGCATTTACGAGATTACACCGATTGGGATCCATTTGACCATGCAAC"};
const dnalm::embed_options poolings{
    .poolings = {pooling::mean, pooling::cls, pooling::max, pooling::mean_all}};

/// Largest difference, as a part of the largest number.
double largest_gap(const dnalm::nd_array<float, 2>& x, const dnalm::nd_array<float, 2>& y) {
  REQUIRE(x.shape(0) == y.shape(0));
  REQUIRE(x.shape(1) == y.shape(1));
  double gap = 0.0;
  double largest = 0.0;
  for (std::size_t r = 0; r < x.shape(0); ++r) {
    for (std::size_t c = 0; c < x.shape(1); ++c) {
      gap = std::max(gap, std::abs(static_cast<double>(x(r, c)) - static_cast<double>(y(r, c))));
      largest = std::max(largest, std::abs(static_cast<double>(y(r, c))));
    }
  }
  return gap / largest;
}

dnalm::model on_gpu(const dnalm::cuda_options& where = {}) {
  return dnalm::load_model(bundled, dnalm_test::on_gpu(where, {.unknown = dnalm::unknown_policy::n}));
}

/// Overwrites all numbers of a tensor of floats.
void fill_tensor(const std::filesystem::path& file, const std::string& name, float value) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  std::uint64_t size = 0;
  stream.read(reinterpret_cast<char*>(&size), sizeof(size));
  std::string header(size, ' ');
  stream.read(header.data(), static_cast<std::streamsize>(size));
  std::smatch offsets;
  const std::regex entry("\"" + name + "\":[^}]*\"data_offsets\": *\\[ *([0-9]+), *([0-9]+)");
  REQUIRE(std::regex_search(header, offsets, entry));
  const std::uint64_t begin = std::stoull(offsets[1]);
  const std::vector<float> values((std::stoull(offsets[2]) - begin) / sizeof(float), value);
  stream.seekp(static_cast<std::streamoff>(8 + size + begin));
  stream.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
  REQUIRE(stream.good());
}

}  // namespace

TEST_CASE("a model on the GPU pools there what the CPU pools", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  CHECK(gpu.describe().backend == "cuda");
  CHECK(gpu.prefers().pooled);
  const dnalm::model cpu = dnalm::load_model(bundled, {.unknown = dnalm::unknown_policy::n});
  const dnalm::embeddings a = dnalm::embed(gpu, sequences, poolings);
  const dnalm::embeddings b = dnalm::embed(cpu, sequences, poolings);
  REQUIRE(a.layers == b.layers);
  CHECK(a.token_ids == b.token_ids);
  for (const pooling kind : poolings.poolings) {
    for (const index_t layer : a.layers) {
      INFO(dnalm::to_string(kind) << " layer " << layer);
      CHECK(largest_gap(a.at(kind, layer), b.at(kind, layer)) < 1e-5);
    }
  }
}

TEST_CASE("forward_pooled gives what pool_sequences makes of the hidden states, and refuses nonsense",
          "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const std::vector<std::int32_t> ids{3, 20, 21, 22, 3, 40, 41};
  dnalm::ragged_offsets offsets;
  offsets.append(4);
  offsets.append(3);
  const dnalm::token_batch batch{ids, offsets};
  const std::vector<unsigned char> special{1, 0, 0, 0, 1, 0, 0};
  const std::vector<index_t> layers{1, 4};
  const std::vector<pooling> kinds{pooling::max, pooling::mean, pooling::cls, pooling::mean_all};
  dnalm::forward_workspace space;
  std::vector<dnalm::matrix<float>> expected;
  gpu.forward(
      batch,
      [&](index_t layer, dnalm::matrix_view<const float> hidden) {
        if (layer != 1 && layer != 4) return;
        for (const pooling kind : kinds) {
          expected.emplace_back(2, hidden.columns);
          dnalm::pool_sequences(kind, hidden, offsets, {special.data(), 7}, 0, expected.back().view());
        }
      },
      space);
  std::size_t seen = 0;
  REQUIRE(gpu.forward_pooled(
      batch, {layers, kinds, special},
      [&](std::size_t layer, std::size_t kind, dnalm::matrix_view<const float> found) {
        const auto& x = expected.at(layer * kinds.size() + kind);
        for (index_t s = 0; s < 2; ++s) {
          for (index_t c = 0; c < found.columns; ++c) REQUIRE(found(s, c) == x(s, c));
        }
        ++seen;
      },
      space));
  CHECK(seen == 8);

  const auto ignore = [](std::size_t, std::size_t, dnalm::matrix_view<const float>) {};
  const std::vector<index_t> absent{1, 5};
  const std::vector<pooling> none{pooling::tokens};
  const auto refused = [&](const dnalm::model& network, const dnalm::pool_request& request) -> std::string {
    try {
      static_cast<void>(network.forward_pooled(batch, request, ignore, space));
    } catch (const dnalm::error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(refused(gpu, {absent, kinds, special}).find("dnalm.input.422") != std::string::npos);
  CHECK(refused(gpu, {layers, none, special}).find("dnalm.usage.427") != std::string::npos);
  CHECK(refused(gpu, {layers, kinds, std::span(special).first(6)}).find("dnalm.shape.409") !=
        std::string::npos);
  const dnalm::model cpu = dnalm::load_model(bundled);
  CHECK(refused(cpu, {layers, kinds, special}).find("dnalm.internal.426") != std::string::npos);
}

TEST_CASE("pool_on_device leaves there what forward_pooled shows, and shows what is asked for", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const std::vector<std::int32_t> ids{3, 20, 21, 22, 3, 40, 41, 3, 50};
  dnalm::ragged_offsets offsets;
  for (const index_t length : {4, 3, 2}) offsets.append(length);
  const dnalm::token_batch batch{ids, offsets};
  const std::vector<unsigned char> special{1, 0, 0, 0, 1, 0, 0, 1, 0};
  const std::vector<index_t> layers{1, 4};
  const std::vector<pooling> kinds{pooling::mean, pooling::max, pooling::cls};
  const dnalm::pool_request request{layers, kinds, special};
  dnalm::forward_workspace space;
  const auto into = [&](std::vector<std::vector<float>>& all) {
    return [&](std::size_t layer, std::size_t kind, dnalm::matrix_view<const float> x) {
      REQUIRE(layer * kinds.size() + kind == all.size());
      all.emplace_back();
      for (index_t r = 0; r < x.rows; ++r) {
        all.back().insert(all.back().end(), x.row_data(r), x.row_data(r) + x.columns);
      }
    };
  };
  std::vector<std::vector<float>> shown;
  REQUIRE(gpu.forward_pooled(batch, request, into(shown), space));
  for (const std::vector<index_t>& seen : {std::vector<index_t>{}, {0, 2}, {1}, {0, 1, 2}}) {
    std::vector<std::vector<float>> part;
    const auto there = gpu.pool_on_device(batch, request, seen, into(part), space);
    REQUIRE(there != nullptr);
    CHECK(there->sequences() == 3);
    // The next pass of the workspace does not touch them.
    REQUIRE(gpu.forward_pooled(
        {std::span(ids).first(4), {{0, 4}}}, {layers, kinds, std::span(special).first(4)},
        [](std::size_t, std::size_t, dnalm::matrix_view<const float>) {}, space));
    REQUIRE(part.size() == 6);
    for (std::size_t m = 0; m < 6; ++m) {
      const auto rows = there->rows(m / 3, m % 3);
      REQUIRE(rows.rows == 3);
      for (index_t i = 0; i < 3 * rows.columns; ++i) {  // the emulated GPU's memory is the host's
        REQUIRE(rows.row_data(i / rows.columns)[i % rows.columns] == shown[m][static_cast<std::size_t>(i)]);
      }
      for (std::size_t k = 0; k < seen.size(); ++k) {
        const auto width = static_cast<std::size_t>(rows.columns);
        for (std::size_t c = 0; c < width; ++c) {
          REQUIRE(part[m][k * width + c] == shown[m][static_cast<std::size_t>(seen[k]) * width + c]);
        }
      }
    }
  }
  const dnalm::model cpu = dnalm::load_model(bundled);
  CHECK_FALSE(cpu.prefers().device.has_value());
  std::vector<std::vector<float>> none;
  CHECK_THROWS_WITH(cpu.pool_on_device(batch, request, {}, into(none), space),
                    Catch::Contains("dnalm.internal.426"));
}

TEST_CASE("a GPU's precision stands in the description", "[cuda]") {
  const auto loaded = [](dnalm::cuda_precision precision) {
    return dnalm::load_model(
               bundled, dnalm_test::on_gpu({.precision = precision}, {.weights = dnalm::weight_format::int8}))
        .describe();
  };
  CHECK(loaded(dnalm::cuda_precision::bf16).weights == dnalm::weight_format::bf16);
  CHECK(loaded(dnalm::cuda_precision::f32).weights == dnalm::weight_format::f32);
  CHECK(loaded(dnalm::cuda_precision::f16).backend == "cuda f16");
  CHECK(loaded(dnalm::cuda_precision::tf32).backend == "cuda tf32");
}

TEST_CASE("on the GPU a sequence has the same bits alone, in another order and in other batches", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const dnalm::embeddings all = dnalm::embed(gpu, sequences, poolings);
  dnalm::embed_options by_two = poolings;
  by_two.batch_sequences = 2;
  std::vector<std::string> turned(sequences.rbegin(), sequences.rend());
  const dnalm::embeddings other = dnalm::embed(gpu, turned, by_two);
  for (const pooling kind : poolings.poolings) {
    for (const index_t layer : all.layers) {
      const auto& x = all.at(kind, layer);
      const auto& y = other.at(kind, layer);
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t d = 0; d < x.shape(1); ++d) REQUIRE(x(s, d) == y(sequences.size() - 1 - s, d));
      }
    }
  }
}

TEST_CASE("with bf16 the GPU keeps rows in 16 bits: vectors point where those of the CPU do", "[cuda]") {
  const dnalm::model gpu = on_gpu({.precision = dnalm::cuda_precision::bf16});
  const dnalm::model cpu = dnalm::load_model(bundled, {.unknown = dnalm::unknown_policy::n});
  const dnalm::embeddings a = dnalm::embed(gpu, sequences, poolings);
  const dnalm::embeddings b = dnalm::embed(cpu, sequences, poolings);
  dnalm::embed_options by_two = poolings;
  by_two.batch_sequences = 2;
  const std::vector<std::string> turned(sequences.rbegin(), sequences.rend());
  const dnalm::embeddings other = dnalm::embed(gpu, turned, by_two);
  for (const pooling kind : poolings.poolings) {
    for (const index_t layer : a.layers) {
      const auto& x = a.at(kind, layer);
      const auto& y = b.at(kind, layer);
      const auto& z = other.at(kind, layer);
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        double dot = 0.0;
        double squares[2] = {0.0, 0.0};
        for (std::size_t d = 0; d < x.shape(1); ++d) {
          const double p = static_cast<double>(x(s, d));
          const double q = static_cast<double>(y(s, d));
          dot += p * q;
          squares[0] += p * p;
          squares[1] += q * q;
          REQUIRE(x(s, d) == z(sequences.size() - 1 - s, d));
        }
        CHECK(dot >= 0.999 * std::sqrt(squares[0] * squares[1]));
      }
    }
  }
}

TEST_CASE("tokens, logits and words' rows come from the GPU as from the CPU", "[cuda]") {
  const dnalm::model gpu = dnalm::random_twin(on_gpu(), 3);
  CHECK(gpu.describe().backend == "cuda");
  const dnalm::model cpu = dnalm::random_twin(bundled, 3, {.unknown = dnalm::unknown_policy::n});
  const dnalm::embed_options options{
      .layers = dnalm::layer_selection({0, 2}), .poolings = {pooling::tokens, pooling::mean}, .logits = true};
  const dnalm::embeddings a = dnalm::embed(gpu, sequences, options);
  const dnalm::embeddings b = dnalm::embed(cpu, sequences, options);
  CHECK(largest_gap(a.logits, b.logits) < 1e-5);
  for (const index_t layer : a.layers) {
    CHECK(largest_gap(a.at(pooling::tokens, layer), b.at(pooling::tokens, layer)) < 1e-5);
    CHECK(largest_gap(a.at(pooling::mean, layer), b.at(pooling::mean, layer)) < 1e-5);
  }
  const std::vector<std::int32_t> ids{5, 6, 7};
  dnalm::matrix<float> x(3, gpu.describe().width());
  dnalm::matrix<float> y(3, gpu.describe().width());
  gpu.word_rows(ids, x.view());
  cpu.word_rows(ids, y.view());
  for (index_t i = 0; i < 3 * gpu.describe().width(); ++i) CHECK(x.data()[i] == y.data()[i]);
}

TEST_CASE("numbers that overflow on the GPU are an error that names the sequence and the token", "[cuda]") {
  const dnalm_test::temporary_folder folder;
  std::filesystem::copy(bundled, folder.path(), std::filesystem::copy_options::recursive);
  fill_tensor(folder.path() / "model.safetensors", "esm.encoder.layer.1.output.dense.weight", 3e38F);
  const dnalm::model huge = dnalm::load_model(folder.path(), dnalm_test::on_gpu());
  CHECK_THROWS_WITH(dnalm::embed(huge, std::vector<std::string>{"ACGTAC"}, {.poolings = {pooling::mean}}),
                    Catch::Contains("dnalm.numeric.455") && Catch::Contains("token"));

  /// Takes vectors where they are.
  struct device_sink final : dnalm::embedding_sink {
    void begin(const dnalm::embedding_shape&) override {}
    void consume(index_t, const dnalm::embedding_block&) override { FAIL("nothing is delivered"); }
    [[nodiscard]] std::optional<int> device() const override { return 0; }
  };
  device_sink sink;
  const std::vector<dnalm::io::sequence_record> one{{.name = "the one", .sequence = "ACGTAC"}};
  CHECK_THROWS_WITH(dnalm::embed(huge, one, {.poolings = {pooling::mean}}, sink),
                    Catch::Contains("dnalm.numeric.455") && Catch::Contains("the one"));
}

namespace {

/// Two sequences of five tokens, the second with a mask where the model knows one.
struct two_sequences {
  std::vector<std::int32_t> ids{3, 20, 21, 22, 3, 40, 41, 2, 43, 44};
  dnalm::ragged_offsets offsets = {};
  two_sequences() {
    offsets.append(5);
    offsets.append(5);
  }
  [[nodiscard]] dnalm::token_batch view() const { return {ids, offsets}; }
};

dnalm::matrix<float> copy_of(dnalm::matrix_view<const float> x) {
  dnalm::matrix<float> y(x.rows, x.columns);
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.data() + r * x.columns);
  return y;
}

/// All that a gradient shows: the states it passed, what its functions saw, what came out.
struct seen_gradient {
  std::vector<dnalm::matrix<float>> matrices = {};
  std::vector<index_t> order = {};
};

/// S = sum over the logits and hidden states 0 and 2 of half their squares: cotangents equal to the outputs.
seen_gradient gradient_of(const dnalm::model& network, const dnalm::token_batch& batch,
                          dnalm::matrix_view<const float> word_rows, dnalm::forward_workspace& space) {
  seen_gradient seen;
  const auto take = [&](index_t what, dnalm::matrix_view<const float> x) {
    seen.order.push_back(what);
    seen.matrices.push_back(copy_of(x));
  };
  const auto mirror = [](dnalm::matrix_view<const float> x, dnalm::matrix_view<float> g) {
    for (index_t i = 0; i < x.rows * x.columns; ++i) g.data[i] += x.data[i];
  };
  dnalm::gradient_request request{.layers = {0, 2}, .tokens = true};
  request.word_rows = word_rows;
  request.hidden = [&](index_t layer, dnalm::matrix_view<const float> x, dnalm::matrix_view<float> g) {
    take(100 + layer, x);
    mirror(x, g);
  };
  request.logits = [&](dnalm::matrix_view<const float> x, dnalm::matrix_view<float> g) {
    take(200, x);
    mirror(x, g);
  };
  request.states = [&](index_t layer, dnalm::matrix_view<const float> x) { take(layer, x); };
  const auto receive = [&](const dnalm::input_gradient& found) {
    take(300, found.words);
    take(301, found.tokens);
  };
  network.input_gradients(batch, request, receive, space);
  return seen;
}

double largest_gap(const dnalm::matrix<float>& x, const dnalm::matrix<float>& y) {
  REQUIRE(x.rows() == y.rows());
  REQUIRE(x.columns() == y.columns());
  double gap = 0.0;
  double largest = 0.0;
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) {
    gap = std::max(gap, std::abs(static_cast<double>(x.data()[i]) - static_cast<double>(y.data()[i])));
    largest = std::max(largest, std::abs(static_cast<double>(y.data()[i])));
  }
  return gap / largest;
}

}  // namespace

TEST_CASE("gradients on the GPU are those of the CPU, by words' rows and by one-hot tokens", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const dnalm::model cpu = dnalm::load_model(bundled);
  const two_sequences batch;
  dnalm::matrix<float> rows(10, gpu.describe().width());
  cpu.word_rows(batch.ids, rows.view());
  for (index_t i = 0; i < 10 * rows.columns(); ++i) rows.data()[i] *= 0.75F;
  dnalm::forward_workspace here;
  dnalm::forward_workspace there;
  for (const dnalm::matrix_view<const float> given :
       {dnalm::matrix_view<const float>(), dnalm::matrix_view<const float>(rows.view())}) {
    const seen_gradient a = gradient_of(gpu, batch.view(), given, there);
    const seen_gradient b = gradient_of(cpu, batch.view(), given, here);
    REQUIRE(a.order == b.order);
    REQUIRE(a.order.back() == 301);
    for (std::size_t i = 0; i < a.order.size(); ++i) {
      INFO("matrix " << a.order[i]);
      CHECK(largest_gap(a.matrices[i], b.matrices[i]) < 1e-4);
    }
  }
}

TEST_CASE("values of a hidden state bring no other state from the GPU", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const two_sequences batch;
  dnalm::forward_workspace space;
  dnalm::gradient_request request{.layers = {1, 2}, .backward = false};
  std::vector<index_t> seen;
  request.states = [&](index_t layer, dnalm::matrix_view<const float>) { seen.push_back(layer); };
  gpu.input_gradients(
      batch.view(), request, [](const dnalm::input_gradient&) {}, space);
  CHECK(seen == std::vector<index_t>{1, 2});
}

TEST_CASE("wrong requests for a gradient are the CPU's errors on the GPU", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  const two_sequences batch;
  dnalm::forward_workspace space;
  const auto refused = [&](const dnalm::gradient_request& request) {
    return dnalm_test::error_id_of([&] {
      gpu.input_gradients(
          batch.view(), request, [](const dnalm::input_gradient&) {}, space);
    });
  };
  CHECK(refused({}) == "dnalm.usage.421");
  const auto poison = [](index_t, dnalm::matrix_view<const float>, dnalm::matrix_view<float> g) {
    g(1, 2) = std::nanf("");
  };
  dnalm::gradient_request request{.layers = {9}, .hidden = poison};
  CHECK(refused(request) == "dnalm.input.422");
  request.layers = {1};
  CHECK(refused(request) == "dnalm.numeric.424");
  dnalm::matrix<float> rows(9, gpu.describe().width());
  request.word_rows = rows.view();
  CHECK(refused(request) == "dnalm.shape.423");
}

TEST_CASE("a model on the GPU counts the host's copies into the memory of a gradient", "[cuda]") {
  const dnalm::model gpu = on_gpu();
  dnalm::gradient_request request{.layers = {2}};
  request.hidden = [](index_t, dnalm::matrix_view<const float>, dnalm::matrix_view<float>) {};
  const index_t width = gpu.describe().width();
  const index_t plain = gpu.gradient_bytes(request, 10, 5);
  const dnalm::matrix<float> rows(10, width);
  request.word_rows = rows.view();
  CHECK(gpu.gradient_bytes(request, 10, 5) == plain + 10 * width * 4);
  request.word_rows = {};
  request.tokens = true;  // a table on the device, and the wider of two rows twice on the host
  const index_t vocabulary = gpu.describe().vocabulary();
  CHECK(gpu.gradient_bytes(request, 10, 5) ==
        plain + 10 * 4 * (vocabulary + 2 * (std::max(width, vocabulary) - width)));
}
