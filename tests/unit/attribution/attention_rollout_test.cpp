// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/models/detail/mean_attention.hpp>
#include <dnalm/reference/attention.hpp>
#include <support/catch.hpp>
#include <support/same_bits.hpp>
#include <unit/attribution/models.hpp>

namespace {

using dnalm::index_t;
using dnalm::matrix;

const std::filesystem::path golden = DNALM_GOLDEN_DIR;

matrix<double> random_attention(index_t tokens, std::uint64_t seed) {
  matrix<double> result(tokens, tokens);
  dnalm::philox random(seed, 1);
  for (index_t i = 0; i < tokens; ++i) {
    double sum = 0;
    for (index_t j = 0; j < tokens; ++j) sum += result(i, j) = random.uniform();
    for (index_t j = 0; j < tokens; ++j) result(i, j) /= sum;
  }
  return result;
}

matrix<double> rolled(const std::vector<const matrix<double>*>& layers) {
  matrix<double> rollout = dnalm::identity_rollout(layers.front()->rows());
  for (const matrix<double>* layer : layers) dnalm::add_to_rollout(layer->view(), rollout);
  return rollout;
}

TEST_CASE("rollout: rows sum to one, and a diagonal attention moves nothing") {
  const matrix<double> a = random_attention(5, 1);
  const matrix<double> b = random_attention(5, 2);
  const matrix<double> found = rolled({&a, &b});
  for (index_t i = 0; i < 5; ++i) {
    double sum = 0;
    for (index_t j = 0; j < 5; ++j) {
      sum += found(i, j);
      double expected = 0;  // 1/4 (b + I) (a + I)
      for (index_t k = 0; k < 5; ++k) {
        expected += (b(i, k) + (i == k ? 1.0 : 0.0)) * (a(k, j) + (k == j ? 1.0 : 0.0)) / 4;
      }
      CHECK(found(i, j) == Approx(expected).epsilon(1e-12));
    }
    CHECK(sum == Approx(1).epsilon(1e-12));
  }
  const matrix<double> diagonal = dnalm::identity_rollout(5);
  const matrix<double> same = rolled({&diagonal, &diagonal});
  for (index_t i = 0; i < 5; ++i) {
    for (index_t j = 0; j < 5; ++j) CHECK(same(i, j) == (i == j ? 1.0 : 0.0));
  }
  matrix<double> other = dnalm::identity_rollout(4);
  CHECK_THROWS_WITH(dnalm::add_to_rollout(a.view(), other), Catch::Contains("dnalm.shape.865"));
}

TEST_CASE("rollout of exchanged tokens is the exchanged rollout") {
  const std::vector<index_t> order = {2, 0, 3, 1};
  const matrix<double> a = random_attention(4, 3);
  const matrix<double> b = random_attention(4, 4);
  const auto exchanged = [&](const matrix<double>& x) {
    matrix<double> y(4, 4);
    for (index_t i = 0; i < 4; ++i) {
      for (index_t j = 0; j < 4; ++j)
        y(i, j) = x(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(j)]);
    }
    return y;
  };
  const matrix<double> a2 = exchanged(a);
  const matrix<double> b2 = exchanged(b);
  const matrix<double> expected = exchanged(rolled({&a, &b}));
  const matrix<double> found = rolled({&a2, &b2});
  for (index_t i = 0; i < 4; ++i) {
    for (index_t j = 0; j < 4; ++j) CHECK(found(i, j) == Approx(expected(i, j)).epsilon(1e-12));
  }
}

/// Attention of every layer of one sequence of tokens.
std::vector<std::vector<double>> attention_of(const dnalm::model& network,
                                              const std::vector<std::int32_t>& ids) {
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  std::vector<std::vector<double>> layers;
  dnalm::forward_workspace workspace;
  const auto take = [&](index_t layer, index_t, dnalm::matrix_view<const double> p) {
    REQUIRE(layer == static_cast<index_t>(layers.size()));
    layers.emplace_back(p.data, p.data + p.rows * p.columns);
  };
  REQUIRE(network.attention({ids, offsets}, take, workspace));
  return layers;
}

