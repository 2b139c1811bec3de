// SPDX-License-Identifier: Apache-2.0
// Weights in bf16 and int8: how near the embeddings stay, that they do not depend on the batch, what is
// refused.
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <support/catch.hpp>

namespace {

using dnalm::index_t;
using dnalm::weight_format;

const std::string bundled = std::string(DNALM_SOURCE_DIR) + "/examples/data/models/dnalm-yeast-human-nt2";

std::vector<std::string> random_sequences() {
  dnalm::philox random(11);
  std::vector<std::string> sequences;
  for (int i = 0; i < 10; ++i) {
    std::string letters;
    for (int k = 0; k < 60 + 60 * i; ++k) letters += "ACGT"[random.below(4)];
    sequences.push_back(letters);
  }
  return sequences;
}

dnalm::model load(weight_format format, bool twin) {
  const dnalm::load_options options{.weights = format};
  return twin ? dnalm::random_twin(bundled, 1, options) : dnalm::load_model(bundled, options);
}

/// The smallest cosine between rows of all layers.
double smallest_cosine(const dnalm::embeddings& a, const dnalm::embeddings& b, index_t layers) {
  double smallest = 1.0;
  for (index_t layer = 0; layer <= layers; ++layer) {
    const auto& x = a.at(dnalm::pooling::mean, layer);
    const auto& y = b.at(dnalm::pooling::mean, layer);
    const std::size_t rows = x.shape(0), width = x.shape(1);
    for (std::size_t r = 0; r < rows; ++r) {
      double xy = 0, xx = 0, yy = 0;
      for (std::size_t d = 0; d < width; ++d) {
        xy += static_cast<double>(x(r, d)) * static_cast<double>(y(r, d));
        xx += static_cast<double>(x(r, d)) * static_cast<double>(x(r, d));
        yy += static_cast<double>(y(r, d)) * static_cast<double>(y(r, d));
      }
      smallest = std::min(smallest, xy / std::sqrt(xx * yy));
    }
  }
  return smallest;
}

}  // namespace

TEST_CASE("embeddings with bf16 weights keep a cosine of 0.9995 to those in f32, int8 of 0.999", "[embed]") {
  const auto sequences = random_sequences();
  for (const bool twin : {false, true}) {
    const auto model = load(weight_format::f32, twin);
    const index_t layers = model.describe().layers();
    const auto exact = dnalm::embed(model, sequences);
    const auto bf16 = dnalm::embed(load(weight_format::bf16, twin), sequences);
    const auto int8 = dnalm::embed(load(weight_format::int8, twin), sequences);
    const double near = smallest_cosine(exact, bf16, layers);
    INFO((twin ? "random " : "trained ") << near << " " << smallest_cosine(exact, int8, layers));
    CHECK(near >= 0.9995);
    CHECK(near < 1.0);  // it is another format
    CHECK(smallest_cosine(exact, int8, layers) >= 0.999);
  }
}

TEST_CASE("in every weight format a sequence's embedding is the same alone and in a batch", "[embed]") {
  const auto sequences = random_sequences();
  for (const auto format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
    const auto model = load(format, false);
    const auto together = dnalm::embed(model, sequences, {.threads = 2});
    for (std::size_t i = 0; i < sequences.size(); i += 3) {
      const auto alone = dnalm::embed(model, std::vector<std::string>{sequences[i]}, {.threads = 1});
      for (index_t layer = 0; layer <= model.describe().layers(); ++layer) {
        const auto& all = together.at(dnalm::pooling::mean, layer);
        const auto& one = alone.at(dnalm::pooling::mean, layer);
        bool same = true;
        for (std::size_t d = 0; d < one.shape(1); ++d) same = same && one(0, d) == all(i, d);
        CHECK(same);
      }
    }
  }
}

TEST_CASE("a random twin keeps the weight format of its model, and the reference backend has one only",
          "[embed]") {
  const auto model = load(weight_format::bf16, false);
  CHECK(model.describe().weights == weight_format::bf16);
  CHECK(dnalm::random_twin(model, 1).describe().weights == weight_format::bf16);
  const auto sequences = random_sequences();
  const auto a = dnalm::embed(dnalm::random_twin(model, 1), sequences);
  const auto b = dnalm::embed(load(weight_format::bf16, true), sequences);
  CHECK(smallest_cosine(a, b, model.describe().layers()) == Approx(1.0).margin(1e-12));
  try {
    static_cast<void>(dnalm::load_model(
        bundled, {.backend = dnalm::backend_kind::reference, .weights = weight_format::bf16}));
    FAIL("loaded");
  } catch (const dnalm::error& problem) {
    CHECK(problem.id() == "dnalm.unsupported.416");
  }
}
