// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/philox.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <dnalm/embed/detail/embed_job.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <unit/embed/twins.hpp>

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::dnabert2_twin;
using dnalm_test::nt_twin;
using dnalm_test::random_sequence;

namespace {

/// 70 records of 1 to 400 bases.
std::vector<dnalm::io::sequence_record> random_records() {
  std::vector<dnalm::io::sequence_record> records(70);
  for (std::size_t i = 0; i < records.size(); ++i) {
    dnalm::philox random(5, i);
    records[i].name = "s" + std::to_string(i);
    records[i].sequence = random_sequence(i, 1 + static_cast<index_t>(random.below(i % 7 == 0 ? 400 : 90)));
  }
  return records;
}

const std::vector<pooling> every_pooling = {pooling::mean, pooling::cls, pooling::mean_all, pooling::max,
                                            pooling::tokens};

/// The result of record i as bits, all layers and poolings and the logits.
std::vector<float> result_of(const dnalm::embeddings& e, index_t i) {
  std::vector<float> bits;
  const auto take = [&](const dnalm::nd_array<float, 2>& array, index_t first, index_t rows) {
    const auto width = static_cast<index_t>(array.shape(1));
    bits.insert(bits.end(), array.data() + first * width, array.data() + (first + rows) * width);
  };
  for (const pooling kind : e.poolings) {
    for (const index_t layer : e.layers) {
      if (kind == pooling::tokens) {
        take(e.at(kind, layer), e.offsets.begin(i), e.offsets.length(i));
      } else {
        take(e.at(kind, layer), i, 1);
      }
    }
  }
  take(e.logits, e.offsets.begin(i), e.offsets.length(i));
  return bits;
}

}  // namespace