TEST_CASE("encoders hand out distributions, the same in float and double") {
  for (const std::string name : {"nt_v2_d40", "nt_v1_d24_bin", "dnabert2_a3", "bert_dnabert", "modernbert"}) {
    INFO(name);
    const dnalm::model network = dnalm::load_model(golden / "models" / name);
    const dnalm::model precise =
        dnalm::load_model(golden / "models" / name, {.backend = dnalm::backend_kind::reference});
    std::vector<std::int32_t> ids;
    for (index_t i = 0; i < 11; ++i) {
      ids.push_back(static_cast<std::int32_t>((5 + 7 * i) % network.describe().vocabulary()));
    }
    const auto found = attention_of(network, ids);
    const auto expected = attention_of(precise, ids);
    REQUIRE(static_cast<index_t>(found.size()) == network.describe().layers());
    const std::size_t tokens = ids.size();
    for (std::size_t l = 0; l < found.size(); ++l) {
      for (std::size_t i = 0; i < tokens; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < tokens; ++j) {
          sum += found[l][i * tokens + j];
          // Probabilities of scores with the error of float products: some 1e-6 of scores of a few tens.
          CHECK(found[l][i * tokens + j] == Approx(expected[l][i * tokens + j]).margin(1e-4));
        }
        CHECK(sum == Approx(1).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("mean attention is what the reference attention puts before unit values, with slopes and windows") {
  constexpr index_t tokens = 7;
  constexpr index_t heads = 3;
  constexpr index_t width = 8;  // of a head: room for a unit vector per token
  matrix<double> q(tokens, heads * width);
  matrix<double> k(tokens, heads * width);
  matrix<double> v(tokens, heads * width);
  dnalm::philox random(6, 1);
  for (index_t i = 0; i < tokens; ++i) {
    for (index_t c = 0; c < heads * width; ++c) {
      q(i, c) = random.normal();
      k(i, c) = random.normal();
      v(i, c) = c % width == i ? 1.0 : 0.0;
    }
  }
  const std::vector<float> slopes = {0.5F, 0.25F, 0.125F};
  dnalm::ragged_offsets offsets;
  offsets.append(tokens);
  for (const index_t window : {0, 2}) {
    for (const bool sloped : {false, true}) {
      dnalm::attention_options<double> options;
      options.heads = heads;
      options.score_scale = 0.3;
      options.window = window;
      if (sloped) options.alibi_slopes = {slopes.data(), heads};
      matrix<double> y(tokens, heads * width);
      std::vector<double> scratch(tokens);
      dnalm::reference_attention(q.view(), k.view(), v.view(), offsets, options, {scratch.data(), tokens},
                                 y.view());
      matrix<double> mean(tokens, tokens);
      dnalm::detail::mean_attention<double>(q.view(), k.view(), options, mean.view());
      for (index_t i = 0; i < tokens; ++i) {
        for (index_t j = 0; j < tokens; ++j) {
          const double expected = (y(i, j) + y(i, width + j) + y(i, 2 * width + j)) / 3;
          CHECK(mean(i, j) == Approx(expected).epsilon(1e-12).margin(1e-15));
        }
      }
    }
  }
}

TEST_CASE("one layer rolls out to the mean of its attention and the identity") {
  const dnalm::model network = dnalm_test::dnabert2_twin();
  const auto attention = attention_of(network, network.tokenize("ACGTTGCATTAGG").ids).front();
  const auto results = dnalm::roll_out_attention(network, dnalm_test::records_of({"ACGTTGCATTAGG"}));
  const dnalm::attention_rollout& result = results.front();
  const index_t tokens = result.tokens.rows();
  for (index_t i = 0; i < tokens; ++i) {
    for (index_t j = 0; j < tokens; ++j) {
      const double expected =
          (attention[static_cast<std::size_t>(i * tokens + j)] + (i == j ? 1.0 : 0.0)) / 2;
      CHECK(result.tokens(i, j) == Approx(expected).epsilon(1e-12));
    }
  }
}

TEST_CASE("bases share what is taken from their tokens, and the result does not depend on the batch") {
  const dnalm::model network = dnalm_test::nt_twin();
  const std::vector<std::string> sequences = {"ACGTTGCA", "TTGACCATGACCATTAG", "NACG"};
  const auto together = dnalm::roll_out_attention(network, dnalm_test::records_of(sequences), {.threads = 2});
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto alone =
        dnalm::roll_out_attention(network, dnalm_test::records_of({sequences[s]}), {.threads = 1});
    CHECK(dnalm_test::same_bits(alone.front().bases, together[s].bases));
    CHECK(alone.front().bases.size() == sequences[s].size());
  }
  const dnalm::attention_rollout& found = together[0];  // CLS ACG TTG C A
  double readers = 0;
  for (index_t i = 1; i < 5; ++i) readers += found.tokens(i, 1) / 4;
  CHECK(found.bases[0] == Approx(readers / 3).epsilon(1e-12));
  CHECK(found.bases[0] == found.bases[2]);
  const auto cls = dnalm::roll_out_attention(network, dnalm_test::records_of({"ACGTTGCA"}),
                                             {.reader = dnalm::rollout_reader::first_token});
  CHECK(cls.front().bases[6] == Approx(cls.front().tokens(0, 3)).epsilon(1e-12));
}

/// DNABERT-2 whose tokenizer puts nothing around a sequence.
dnalm::model unframed_twin() {
  const dnalm_test::temporary_folder folder("unframed");
  dnalm_test::write_dnabert2_folder(folder.path());
  std::ifstream in(folder.path() / "tokenizer.json");
  auto tokenizer = nlohmann::json::parse(in);
  in.close();
  tokenizer["post_processor"] = nullptr;
  dnalm_test::write_text(folder.path() / "tokenizer.json", tokenizer.dump());
  return dnalm::random_twin(folder.path(), 3);
}

TEST_CASE(
    "networks without attention are told by name, and those that attend to something else than tokens") {
  const dnalm::model gpn = dnalm::load_model(golden / "convnets" / "gpn_7");
  CHECK_THROWS_WITH(dnalm::roll_out_attention(gpn, dnalm_test::records_of({"ACGT"})),
                    Catch::Contains("dnalm.unsupported.866") && Catch::Contains("GPN"));
  const dnalm::model hyena = dnalm::load_model(golden / "hyena" / "hub");
  CHECK_THROWS_WITH(dnalm::roll_out_attention(hyena, dnalm_test::records_of({"ACGT"})),
                    Catch::Contains("dnalm.unsupported.866") && Catch::Contains("HyenaDNA"));
  const dnalm::model enformer = dnalm::load_model(golden / "supervised" / "enformer");
  CHECK_THROWS_WITH(dnalm::roll_out_attention(enformer, dnalm_test::records_of({"ACGT"})),
                    Catch::Contains("dnalm.unsupported.866") && Catch::Contains("Enformer") &&
                        Catch::Contains("bins behind other layers") && !Catch::Contains("without attention"));
}

TEST_CASE("the first token is no reader where none stands before the bases") {
  const dnalm::model network = unframed_twin();
  const auto records = dnalm_test::records_of({"ACGTTGCATTAGG"});
  CHECK_THROWS_WITH(
      dnalm::roll_out_attention(network, records, {.reader = dnalm::rollout_reader::first_token}),
      Catch::Contains("dnalm.unsupported.867") && Catch::Contains("sequence_tokens"));
  const auto results = dnalm::roll_out_attention(network, records);
  double sum = 0;  // no token but those of bases: all is taken from bases
  for (const double taken : results.front().bases) sum += taken;
  CHECK(sum == Approx(1).epsilon(1e-12));
}

}  // namespace
