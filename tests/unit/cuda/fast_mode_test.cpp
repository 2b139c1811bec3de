// SPDX-License-Identifier: Apache-2.0
// Batches that the GPU has no memory for: halves in fast mode, an error in deterministic mode.
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <support/same_bits.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace {

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::error_id_of;
using dnalm_test::gpu::device_memory;
using dnalm_test::gpu::memory_limit;

const std::filesystem::path bundled =
    std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-nt2";

dnalm::model on_gpu(bool deterministic) {
  return dnalm::load_model(bundled, dnalm_test::on_gpu({.deterministic = deterministic}));
}

std::vector<dnalm::io::sequence_record> records() {
  std::vector<dnalm::io::sequence_record> made;
  for (int i = 0; i < 5; ++i) {
    const std::string text = "ACGTTGCAACCGTTAGGCTAAGTCCATGACGT";
    made.push_back(
        {.name = "s" + std::to_string(i), .sequence = text.substr(0, static_cast<std::size_t>(12 + 2 * i))});
  }
  return made;
}

/// Every block, in the order of delivery.
struct collecting_sink final : dnalm::embedding_sink {
  void begin(const dnalm::embedding_shape&) override {}
  void consume(index_t first_sequence, const dnalm::embedding_block& block) override {
    REQUIRE(first_sequence == sequences);
    sequences += block.sequences;
    for (index_t s = 0; s < block.offsets.sequences(); ++s) lengths.push_back(block.offsets.length(s));
    ids.insert(ids.end(), block.ids.begin(), block.ids.end());
    values.resize(block.values.size() + 1);
    for (std::size_t i = 0; i < block.values.size(); ++i) append(block.values[i], values[i]);
    append(block.logits, values.back());
  }
  static void append(const dnalm::matrix<float>& x, std::vector<float>& to) {
    to.insert(to.end(), x.data(), x.data() + x.rows() * x.columns());
  }

  index_t sequences = 0;
  std::vector<index_t> lengths = {};
  std::vector<std::int32_t> ids = {};
  std::vector<std::vector<float>> values = {};  // one behind the other, by place; then the logits
};

collecting_sink embedded(const dnalm::model& network, const dnalm::embed_options& options) {
  const auto all = records();
  collecting_sink sink;
  dnalm::embed(network, all, options, sink);
  return sink;
}

void require_same(const collecting_sink& a, const collecting_sink& b) {
  REQUIRE(a.sequences == b.sequences);
  REQUIRE(a.lengths == b.lengths);
  REQUIRE(a.ids == b.ids);
  REQUIRE(a.values.size() == b.values.size());
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    REQUIRE(dnalm_test::same_bits(a.values[i], b.values[i]));
  }
}

/// Leaves so many bytes to the models that are there.
memory_limit spare(index_t bytes) {
  return memory_limit(device_memory().used() + bytes);
}

/// How embed() ends on a new model with so much memory to spare; what it delivered goes to `found`.
std::string failure_with(index_t bytes, bool deterministic, const dnalm::embed_options& options,
                         collecting_sink& found) {
  const dnalm::model network = on_gpu(deterministic);
  const memory_limit little = spare(bytes);
  return error_id_of([&] { found = embedded(network, options); });
}

/// A size of memory that is too small for the batch, but not for half of it.
index_t half_of_needed(const dnalm::embed_options& options) {
  collecting_sink ignored;
  index_t bytes = index_t{1} << 20;
  while (failure_with(bytes, true, options, ignored).empty()) bytes -= bytes / 3;
  return bytes;
}

std::vector<dnalm::embed_options> wishes() {
  dnalm::embed_options pooled{.poolings = {pooling::mean, pooling::max}};
  dnalm::embed_options rows{
      .layers = dnalm::layer_selection({1, 3}), .poolings = {pooling::tokens, pooling::mean}, .logits = true};
  dnalm::embed_options windows{.poolings = {pooling::mean, pooling::tokens},
                               .window = {.tokens = 3, .overlap = 0}};
  std::vector<dnalm::embed_options> all{pooled, rows, windows};
  for (auto& options : all) options.threads = 1;
  return all;
}

}  // namespace

TEST_CASE("in fast mode a batch without memory runs in halves, with the same results", "[cuda]") {
  for (const dnalm::embed_options& options : wishes()) {
    const collecting_sink whole = embedded(on_gpu(false), options);
    CHECK(whole.sequences == 5);
    int cut = 0;
    for (index_t bytes = half_of_needed(options);; bytes -= bytes / 3) {
      collecting_sink found;
      CHECK(failure_with(bytes, true, options, found) == "dnalm.memory.608");
      const std::string failure = failure_with(bytes, false, options, found);
      if (!failure.empty()) {
        CHECK(failure == "dnalm.memory.608");  // not even one sequence
        break;
      }
      require_same(found, whole);
      ++cut;
    }
    CHECK(cut >= 2);
  }
}

TEST_CASE("one sequence without memory is an error in fast mode too, and nothing of it is delivered",
          "[cuda]") {
  for (const bool deterministic : {true, false}) {
    const dnalm::model gpu = on_gpu(deterministic);
    const memory_limit none = spare(1024);
    const auto all = records();
    collecting_sink sink;
    CHECK(error_id_of([&] { dnalm::embed(gpu, all, wishes().front(), sink); }) == "dnalm.memory.608");
    CHECK(sink.sequences == 0);
  }
}

TEST_CASE("in deterministic mode a batch without memory is an error, and the next one runs", "[cuda]") {
  const dnalm::embed_options options = wishes().front();
  const index_t little = half_of_needed(options);
  const dnalm::model gpu = on_gpu(true);
  CHECK_FALSE(gpu.prefers().splits);
  CHECK(on_gpu(false).prefers().splits);
  {
    const memory_limit limit = spare(little);
    CHECK(error_id_of([&] { static_cast<void>(embedded(gpu, options)); }) == "dnalm.memory.608");
  }
  CHECK(embedded(gpu, options).sequences == 5);
}

TEST_CASE("the backend's own limit cuts batches as the GPU's memory does", "[cuda]") {
  const dnalm::embed_options options = wishes().front();
  const index_t before = device_memory().used();
  index_t held = 0;
  {
    const dnalm::model gpu = on_gpu(true);
    held = device_memory().used() - before;
  }
  const index_t limit = held + half_of_needed(options);
  const auto limited = [&](bool deterministic) {
    return dnalm::load_model(bundled,
                             dnalm_test::on_gpu({.deterministic = deterministic, .memory_limit = limit}));
  };
  CHECK(error_id_of([&] { static_cast<void>(embedded(limited(true), options)); }) == "dnalm.memory.609");
  require_same(embedded(limited(false), options), embedded(on_gpu(false), options));
}