TEST_CASE("a sequence's result has the same bits for any batch, order and number of threads", "[embed]") {
  const auto records = random_records();
  for (const auto& model : {nt_twin(), dnabert2_twin()}) {
    const auto expected = dnalm::embed(
        model, records,
        {.poolings = every_pooling, .logits = true, .threads = 1, .memory = 1, .batch_sequences = 1});
    std::vector<std::size_t> order(records.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    dnalm::philox random(17);
    for (const index_t batch : {1, 7, 64, 0}) {
      for (const int threads : {1, 2, 5}) {
        for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
        std::vector<dnalm::io::sequence_record> shuffled;
        for (const std::size_t i : order) shuffled.push_back(records[i]);
        const auto got = dnalm::embed(
            model, shuffled,
            {.poolings = every_pooling, .logits = true, .threads = threads, .batch_sequences = batch});
        for (std::size_t i = 0; i < order.size(); ++i) {
          INFO("batch " << batch << ", threads " << threads << ", record " << order[i]);
          REQUIRE(result_of(got, static_cast<index_t>(i)) ==
                  result_of(expected, static_cast<index_t>(order[i])));
        }
      }
    }
  }
}

TEST_CASE("the memory budget changes no number", "[embed]") {
  const auto records = random_records();
  const auto model = nt_twin();
  const auto whole = dnalm::embed(model, records, {.threads = 2});
  const auto tight = dnalm::embed(model, records, {.threads = 2, .memory = 100'000});
  for (const index_t layer : whole.layers) {
    REQUIRE(std::equal(whole.at(pooling::mean, layer).begin(), whole.at(pooling::mean, layer).end(),
                       tight.at(pooling::mean, layer).begin()));
  }
}

TEST_CASE("the memory budget counts pooled vectors by sequences", "[embed]") {
  const auto model = nt_twin();
  const index_t layers = model.describe().layers() + 1;
  const dnalm::embed_options options{.poolings = {pooling::mean, pooling::max}};
  const auto tokens_of_batches = [&](std::size_t bases, index_t sequences) {
    const std::vector<dnalm::io::sequence_record> records(
        20, {.name = "s", .sequence = std::string(bases, 'A') + "N"});
    dnalm::embed_options tight = options;
    const index_t vectors = 2 * layers * model.describe().width() * static_cast<index_t>(sizeof(float));
    tight.memory = model.workspace_bytes(192, 192, false) + 3 * sequences * vectors;
    struct : dnalm::embedding_sink {
      void begin(const dnalm::embedding_shape&) override {}
      void consume(index_t, const dnalm::embedding_block&) override {}
    } sink;
    const auto job = dnalm::detail::prepare_job(model, records, tight, sink);
    const auto loads = dnalm::detail::sequence_loads(job);
    return dnalm::detail::choose_limits(job, loads, tight, 1).tokens;
  };
  // 30 letters are 10 tokens of 3, then N and CLS: 192 tokens are 16 sequences.
  CHECK(tokens_of_batches(30, 16) == 192);
  CHECK(tokens_of_batches(30, 15) == 96);
  // 3 letters: 3 tokens in all, 64 sequences.
  CHECK(tokens_of_batches(3, 16) == 96);
}

TEST_CASE("poolings follow their definitions", "[embed]") {
  const auto records = random_records();
  for (const auto& model : {nt_twin(), dnabert2_twin()}) {
    const auto e = dnalm::embed(model, records, {.poolings = every_pooling});
    const auto& special = model.describe().tokens->special();
    REQUIRE(e.layers.size() == static_cast<std::size_t>(model.describe().layers() + 1));
    for (const index_t layer : e.layers) {
      const auto& rows = e.at(pooling::tokens, layer);
      for (index_t s = 0; s < e.offsets.sequences(); ++s) {
        for (index_t d = 0; d < model.describe().width(); ++d) {
          double sum = 0;
          double sum_all = 0;
          float largest = -std::numeric_limits<float>::infinity();
          index_t counted = 0;
          for (index_t r = e.offsets.begin(s); r < e.offsets.begin(s + 1); ++r) {
            sum_all += static_cast<double>(rows(r, d));
            if (special.is_special(e.token_ids[static_cast<std::size_t>(r)])) continue;
            sum += static_cast<double>(rows(r, d));
            largest = std::max(largest, rows(r, d));
            ++counted;
          }
          REQUIRE(e.at(pooling::mean, layer)(s, d) == static_cast<float>(sum / static_cast<double>(counted)));
          REQUIRE(e.at(pooling::mean_all, layer)(s, d) ==
                  static_cast<float>(sum_all / static_cast<double>(e.offsets.length(s))));
          REQUIRE(e.at(pooling::max, layer)(s, d) == largest);
          REQUIRE(e.at(pooling::cls, layer)(s, d) == rows(e.offsets.begin(s), d));
        }
      }
    }
  }
}

TEST_CASE("chosen layers equal the same layers of a full pass", "[embed]") {
  const auto records = random_records();
  const auto model = nt_twin();
  const auto all = dnalm::embed(model, records, {});
  const auto some = dnalm::embed(model, records, {.layers = {2, 0}});
  REQUIRE(some.layers == std::vector<index_t>{2, 0});
  REQUIRE(all.at(pooling::mean, 2) == some.at(pooling::mean, 2));
  REQUIRE(all.at(pooling::mean, 0) == some.at(pooling::mean, 0));
  REQUIRE(dnalm::embed(model, records, {.layers = dnalm::last_layer}).layers == std::vector<index_t>{2});
  REQUIRE(dnalm_test::error_id_of([&] { (void)some.at(pooling::mean, 1); }) == "dnalm.usage.457");
}

TEST_CASE("embedding reports what cannot be done", "[embed]") {
  const auto model = nt_twin();
  const std::vector<std::string> one = {"ACGT"};
  const auto id = [&](const std::vector<std::string>& sequences, const dnalm::embed_options& options) {
    return dnalm_test::error_id_of([&] { (void)dnalm::embed(model, sequences, options); });
  };
  REQUIRE(id({}, {}) == "dnalm.input.456");
  REQUIRE(id(one, {.poolings = {}}) == "dnalm.usage.454");
  REQUIRE(id(one, {.layers = {3}}) == "dnalm.usage.451");
  REQUIRE(id(one, {.layers = {1, 1}}) == "dnalm.usage.451");
  REQUIRE(id({"ACGT", ""}, {}) == "dnalm.input.408");
  REQUIRE(id({std::string(6000, 'A')}, {}) == "dnalm.input.406");
  REQUIRE(id({"ACGX"}, {}).starts_with("dnalm.input.15"));
  REQUIRE(dnalm_test::error_id_of([] { (void)dnalm::parse_layers("0,,2"); }) == "dnalm.usage.452");
  REQUIRE(dnalm_test::error_id_of([] { (void)dnalm::parse_layers(""); }) == "dnalm.usage.452");
  REQUIRE(dnalm_test::error_id_of([] { (void)dnalm::parse_poolings("mean,mean"); }) == "dnalm.usage.450");
  REQUIRE(dnalm_test::error_id_of([] { (void)dnalm::parse_poolings("median"); }) == "dnalm.usage.450");
}

TEST_CASE("the error of a sink reaches the caller and stops the workers", "[embed]") {
  struct refusing_sink final : dnalm::embedding_sink {
    void begin(const dnalm::embedding_shape&) override {}
    void consume(index_t first, const dnalm::embedding_block& block) override {
      REQUIRE(first == taken);
      taken += block.sequences;
      if (taken > 20) throw std::runtime_error("enough");
    }
    index_t taken = 0;
  };
  const auto records = random_records();
  const auto model = nt_twin();
  for (const int threads : {1, 3}) {
    refusing_sink sink;
    REQUIRE_THROWS_WITH(dnalm::embed(model, records, {.threads = threads, .batch_sequences = 3}, sink),
                        "enough");
    REQUIRE(sink.taken == 21);
  }
}
